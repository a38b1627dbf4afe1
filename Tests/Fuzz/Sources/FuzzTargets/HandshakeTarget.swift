import Mesh
import Noise
import Secrets
import Trust
import Wire

/// Links before and after their handshake, and the door before it: bytes from strangers, and bytes
/// that are well sealed by someone who holds the right keys. Nothing may trap, and nobody gets in
/// who is no member.
///
/// An input is a list of steps: `what u8, length u16, that many bytes`.
enum HandshakeTarget {
    private enum Step: UInt8, CaseIterable {
        /// A new connection at a quiet door; the bytes are all that it says.
        case door
        /// A first message that is right, at a crowded door; the bytes answer the cookie.
        case cookie
        /// Bytes in place of message 2, and sealed as its payload.
        case second, secondPayload
        /// Bytes in place of message 3, and sealed as its payload.
        case third, thirdPayload
        /// Bytes as a record, and sealed as one.
        case record, recordPayload
        case wait
    }

    private static let wall = WallTime(seconds: 1_800_000_000)
    private static let source = AdmissionSource(address: [192, 0, 2, 1])

    /// A mesh of two members, with keys made once.
    private struct Scene {
        let genesis: Genesis
        let local: [LinkHandshake.Local]
        let staticKeys: [NoiseKeyPair]
        let ephemeral: NoiseKeyPair
        let preamble: LinkPreamble
        let key = SecretBytes([UInt8](repeating: 3, count: 32), in: .pooled)
        let quiet: Doorman
        let crowded: Doorman

        init() throws {
            let authority = Identity.generate()
            let genesis = try Genesis(name: "lab", authority: authority.nodeID, created: wall)
            self.genesis = genesis
            var local: [LinkHandshake.Local] = []
            var staticKeys: [NoiseKeyPair] = []
            for number in 1...2 {
                let identity = Identity.generate()
                let certificate = try Certificate(
                    .init(
                        kind: .member, mesh: genesis.id, subject: identity.nodeID,
                        name: "n\(number)", roles: [.server, .client], labels: [], serial: 1,
                        epoch: 1, notBefore: wall, notAfter: wall + .seconds(86_400),
                        issuer: authority.nodeID), signedBy: authority)
                let linkKey = LinkKeyPair.generate(now: wall)
                staticKeys.append(try NoiseKeyPair(secret: linkKey.secret))
                local.append(
                    try LinkHandshake.Local(
                        identity: identity,
                        chain: CertificateChain(member: certificate, issuer: nil),
                        linkKey: linkKey, mesh: genesis.id))
            }
            self.local = local
            self.staticKeys = staticKeys
            ephemeral = .generate()
            let keyID: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
            guard let preamble = LinkPreamble(lane: .member, keyID: keyID) else {
                preconditionFailure("eight bytes are a key id")
            }
            self.preamble = preamble
            var door = Doorman(
                genesis: genesis, keys: LaneKeys(member: [keyID: key], catchUp: [keyID: key]),
                trust: TrustState(), secret: SecretBytes([UInt8](repeating: 9, count: 32)))
            quiet = door
            for number in 1...UInt64(AdmissionLimits.openRoomPerSource) {
                var dial = try LinkHandshake(
                    initiating: preamble, preSharedKey: key, local: local[0], expecting: nil,
                    verifier: Self.verifier(genesis), ephemeral: .generate(), at: .origin)
                _ = door.arrived(number, from: source, at: .origin)
                _ = door.receive(sent(dial.start()), on: number, at: .origin, wall: wall)
            }
            crowded = door
        }

        static func verifier(_ genesis: Genesis) -> MemberVerifier {
            MemberVerifier(genesis: genesis, trust: nil) { wall }
        }

        func dial() throws -> LinkHandshake {
            try LinkHandshake(
                initiating: preamble, preSharedKey: key, local: local[0], expecting: nil,
                verifier: Self.verifier(genesis), ephemeral: ephemeral, at: .origin)
        }

        func answer() -> LinkHandshake {
            let key = key
            return LinkHandshake(
                responding: { _ in key }, local: local[1], verifier: Self.verifier(genesis),
                ephemeral: ephemeral, at: .origin)
        }

        /// One end by itself, to seal what the fuzzer likes.
        func noise(_ role: NoiseRole) throws -> NoiseHandshake {
            try NoiseHandshake(
                pattern: .xxpsk0, role: role, prologue: preamble.prologue(mesh: genesis.id),
                staticKey: staticKeys[role == .initiator ? 0 : 1], preSharedKeys: [key],
                ephemeral: ephemeral)
        }
    }

    private static let scene: Scene = {
        do { return try Scene() } catch { preconditionFailure("no scene: \(error)") }
    }()

    private static func sent(_ effects: [HandshakeEffect]) -> [UInt8] {
        effects.flatMap { effect -> [UInt8] in
            if case .send(let bytes) = effect { bytes } else { [] }
        }
    }

    private static func framed(_ message: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeBytes16(message)
        return writer.bytes
    }

    static func run(_ bytes: [UInt8]) {
        var now = MonotonicInstant.origin
        var door = scene.quiet
        var crowd = scene.crowded
        var connection: UInt64 = 1000
        var reader = ByteReader(bytes)
        for _ in 0..<FuzzLimits.handshakeStepsMax {
            guard let kind = try? reader.readUInt8(), let count: UInt16 = try? reader.readInteger()
            else { return }
            let content = Array((try? reader.readBytes(min(Int(count), reader.remaining))) ?? [])
            connection += 1
            do {
                switch Step(rawValue: kind % UInt8(Step.allCases.count)) ?? .wait {
                case .door: knock(content, connection, &door, at: now)
                case .cookie: try answer(content, connection, &crowd, at: now)
                case .second, .secondPayload: try second(content, isSealed: kind % 2 == 1)
                case .third, .thirdPayload: try third(content, isSealed: kind % 2 == 1)
                case .record, .recordPayload: try record(content, isSealed: kind % 2 == 1)
                case .wait:
                    now = now + .milliseconds(Int(count))
                    _ = door.tick(at: now)
                    _ = crowd.tick(at: now)
                }
            } catch { continue }
            precondition(
                door.waiting <= AdmissionLimits.silentMax + AdmissionLimits.challengedMax,
                "too many wait at the door")
        }
    }

