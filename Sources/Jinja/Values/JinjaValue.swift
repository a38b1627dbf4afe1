/// A value that a caller hands to a template: what JSON can say, with trust on its strings.
public indirect enum JinjaValue: Sendable, Hashable {
    /// Python's None, JSON's null.
    case none
    /// True or false.
    case boolean(Bool)
    /// A whole number.
    case integer(Int)
    /// A number with a fraction.
    case float(Double)
    /// A string.
    case string(JinjaText)
    /// A list.
    case list([JinjaValue])
    /// A mapping.
    case object(JinjaObject)

    /// A string that may spell special tokens: for what the program itself says.
    public static func trusted(_ string: String) -> Self {
        .string(JinjaText(string, isTrusted: true))
    }

    /// A string that may not: for what a user, a model or a tool says.
    public static func untrusted(_ string: String) -> Self {
        .string(JinjaText(string, isTrusted: false))
    }
}

/// A mapping from strings that keeps its order.
public struct JinjaObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One entry.
    public struct Member: Sendable, Hashable {
        /// The key.
        public var name: JinjaText
        /// What it stands for.
        public var value: JinjaValue

        /// An entry.
        public init(name: JinjaText, value: JinjaValue) {
            self.name = name
            self.value = value
        }
    }

    /// The entries in order. Of two with the same name the later one counts.
    public var members: [Member]

    /// A mapping of these entries.
    public init(_ members: [Member] = []) { self.members = members }

    /// A mapping whose names are trusted.
    public init(dictionaryLiteral elements: (String, JinjaValue)...) {
        members = elements.map {
            Member(name: JinjaText($0.0, isTrusted: true), value: $0.1)
        }
    }

    /// The value of `name`. Setting nil changes nothing; setting a value adds or replaces an entry.
    public subscript(name: String) -> JinjaValue? {
        get { members.last { $0.name == name }?.value }
        set {
            guard let newValue else { return }
            if let index = members.lastIndex(where: { $0.name == name }) {
                members[index].value = newValue
            } else {
                members.append(
                    Member(name: JinjaText(name, isTrusted: true), value: newValue))
            }
        }
    }
}
