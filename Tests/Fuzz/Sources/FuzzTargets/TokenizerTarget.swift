import Tokenizer

/// A vocabulary and a text, both made up: the first byte chooses the kind, the second the
/// pre-tokenizer and flags; what follows are pieces divided by zero bytes, and the last is the text.
enum TokenizerTarget {
    private static let kinds = ["llama", "gpt2", "bert", "gemma4"]
    private static let preTokenizers = [
        "default", "gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-coder", "deepseek-v3",
        "falcon", "starcoder", "refact", "command-r", "mpt", "olmo", "smollm", "codeshell",
        "stablelm2", "tekken", "gpt-4o", "gemma4", "qwen35", "llama3",
    ]

    private struct Source: VocabularySource {
        var kind = "llama"
        var preTokenizer = "default"
        var flags: UInt8 = 0
        var tokens: [[UInt8]] = []
        var types: [Int32] = []
        var merges: [[UInt8]] = []

        func text(_ key: String) throws -> String? {
            if key.hasSuffix(".model") { return kind }
            return key.hasSuffix(".pre") ? preTokenizer : nil
        }
        func integer(_ key: String) throws -> UInt32? {
            // Some that are in range, some that are not.
            flags & 1 == 0 ? nil : UInt32(key.utf8.count) % UInt32(tokens.count + 2)
        }
        func flag(_ key: String) throws -> Bool? {
            (flags >> UInt8(key.utf8.count % 8)) & 1 == 0 ? nil : flags & 2 == 0
        }
        func byteStrings(_ key: String) throws -> [[UInt8]]? {
            if key.hasSuffix(".tokens") { return tokens }
            return key.hasSuffix(".merges") ? merges : nil
        }
        func singles(_ key: String) throws -> [Float]? {
            flags & 4 == 0 ? tokens.indices.map { -Float($0) } : tokens.map { Float($0.count) }
        }
        func integers(_ key: String) throws -> [Int32]? { types }
    }

    static func run(_ bytes: [UInt8]) {
        guard bytes.count > 3 else { return }
        var source = Source()
        source.kind = kinds[Int(bytes[0]) % kinds.count]
        source.preTokenizer = preTokenizers[Int(bytes[1]) % preTokenizers.count]
        source.flags = bytes[2]
        var pieces = bytes[3...].split(separator: 0, omittingEmptySubsequences: false)
            .map { [UInt8]($0) }
        let text = Array((pieces.popLast() ?? []).prefix(FuzzLimits.textBytesMax))
        add(pieces, to: &source)
        guard let tokenizer = try? TokenizerKind.tokenizer(from: source) else { return }
        for isTrusted in [false, true] {
            guard
                let ids = try? tokenizer.encode(
                    [TextPiece(text: text, isTrusted: isTrusted)], addSpecial: isTrusted)
            else { continue }
            for id in ids {
                precondition(id >= 0 && Int(id) < tokenizer.vocabularySize, "an id out of range")
                _ = tokenizer.isEndOfGeneration(id)
                _ = tokenizer.spelling(of: id)
            }
            _ = tokenizer.bytes(of: ids)
        }
    }

    /// Tokens from pieces; one that begins with 1 is of another type, one with 2 is a merge.
    private static func add(_ pieces: [[UInt8]], to source: inout Source) {
        if source.kind == "llama" {
            for byte in 0..<256 {
                let digits = String(byte, radix: 16, uppercase: true)
                let name = "<0x" + (byte < 16 ? "0" : "") + digits + ">"
                source.tokens.append(Array(name.utf8))
                source.types.append(6)
            }
        } else if source.flags & 8 != 0 {
            for byte: UInt8 in 33..<127 {
                source.tokens.append([byte])
                source.types.append(1)
            }
        }
        for piece in pieces {
            switch piece.first {
            case 1:
                source.tokens.append(Array(piece.dropFirst(2)))
                source.types.append(Int32(piece.dropFirst().first ?? 3) % 8)
            case 2: source.merges.append(Array(piece.dropFirst()))
            default:
                source.tokens.append(piece)
                source.types.append(1)
            }
        }
    }
}
