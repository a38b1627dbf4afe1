/// Why a template was refused, or its rendering ended early.
public struct TemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: Sendable, Hashable {
        /// The source is not a template.
        case syntax
        /// The template uses what this interpreter does not know.
        case unsupported
        /// A bound of ``JinjaLimits`` was reached.
        case limit
        /// An operation does not fit its operands.
        case evaluation
        /// The template called `raise_exception`: it does not take such a conversation.
        case raised
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// What is wrong.
    public let message: String
    /// The line of the source, from 1; nil where there is none.
    public internal(set) var line: Int?

    init(_ kind: Kind, _ message: String, line: Int? = nil) {
        self.kind = kind
        self.message = message
        self.line = line
    }

    /// One line that a user can act on.
    public var description: String {
        guard let line else { return message }
        return "line \(line): \(message)"
    }

    /// An operation that does not fit its operands.
    static func evaluation(_ message: String) -> Self { Self(.evaluation, message) }

    /// A bound that was reached.
    static func limit(_ message: String) -> Self { Self(.limit, message) }

    /// Something of Jinja2 that is not known here.
    static func unsupported(_ message: String, line: Int? = nil) -> Self {
        Self(.unsupported, message, line: line)
    }
}
