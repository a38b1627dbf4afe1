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

/// A vocabulary's metadata from a GGUF file, with some of them replaced.
struct FixtureMetadata: VocabularySource {
    let file: GGUFFile
    var texts: [String: String] = [:]

    private func read<T>(_ key: String, _ get: (String) throws -> T) rethrows -> T? {
        file.has(key) ? try get(key) : nil
    }

    func text(_ key: String) throws -> String? { try texts[key] ?? read(key, file.string) }
    func integer(_ key: String) throws -> UInt32? { try read(key, file.uint32) }
    func flag(_ key: String) throws -> Bool? { try read(key, file.bool) }
    func byteStrings(_ key: String) throws -> [[UInt8]]? { try read(key, file.strings) }
    func singles(_ key: String) throws -> [Float]? { try read(key, file.floats) }
    func integers(_ key: String) throws -> [Int32]? { try read(key, file.int32s) }
}

/// The tokenizers of the vocabulary files in `Fixtures`, each made once: the largest takes seconds
/// without optimisation.
actor FixtureTokenizers {
    static let shared = FixtureTokenizers()
    private var made: [String: any TokenizerProtocol] = [:]

    func tokenizer(_ name: String) throws -> any TokenizerProtocol {
        if let tokenizer = made[name] { return tokenizer }
        let file = try GGUFFile(bytes: try fixtureBytes("ggml-vocab-\(name).gguf"))
        let tokenizer = try TokenizerKind.tokenizer(from: FixtureMetadata(file: file))
        made[name] = tokenizer
        return tokenizer
    }
}

/// The tokenizer of the vocabulary file of a model in `Fixtures`.
func fixtureTokenizer(_ name: String) async throws -> any TokenizerProtocol {
    try await FixtureTokenizers.shared.tokenizer(name)
}

/// A vocabulary written out: `(spelling, score, type)`.
func vocabulary(
    _ entries: [(String, Float, TokenType)], bytes: Bool = true, merges: [String] = [],
    preTokenizer: String = "default",
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
        options: options, merges: merges.map { Array($0.utf8) }, preTokenizer: preTokenizer)
}
