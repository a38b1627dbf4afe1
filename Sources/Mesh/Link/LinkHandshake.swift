public import Noise
public import Trust
public import Wire

/// Who the other end of a link proved to be.
public struct LinkPeer: Sendable {
    /// The node.
    public let nodeID: NodeID
    /// The member as its certificate says; nil for a node that joins.
    public let member: VerifiedMember?
    /// The proof that was verified.
    public let proof: LinkProof
    /// The key that the handshake authenticated.
    public let linkKey: LinkKey
    /// The newest protocol version that both ends speak.
    public let version: UInt16

    /// A peer as verified.
    public init(
        nodeID: NodeID, member: VerifiedMember?, proof: LinkProof, linkKey: LinkKey, version: UInt16
    ) {
        self.nodeID = nodeID
        self.member = member
        self.proof = proof
        self.linkKey = linkKey
        self.version = version
    }
}

/// Decides who the other end of a handshake is.
public protocol LinkVerifier: Sendable {
    /// Checks the payload of the peer's handshake message.
    ///
    /// - Parameters:
    ///   - payload: The bytes of a `LinkProof`.
    ///   - staticKey: The key that the handshake authenticated, which the proof must be about.
    ///   - isJoiner: The peer is the one that joins: it has no certificate yet.
    func verify(
        payload: [UInt8], staticKey: LinkKey, isJoiner: Bool
    ) throws(LinkError) -> LinkPeer
}

/// A finished handshake.
public struct EstablishedLink: Sendable {
    /// The other end.
    public let peer: LinkPeer
    /// What the link is for, and by which key.
    public let preamble: LinkPreamble
    /// Which end this is.
    public let role: NoiseRole
    /// The cipher of this side's records.
    public let sending: CipherState
    /// The cipher of the peer's records.
    public let receiving: CipherState
    /// Unique to this session and the same at both ends.
    public let handshakeHash: [UInt8]
    /// Bytes that came after the handshake: the peer's first records.
    public let leftover: [UInt8]
}

/// What the shell is to do for a handshake.
public enum HandshakeEffect: Sendable {
    /// Send these bytes.
    case send([UInt8])
    /// The handshake is over.
    case established(EstablishedLink)
    /// Close the connection without sending anything.
    case fail(LinkError)
}

/// The handshake of a link, at either end: preamble, three Noise messages, the proofs of both sides.
///
/// A pure state machine. It keeps at most one message and what came with it. Whatever is wrong
/// with the peer's bytes, the answer is the same: ``HandshakeEffect/fail(_:)``, once, and
/// nothing sent. The initiator checks who answered before it says who it is.
public struct LinkHandshake: Sendable {
    /// What a side brings to a handshake.
    public struct Local: Sendable {
        /// This node.
        public var nodeID: NodeID
        /// The mesh.
        public var mesh: MeshID
        /// The current link key.
        public var staticKey: NoiseKeyPair
        /// The encoded proof that goes into this side's message.
        public var proof: [UInt8]

        /// What a side brings, as given.
        public init(nodeID: NodeID, mesh: MeshID, staticKey: NoiseKeyPair, proof: [UInt8]) {
            self.nodeID = nodeID
            self.mesh = mesh
            self.staticKey = staticKey
            self.proof = proof
        }
    }

    /// Gives the pre-shared key that a preamble names, or nil for one that opens no lane here.
    public typealias KeyLookup = @Sendable (LinkPreamble) -> [UInt8]?

    private enum State: Sendable {
        /// Initiator before its start.
        case idle(NoiseHandshake)
        /// Responder before the preamble.
        case awaitPreamble(KeyLookup)
        /// Responder before message 1.
        case awaitFirst(NoiseHandshake)
        /// Initiator before message 2.
        case awaitSecond(NoiseHandshake)
        /// Responder before message 3.
        case awaitThird(NoiseHandshake)
        /// Established or failed: nothing more happens.
        case over
    }

