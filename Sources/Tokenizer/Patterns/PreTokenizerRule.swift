/// How a byte-level vocabulary cuts a text into the pieces that merging works on, by the name that
/// a model file gives in `tokenizer.ggml.pre`.
///
/// The patterns are those of the models' own published tokenizers; several are applied one after
/// the other, each to the pieces that the one before left. To add a rule, add a line to ``all``.
///
/// Text is not normalised first. Some published tokenizers put it in NFC (Qwen's does), but readers
/// of this format don't, and text that is not in NFC already is rare.
struct PreTokenizerRule: Sendable {
    /// The names of this rule; one that several tokenizers share has several.
    let names: [String]
    /// Regular expressions, applied one after the other.
    let patterns: [String]
    /// Whether a piece that is a token is taken whole, even where merging would not make it.
    var ignoresMerges = false
    /// Whether a prompt begins with the beginning-of-sequence token where the file doesn't say.
    var addsBOS = false
    /// Whether tokens are spelled in characters with `▁` for a space, not in the byte alphabet.
    var usesCharacters = false

    /// The rule called `name`.
    static func named(_ name: String) -> PreTokenizerRule? {
        all.first { $0.names.contains(name) }
    }

    /// The names of all rules, sorted.
    static var knownNames: [String] { all.flatMap(\.names).sorted() }

    /// All rules.
    static let all: [PreTokenizerRule] = [
        .init(names: ["default"], patterns: [punctuation, words, #"\p{N}+"#, threeDigits]),
        .init(
            names: [
                "gpt-2", "a.x-4.0", "exaone4", "gigachat", "granite-docling", "jais", "jina-de",
                "jina-es", "jina-v1-en", "jina-v2-code", "jina-v2-de", "jina-v2-es", "mellum",
                "modern-bert", "mpt", "olmo", "phi-2", "roberta-bpe", "trillion",
            ], patterns: [words]),
        .init(
            names: [
                "starcoder", "codeshell", "command-r", "exaone", "minerva-7b", "refact", "smollm",
                "mellum2",
            ], patterns: [#"\p{N}"#, words]),
        .init(
            names: ["falcon"],
            patterns: [punctuationAndTicks, words, #"\p{N}+"#, threeDigits]),
        .init(
            names: [
                "llama-bpe", "falcon-h1", "falcon3", "jina-v5-nano", "lfm2", "llama-v3", "llama3",
                "midm-2.0", "pixtral",
            ], patterns: [sentences(numbers: #"\p{N}{1,3}"#)], ignoresMerges: true, addsBOS: true),
        .init(
            names: ["dbrx", "chatglm-bpe", "glm4", "smaug-bpe"],
            patterns: [sentences(numbers: #"\p{N}{1,3}"#)]),
        .init(
            names: [
                "qwen2", "deepseek-r1-qwen", "f2llmv2", "grok-2", "hunyuan", "kormo", "megrez",
                "solar-open", "stablelm2",
            ], patterns: [sentences(numbers: #"\p{N}"#)]),
        .init(names: ["qwen35"], patterns: [sentencesWithMarks]),
        .init(
            names: ["bailingmoe", "bailingmoe2", "llada-moe"],
            patterns: [
                #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
                    + #"|\s*[\r\n]|\s+(?!\S)|\s+"#
            ]),
        .init(
            names: ["seed-coder"],
            patterns: [
                contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+"#
                    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
            ]),
        .init(
            names: ["tekken"], patterns: [casedWords() + codeTail("")], ignoresMerges: true,
            addsBOS: true),
        .init(
            names: ["gpt-4o", "kanana2", "llama4", "minimax-m2", "talkie"],
            patterns: [casedWords(contractions + "?") + codeTail("{1,3}")]),
        .init(
            names: ["deepseek-llm"],
            patterns: [
                #"[\r\n]"#, #"\s?[\#(casedLetters)]+"#, commonMarks, #"\s+$"#,
                hanAndHangul, #"\p{N}"#,
            ]),
        .init(
            names: ["deepseek-coder"],
            patterns: [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, hanAndHangul, #"\p{N}"#]),
        .init(
            names: ["deepseek-v3", "hunyuan-dense", "hy_v4", "joyai-llm"],
            patterns: [
                #"\p{N}{1,3}"#, #"[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+"#,
                ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##
                    + #"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"#
                    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            ]),
        .init(
            names: ["minicpm5"], patterns: [#"\p{N}{1,3}"#, sentences(numbers: #"\p{N}+"#)],
            ignoresMerges: true),
        .init(
            names: ["exaone-moe"],
            patterns: [
                contractions + #"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"#
                    + #"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"#
            ]),
        .init(
            names: ["youtu"],
            patterns: [scripts, casedWords(contractions + "?") + codeTail("")],
            ignoresMerges: true),
        .init(names: ["bloom", "gpt3-finnish", "poro-chat"], patterns: [clauses]),
        .init(names: ["viking"], patterns: [clauses, #"\p{N}"#]),
        .init(
            names: ["gemma4", "granite-embed-multi-311m"], patterns: [#"[^\n]+|[\n]+"#],
            addsBOS: true, usesCharacters: true),
    ]

    // MARK: - Patterns that several rules share

    /// GPT-2's words, each with the space before it.
    private static let words =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let threeDigits = "[0-9][0-9][0-9]"
    private static let punctuation = #"[\p{P}\$\+<=>\^~\|]+"#
    private static let punctuationAndTicks = #"[\p{P}\$\+<=>\^~\|`]+"#
    private static let contractions = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#
    private static let clauses =
        #" ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+"#

    /// Words with any one mark before them, numbers cut as `numbers` says, lines ends apart.
    private static func sentences(numbers: String) -> String {
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    private static let sentencesWithMarks =
        contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"#
        + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// Words cut where a small letter is followed by a capital.
    private static func casedWords(_ suffix: String = "") -> String {
        let capitals = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
        let smalls = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
        return #"[^\r\n\p{L}\p{N}]?\#(capitals)*\#(smalls)+\#(suffix)"#
            + #"|[^\r\n\p{L}\p{N}]?\#(capitals)+\#(smalls)*\#(suffix)"#
    }

    private static func codeTail(_ digits: String) -> String {
        #"|\p{N}\#(digits)| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    private static let hanAndHangul =
        #"[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+"#
    private static let scripts =
        #"[\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}"#
        + #"\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+"#
        + #"|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+"#
    private static let commonMarks =
        #"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+"#

    /// The letters of alphabets with two cases, as DeepSeek's tokenizer lists them.
    private static let casedLetters = #"""
        \x{41}-\x{5A}\x{61}-\x{7A}\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}
        \x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}
        \x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}
        \x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}
        \x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}
        \x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}
        \x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}
        \x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}
        \x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}
        \x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}
        \x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}
        \x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}
        \x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}
        \x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}
        \x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}
        \x{1E900}-\x{1E943}
        """#.split(separator: "\n").joined()
}
