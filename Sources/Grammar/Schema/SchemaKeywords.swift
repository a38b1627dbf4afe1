/// What the keywords of a schema are, read and checked.
enum SchemaKeywords {
    /// They say something about a schema, not about values.
    private static let annotations: Set<String> = [
        "title", "description", "default", "example", "examples", "$schema", "$id", "id",
        "$comment", "$defs", "definitions", "$anchor", "deprecated", "readOnly", "writeOnly",
        "contentEncoding", "contentMediaType",
    ]

    static let typesOfKeywords: [String: String] = [
        "properties": "object", "required": "object", "additionalProperties": "object",
        "items": "array", "prefixItems": "array", "additionalItems": "array",
        "minItems": "array", "maxItems": "array", "uniqueItems": "array",
        "minLength": "string", "maxLength": "string", "pattern": "string", "format": "string",
        "minimum": "number", "maximum": "number", "exclusiveMinimum": "number",
        "exclusiveMaximum": "number",
    ]

    private static let others: Set<String> = [
        "type", "enum", "const", "nullable", "anyOf", "oneOf", "allOf", "$ref",
    ]

    private static let allTypes = [
        "object", "array", "string", "number", "integer", "boolean", "null",
    ]

    /// Whether a member changes nothing about which values are valid.
    static func isAnnotation(_ member: JSONNode.Member) -> Bool {
        annotations.contains(member.name) || member.name.utf8.starts(with: "x-".utf8)
            || (member.name == "nullable" && member.value == .bool(false))
            || (member.name == "uniqueItems" && member.value == .bool(false))
    }

    /// Throws where a keyword is not supported or its value is of the wrong kind.
    static func check(_ members: [JSONNode.Member], at path: String) throws(GrammarError) {
        for member in members where !isAnnotation(member) {
            let name = member.name
            guard others.contains(name) || typesOfKeywords[name] != nil else {
                throw .schema(path: path, reason: "the keyword '\(name)' is not supported")
            }
            let wanted: String
            switch (name, member.value) {
            case ("properties", .object), ("required", .array), ("enum", .array),
                ("prefixItems", .array), ("type", .string), ("type", .array), ("$ref", .string),
                ("pattern", .string), ("format", .string), ("const", _), ("items", _),
                ("additionalProperties", _), ("additionalItems", _), ("nullable", .bool),
                ("minItems", .number), ("maxItems", .number), ("minLength", .number),
                ("maxLength", .number), ("minimum", .number), ("maximum", .number):
                continue
            case ("anyOf", .array(let parts)), ("oneOf", .array(let parts)),
                ("allOf", .array(let parts)):
                if !parts.isEmpty { continue }
                wanted = "not empty"
            case ("exclusiveMinimum", .number), ("exclusiveMaximum", .number): continue
            case ("exclusiveMinimum", _), ("exclusiveMaximum", _):
                wanted = "a number; true belongs to an old draft"
            case ("uniqueItems", _):
                throw .schema(path: path, reason: "the keyword 'uniqueItems' is not supported")
            case ("properties", _): wanted = "an object"
            case ("required", _), ("enum", _), ("prefixItems", _), ("anyOf", _), ("oneOf", _),
                ("allOf", _):
                wanted = "an array"
            case ("type", _), ("$ref", _), ("pattern", _), ("format", _): wanted = "a string"
            case ("nullable", _): wanted = "true or false"
            default: wanted = "a number"
            }
            throw .schema(path: path, reason: "'\(name)' must be \(wanted)")
        }
    }

    /// The types that values may have.
    static func types(_ schema: JSONNode, at path: String) throws(GrammarError) -> [String] {
        var types: [String] = []
        switch schema["type"] {
        case .string(let type)?: types = [type]
        case .array(let items)?:
            for case .string(let type) in items { types.append(type) }
            guard types.count == items.count, !types.isEmpty else {
                throw .schema(path: path, reason: "'type' must hold names of types")
            }
        case .none, .some:
            if case .object(let members) = schema {
                for member in members {
                    guard let type = typesOfKeywords[member.name], !types.contains(type) else {
                        continue
                    }
                    types.append(type)
                }
            }
            return types.isEmpty ? allTypes : types
        }
        for type in types where !allTypes.contains(type) {
            throw .schema(path: path, reason: "there is no type '\(type)'")
        }
        if schema["nullable"] == .bool(true), !types.contains("null") { types.append("null") }
        return types
    }

    /// A keyword's count; nil where it is absent.
    static func count(
        _ name: String, _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> Int? {
        guard case .number(let text)? = schema[name] else { return nil }
        guard let number = DecimalNumber(text), number.isWhole, !number.isNegative,
            number.whole.count <= 7
        else {
            throw .schema(path: path, reason: "'\(name)' must be a whole number from 0 on")
        }
        let value = number.whole.reduce(0) { $0 * 10 + Int($1) }
        guard value <= GrammarLimits.repetitionMax else {
            throw .tooLarge(what: "'\(name)' at \(path)", limit: GrammarLimits.repetitionMax)
        }
        return value
    }

    /// The least and the most of something, checked against each other.
    static func counts(
        _ least: String, _ most: String, _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> (Int, Int?) {
        let low = try count(least, schema, at: path) ?? 0
        let high = try count(most, schema, at: path)
        if let high, high < low {
            throw .schema(path: path, reason: "'\(most)' is below '\(least)'")
        }
        return (low, high)
    }

    /// A part of a JSON pointer.
    static func token(_ name: String) -> String {
        "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
