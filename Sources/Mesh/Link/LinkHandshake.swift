public import Noise
public import Secrets
public import Wire

/// The handshake of a link, at either end.
///
/// On the wire, in this order; each message follows its length, 16 bits, big-endian:
///
/// 1. Initiator: ``LinkPreamble`` (10 bytes, clear), message 1 (48 bytes, empty payload).
/// 2. Perhaps, when strangers crowd the door and never on the join lane: responder, a challenge of
///    ``LinkLimits/challengeBytes``; initiator, its answer: see ``CookieSeal``.
/// 3. Responder: message 2 (96 to 2048 bytes), whose payload is its `LinkProof`.
/// 4. Initiator: message 3 (64 to 2048 bytes), whose payload is its ``LinkGreeting``.
///
/// Then come records: see ``LinkSession``. The messages are those of
/// `Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b` (revision 34) with the prologue of
/// ``LinkPreamble/prologue(mesh:)`` and, for the pre-shared key, the one that the preamble names.
/// Message 2 is told from a challenge by its length.
///
/// A pure state machine. It keeps at most one message and what came with it. Whatever is wrong
/// with the peer's bytes, the answer is the same: ``HandshakeEffect/fail(_:)``, once, and
/// nothing sent. The initiator checks who answered before it says who it is; but who answers a
/// challenge tells those who hold the pre-shared key who asks: its own mesh.
public struct LinkHandshake: Sendable {
    /// Gives the pre-shared key that a preamble names, or nil for one that opens no lane here.
    public typealias KeyLookup = @Sendable (LinkPreamble) -> SecretBytes?

    private enum State: Sendable {
        /// Initiator before its start.
        case idle(NoiseHandshake)
        /// Responder before the preamble.
        case awaitPreamble(KeyLookup)
        /// Responder before message 1, which may be in the buffer already.
        case awaitFirst(NoiseHandshake)
        /// Initiator before message 2. Of the cookie's keys when no challenge came yet.
        case awaitSecond(NoiseHandshake, CookieSeal?)
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
    private let preSharedKey: SecretBytes?
    private var purpose: LinkPurpose
    private var preamble: LinkPreamble?
    private var state: State
    private var buffer: [UInt8] = []

    /// When the handshake fails if it is not over.
    public let deadline: MonotonicInstant

    /// The side that dialled.
    ///
    /// - Parameters:
    ///   - purpose: What for; only members' links have another than ``LinkPurpose/primary``.
    ///   - expected: The node that must answer; nil accepts any member.
    ///   - ephemeral: A key pair made for this handshake alone.
    public init(
        initiating preamble: LinkPreamble, purpose: LinkPurpose = .primary,
        preSharedKey: SecretBytes, local: Local, expecting expected: NodeID?,
        verifier: any LinkVerifier, ephemeral: NoiseKeyPair, at now: MonotonicInstant
    ) throws(LinkError) {
        try Self.checkProof(local)
        precondition(
            purpose == .primary || preamble.lane == .member, "only members' links have purposes")
        self.preSharedKey = preSharedKey
        self.purpose = purpose
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

    /// The side that was dialled, with no one at its door: for a connection from someone who is
    /// known already, such as a link inside another.
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
        purpose = .primary
        preSharedKey = nil
        deadline = now + LinkLimits.handshakeDeadline
        state = .awaitPreamble(keys)
    }

    /// The side that was dialled, after the ``Doorman`` admitted a connection. ``start()`` gives
    /// message 2.
    public init(
        admitted: AdmittedConnection, local: Local, verifier: any LinkVerifier,
        ephemeral: NoiseKeyPair
    ) {
        self.local = local
        self.ephemeral = ephemeral
        self.verifier = verifier
        // Who was let past others for its name must be the one of that name.
        if case .member(let node) = admitted.reason { expected = node } else { expected = nil }
        preamble = nil
        role = .responder
        purpose = .primary
        preSharedKey = nil
        deadline = admitted.arrivedAt + LinkLimits.handshakeDeadline
        let (preamble, key) = (admitted.preamble, admitted.preSharedKey)
        state = .awaitPreamble({ $0 == preamble ? key : nil })
        buffer = preamble.encoded + Self.framed(admitted.firstMessage)
    }

    /// Whether the handshake succeeded or failed.
    public var isOver: Bool {
        if case .over = state { return true }
        return false
    }

