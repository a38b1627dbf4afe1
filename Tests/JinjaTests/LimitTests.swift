import Jinja
import Testing

@Suite struct LimitTests {
    @Test(
        "A template that would take all time, memory or stack ends with a limit's error",
        arguments: [
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "{{ range(100001) }}", "{{ range(0, 9000000000000000000, 2) }}",
            "{{ 'a' * 100000000 }}", "{{ [1] * 100000000 }}", "{{ 'ab' * 9223372036854775807 }}",
            "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(1000) %}"
                + "{% set ns.s = ns.s + ns.s %}{% endfor %}",
            "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}"
                + "{% endfor %}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}"
                + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
            "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}"
                + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
            "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}"
                + "{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}"
                + "{{ ns.l == ns.m }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% macro f(x) %}{{ f([x]) }}{% endmacro %}{{ f(1) }}",
            "{{ 'x'.center(100000000) }}", "{{ 'x'.zfill(100000000) }}", "{{ '%9999999999d' % 1 }}",
            "{{ '{:9999999999}'.format(1) }}", "{{ '%.99999f' % 1.5 }}",
            "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}",
            "{{ ('a' * 100000)|list|join('b' * 100000) }}", "{{ 'a\nb'|indent(100000000) }}",
            "{{ [1]|tojson(indent=100000000) }}", "{{ 9223372036854775807 + 1 }}", "{{ 2 ** 64 }}",
            "{{ -9223372036854775807 - 2 }}", "{{ (-9223372036854775807 - 1) // -1 }}",
            "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
            "{% for i in range(100000) %}{{ 'x' in 'y' * 100000 }}{% endfor %}",
        ])
    func ends(source: String) throws {
        let error = try #require(throws: TemplateError.self) {
            try Template(source).render([:], workMax: 400_000)
        }
        #expect(error.kind == .limit, "\(error)")
        #expect(error.line != nil)
    }

    @Test("Deep nesting of a source is refused, and long chains are not deep")
    func nesting() throws {
        let deep = 5000
        for (open, close) in [
            ("(", ")"), ("[", "]"), ("{1:", "}"), ("not ", ""), ("-", ""), ("1 if 1 else ", "1"),
            ("f(", ")"), ("a[", "]"), ("1|d(", ")"),
        ] {
            let source =
                "{{ " + String(repeating: open, count: deep) + "1"
                + String(repeating: close, count: deep) + " }}"
            #expect(throws: TemplateError.self) { try Template(source) }
        }
        let blocks =
            String(repeating: "{% if 1 %}", count: deep)
            + String(repeating: "{% endif %}", count: deep)
        #expect(throws: TemplateError.self) { try Template(blocks) }
        let conditions = "{{ 1" + String(repeating: " if 1", count: deep) + " }}"
        #expect(throws: TemplateError.self) { try Template(conditions) }
        for chain in [" + 1", " ~ 1", " and 1", " == 1", "|string", ".a.b is defined|string"] {
            let source = "{{ 'a'|length" + String(repeating: chain, count: 2000) + " }}"
            _ = try? Template(source).render([:])
        }
        let sum = "{{ 1" + String(repeating: " + 1", count: 2000) + " }}"
        #expect(try render(sum).string == "2001")
    }

    @Test("The deepest that is allowed fits a small stack")
    func deepestAllowed() throws {
        let inside =
            String(repeating: "(", count: 40) + "f(n - 1)" + String(repeating: ")", count: 40)
        let source = "{% macro f(n) %}{% if n > 0 %}{{ " + inside + " }}{% endif %}{% endmacro %}"
        #expect(try render(source + "{{ f(10) }}").string == "")
        #expect(throws: TemplateError.self) { try render(source + "{{ f(1000) }}") }
    }

    @Test("A source or a value over its limit is refused")
    func sizes() throws {
        let long = String(repeating: "x", count: JinjaLimits.sourceBytesMax + 1)
        #expect(throws: TemplateError.self) { try Template(long) }
        var value = JinjaValue.integer(1)
        for _ in 0..<100 { value = .list([value]) }
        #expect(throws: TemplateError.self) { try render("x", ["v": value]) }
        let json = String(repeating: "[", count: 100_000)
        #expect(throws: TemplateError.self) { try JinjaValue(json: json.utf8) }
    }

    @Test(
        "An error names its line and what is wrong",
        arguments: [
            ("a\n{{ 1|nope }}", "line 2: the filter 'nope' is not supported"),
            ("a\n\n{% include 'x' %}", "line 3: the tag 'include' is not supported"),
            ("{{ 1 is odder }}", "line 1: the test 'odder' is not supported"),
            ("{% for x in l recursive %}", "line 1: recursive loops are not supported"),
            ("x\n{% if 1 %}\n", "line 2: the template ends where 'elif' is expected"),
            (
                "{% if true %}\n{{ a.b }}{% endif %}",
                "line 2: 'a' is undefined: it has no attribute 'b'"
            ),
            ("\n\n{{ raise_exception('no') }}", "line 3: it refuses: no"),
            ("{{ 'a' + 1 }}", "line 1: '+' between a str and a int"),
        ])
    func messages(source: String, message: String) throws {
        let error = try #require(throws: TemplateError.self) { try render(source) }
        #expect(error.description == message)
    }

    @Test("Random damage to a template gives a text or an error, never a crash", arguments: [1, 2])
    func mutations(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let cases = try Case.fixture("models").filter { $0.output != nil }
        let pieces = [
            "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "'", "\"", "|", "~",
            ".",
            " if ", " else ", " for ", " in ", "endfor", "endif", "set ", "not ", "is ", "0",
            "999999999",
            "\n", "loop.", "*", "**", "//", "%", "namespace(", "\\", "messages", "é", "\u{0}",
        ]
        for _ in 0..<60 {
            let chosen = cases[Int.random(in: 0..<cases.count, using: &random)]
            var source = Array(chosen.template.unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let start = Int.random(in: 0...source.count, using: &random)
                let end = min(source.count, start + Int.random(in: 0...6, using: &random))
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
                source.replaceSubrange(start..<end, with: Array(piece.unicodeScalars))
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: source)
            do { _ = try Template(String(text)).render(chosen.context, workMax: 100_000) } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}

/// SplitMix64, so that a seed replays a run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
