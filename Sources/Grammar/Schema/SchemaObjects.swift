extension SchemaCompiler {
    private struct Property {
        var name: String
        var value: Pattern
        var isRequired: Bool
    }

    /// Objects: the declared properties in their order, then additional ones.
    mutating func object(_ schema: JSONNode, at path: String) throws(GrammarError) -> Pattern {
        var declared: [JSONNode.Member] = []
        if case .object(let members)? = schema["properties"] { declared = members }
        var required: [String] = []
        if case .array(let names)? = schema["required"] {
            for name in names {
                guard case .string(let name) = name else {
                    throw .schema(path: path, reason: "'required' must hold names")
                }
                required.append(name)
            }
        }
        let additional = schema["additionalProperties"]
        var names = Set(declared.map(\.name))
        for name in required where names.insert(name).inserted {
            guard additional != .bool(false) else {
                throw .schema(
                    path: path, reason: "the required property '\(name)' is not declared")
            }
            declared.append(.init(name: name, value: additional ?? .bool(true)))
        }
        var properties: [Property] = []
        let needed = Set(required)
        for member in declared {
            let isRequired = needed.contains(member.name)
            guard isRequired || member.value != .bool(false) else { continue }
            let value = try rule(
                member.value, at: path + "/properties" + SchemaKeywords.token(member.name))
            properties.append(
                Property(name: member.name, value: value, isRequired: isRequired))
        }
        var extra: Pattern?
        if let additional {
            if additional != .bool(false) {
                extra = try rule(additional, at: path + "/additionalProperties")
            }
        } else if schema["properties"] == nil {
            extra = any()
        }
        return members(properties, extra, names: declared.map(\.name), at: path)
    }

    /// The members of an object, with brackets.
    private mutating func members(
        _ properties: [Property], _ extra: Pattern?, names: [String], at path: String
    ) -> Pattern {
        let comma = Pattern.sequence([.text(","), JSONPatterns.space])
        // What may follow, after some member and after none.
        var later = Pattern.empty
        var first = Pattern.empty
        if let extra {
            let name = Pattern.sequence([.text("\""), otherName(than: names), .text("\"")])
            let member = rules.add(path, JSONPatterns.member(name, extra))
            later = .repeated(.sequence([comma, member]), least: 0, most: nil)
            first = Pattern.sequence([JSONPatterns.space, member, later]).optional
        }
        let mayBeFirst = (properties.firstIndex { $0.isRequired } ?? properties.count)
        for (place, property) in properties.enumerated().reversed() {
            let name = Pattern.text(JSONNode.string(property.name).text)
            let member = JSONPatterns.member(name, property.value)
            func part(_ before: Pattern, without: Pattern) -> Pattern {
                let with = Pattern.sequence([before, member, later])
                return property.isRequired ? with : .choice([with, without])
            }
            // As rules, so that many properties don't nest.
            let whenFirst = part(JSONPatterns.space, without: first)
            let whenLater = part(comma, without: later)
            if place <= mayBeFirst { first = rules.add(path, whenFirst) }
            if place > 0 { later = rules.add(path, whenLater) }
        }
        return .sequence([.text("{"), first, JSONPatterns.space, .text("}")])
    }

    /// Names, without escapes, other than these: a walk along the tree of their scalars.
    private mutating func otherName(than names: [String]) -> Pattern {
        let any = Pattern.repeated(.scalar(JSONPatterns.plainScalars), least: 0, most: nil)
        var nodes: [(children: [UInt32: Int], isName: Bool)] = [([:], false)]
        for name in names
        // A name with other scalars is spelled with escapes, which those here are not.
        where name.unicodeScalars.allSatisfy({ JSONPatterns.plainScalars.contains($0.value) }) {
            var node = 0
            for scalar in name.unicodeScalars {
                if let next = nodes[node].children[scalar.value] {
                    node = next
                } else {
                    nodes[node].children[scalar.value] = nodes.count
                    node = nodes.count
                    nodes.append(([:], false))
                }
            }
            nodes[node].isName = true
        }
        let first = rules.patterns.count
        for _ in nodes { _ = rules.reserve("other names") }
        for (place, node) in nodes.enumerated() {
            let taken = ScalarSet(node.children.keys.map { $0...$0 })
            var parts: [Pattern] = [
                .sequence([.scalar(JSONPatterns.plainScalars.subtracting(taken)), any])
            ]
            for (scalar, child) in node.children.sorted(by: { $0.key < $1.key }) {
                parts.append(
                    .sequence([.scalar(ScalarSet([scalar...scalar])), .rule(first + child)]))
            }
            if !node.isName { parts.append(.empty) }
            rules.define(first + place, .choice(parts))
        }
        return .rule(first)
    }
}
