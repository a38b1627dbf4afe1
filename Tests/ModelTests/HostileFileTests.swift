import GGUF
import Kernels
import Model
import Testing

@Suite struct HostileFileTests {
    private func error(_ draft: Draft) throws -> ModelError? {
        let file = try draft.file()
        let loading = #expect(throws: ModelError.self) {
            _ = try LoadedModel(file: file, kernels: KernelTable.best())
        }
        // Asking for the size alone finds the same.
        #expect(throws: ModelError.self) { _ = try LoadedModel.bytesNeeded(file: file) }
        return loading
    }

    @Test func theDraftItselfIsAModel() throws {
        let model = try Draft().model()
        #expect(try model.logits(of: [0, 1, 47]).count == 3)
        #expect(try LoadedModel.bytesNeeded(file: Draft().file()) == model.weightBytes)
    }

    @Test func anUnknownArchitectureIsNamedWithTheListOfThoseSupported() throws {
        let found = try error(Draft().with("general.architecture", .string("mamba")))
        #expect(
            found
                == .unsupportedArchitecture(
                    name: "mamba", supported: Architecture.allCases.map(\.rawValue)))
        #expect(found?.description.contains("mamba") == true)
        #expect(found?.description.contains("llama") == true)
    }

    @Test func everyRequiredKeyIsMissed() throws {
        for key in [
            "general.architecture", "llama.block_count", "llama.context_length",
            "llama.embedding_length", "llama.feed_forward_length", "llama.attention.head_count",
            "llama.attention.layer_norm_rms_epsilon",
        ] {
            #expect(try error(Draft().with(key, nil)) == .metadata(.missingKey(key)))
        }
    }

    @Test func everyMissingTensorIsNamed() throws {
        for tensor in Draft().tensors {
            #expect(try error(Draft().without(tensor.name)) == .missingTensor(tensor.name))
        }
    }

    @Test func everyTensorOfAnotherShapeIsNamed() throws {
        for tensor in Draft().tensors where tensor.name != "token_embd.weight" {
            let wider = tensor.dimensions.map { $0 + 32 }
            #expect(
                try error(Draft().with(tensor.name, wider))
                    == .wrongShape(
                        tensor: tensor.name, expected: tensor.dimensions, found: wider))
            let deeper = tensor.dimensions + [2]
            #expect(
                try error(Draft().with(tensor.name, deeper))
                    == .wrongShape(
                        tensor: tensor.name, expected: tensor.dimensions, found: deeper))
        }
        for shape in [[32], [16, 48], [32, 48, 1]] {
            #expect(try error(Draft().with("token_embd.weight", shape)) != nil)
        }
    }

    @Test(
        arguments: [
            ("llama.block_count", GGUFValue.uint32(0)),
            ("llama.block_count", .uint32(.max)),
            ("llama.context_length", .uint32(0)),
            ("llama.context_length", .uint32(.max)),
            ("llama.embedding_length", .uint32(0)),
            ("llama.embedding_length", .uint32(.max)),
            ("llama.feed_forward_length", .uint32(0)),
            ("llama.feed_forward_length", .uint32(.max)),
            ("llama.attention.head_count", .uint32(0)),
            ("llama.attention.head_count", .uint32(3)),
            ("llama.attention.head_count", .uint32(.max)),
            ("llama.attention.head_count", .string("4")),
            ("llama.attention.head_count", .int32(-4)),
            ("llama.attention.head_count_kv", .uint32(0)),
            ("llama.attention.head_count_kv", .uint32(3)),
            ("llama.attention.head_count_kv", .uint32(8)),
            ("llama.attention.key_length", .uint32(0)),
            ("llama.attention.key_length", .uint32(.max)),
            ("llama.attention.value_length", .uint32(16)),
            ("llama.rope.dimension_count", .uint32(0)),
            ("llama.rope.dimension_count", .uint32(7)),
            ("llama.rope.dimension_count", .uint32(10)),
            ("llama.rope.freq_base", .float32(0)),
            ("llama.rope.freq_base", .float32(.nan)),
            ("llama.rope.freq_base", .float32(.infinity)),
            ("llama.rope.scaling.type", .string("su")),
            ("llama.rope.scaling.factor", .float32(0.5)),
            ("llama.rope.scaling.factor", .float32(.nan)),
            ("llama.rope.scaling.attn_factor", .float32(0)),
            ("llama.attention.sliding_window", .uint32(.max)),
            ("llama.attn_logit_softcapping", .float32(50)),
            ("llama.attention.layer_norm_rms_epsilon", .float32(-1)),
            ("llama.attention.layer_norm_rms_epsilon", .float32(.nan)),
            ("llama.expert_count", .uint32(8)),
            ("llama.expert_count", .uint32(.max)),
        ])
    func impossibleMetadataIsRefused(key: String, value: GGUFValue) throws {
        let found = try #require(try error(Draft().with(key, value)))
        #expect(!found.description.isEmpty)
    }

    @Test func aFormatWithoutKernelsIsNamed() throws {
        let found = try error(Draft().with("blk.0.ffn_up.weight", [32, 64], .mxfp4))
        #expect(found?.description.contains("blk.0.ffn_up.weight") == true)
        #expect(found?.description.contains("MXFP4") == true)
    }

    @Test func aTensorThatWouldBeIgnoredIsRefused() throws {
        #expect(
            try error(Draft().with("blk.0.attn_q_norm.weight", [8]))
                == .unexpectedTensor("blk.0.attn_q_norm.weight"))
        // One that old files have, and that says nothing new.
        _ = try Draft().with("blk.0.attn_rot_embd.weight", [4]).model()
    }

    @Test func weightsThatAreNotNumbersGiveAnErrorAndLeaveTheCache() throws {
        for name in ["output_norm.weight", "blk.0.ffn_norm.weight", "token_embd.weight"] {
            for value in [Float.nan, .infinity] {
                var draft = Draft()
                draft.fill[name] = value
                let model = try draft.model()
                let cache = try KVCache(model: model, capacity: 8, type: .f32)
                let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
                #expect(throws: ModelError.notANumber(position: 1)) {
                    try model.forward(tokens: [1, 2], cache: cache, workspace: workspace)
                }
                #expect(cache.count == 0)
            }
        }
    }

    @Test func badRequestsAreRefusedAndLeaveTheCache() throws {
        let model = try Draft().model()
        let cache = try KVCache(model: model, capacity: 8, type: .f16)
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
        _ = try model.forward(tokens: [1, 2, 3], cache: cache, workspace: workspace)
        #expect(throws: ModelError.noTokens) {
            try model.forward(tokens: [], cache: cache, workspace: workspace)
        }
        for token in [-1, 48, Int32.max, Int32.min] {
            #expect(throws: ModelError.tokenOutOfRange(token: token, vocabularySize: 48)) {
                try model.forward(tokens: [1, token], cache: cache, workspace: workspace)
            }
        }
        #expect(throws: ModelError.contextFull(needed: 9, capacity: 8)) {
            try model.forward(
                tokens: [1, 1, 1, 1, 1, 1], cache: cache, workspace: workspace)
        }
        #expect(throws: ModelError.cancelled) {
            try model.forward(
                tokens: [1], cache: cache, workspace: workspace, isCancelled: { true })
        }
        #expect(cache.count == 3)
        for capacity in [0, -1, 65, Int.max] {
            #expect(throws: ModelError.self) {
                _ = try KVCache(model: model, capacity: capacity, type: .f32)
            }
        }
    }

    /// Most flips are in the header, where they matter; some in the weights.
    @Test func aFileWithFlippedBitsIsRefusedOrRunsButNeverCrashes() throws {
        let whole = try Draft().bytes()
        for seed in 0..<1500 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var bytes = whole
            let end = seed % 4 == 0 ? bytes.count : 1100
            for _ in 0...Int.random(in: 0...2, using: &random) {
                bytes[Int.random(in: 0..<end, using: &random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &random)
            }
            do {
                let model = try LoadedModel(
                    file: GGUFFile(bytes: bytes), kernels: KernelTable.best())
                let capacity = min(2, model.configuration.contextLength)
                let cache = try KVCache(model: model, capacity: capacity, type: .f16)
                let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
                _ = try model.forward(tokens: [0, 1], cache: cache, workspace: workspace)
            } catch is GGUFError {
                continue
            } catch is ModelError {
                continue
            } catch {
                Issue.record(error, "seed \(seed)")
            }
        }
    }

    @Test func memoryIsKnownBeforeItIsTaken() throws {
        let model = try Draft().model()
        let cache = try KVCache(model: model, capacity: 33, type: .f16)
        #expect(
            cache.byteCount == KVPages.bytesPerPage(model.configuration, type: .f16))
        #expect(
            KVCache.bytesNeeded(model.configuration, capacity: 33, type: .f16)
                == cache.byteCount)
        // 1 layer, keys and values, 2 heads of 8, 64 positions, 2 bytes.
        #expect(cache.byteCount >= 2 * 2 * 8 * 64 * 2)
        #expect(Workspace.bytesNeeded(model.configuration) > 0)
    }
}

