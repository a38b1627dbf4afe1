import Foundation
import GGUF
import Tokenizer

/// SplitMix64: a failure is replayed by its seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct MissingFixture: Error {}

/// The bytes of a file in `Fixtures`.
func fixtureBytes(_ name: String) throws -> [UInt8] {
    guard let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil) else {
        throw MissingFixture()
    }
    return [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
}

/// The tokenizer of a vocabulary file in `Fixtures`.
func fixtureTokenizer(_ name: String) throws -> SentencePieceTokenizer {
    let file = try GGUFFile(bytes: try fixtureBytes(name))
    var options = Vocabulary.Options()
    options.bos = Int32(try file.uint32("tokenizer.ggml.bos_token_id"))
    options.eos = Int32(try file.uint32("tokenizer.ggml.eos_token_id"))
    options.unknown = Int32(try file.uint32("tokenizer.ggml.unknown_token_id"))
    return try SentencePieceTokenizer(
        Vocabulary(
            tokens: try file.strings("tokenizer.ggml.tokens"),
            scores: try file.floats("tokenizer.ggml.scores"),
            types: try file.int32s("tokenizer.ggml.token_type"), options: options))
}

/// A vocabulary written out: `(spelling, score, type)`.
func vocabulary(
    _ entries: [(String, Float, TokenType)], bytes: Bool = true,
    _ configure: (inout Vocabulary.Options) -> Void = { _ in }
) throws -> Vocabulary {
    var all = entries
    if bytes {
        for byte in 0...255 {
            let digits = String(byte, radix: 16, uppercase: true)
            all.append(("<0x\(digits.count == 1 ? "0" : "")\(digits)>", 0, .byte))
        }
    }
    var options = Vocabulary.Options()
    configure(&options)
    return try Vocabulary(
        tokens: all.map { Array($0.0.utf8) }, scores: all.map(\.1), types: all.map(\.2.rawValue),
        options: options)
}
