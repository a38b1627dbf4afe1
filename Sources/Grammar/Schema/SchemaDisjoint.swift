// `oneOf` asks that exactly one alternative holds. A grammar can only choose among alternatives, so
// it is followed where no document can satisfy two of them.

extension SchemaCompiler {
    /// Throws unless each two of `parts` exclude each other for a reason that is seen here: other
    /// types, other values, a required property with other values, or one that the other forbids.
    mutating func checkDisjoint(
        _ parts: [JSONNode], besides base: JSONNode, at path: String
    ) throws(GrammarError) {
        guard parts.count <= GrammarLimits.oneOfMax else {
            throw .tooLarge(what: "alternatives of 'oneOf'", limit: GrammarLimits.oneOfMax)
        }
        var flat: [JSONNode] = []
        for (place, part) in parts.enumerated() {
            let both = JSONNode.object([.init(name: "allOf", value: .array([base, part]))])
            flat.append(try flatten(both, at: "\(path)/oneOf/\(place)"))
        }
        for first in flat.indices {
            for second in flat.indices where second > first {
                guard try !areDisjoint(flat[first], flat[second], at: path) else { continue }
                throw .schema(
                    path: path,
                    reason: "'oneOf' alternatives \(first) and \(second) may both hold; make them "
                        + "exclude each other by 'type', 'const' or 'enum', or use 'anyOf'")
            }
        }
    }

    private mutating func areDisjoint(
        _ one: JSONNode, _ other: JSONNode, at path: String, depth: Int = 0
    ) throws(GrammarError) -> Bool {
        if one == .bool(false) || other == .bool(false) { return true }
        guard case .object = one, case .object = other, depth < 4 else { return false }
        if let left = try SchemaKeywords.values(one, at: path),
            let right = try SchemaKeywords.values(other, at: path)
        {
            return Set(left.map(\.identity)).isDisjoint(with: right.map(\.identity))
        }
        let (left, right) = (try strictTypes(one, at: path), try strictTypes(other, at: path))
        guard let left, let right else { return false }
        let shared = left.intersection(right)
        let numbers: Set<String> = ["integer", "number"]
        if shared.isEmpty, left.isDisjoint(with: numbers) || right.isDisjoint(with: numbers) {
            return true
        }
        guard shared == ["object"],
            left.isDisjoint(with: numbers) || right.isDisjoint(with: numbers)
        else { return false }
        for (first, second) in [(one, other), (other, one)] {
            for name in required(first) {
                guard case .object(let members)? = second["properties"],
                    let there = members.first(where: { $0.name == name })?.value
                else {
                    if second["additionalProperties"] == .bool(false) { return true }
                    continue
                }
                guard let here = first["properties"]?[name] else { continue }
                let left = try flatten(here, at: path)
                let right = try flatten(there, at: path)
                if try areDisjoint(left, right, at: path, depth: depth + 1) { return true }
            }
        }
        return false
    }

    private func required(_ schema: JSONNode) -> [String] {
        guard case .array(let items)? = schema["required"] else { return [] }
        return items.compactMap { if case .string(let name) = $0 { name } else { nil } }
    }

    /// The types that the schema itself insists on; nil where it leaves them open.
    private func strictTypes(
        _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> Set<String>? {
        if let values = try SchemaKeywords.values(schema, at: path) {
            return Set(values.map(\.typeName))
        }
        guard schema["type"] != nil else { return nil }
        return Set(try SchemaKeywords.types(schema, at: path))
    }
}
