/// Why a request was refused: what a client is told with status 400.
public struct OpenAIRequestError: Error, Equatable, Sendable {
    /// What is wrong and what would be right, for a person.
    public var message: String
    /// The parameter at fault, as in `messages[2].content`; nil if the whole body is.
    public var parameter: String?
    /// A word for programs, as in `unsupported_parameter`; nil if there is none.
    public var code: String?

    /// An error about `parameter`.
    public init(_ message: String, parameter: String?, code: String? = nil) {
        self.message = message
        self.parameter = parameter
        self.code = code
    }

    /// A parameter whose value is outside what is allowed.
    static func range(_ parameter: String, _ allowed: String, got value: some Any) -> Self {
        Self(
            "'\(parameter)' must be \(allowed), and is \(value)", parameter: parameter,
            code: "invalid_value")
    }

    /// A parameter that asks for something this server does not do.
    static func unsupported(_ parameter: String, _ what: String) -> Self {
        Self(
            "'\(parameter)': \(what) not supported by this server", parameter: parameter,
            code: "unsupported_parameter")
    }
}

extension OpenAIRequestError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}

extension OpenAIRequestError {
    /// What a decoder found wrong, with the path to it in the words of JSON.
    init(_ error: DecodingError) {
        switch error {
        case .typeMismatch(let type, let context):
            let path = Self.path(context.codingPath)
            self.init(
                path.map { "'\($0)' must be \(Self.name(of: type))" }
                    ?? "the body must be a JSON object",
                parameter: path, code: "invalid_type")
        case .valueNotFound(let type, let context):
            let path = Self.path(context.codingPath)
            self.init(
                "'\(path ?? "the body")' must be \(Self.name(of: type)), and is null",
                parameter: path, code: "invalid_type")
        case .keyNotFound(let key, let context):
            let path = Self.path(context.codingPath + [key])
            self.init(
                "'\(path ?? key.stringValue)' is required", parameter: path,
                code: "missing_required_parameter")
        case .dataCorrupted(let context):
            let path = Self.path(context.codingPath)
            self.init(
                path.map { "'\($0)' has a value out of range or of the wrong form" }
                    ?? context.debugDescription,
                parameter: path, code: "invalid_value")
        @unknown default:
            self.init("the body could not be read", parameter: nil)
        }
    }

    /// `messages[2].content` for a coding path; nil for the empty one.
    static func path(_ keys: [any CodingKey]) -> String? {
        var path = ""
        for key in keys {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return path.isEmpty ? nil : path
    }

    /// The word of JSON for a Swift type that a decoder wanted.
    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Double.Type, is Float.Type: "a number"
        case is any BinaryInteger.Type: "a whole number"
        case is any Sequence.Type: "an array"
        default: "an object"
        }
    }
}

extension DecodingError {
    /// Whether a value at this depth has the wrong type or is null.
    func isAboutType(at depth: Int) -> Bool {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            context.codingPath.count == depth
        default: false  // A missing key or a value out of range says enough by itself.
        }
    }
}

extension KeyedDecodingContainer {
    /// A value that may be absent or null. Foundation's error for a number that does not fit
    /// its type carries no path; this one does.
    func optional<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch let error where !(error is DecodingError || error is OpenAIRequestError) {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath + [key], debugDescription: "\(error)"))
        }
    }
}

/// The body of every answer that is an error, and of an error inside an event stream.
public struct OpenAIErrorBody: Codable, Equatable, Sendable, Error {
    /// The error.
    public var error: Detail

    /// What went wrong.
    public struct Detail: Codable, Equatable, Sendable {
        /// For a person.
        public var message: String
        /// The kind, as in `invalid_request_error`.
        public var type: String
        /// A word for programs, as in `model_not_found`.
        public var code: String?
        /// The parameter at fault.
        public var param: String?

        /// An error's detail.
        public init(message: String, type: String, code: String?, param: String?) {
            self.message = message
            self.type = type
            self.code = code
            self.param = param
        }

        private enum CodingKeys: String, CodingKey { case message, type, code, param }

        /// Writes all four fields, `null` where there is nothing: clients index them.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(message, forKey: .message)
            try container.encode(type, forKey: .type)
            try container.encode(code, forKey: .code)
            try container.encode(param, forKey: .param)
        }

        /// Reads what other servers send too: some write `code` as a number or leave fields out.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            message = try container.decode(String.self, forKey: .message)
            type = try container.decodeIfPresent(String.self, forKey: .type) ?? "error"
            param = try container.decodeIfPresent(String.self, forKey: .param)
            if let number = try? container.decode(Int.self, forKey: .code) {
                code = String(number)
            } else {
                code = try container.decodeIfPresent(String.self, forKey: .code)
            }
        }
    }

    /// An error's body.
    public init(message: String, type: String, code: String? = nil, param: String? = nil) {
        error = Detail(message: message, type: type, code: code, param: param)
    }
}
