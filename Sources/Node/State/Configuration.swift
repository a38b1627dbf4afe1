import Foundation

/// What `shoal node run` reads from `config.json`. Every field may be left out; one that is not
/// known is refused by name, so that a misspelt one is not silently without effect.
public struct NodeConfiguration: Sendable, Equatable, Codable {
    /// An address to listen on.
    public struct Listen: Sendable, Equatable, Codable {
        /// A numeric address or a host name; nil for the default.
        public var host: String?
        /// A port; 0 for any that is free; nil for the default.
        public var port: UInt16?

        /// An address as given.
        public init(host: String? = nil, port: UInt16? = nil) {
            self.host = host
            self.port = port
        }

        /// Reads the port as a number of any size first: the decoder's own error for one that does
        /// not fit names neither the field nor the reason.
        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            host = try values.decodeIfPresent(String.self, forKey: .host)
            port = try values.decodeIfPresent(Double.self, forKey: .port).map { number in
                guard let port = UInt16(exactly: number) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .port, in: values, debugDescription: "a port is from 0 to 65535")
                }
                return port
            }
        }
    }

    /// Where other nodes reach this one, for streams and datagrams alike.
    public var peer: Listen?
    /// Where clients ask. On loopback unless it says otherwise.
    public var http: Listen?
    /// The node's name for people, used when it joins or makes a mesh.
    public var name: String?
    /// Paths of model files to serve, besides those in `models/`; relative to the directory.
    public var models: [String]?
    /// Whether the node only dials out: others cannot reach it.
    public var dialOutOnly: Bool?
    /// Addresses of members to begin with, besides those remembered, as `host:port`.
    public var seeds: [String]?

    /// A configuration with nothing in it.
    public init() {}

    /// Parses the text of a configuration file.
    public init(json: [UInt8], path: String) throws(StateError) {
        guard json.count <= NodeLimits.configurationBytesMax else {
            throw .damaged(
                path: path,
                reason: "it is longer than \(NodeLimits.configurationBytesMax) bytes")
        }
        do {
            let data = Data(json)
            try Self.refuseUnknown(data)
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch let error as DecodingError {
            throw .configuration(path: path, reason: Self.explain(error))
        } catch let error as StateError {
            if case .invalid(let reason) = error {
                throw .configuration(path: path, reason: reason)
            }
            throw error
        } catch {
            throw .configuration(path: path, reason: "\(error)")
        }
        if let count = models?.count, count > NodeLimits.modelsMax {
            throw .configuration(
                path: path,
                reason: "'models' has \(count) files, more than \(NodeLimits.modelsMax)")
        }
        if let count = seeds?.count, count > NodeLimits.knownPeersMax {
            throw .configuration(
                path: path,
                reason: "'seeds' has \(count) addresses, more than \(NodeLimits.knownPeersMax)")
        }
    }

    /// Refuses what is not JSON, saying where, and fields that have no meaning.
    private static func refuseUnknown(_ data: Data) throws {
        let known: [String: Set<String>] = [
            "": ["peer", "http", "name", "models", "dialOutOnly", "seeds"],
            "peer": ["host", "port"], "http": ["host", "port"],
        ]
        let value: Any
        do {
            value = try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
        } catch {
            let reason = (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String
            throw StateError.invalid("it is not JSON: \(reason ?? "\(error)")")
        }
        guard let top = value as? [String: Any] else {
            throw StateError.invalid("it is not a JSON object: begin with '{'")
        }
        for (scope, allowed) in known {
            let object = scope.isEmpty ? top : top[scope] as? [String: Any] ?? [:]
            for key in object.keys.sorted() where !allowed.contains(key) {
                throw StateError.invalid(
                    "it does not know '\(scope.isEmpty ? key : "\(scope).\(key)")'; it knows "
                        + allowed.sorted().joined(separator: ", "))
            }
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func at(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map {
                $0.intValue.map { "[\($0)]" } ?? $0.stringValue
            }.joined(separator: ".")
            return path.isEmpty ? "" : "'\(path)': "
        }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context):
            return at(context) + context.debugDescription
        case .dataCorrupted(let context):
            // Without a path when a number does not fit: that it is JSON was found out before.
            return context.codingPath.isEmpty
                ? "a number in it does not fit its field" : at(context) + context.debugDescription
        @unknown default: return "\(error)"
        }
    }
}

extension StateDirectory {
    /// What `config.json` says; an empty configuration when there is none.
    public func configuration() throws(StateError) -> NodeConfiguration {
        guard files.exists("config.json") else { return NodeConfiguration() }
        return try NodeConfiguration(
            json: try files.read("config.json"), path: files.path("config.json"))
    }

    /// Replaces `config.json`.
    public func save(_ configuration: NodeConfiguration) throws(StateError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(configuration) else {
            throw .invalid("the configuration cannot be written as JSON")
        }
        try files.write(Array(data) + [UInt8(ascii: "\n")], to: "config.json")
    }
}
