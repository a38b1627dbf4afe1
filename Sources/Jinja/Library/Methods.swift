/// The methods of values that templates can call: those of Python that change nothing.
enum Methods {
    private static let mapping: Set<String> = ["items", "keys", "values", "get", "copy"]
    private static let list: Set<String> = ["index", "count"]

    static func isMethod(_ name: String, of value: Value) -> Bool {
        switch value {
        case .text: TextMethods.isKnown(name)
        case .mapping: mapping.contains(name)
        case .sequence(let sequence):
            (sequence.kind == .list || sequence.kind == .tuple) && list.contains(name)
        case .loop: name == "cycle" || name == "changed"
        case .cycler: name == "next" || name == "reset"
        case .undefined, .none, .boolean, .integer, .float, .generator, .namespace, .macro,
            .joiner, .function, .method:
            false
        }
    }
}

extension Interpreter {
    /// Calls a method that ``Methods/isMethod(_:of:)`` knows.
    func callMethod(
        _ name: String, of value: Value, _ arguments: CallArguments
    ) throws(TemplateError) -> Value {
        try charge(1)
        switch value {
        case .text(let text): return try TextMethods.call(name, of: text, arguments, self)
        case .mapping(let mapping): return try call(name, of: mapping, arguments)
        case .sequence(let sequence): return try call(name, of: sequence, arguments)
        case .loop(let state):
            if let result = try call(name, of: state, arguments) { return result }
        case .cycler(let index):
            let current = cyclers[index].items[cyclers[index].position]
            cyclers[index].position =
                name == "reset" ? 0 : (cyclers[index].position + 1) % cyclers[index].items.count
            return name == "reset" ? .none : current
        case .undefined, .none, .boolean, .integer, .float, .generator, .namespace, .macro,
            .joiner, .function, .method:
            break
        }
        throw .unsupported("the method '\(name)' of a \(value.typeName) is not supported")
    }

    private func call(
        _ name: String, of mapping: Mapping, _ arguments: CallArguments
    ) throws(TemplateError) -> Value {
        if name == "get" {
            let bound = try arguments.bind(["key", "default"], required: 1, to: "get")
            let key = try Key(bound[0] ?? .none)
            return mapping[key] ?? bound[1] ?? .none
        }
        _ = try arguments.bind([], to: name)
        try charge(mapping.keys.count)
        switch name {
        case "keys": return .sequence(try Sequence(mapping.keys, .keys))
        case "values": return .sequence(try Sequence(mapping.values, .values))
        case "items": return .sequence(try Sequence(try pairs(of: mapping), .items))
        default: return .mapping(mapping)
        }
    }

    /// The entries as tuples.
    func pairs(of mapping: Mapping) throws(TemplateError) -> [Value] {
        try charge(mapping.keys.count)
        var pairs: [Value] = []
        for (key, value) in zip(mapping.keys, mapping.values) {
            pairs.append(try .tuple([key, value]))
        }
        return pairs
    }

    private func call(
        _ name: String, of sequence: Sequence, _ arguments: CallArguments
    ) throws(TemplateError) -> Value {
        let wanted = try arguments.bind(["value"], required: 1, to: name)[0] ?? .none
        var count = 0
        for (index, element) in sequence.elements.enumerated() where try equal(element, wanted) {
            if name == "index" { return .integer(index) }
            count += 1
        }
        guard name == "count" else { throw .evaluation("the value is not in the list") }
        return .integer(count)
    }
}
