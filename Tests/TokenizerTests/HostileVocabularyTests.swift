import Testing
import Tokenizer

@Suite struct HostileVocabularyTests {
    private static let fragments: [[UInt8]] =
        ["a", "b", "c", "Ġ", "▁", "##", "<", "|", ">", " ", "\n", "é", "中", "1"]
        .map { Array($0.utf8) } + [[0xFF], [0xC3], [0xE2], [0x80]]

    private func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).flatMap { _ in Self.fragments.randomElement(using: &random) ?? [] }
    }

    /// A vocabulary of random tokens, types, merges and special tokens.
    private func randomVocabulary(_ random: inout SeededGenerator) throws -> Vocabulary {
        let count = Int.random(in: 1...60, using: &random)
        var tokens = (0..<count).map { _ in bytes(Int.random(in: 0...4, using: &random), &random) }
        var types = (0..<count).map { _ in Int32.random(in: 0...5, using: &random) }
        if Bool.random(using: &random) {
            let all = try vocabulary([])
            tokens += all.tokens
            types += all.types.map(\.rawValue)
        }
        let merges = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            (tokens.randomElement(using: &random) ?? []) + [0x20]
                + (tokens.randomElement(using: &random) ?? [])
        }
        var options = Vocabulary.Options()
        let ids = Int32(0)..<Int32(tokens.count)
        options.bos = Bool.random(using: &random) ? ids.randomElement(using: &random) : nil
        options.eos = Bool.random(using: &random) ? ids.randomElement(using: &random) : nil
        options.unknown = Bool.random(using: &random) ? ids.randomElement(using: &random) : nil
        options.separator = options.eos
        options.addsSeparator = Bool.random(using: &random)
        options.addsEOS = Bool.random(using: &random)
        options.addsSpacePrefix = Bool.random(using: &random)
        options.stripsSpaceAfter = [0, 1]
        options.stripsSpaceBefore = [1, 2]
        return try Vocabulary(
            tokens: tokens, scores: tokens.map { _ in Float.random(in: -3...3, using: &random) },
            types: types, options: options,
            // Half of the lists have only merges of two parts, so that some can be read.
            merges: Bool.random(using: &random)
                ? merges : merges.filter { $0.first != 0x20 && $0.last != 0x20 },
            preTokenizer: BytePairTokenizer.knownPreTokenizers.randomElement(using: &random) ?? "")
    }

    @Test(
        "Random vocabularies give an error or ids that are in them",
        arguments: [UInt64(1), 2, 3])
    func randomVocabularies(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var built = 0
        for _ in 0..<150 {
            let vocabulary = try randomVocabulary(&random)
            var tokenizers: [any TokenizerProtocol] = []
            do throws(TokenizerError) {
                tokenizers.append(try SentencePieceTokenizer(vocabulary))
            } catch {}
            do throws(TokenizerError) {
                tokenizers.append(try BytePairTokenizer(vocabulary))
            } catch {}
            do throws(TokenizerError) {
                tokenizers.append(try WordPieceTokenizer(vocabulary))
            } catch {}
            built += tokenizers.count
            for tokenizer in tokenizers {
                let pieces = (0..<3).map { _ in
                    TextPiece(
                        text: bytes(Int.random(in: 0...12, using: &random), &random),
                        isTrusted: Bool.random(using: &random))
                }
                let ids = try tokenizer.encode(pieces, addSpecial: Bool.random(using: &random))
                for id in ids {
                    #expect(id >= 0 && Int(id) < vocabulary.tokens.count, "seed \(seed)")
                    _ = tokenizer.bytes(of: id) + tokenizer.spelling(of: id)
                }
            }
        }
        #expect(built > 150, "too few vocabularies were usable to show anything")
    }
}
