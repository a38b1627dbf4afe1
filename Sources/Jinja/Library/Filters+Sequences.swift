extension Filters {
    static let sequenceFilters: [String: Filter] = [
        "join": join, "list": list, "first": first, "last": last, "reverse": reverse,
        "items": items, "dictsort": dictSort, "sort": sort, "unique": unique, "sum": sum,
        "min": { value, arguments, interpreter throws(TemplateError) in
            try extreme(value, arguments, interpreter, isMax: false)
        },
        "max": { value, arguments, interpreter throws(TemplateError) in
            try extreme(value, arguments, interpreter, isMax: true)
        },
        "map": map, "batch": batch, "slice": slice,
        "select": { value, arguments, interpreter throws(TemplateError) in
            try select(value, arguments, interpreter, byAttribute: false, wanted: true)
        },
        "reject": { value, arguments, interpreter throws(TemplateError) in
            try select(value, arguments, interpreter, byAttribute: false, wanted: false)
        },
        "selectattr": { value, arguments, interpreter throws(TemplateError) in
            try select(value, arguments, interpreter, byAttribute: true, wanted: true)
        },
        "rejectattr": { value, arguments, interpreter throws(TemplateError) in
            try select(value, arguments, interpreter, byAttribute: true, wanted: false)
        },
    ]

    private static let join: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["d", "attribute"], to: "join")
        let separator =
            try bound[0].map { (value) throws(TemplateError) in
                try interpreter.text(of: value)
            } ?? JinjaText()
        var texts: [JinjaText] = []
        for element in try interpreter.elements(of: value) {
            let part =
                try bound[1].map { (path) throws(TemplateError) in
                    try interpreter.member(path, of: element)
                } ?? element
            texts.append(try interpreter.text(of: part))
        }
        return .text(try interpreter.joined(texts, by: separator))
    }

    private static let list: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "list")
        let elements = try interpreter.elements(of: value)
        try interpreter.charge(elements.count)
        return try .list(elements)
    }

    private static let first: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "first")
        if case .generator(let generator) = value {
            return try generator.next() ?? .undefined("the first element")
        }
        if case .text(let text) = value {
            return text.units.first.map { .text(JinjaText(units: [$0])) }
                ?? .undefined("the first character")
        }
        return try interpreter.elements(of: value).first ?? .undefined("the first element")
    }

    private static let last: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "last")
        switch value {
        case .generator: throw .evaluation("a generator has no last element")
        case .text(let text):
            return text.units.last.map { .text(JinjaText(units: [$0])) }
                ?? .undefined("the last character")
        default:
            return try interpreter.elements(of: value).last ?? .undefined("the last element")
        }
    }

    private static let reverse: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "reverse")
        if case .text(let text) = value {
            try interpreter.reserve(text.count)
            return .text(text.reversed)
        }
        let elements = Array(try interpreter.elements(of: value).reversed())
        try interpreter.charge(elements.count)
        // As in Jinja2: what has an order gives an iterator, and the rest a list.
        if case .generator = value { return try .list(elements) }
        return .generator(try Generator(elements))
    }

    private static let items: Filter = { value, arguments, interpreter throws(TemplateError) in
        _ = try arguments.bind([], to: "items")
        return try generator { (pairs) throws(TemplateError) in
            switch value {
            case .undefined: break
            case .mapping(let mapping): pairs = try interpreter.pairs(of: mapping)
            default: throw .evaluation("items of a \(value.typeName)")
            }
        }
    }

    /// The elements that `make` appends. An error comes when somebody walks to where it occurs:
    /// Jinja2 makes such elements one by one.
    static func generator(
        _ make: (inout [Value]) throws(TemplateError) -> Void
    ) throws(TemplateError) -> Value {
        var elements: [Value] = []
        do {
            try make(&elements)
        } catch  where error.kind != .limit {
            return .generator(try Generator(elements, failure: error))
        }
        return .generator(try Generator(elements))
    }

    /// What `make` gives for the elements of a value.
    private static func generator(
        over value: Value, _ interpreter: Interpreter,
        _ make: (Value) throws(TemplateError) -> Value?
    ) throws(TemplateError) -> Value {
        try generator { (results) throws(TemplateError) in
            guard value.isTrue else { return }
            for element in try interpreter.elements(of: value) {
                try interpreter.charge(1)
                if let result = try make(element) { results.append(result) }
            }
        }
    }

    private static let map: Filter = { value, arguments, interpreter throws(TemplateError) in
        var arguments = arguments
        if arguments.positional.isEmpty {
            let bound = try arguments.bind(["attribute", "default"], required: 1, to: "map")
            return try generator(over: value, interpreter) { (element) throws(TemplateError) in
                try interpreter.member(bound[0] ?? .none, of: element, fallback: bound[1])
            }
        }
        let name = try TextMethods.text(arguments.positional.removeFirst()).string
        return try generator(over: value, interpreter) { (element) throws(TemplateError) in
            try apply(name, to: element, arguments, interpreter)
        }
    }

    private static func select(
        _ value: Value, _ arguments: CallArguments, _ interpreter: Interpreter,
        byAttribute: Bool, wanted: Bool
    ) throws(TemplateError) -> Value {
        var arguments = arguments
        var path: Value?
        if byAttribute {
            guard !arguments.positional.isEmpty else {
                throw .evaluation("selectattr and rejectattr need an attribute")
            }
            path = arguments.positional.removeFirst()
        }
        var test: String?
        if !arguments.positional.isEmpty {
            test = try TextMethods.text(arguments.positional.removeFirst()).string
        }
        return try generator(over: value, interpreter) { (element) throws(TemplateError) in
            let tested =
                try path.map { (path) throws(TemplateError) in
                    try interpreter.member(path, of: element)
                } ?? element
            let holds =
                try test.map { (test) throws(TemplateError) in
                    try Tests.holds(test, tested, arguments, interpreter)
                } ?? tested.isTrue
            return holds == wanted ? element : nil
        }
    }

    private static let batch: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["linecount", "fill_with"], required: 1, to: "batch")
        return try generator { (batches) throws(TemplateError) in
            let size = try TextMethods.integer(bound[0]) ?? 0
            let elements = try interpreter.elements(of: value)
            guard (1...JinjaLimits.listCountMax).contains(size) else {
                throw .evaluation("batches of \(size) elements")
            }
            try interpreter.charge(elements.count)
            for start in stride(from: 0, to: elements.count, by: size) {
                var batch = Array(elements[start..<min(start + size, elements.count)])
                if let fill = bound[1], !fill.isNone, batch.count < size {
                    try interpreter.charge(size)
                    batch += [Value](repeating: fill, count: size - batch.count)
                }
                batches.append(try .list(batch))
            }
        }
    }

    private static let slice: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["slices", "fill_with"], required: 1, to: "slice")
        return try generator { (slices) throws(TemplateError) in
            let elements = try interpreter.elements(of: value)
            let count = try TextMethods.integer(bound[0]) ?? 0
            guard (1...JinjaLimits.listCountMax).contains(count) else {
                throw .evaluation("\(count) slices")
            }
            try interpreter.charge(elements.count + count)
            let (size, longer) = elements.count.quotientAndRemainder(dividingBy: count)
            var start = 0
            for index in 0..<count {
                let end = start + size + (index < longer ? 1 : 0)
                var slice = Array(elements[start..<end])
                if index >= longer, let fill = bound[1], !fill.isNone { slice.append(fill) }
                slices.append(try .list(slice))
                start = end
            }
        }
    }

    private static let sum: Filter = { value, arguments, interpreter throws(TemplateError) in
        let bound = try arguments.bind(["attribute", "start"], to: "sum")
        var total = bound[1] ?? .integer(0)
        if case .text = total { throw .evaluation("sum of strings: use join") }
        for element in try interpreter.elements(of: value) {
            var part = element
            if let path = bound[0], !path.isNone {
                part = try interpreter.member(path, of: element)
            }
            total = try interpreter.compute(total, .add, part)
        }
        return total
    }
}
