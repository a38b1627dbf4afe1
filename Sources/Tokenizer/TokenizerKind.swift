/// Where a vocabulary's metadata come from: a model file, by the keys of GGUF. Each method gives
/// nil for a key that isn't there, and throws for one of another type.
public protocol VocabularySource {
    /// The text at `key`.
    func text(_ key: String) throws -> String?
    /// The integer at `key`.
    func integer(_ key: String) throws -> UInt32?
    /// The truth value at `key`.
    func flag(_ key: String) throws -> Bool?
    /// The byte strings at `key`.
    func byteStrings(_ key: String) throws -> [[UInt8]]?
    /// The singles at `key`.
    func singles(_ key: String) throws -> [Float]?
    /// The integers at `key`.
    func integers(_ key: String) throws -> [Int32]?
}

/// A kind of tokenizer, by its name in `tokenizer.ggml.model`.
public enum TokenizerKind: String, Sendable, CaseIterable {
    /// WordPiece.
    case bert
    /// Byte-pair encoding of characters.
    case gemma4
    /// Byte-pair encoding of bytes.
    case gpt2
    /// SentencePiece with scores.
    case llama

    /// The tokenizer that a file describes. Throws what `source` throws, and ``TokenizerError``
    /// for a kind that isn't supported (the error names it) or a vocabulary that is damaged.
    public static func tokenizer(from source: some VocabularySource) throws -> any TokenizerProtocol
    {
        let name = try source.text(key("model")) ?? "none"
        guard let kind = TokenizerKind(rawValue: name) else {
            throw TokenizerError.unsupportedModel(name, supported: allCases.map(\.rawValue))
        }
        let vocabulary = try kind.vocabulary(from: source)
        switch kind {
        case .bert: return try WordPieceTokenizer(vocabulary)
        case .gemma4, .gpt2: return try BytePairTokenizer(vocabulary)
        case .llama: return try SentencePieceTokenizer(vocabulary)
        }
    }

    private static func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }

    private func vocabulary(from source: some VocabularySource) throws -> Vocabulary {
        let tokens = try source.byteStrings(Self.key("tokens")) ?? []
        let rule: String
        switch self {
        case .gemma4: rule = "gemma4"
        case .gpt2:
            let named = try source.text(Self.key("pre")) ?? ""
            rule = named.isEmpty ? "default" : named
        case .bert, .llama: rule = "default"
        }
        let isPaired = self == .gpt2 || self == .gemma4
        let merges = isPaired ? try source.byteStrings(Self.key("merges")) : []
        guard let merges else { throw TokenizerError.missingMerges }
        return try Vocabulary(
            tokens: tokens, scores: try source.singles(Self.key("scores")) ?? [],
            types: try source.integers(Self.key("token_type")) ?? [],
            options: try options(from: source, tokens: tokens, rule: rule), merges: merges,
            preTokenizer: rule)
    }

    private func options(
        from source: some VocabularySource, tokens: [[UInt8]], rule: String
    ) throws -> Vocabulary.Options {
        var options = Vocabulary.Options()
        options.bos = try Self.id("bos", source)
        options.eos = try Self.id("eos", source)
        options.unknown = try Self.id("unknown", source)
        options.otherEnds = try ["eot", "eom"].compactMap { try Self.id($0, source) }
        options.addsEOS = try source.flag(Self.key("add_eos_token")) ?? false
        // Where the file doesn't say, the habits are those of the vocabularies of its kind.
        let addsBOS = try source.flag(Self.key("add_bos_token"))
        switch self {
        case .llama:
            options.addsBOS = addsBOS ?? true
            options.addsSpacePrefix = try source.flag(Self.key("add_space_prefix")) ?? true
        case .gpt2: options.addsBOS = addsBOS ?? BytePairTokenizer.addsBOS(preTokenizer: rule)
        // Some files say false and are wrong: these models are lost without it.
        case .gemma4: options.addsBOS = true
        case .bert:
            func find(_ spelling: String) -> Int32? {
                tokens.firstIndex { $0.elementsEqual(spelling.utf8) }.map { Int32(clamping: $0) }
            }
            options.addsBOS = addsBOS ?? true
            // Files that say true mean the separator.
            options.addsEOS = false
            options.bos = try options.bos ?? Self.id("cls", source) ?? find("[CLS]")
            // The format's own spelling of "separator", and the right one.
            options.separator =
                try Self.id("seperator", source) ?? Self.id("separator", source) ?? find("[SEP]")
            options.addsSeparator = try source.flag(Self.key("add_sep_token")) ?? true
            options.unknown = options.unknown ?? find("[UNK]")
            options.lowercases = try source.flag(Self.key("normalizer.lowercase")) ?? true
            options.stripsAccents =
                try source.flag(Self.key("normalizer.strip_accents")) ?? options.lowercases
        }
        try stripping(source, tokens, rule, &options)
        return options
    }

    /// Which special tokens swallow white space beside them. Files don't say; it is known of these
    /// families from their published tokenizers.
    private func stripping(
        _ source: some VocabularySource, _ tokens: [[UInt8]], _ rule: String,
        _ options: inout Vocabulary.Options
    ) throws {
        let name = (try source.text("general.name") ?? "").lowercased()
        let isPhi3 = name.contains("phi-3") || name.contains("phi3")
        let before: String? =
            if rule.hasPrefix("jina-v2-") { "<mask>" } else if name.contains("modern-bert") {
                "[MASK]"
            } else { nil }
        guard isPhi3 || before != nil else { return }
        let types = try source.integers(Self.key("token_type")) ?? []
        for (index, token) in tokens.enumerated() where index < types.count {
            let spelling = String(decoding: token, as: UTF8.self)
            let id = Int32(clamping: index)
            if spelling == before { options.stripsSpaceBefore.insert(id) }
            guard isPhi3, types[index] != TokenType.normal.rawValue,
                types[index] != TokenType.byte.rawValue,
                !["<unk>", "<s>", "<|endoftext|>"].contains(spelling)
            else { continue }
            options.stripsSpaceAfter.insert(id)
        }
    }

    /// A special token's id; all bits set means that there is none.
    private static func id(_ name: String, _ source: some VocabularySource) throws -> Int32? {
        guard let raw = try source.integer(key("\(name)_token_id")), raw != .max else { return nil }
        return Int32(clamping: raw)
    }
}
