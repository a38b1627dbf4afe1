import Kernels
import Model
import Testing

/// The same tokens give the same bits, however they are computed.
@Suite struct SameBitsTests {
    private func bits(_ rows: [[Float]]) -> [[UInt32]] { rows.map { $0.map(\.bitPattern) } }

    private func prompt(_ name: String, repeated times: Int) throws -> [Int32] {
        let prompt = try Fixture.reference(name).prompt
        return (0..<times).flatMap { _ in prompt }
    }

    @Test(arguments: Fixture.stories)
    func everyInstructionSetGivesThePortableLogits(name: String) throws {
        let tokens = try prompt(name, repeated: 6)
        for type in KVType.allCases {
            let expected = bits(
                try Fixture.model(name, .portable).logits(of: tokens, type: type))
            for set in KernelTable.available where set != .portable {
                let found = try Fixture.model(name, set).logits(of: tokens, type: type)
                #expect(bits(found) == expected, "\(set), \(type)")
            }
        }
    }

    /// Digests of all logits under the present numerics id. If one of them changes on purpose, so
    /// must ``NumericsID/current``: nodes of both versions would else disagree in mid-answer.
    @Test(
        arguments: [
            ("stories260K-f32", 0x0421_e088_9885_d89b),
            ("stories260K-f16", 0x40a2_e1c8_6095_e60f),
            ("stories260K-bf16", 0xaa14_ef07_0ff4_d722),
            ("stories260K-q8_0", 0x8549_2287_b817_6f0f),
            ("stories260K-q4_0", 0x12c4_0228_185b_24af),
        ] as [(String, UInt64)])
    func theNumericsIDStandsForTheseBits(name: String, digest: UInt64) throws {
        #expect(NumericsID.current == "shoal-numerics-1")
        let tokens = try prompt(name, repeated: 6)
        // FNV-1a over the bit patterns, singles then halves in the cache.
        var found: UInt64 = 0xcbf2_9ce4_8422_2325
        for type in KVType.allCases {
            for logit in try Fixture.model(name).logits(of: tokens, type: type).joined() {
                found = (found ^ UInt64(logit.bitPattern)) &* 0x100_0000_01b3
            }
        }
        #expect(found == digest, "found 0x\(String(found, radix: 16))")
    }

    @Test(arguments: Fixture.stories)
    func chunksAndThreadsDoNotChangeTheLogits(name: String) throws {
        // More than two attention blocks and more than one pass.
        let tokens = try prompt(name, repeated: 13)
        #expect(tokens.count > ModelLimits.tokensPerPass)
        let model = try Fixture.model(name)
        for type in KVType.allCases {
            let expected = bits(try model.logits(of: tokens, type: type))
            for (chunk, threads) in [(1, 1), (7, 2), (64, 1), (65, 3), (.max, 2)] {
                let found = try model.logits(
                    of: tokens, chunk: chunk, threads: threads, type: type)
                #expect(bits(found) == expected, "chunks of \(chunk), \(threads) threads, \(type)")
            }
        }
    }

    @Test func theLastRowIsTheSameAloneAsAmongAll() throws {
        let model = try Fixture.model("stories260K-q8_0")
        let tokens = try prompt("stories260K-q8_0", repeated: 2)
        let cache = try KVCache(model: model, capacity: tokens.count, type: .f32)
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
        let last = try model.forward(tokens: tokens, cache: cache, workspace: workspace)
        #expect(bits([last]) == bits([try #require(model.logits(of: tokens).last)]))
    }

    @Test func aTruncatedCacheContinuesAsIfTheRestHadNeverBeen() throws {
        let model = try Fixture.model("stories260K-q4_0")
        let tokens = try prompt("stories260K-q4_0", repeated: 2)
        let cache = try KVCache(model: model, capacity: 100, type: .f16)
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
        let first = try model.forward(tokens: tokens, cache: cache, workspace: workspace)
        cache.truncate(to: 5)
        _ = try model.forward(tokens: [9, 8, 7], cache: cache, workspace: workspace)
        cache.truncate(to: 5)
        let again = try model.forward(
            tokens: Array(tokens[5...]), cache: cache, workspace: workspace)
        #expect(bits([again]) == bits([first]))
        #expect(cache.count == tokens.count)
    }

    @Test func sequencesSharingAWorkspaceDoNotTouchEachOther() throws {
        let model = try Fixture.model("stories260K-q8_0")
        let tokens = try prompt("stories260K-q8_0", repeated: 1)
        let expected = bits(try model.logits(of: tokens))
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 2))
        let caches = try (0..<3).map { _ in
            try KVCache(model: model, capacity: 20, type: .f32)
        }
        for (index, token) in tokens.enumerated() {
            for cache in caches {
                let row = try model.forward(tokens: [token], cache: cache, workspace: workspace)
                #expect(bits([row])[0] == expected[index])
            }
        }
    }
}
