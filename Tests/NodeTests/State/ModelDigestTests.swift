import Foundation
import Testing
import Trust
import Wire

@testable import Node

struct ModelDigestTests {
    let folder: TemporaryDirectory
    let state: StateDirectory
    let model: String

    init() throws {
        folder = try TemporaryDirectory()
        state = try StateDirectory.sample(at: folder.path)
        model = folder.path("model.gguf")
    }

    private func write(_ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: model))
    }

    /// Counts how often the file is read.
    private func digest() throws -> (digest: ModelDigest, reads: Int) {
        var reads = 0
        let digest = try state.modelDigest(ofFile: model) { _, _ in
            reads += 1
            return true
        }
        return (digest, reads)
    }

    @Test func theDigestIsTheTreeHashersAndIsKept() throws {
        let bytes = (0..<(2 << 20) + 5).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try write(bytes)
        var hasher = TreeHasher()
        hasher.update(bytes)
        let expected = hasher.finalize()
        let first = try digest()
        #expect(first.digest == expected && first.reads == 3)
        let second = try digest()
        #expect(second.digest == expected && second.reads == 0)
    }

    @Test func aChangedFileIsReadAgain() throws {
        try write([1, 2, 3])
        let first = try digest()
        try write([1, 2, 4])
        let second = try digest()
        #expect(second.reads == 1 && second.digest != first.digest)
        // Written in place, same size, its time set one nanosecond-resolved step on.
        try folder.overwrite("model.gguf", with: [1, 2, 5])
        let date = Date(timeIntervalSince1970: 1_700_000_000.25)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: model)
        let third = try digest()
        #expect(third.reads == 1 && third.digest != second.digest)
    }

    @Test func aDamagedCacheIsNotBelieved() throws {
        try write([1, 2, 3])
        let first = try digest()
        let cached = try #require(
            try folder.snapshot().keys.first { $0.hasPrefix("digests/") })
        var bytes = try folder.bytes(cached)
        bytes[bytes.count / 2] ^= 1
        try folder.overwrite(cached, with: bytes)
        let second = try digest()
        #expect(second.digest == first.digest && second.reads == 1)
        #expect(try digest().reads == 0)
    }

    @Test func aFileThatIsStillBeingCopiedGetsNoName() throws {
        try write([UInt8](repeating: 1, count: 3 << 20))
        let words = refusal {
            _ = try state.modelDigest(ofFile: model) { bytesRead, bytesTotal in
                if bytesRead == 1 << 20, bytesTotal == 3 << 20 {
                    let handle = FileHandle(forWritingAtPath: model)
                    _ = try? handle?.seekToEnd()
                    try? handle?.write(contentsOf: Data([1]))
                    try? handle?.close()
                }
                return true
            }
        }
        #expect(words.contains("changed while it was read"))
        #expect(try folder.snapshot().keys.allSatisfy { !$0.hasPrefix("digests/") })
    }

    @Test func whatIsNoFileIsRefusedByName() throws {
        let words = refusal { _ = try state.modelDigest(ofFile: model) }
        #expect(words.contains(model) && words.contains("not there"))
        #expect(refusal { _ = try state.modelDigest(ofFile: folder.path) }.contains(folder.path))
    }

    @Test func givingUpLeavesNothing() throws {
        try write([UInt8](repeating: 1, count: 3 << 20))
        #expect(
            refusal { _ = try state.modelDigest(ofFile: model) { _, _ in false } }
                .contains("given up"))
        #expect(try folder.snapshot().keys.allSatisfy { !$0.hasPrefix("digests/") })
    }
}
