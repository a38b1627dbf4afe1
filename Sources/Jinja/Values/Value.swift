/// A value while a template runs.
///
/// Namespaces, macros and other things with an identity are indices into tables of the interpreter:
/// so values form no cycles, and what a template builds is freed with the rendering.
enum Value {
    /// The value of a name or key that does not exist; its name.
    case undefined(String)
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(JinjaText)
    case sequence(Sequence)
    case mapping(Mapping)
    case generator(Generator)
    case loop(LoopState)
    case namespace(Int)
    case macro(Int)
    case joiner(Int)
    case cycler(Int)
    case function(BuiltinFunction)
    /// A method that is named but not called: it can be asked for, and nothing else.
    case method(String)

    /// A trusted text.
    static func string(_ string: String) -> Value { .text(JinjaText(string)) }

    static func list(_ elements: [Value]) throws(TemplateError) -> Value {
        .sequence(try Sequence(elements, .list))
    }

    static func tuple(_ elements: [Value]) throws(TemplateError) -> Value {
        .sequence(try Sequence(elements, .tuple))
    }

    /// How deeply lists and mappings nest in the value.
    var depth: Int {
        switch self {
        case .sequence(let sequence): sequence.depth
        case .mapping(let mapping): mapping.depth
        case .generator(let generator): generator.depth
        case .loop(let loop): loop.valueDepth
        case .undefined, .none, .boolean, .integer, .float, .text, .namespace, .macro, .joiner,
            .cycler, .function, .method:
            0
        }
    }

    var isUndefined: Bool {
        if case .undefined = self { true } else { false }
    }

    var isNone: Bool {
        if case .none = self { true } else { false }
    }

    /// Python's name of the type, for messages.
    var typeName: String {
        switch self {
        case .undefined: "undefined"
        case .none: "None"
        case .boolean: "bool"
        case .integer: "int"
        case .float: "float"
        case .text: "str"
        case .sequence(let sequence): sequence.kind.typeName
        case .mapping: "dict"
        case .generator: "generator"
        case .loop: "loop"
        case .namespace: "namespace"
        case .macro: "macro"
        case .joiner: "joiner"
        case .cycler: "cycler"
        case .function, .method: "function"
        }
    }

    /// Truth as Python sees it.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .boolean(let value): value
        case .integer(let value): value != 0
        case .float(let value): value != 0
        case .text(let text): !text.units.isEmpty
        case .sequence(let sequence): !sequence.elements.isEmpty
        case .mapping(let mapping): !mapping.values.isEmpty
        case .loop, .generator, .namespace, .macro, .joiner, .cycler, .function, .method: true
        }
    }

    /// One more than the deepest of `elements`, if values may nest so deeply.
    static func depth(around elements: [Value]) throws(TemplateError) -> Int {
        guard elements.count <= JinjaLimits.listCountMax else {
            throw .limit("a list of \(elements.count) elements; \(JinjaLimits.listCountMax) fit")
        }
        var depth = 0
        for element in elements { depth = max(depth, element.depth) }
        guard depth < JinjaLimits.valueDepthMax else {
            throw .limit("lists or mappings nested over \(JinjaLimits.valueDepthMax) deep")
        }
        return depth + 1
    }
}

/// A list, a tuple, a range or the view of a mapping's entries; never changed.
final class Sequence {
    /// What Python calls it.
    enum Kind: Equatable {
        case list, tuple, keys, values, items
        case range(start: Int, stop: Int, step: Int)

        var typeName: String {
            switch self {
            case .list: "list"
            case .tuple: "tuple"
            case .keys: "dict_keys"
            case .values: "dict_values"
            case .items: "dict_items"
            case .range: "range"
            }
        }

        /// Whether it has positions (the views of a mapping have none).
        var isIndexed: Bool {
            switch self {
            case .list, .tuple, .range: true
            case .keys, .values, .items: false
            }
        }
    }

    let elements: [Value]
    let kind: Kind
    let depth: Int

    init(_ elements: [Value], _ kind: Kind) throws(TemplateError) {
        depth = try Value.depth(around: elements)
        self.elements = elements
        self.kind = kind
    }
}

/// What a filter such as `map` gives: it can be walked through once, has no length, and is true.
final class Generator {
    private var elements: ArraySlice<Value>
    /// What ends the walk instead of its end: it is known when the generator is made, and told when
    /// somebody comes there.
    private let failure: TemplateError?
    let depth: Int

    init(_ elements: [Value], failure: TemplateError? = nil) throws(TemplateError) {
        depth = try Value.depth(around: elements)
        self.elements = elements[...]
        self.failure = failure
    }

    func next() throws(TemplateError) -> Value? {
        if elements.isEmpty, let failure { throw failure }
        return elements.popFirst()
    }

    func rest() throws(TemplateError) -> [Value] {
        if let failure { throw failure }
        defer { elements = [] }
        return Array(elements)
    }
}

/// A mapping that keeps its order; never changed once shared.
final class Mapping {
    private(set) var keys: [Value] = []
    private(set) var values: [Value] = []
    private(set) var depth = 1
    private var index: [Key: Int] = [:]

    /// A mapping of pairs, of which a later one replaces an earlier one with the same key.
    init(_ pairs: [(key: Value, value: Value)]) throws(TemplateError) {
        keys.reserveCapacity(pairs.count)
        values.reserveCapacity(pairs.count)
        for (key, value) in pairs {
            let hashed = try Key(key)
            if let position = index[hashed] {
                values[position] = value
            } else {
                index[hashed] = values.count
                keys.append(key)
                values.append(value)
            }
        }
        depth = max(try Value.depth(around: keys), try Value.depth(around: values))
    }

    subscript(key: Key) -> Value? {
        guard let position = index[key] else { return nil }
        return values[position]
    }
}

/// A value as the key of a mapping: what Python can hash, equal as Python has it (1, 1.0 and True
/// are one key).
enum Key: Hashable {
    case undefined
    case none
    case integer(Int)
    case float(Double)
    case text(JinjaText)
    case tuple([Key])

    init(_ value: Value) throws(TemplateError) {
        switch value {
        case .undefined: self = .undefined
        case .none: self = .none
        case .boolean(let flag): self = .integer(flag ? 1 : 0)
        case .integer(let number): self = .integer(number)
        case .float(let number):
            if let whole = Int(exactly: number) {
                self = .integer(whole)
            } else {
                self = .float(number)
            }
        case .text(let text): self = .text(text)
        case .sequence(let sequence) where sequence.kind == .tuple:
            // Recursion is bounded: values nest no deeper than their limit.
            self = .tuple(
                try sequence.elements.map { (element) throws(TemplateError) in try Key(element) })
        default: throw .evaluation("a \(value.typeName) cannot be a key")
        }
    }
}
