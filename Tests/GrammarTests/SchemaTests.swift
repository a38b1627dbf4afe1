import Grammar
import Testing

@Suite struct SchemaTests {
    private func check(
        _ schema: String, accepts accepted: [String], rejects rejected: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        expect(
            try Grammar(jsonSchema: schema), accepts: accepted, rejects: rejected,
            sourceLocation: sourceLocation)
    }

    @Test("type, alone and as a list, and its absence")
    func types() throws {
        try check(#"{"type":"null"}"#, accepts: ["null"], rejects: ["nul", "0", "\"null\""])
        try check(#"{"type":"boolean"}"#, accepts: ["true", "false"], rejects: ["null", "True"])
        try check(
            #"{"type":["string","null"]}"#, accepts: ["null", "\"a\""], rejects: ["1", "[]"])
        try check(#"{"type":"string","nullable":true}"#, accepts: ["null", "\"\""], rejects: ["1"])
        try check(
            "{}", accepts: ["null", "1", "\"a\"", "[1, {\"a\": []}]", "{}", "-0.5e-7"],
            rejects: ["", "[1,]", "{\"a\"}", "01", "1.", "[1 ,2]"])
        try check("true", accepts: ["[]"], rejects: ["["])
        try check(#"{"minLength":2}"#, accepts: ["\"ab\""], rejects: ["\"a\"", "1"])
    }

    @Test("Strings: any scalar, escapes, lengths in scalars")
    func strings() throws {
        try check(
            #"{"type":"string"}"#,
            accepts: ["\"\"", "\"é😀\"", #""\n\"\\\/\u00e9""#, #""\ud83d\ude00""#],
            rejects: ["\"", "\"a\nb\"", #""\x""#, #""\ud83d""#, #""\ude00""#, #""\u12""#])
        try check(
            #"{"type":"string","minLength":2,"maxLength":3}"#,
            accepts: ["\"ab\"", "\"é😀日\"", #""\ud83d\ude00a""#],
            rejects: ["\"a\"", "\"abcd\"", #""\u0041""#])
        try check(#"{"type":"string","maxLength":0}"#, accepts: ["\"\""], rejects: ["\"a\""])
        try check(
            #"{"type":"string","minLength":5000,"maxLength":100000}"#,
            accepts: ["\"" + String(repeating: "x", count: 5000) + "\""], rejects: ["\"xx\""])
    }

    @Test("pattern, anchored or not")
    func patterns() throws {
        func pattern(_ source: String, _ accepted: [String], _ rejected: [String]) throws {
            let escaped = source.replacing("\\", with: "\\\\")
            try check(
                "{\"pattern\":\"\(escaped)\"}", accepts: accepted.map { "\"\($0)\"" },
                rejects: rejected.map { "\"\($0)\"" })
        }
        try pattern("^[a-c]{2,3}$", ["ab", "abc"], ["a", "abca", "xab"])
        try pattern("b+", ["b", "abba"], ["aca"])
        try pattern("^a", ["a", "ab"], ["ba"])
        try pattern("a$", ["a", "ba"], ["ab"])
        try pattern("^(foo|ba[rz])?-\\d+(\\.\\d{2})?$", ["foo-1", "-12.50", "baz-7"], ["bat-1"])
        try pattern("^\\w+\\s\\W$", ["ab_1 !"], ["ab-1 !", "a b"])
        try pattern("^[^x-z]$", ["a", "é", #"\""#, #"\\"#, #"\n"#], ["x", "ab"])
        try pattern("^a|b$", ["ax", "xb"], ["xa"])
        try pattern("^.\\.\\u0041\\x42$", ["x.AB"], ["xxAB"])
        try pattern("^[a\\-\\]]+?$", ["a-]"], ["b"])
        let refused = [
            "(?=a)", "(a)\\1", "\\bword", "\\p{L}", "a**", "(a", "a)", "[a", "a{2,1}", "^a^", "*",
            "(?<n>a)", "x$y",
        ]
        for source in refused {
            let escaped = source.replacing("\\", with: "\\\\")
            #expect(throws: GrammarError.self, "\(source)") {
                try Grammar(jsonSchema: "{\"pattern\":\"\(escaped)\"}")
            }
        }
    }

    @Test("format")
    func formats() throws {
        func format(_ name: String, _ accepted: [String], _ rejected: [String]) throws {
            try check(
                "{\"type\":\"string\",\"format\":\"\(name)\"}",
                accepts: accepted.map { "\"\($0)\"" }, rejects: rejected.map { "\"\($0)\"" })
        }
        try format(
            "date", ["2024-02-29", "2000-02-29", "1999-12-31", "0004-02-29"],
            ["2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "0000-01-01", "24-1-1"])
        try format(
            "time", ["23:59:59Z", "01:02:03.5+02:00"], ["24:00:00Z", "01:02:03", "1:02:03Z"])
        try format(
            "date-time", ["2024-02-29T12:00:00Z", "2024-01-01T00:00:00.123-05:30"],
            ["2024-02-30T12:00:00Z", "2024-01-01 00:00:00Z"])
        try format(
            "uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000"])
        try format("email", ["ada.l+x@example.co.uk"], ["ada@", "@example.org", "a b@c.de"])
        try format("ipv4", ["255.0.10.199"], ["256.0.0.1", "1.2.3"])
        try format("ipv6", ["2001:db8:0:0:0:0:0:1"], ["2001:db8"])
        try format("hostname", ["a-b.example"], ["-a.example", "a..b"])
        try format("duration", ["P1Y2M3DT4H", "PT5M", "P6W", "P7D"], ["P", "P1Y2D", "PT"])
        try format("uri", ["https://example.org/a/b"], ["example.org"])
    }

    @Test("Whole numbers within bounds, to the digit")
    func integers() throws {
        try check(
            #"{"type":"integer"}"#, accepts: ["0", "-7", "123456789012345678"],
            rejects: ["-0", "1.0", "01", "1e2", "-"])
        let bounds: [(Int?, Int?)] = [
            (0, 9), (1, 1), (-5, 5), (-120, -7), (0, 255), (99, 1001), (-1000, 1000), (7, nil),
            (nil, -3), (nil, 0), (12, 13), (190, 203), (1, 10), (-1, 0), (10, 99),
        ]
        for (low, high) in bounds {
            var schema = #"{"type":"integer""#
            if let low { schema += ",\"minimum\":\(low)" }
            if let high { schema += ",\"maximum\":\(high)" }
            let grammar = try Grammar(jsonSchema: schema + "}")
            for value in -1300...1300 {
                let inside = value >= low ?? .min && value <= high ?? .max
                #expect(follows("\(value)", grammar) == inside, "\(value) in \(schema)")
            }
        }
        try check(
            #"{"type":"integer","exclusiveMinimum":2,"exclusiveMaximum":5.5}"#,
            accepts: ["3", "5"], rejects: ["2", "6", "-3"])
        try check(
            #"{"type":"integer","minimum":1e3,"maximum":1.2e3}"#, accepts: ["1000", "1200"],
            rejects: ["999", "1201"])
    }

    @Test("Numbers within bounds, whole or not")
    func numbers() throws {
        let decimals = ["0", "0.5", "0.25", "1", "1.5", "0.75", "2", "10.125", "3.14159"]
        let bounds: [(String?, String?)] = [
            ("0", "1"), ("0.5", "1.5"), ("-1.5", "0.25"), (nil, "-0.5"), ("0.75", nil),
            ("-10", "10.125"), ("1", "1"), ("0.2", "0.3"), ("-0.5", "-0.25"), ("0", nil),
        ]
        for (low, high) in bounds {
            for exclusive in [false, true] {
                if exclusive, low == high { continue }
                let names =
                    exclusive
                    ? ("exclusiveMinimum", "exclusiveMaximum") : ("minimum", "maximum")
                var schema = #"{"type":"number""#
                if let low { schema += ",\"\(names.0)\":\(low)" }
                if let high { schema += ",\"\(names.1)\":\(high)" }
                let grammar = try Grammar(jsonSchema: schema + "}")
                for decimal in decimals + decimals.dropFirst().map({ "-" + $0 }) {
                    let value = Double(decimal) ?? 0
                    let (least, most) = (Double(low ?? "-inf") ?? 0, Double(high ?? "inf") ?? 0)
                    let inside =
                        exclusive ? value > least && value < most : value >= least && value <= most
                    #expect(follows(decimal, grammar) == inside, "\(decimal) in \(schema)")
                    // Zeros at the end change nothing.
                    let longer = decimal + (decimal.contains(".") ? "00" : ".00")
                    #expect(follows(longer, grammar) == inside, "\(longer) in \(schema)")
                }
            }
        }
    }

    @Test("enum and const, written without white space")
    func values() throws {
        try check(
            #"{"enum":["a","b\"",1,null,[1, 2],{"k": "v"}]}"#,
            accepts: ["\"a\"", #""b\"""#, "1", "null", "[1,2]", #"{"k":"v"}"#],
            rejects: ["\"c\"", "2", "\"a"])
        try check(#"{"const":"x"}"#, accepts: ["\"x\""], rejects: ["\"y\""])
        try check(
            #"{"type":"string","enum":["a",1]}"#, accepts: ["\"a\""], rejects: ["1"])
        try check(
            #"{"enum":["ab","abc","b",1,7,null],"minLength":2,"pattern":"^ab","maximum":5}"#,
            accepts: ["\"ab\"", "\"abc\"", "1", "null"], rejects: ["\"b\"", "7"])
        try check(
            #"{"type":"integer","enum":[1,1.5,2.0]}"#, accepts: ["1", "2.0"], rejects: ["1.5"])
    }

    @Test("Objects: order, required and optional properties")
    func objects() throws {
        let schema = #"""
            {"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},
            "c":{"type":"null"}},"required":["b"]}
            """#
        try check(
            schema,
            accepts: [
                #"{"b":""}"#, #"{"a": 1, "b": "x", "c": null}"#, #"{"b":"x","c":null}"#,
                "{\n  \"a\": 1,\n  \"b\": \"x\"\n}",
            ],
            rejects: [
                "{}", #"{"a":1}"#, #"{"b":"x","a":1}"#, #"{"b":"x",}"#, #"{"b":"x","d":1}"#,
                #"{,"b":"x"}"#, #"{"a":1"b":""}"#, #"{"b":"x","b":"x"}"#,
            ])
        try check(
            #"{"type":"object","properties":{"a":{},"b":{}}}"#,
            accepts: ["{}", #"{"a":[]}"#, #"{"b":1}"#, #"{"a":1,"b":2}"#, "{ }"], rejects: ["{,}"])
        try check(#"{"type":"object"}"#, accepts: ["{}", #"{"x": {"y": 1}}"#], rejects: ["[]"])
        try check(
            #"{"properties":{"q\"é\n":{"type":"null"}},"required":["q\"é\n"]}"#,
            accepts: [#"{"q\"é\n":null}"#], rejects: ["{}"])
        try check(#"{"required":["z"]}"#, accepts: [#"{"z":1}"#], rejects: ["{}", #"{"y":1}"#])
    }

    @Test("additionalProperties: none, any, or of a schema, never a declared name")
    func additionalProperties() throws {
        try check(
            #"{"type":"object","additionalProperties":false}"#, accepts: ["{}"],
            rejects: [#"{"a":1}"#])
        let schema = #"""
            {"type":"object","properties":{"name":{"type":"string"},"nam":{"type":"null"}},
            "additionalProperties":{"type":"integer"}}
            """#
        try check(
            schema,
            accepts: [
                #"{"x":1}"#, #"{"name":"n","x":1,"y":2}"#, #"{"na":1}"#, #"{"names":1}"#,
                #"{"":1}"#, #"{"nam":null,"é":3}"#,
            ],
            rejects: [
                #"{"name":1}"#, #"{"x":"s"}"#, #"{"nam":1}"#, #"{"x":1,"name":2}"#,
                #"{"\u006eame":1}"#,
            ])
    }

    @Test("Arrays: items, prefixItems and their number")
    func arrays() throws {
        try check(
            #"{"type":"array","items":{"type":"integer"}}"#,
            accepts: ["[]", "[1]", "[1, 2,3]", "[\n  1,\n  2\n]"],
            rejects: ["[1,]", "[\"a\"]", "["])
        try check(
            #"{"type":"array","items":{"type":"null"},"minItems":2,"maxItems":3}"#,
            accepts: ["[null,null]", "[null,null,null]"],
            rejects: ["[]", "[null]", "[null,null,null,null]"])
        try check(#"{"type":"array","maxItems":0}"#, accepts: ["[]"], rejects: ["[1]"])
        try check(
            #"{"minItems":1}"#, accepts: ["[1]", "[[],{}]"], rejects: ["[]"])
        let tuple = #"{"prefixItems":[{"type":"integer"},{"type":"string"}]"#
        try check(
            tuple + "}", accepts: ["[]", "[1]", "[1,\"a\"]"],
            rejects: ["[\"a\"]", "[1,\"a\",null]", "[,]"])
        try check(
            tuple + #","minItems":2,"items":{"type":"null"},"maxItems":4}"#,
            accepts: ["[1,\"a\"]", "[1,\"a\",null,null]"],
            rejects: ["[1]", "[1,\"a\",null,null,null]", "[1,\"a\",2]"])
        try check(
            #"{"type":"array","items":[{"type":"null"}],"additionalItems":{"type":"integer"}}"#,
            accepts: ["[null,1,2]"], rejects: ["[1]"])
    }

    @Test("anyOf chooses, with what stands beside it")
    func anyOf() throws {
        try check(
            #"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#, accepts: ["\"a\"", "1"],
            rejects: ["null"])
        try check(
            #"""
            {"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}},
            "anyOf":[{"required":["a"]},{"required":["b"]}]}
            """#,
            accepts: [#"{"a":null}"#, #"{"b":null}"#, #"{"a":null,"b":null}"#], rejects: ["{}"])
    }

    @Test("oneOf is followed where the alternatives exclude each other, and refused elsewhere")
    func oneOf() throws {
        try check(
            #"{"oneOf":[{"type":"string"},{"type":"number"}]}"#, accepts: ["\"a\"", "1.5"],
            rejects: ["null"])
        try check(
            #"""
            {"oneOf":[
            {"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"null"}},
             "required":["kind"]},
            {"type":"object","properties":{"kind":{"enum":["b","c"]},"y":{"type":"null"}},
             "required":["kind"]}]}
            """#,
            accepts: [#"{"kind":"a","x":null}"#, #"{"kind":"c","y":null}"#],
            rejects: [#"{"kind":"a","y":null}"#, "{}"])
        for schema in [
            #"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#,
            #"{"oneOf":[{"minimum":1},{"maximum":5}]}"#,
            #"{"oneOf":[{"type":"object"},{"type":"object","required":["a"]}]}"#,
        ] {
            #expect(throws: GrammarError.self, "\(schema)") { try Grammar(jsonSchema: schema) }
        }
    }

    @Test("allOf says what all parts say")
    func allOf() throws {
        try check(
            #"{"allOf":[{"type":["integer","string"],"minimum":3},{"type":"number","maximum":5}]}"#,
            accepts: ["3", "5"], rejects: ["2", "6", "3.5", "\"a\""])
        try check(
            #"""
            {"allOf":[{"$ref":"#/$defs/base"},
              {"type":"object","properties":{"b":{"type":"integer"},"a":{"maxLength":2}},
               "required":["b"]}],
             "$defs":{"base":{"type":"object","properties":{"a":{"type":"string"}},
               "required":["a"]}}}
            """#,
            accepts: [#"{"a":"xy","b":1}"#], rejects: [#"{"a":"xyz","b":1}"#, #"{"a":"x"}"#])
        // What one part forbids, the other can't declare.
        try check(
            #"""
            {"allOf":[{"type":"object","properties":{"a":{"type":"null"}},
              "additionalProperties":false},{"properties":{"b":{"type":"null"}}}]}
            """#,
            accepts: ["{}", #"{"a":null}"#], rejects: [#"{"b":null}"#])
        // The items of one part include the first ones of another.
        try check(
            #"""
            {"allOf":[{"type":"array","prefixItems":[{"minimum":3},{"type":"boolean"}]},
              {"items":{"type":["integer","boolean"]},"maxItems":3}]}
            """#,
            accepts: ["[]", "[5,true,7]"], rejects: ["[2]", "[3.5]", "[5,1]", "[5,true,null]"])
        try check(
            #"{"allOf":[{"enum":[1,2,3]},{"enum":[2,3,4]}]}"#, accepts: ["2", "3"],
            rejects: ["1", "4"])
    }

    @Test("$ref leads into the schema, and may recur")
    func references() throws {
        try check(
            #"""
            {"type":"object","properties":{"value":{"type":"integer"},
             "children":{"type":"array","items":{"$ref":"#"}}},"required":["value"]}
            """#,
            accepts: [#"{"value":1,"children":[{"value":2},{"value":3,"children":[]}]}"#],
            rejects: [#"{"value":1,"children":[{}]}"#])
        try check(
            #"""
            {"$ref":"#/definitions/a~1b%20c","definitions":{"a/b c":{"description":"x",
            "anyOf":[{"type":"null"},{"type":"array","items":{"$ref":"#/definitions/a~1b%20c"}}]}}}
            """#,
            accepts: ["null", "[null,[null,[]]]"], rejects: ["1"])
        try check(
            ##"{"$ref":"#/$defs/n","maximum":3,"$defs":{"n":{"type":"integer","minimum":1}}}"##,
            accepts: ["1", "3"], rejects: ["0", "4"])
        // Recursion through merged parts ends.
        try check(
            #"""
            {"$defs":{"a":{"allOf":[{"type":"object"},{"properties":{"n":{"$ref":"#/$defs/a"}}}]}},
            "$ref":"#/$defs/a"}
            """#,
            accepts: ["{}", #"{"n":{"n":{}}}"#], rejects: [#"{"n":1}"#])
    }
}
