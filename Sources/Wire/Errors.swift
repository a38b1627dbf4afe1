/// Why bytes from outside were refused. Nothing is changed by a decoder that throws.
public enum WireError: Error, Equatable, Sendable {
    /// The input ended before the value did.
    case truncated
    /// Bytes were left over after the value.
    case trailingBytes(count: Int)
    /// A length or count exceeds its named limit.
    case tooLarge(field: String, value: Int, limit: Int)
    /// A field holds a value that its type does not allow.
    case invalid(field: String)
    /// The encoding is well formed but is not the only one allowed for this value.
    case nonCanonical(field: String)
    /// A version that this build does not speak.
    case unsupportedVersion(field: String, value: Int)
}

extension WireError: CustomStringConvertible {
    /// The form for print.
    public var description: String {
        switch self {
        case .truncated: "the message is cut short"
        case .trailingBytes(let count): "\(count) bytes too many at the end of the message"
        case .tooLarge(let field, let value, let limit):
            "\(field) is \(value), more than the limit of \(limit)"
        case .invalid(let field): "\(field) has a value that is not allowed"
        case .nonCanonical(let field): "\(field) is not in its canonical encoding"
        case .unsupportedVersion(let field, let value):
            "\(field) \(value) is not supported by this version of shoal"
        }
    }
}