    private let local: Local
    private let ephemeral: NoiseKeyPair
    private let verifier: any LinkVerifier
    private let expected: NodeID?
    private let role: NoiseRole
    private var preamble: LinkPreamble?
    private var state: State
    private var buffer: [UInt8] = []

    /// When the handshake fails if it is not over.
    public let deadline: MonotonicInstant

    /// The side that dialled.
    ///
    /// - Parameters:
    ///   - expected: The node that must answer; nil accepts any member.
    ///   - ephemeral: A key pair made for this handshake alone.
    public init(
        initiating preamble: LinkPreamble, preSharedKey: [UInt8], local: Local,
        expecting expected:
            NodeID?, verifier: any LinkVerifier, ephemeral: NoiseKeyPair, at now: MonotonicInstant
    ) throws(LinkError) {
        guard
            local.proof.count + LinkLimits.secondMessageBytesMin
                <= LinkLimits.handshakeMessageBytesMax
        else { throw .proofTooLong(local.proof.count) }
        self.local = local
        self.ephemeral = ephemeral
        self.verifier = verifier
        self.expected = expected
        self.preamble = preamble
        role = .initiator
        deadline = now + LinkLimits.handshakeDeadline
        do {
            state = .idle(
                try NoiseHandshake(
                    pattern: .xxpsk0, role: .initiator,
                    prologue: preamble.prologue(mesh: local.mesh), staticKey: local.staticKey,
                    preSharedKeys: [preSharedKey], ephemeral: ephemeral))
        } catch { throw .handshakeNotAuthentic }
    }

    /// The side that was dialled.
    public init(
        responding keys: @escaping KeyLookup, local: Local, verifier: any LinkVerifier,
        ephemeral: NoiseKeyPair, at now: MonotonicInstant
    ) {
        self.local = local
        self.ephemeral = ephemeral
        self.verifier = verifier
        expected = nil
        preamble = nil
        role = .responder
        deadline = now + LinkLimits.handshakeDeadline
        state = .awaitPreamble(keys)
    }

    /// Whether the handshake succeeded or failed.
    public var isOver: Bool {
        if case .over = state { return true }
        return false
    }

    /// The initiator's first bytes: preamble and message 1. The responder waits.
    public mutating func start() -> [HandshakeEffect] {
        guard case .idle(var noise) = state, let preamble else { return [] }
        do {
            let message = try noise.writeMessage(payload: [])
            state = .awaitSecond(noise)
            return [.send(preamble.encoded + Self.framed(message))]
        } catch { return fail(.handshakeNotAuthentic) }
    }

    /// Takes in bytes of the connection.
    public mutating func receive(_ bytes: [UInt8]) -> [HandshakeEffect] {
        guard !isOver else { return [] }
        buffer += bytes
        var effects: [HandshakeEffect] = []
        do {
            while try step(&effects) {}
        } catch { return fail(error) }
        return effects
    }

    /// Fails the handshake when its time is over.
    public mutating func tick(at now: MonotonicInstant) -> [HandshakeEffect] {
        isOver || now < deadline ? [] : fail(.handshakeTimeout)
    }

    private mutating func fail(_ error: LinkError) -> [HandshakeEffect] {
        state = .over
        buffer = []
        return [.fail(error)]
    }

