public import Foundation

extension CodingUserInfoKey {
    /// The whole text that is decoded, as bytes: where the order of an object's fields matters.
    static var jsonText: CodingUserInfoKey {
        guard let key = CodingUserInfoKey(rawValue: "shoal.json-text") else {
            preconditionFailure("any string is a key")
        }
        return key
    }
}

/// How this interface's JSON is read and written, on both sides.
public enum OpenAIJSON {
    /// Reads a value. An error says where the text is broken, or which field is wrong.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data
    ) throws(OpenAIRequestError) -> Value {
        guard !data.isEmpty else {
            throw OpenAIRequestError(
                "the body is empty; send a JSON object", parameter: nil, code: "invalid_json")
        }
        do {
            let bytes = Array(data)
            try JSONSyntax.check(bytes)
            let decoder = JSONDecoder()
            decoder.userInfo[.jsonText] = bytes
            return try decoder.decode(type, from: data)
        } catch let error as JSONSyntaxError {
            throw OpenAIRequestError(error.description, parameter: nil, code: "invalid_json")
        } catch let error as OpenAIRequestError {
            throw error
        } catch let error as DecodingError {
            throw OpenAIRequestError(error)
        } catch {
            throw OpenAIRequestError("the body could not be read: \(error)", parameter: nil)
        }
    }

    /// Writes a value on one line, keys sorted, so that equal values are equal bytes.
    public static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }
}
