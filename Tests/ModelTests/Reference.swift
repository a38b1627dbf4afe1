import Foundation
import GGUF
import Kernels
import Model
import Testing

/// Reference values of one fixture; see Fixtures/ORIGIN.md.
struct Reference: Decodable {
    let prompt: [Int32]
    let top10: [[[Double]]]
    let last_logits: [Float]
    let greedy: [Int32]
    let llama_cpp_kl: Double
}

enum Fixture {
    /// One of each architecture.
    static let singles = [
        "stories260K-f32", "tinystories-656k-f32", "tiny-llama-f32", "tiny-llama3-f32",
        "tiny-moe-f32", "tiny-qwen2-f32", "tiny-qwen3-f32", "tiny-phi3-f32", "tiny-gemma3-f32",
    ]
    /// One of each block format.
    static let quantised =
        ["tinystories-656k-q8_0"]
        + ["q4_1", "q5_0", "q5_1", "iq4_nl", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "q8_0"]
        .map { "tiny-kquant-\($0)" }
    static let stories = ["f32", "f16", "bf16", "q8_0", "q4_0"].map { "stories260K-\($0)" }

    /// What a digest of their logits is; see `SameBitsTests`.
    static let digests: [(String, UInt64)] = [
        ("stories260K-f32", 0xcec8_6f68_9664_863d),
        ("stories260K-f16", 0x60dd_2497_4612_c31d),
        ("stories260K-bf16", 0x5d26_9126_a37f_3426),
        ("stories260K-q8_0", 0x0a7d_207a_7049_febb),
        ("stories260K-q4_0", 0x8be4_236c_0dca_a36a),
        ("tiny-moe-f32", 0x970c_cf11_31ad_435d),
        ("tiny-gemma3-f32", 0xe30e_ab43_1b6c_8f13),
        ("tiny-kquant-q4_k", 0xe968_c793_185a_cfc6),
        ("tiny-kquant-q6_k", 0xb011_7fe2_45c1_5720),
        ("tiny-kquant-iq4_nl", 0xe1f1_e437_2abb_c7d1),
    ]

    static func url(_ name: String) throws -> URL {
        try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
            .appendingPathComponent(name)
    }

    static func file(_ name: String) throws -> GGUFFile {
        try GGUFFile(path: try url(name + ".gguf").path)
    }

    static func reference(_ name: String) throws -> Reference {
        try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: try url(name + ".json")))
    }

    static func model(
        _ name: String, _ set: InstructionSet? = nil
    ) throws -> LoadedModel {
        let kernels = try set.map { try #require(KernelTable($0)) } ?? KernelTable.best()
        return try LoadedModel(file: file(name), kernels: kernels)
    }
}

extension LoadedModel {
    /// Logits after every one of `tokens`, given to the model `chunk` tokens at a time.
    func logits(
        of tokens: [Int32], chunk: Int = .max, threads: Int = 1, type: KVType = .f32
    ) throws -> [[Float]] {
        let cache = try KVCache(model: self, capacity: tokens.count, type: type)
        let workspace = try Workspace(model: self, workers: WorkerPool(threads: threads))
        var rows: [[Float]] = []
        var rest = tokens[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(chunk))
            rest = rest.dropFirst(some.count)
            let all = try forward(
                tokens: some, cache: cache, logits: .all, workspace: workspace)
            for row in 0..<some.count {
                rows.append(
                    Array(
                        all[
                            row * configuration.vocabularySize..<(row + 1)
                                * configuration
                                .vocabularySize]))
            }
        }
        return rows
    }

    /// The next `count` tokens at temperature 0; ties go to the lower id.
    func greedy(after prompt: [Int32], count: Int, type: KVType = .f32) throws -> [Int32] {
        let cache = try KVCache(model: self, capacity: prompt.count + count, type: type)
        let workspace = try Workspace(model: self, workers: WorkerPool(threads: 1))
        var next = prompt
        var tokens: [Int32] = []
        while tokens.count < count {
            let logits = try forward(tokens: next, cache: cache, workspace: workspace)
            var best = 0
            for (id, logit) in logits.enumerated() where logit > logits[best] { best = id }
            tokens.append(Int32(best))
            next = [Int32(best)]
        }
        return tokens
    }
}

/// The divergence of softmax(q) from softmax(p), in nats.
func divergence(of q: [Float], from p: [Float]) -> Double {
    func logProbabilities(_ logits: [Float]) -> [Double] {
        let peak = Double(logits.max() ?? 0)
        let total = logits.reduce(0) { $0 + exp(Double($1) - peak) }
        return logits.map { Double($0) - peak - log(total) }
    }
    return zip(logProbabilities(p), logProbabilities(q)).reduce(0) { sum, pair in
        sum + exp(pair.0) * (pair.0 - pair.1)
    }
}

/// SplitMix64: a seeded source, so that a failure can be replayed from the seed it prints.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
