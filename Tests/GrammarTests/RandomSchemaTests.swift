import Foundation
import Sampling
import Testing

@testable import Grammar

@Suite struct RandomSchemaTests {
    /// A schema of some depth, as JSON text.
    private func schema(_ random: inout TestRandom, depth: Int) -> String {
        let inner = { (random: inout TestRandom) in self.schema(&random, depth: depth - 1) }
        switch random.next(below: depth > 0 ? 13 : 8) {
        case 0: return #"{"type":"boolean"}"#
        case 1:
            let low = random.next(below: 300) - 150
            return
                #"{"type":"integer","minimum":\#(low),"exclusiveMaximum":\#(low + 1 + random.next(below: 200))}"#
        case 2: return #"{"type":"number","minimum":-0.25,"maximum":\#(random.next(below: 40))}"#
        case 3:
            let least = random.next(below: 3)
            return
                #"{"type":"string","minLength":\#(least),"maxLength":\#(least + random.next(below: 4))}"#
        case 4: return #"{"enum":["a",1,null,{"b":[true]}]}"#
        case 5: return #"{"const":"é\n"}"#
        case 6: return #"{"type":["null","integer"],"maximum":12}"#
        case 7: return #"{"type":"string","pattern":"^[a-f]{1,3}(-\\d+)?$"}"#
        case 8:
            let most = random.next(below: 3)
            return
                #"{"type":"array","items":\#(inner(&random)),"minItems":\#(random.next(below: most + 1)),"maxItems":\#(most)}"#
        case 9:
            return
                #"{"type":"array","prefixItems":[\#(inner(&random)),\#(inner(&random))],"minItems":1}"#
        case 10: return #"{"anyOf":[\#(inner(&random)),\#(inner(&random))]}"#
        case 11:
            return
                #"{"allOf":[{"type":"object","properties":{"a":\#(inner(&random))}},{"required":["b"],"properties":{"b":\#(inner(&random))}}]}"#
        default:
            let names = ["a", "b", "ab", "q\\\""].prefix(1 + random.next(below: 4))
            let properties = names.map { "\"\($0)\":\(inner(&random))" }.joined(separator: ",")
            let needed = names.filter { _ in random.next(below: 2) == 0 }
                .map { "\"\($0)\"" }.joined(separator: ",")
            let additional = [
                "", #","additionalProperties":false"#,
                #","additionalProperties":{"type":"integer"}"#,
            ]
            return
                #"{"type":"object","properties":{\#(properties)},"required":[\#(needed)]\#(additional[random.next(below: 3)])}"#
        }
    }

    /// A text made of allowed tokens chosen at random, ended where it may end and chance has it.
    static func text(
        _ grammar: Grammar, _ random: inout TestRandom, tokensMax: Int = 250
    ) throws -> [UInt8]? {
        var matcher = GrammarMatcher(grammar)
        var text: [UInt8] = []
        for _ in 0..<tokensMax {
            let ids = matcher.allowed(TestVocabulary.trie).ids
            try #require(!ids.isEmpty, "no token is allowed after \(text)")
            let id = ids[random.next(below: ids.count)]
            if id == TestVocabulary.end || (matcher.mayEnd && random.next(below: 3) == 0) {
                return text
            }
            text += TestVocabulary.tokens[Int(id)]
            try matcher.advance(TestVocabulary.tokens[Int(id)])
        }
        return nil
    }

    @Test("Whatever tokens are taken, a finished text is JSON that satisfies the schema")
    func finishedTextsSatisfyTheSchema() throws {
        var random = TestRandom(21)
        var finished = 0
        for _ in 0..<70 {
            let source = schema(&random, depth: 2)
            let grammar: Grammar
            do { grammar = try Grammar(jsonSchema: source) } catch {
                // Two parts of `allOf` may exclude each other, and nothing else is refused.
                #expect(source.contains("allOf"), "\(source): \(error)")
                continue
            }
            let tree = try JSONSerialization.jsonObject(
                with: Data(source.utf8), options: .fragmentsAllowed)
            for _ in 0..<4 {
                guard let text = try Self.text(grammar, &random) else { continue }
                finished += 1
                let string = try #require(String(validating: text, as: UTF8.self))
                let value = try JSONSerialization.jsonObject(
                    with: Data(text), options: .fragmentsAllowed)
                #expect(Validator.accepts(value, tree), "\(string) by \(source)")
            }
        }
        #expect(finished > 120)
    }

