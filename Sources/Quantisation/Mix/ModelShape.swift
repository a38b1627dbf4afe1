public import GGUF

/// What a mix needs to know about a model.
public struct ModelShape: Sendable, Hashable {
    /// Layers.
    public var blocks: Int
    /// Query heads that share a key head; 1 where unknown.
    public var headsPerKey: Int
    /// Experts; 0 for a dense model.
    public var experts: Int
    /// Whether the token embeddings are the output matrix too.
    public var isTied: Bool

    /// A shape by its numbers.
    public init(blocks: Int, headsPerKey: Int = 1, experts: Int = 0, isTied: Bool = false) {
        self.blocks = blocks
        self.headsPerKey = headsPerKey
        self.experts = experts
        self.isTied = isTied
    }

    /// The shape of a model file. What the file does not say, or says in another type, is taken
    /// for unknown: a mix is a choice, and any file can be quantised.
    public init(of file: GGUFFile) {
        var architecture = ""
        if case .string(let name) = file.metadata["general.architecture"] { architecture = name }
        /// A count, or the first of them where there is one for each layer.
        func count(_ key: String) -> Int {
            switch file.metadata["\(architecture).\(key)"] {
            case .array(let array): Int(array.integers(as: UInt32.self)?.first ?? 0)
            case .some(let value): Int(value.integer(as: UInt32.self) ?? 0)
            case nil: 0
            }
        }
        let keys = count("attention.head_count_kv")
        self.init(
            blocks: count("block_count"),
            headsPerKey: keys > 0 ? max(count("attention.head_count") / keys, 1) : 1,
            experts: count("expert_count"),
            isTied: file.tensor("output.weight") == nil)
    }
}
