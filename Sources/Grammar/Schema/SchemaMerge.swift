// `allOf`, and keywords beside `$ref`, `anyOf` or `oneOf`: one schema that says what several say.

extension SchemaCompiler {
    /// The schema without `$ref` and `allOf` at its top: what they say is merged in.
    mutating func flatten(
        _ schema: JSONNode, at path: String, followed: Int = 0
    ) throws(GrammarError) -> JSONNode {
        guard followed <= GrammarLimits.nestingMax else {
            throw .schema(path: path, reason: "references lead in a circle, or too far")
        }
        guard case .object(let members) = schema else { return schema }
        try SchemaKeywords.check(members, at: path)
        let rest = members.filter {
            !SchemaKeywords.isAnnotation($0) && $0.name != "$ref" && $0.name != "allOf"
        }
        var result = JSONNode.object(rest)
        guard schema["$ref"] != nil || schema["allOf"] != nil else { return result }
        merges += 1
        guard merges <= GrammarLimits.schemaMergesMax else {
            throw .tooLarge(what: "merges of a schema", limit: GrammarLimits.schemaMergesMax)
        }
        if case .string(let reference)? = schema["$ref"] {
            let target = try flatten(
                try resolve(reference, at: path), at: String(reference.dropFirst()),
                followed: followed + 1)
            result = try merge(target, result, at: path)
        }
        if case .array(let parts)? = schema["allOf"] {
            for (place, part) in parts.enumerated() {
                let path = "\(path)/allOf/\(place)"
                let part = try flatten(part, at: path, followed: followed + 1)
                result = try merge(result, part, at: path)
            }
        }
        return result
    }

    /// A schema that says what both say; both are flat.
    private mutating func merge(
        _ one: JSONNode, _ other: JSONNode, at path: String
    ) throws(GrammarError) -> JSONNode {
        switch (one, other) {
        case (.bool(true), _): return other
        case (_, .bool(true)): return one
        case (.bool(false), _), (_, .bool(false)): return .bool(false)
        case (.object(let left), .object(let right)):
            if left.isEmpty { return other }
            if right.isEmpty { return one }
            var result = left
            for member in right where one[member.name] == nil { result.append(member) }
            for (place, member) in result.enumerated() {
                guard let first = one[member.name], let second = other[member.name] else {
                    continue
                }
                let both = try merge(member.name, first, second, at: path)
                // No type or no value is left: nothing satisfies both.
                if both == .array([]), member.name == "type" || member.name == "enum" {
                    return .bool(false)
                }
                result[place].value = both
            }
            mergeProperties(one, other, into: &result)
            mergeItems(one, other, into: &result)
            // Null is left only where each part with a type has it.
            for part in [one, other] where part["type"] != nil && part["nullable"] == nil {
                result.removeAll { $0.name == "nullable" }
            }
            return .object(result)
        default:
            throw .schema(path: path, reason: "a schema is an object, true or false")
        }
    }

    /// Both values of one keyword.
    private mutating func merge(
        _ name: String, _ one: JSONNode, _ other: JSONNode, at path: String
    ) throws(GrammarError) -> JSONNode {
        if one.isSame(as: other) { return one }
        func members(_ node: JSONNode) -> [JSONNode] {
            if case .array(let items) = node { return items }
            return [node]
        }
        switch name {
        case "type":
            let right = members(other)
            var types: [JSONNode] = []
            for type in members(one) {
                if right.contains(type) {
                    types.append(type)
                } else if type == .string("integer"), right.contains(.string("number")) {
                    types.append(type)
                } else if type == .string("number"), right.contains(.string("integer")) {
                    types.append(.string("integer"))
                }
            }
            return types.count == 1 ? types[0] : .array(types)
        case "required":
            let left = Set(members(one).map(\.identity))
            return .array(members(one) + members(other).filter { !left.contains($0.identity) })
        case "enum":
            let right = Set(members(other).map(\.identity))
            return .array(members(one).filter { right.contains($0.identity) })
        case "minimum", "exclusiveMinimum", "minLength", "minItems":
            return try bound(one, other, takeHigher: true, name, at: path)
        case "maximum", "exclusiveMaximum", "maxLength", "maxItems":
            return try bound(one, other, takeHigher: false, name, at: path)
        case "anyOf":
            // Both choices: one choice of pairs.
            var pairs: [JSONNode] = []
            for first in members(one) {
                for second in members(other) {
                    pairs.append(
                        .object([.init(name: "allOf", value: .array([first, second]))]))
                }
            }
            guard pairs.count <= GrammarLimits.schemaMergesMax else {
                throw .tooLarge(
                    what: "alternatives of a schema", limit: GrammarLimits.schemaMergesMax)
            }
            return .array(pairs)
        case "properties", "additionalProperties", "items", "prefixItems", "additionalItems":
            return one  // They mean something only together: see below.
        default:
            throw .schema(path: path, reason: "two different '\(name)' can't be merged")
        }
    }

