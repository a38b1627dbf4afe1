extension Interpreter {
    /// `value.name`: a method or attribute, else the entry of that name.
    func attribute(_ name: String, of value: Value) throws(TemplateError) -> Value {
        switch value {
        case .undefined(let what):
            throw .evaluation("'\(what)' is undefined: it has no attribute '\(name)'")
        case .loop(let state):
            return try attribute(name, of: state) ?? .undefined(name)
        case .namespace(let index): return namespaces[index][name] ?? .undefined(name)
        case .mapping(let mapping):
            if Methods.isMethod(name, of: value) { return .method(name) }
            return mapping[.text(JinjaText(name))] ?? .undefined(name)
        case .macro(let index) where name == "name":
            return .string(macros[index].definition.name)
        case .cycler(let index) where name == "current":
            return cyclers[index].items[cyclers[index].position]
        case .none, .boolean, .integer, .float, .text, .sequence, .generator, .macro, .joiner,
            .cycler, .function, .method:
            return Methods.isMethod(name, of: value) ? .method(name) : .undefined(name)
        }
    }

    /// `value[key]`: the entry, else the attribute of that name.
    func item(_ key: Value, of value: Value) throws(TemplateError) -> Value {
        if case .undefined(let what) = value {
            throw .evaluation("'\(what)' is undefined: it has no items")
        }
        switch (value, key) {
        case (.mapping(let mapping), _):
            // What cannot be a key is not there: an error only where it is looked up with `in`.
            if let key = try? Key(key), let found = mapping[key] { return found }
        case (.sequence(let sequence), .integer(let index)) where sequence.kind.isIndexed:
            return position(index, in: sequence.elements.count).map { sequence.elements[$0] }
                ?? .undefined("item \(index)")
        case (.text(let text), .integer(let index)):
            return position(index, in: text.count).map {
                .text(JinjaText(units: [text.units[$0]]))
            } ?? .undefined("item \(index)")
        case (_, .boolean(let flag)): return try item(.integer(flag ? 1 : 0), of: value)
        default: break
        }
        guard case .text(let name) = key else { return .undefined("an item") }
        if case .mapping = value {
            return Methods.isMethod(name.string, of: value)
                ? .method(name.string) : .undefined(name.string)
        }
        return try attribute(name.string, of: value)
    }

    private func position(_ index: Int, in count: Int) -> Int? {
        let position = index < 0 ? index + count : index
        return (0..<count).contains(position) ? position : nil
    }

    /// `value[start:stop:step]`.
    func slice(
        _ value: Value, _ start: Int?, _ stop: Int?, _ step: Int?
    ) throws(TemplateError) -> Value {
        switch value {
        case .text(let text):
            let indices = try sliceIndices(text.count, start, stop, step)
            try reserve(indices.count)
            return .text(JinjaText(units: indices.map { text.units[$0] }))
        case .sequence(let sequence) where sequence.kind.isIndexed:
            let indices = try sliceIndices(sequence.elements.count, start, stop, step)
            try charge(indices.count)
            let elements = indices.map { sequence.elements[$0] }
            return sequence.kind == .tuple ? try .tuple(elements) : try .list(elements)
        case .undefined, .none, .boolean, .integer, .float, .sequence, .mapping, .generator,
            .loop, .namespace, .macro, .joiner, .cycler, .function, .method:
            throw .evaluation("a \(described(value)) has no slices")
        }
    }

    /// The positions of a slice, by Python's rules for bounds that are negative or too far.
    private func sliceIndices(
        _ count: Int, _ start: Int?, _ stop: Int?, _ step: Int?
    ) throws(TemplateError) -> [Int] {
        let step = step ?? 1
        guard step != 0 else { throw .evaluation("the step of a slice is 0") }
        let (low, high) = step > 0 ? (0, count) : (-1, count - 1)
        func clamped(_ bound: Int) -> Int {
            // A negative bound counts from the end; adding a count to it cannot overflow.
            min(max(bound < 0 ? bound + count : bound, low), high)
        }
        let from = start.map(clamped) ?? (step > 0 ? low : high)
        let to = stop.map(clamped) ?? (step > 0 ? high : low)
        return Array(stride(from: from, to: to, by: step))
    }

    /// What iterating over a value gives.
    func elements(of value: Value) throws(TemplateError) -> [Value] {
        switch value {
        case .undefined: return []
        case .sequence(let sequence): return sequence.elements
        case .mapping(let mapping): return mapping.keys
        case .generator(let generator): return try generator.rest()
        case .text(let text):
            try charge(text.count)
            return text.units.map { .text(JinjaText(units: [$0])) }
        case .none, .boolean, .integer, .float, .loop, .namespace, .macro, .joiner, .cycler,
            .function, .method:
            throw .evaluation("a \(value.typeName) cannot be iterated over")
        }
    }
}
