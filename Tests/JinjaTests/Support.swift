import Foundation
import Jinja
import Testing

/// A template with what PyPI's jinja2 made of it; see Fixtures/ORIGIN.md.
struct Case: Sendable, CustomTestStringConvertible {
    let template: String
    let context: JinjaObject
    /// Nil where jinja2 ended with an error.
    let output: String?
    let error: String?
    let name: String?

    var testDescription: String { name ?? template }

    /// The moment that `strftime_now` tells in the fixtures.
    static let now = JinjaDate(year: 2026, month: 3, day: 5, hour: 14, minute: 7, second: 9)

    /// What this interpreter makes of the template; nil for an error.
    func rendered() -> (output: String?, error: TemplateError?) {
        do {
            return (try Template(template).render(context, now: Self.now).string, nil)
        } catch { return (nil, error) }
    }

    static func read(_ url: URL) throws -> [Case] {
        let file = try #require(JinjaValue(json: try Data(contentsOf: url)).object)
        let contexts = try #require(file["contexts"]?.list).compactMap(\.object)
        let templates = try #require(file["templates"]?.list).compactMap(\.string)
        return try #require(file["cases"]?.list).map { value in
            let object = try #require(value.object)
            let context = try #require(object["context"]?.integer)
            // A template that several cases share is named by its place in the list.
            let shared = object["template"]?.integer.map { templates[$0] }
            return Case(
                template: try #require(shared ?? object["template"]?.string),
                context: contexts[context], output: object["output"]?.string,
                error: object["error"]?.string, name: object["name"]?.string)
        }
    }

    static func fixture(_ name: String) throws -> [Case] {
        try read(
            try #require(
                Bundle.module.url(
                    forResource: name, withExtension: "json", subdirectory: "Fixtures")))
    }
}

extension JinjaValue {
    var object: JinjaObject? {
        if case .object(let object) = self { object } else { nil }
    }

    var list: [JinjaValue]? {
        if case .list(let list) = self { list } else { nil }
    }

    var integer: Int? {
        if case .integer(let number) = self { number } else { nil }
    }

    var string: String? {
        if case .string(let text) = self { text.string } else { nil }
    }
}

/// A template's rendering.
func render(_ source: String, _ context: JinjaObject = [:]) throws -> JinjaText {
    try Template(source).render(context)
}

/// The runs of a text, the untrusted ones in angle brackets.
func marked(_ text: JinjaText) -> String {
    text.runs.map { run in
        let string = String(decoding: run.bytes, as: UTF8.self)
        return run.isTrusted ? string : "⟨\(string)⟩"
    }.joined()
}
