// Numbers, strings and arrays.

extension SchemaCompiler {
    /// Numbers within `minimum`, `maximum` and their exclusive forms.
    func number(
        _ schema: JSONNode, isWhole: Bool, at path: String
    ) throws(GrammarError) -> Pattern {
        func bound(_ name: String, _ isIncluded: Bool) throws(GrammarError)
            -> NumberPatterns.Bound?
        {
            guard case .number(let text)? = schema[name] else { return nil }
            guard let value = DecimalNumber(text) else {
                throw .schema(
                    path: path,
                    reason: "'\(name)' has over \(GrammarLimits.digitsMax) digits before or "
                        + "after the point")
            }
            return NumberPatterns.Bound(value: value, isIncluded: isIncluded)
        }
        func tighter(
            _ one: NumberPatterns.Bound?, _ other: NumberPatterns.Bound?, _ takeHigher: Bool
        ) -> NumberPatterns.Bound? {
            guard let one, let other else { return one ?? other }
            // Equal: the second, which is the exclusive one.
            if one.value == other.value { return other }
            return one.value.precedes(other.value) == takeHigher ? other : one
        }
        let low = tighter(
            try bound("minimum", true), try bound("exclusiveMinimum", false), true)
        let high = tighter(
            try bound("maximum", true), try bound("exclusiveMaximum", false), false)
        guard low != nil || high != nil else {
            return isWhole ? JSONPatterns.integer : JSONPatterns.number
        }
        return NumberPatterns.number(from: low, to: high, isWhole: isWhole)
    }

    /// Strings of `minLength` to `maxLength` scalars, or of a `pattern` or `format`.
    func string(_ schema: JSONNode, at path: String) throws(GrammarError) -> Pattern {
        let (least, most) = try SchemaKeywords.counts("minLength", "maxLength", schema, at: path)
        var pattern: Pattern?
        if case .string(let source)? = schema["pattern"] {
            pattern = try RegularExpression.pattern(source, at: path)
        }
        if case .string(let name)? = schema["format"] {
            guard let source = StringFormats.expressions[name] else {
                throw .schema(
                    path: path,
                    reason: "the format '\(name)' is not supported; there are: "
                        + StringFormats.expressions.keys.sorted().joined(separator: ", "))
            }
            guard pattern == nil else {
                throw .schema(
                    path: path, reason: "'pattern' together with 'format' is not supported")
            }
            pattern = try RegularExpression.pattern(source, at: path)
        }
        guard let pattern else {
            return JSONPatterns.string(JSONPatterns.character, least: least, most: most)
        }
        guard least == 0, most == nil else {
            throw .schema(
                path: path,
                reason: "'minLength' or 'maxLength' together with 'pattern' or 'format' is not "
                    + "supported")
        }
        return .sequence([.text("\""), pattern, .text("\"")])
    }

    /// Arrays: the items of `prefixItems`, then those of `items`.
    mutating func array(_ schema: JSONNode, at path: String) throws(GrammarError) -> Pattern {
        let (least, most) = try SchemaKeywords.counts("minItems", "maxItems", schema, at: path)
        var prefix: [JSONNode] = []
        var further = schema["items"]
        var furtherPath = path + "/items"
        var prefixPath = path + "/prefixItems/"
        if case .array(let items)? = schema["prefixItems"] {
            prefix = items
        } else if case .array(let items)? = further {
            (prefix, prefixPath) = (items, path + "/items/")
            (further, furtherPath) = (schema["additionalItems"], path + "/additionalItems")
        } else if further == nil {
            further = .bool(true)
        }
        if let most { prefix = Array(prefix.prefix(most)) }
        let item: Pattern? =
            if let further, further != .bool(false) { try rule(further, at: furtherPath) } else {
                nil
            }
        guard !prefix.isEmpty else {
            return JSONPatterns.list(
                "[", item ?? .never, "]", least: least, most: item == nil ? 0 : most)
        }
        guard item != nil || least <= prefix.count else {
            throw .schema(
                path: path, reason: "'minItems' asks for more items than 'prefixItems' has")
        }
        let comma = Pattern.sequence([.text(","), JSONPatterns.space])
        var tail = Pattern.empty
        if let item {
            tail = .repeated(
                .sequence([comma, item]), least: max(0, least - prefix.count),
                most: most.map { $0 - prefix.count })
        }
        for (place, schema) in prefix.enumerated().reversed() {
            let value = try rule(schema, at: prefixPath + String(place))
            let before = place == 0 ? JSONPatterns.space : comma
            let part = Pattern.sequence([before, value, tail])
            // As a rule, so that long tuples don't nest.
            tail = rules.add(prefixPath, place >= least ? part.optional : part)
        }
        return .sequence([.text("["), tail, JSONPatterns.space, .text("]")])
    }
}
