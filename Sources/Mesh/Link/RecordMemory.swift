internal import Wire

/// Writes the frames of one record into memory of the caller's.
struct RecordWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count: Int

    /// - Parameters:
    ///   - memory: As long as the record's plaintext may be.
    ///   - count: Bytes of it that are written already.
    init(_ memory: UnsafeMutableRawBufferPointer, count: Int = 0) {
        self.memory = memory
        self.count = count
    }

    /// Bytes that are left.
    var room: Int { memory.count - count }

    /// Writes any frame; the caller has seen that there is room. DATA has a faster way: see
    /// ``beginData(stream:count:)``.
    mutating func write(_ frame: LinkFrame) {
        var writer = ByteWriter(capacity: frame.byteCount)
        frame.encode(to: &writer)
        append(writer.bytes[...])
    }

    /// The header of a DATA frame whose `count` bytes are appended next.
    mutating func beginData(stream: UInt32, count bytes: Int) {
        precondition(room >= LinkLimits.frameHeaderBytes, "a frame was written where none fits")
        memory[count] = LinkFrame.Kind.data.rawValue
        memory.storeBytes(of: stream.bigEndian, toByteOffset: count + 1, as: UInt32.self)
        memory.storeBytes(of: UInt16(bytes).bigEndian, toByteOffset: count + 5, as: UInt16.self)
        count += LinkLimits.frameHeaderBytes
    }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        precondition(bytes.count <= room, "a frame was written where none fits")
        bytes.withUnsafeBytes { bytes in
            // The record has room for them, and is no array of the caller's.
            UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + bytes.count])
                .copyMemory(from: bytes)
        }
        count += bytes.count
    }

    /// Writes a PAD frame of `bytes` in all, at least a header's: zeros. 0 writes none.
    mutating func pad(_ bytes: Int) {
        guard bytes > 0 else { return }
        let payload = bytes - LinkLimits.frameHeaderBytes
        precondition(payload >= 0 && bytes <= room, "padding was written where it does not fit")
        UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + bytes])
            .initializeMemory(as: UInt8.self, repeating: 0)
        memory.storeBytes(of: UInt16(payload).bigEndian, toByteOffset: count + 5, as: UInt16.self)
        count += bytes
    }
}

/// Reads the frames of one record where they lie.
struct RecordReader {
    private let memory: UnsafeRawBufferPointer
    private var position = 0

    init(_ memory: UnsafeRawBufferPointer) { self.memory = memory }

    var isAtEnd: Bool { position == memory.count }

    /// The next frame's header and payload, which is valid as long as the memory is.
    mutating func next() throws(LinkViolation) -> (LinkFrame.Header, UnsafeRawBufferPointer) {
        let left = memory.count - position
        guard left >= LinkLimits.frameHeaderBytes else { throw .malformed(.truncated) }
        // In range: a header's bytes are left.
        let stream = memory.loadUnaligned(fromByteOffset: position + 1, as: UInt32.self)
        let length = memory.loadUnaligned(fromByteOffset: position + 5, as: UInt16.self)
        let count = Int(UInt16(bigEndian: length))
        guard left - LinkLimits.frameHeaderBytes >= count else { throw .malformed(.truncated) }
        let header = try LinkFrame.Header(
            type: memory[position], stream: UInt32(bigEndian: stream), length: count)
        let start = position + LinkLimits.frameHeaderBytes
        position = start + count
        return (header, UnsafeRawBufferPointer(rebasing: memory[start..<position]))
    }
}

extension Array where Element == UInt8 {
    /// A copy of memory, in one allocation of its size.
    init(copying memory: UnsafeRawBufferPointer) {
        self.init(unsafeUninitializedCapacity: memory.count) { output, written in
            // As long as the memory, and new.
            UnsafeMutableRawBufferPointer(output).copyMemory(from: memory)
            written = memory.count
        }
    }
}
