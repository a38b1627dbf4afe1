import GGUF
import Kernels
import Model
import Testing

/// Vectors of texts.
@Suite struct EncoderTests {
    private let draft = Draft.bert
    private let texts: [[Int32]] = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 10, 11], [3, 2, 1]]

    private func vectors(
        _ model: LoadedModel, _ texts: [[Int32]], threads: Int = 1
    ) throws -> [[Float]] {
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: threads))
        return try model.embed(tokens: texts, workspace: workspace)
    }

    /// With products of 8-bit blocks; the others stay in singles.
    private var quantised: Draft {
        var copy = draft
        copy.tensors = draft.tensors.map { name, dimensions, type in
            (name, dimensions, dimensions.count == 2 && name.hasPrefix("blk.0.") ? .q8_0 : type)
        }
        return copy
    }

    @Test("A text's vector has length one and is the same in any company, on any table")
    func company() throws {
        for draft in [draft, quantised] {
            let portable = try LoadedModel(
                file: draft.file(), kernels: #require(KernelTable(.portable)))
            let expected = try texts.map { try vectors(portable, [$0])[0] }
            for set in KernelTable.available {
                let model = try LoadedModel(
                    file: draft.file(), kernels: #require(KernelTable(set)))
                #expect(try vectors(model, texts, threads: 3) == expected, "\(set)")
            }
            for vector in expected {
                #expect(vector.count == 32)
                #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
            }
        }
    }

    @Test("Codes of two planes lose next to nothing of a vector")
    func twoPlanes() throws {
        let exact = try LoadedModel(
            file: widened(quantised.file()), kernels: KernelTable.best())
        let (found, expected) = (
            try vectors(quantised.model(), texts), try vectors(exact, texts)
        )
        for (one, other) in zip(found, expected) {
            let cosine = zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(cosine > 0.99999)
        }
    }

    @Test("Each token sees all others: the order of words matters, and the last word too")
    func order() throws {
        let found = try vectors(draft.model(), [[1, 2, 3], [3, 2, 1], [1, 2, 4]])
        #expect(found[0] != found[1])
        let first = draft.with("bert.pooling_type", .uint32(2))
        // The first token's vector alone would not know of the last, did it not see it.
        let pooled = try vectors(first.model(), [[1, 2, 3], [1, 2, 4]])
        #expect(pooled[0] != pooled[1])
    }

    @Test("Pooling takes the mean, the first token or the last, as the file says")
    func pooling() throws {
        let kinds = try [1, 2, 3].map {
            try vectors(draft.with("bert.pooling_type", .uint32($0)).model(), [[1, 2, 3], [7]])
        }
        #expect(kinds[0][0] != kinds[1][0] && kinds[1][0] != kinds[2][0])
        // Of one token they are all the same.
        #expect(kinds[0][1] == kinds[1][1] && kinds[1][1] == kinds[2][1])
    }

    @Test("More texts than go through the layers at once are divided")
    func manyTexts() throws {
        let model = try draft.model()
        let many = (0..<40).map { number in (0..<20).map { Int32((number * 7 + $0) % 48) } }
        #expect(many.count * 20 > 2 * ModelLimits.tokensPerPass)
        let found = try vectors(model, many)
        #expect(found.count == 40)
        #expect(try vectors(model, [many[39]]) == [found[39]])
    }

    @Test("What an encoder cannot do is refused")
    func refusals() throws {
        let model = try draft.model()
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
        func error(_ texts: [[Int32]]) -> ModelError? {
            #expect(throws: ModelError.self) {
                _ = try model.embed(tokens: texts, workspace: workspace)
            }
        }
        #expect(error([[1], []]) == .noTokens)
        #expect(error([[48]]) == .tokenOutOfRange(token: 48, vocabularySize: 48))
        let long = [Int32](repeating: 1, count: 65)
        #expect(error([long]) == .contextFull(needed: 65, capacity: 64))
        #expect(throws: ModelError.cancelled) {
            _ = try model.embed(tokens: [[1]], workspace: workspace, isCancelled: { true })
        }
        #expect(try model.embed(tokens: [], workspace: workspace).isEmpty)
        let cache = try KVCache(model: model, capacity: 8, type: .f32)
        #expect(throws: ModelError.wrongKind(architecture: "bert", isEncoder: true)) {
            _ = try model.forward(tokens: [1], cache: cache, workspace: workspace)
        }
        let decoder = try Draft().model()
        let other = try Workspace(model: decoder, workers: WorkerPool(threads: 1))
        #expect(throws: ModelError.wrongKind(architecture: "llama", isEncoder: false)) {
            _ = try decoder.embed(tokens: [[1]], workspace: other)
        }
    }

    @Test("Weights that are no numbers give an error")
    func notNumbers() throws {
        for name in ["token_embd_norm.weight", "blk.0.ffn_up.weight", "position_embd.weight"] {
            var damaged = draft
            damaged.fill[name] = .nan
            let model = try damaged.model()
            #expect(throws: ModelError.notANumber(position: 0)) {
                _ = try vectors(model, [[1, 2]])
            }
        }
    }
}
