/// What a loaded model is.
public struct EngineModelInfo: Sendable, Hashable {
    /// `general.name` of the file, or the file's name without its extension.
    public var name: String
    /// The architecture, such as `llama`.
    public var architecture: String
    /// The most tokens of prompt and answer together.
    public var contextLength: Int
    /// How many tokens the vocabulary has.
    public var vocabularySize: Int
    /// How many weights the model has.
    public var parameterCount: Int
    /// The size of the file, in bytes.
    public var fileByteCount: Int
    /// The format that most bytes of weights are in, such as `Q8_0`.
    public var quantisation: String
    /// What the file says it is quantised to, such as `Q4_K_M`; ``quantisation`` where it says
    /// nothing.
    public var format = ""
    /// Why the file's own template for conversations is not used, and they are rendered plainly;
    /// nil where it is used. A file may also have none.
    public var chatTemplateProblem: String?
    /// Whether it turns text into vectors, rather than continuing it.
    public var makesEmbeddings = false
}
