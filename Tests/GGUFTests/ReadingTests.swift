import Foundation
import GGUF
import Testing

@Suite struct ReadingTests {
    @Test func aRealModelIsReadWhole() throws {
        let file = try GGUFFile(path: try fixturePath("stories260K-q4_0.gguf"))
        #expect(file.version == 3)
        #expect(file.alignment == 32)
        #expect(file.metadataOrder.count == file.metadata.count)
        #expect(try file.string("general.architecture") == "llama")
        #expect(try file.uint32("llama.block_count") == 5)
        #expect(try file.float("llama.rope.freq_base") == 10_000)
        #expect(try file.bool("tokenizer.ggml.add_bos_token"))
        let tokens = try file.strings("tokenizer.ggml.tokens")
        #expect(tokens.count == 512)
        #expect(tokens[1] == Array("<s>".utf8))
        #expect(try file.floats("tokenizer.ggml.scores").count == 512)
        #expect(try file.int32s("tokenizer.ggml.token_type")[3] == 6)
        let norm = try #require(file.tensor("output_norm.weight"))
        #expect(norm.type == .f32 && norm.dimensions == [64] && norm.byteCount == 256)
        let query = try #require(file.tensor("blk.0.attn_q.weight"))
        #expect(query.rowCount == 64 && query.rowBytes * query.rowCount == query.byteCount)
        #expect(file.tensor("no.such.tensor") == nil)
        file.withBytes(of: norm) { #expect($0.count == 256) }
    }

    @Test func aMappedFileAndOneInMemoryAreEqual() throws {
        let name = "stories260K-q4_0.gguf"
        let mapped = try GGUFFile(path: try fixturePath(name))
        let held = try GGUFFile(bytes: try fixtureBytes(name))
        #expect(mapped.metadata == held.metadata)
        #expect(mapped.tensors == held.tensors)
        for tensor in mapped.tensors {
            let same = mapped.withBytes(of: tensor) { left in
                held.withBytes(of: tensor) { right in left.elementsEqual(right) }
            }
            #expect(same)
        }
    }

    @Test func whatIsWrittenIsReadBackEqual() throws {
        let file = try GGUFFile(bytes: try smallFile())
        #expect(try file.uint32("a.u8") == 200)
        #expect(file.metadata["a.i8"] == .int8(-3))
        #expect(try file.uint32("a.u32") == 4_000_000_000)
        #expect(try file.uint64("a.u64") == 1 << 40)
        #expect(try file.float("a.f64") == 0.25)
        #expect(try file.strings("a.strings") == [[0xFF, 0x80], [], Array("hé".utf8)])
        #expect(try file.array("a.strings").byteString(at: 2) == Array("hé".utf8))
        #expect(try file.floats("a.floats") == [1, -2])
        #expect(try file.int32s("a.ints") == [3, -4])
        #expect(file.tensors.map(\.name) == ["t.f32", "t.q4"])
        let tensor = try #require(file.tensor("t.q4"))
        file.withBytes(of: tensor) { bytes in
            #expect(bytes.count == 18 && bytes.allSatisfy { $0 == 2 })
        }
    }

    @Test func rewritingARealModelKeepsItsBytes() throws {
        let original = try fixtureBytes("stories260K-q4_0.gguf")
        let file = try GGUFFile(bytes: original)
        var writer = try GGUFWriter()
        for key in file.metadataOrder { try writer.add(key, try file.value(key)) }
        for tensor in file.tensors {
            try writer.addTensor(
                name: tensor.name, dimensions: tensor.dimensions, type: tensor.type,
                data: file.withBytes(of: tensor) { [UInt8]($0) })
        }
        #expect(writer.bytes() == original)
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("gguf-\(UUID().uuidString).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writer.write(to: path)
        #expect(try GGUFFile(path: path).tensors == file.tensors)
    }

    @Test func anotherAlignmentIsRecordedAndKept() throws {
        var writer = try GGUFWriter(alignment: 256)
        for name in ["a", "b"] {
            try writer.addTensor(name: name, dimensions: [1], type: .f32, data: [0, 0, 0, 0])
        }
        let file = try GGUFFile(bytes: writer.bytes())
        #expect(file.alignment == 256)
        #expect(file.tensors.allSatisfy { $0.offset % 256 == 0 })
    }

    @Test func theWriterRefusesWhatTheParserWould() throws {
        #expect(throws: GGUFError.invalidAlignment(24)) { try GGUFWriter(alignment: 24) }
        var writer = try GGUFWriter()
        try writer.add("k", .bool(true))
        #expect(throws: GGUFError.duplicateKey("k")) { try writer.add("k", .bool(true)) }
        #expect(throws: GGUFError.dataSizeMismatch(tensor: "t", expected: 8, found: 4)) {
            try writer.addTensor(name: "t", dimensions: [2], type: .f32, data: [0, 0, 0, 0])
        }
        #expect(throws: GGUFError.self) {
            try writer.addTensor(name: "t", dimensions: [31], type: .q8_0, data: [])
        }
    }

    @Test func aMissingOrMistypedKeyIsNamed() throws {
        let file = try GGUFFile(bytes: try smallFile())
        #expect(throws: GGUFError.missingKey("nope")) { try file.string("nope") }
        #expect(
            throws: GGUFError.wrongType(
                key: "a.i8", expected: "an unsigned 32-bit integer", found: "int8")
        ) { try file.uint32("a.i8") }
        #expect(throws: GGUFError.self) { try file.string("a.bool") }
        #expect(throws: GGUFError.self) { try file.floats("a.ints") }
        #expect(throws: GGUFError.self) { try file.uint32("a.bool", default: 1) }
        #expect(try file.uint32("nope", default: 9) == 9)
        #expect(try file.float("nope", default: 9) == 9)
    }

    @Test func aLargeVocabularyIsReadInOneCopy() throws {
        let tokens = (0..<150_000).map { Array("token-\($0)".utf8) }
        var writer = try GGUFWriter()
        try writer.add("tokens", .array(GGUFArray(strings: tokens)))
        try writer.add("scores", .array(GGUFArray(floats: tokens.map { Float($0.count) })))
        let file = try GGUFFile(bytes: writer.bytes())
        #expect(try file.array("tokens").count == 150_000)
        #expect(try file.array("tokens").byteString(at: 149_999) == tokens[149_999])
        #expect(try file.strings("tokens") == tokens)
    }
}
