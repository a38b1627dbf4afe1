import GGUF
import Kernels
import Model
import Testing

@Suite struct ReferenceTests {
    @Test(
        "A file of singles gives every logit of the reference within a thousandth",
        arguments: Fixture.singles)
    func singlePrecision(name: String) throws {
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

    @Test(
        "Greedy tokens are those of the reference",
        arguments: Fixture.singles + Fixture.stories.filter { $0 != "stories260K-f32" })
    func greedyTokens(name: String) throws {
        let reference = try Fixture.reference(name)
        let model = try Fixture.model(name)
        let count = reference.greedy.count
        #expect(try model.greedy(after: reference.prompt, count: count) == reference.greedy)
    }

    /// A model of the same weights, widened to F32, is what exact arithmetic gives.
    @Test(
        "Logits of a quantised file are as close to exact ones as llama.cpp's",
        arguments: Fixture.stories + Fixture.quantised)
    func quantised(name: String) throws {
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
        let allowed = max(reference.llama_cpp_kl * 1.5, 1e-5)
        #expect(mean <= allowed, "llama.cpp: \(reference.llama_cpp_kl)")
    }

    @Test("Half precision keys give the same tokens for the stories")
    func halfPrecisionKeys() throws {
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
    let format = try #require(
        WeightFormat.allCases.first { "\($0)".uppercased() == tensor.type.name })
    var elements = [Float](repeating: 0, count: tensor.elementCount)
    elements.withUnsafeMutableBufferPointer { out in
        file.withBytes(of: tensor) { format.unpackRow($0, into: out) }
    }
    return elements.withUnsafeBytes { Array($0) }
}
