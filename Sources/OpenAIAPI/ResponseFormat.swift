import Foundation

/// The form an answer must have (`response_format`).
public enum ResponseFormat: Codable, Equatable, Sendable {
    /// Any text.
    case text
    /// A JSON object.
    case jsonObject
    /// JSON that a schema describes; the schema as JSON text.
    case jsonSchema(name: String, schema: String)

    /// Whether it leaves anything out.
    var constrains: Bool { self != .text }

    /// The schema's text, if there is one.
    var schema: String? {
        guard case .jsonSchema(_, let schema) = self else { return nil }
        return schema
    }

    private enum CodingKeys: String, CodingKey {
        case type
        case jsonSchema = "json_schema"
    }

    private struct Named: Codable {
        var name: String?
        var schema: JSONValue
    }

    /// Reads a format; an unknown type is refused by name.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .type) {
        case "text": self = .text
        case "json_object": self = .jsonObject
        case "json_schema":
            let named = try container.decode(Named.self, forKey: .jsonSchema)
            guard case .object = named.schema else {
                throw OpenAIRequestError.range(
                    "response_format.json_schema.schema", "an object", got: "another value")
            }
            self = .jsonSchema(
                name: named.name ?? "", schema: try Self.text(of: named.schema, in: decoder))
        case let other:
            throw OpenAIRequestError.range(
                "response_format.type", "one of text, json_object, json_schema", got: other)
        }
    }

    /// The schema as the client wrote it: properties are generated in their order, which the
    /// decoded value does not keep. Without the text, in the order of their names.
    private static func text(of schema: JSONValue, in decoder: any Decoder) throws -> String {
        let path = decoder.codingPath.map(\.stringValue) + ["json_schema", "schema"]
        if let bytes = decoder.userInfo[.jsonText] as? [UInt8],
            let text = JSONSyntax.text(of: path, in: bytes)
        {
            return text
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(schema), as: UTF8.self)
    }

    /// Writes the format as it was read.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .text: try container.encode("text", forKey: .type)
        case .jsonObject: try container.encode("json_object", forKey: .type)
        case .jsonSchema(let name, let schema):
            try container.encode("json_schema", forKey: .type)
            let value = try JSONDecoder().decode(JSONValue.self, from: Data(schema.utf8))
            try container.encode(Named(name: name, schema: value), forKey: .jsonSchema)
        }
    }
}

extension JSONValue {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value):
            // A whole number is written as one: 3, not 3.0.
            if let whole = Int64(exactly: value) {
                try container.encode(whole)
            } else {
                try container.encode(value)
            }
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
