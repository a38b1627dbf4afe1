import Kernels
import Testing

@Suite struct AlignedBufferTests {
    @Test("A buffer of any size is aligned, writable to its end and empty of surprises")
    func sizes() throws {
        for byteCount in [0, 1, 64, 1 << 20, (1 << 21) - 1, 1 << 21, 5 << 20, (1 << 23) + 1] {
            let buffer = try AlignedBuffer(byteCount: byteCount)
            let address = Int(bitPattern: buffer.base)
            let large = byteCount >= AlignedBuffer.largePage
            #expect(address % (large ? AlignedBuffer.largePage : AlignedBuffer.alignment) == 0)
            let bytes = buffer.elements(UInt8.self, count: byteCount)
            bytes.first.map { _ in bytes[0] = 1 }
            bytes.last.map { _ in bytes[byteCount - 1] = 2 }
            #expect(byteCount < 2 || (bytes[0] == 1 && bytes[byteCount - 1] == 2))
        }
    }

    @Test("Sizes that no system grants are refused")
    func impossible() {
        for byteCount in [-1, KernelsLimits.matrixBytesMax + 1, Int.max] {
            #expect(throws: KernelError.outOfMemory(bytes: byteCount)) {
                _ = try AlignedBuffer(byteCount: byteCount)
            }
        }
    }
}
