import GGUF
import Kernels
import Model
import Testing

/// What each architecture accepts and refuses, and what distinguishes one from another.
@Suite struct ArchitectureTests {
    private func loadingError(_ draft: Draft) throws -> ModelError? {
        let file = try draft.file()
        #expect(throws: ModelError.self) { _ = try LoadedModel.bytesNeeded(file: file) }
        return #expect(throws: ModelError.self) {
            _ = try LoadedModel(file: file, kernels: KernelTable.best())
        }
    }

    private func run(_ draft: Draft, _ tokens: [Int32] = [1, 2, 3]) throws -> [[Float]] {
        let model = try draft.model()
        guard model.configuration.isEncoder else { return try model.logits(of: tokens) }
        let workspace = try Workspace(model: model, workers: WorkerPool(threads: 1))
        return try model.embed(tokens: [tokens], workspace: workspace)
    }

    @Test("A draft of each architecture runs, and takes the bytes it says it will")
    func drafts() throws {
        for (name, draft) in Draft.all {
            #expect(try run(draft).joined().allSatisfy(\.isFinite), "\(name)")
            let model = try draft.model()
            #expect(
                try LoadedModel.bytesNeeded(file: draft.file()) == model.weightBytes, "\(name)")
        }
    }

    @Test("A tensor that an architecture needs is missed by name")
    func missingTensors() throws {
        let optional: Set<String> = ["token_types.weight", "output.weight"]
        for (name, draft) in Draft.all {
            for tensor in draft.tensors where !optional.contains(tensor.name) {
                if tensor.name.hasSuffix(".bias"), name.hasPrefix("llama") { continue }
                let error = try loadingError(draft.without(tensor.name))
                switch error {
                case .missingTensor(tensor.name): break
                // Without its first expert, a file is one of stacked experts.
                case .missingTensor where tensor.name.contains(".0.weight"): break
                case .missingTensor where name == "phi3": break
                default: Issue.record("\(name), \(tensor.name): \(String(describing: error))")
                }
            }
        }
    }

    @Test("A tensor of another shape is named with both shapes")
    func wrongShapes() throws {
        for (name, draft) in Draft.all {
            for tensor in draft.tensors
            where !["token_embd.weight", "token_types.weight"].contains(tensor.name) {
                for shape in [tensor.dimensions.map { $0 + 32 }, tensor.dimensions + [2]] {
                    let error = try loadingError(draft.with(tensor.name, shape))
                    let expected = ModelError.wrongShape(
                        tensor: tensor.name, expected: tensor.dimensions, found: shape)
                    #expect(error == expected, "\(name)")
                }
            }
        }
    }

    @Test("A tensor of another architecture is not ignored")
    func foreignTensors() throws {
        for (name, draft) in Draft.all {
            for tensor in [
                "blk.0.ffn_gate_shexp.weight", "blk.1.attn_q.weight", "cls.weight",
                "blk.0.attn_sinks.weight",
            ] {
                let error = try loadingError(draft.with(tensor, [32]))
                #expect(error == .unexpectedTensor(tensor), "\(name)")
            }
        }
    }

    @Test(
        "Metadata that cannot be is refused",
        arguments: [
            ("expert_used_count", GGUFValue.uint32(0)), ("expert_used_count", .uint32(4)),
            ("expert_count", .uint32(2)), ("expert_count", .uint32(4)),
            ("expert_count", .uint32(0)), ("expert_used_count", .string("2")),
        ])
    func impossibleExperts(key: String, value: GGUFValue) throws {
        #expect(try loadingError(Draft.experts.with("llama." + key, value)) != nil)
        #expect(try loadingError(Draft.splitExperts.with("llama." + key, value)) != nil)
    }

    @Test(
        "An encoder's metadata that cannot be is refused",
        arguments: [
            ("pooling_type", GGUFValue.uint32(9)), ("pooling_type", .uint32(0)),
            ("attention.causal", .bool(true)), ("context_length", .uint32(.max)),
            ("context_length", .uint32(63)), ("attention.layer_norm_epsilon", .float32(.nan)),
        ])
    func impossibleEncoder(key: String, value: GGUFValue) throws {
        #expect(try loadingError(Draft.bert.with("bert." + key, value)) != nil)
    }

    @Test("Gemma and Phi see a window: what is before it does not matter")
    func windows() throws {
        for (draft, window) in [(Draft.gemma3, 3), (.phi3, 5)] {
            let draft = draft.inSingles
            let tokens: [Int32] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
            let other = [40, 41] + tokens.dropFirst(2)
            let (first, second) = (try run(draft, tokens), try run(draft, other))
            for position in tokens.indices {
                // One layer: a query sees its own position and the window's others.
                let isSame = first[position] == second[position]
                #expect(isSame == (position - window >= 1), "\(position)")
            }
        }
    }

    @Test("Biases of zeros change nothing, others do")
    func biases() throws {
        let plain = Draft().inSingles
        var zeros = Draft.biased.inSingles.without("output.weight")
        for tensor in zeros.tensors where tensor.name.hasSuffix(".bias") {
            zeros.fill[tensor.name] = 0
        }
        #expect(try run(plain) == run(zeros))
        for tensor in zeros.tensors where tensor.name.hasSuffix(".bias") {
            var one = zeros
            one.fill[tensor.name] = 0.25
            // A bias of keys moves all scores of a query alike, but for the rotation.
            #expect(try run(plain) != run(one), "\(tensor.name)")
        }
    }

    @Test("Stacked and split experts are the same model")
    func expertLayouts() throws {
        let stacked = Draft.experts.inSingles
        // Weights depend on their place in a tensor, so all experts are made equal.
        var (one, other) = (stacked, Draft.splitExperts.inSingles)
        for name in ["gate", "up", "down"] {
            one.fill["blk.0.ffn_\(name)_exps.weight"] = 0.03
            for expert in 0..<3 { other.fill["blk.0.ffn_\(name).\(expert).weight"] = 0.03 }
        }
        let logits = try run(one)
        #expect(try run(other) == logits)
        // Experts that are equal, with shares that sum to one, are a layer without experts.
        var dense = Draft().inSingles
        for name in ["gate", "up", "down"] { dense.fill["blk.0.ffn_\(name).weight"] = 0.03 }
        for (found, expected) in zip(logits.joined(), try run(dense).joined()) {
            #expect(abs(found - expected) < 1e-5)
        }
    }

    @Test("Long contexts of Phi take the long factors, short ones the short")
    func phiFactors() throws {
        var draft = Draft.phi3.inSingles.with("rope_factors_long.weight", [4])
            .with("rope_factors_short.weight", [4])
        draft.fill = ["rope_factors_long.weight": 8, "rope_factors_short.weight": 1]
        let plain = try run(.phi3.inSingles)
        #expect(try run(draft) == plain)
        let original = "phi3.rope.scaling.original_context_length"
        let long = try run(draft.with(original, .uint32(32)))
        #expect(long != plain)
        let scaled = Draft.phi3.inSingles.with("phi3.rope.scaling.factor", .float32(8))
        #expect(try run(scaled) == long)
    }
}
