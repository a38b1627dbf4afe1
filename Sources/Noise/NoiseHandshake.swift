public import Secrets

/// A handshake in progress: section 5.3's HandshakeState over section 5.2's SymmetricState.
///
/// A message that is refused leaves the state unusable on purpose: a handshake is not repaired,
/// it is begun again. A peer's key that is not the one encoding of its point, or of low order, is
/// refused: an ephemeral that is not canonical as it is read, the rest by the first agreement with it,
/// for a static key in the very message that brings it.
public struct NoiseHandshake: Sendable, CustomStringConvertible, CustomReflectable {
    private let pattern: NoisePattern
    private let role: NoiseRole
    private let staticKey: NoiseKeyPair
    private let ephemeral: NoiseKeyPair
    /// Those that the pattern has not used yet.
    private var preSharedKeys: [SecretBytes]
    private var remoteEphemeral: [UInt8]?
    private var step = 0
    private var failed = false

    // SymmetricState
    private var chainingKey: SecretBytes
    private var transcript: [UInt8]
    private var cipher: CipherState?

    private var receivedStaticKey: [UInt8]?

    /// The peer's static key, once the message that brought it was authenticated whole.
    public var remoteStaticKey: [UInt8]? { failed ? nil : receivedStaticKey }

    /// A handshake before its first message.
    ///
    /// - Parameters:
    ///   - prologue: Bytes that both ends must agree on; they are not sent.
    ///   - preSharedKeys: As many as the pattern takes, of 32 bytes each, in order.
    ///   - ephemeral: A key pair made for this handshake alone.
    public init(
        pattern: NoisePattern, role: NoiseRole, prologue: [UInt8], staticKey: NoiseKeyPair,
        preSharedKeys: [SecretBytes] = [], ephemeral: NoiseKeyPair
    ) throws(NoiseError) {
        guard preSharedKeys.count == pattern.preSharedKeyCount,
            preSharedKeys.allSatisfy({ $0.count == NoiseLimits.keyBytes })
        else { throw .badKey }
        self.pattern = pattern
        self.role = role
        self.staticKey = staticKey
        self.ephemeral = ephemeral
        self.preSharedKeys = preSharedKeys
        let name = Array(pattern.protocolName.utf8)
        transcript =
            name.count <= NoiseLimits.hashBytes
            ? name + [UInt8](repeating: 0, count: NoiseLimits.hashBytes - name.count)
            : Primitives.hash(name)
        chainingKey = SecretBytes(transcript, in: .pooled)
        mixHash(prologue)
    }

    /// The same with pre-shared keys that are copied: prefer secrets that stay where they are.
    public init(
        pattern: NoisePattern, role: NoiseRole, prologue: [UInt8], staticKey: NoiseKeyPair,
        preSharedKeys: [[UInt8]], ephemeral: NoiseKeyPair
    ) throws(NoiseError) {
        guard preSharedKeys.allSatisfy({ $0.count == NoiseLimits.keyBytes }) else { throw .badKey }
        try self.init(
            pattern: pattern, role: role, prologue: prologue, staticKey: staticKey,
            preSharedKeys: preSharedKeys.map { SecretBytes($0, in: .pooled) },
            ephemeral: ephemeral)
    }

    /// Whether all three messages have passed.
    public var isComplete: Bool { step == pattern.messages.count && !failed }

    private var isOurTurn: Bool { step.isMultiple(of: 2) == (role == .initiator) }

    /// The next message, to be sent as it is.
    public mutating func writeMessage(payload: [UInt8] = []) throws(NoiseError) -> [UInt8] {
        guard !failed, step < pattern.messages.count, isOurTurn else { throw .outOfTurn }
        failed = true  // until this message is whole
        var message: [UInt8] = []
        for token in pattern.messages[step] {
            switch token {
            case .e:
                message += ephemeral.publicKey
                mixHash(ephemeral.publicKey)
                // Section 9.2: with a pre-shared key, ephemerals are keys of the transcript too.
                if pattern.preSharedKeyCount > 0 {
                    ephemeral.publicKey.withUnsafeBytes { mixKey($0) }
                }
            case .s: message += try encryptAndHash(staticKey.publicKey)
            default: try mix(token)
            }
        }
        message += try encryptAndHash(payload)
        guard message.count <= NoiseLimits.messageBytesMax else { throw .badLength }
        step += 1
        failed = false
        return message
    }

