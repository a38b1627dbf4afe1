import Foundation
import GGUF
import Testing

@Suite struct HostileInputTests {
    /// The error that reading `bytes` gives, or nil where it succeeds.
    private func refusal(_ bytes: [UInt8]) -> GGUFError? {
        do {
            _ = try GGUFFile(bytes: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func aFileCutAtAnyByteIsRefused() throws {
        let whole = try smallFile()
        // The last tensor's 18 bytes are followed by padding that nothing needs.
        let needed = whole.count - (32 - 18)
        for length in 0..<needed {
            let error = try #require(refusal(Array(whole[..<length])), "cut at \(length)")
            #expect(!error.description.isEmpty)
        }
        for length in needed...whole.count { #expect(refusal(Array(whole[..<length])) == nil) }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func flippedBytesNeverCrashTheParser(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let whole = try fixtureBytes("stories260K-q4_0.gguf")
        for _ in 0..<150 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<14_300, using: &random)
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            // Either outcome is right; what is accepted must be usable.
            guard let file = try? GGUFFile(bytes: bytes) else { continue }
            for tensor in file.tensors {
                file.withBytes(of: tensor) { #expect($0.count == tensor.byteCount) }
            }
        }
    }

    @Test func otherFilesAreNamedForWhatTheyAre() {
        #expect(refusal([]) == .empty)
        #expect(refusal(Array("PK\u{3}\u{4} a zip".utf8)) == .notGGUF)
        #expect(refusal(Array("GGML".utf8)) == .notGGUF)
        #expect(refusal(RawFile(version: 1).bytes) == .unsupportedVersion(1))
        #expect(refusal(RawFile(version: 4).bytes) == .unsupportedVersion(4))
        #expect(refusal(RawFile(version: UInt32(3).byteSwapped).bytes) == .bigEndian)
        #expect(refusal(RawFile().bytes) == nil)
    }

    @Test func pathsThatAreNoModelFilesAreRefused() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("gguf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: GGUFError.notARegularFile(path: folder.path)) {
            try GGUFFile(path: folder.path)
        }
        let empty = folder.appendingPathComponent("empty.gguf")
        try Data().write(to: empty)
        #expect(throws: GGUFError.empty) { try GGUFFile(path: empty.path) }
        let missing = folder.appendingPathComponent("missing.gguf").path
        #expect(throws: GGUFError.io(path: missing, reason: "No such file or directory")) {
            try GGUFFile(path: missing)
        }
    }

    @Test func countsAndLengthsBeyondTheirLimitsAreRefused() {
        #expect(
            refusal(RawFile(tensors: .max).bytes)
                == .tooLarge(
                    what: "the tensor count", value: .max, limit: GGUFLimits.tensorsMax))
        #expect(
            refusal(RawFile(entries: 1 << 20).bytes)
                == .tooLarge(
                    what: "the count of metadata entries", value: 1 << 20,
                    limit: GGUFLimits.metadataEntriesMax))
        for length in [UInt64.max, 1 << 63, 1 << 32, 65_536] {
            var file = RawFile(entries: 1)
            file.number(length)
            #expect(refusal(file.bytes) != nil)
            file = RawFile(entries: 1)
            file.string("key")
            file.number(UInt32(8))
            file.number(length)
            #expect(refusal(file.bytes) != nil)
            for element: UInt32 in [0, 4, 8, 12] {
                file = RawFile(entries: 1)
                file.string("key")
                file.number(UInt32(9))
                file.number(element)
                file.number(length)
                file.number(UInt64(0))
                #expect(refusal(file.bytes) != nil)
            }
            file = RawFile(tensors: 1)
            file.number(length)
            file.data(64)
            #expect(refusal(file.bytes) != nil)
        }
    }

    @Test func unknownOrNestedTypesAreRefused() {
        var file = RawFile(entries: 1)
        file.entry("key", type: 13, [0, 0, 0, 0])
        #expect(refusal(file.bytes) == .unknownValueType(key: "key", type: 13))
        file = RawFile(entries: 1)
        file.entry("key", type: 9, [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(
            refusal(file.bytes)
                == .tooLarge(what: "the nesting of arrays in metadata key key", value: 2, limit: 1))
        file = RawFile(entries: 1)
        file.entry("key", type: 7, [2])
        #expect(refusal(file.bytes) == .invalidBool(key: "key", value: 2))
        file = RawFile(entries: 1)
        file.entry("key", type: 8, [1, 0, 0, 0, 0, 0, 0, 0, 0xFF])
        #expect(refusal(file.bytes) == .invalidUTF8(what: "the value of metadata key key"))
        file = RawFile(tensors: 1)
        file.tensor("t", [32], type: 4, offset: 0)
        file.data(64)
        #expect(refusal(file.bytes) == .unknownTensorType(tensor: "t", type: 4))
    }

    @Test func duplicateNamesAreRefused() {
        var file = RawFile(entries: 2)
        file.entry("key", type: 0, [1])
        file.entry("key", type: 0, [1])
        #expect(refusal(file.bytes) == .duplicateKey("key"))
        file = RawFile(tensors: 2)
        file.tensor("t", [1], type: 0, offset: 0)
        file.tensor("t", [1], type: 0, offset: 32)
        file.data(64)
        #expect(refusal(file.bytes) == .duplicateTensor("t"))
    }

    @Test(arguments: [UInt64(0), 1, 7, 24, 131_072, .max])
    func impossibleAlignmentsAreRefused(alignment: UInt64) {
        var file = RawFile(entries: 1)
        file.entry(
            "general.alignment", type: 10,
            withUnsafeBytes(of: alignment.littleEndian) { Array($0) })
        #expect(refusal(file.bytes) == .invalidAlignment(alignment))
    }

    @Test func impossibleShapesAreRefused() {
        let shapes: [(dimensions: [UInt64], type: UInt32)] = [
            ([], 0), ([1, 1, 1, 1, 1], 0), ([0], 0), ([32, 0], 0), ([31], 8), ([128], 12),
            ([1 << 40, 1 << 40], 0), ([1 << 31, 1 << 31, 2], 0), ([1 << 32, 1 << 30, 1], 0),
            ([1 << 41], 0), ([.max], 0), ([1 << 63, 2], 0),
        ]
        for shape in shapes {
            var file = RawFile(tensors: 1)
            file.tensor("t", shape.dimensions, type: shape.type, offset: 0)
            file.data(256)
            #expect(refusal(file.bytes) != nil, "\(shape)")
        }
    }

    @Test func tensorsOutsideTheFileOrEachOtherAreRefused() {
        for offset in [32, 1 << 40, UInt64.max - 31, 1 << 63] as [UInt64] {
            var file = RawFile(tensors: 1)
            file.tensor("t", [8], type: 0, offset: offset)
            file.data(32)
            guard case .tensorBeyondEnd(tensor: "t", _, _)? = refusal(file.bytes) else {
                Issue.record("offset \(offset) was not refused")
                continue
            }
        }
        var file = RawFile(tensors: 1)
        file.tensor("t", [1], type: 0, offset: 4)
        file.data(64)
        #expect(refusal(file.bytes) == .misalignedTensor(tensor: "t", offset: 4, alignment: 32))
        file = RawFile(tensors: 2)
        file.tensor("a", [9], type: 0, offset: 0)
        file.tensor("b", [1], type: 0, offset: 32)
        file.data(64)
        #expect(refusal(file.bytes) == .overlappingTensors("a", "b"))
    }
}