    /// The initiator's first bytes: preamble and message 1. Of a responder after a doorman, message
    /// 2; any other waits.
    public mutating func start() -> [HandshakeEffect] {
        guard case .idle(var noise) = state, let preamble, let preSharedKey else {
            return receive([])
        }
        do {
            let message = try noise.writeMessage(payload: [])
            let seal = CookieSeal(
                preSharedKey: preSharedKey, prologue: preamble.prologue(mesh: local.mesh),
                firstMessage: message)
            state = .awaitSecond(noise, preamble.lane == .join ? nil : seal)
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
            let answer = try write(local.proof, with: &noise)
            state = .awaitThird(noise)
            effects.append(.send(Self.framed(answer)))
            return true
        case .awaitSecond(var noise, let seal):
            let lengths =
                LinkLimits.secondMessageBytesMin...LinkLimits.handshakeMessageBytesMax
            let challenges = LinkLimits.challengeBytes...LinkLimits.challengeBytes
            guard let message = try takeMessage(lengths, or: seal == nil ? nil : challenges) else {
                return false
            }
            if let seal, message.count == LinkLimits.challengeBytes {
                effects.append(.send(try answer(message, by: seal)))
                state = .awaitSecond(noise, nil)
                return true
            }
            let payload = try read(message, with: &noise)
            let peer = try verify(payload, noise: noise)
            let greeting = LinkGreeting(purpose: purpose, proof: local.proof)
            effects.append(.send(Self.framed(try write(greeting.encoded, with: &noise))))
            effects.append(.established(try establish(noise, peer: peer)))
            return false
        case .awaitThird(var noise):
            let lengths =
                LinkLimits.thirdMessageBytesMin...LinkLimits.handshakeMessageBytesMax
            guard let message = try takeMessage(lengths) else { return false }
            let payload = try read(message, with: &noise)
            let greeting: LinkGreeting
            do { greeting = try LinkGreeting(decoding: payload) } catch {
                throw .peerRefused("\(error)")
            }
            guard greeting.purpose == .primary || preamble?.lane == .member else {
                throw .peerRefused("a purpose that its lane does not have")
            }
            purpose = greeting.purpose
            let peer = try verify(greeting.proof, noise: noise)
            effects.append(.established(try establish(noise, peer: peer)))
            return false
        }
    }

    private func answer(_ challenge: [UInt8], by seal: CookieSeal) throws(LinkError) -> [UInt8] {
        guard let signer = local.signer, let cookie = seal.openChallenge(challenge) else {
            throw .handshakeNotAuthentic
        }
        let answer = seal.sealAnswer(
            CookieAnswer(cookie: cookie, signer: signer, mesh: local.mesh))
        guard answer.count <= LinkLimits.handshakeMessageBytesMax else {
            throw .proofTooLong(answer.count)
        }
        return Self.framed(answer)
    }

    /// What a side says of itself must fit its message, with the longest purpose.
    private static func checkProof(_ local: Local) throws(LinkError) {
        guard
            local.proof.count + LinkLimits.secondMessageBytesMin
                <= LinkLimits.handshakeMessageBytesMax
        else { throw .proofTooLong(local.proof.count) }
    }

    private mutating func readPreamble(_ keys: KeyLookup) throws(LinkError) -> Bool {
        guard buffer.count >= LinkLimits.preambleBytes else { return false }
        guard let preamble = try? LinkPreamble(decoding: buffer.prefix(LinkLimits.preambleBytes)),
            let key = keys(preamble)
        else { throw .unknownLane }
        try Self.checkProof(local)
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
    private mutating func takeMessage(
        _ lengths: ClosedRange<Int>, or others: ClosedRange<Int>? = nil
    ) throws(LinkError) -> [UInt8]? {
        guard buffer.count >= 2 else { return nil }
        let length = Int(buffer[0]) << 8 | Int(buffer[1])
        guard lengths.contains(length) || others?.contains(length) == true else {
            throw .handshakeLength
        }
        guard buffer.count >= 2 + length else { return nil }
        defer { buffer.removeFirst(2 + length) }
        return Array(buffer[2..<2 + length])
    }

    private func read(
        _ message: [UInt8], with noise: inout NoiseHandshake
    ) throws(LinkError) -> [UInt8] {
        do { return try noise.readMessage(message) } catch { throw .handshakeNotAuthentic }
    }

    private func write(
        _ payload: [UInt8], with noise: inout NoiseHandshake
    ) throws(LinkError) -> [UInt8] {
        do { return try noise.writeMessage(payload: payload) } catch {
            throw .handshakeNotAuthentic
        }
    }

    private func verify(
        _ proof: [UInt8], noise: NoiseHandshake
    ) throws(LinkError) -> LinkPeer {
        guard let bytes = noise.remoteStaticKey, let staticKey = LinkKey(bytes), let preamble else {
            throw .handshakeNotAuthentic
        }
        let peer = try verifier.verify(
            payload: proof, staticKey: staticKey,
            standing: LinkStanding(lane: preamble.lane, asksInitiator: role == .responder))
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
                peer: peer, preamble: preamble, purpose: purpose, role: role, sending: sending,
                receiving: receiving,
                handshakeHash: hash, leftover: buffer)
        } catch { throw .handshakeNotAuthentic }
    }
}
