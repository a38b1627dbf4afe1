/// A key of datagrams as the endpoint keeps it: only the cipher that made it looks into it.
///
/// A real cipher's keys lie in memory that is locked and wiped, which this only refers to; those of a
/// simulation are no secret, and there are millions of them.
public struct DatagramKey: Sendable {
    /// What a cipher hands out.
    public enum Content: Sendable {
        /// A key that is kept elsewhere.
        case held(any AnyObject & Sendable)
        /// A key that anyone may see.
        case plain(UInt64, UInt64, UInt64, UInt64)
    }

    /// What the cipher handed out.
    public let content: Content

    /// A key that the cipher keeps.
    public init(held object: any AnyObject & Sendable) { content = .held(object) }

    /// A key that is no secret.
    public init(plain words: (UInt64, UInt64, UInt64, UInt64)) {
        content = .plain(words.0, words.1, words.2, words.3)
    }

    /// The words of a key that is no secret; zeros for one that is kept elsewhere.
    public var words: (UInt64, UInt64, UInt64, UInt64) {
        guard case .plain(let first, let second, let third, let fourth) = content else {
            return (0, 0, 0, 0)
        }
        return (first, second, third, fourth)
    }
}

extension DatagramKey: CustomStringConvertible, CustomReflectable {
    /// Never shows the key.
    public var description: String { "DatagramKey(redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