    private static func framed(_ message: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: 2 + message.count)
        writer.writeBytes16(message)
        return writer.bytes
    }

    /// Makes one step if the bytes for it are there; false when more have to come.
    private mutating func step(_ effects: inout [HandshakeEffect]) throws(LinkError) -> Bool {
        switch state {
        case .idle, .over: return false
        case .awaitPreamble(let keys): return try readPreamble(keys)
        case .awaitFirst(var noise):
            guard
                let message = try takeMessage(
                    LinkLimits.firstMessageBytes...LinkLimits.firstMessageBytes)
            else { return false }
            _ = try read(message, with: &noise)
            let answer = try write(with: &noise)
            state = .awaitThird(noise)
            effects.append(.send(Self.framed(answer)))
            return true
        case .awaitSecond(var noise):
            let lengths =
                LinkLimits.secondMessageBytesMin...LinkLimits.handshakeMessageBytesMax
            guard let message = try takeMessage(lengths) else { return false }
            let payload = try read(message, with: &noise)
            let peer = try verify(payload, noise: noise, isJoiner: false)
            let answer = try write(with: &noise)
            effects.append(.send(Self.framed(answer)))
            effects.append(.established(try establish(noise, peer: peer)))
            return false
        case .awaitThird(var noise):
            let lengths =
                LinkLimits.thirdMessageBytesMin...LinkLimits.handshakeMessageBytesMax
            guard let message = try takeMessage(lengths) else { return false }
            let payload = try read(message, with: &noise)
            let peer = try verify(payload, noise: noise, isJoiner: preamble?.lane == .join)
            effects.append(.established(try establish(noise, peer: peer)))
            return false
        }
    }

    private mutating func readPreamble(_ keys: KeyLookup) throws(LinkError) -> Bool {
        guard buffer.count >= LinkLimits.preambleBytes else { return false }
        guard let preamble = try? LinkPreamble(decoding: buffer.prefix(LinkLimits.preambleBytes)),
            let key = keys(preamble)
        else { throw .unknownLane }
        guard
            local.proof.count + LinkLimits.secondMessageBytesMin
                <= LinkLimits.handshakeMessageBytesMax
        else { throw .proofTooLong(local.proof.count) }
        buffer.removeFirst(LinkLimits.preambleBytes)
        self.preamble = preamble
        do {
            state = .awaitFirst(
                try NoiseHandshake(
                    pattern: .xxpsk0, role: .responder,
                    prologue: preamble.prologue(mesh: local.mesh), staticKey: local.staticKey,
                    preSharedKeys: [key], ephemeral: ephemeral))
        } catch { throw .unknownLane }
        return true
    }

    /// The next message, once it is whole. Its length is judged before its bytes are waited for.
    private mutating func takeMessage(_ lengths: ClosedRange<Int>) throws(LinkError) -> [UInt8]? {
        guard buffer.count >= 2 else { return nil }
        let length = Int(buffer[0]) << 8 | Int(buffer[1])
        guard lengths.contains(length) else { throw .handshakeLength }
        guard buffer.count >= 2 + length else { return nil }
        defer { buffer.removeFirst(2 + length) }
        return Array(buffer[2..<2 + length])
    }

    private func read(
        _ message: [UInt8], with noise: inout NoiseHandshake
    ) throws(LinkError) -> [UInt8] {
        do { return try noise.readMessage(message) } catch { throw .handshakeNotAuthentic }
    }

    private func write(with noise: inout NoiseHandshake) throws(LinkError) -> [UInt8] {
        do { return try noise.writeMessage(payload: local.proof) } catch {
            throw .handshakeNotAuthentic
        }
    }

    private func verify(
        _ payload: [UInt8], noise: NoiseHandshake, isJoiner: Bool
    ) throws(LinkError) -> LinkPeer {
        guard let bytes = noise.remoteStaticKey, let staticKey = LinkKey(bytes) else {
            throw .handshakeNotAuthentic
        }
        let peer = try verifier.verify(payload: payload, staticKey: staticKey, isJoiner: isJoiner)
        guard peer.nodeID != local.nodeID else { throw .selfDial }
        if let expected, peer.nodeID != expected {
            throw .wrongPeer(expected: expected, found: peer.nodeID)
        }
        return peer
    }

    private mutating func establish(
        _ noise: NoiseHandshake, peer: LinkPeer
    ) throws(LinkError) -> EstablishedLink {
        guard let preamble else { throw .unknownLane }
        do {
            let (sending, receiving, hash) = try noise.split()
            state = .over
            defer { buffer = [] }
            return EstablishedLink(
                peer: peer, preamble: preamble, role: role, sending: sending, receiving: receiving,
                handshakeHash: hash, leftover: buffer)
        } catch { throw .handshakeNotAuthentic }
    }
}
