/// Why a handshake or a ciphertext was refused.
public enum NoiseError: Error, Equatable, Sendable {
    /// A message is shorter than its pattern demands, or longer than a Noise message may be.
    case badLength
    /// A ciphertext does not authenticate: another key, another transcript, or changed bytes.
    case notAuthentic
    /// A Diffie–Hellman result is all zero: the peer's key has low order.
    case lowOrderKey
    /// The peer's key is not the one encoding of its point.
    case nonCanonicalKey
    /// A key, or a pre-shared key, has the wrong length or number.
    case badKey
    /// The cipher's nonces are used up. Permanent.
    case nonceExhausted
    /// The handshake is not at a point where this may be done. A bug of the caller.
    case outOfTurn
}

extension NoiseError: CustomStringConvertible {
    /// What is wrong.
    public var description: String {
        switch self {
        case .badLength: "a handshake message has the wrong length"
        case .notAuthentic: "the peer does not hold the expected key, or the bytes were changed"
        case .lowOrderKey: "the peer's key is degenerate"
        case .nonCanonicalKey: "the peer's key has an encoding that is not allowed"
        case .badKey: "a key has the wrong length"
        case .nonceExhausted: "this session's keys are used up"
        case .outOfTurn: "the handshake is not at this step"
        }
    }
}
