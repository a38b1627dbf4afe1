public import GGUF

/// An architecture that this build can run. The raw value is `general.architecture`.
public enum Architecture: String, Sendable, CaseIterable {
    /// Llama and what shares its shape, Mistral, Mixtral, SmolLM and TinyLlama among them.
    case llama
    /// Qwen 2 and 2.5.
    case qwen2
    /// Qwen 3.
    case qwen3
    /// Phi 3 and 4.
    case phi3
    /// Gemma 3.
    case gemma3
    /// BERT: an encoder, for embeddings.
    case bert

    /// The architecture that `file` names. Throws
    /// ``ModelError/unsupportedArchitecture(name:supported:)``.
    public init(file: GGUFFile) throws(ModelError) {
        let name = try readingMetadata { () throws(GGUFError) in
            try file.string("general.architecture")
        }
        guard let known = Self(rawValue: name) else {
            throw .unsupportedArchitecture(
                name: String(name.prefix(64)), supported: Self.allCases.map(\.rawValue))
        }
        self = known
    }

    /// What it is made of.
    var description: any ArchitectureDescription.Type {
        switch self {
        case .llama: Llama.self
        case .qwen2: Qwen2.self
        case .qwen3: Qwen3.self
        case .phi3: Phi3.self
        case .gemma3: Gemma3.self
        case .bert: Bert.self
        }
    }
}

/// A description of an architecture: its shape, and which tensors its layers are made of. The
/// arithmetic is in `Forward`, the same for all.
protocol ArchitectureDescription {
    /// The shape, from the metadata.
    static func configuration(_ metadata: MetadataReader) throws(ModelError) -> ModelConfiguration

    /// What stands before and after the layers.
    static func ends(_ tensors: inout TensorFinder) throws(ModelError) -> ModelEndsInFile

    /// One layer.
    static func layer(_ tensors: inout TensorFinder) throws(ModelError) -> LayerInFile
}

extension ArchitectureDescription {
    static func ends(_ tensors: inout TensorFinder) throws(ModelError) -> ModelEndsInFile {
        try tensors.decoderEnds()
    }
}
