import Foundation
import GGUF
import Kernels
import Quantisation
import Testing

@Suite struct QuantiserTests {
    @Test("A file keeps its metadata, in order, and its tensors, each of its type")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let bytes = try smallModel(alignment: 64)
        let report = try quantise(bytes, to: folder.file("out.gguf"), .q4_k_m)
        let source = try GGUFFile(bytes: bytes)
        let found = try GGUFFile(path: folder.file("out.gguf"))
        #expect(found.metadataOrder == source.metadataOrder + ["general.quantization_version"])
        #expect(try found.uint32("general.file_type") == 15)
        #expect(try found.uint32("general.quantization_version") == 2)
        for key in source.metadataOrder where key != "general.file_type" {
            #expect(found.metadata[key] == source.metadata[key])
        }
        #expect(found.alignment == 64)
        #expect(found.tensors.map(\.name) == source.tensors.map(\.name))
        #expect(found.tensors.map(\.dimensions) == source.tensors.map(\.dimensions))
        // The router and the embedding are above the least size; the one is kept, the other tied.
        #expect(found.tensors.map(\.type) == [.q6_k, .f32, .q4_k, .q5_0, .f32, .q4_k, .f32])
        for (old, new) in zip(source.tensors, found.tensors) where new.type == .f32 {
            #expect(
                source.withBytes(of: old) { Array($0) } == found.withBytes(of: new) { Array($0) })
        }
        #expect(report.bytesIn == bytes.count && report.bytesOut == found.byteCount)
        #expect(report.parts.map(\.type) == [.f32, .q5_0, .q4_k, .q6_k])
        #expect(report.parts.map(\.tensors) == [3, 1, 2, 1])
        #expect(report.elements == found.tensors.reduce(0) { $0 + $1.elementCount })
        #expect(report.requantised == 0)
        #expect(folder.names == ["out.gguf"])
    }

    @Test(
        "The reported error is that of the values read back",
        arguments: [
            QuantisationScheme.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .iq4_nl, .q2_k, .q3_k,
            .q4_k, .q5_k, .q6_k, .f16, .bf16,
        ])
    func reportedError(scheme: QuantisationScheme) throws {
        let folder = try TemporaryFolder()
        let bytes = try smallModel()
        let report = try quantise(bytes, to: folder.file("out"), scheme, pure: true)
        let (source, found) = (
            try GGUFFile(bytes: bytes), try GGUFFile(path: folder.file("out"))
        )
        var (values, read): ([Float], [Float]) = ([], [])
        for (old, new) in zip(source.tensors, found.tensors) where new.type == scheme.base {
            values += try decoded(
                source.withBytes(of: old) { Array($0) }, .f32, count: old.elementCount)
            // Rows follow one another, so a tensor decodes as one long row.
            read += try decoded(
                found.withBytes(of: new) { Array($0) }, new.type, count: new.elementCount)
        }
        let part = try #require(report.parts.first { $0.type == scheme.base })
        let expected = relativeError(values, read)
        #expect((part.relativeError - expected).magnitude <= expected * 1e-3)
    }

    @Test(
        "The same bytes come out for any number of threads",
        arguments: [QuantisationScheme.q4_k_m, .q2_k, .q5_1, .iq4_nl])
    func threads(scheme: QuantisationScheme) throws {
        let folder = try TemporaryFolder()
        let bytes = try smallModel()
        var files: [Data?] = []
        for threads in [1, 2, 5] {
            let path = folder.file("\(threads).gguf")
            try quantise(bytes, to: path, scheme, threads: threads)
            files.append(FileManager.default.contents(atPath: path))
        }
        #expect(files[0] != nil && files[1] == files[0] && files[2] == files[0])
    }

    @Test("A quantised file can be quantised again, and what has its type already is copied")
    func again() throws {
        let folder = try TemporaryFolder()
        try quantise(try smallModel(), to: folder.file("a"), .q8_0)
        let first = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("a"))))
        #expect(try quantise(first, to: folder.file("b"), .q8_0).requantised == 0)
        #expect(FileManager.default.contents(atPath: folder.file("b")) == Data(first))
        #expect(try quantise(first, to: folder.file("c"), .q4_k).requantised == 4)
        let back = try quantise(first, to: folder.file("d"), .f32)
        #expect(back.parts.map(\.type) == [.f32] && back.relativeError == 0)
    }

    @Test(
        "A value that is no number is refused by its tensor's name",
        arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(value: Float) throws {
        let folder = try TemporaryFolder()
        let bytes = try smallModel(poison: [256 * 3 + 5: value])
        #expect(throws: QuantisationError.notFinite(tensor: "blk.0.attn_q.weight", row: 3)) {
            try quantise(bytes, to: folder.file("out"), .q4_0)
        }
        #expect(folder.names.isEmpty)
    }

    @Test("A value that the type cannot hold is refused; a wider type takes it")
    func tooLarge() throws {
        let folder = try TemporaryFolder()
        let bytes = try smallModel(poison: [10: 1e30])
        #expect(
            throws: QuantisationError.tooLarge(tensor: "blk.0.attn_q.weight", row: 0, type: .f16)
        ) { try quantise(bytes, to: folder.file("out"), .f16) }
        #expect(folder.names.isEmpty)
        try quantise(bytes, to: folder.file("out"), .bf16)
        #expect(folder.names == ["out"])
    }

    @Test("A matrix of a type that cannot be read is refused before anything is written")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        var writer = try GGUFWriter()
        try writer.addTensor(
            name: "x.weight", dimensions: [256, 8], type: .iq2_xs,
            data: [UInt8](repeating: 0, count: 8 * 74))
        let bytes = writer.bytes()
        #expect(throws: QuantisationError.unreadable(tensor: "x.weight", type: .iq2_xs)) {
            try quantise(bytes, to: folder.file("out"), .q4_0)
        }
        #expect(folder.names.isEmpty)
    }

    @Test("What is there is kept unless it may be replaced, and the input always")
    func existing() throws {
        let folder = try TemporaryFolder()
        let bytes = try smallModel()
        let (input, link, output) = (folder.file("in"), folder.file("link"), folder.file("out"))
        try Data(bytes).write(to: URL(fileURLWithPath: input))
        try FileManager.default.linkItem(atPath: input, toPath: link)
        try Data("precious".utf8).write(to: URL(fileURLWithPath: output))
        #expect(throws: QuantisationError.exists(path: output)) {
            try quantise(bytes, to: output, .q8_0)
        }
        #expect(FileManager.default.contents(atPath: output) == Data("precious".utf8))
        for path in [input, link] {
            #expect(throws: QuantisationError.sameFile(path: path)) {
                try Quantiser.run(
                    try GGUFFile(path: input), to: path,
                    .init(scheme: .q8_0, replacesOutput: true), workers: .init(threads: 1))
            }
        }
        #expect(FileManager.default.contents(atPath: input) == Data(bytes))
        try quantise(bytes, to: output, .q8_0, replacing: true)
        #expect(try GGUFFile(path: output).tensors.count == 7)
        #expect(folder.names == ["in", "link", "out"])
    }

    @Test("A path that cannot be written is an error that names it") func unwritable() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("no/such/folder/out")
        #expect(
            throws: QuantisationError.output(path: path, reason: "No such file or directory")
        ) { try quantise(try smallModel(), to: path, .q8_0) }
    }

    @Test("Stopped half way, it leaves nothing") func cancelled() throws {
        let folder = try TemporaryFolder()
        var asked = 0
        var seen: [Double] = []
        #expect(throws: QuantisationError.cancelled) {
            try Quantiser.run(
                try GGUFFile(bytes: try smallModel()), to: folder.file("out"),
                .init(scheme: .q8_0), workers: .init(threads: 1), progress: { seen.append($0) },
                isCancelled: {
                    asked += 1
                    return asked > 3
                })
        }
        #expect(folder.names.isEmpty)
        #expect(seen.count == 3 && seen == seen.sorted())
    }
}
