/// Any JSON value, for fields of which only the presence matters.
enum JSONValue: Codable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }
}

/// A key known only at run time.
struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// A field that asks for something this server does not do, unless it holds one of the values
/// that ask for nothing. Clients send many fields at their defaults; those must pass.
struct Refusal: Sendable {
    let field: String
    let harmless: [JSONValue]
    let what: String

    init(_ field: String, unless harmless: [JSONValue] = [], _ what: String) {
        self.field = field
        self.harmless = harmless
        self.what = what
    }

    /// Throws for the first of `refusals` that a request runs into.
    static func check(_ refusals: [Refusal], in decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        for refusal in refusals {
            let key = AnyKey(stringValue: refusal.field)
            guard container.contains(key) else { continue }
            let value = try container.decode(JSONValue.self, forKey: key)
            guard value != .null, !refusal.harmless.contains(value) else { continue }
            throw OpenAIRequestError.unsupported(refusal.field, refusal.what)
        }
    }

    /// Fields of both kinds of request.
    static let common = [
        Refusal("store", unless: [.bool(false)], "storing answers is")
    ]

    /// Fields of `/v1/chat/completions`.
    static let chat =
        common + [
            Refusal("tools", unless: [.array([])], "tools are"),
            Refusal("functions", unless: [.array([])], "functions are"),
            Refusal("tool_choice", unless: [.string("none"), .string("auto")], "tools are"),
            Refusal("function_call", unless: [.string("none"), .string("auto")], "functions are"),
            Refusal(
                "modalities", unless: [.array([]), .array([.string("text")])],
                "a modality other than text is"),
            Refusal("audio", "audio is"),
            Refusal("web_search_options", "searching the web is"),
            Refusal("reasoning_effort", unless: [.string("none")], "a reasoning effort is"),
        ]

    /// Fields of `/v1/completions`.
    static let completion =
        common + [
            Refusal("suffix", unless: [.string("")], "filling in before a suffix is"),
            Refusal("echo", unless: [.bool(false)], "repeating the prompt is"),
            Refusal("best_of", unless: [.number(1)], "choosing the best of several is"),
        ]
}