@Suite struct RotaryTests {
    @Test func dividingAllFrequenciesIsTheSameAsScalingPositions() throws {
        var factors = Draft.singles.with("rope_freqs.weight", [4])
        factors.fill["rope_freqs.weight"] = 8
        let scaled = Draft.singles.with("llama.rope.scaling.type", .string("linear"))
            .with("llama.rope.scaling.factor", .float32(8))
        var ones = Draft.singles.with("rope_freqs.weight", [4])
        ones.fill["rope_freqs.weight"] = 1
        let tokens: [Int32] = [5, 6, 7, 8]
        let plain = try Draft.singles.model().logits(of: tokens)
        #expect(try ones.model().logits(of: tokens) == plain)
        #expect(try factors.model().logits(of: tokens) == scaled.model().logits(of: tokens))
        #expect(try scaled.model().logits(of: tokens) != plain)
    }

    @Test func factorsOutsideTheirRangeAreRefused() throws {
        for factor in [Float(0), -1, .nan, .infinity] {
            var draft = Draft().with("rope_freqs.weight", [4])
            draft.fill["rope_freqs.weight"] = factor
            #expect(throws: ModelError.self) { _ = try draft.model() }
        }
        #expect(throws: ModelError.self) {
            _ = try Draft().with("rope_freqs.weight", [3]).model()
        }
    }

    @Test func kvTypesAreNamedAsUsersNameThem() {
        for type in KVType.allCases { #expect(KVType(name: "\(type)") == type) }
        #expect(KVType(name: "q9") == nil)
    }
}
