/// A handshake pattern of the XX family (section 7.5) with its pre-shared-key modifiers
/// (section 9.4). All use 25519, ChaChaPoly and BLAKE2b.
public struct NoisePattern: Sendable, Equatable {
    enum Token: Sendable {
        case e
        case s
        case ee
        case es
        case se
        case psk
    }

    /// The full protocol name, which starts the transcript.
    public let protocolName: String
    /// How many pre-shared keys it takes.
    public let preSharedKeyCount: Int
    let messages: [[Token]]

    private init(modifier: String, psk0: Bool, psk3: Bool) {
        protocolName = "Noise_XX\(modifier)_25519_ChaChaPoly_BLAKE2b"
        preSharedKeyCount = (psk0 ? 1 : 0) + (psk3 ? 1 : 0)
        messages = [
            (psk0 ? [.psk] : []) + [.e],
            [.e, .ee, .s, .es],
            [.s, .se] + (psk3 ? [.psk] : []),
        ]
    }

    /// Without a pre-shared key.
    public static let xx = NoisePattern(modifier: "", psk0: false, psk3: false)
    /// A pre-shared key before the first message: the pattern of the mesh's links.
    public static let xxpsk0 = NoisePattern(modifier: "psk0", psk0: true, psk3: false)
    /// A pre-shared key at the end of the third message.
    public static let xxpsk3 = NoisePattern(modifier: "psk3", psk0: false, psk3: true)
    /// Both.
    public static let xxpsk0psk3 = NoisePattern(modifier: "psk0+psk3", psk0: true, psk3: true)

    /// Two patterns of one name are one pattern.
    public static func == (left: Self, right: Self) -> Bool {
        left.protocolName == right.protocolName
    }
}

/// Which end of a handshake one is.
public enum NoiseRole: Sendable {
    /// Sends the first message.
    case initiator
    /// Answers it.
    case responder
}
