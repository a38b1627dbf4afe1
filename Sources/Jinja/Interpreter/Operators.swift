extension Interpreter {
    func negative(_ value: Value) throws(TemplateError) -> Value {
        switch Number(value) {
        case .float(let number): return .float(-number)
        case .integer(let number):
            return .integer(try checked(0.subtractingReportingOverflow(number)))
        case nil: throw .evaluation("a \(described(value)) has no negative")
        }
    }

    func positive(_ value: Value) throws(TemplateError) -> Value {
        switch Number(value) {
        case .float(let number): return .float(number)
        case .integer(let number): return .integer(number)
        case nil: throw .evaluation("'+' before a \(described(value))")
        }
    }

    func compute(
        _ left: Value, _ operation: Arithmetic, _ right: Value
    ) throws(TemplateError) -> Value {
        if let a = Number(left), let b = Number(right) {
            if case .integer(let a) = a, case .integer(let b) = b {
                return try compute(a, operation, b)
            }
            return .float(try compute(a.double, operation, b.double))
        }
        switch (left, operation, right) {
        case (.text(let a), .add, .text(let b)):
            try reserve(a.count + b.count)
            return .text(JinjaText(units: a.units + b.units))
        case (.sequence(let a), .add, .sequence(let b))
        where a.kind == b.kind && (a.kind == .list || a.kind == .tuple):
            try charge(a.elements.count + b.elements.count)
            return .sequence(try Sequence(a.elements + b.elements, a.kind))
        case (.text(let format), .remainder, _):
            return .text(try formatted(format, right))
        case (_, .multiply, _):
            if case .integer(let count)? = Number(right) { return try repeated(left, count, right) }
            if case .integer(let count)? = Number(left) { return try repeated(right, count, left) }
            throw unfit(left, operation.rawValue, right)
        default: throw unfit(left, operation.rawValue, right)
        }
    }

    private func repeated(
        _ value: Value, _ count: Int, _ other: Value
    ) throws(TemplateError) -> Value {
        let count = max(0, count)
        switch value {
        case .text(let text):
            let (total, overflows) = text.count.multipliedReportingOverflow(by: count)
            try reserve(overflows ? .max : total)
            // An empty text repeated is empty, however often: no loop over the count.
            guard total > 0 else { return .string("") }
            var units: [UInt32] = []
            units.reserveCapacity(total)
            for _ in 0..<count { units += text.units }
            return .text(JinjaText(units: units))
        case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
            let (total, overflows) = sequence.elements.count.multipliedReportingOverflow(by: count)
            guard !overflows, total <= JinjaLimits.listCountMax else {
                throw .limit("a list repeated to over \(JinjaLimits.listCountMax) elements")
            }
            try charge(total)
            guard total > 0 else { return .sequence(try Sequence([], sequence.kind)) }
            var elements: [Value] = []
            for _ in 0..<count { elements += sequence.elements }
            return .sequence(try Sequence(elements, sequence.kind))
        case .undefined, .none, .boolean, .integer, .float, .sequence, .mapping, .generator,
            .loop, .namespace, .macro, .joiner, .cycler, .function, .method:
            throw unfit(value, "*", other)
        }
    }

    private func compute(
        _ a: Int, _ operation: Arithmetic, _ b: Int
    ) throws(TemplateError) -> Value {
        switch operation {
        case .add: return .integer(try checked(a.addingReportingOverflow(b)))
        case .subtract: return .integer(try checked(a.subtractingReportingOverflow(b)))
        case .multiply: return .integer(try checked(a.multipliedReportingOverflow(by: b)))
        case .divide: return .float(try compute(Double(a), .divide, Double(b)))
        case .floorDivide, .remainder:
            guard b != 0 else { throw .evaluation("division by zero") }
            let quotient = try checked(a.dividedReportingOverflow(by: b))
            let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
            // Python rounds down, so that the remainder has the divisor's sign.
            let isDown = remainder != 0 && (remainder < 0) != (b < 0)
            return .integer(
                operation == .floorDivide
                    ? quotient - (isDown ? 1 : 0) : remainder + (isDown ? b : 0))
        case .power:
            guard b >= 0 else {
                guard a != 0 else { throw .evaluation("0 to a negative power") }
                return .float(1 / power(Double(a), b.magnitude))
            }
            if a == 0 || a == 1 { return .integer(b == 0 ? 1 : a) }
            if a == -1 { return .integer(b % 2 == 0 ? 1 : -1) }
            var result = 1
            // At most 63 rounds, for the base is 2 at least.
            for _ in 0..<b { result = try checked(result.multipliedReportingOverflow(by: a)) }
            return .integer(result)
        }
    }

    private func compute(
        _ a: Double, _ operation: Arithmetic, _ b: Double
    ) throws(TemplateError) -> Double {
        switch operation {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .divide, .floorDivide, .remainder:
            guard b != 0 else { throw .evaluation("division by zero") }
            if operation == .divide { return a / b }
            var remainder = a.truncatingRemainder(dividingBy: b)
            if operation == .remainder {
                if remainder != 0 { return (remainder < 0) != (b < 0) ? remainder + b : remainder }
                return b < 0 ? -0.0 : 0
            }
            if remainder != 0, (remainder < 0) != (b < 0) { remainder += b }
            let quotient = (a - remainder) / b
            let floor = quotient.rounded(.down)
            return quotient - floor > 0.5 ? floor + 1 : floor
        case .power:
            guard let exponent = Int(exactly: b) else {
                guard b == 0.5, a >= 0 else {
                    throw .unsupported("powers with broken exponents are not supported")
                }
                return a.squareRoot()
            }
            guard exponent < 0 else { return power(a, exponent.magnitude) }
            guard a != 0 else { throw .evaluation("0 to a negative power") }
            return 1 / power(a, exponent.magnitude)
        }
    }

    private func power(_ base: Double, _ exponent: UInt) -> Double {
        var (result, square, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }

    private func checked(
        _ result: (partialValue: Int, overflow: Bool)
    ) throws(TemplateError) -> Int {
        guard !result.overflow else { throw .limit("a number that does not fit 64 bits") }
        return result.partialValue
    }

    /// A value as a message names it.
    func described(_ value: Value) -> String {
        if case .undefined(let name) = value { return "undefined value ('\(name)')" }
        return value.typeName
    }

    private func unfit(_ left: Value, _ operation: String, _ right: Value) -> TemplateError {
        .evaluation("'\(operation)' between a \(described(left)) and a \(described(right))")
    }
}

/// A number; Python counts True and False among them.
enum Number {
    case integer(Int)
    case float(Double)

    init?(_ value: Value) {
        switch value {
        case .integer(let number): self = .integer(number)
        case .boolean(let flag): self = .integer(flag ? 1 : 0)
        case .float(let number): self = .float(number)
        case .undefined, .none, .text, .sequence, .mapping, .generator, .loop, .namespace, .macro,
            .joiner, .cycler, .function, .method:
            return nil
        }
    }

    var double: Double {
        switch self {
        case .integer(let number): Double(number)
        case .float(let number): number
        }
    }
}
