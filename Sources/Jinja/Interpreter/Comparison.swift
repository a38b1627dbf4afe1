extension Interpreter {
    func holds(
        _ left: Value, _ relation: Relation, _ right: Value
    ) throws(TemplateError) -> Bool {
        switch relation {
        case .equal: try equal(left, right)
        case .notEqual: !(try equal(left, right))
        case .less: try isLess(left, right)
        case .greater: try isLess(right, left)
        // Not the contrary of `greater`: nothing is above or below what is not a number.
        case .lessOrEqual: try isLess(left, right) ? true : try equal(left, right)
        case .greaterOrEqual: try isLess(right, left) ? true : try equal(left, right)
        case .isIn: try contains(right, left)
        case .isNotIn: !(try contains(right, left))
        }
    }

    /// Equality as Python has it. Shared parts are compared as often as they occur: it is charged.
    func equal(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        try charge(1)
        if let a = Number(left), let b = Number(right) {
            if case .integer(let a) = a, case .integer(let b) = b { return a == b }
            if case .integer(let a) = a, case .float(let b) = b { return Int(exactly: b) == a }
            if case .float(let a) = a, case .integer(let b) = b { return Int(exactly: a) == b }
            return a.double == b.double
        }
        switch (left, right) {
        case (.text(let a), .text(let b)):
            try chargeText(min(a.count, b.count))
            return a == b
        case (.none, .none), (.undefined, .undefined): return true
        case (.sequence(let a), .sequence(let b)):
            guard a.kind.typeName == b.kind.typeName, a.kind.isIndexed else { return false }
            return try equal(a.elements, b.elements)
        case (.mapping(let a), .mapping(let b)):
            guard a.keys.count == b.keys.count else { return false }
            for (key, value) in zip(a.keys, a.values) {
                guard let other = b[try Key(key)], try equal(value, other) else { return false }
            }
            return true
        case (.namespace(let a), .namespace(let b)): return a == b
        case (.macro(let a), .macro(let b)): return a == b
        case (.function(let a), .function(let b)): return a == b
        case (.generator(let a), .generator(let b)): return a === b
        default: return false
        }
    }

    func equal(_ left: [Value], _ right: [Value]) throws(TemplateError) -> Bool {
        guard left.count == right.count else { return false }
        for (a, b) in zip(left, right) where !(try equal(a, b)) { return false }
        return true
    }

    /// Order as Python has it: among numbers, among strings, among lists and among tuples.
    func isLess(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        try charge(1)
        if let a = Number(left), let b = Number(right) {
            if case .integer(let a) = a, case .integer(let b) = b { return a < b }
            return a.double < b.double
        }
        switch (left, right) {
        case (.text(let a), .text(let b)):
            try chargeText(min(a.count, b.count))
            return a < b
        case (.sequence(let a), .sequence(let b))
        where a.kind == b.kind && (a.kind == .list || a.kind == .tuple):
            for (x, y) in zip(a.elements, b.elements) where !(try equal(x, y)) {
                return try isLess(x, y)
            }
            return a.elements.count < b.elements.count
        default:
            throw .evaluation("a \(described(left)) and a \(described(right)) have no order")
        }
    }

    /// `element in container`.
    func contains(_ container: Value, _ element: Value) throws(TemplateError) -> Bool {
        switch container {
        case .text(let text):
            guard case .text(let part) = element else {
                throw .evaluation("a \(described(element)) cannot be in a string")
            }
            try chargeText(text.count + part.count)
            return text.firstRange(of: part) != nil
        case .mapping(let mapping): return mapping[try Key(element)] != nil
        case .sequence(let sequence):
            for candidate in sequence.elements where try equal(candidate, element) { return true }
            return false
        case .generator(let generator):
            while let candidate = try generator.next() {
                if try equal(candidate, element) { return true }
            }
            return false
        case .undefined: return false
        case .none, .boolean, .integer, .float, .loop, .namespace, .macro, .joiner, .cycler,
            .function, .method:
            throw .evaluation("nothing can be in a \(container.typeName)")
        }
    }
}