    @Test("Any JSON value's grammar gives texts that are JSON")
    func anyValueIsJSON() throws {
        var random = TestRandom(22)
        var finished = 0
        for _ in 0..<60 {
            guard let text = try Self.text(.json, &random, tokensMax: 60) else { continue }
            finished += 1
            _ = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
        }
        #expect(finished > 10)
    }
}

/// A small validator of the keywords that the schemas above use.
enum Validator {
    static func accepts(_ value: Any, _ schema: Any) -> Bool {
        guard let schema = schema as? [String: Any] else { return (schema as? Bool) ?? false }
        return schema.allSatisfy { holds($0.key, $0.value, value, schema) }
    }

    private static func number(_ value: Any) -> Double? {
        guard let number = value as? NSNumber, !isBool(value) else { return nil }
        return number.doubleValue
    }

    private static func isBool(_ value: Any) -> Bool {
        guard let number = value as? NSNumber else { return false }
        return String(cString: number.objCType) == "c"
    }

    private static func isType(_ type: String, _ value: Any) -> Bool {
        switch type {
        case "null": value is NSNull
        case "boolean": isBool(value)
        case "integer": number(value).map { $0.rounded() == $0 } ?? false
        case "number": number(value) != nil
        case "string": value is String
        case "array": value is [Any]
        default: value is [String: Any]
        }
    }

    private static func isSame(_ one: Any, _ other: Any) -> Bool {
        isBool(one) == isBool(other)
            && NSDictionary(object: one, forKey: "v" as NSString)
                .isEqual(to: ["v": other])
    }

    private static func holds(
        _ keyword: String, _ rule: Any, _ value: Any, _ schema: [String: Any]
    ) -> Bool {
        let length = (value as? String)?.unicodeScalars.count
        let items = value as? [Any]
        let members = value as? [String: Any]
        let bound = number(rule) ?? 0
        let properties = schema["properties"] as? [String: Any] ?? [:]
        switch keyword {
        case "type":
            let types = rule as? [String] ?? [rule as? String ?? ""]
            return types.contains { isType($0, value) }
        case "minimum": return number(value).map { $0 >= bound } ?? true
        case "maximum": return number(value).map { $0 <= bound } ?? true
        case "exclusiveMaximum": return number(value).map { $0 < bound } ?? true
        case "minLength": return length.map { Double($0) >= bound } ?? true
        case "maxLength": return length.map { Double($0) <= bound } ?? true
        case "minItems": return items.map { Double($0.count) >= bound } ?? true
        case "maxItems": return items.map { Double($0.count) <= bound } ?? true
        case "enum": return (rule as? [Any] ?? []).contains { isSame($0, value) }
        case "const": return isSame(rule, value)
        case "pattern":
            guard let text = value as? String, let pattern = rule as? String else { return true }
            return text.range(of: pattern, options: .regularExpression) != nil
        case "items": return (items ?? []).allSatisfy { accepts($0, rule) }
        case "prefixItems":
            return zip(items ?? [], rule as? [Any] ?? []).allSatisfy { accepts($0, $1) }
        case "anyOf": return (rule as? [Any] ?? []).contains { accepts(value, $0) }
        case "allOf": return (rule as? [Any] ?? []).allSatisfy { accepts(value, $0) }
        case "properties":
            return (members ?? [:]).allSatisfy { name, value in
                properties[name].map { accepts(value, $0) } ?? true
            }
        case "required":
            return members.map { members in
                (rule as? [String] ?? []).allSatisfy { members[$0] != nil }
            } ?? true
        case "additionalProperties":
            return (members ?? [:]).allSatisfy { name, value in
                properties[name] != nil || accepts(value, rule)
            }
        default: return false
        }
    }
}
