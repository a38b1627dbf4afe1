import GGUF
import Kernels
import Model
import Testing

@Suite struct ReferenceTests {
    @Test(arguments: ["stories260K-f32", "tiny-llama-f32"])
    func singlePrecisionMatchesTheReferenceWithinAThousandth(name: String) throws {
        let reference = try Fixture.reference(name)
        let logits = try Fixture.model(name).logits(of: reference.prompt)
        let last = try #require(logits.last)
        #expect(last.count == reference.last_logits.count)
        let worst = zip(last, reference.last_logits).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < 1e-3)
        for (row, top) in zip(logits, reference.top10) {
            for pair in top { #expect(abs(Double(row[Int(pair[0])]) - pair[1]) < 1e-3) }
        }
    }

    @Test(arguments: Fixture.stories + ["tiny-llama-f32"])
    func greedyTokensAreThoseOfTheReference(name: String) throws {
        let reference = try Fixture.reference(name)
        let model = try Fixture.model(name)
        #expect(try model.greedy(after: reference.prompt, count: 48) == reference.greedy)
    }

    /// A model of the same weights, widened to F32, is what exact arithmetic gives.
    @Test(arguments: Fixture.stories)
    func quantisedLogitsAreAsCloseToExactAsLlamaCpp(name: String) throws {
        let reference = try Fixture.reference(name)
        let exact = try LoadedModel(
            file: widened(try Fixture.file(name)), kernels: KernelTable.best()
        ).logits(of: reference.prompt)
        let worst = zip(try #require(exact.last), reference.last_logits).map { abs($0 - $1) }.max()
        #expect(try #require(worst) < 1e-3)
        let logits = try Fixture.model(name).logits(of: reference.prompt)
        let mean =
            zip(exact, logits).reduce(0) { $0 + divergence(of: $1.1, from: $1.0) }
            / Double(logits.count)
        #expect(mean <= max(reference.llama_cpp_kl * 1.5, 1e-5))
    }

    @Test func halfPrecisionKeysGiveTheSameTokensForTheStories() throws {
        let reference = try Fixture.reference("stories260K-f32")
        let model = try Fixture.model("stories260K-f32")
        let tokens = try model.greedy(after: reference.prompt, count: 48, type: .f16)
        #expect(tokens == reference.greedy)
    }
}

/// The same file with the chosen tensors in F32.
func widened(
    _ file: GGUFFile, where chosen: (String) -> Bool = { _ in true }
) throws -> GGUFFile {
    var writer = try GGUFWriter()
    for key in file.metadataOrder { try writer.add(key, try file.value(key)) }
    for tensor in file.tensors {
        let widens = chosen(tensor.name)
        try writer.addTensor(
            name: tensor.name, dimensions: tensor.dimensions, type: widens ? .f32 : tensor.type,
            data: widens ? try singles(file, tensor) : file.withBytes(of: tensor) { Array($0) })
    }
    return try GGUFFile(bytes: writer.bytes())
}

private func singles(_ file: GGUFFile, _ tensor: GGUFTensor) throws -> [UInt8] {
    let formats: [GGUFTensorType: WeightFormat] = [
        .f32: .f32, .f16: .f16, .bf16: .bf16, .q8_0: .q8_0, .q4_0: .q4_0,
    ]
    let format = try #require(formats[tensor.type])
    var elements = [Float](repeating: 0, count: tensor.elementCount)
    elements.withUnsafeMutableBufferPointer { out in
        file.withBytes(of: tensor) { format.unpackRow($0, into: out) }
    }
    return elements.withUnsafeBytes { Array($0) }
}
