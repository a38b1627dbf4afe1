public import GGUF
public import Tokenizer

/// From a model file's metadata to its tokenizer.
public enum TokenizerLoader {
    /// The values of `tokenizer.ggml.model` that are supported.
    public static let supported = ["llama"]

    /// The tokenizer of `file`. Throws where the file has none, a kind that isn't supported (the
    /// error names it), or one that is damaged.
    public static func tokenizer(of file: GGUFFile) throws(EngineError) -> any TokenizerProtocol {
        let vocabulary: (name: String, value: Vocabulary?)
        do {
            vocabulary = try read(file)
        } catch let error as GGUFError {
            throw .file(path: file.path, error)
        } catch let error as TokenizerError {
            throw .tokenizer(error)
        } catch {
            throw .model(reason: "\(error)")
        }
        guard let value = vocabulary.value else {
            throw .tokenizer(.unsupportedModel(vocabulary.name, supported: supported))
        }
        do { return try SentencePieceTokenizer(value) } catch { throw .tokenizer(error) }
    }

    /// The vocabulary, or nil for a kind that isn't supported.
    private static func read(_ file: GGUFFile) throws -> (name: String, value: Vocabulary?) {
        let name = try file.string("tokenizer.ggml.model")
        guard supported.contains(name) else { return (name, nil) }
        var options = Vocabulary.Options()
        options.bos = try id("bos", file)
        options.eos = try id("eos", file)
        options.unknown = try id("unknown", file)
        options.otherEnds = try [id("eot", file), id("eom", file)].compactMap { $0 }
        // The defaults are those of the vocabularies this kind of tokenizer came with.
        options.addsBOS = try file.bool("tokenizer.ggml.add_bos_token", default: true)
        options.addsEOS = try file.bool("tokenizer.ggml.add_eos_token", default: false)
        options.addsSpacePrefix = try file.bool("tokenizer.ggml.add_space_prefix", default: true)
        let scores = "tokenizer.ggml.scores"
        let types = "tokenizer.ggml.token_type"
        return (
            name,
            try Vocabulary(
                tokens: try file.strings("tokenizer.ggml.tokens"),
                scores: file.has(scores) ? try file.floats(scores) : [],
                types: file.has(types) ? try file.int32s(types) : [], options: options)
        )
    }

    /// A special token's id; all bits set means that there is none.
    private static func id(_ name: String, _ file: GGUFFile) throws(GGUFError) -> Int32? {
        let key = "tokenizer.ggml.\(name)_token_id"
        guard file.has(key) else { return nil }
        let raw = try file.uint32(key)
        return raw == .max ? nil : Int32(clamping: raw)
    }
}