    /// Takes in the peer's message and returns its payload.
    public mutating func readMessage(_ message: [UInt8]) throws(NoiseError) -> [UInt8] {
        guard !failed, step < pattern.messages.count, !isOurTurn else { throw .outOfTurn }
        failed = true  // until this message is whole
        guard message.count <= NoiseLimits.messageBytesMax else { throw .badLength }
        var rest = message[...]
        func take(_ count: Int) throws(NoiseError) -> [UInt8] {
            guard rest.count >= count else { throw .badLength }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        for token in pattern.messages[step] {
            switch token {
            case .e:
                let key = try take(NoiseLimits.keyBytes)
                guard KeyAgreement.isCanonical(key) else { throw .nonCanonicalKey }
                remoteEphemeral = key
                mixHash(key)
                if pattern.preSharedKeyCount > 0 { key.withUnsafeBytes { mixKey($0) } }
            case .s:
                let sealed = try take(
                    NoiseLimits.keyBytes + (cipher == nil ? 0 : NoiseLimits.tagBytes))
                receivedStaticKey = try decryptAndHash(sealed)
            default: try mix(token)
            }
        }
        let payload = try decryptAndHash(Array(rest))
        step += 1
        failed = false
        return payload
    }

    /// The transport ciphers and the handshake's hash, which is the same at both ends and unique to
    /// this session (section 11.2).
    public func split() throws(NoiseError) -> (
        send: CipherState, receive: CipherState, handshakeHash: [UInt8]
    ) {
        guard isComplete else { throw .outOfTurn }
        let keys = Primitives.hkdf(
            chainingKey: chainingKey, input: UnsafeRawBufferPointer(start: nil, count: 0),
            outputs: 2)
        let first = CipherState(key: keys[0])
        let second = CipherState(key: keys[1])
        return role == .initiator
            ? (first, second, transcript) : (second, first, transcript)
    }

    // MARK: Tokens

    private mutating func mix(_ token: NoisePattern.Token) throws(NoiseError) {
        switch token {
        case .psk: mixKeyAndHash(preSharedKeys.removeFirst())
        case .ee: try mixDH(ephemeral, remoteEphemeral)
        case .es:
            if role == .initiator {
                try mixDH(ephemeral, receivedStaticKey)
            } else {
                try mixDH(staticKey, remoteEphemeral)
            }
        case .se:
            if role == .initiator {
                try mixDH(staticKey, remoteEphemeral)
            } else {
                try mixDH(ephemeral, receivedStaticKey)
            }
        case .e, .s: throw .outOfTurn  // written and read by the callers, never mixed here
        }
    }

    private mutating func mixDH(_ ours: NoiseKeyPair, _ theirs: [UInt8]?) throws(NoiseError) {
        guard let theirs else { throw .outOfTurn }
        try Primitives.dh(secret: ours.secret, public: theirs).withUnsafeBytes { mixKey($0) }
    }

    // MARK: SymmetricState

    private mutating func mixHash(_ data: [UInt8]) {
        transcript = Primitives.hash(transcript, data)
    }

    private mutating func mixKey(_ input: UnsafeRawBufferPointer) {
        let keys = Primitives.hkdf(chainingKey: chainingKey, input: input, outputs: 2)
        chainingKey = keys[0]
        cipher = CipherState(key: keys[1])
    }

    private mutating func mixKeyAndHash(_ input: SecretBytes) {
        let keys = input.withUnsafeBytes {
            Primitives.hkdf(chainingKey: chainingKey, input: $0, outputs: 3)
        }
        chainingKey = keys[0]
        var part = keys[1].copy()
        defer { wipe(&part) }
        mixHash(part)
        cipher = CipherState(key: keys[2])
    }

    private mutating func encryptAndHash(_ plaintext: [UInt8]) throws(NoiseError) -> [UInt8] {
        let output = try cipher?.seal(plaintext, associatedData: transcript) ?? plaintext
        mixHash(output)
        return output
    }

    private mutating func decryptAndHash(_ ciphertext: [UInt8]) throws(NoiseError) -> [UInt8] {
        let output = try cipher?.open(ciphertext, associatedData: transcript) ?? ciphertext
        mixHash(ciphertext)
        return output
    }

    /// Never shows a key.
    public var description: String { "NoiseHandshake(redacted)" }
    /// Never shows a key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
