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

    @Test(
        "Every instruction set gives the portable logits",
        arguments: Fixture.stories + Fixture.singles.dropFirst(2) + Fixture.quantised)
    func instructionSets(name: String) throws {
        // More than one attention block.
        let tokens = try prompt(name, repeated: 20).prefix(70)
        let portable = try Fixture.model(name, .portable)
        for type in KVType.allCases where type.fits(portable.configuration) {
            let expected = bits(try portable.logits(of: Array(tokens), type: type))
            for set in KernelTable.available where set != .portable {
                let found = try Fixture.model(name, set).logits(of: Array(tokens), type: type)
                #expect(bits(found) == expected, "\(set), \(type)")
            }
        }
    }

    /// Digests of all logits under the present numerics id. If one of them changes on purpose, so
    /// must ``NumericsID/current``: nodes of both versions would else disagree in mid-answer.
    @Test("The numerics id stands for these bits", arguments: Fixture.digests)
    func numericsID(name: String, digest: UInt64) throws {
        #expect(NumericsID.current == "shoal-numerics-2")
        let tokens = Array(try prompt(name, repeated: 20).prefix(140))
        let model = try Fixture.model(name)
        // FNV-1a over the bit patterns, of each type of keys and values in turn.
        var found: UInt64 = 0xcbf2_9ce4_8422_2325
        for type in KVType.allCases where type.fits(model.configuration) {
            for logit in try model.logits(of: tokens, type: type).joined() {
                found = (found ^ UInt64(logit.bitPattern)) &* 0x100_0000_01b3
            }
        }
        #expect(found == digest, "found 0x\(String(found, radix: 16))")
    }

    @Test(
        "Chunks and threads do not change the logits",
        arguments: Fixture.stories + ["tiny-gemma3-f32", "tiny-moe-f32"])
    func chunksAndThreads(name: String) throws {
        // More than two attention blocks and more than one pass.
        let tokens = Array(try prompt(name, repeated: 32).prefix(ModelLimits.tokensPerPass + 40))
        let model = try Fixture.model(name)
        for type in KVType.allCases where type.fits(model.configuration) {
            let expected = bits(try model.logits(of: tokens, type: type))
            for (chunk, threads) in [(1, 1), (5, 2), (100, 1), (65, 3), (.max, 2)] {
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
