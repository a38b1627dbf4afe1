/// The answer to `GET /v1/models`.
public struct ModelList: Codable, Equatable, Sendable {
    /// Always `list`.
    public var object: String
    /// The models.
    public var data: [ModelObject]

    /// A list of models.
    public init(data: [ModelObject]) {
        object = "list"
        self.data = data
    }
}

/// One model, as in `GET /v1/models/{id}`.
public struct ModelObject: Codable, Equatable, Sendable {
    /// The name to ask for it by.
    public var id: String
    /// Always `model`.
    public var object: String
    /// When it was made, in seconds since 1970; 0 where that is not known, since clients
    /// insist on a number.
    public var created: Int64
    /// Who serves it.
    public var ownedBy: String
    /// What only Shoal says.
    public var shoal: Shoal?

    /// What Shoal knows of a model.
    public struct Shoal: Codable, Equatable, Sendable {
        /// The root of its file's hash tree, in hexadecimal.
        public var digest: String
        /// The longest prompt and answer together, in tokens.
        public var contextLength: Int
        /// The names of the nodes that hold it.
        public var nodes: [String]

        /// What Shoal knows of a model.
        public init(digest: String, contextLength: Int, nodes: [String]) {
            self.digest = digest
            self.contextLength = contextLength
            self.nodes = nodes
        }

        private enum CodingKeys: String, CodingKey {
            case digest, nodes
            case contextLength = "context_length"
        }
    }

    /// A model.
    public init(id: String, created: Int64 = 0, ownedBy: String = "shoal", shoal: Shoal?) {
        self.id = id
        object = "model"
        self.created = created
        self.ownedBy = ownedBy
        self.shoal = shoal
    }

    private enum CodingKeys: String, CodingKey {
        case id, object, created, shoal
        case ownedBy = "owned_by"
    }

    /// Reads a model; other servers leave fields out.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        object = try container.decodeIfPresent(String.self, forKey: .object) ?? "model"
        created = try container.decodeIfPresent(Int64.self, forKey: .created) ?? 0
        ownedBy = try container.decodeIfPresent(String.self, forKey: .ownedBy) ?? ""
        shoal = try container.decodeIfPresent(Shoal.self, forKey: .shoal)
    }
}
