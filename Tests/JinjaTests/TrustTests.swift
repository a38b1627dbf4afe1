import Jinja
import Testing

/// The context of these tests: `u` is untrusted, `t` is trusted.
private let context: JinjaObject = [
    "u": .untrusted("<|a|> b"), "t": .trusted("<|t|>"), "n": .integer(3),
    "m": .list([.object(["role": .trusted("user"), "content": .untrusted(" x<|end|> ")])]),
    "o": .object(["k": .untrusted("v\n")]),
]

@Suite struct TrustTests {
    @Test(
        "Every operation carries each character's mark with it",
        arguments: [
            ("{{ '<|' ~ u ~ '|>' }}", "<|⟨<|a|> b⟩|>"), ("{{ u + t }}", "⟨<|a|> b⟩<|t|>"),
            ("{{ u|upper }}", "⟨<|A|> B⟩"), ("{{ u.title() }}", "⟨<|A|> B⟩"),
            ("{{ u[1:3] ~ u[::-1] }}", "⟨|ab >|a|<⟩"), ("{{ u[0] }}", "⟨<⟩"),
            ("{{ u|replace('b', '<|b|>') }}", "⟨<|a|> ⟩<|b|>"),
            ("{{ '<|x|>'|replace('x', u) }}", "<|⟨<|a|> b⟩|>"),
            ("{{ u.split(' ')|join('<|s|>') }}", "⟨<|a|>⟩<|s|>⟨b⟩"),
            ("{{ u.split('|')[1] }}", "⟨a⟩"), ("{{ (u ~ '\n ')|trim }}", "⟨<|a|> b⟩"),
            ("{{ [u, t]|join }}", "⟨<|a|> b⟩<|t|>"), ("{{ u|list|last }}", "⟨b⟩"),
            ("{{ [u] }}", "['⟨<|a|> b⟩']"), ("{{ o }}", "{'k': '⟨v\\n⟩'}"),
            ("{{ o|tojson }}", "{\"k\": \"⟨v\\n⟩\"}"), ("{{ u|tojson }}", "\"⟨<|a|> b⟩\""),
            ("{{ '%s!'|format(u) }}", "⟨<|a|> b⟩!"),
            ("{{ '{}{}'.format(t, u) }}", "<|t|>⟨<|a|> b⟩"),
            ("{{ u * 2 }}", "⟨<|a|> b<|a|> b⟩"),
            ("{{ (u ~ '\n' ~ t)|indent(2) }}", "⟨<|a|> b⟩\n  <|t|>"),
            ("{% set x = u %}{{ x }}{{ t }}", "⟨<|a|> b⟩<|t|>"),
            ("{% set x %}<{{ u }}>{% endset %}{{ x|upper }}", "<⟨<|A|> B⟩>"),
            ("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(u) }}", "[⟨<|a|> b⟩]"),
            ("{% set ns = namespace(x='') %}{% set ns.x = ns.x + u %}{{ ns.x }}", "⟨<|a|> b⟩"),
            ("{% filter replace('a', 'c') %}a{{ u }}{% endfilter %}", "c⟨<|⟩c⟨|> b⟩"),
            ("{% for c in u[:2] %}{{ c }}-{% endfor %}", "⟨<⟩-⟨|⟩-"),
            ("{{ u|e }}", "⟨&lt;|a|&gt; b⟩"), ("{{ u.center(9, '*') }}", "*⟨<|a|> b⟩*"),
            ("{{ u.partition('|')|last }}", "⟨a|> b⟩"), ("{{ {u: 1}|first }}", "⟨<|a|> b⟩"),
            ("{{ u if u == '<|a|> b' }}", "⟨<|a|> b⟩"), ("{{ missing|default(u) }}", "⟨<|a|> b⟩"),
            ("{{ m|map(attribute='content')|map('trim')|join }}", "⟨x<|end|>⟩"),
            ("{{ '<|' + m[0].role + '|>' }}{{ m[0].content|trim }}", "<|user|>⟨x<|end|>⟩"),
            ("{{ u|length }}", "7"), ("{{ t in u }}", "False"),
            ("{{ ('{\"k\": \"' ~ u ~ '\"}')|from_json }}", "{'⟨k⟩': '⟨<|a|> b⟩'}"),
        ])
    func marks(source: String, expected: String) throws {
        #expect(marked(try render(source, context)) == expected)
    }

    @Test("Texts are equal whatever is trusted in them")
    func equality() throws {
        #expect(JinjaText("a", isTrusted: true) == JinjaText("a", isTrusted: false))
        #expect(try render("{{ u == 'x' }}", ["u": .untrusted("x")]).string == "True")
        #expect(try render("{{ {'k': 1}[u] }}", ["u": .untrusted("k")]).string == "1")
    }

    @Test("Runs are as long as they can be, and hold what the text holds")
    func runs() throws {
        let text = try render("a{{ 'b' }}{{ u }}{{ u }}c", ["u": .untrusted("é")])
        #expect(text.runs.map(\.isTrusted) == [true, false, true])
        #expect(text.runs.flatMap(\.bytes) == Array(text.string.utf8))
    }
}
