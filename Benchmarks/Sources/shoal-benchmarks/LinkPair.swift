import Mesh
import Noise
import Secrets
import Trust
import Wire

private let now = WallTime(seconds: 1_800_000_000)
private let start = MonotonicInstant.origin

/// A mesh of two members, one of which dials the other.
struct BenchmarkMesh {
    private let verifier: MemberVerifier
    private let preamble: LinkPreamble
    private let preSharedKey: SecretBytes
    private let dialler: LinkHandshake.Local
    private let answerer: LinkHandshake.Local

    init() throws {
        let authority = Identity.generate()
        let genesis = try Genesis(name: "benchmark", authority: authority.nodeID, created: now)
        let gate = GateKey.generate(epoch: .init(counter: 1, issuer: authority.nodeID))
        guard let preamble = LinkPreamble(lane: .member, keyID: gate.keyID) else {
            throw BenchmarkError.wrongResult("a key id that is none")
        }
        self.preamble = preamble
        preSharedKey = gate.preSharedSecret
        verifier = MemberVerifier(genesis: genesis, trust: nil, now: { now })
        dialler = try Self.member("dialler", of: genesis, certifiedBy: authority)
        answerer = try Self.member("answerer", of: genesis, certifiedBy: authority)
    }

    private static func member(
        _ name: String, of genesis: Genesis, certifiedBy authority: Identity
    ) throws -> LinkHandshake.Local {
        let identity = Identity.generate()
        let certificate = try Certificate(
            .init(
                kind: .member, mesh: genesis.id, subject: identity.nodeID, name: name,
                roles: [.server, .client], labels: [], serial: 1, epoch: 1, notBefore: now,
                notAfter: now + .seconds(86_400), issuer: authority.nodeID),
            signedBy: authority)
        let linkKey = LinkKeyPair.generate(now: now)
        let proof = LinkProof(
            identity: identity, chain: CertificateChain(member: certificate, issuer: nil),
            linkKey: linkKey, mesh: genesis.id)
        return LinkHandshake.Local(
            nodeID: identity.nodeID, mesh: genesis.id,
            staticKey: try NoiseKeyPair(secret: linkKey.secret), proof: proof.encoded)
    }

    /// One handshake, as both ends see its end.
    func connect() throws -> (dialler: EstablishedLink, answerer: EstablishedLink) {
        var initiator = try LinkHandshake(
            initiating: preamble, preSharedKey: preSharedKey, local: dialler,
            expecting: answerer.nodeID, verifier: verifier, ephemeral: .generate(), at: start)
        let (preamble, key) = (preamble, preSharedKey)
        var responder = LinkHandshake(
            responding: { $0 == preamble ? key : nil }, local: answerer, verifier: verifier,
            ephemeral: .generate(), at: start)
        var atDialler: EstablishedLink?
        var atAnswerer: EstablishedLink?
        let first = try bytes(of: initiator.start(), established: &atDialler)
        let second = try bytes(of: responder.receive(first), established: &atAnswerer)
        let third = try bytes(of: initiator.receive(second), established: &atDialler)
        _ = try bytes(of: responder.receive(third), established: &atAnswerer)
        guard let atDialler, let atAnswerer, atDialler.handshakeHash == atAnswerer.handshakeHash
        else { throw BenchmarkError.wrongResult("a handshake that did not end") }
        return (atDialler, atAnswerer)
    }

    private func bytes(
        of effects: [HandshakeEffect], established: inout EstablishedLink?
    ) throws -> [UInt8] {
        var sent: [UInt8] = []
        for effect in effects {
            switch effect {
            case .send(let bytes): sent += bytes
            case .established(let link): established = link
            case .fail(let error): throw error
            }
        }
        return sent
    }

    /// Seconds of `count` handshakes, both sides together, the ephemeral keys included.
    func handshakes(_ count: Int) throws -> Double {
        let begin = Clock.processor()
        for _ in 0..<count { _ = try connect() }
        return Clock.processor() - begin
    }
}

/// The two ends of one link, and a stream from the one to the other.
struct LinkPair {
    private var sender: LinkSession
    private var receiver: LinkSession
    private let stream: UInt32
    private var records: [[UInt8]] = []
    private var credits: [[UInt8]] = []
    /// Bytes that the sender took and the receiver has not seen.
    private var under = 0

    init(mesh: BenchmarkMesh) throws {
        let (dialler, answerer) = try mesh.connect()
        sender = LinkSession(dialler, at: start)
        receiver = LinkSession(answerer, at: start)
        stream = try sender.multiplexer.open(service: .inference)
    }

    /// Moves `bytes` bytes in pieces of `pieceBytes`. Gives each end's seconds; handing records
    /// from the one to the other is the transport's work and counts in neither.
    mutating func transfer(
        bytes: Int, pieceBytes: Int
    ) throws -> (seal: Double, open: Double) {
        let piece = [UInt8](repeating: 0x5a, count: pieceBytes)
        var (seal, open) = (0.0, 0.0)
        var (taken, seen) = (0, 0)
        while seen < bytes {
            let (takenBefore, seenBefore) = (taken, seen)
            let begin = Clock.processor()
            try sealBatch(piece, taken: &taken, limit: bytes)
            let sealed = Clock.processor()
            // Without their length, as the transport hands them on.
            records = records.map { Array($0.dropFirst(2)) }
            let handed = Clock.processor()
            try openBatch(seen: &seen)
            let opened = Clock.processor()
            credits = credits.map { Array($0.dropFirst(2)) }
            seal += sealed - begin
            open += opened - handed
            guard taken > takenBefore || seen > seenBefore else {
                throw BenchmarkError.wrongResult("a stream that stands still")
            }
        }
        guard seen == taken else { throw BenchmarkError.wrongResult("bytes that were lost") }
        return (seal, open)
    }

    /// The sender's turn: credit in, as much of the stream as its buffer holds, records out.
    private mutating func sealBatch(_ piece: [UInt8], taken: inout Int, limit: Int) throws {
        for record in credits { _ = try sender.receive(record, at: start) }
        while taken < limit, under + piece.count <= LinkLimits.sendBufferBytesMax {
            try sender.multiplexer.send(piece, on: stream)
            taken += piece.count
            under += piece.count
        }
        records.removeAll(keepingCapacity: true)
        while let record = try sender.nextRecord(at: start) { records.append(record) }
    }

    /// The receiver's turn: records in, their bytes consumed, credit out.
    private mutating func openBatch(seen: inout Int) throws {
        for record in records {
            for case .data(let stream, let bytes) in try receiver.receive(record, at: start) {
                seen += bytes.count
                under -= bytes.count
                receiver.multiplexer.consume(stream, bytes: bytes.count)
            }
        }
        credits.removeAll(keepingCapacity: true)
        while let record = try receiver.nextRecord(at: start) { credits.append(record) }
    }
}
