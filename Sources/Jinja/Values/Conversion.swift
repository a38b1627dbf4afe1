extension Value {
    /// A caller's value. Throws if it nests too deeply.
    init(_ value: JinjaValue, depth: Int = 0) throws(TemplateError) {
        guard depth <= JinjaLimits.valueDepthMax else {
            throw .limit("a value nested over \(JinjaLimits.valueDepthMax) deep")
        }
        switch value {
        case .none: self = .none
        case .boolean(let flag): self = .boolean(flag)
        case .integer(let number): self = .integer(number)
        case .float(let number): self = .float(number)
        case .string(let text): self = .text(text)
        case .list(let elements):
            self = try .list(
                elements.map { (element) throws(TemplateError) in
                    try Value(element, depth: depth + 1)
                })
        case .object(let object):
            var pairs: [(key: Value, value: Value)] = []
            pairs.reserveCapacity(object.members.count)
            for member in object.members {
                pairs.append((.text(member.name), try Value(member.value, depth: depth + 1)))
            }
            self = .mapping(try Mapping(pairs))
        }
    }
}
