/// Compiles a JSON schema (draft 2020-12, with the older spellings `definitions`, an array as
/// `items`, `additionalItems`, and OpenAPI's `nullable`) to rules whose texts are JSON documents
/// that satisfy it.
///
/// Every text is valid; not every valid document is a text. Where the schema leaves a choice, the
/// narrower reading is taken:
/// - properties come in the order in which they are declared, additional ones last, and those
///   without escapes in their names;
/// - an object with `properties` has no others unless `additionalProperties` says so, an array
///   with `prefixItems` no further items unless `items` does;
/// - without `type`, the keywords say which types are meant; without any, every value is;
/// - `integer` is written without point and exponent, `number` with bounds without an exponent;
///   numbers have at most ``GrammarLimits/digitsMax`` digits before the point and after it;
/// - white space is as ``JSONPatterns`` says.
///
/// `oneOf` is followed where its alternatives provably exclude each other, and refused elsewhere. A
/// keyword that is not supported is refused by name: `not`, `if`, `contains`, `patternProperties`
/// and others. Names that begin with `x-` and annotations are passed over.
struct SchemaCompiler {
    let document: JSONNode
    var rules = RuleSet()
    /// The rules of schemas that are referred to, by pointer, and of merged ones, by their text.
    private var known: [String: Int] = [:]
    private var anyValue: Pattern?
    private var depth = 0
    var merges = 0

    /// A compiler of `document`.
    init(document: JSONNode) { self.document = document }

    /// The rules, the whole document first.
    mutating func compile() throws(GrammarError) -> RuleSet {
        let root = rules.reserve("the schema")
        known["#"] = root
        rules.define(root, try pattern(document, at: ""))
        return rules
    }

    /// Any JSON value.
    mutating func any() -> Pattern {
        if let anyValue { return anyValue }
        let value = JSONPatterns.value(in: &rules)
        anyValue = value
        return value
    }

    /// A rule for the values of `schema`, so that it can be used more than once.
    mutating func rule(_ schema: JSONNode, at path: String) throws(GrammarError) -> Pattern {
        guard rules.patterns.count < GrammarLimits.rulesMax else {
            throw .tooLarge(what: "rules that a schema makes", limit: GrammarLimits.rulesMax)
        }
        return rules.add("#" + path, try pattern(schema, at: path))
    }

    /// The values of `schema`, which is at `path`.
    mutating func pattern(_ schema: JSONNode, at path: String) throws(GrammarError) -> Pattern {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GrammarLimits.nestingMax * 2 else {
            throw .tooLarge(what: "nesting of a schema", limit: GrammarLimits.nestingMax)
        }
        switch schema {
        case .bool(let isAllowed): return isAllowed ? any() : .never
        case .object(let members):
            try SchemaKeywords.check(members, at: path)
            return try pattern(members.filter { !SchemaKeywords.isAnnotation($0) }, at: path)
        case .null, .number, .string, .array:
            throw .schema(path: path, reason: "a schema is an object, true or false")
        }
    }

    /// The same for an object's members, of which none is an annotation.
    private mutating func pattern(
        _ members: [JSONNode.Member], at path: String
    ) throws(GrammarError) -> Pattern {
        let schema = JSONNode.object(members)
        if case .string(let reference)? = schema["$ref"] {
            if members.count == 1 { return try referred(reference, at: path) }
            return try merged(schema, at: path)
        }
        if case .array(let parts)? = schema["allOf"] {
            // A single reference stays one, so that recursion through it ends.
            if members.count == 1, parts.count == 1 {
                return try pattern(parts[0], at: path + "/allOf/0")
            }
            return try merged(schema, at: path)
        }
        for keyword in ["anyOf", "oneOf"] {
            guard case .array(let parts)? = schema[keyword] else { continue }
            return try alternatives(
                parts, keyword, besides: members.filter { $0.name != keyword }, at: path)
        }
        if let values = try SchemaKeywords.values(schema, at: path) {
            return .choice(values.map { .text($0.text) })
        }
        let types = try SchemaKeywords.types(schema, at: path)
        var parts: [Pattern] = []
        for type in types {
            // Whole numbers are among all numbers.
            if type == "integer", types.contains("number") { continue }
            parts.append(try pattern(of: type, schema, at: path))
        }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func pattern(
        of type: String, _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> Pattern {
        switch type {
        case "null": return .text("null")
        case "boolean": return .choice([.text("true"), .text("false")])
        case "integer": return try number(schema, isWhole: true, at: path)
        case "number": return try number(schema, isWhole: false, at: path)
        case "string": return try string(schema, at: path)
        case "array": return try array(schema, at: path)
        default: return try object(schema, at: path)
        }
    }

    /// A reference's rule; made at its first use, before its inside, which may refer to it.
    private mutating func referred(
        _ reference: String, at path: String
    ) throws(GrammarError) -> Pattern {
        if let rule = known[reference] { return .rule(rule) }
        let target = try resolve(reference, at: path)
        let rule = rules.reserve(reference)
        known[reference] = rule
        rules.define(rule, try pattern(target, at: String(reference.dropFirst())))
        return .rule(rule)
    }

    /// What a reference within the document points at (RFC 6901).
    func resolve(_ reference: String, at path: String) throws(GrammarError) -> JSONNode {
        guard reference.unicodeScalars.first == "#",
            let pointer = Self.decoded(String(reference.dropFirst()))
        else {
            throw .schema(
                path: path, reason: "'$ref' must point into the schema, as '#/$defs/name' does")
        }
        var node = document
        for token in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = String(token).replacing("~1", with: "/").replacing("~0", with: "~")
            var next = node[name]
            if case .array(let items) = node, let place = Int(name), items.indices.contains(place) {
                next = items[place]
            }
            guard let next else {
                throw .schema(path: path, reason: "'$ref' points at '\(reference)': nothing there")
            }
            node = next
        }
        guard pointer.isEmpty || pointer.utf8.first == UInt8(ascii: "/") else {
            throw .schema(path: path, reason: "'$ref' names an anchor; use '#/$defs/name'")
        }
        return node
    }

    /// Percent signs decoded; nil where that is not UTF-8.
    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest.removeFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// A schema whose parts had to be merged; the same text is the same rule, so that recursion
    /// through merged schemas ends.
    private mutating func merged(
        _ schema: JSONNode, at path: String
    ) throws(GrammarError) -> Pattern {
        let flat = try flatten(schema, at: path)
        let key = flat.text
        if let rule = known[key] { return .rule(rule) }
        let rule = rules.reserve("#" + path)
        known[key] = rule
        rules.define(rule, try pattern(flat, at: path))
        return .rule(rule)
    }

    private mutating func alternatives(
        _ parts: [JSONNode], _ keyword: String, besides base: [JSONNode.Member], at path: String
    ) throws(GrammarError) -> Pattern {
        if keyword == "oneOf", parts.count > 1 {
            try checkDisjoint(parts, besides: .object(base), at: path)
        }
        var patterns: [Pattern] = []
        for (place, part) in parts.enumerated() {
            let path = "\(path)/\(keyword)/\(place)"
            guard base.isEmpty else {
                patterns.append(
                    try merged(
                        .object(base + [.init(name: "allOf", value: .array([part]))]), at: path))
                continue
            }
            patterns.append(try pattern(part, at: path))
        }
        return .choice(patterns)
    }
}
