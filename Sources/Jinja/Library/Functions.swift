/// The functions that templates can call by name.
enum BuiltinFunction: String, Sendable {
    case range
    case dict
    case namespace
    case joiner
    case cycler
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"

    func call(
        _ arguments: CallArguments, _ interpreter: Interpreter
    ) throws(TemplateError) -> Value {
        switch self {
        case .range: return try Self.range(arguments, interpreter)
        case .dict: return .mapping(try Self.mapping(arguments, interpreter))
        case .namespace:
            let mapping = try Self.mapping(arguments, interpreter)
            var members: [String: Value] = [:]
            for (key, value) in zip(mapping.keys, mapping.values) {
                members[try interpreter.text(of: key).string] = value
            }
            interpreter.namespaces.append(members)
            return .namespace(interpreter.namespaces.count - 1)
        case .joiner:
            let separator = try arguments.bind(["sep"], to: "joiner")[0] ?? .string(", ")
            interpreter.joiners.append((separator, false))
            return .joiner(interpreter.joiners.count - 1)
        case .cycler:
            guard !arguments.positional.isEmpty else { throw .evaluation("cycler needs values") }
            interpreter.cyclers.append((arguments.positional, 0))
            return .cycler(interpreter.cyclers.count - 1)
        case .raiseException:
            let message = try arguments.bind(["message"], required: 1, to: rawValue)[0] ?? .none
            throw TemplateError(
                .raised,
                "it refuses: \(try interpreter.text(of: message).string)")
        case .strftimeNow:
            let format = try arguments.bind(["format"], required: 1, to: rawValue)[0]
            guard case .text(let format)? = format, let now = interpreter.now else {
                throw .evaluation("strftime_now needs a format")
            }
            try interpreter.reserve(format.count)
            return .text(try now.formatted(format))
        }
    }

    private static func range(
        _ arguments: CallArguments, _ interpreter: Interpreter
    ) throws(TemplateError) -> Value {
        var bounds: [Int] = []
        for value in try arguments.bind(["start", "stop", "step"], required: 1, to: "range") {
            guard let value else { continue }
            guard case .integer(let bound)? = Number(value) else {
                throw .evaluation("range of a \(interpreter.described(value))")
            }
            bounds.append(bound)
        }
        let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw .evaluation("the step of a range is 0") }
        let (distance, overflows) = stop.subtractingReportingOverflow(start)
        guard !overflows, distance.magnitude / step.magnitude <= JinjaLimits.rangeCountMax else {
            throw .limit("a range of over \(JinjaLimits.rangeCountMax) numbers")
        }
        let numbers = Array(stride(from: start, to: stop, by: step))
        guard numbers.count <= JinjaLimits.rangeCountMax else {
            throw .limit("a range of over \(JinjaLimits.rangeCountMax) numbers")
        }
        try interpreter.charge(numbers.count)
        return .sequence(
            try Sequence(
                numbers.map { .integer($0) }, .range(start: start, stop: stop, step: step)))
    }

    /// What `dict` makes of its arguments: a mapping or pairs, and names.
    private static func mapping(
        _ arguments: CallArguments, _ interpreter: Interpreter
    ) throws(TemplateError) -> Mapping {
        guard arguments.positional.count <= 1 else {
            throw .evaluation("dict takes one mapping, not \(arguments.positional.count)")
        }
        var pairs: [(key: Value, value: Value)] = []
        switch arguments.positional.first {
        case .mapping(let mapping)?: pairs = Array(zip(mapping.keys, mapping.values))
        case let value?:
            for pair in try interpreter.elements(of: value) {
                let both = try interpreter.elements(of: pair)
                guard both.count == 2 else { throw .evaluation("dict of what are no pairs") }
                pairs.append((both[0], both[1]))
            }
        case nil: break
        }
        try interpreter.charge(pairs.count)
        return try Mapping(pairs + arguments.keyword.map { (.string($0.name), $0.value) })
    }
}
