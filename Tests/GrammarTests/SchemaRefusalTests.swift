import Grammar
import Testing

@Suite struct SchemaRefusalTests {
    private func refusal(_ schema: String) -> GrammarError? {
        do throws(GrammarError) {
            _ = try Grammar(jsonSchema: schema)
            return nil
        } catch { return error }
    }

    @Test("A keyword that is not supported is refused by name and place")
    func unsupportedKeywordsAreNamed() {
        let keywords = [
            "not", "if", "contains", "patternProperties", "propertyNames", "minProperties",
            "maxProperties", "multipleOf", "dependentRequired", "unevaluatedProperties",
            "$dynamicRef", "maxlength",
        ]
        for keyword in keywords {
            let schema = #"{"type":"object","properties":{"a":{"\#(keyword)":{}}}}"#
            #expect(
                refusal(schema)
                    == .schema(
                        path: "/properties/a",
                        reason: "the keyword '\(keyword)' is not supported"))
        }
        #expect(
            refusal(#"{"uniqueItems":true}"#)
                == .schema(path: "", reason: "the keyword 'uniqueItems' is not supported"))
        #expect(refusal(#"{"type":"array","uniqueItems":false}"#) == nil)
    }

    @Test("What says nothing about values is passed over")
    func annotationsAreIgnored() {
        let schema = #"""
            {"$schema":"https://json-schema.org/draft/2020-12/schema","title":"T","description":"d",
            "type":"string","default":"x","examples":["y"],"x-order":1,"deprecated":false}
            """#
        #expect(refusal(schema) == nil)
    }

    @Test("Values of the wrong kind, and schemas without a document, are refused with a reason")
    func brokenSchemas() {
        let schemas = [
            "1", "[]", "null", #"{"type":"text"}"#, #"{"type":[]}"#, #"{"type":[1]}"#,
            #"{"properties":[]}"#, #"{"required":[1]}"#, #"{"enum":[]}"#, #"{"anyOf":[]}"#,
            #"{"minLength":-1}"#, #"{"minLength":1.5}"#, #"{"minLength":"1"}"#,
            #"{"minItems":3,"maxItems":2}"#, #"{"exclusiveMinimum":true}"#,
            #"{"maxLength":99999999}"#, #"{"format":"telephone"}"#, ##"{"$ref":"#/nowhere"}"##,
            ##"{"$ref":"https://example.org/schema"}"##, ##"{"$ref":"#anchor"}"##,
            #"{"type":"object","required":["a"],"additionalProperties":false}"#,
            #"{"type":"integer","minimum":5,"maximum":4}"#, "false",
            #"{"type":"number","minimum":1e30}"#, #"{"minLength":1,"pattern":"a"}"#,
            #"{"enum":[[1]],"minItems":0}"#, #"{"type":"string","enum":[1]}"#,
            ##"{"$ref":"#"}"##, ##"{"allOf":[{"$ref":"#"}],"type":"object"}"##,
            ##"{"properties":{"a":{"$ref":"#"}},"required":["a"]}"##,
            #"{"allOf":[{"type":"string"},{"type":"integer"}]}"#,
            #"{"allOf":[{"pattern":"a"},{"pattern":"b"}]}"#, #"{"a":1"#, #"{"a":1,"a":2}"#, "{} {}",
            #"{"prefixItems":[{}],"minItems":2}"#,
        ]
        for schema in schemas {
            guard let error = refusal(schema) else {
                Issue.record("\(schema) was accepted")
                continue
            }
            #expect(!error.description.isEmpty && !error.description.contains("\n"))
        }
    }

    @Test("Schemas beyond the bounds are refused, not built")
    func bounds() {
        let deep =
            String(repeating: #"{"items":"#, count: 100) + "{}" + String(repeating: "}", count: 100)
        guard case .syntax = refusal(deep) else {
            Issue.record("nesting was not refused")
            return
        }
        // Each level refers twice to the next: 2⁶⁰ if every reference were expanded.
        var definitions = #""d60":{"type":"null"}"#
        for level in 0..<60 {
            definitions +=
                ##","d\##(level)":{"properties":{"a":{"$ref":"#/$defs/d\##(level + 1)"},"##
                + ##""b":{"$ref":"#/$defs/d\##(level + 1)"}}}"##
        }
        #expect(refusal(##"{"$ref":"#/$defs/d0","$defs":{\##(definitions)}}"##) == nil)
        var merging = #""d20":{"type":"null"}"#
        for level in 0..<20 {
            let next = ##"{"$ref":"#/$defs/d\##(level + 1)"}"##
            merging += ##","d\##(level)":{"allOf":[\##(next),\##(next)]}"##
        }
        guard case .tooLarge = refusal(##"{"$ref":"#/$defs/d0","$defs":{\##(merging)}}"##) else {
            Issue.record("merging without end was not refused")
            return
        }
    }
}
