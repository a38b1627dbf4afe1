import GGUF
import Kernels
import Model
import Testing

/// What loading a model takes and says.
@Suite struct LoadingTests {
    @Test("Progress rises to one, a step for each weight")
    func progress() throws {
        for (name, draft) in Draft.all {
            final class Shares { var all: [Double] = [] }
            let shares = Shares()
            _ = try LoadedModel(file: draft.file(), kernels: KernelTable.best()) {
                shares.all.append($0)
            }
            #expect(shares.all.count >= draft.tensors.count - 2, "\(name)")
            #expect(shares.all == shares.all.sorted(), "\(name)")
            #expect(shares.all.last == 1, "\(name)")
            #expect(shares.all.allSatisfy { 0...1 ~= $0 }, "\(name)")
        }
    }

    @Test("A tied embedding is kept once, and reads as it does in the file")
    func tiedEmbedding() throws {
        for type in [GGUFTensorType.f32, .q8_0] {
            let tied = Draft().inSingles.with("token_embd.weight", [32, 48], type)
            let untied = tied.with("output.weight", [32, 48], type)
            let (one, other) = (try tied.model(), try untied.model())
            #expect(one.weightBytes == other.weightBytes)
            #expect(try one.logits(of: [1, 2, 47]) == other.logits(of: [1, 2, 47]))
        }
    }

    @Test("A mapped file whose pages were given back can be loaded again")
    func releasedPages() throws {
        let file = try Fixture.file("stories260K-q8_0")
        let kernels = try KernelTable.best()
        let first = try LoadedModel(file: file, kernels: kernels).logits(of: [1, 2, 3])
        for tensor in file.tensors {
            file.releasePages(of: tensor, 0..<tensor.byteCount)
        }
        #expect(try LoadedModel(file: file, kernels: kernels).logits(of: [1, 2, 3]) == first)
    }

    @Test("YaRN keeps fast pairs and divides slow ones")
    func yarn() throws {
        let plain = Draft().inSingles
        let type = plain.with("llama.rope.scaling.type", .string("yarn"))
        let factor = type.with("llama.rope.scaling.factor", .float32(4))
        let tokens: [Int32] = [5, 6, 7, 8]
        let expected = try plain.model().logits(of: tokens)
        // Without a factor there is nothing to stretch.
        #expect(try type.model().logits(of: tokens) == expected)
        #expect(try factor.model().logits(of: tokens) != expected)
        // The magnitude of a factor of 4 is 1 + 0.1 ln 4, here divided out; and every pair turns
        // more often over so long a context than the bounds, so that none is divided.
        let kept = factor.with("llama.rope.scaling.attn_factor", .float32(1 / 1.138_629_4))
            .with("llama.rope.scaling.yarn_beta_fast", .float32(0.02))
            .with("llama.rope.scaling.yarn_beta_slow", .float32(0.01))
            .with("llama.rope.scaling.original_context_length", .uint32(1 << 20))
        for (one, other) in zip(try kept.model().logits(of: tokens).joined(), expected.joined()) {
            #expect(abs(one - other) < 1e-6)
        }
    }
}
