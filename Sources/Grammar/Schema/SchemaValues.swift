// `enum` and `const`, and what other keywords leave of them.

extension SchemaKeywords {
    /// The values of `enum` and `const` that the other keywords allow; nil without either.
    static func values(
        _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> [JSONNode]? {
        var values: [JSONNode]
        switch (schema["enum"], schema["const"]) {
        case (.array(let items)?, let constant?):
            values = items.filter { $0.isSame(as: constant) }
        case (.array(let items)?, nil): values = items
        case (_, let constant?): values = [constant]
        case (_, nil): return nil
        }
        if schema["type"] != nil {
            let types = try types(schema, at: path)
            values = values.filter { value in
                types.contains(value.typeName)
                    || (value.typeName == "integer" && types.contains("number"))
            }
        }
        guard case .object(let members) = schema else { return values }
        var left: [JSONNode] = []
        let expression = try expression(schema, at: path)
        for value in values {
            switch value {
            case .null, .bool: left.append(value)
            case .number(let text):
                if try isWithinBounds(text, schema, at: path) { left.append(value) }
            case .string(let text):
                let (least, most) = try counts("minLength", "maxLength", schema, at: path)
                let length = text.unicodeScalars.count
                guard length >= least, length <= most ?? length else { continue }
                guard let expression else {
                    left.append(value)
                    continue
                }
                var matcher = expression
                do { try matcher.advance(value.text.utf8) } catch { continue }
                if matcher.mayEnd { left.append(value) }
            case .array, .object:
                let type = value.typeName
                for member in members where typesOfKeywords[member.name] == type {
                    throw .schema(
                        path: path,
                        reason: "'\(member.name)' beside 'enum' or 'const' is not supported")
                }
                left.append(value)
            }
        }
        return left
    }

    /// A matcher of `pattern` or `format`, if there is one.
    private static func expression(
        _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> GrammarMatcher? {
        let members = ["pattern", "format"].compactMap { name in
            schema[name].map { JSONNode.Member(name: name, value: $0) }
        }
        guard !members.isEmpty else { return nil }
        var rules = RuleSet()
        let pattern = try SchemaCompiler(document: .null).string(.object(members), at: path)
        _ = rules.add("#" + path, pattern)
        return GrammarMatcher(try Grammar(rules))
    }

    private static func isWithinBounds(
        _ text: String, _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> Bool {
        for (name, isLow, isIncluded) in [
            ("minimum", true, true), ("exclusiveMinimum", true, false), ("maximum", false, true),
            ("exclusiveMaximum", false, false),
        ] {
            guard case .number(let bound)? = schema[name] else { continue }
            guard let bound = DecimalNumber(bound), let value = DecimalNumber(text) else {
                throw .schema(
                    path: path, reason: "'\(name)' can't be compared: too many digits")
            }
            if value == bound {
                guard isIncluded else { return false }
            } else if value.precedes(bound) == isLow {
                return false
            }
        }
        return true
    }
}
