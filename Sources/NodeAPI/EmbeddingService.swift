/// A request for vectors that has been read and checked.
public struct EmbeddingServiceRequest: Equatable, Sendable {
    /// One text.
    public enum Input: Equatable, Sendable {
        /// Text.
        case text(String)
        /// Token ids; not negative.
        case tokens([Int32])
    }

    /// 32 hexadecimal digits in lower case.
    public var id: String
    /// The model by name; nil leaves the choice to the node.
    public var model: String?
    /// The texts, at least one.
    public var inputs: [Input]

    /// A request.
    public init(id: String, model: String?, inputs: [Input]) {
        self.id = id
        self.model = model
        self.inputs = inputs
    }
}

/// The vectors of a request's texts.
public struct EmbeddingAnswer: Equatable, Sendable {
    /// Which node computed them.
    public var route: RouteInfo
    /// One vector for each text, in order.
    public var vectors: [[Float]]
    /// Tokens of all texts.
    public var promptTokens: Int

    /// An answer.
    public init(route: RouteInfo, vectors: [[Float]], promptTokens: Int) {
        self.route = route
        self.vectors = vectors
        self.promptTokens = promptTokens
    }
}