    private static func knock(
        _ bytes: [UInt8], _ connection: UInt64, _ door: inout Doorman, at now: MonotonicInstant
    ) {
        _ = door.arrived(connection, from: source, at: now)
        for effect in door.receive(bytes, on: connection, at: now, wall: wall) {
            // The key is nobody's but the scene's.
            if case .admit = effect { preconditionFailure("a stranger was admitted") }
        }
    }

    private static func answer(
        _ bytes: [UInt8], _ connection: UInt64, _ door: inout Doorman, at now: MonotonicInstant
    ) throws {
        var dial = try LinkHandshake(
            initiating: scene.preamble, preSharedKey: scene.key, local: scene.local[0],
            expecting: nil, verifier: Scene.verifier(scene.genesis), ephemeral: .generate(),
            at: now)
        _ = door.arrived(connection, from: source, at: now)
        _ = door.receive(sent(dial.start()), on: connection, at: now, wall: wall)
        for effect in door.receive(bytes, on: connection, at: now, wall: wall) {
            if case .admit = effect { preconditionFailure("no member answered") }
        }
    }

    private static func second(_ bytes: [UInt8], isSealed: Bool) throws {
        var dial = try scene.dial()
        let first = sent(dial.start()).dropFirst(LinkLimits.preambleBytes + 2)
        var message = bytes
        if isSealed {
            var noise = try scene.noise(.responder)
            _ = try noise.readMessage(Array(first))
            message = framed(try noise.writeMessage(payload: Array(bytes.prefix(4096))))
        }
        for effect in dial.receive(message) {
            // Well sealed, the fuzzer may find out what the member itself would say.
            if !isSealed, case .established = effect {
                preconditionFailure("no member answered")
            }
        }
    }

    private static func third(_ bytes: [UInt8], isSealed: Bool) throws {
        var noise = try scene.noise(.initiator)
        var answer = scene.answer()
        let first = try noise.writeMessage(payload: [])
        let second = sent(answer.receive(scene.preamble.encoded + framed(first)))
        var message = bytes
        if isSealed {
            _ = try noise.readMessage(Array(second.dropFirst(2)))
            message = framed(try noise.writeMessage(payload: Array(bytes.prefix(4096))))
        }
        for effect in answer.receive(message) {
            if !isSealed, case .established = effect {
                preconditionFailure("no member dialled")
            }
        }
    }

    /// A session that stands; each input begins with a fresh copy.
    private static let session: (EstablishedLink, EstablishedLink) = {
        do {
            var (dial, answer) = (try scene.dial(), scene.answer())
            var bytes = sent(dial.start())
            bytes = sent(answer.receive(bytes))
            let ours = dial.receive(bytes)
            let theirs = answer.receive(sent(ours))
            for case .established(let one) in ours {
                for case .established(let other) in theirs { return (one, other) }
            }
        } catch { preconditionFailure("no session: \(error)") }
        preconditionFailure("no session")
    }()

    private static func record(_ bytes: [UInt8], isSealed: Bool) throws {
        var receiver = LinkSession(session.1, at: .origin)
        var record = bytes
        if isSealed {
            var sending = session.0.sending
            record = try sending.seal(Array(bytes.prefix(LinkLimits.recordPlaintextBytesMax)))
        }
        _ = try receiver.receive(record, at: .origin)
        _ = try receiver.nextRecord(at: .origin)
    }

    /// Each step with something that is nearly right.
    static var seeds: [(name: String, bytes: [UInt8])] {
        func step(_ step: Step, _ bytes: [UInt8]) -> [UInt8] {
            var writer = ByteWriter()
            writer.writeInteger(step.rawValue)
            writer.writeInteger(UInt16(bytes.count))
            writer.writeBytes(bytes)
            return writer.bytes
        }
        var frame = ByteWriter()
        LinkFrame.open(stream: 1, service: .inference, first: [1]).encode(to: &frame)
        LinkFrame.data(stream: 1, bytes: [1, 2, 3]).encode(to: &frame)
        var noise = try? scene.noise(.initiator)
        let first = (try? noise?.writeMessage(payload: [])) ?? []
        // Proofs of the other member: well made, of another key.
        let proof = scene.local[0].proof
        let steps: [(Step, [UInt8])] = [
            (.door, scene.preamble.encoded + framed(first.reversed())), (.door, [1, 0, 1, 2]),
            (.cookie, framed([UInt8](repeating: 1, count: 400))),
            (.second, framed([UInt8](repeating: 7, count: 200))), (.secondPayload, proof),
            (.third, framed([UInt8](repeating: 7, count: 200))),
            (.thirdPayload, LinkGreeting(purpose: .bulk, proof: scene.local[1].proof).encoded),
            (.record, [UInt8](repeating: 2, count: 40)), (.recordPayload, frame.bytes),
            (.wait, [1]),
        ]
        return steps.enumerated().map { ("step-\($0)", step($1.0, $1.1)) }
            + [("all", steps.flatMap { step($0.0, $0.1) })]
    }
}