    private func bound(
        _ one: JSONNode, _ other: JSONNode, takeHigher: Bool, _ name: String, at path: String
    ) throws(GrammarError) -> JSONNode {
        guard case .number(let left) = one, case .number(let right) = other,
            let first = DecimalNumber(left), let second = DecimalNumber(right)
        else { throw .schema(path: path, reason: "'\(name)' has too many digits") }
        return first.precedes(second) == takeHigher ? other : one
    }

    /// `properties` and `additionalProperties` together: each part's additional ones include those
    /// that only the other declares.
    private mutating func mergeProperties(
        _ one: JSONNode, _ other: JSONNode, into result: inout [JSONNode.Member]
    ) {
        func declared(_ node: JSONNode) -> [JSONNode.Member] {
            if case .object(let members)? = node["properties"] { return members }
            return []
        }
        let (left, right) = (declared(one), declared(other))
        var properties: [JSONNode.Member] = []
        func byName(_ members: [JSONNode.Member]) -> [String: JSONNode] {
            Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
        }
        let (lefts, rights) = (byName(left), byName(right))
        for member in left + right.filter({ lefts[$0.name] == nil }) {
            let first = lefts[member.name] ?? one["additionalProperties"]
            let second = rights[member.name] ?? other["additionalProperties"]
            properties.append(.init(name: member.name, value: both(first, second) ?? .bool(true)))
        }
        result.removeAll { $0.name == "properties" || $0.name == "additionalProperties" }
        if one["properties"] != nil || other["properties"] != nil {
            result.append(.init(name: "properties", value: .object(properties)))
        }
        if let additional = both(one["additionalProperties"], other["additionalProperties"]) {
            result.append(.init(name: "additionalProperties", value: additional))
        }
    }

    /// What both say; nil where neither says anything.
    private func both(_ first: JSONNode?, _ second: JSONNode?) -> JSONNode? {
        switch (first, second) {
        case (nil, let rest), (let rest, nil), (.bool(true)?, let rest),
            (let rest, .bool(true)?):
            return rest
        case (.bool(false)?, _), (_, .bool(false)?): return .bool(false)
        case (let first?, let second?):
            if first.isSame(as: second) { return first }
            return .object([.init(name: "allOf", value: .array([first, second]))])
        }
    }

    /// `prefixItems` and `items` together: each part's `items` include those that only the other
    /// has in `prefixItems`.
    private func mergeItems(
        _ one: JSONNode, _ other: JSONNode, into result: inout [JSONNode.Member]
    ) {
        func parts(_ node: JSONNode) -> (prefix: [JSONNode], rest: JSONNode?) {
            if case .array(let items)? = node["prefixItems"] { return (items, node["items"]) }
            if case .array(let items)? = node["items"] { return (items, node["additionalItems"]) }
            return ([], node["items"])
        }
        let (left, right) = (parts(one), parts(other))
        var prefix: [JSONNode] = []
        for place in 0..<max(left.prefix.count, right.prefix.count) {
            let first = place < left.prefix.count ? left.prefix[place] : left.rest
            let second = place < right.prefix.count ? right.prefix[place] : right.rest
            prefix.append(both(first, second) ?? .bool(true))
        }
        result.removeAll { ["items", "prefixItems", "additionalItems"].contains($0.name) }
        if !prefix.isEmpty { result.append(.init(name: "prefixItems", value: .array(prefix))) }
        if let rest = both(left.rest, right.rest) {
            result.append(.init(name: "items", value: rest))
        }
    }
}
