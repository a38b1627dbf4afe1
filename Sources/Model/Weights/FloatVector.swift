import Kernels

/// A vector of singles in memory of its own.
final class FloatVector: Sendable {
    // Written only in `init`; read-only ever after.
    private nonisolated(unsafe) let storage: AlignedBuffer
    let count: Int

    init(count: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void) throws(ModelError) {
        storage = try callingKernels { () throws(KernelError) in
            try AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
        }
        self.count = count
        fill(storage.elements(count: count))
    }

    var pointer: UnsafePointer<Float> {
        UnsafePointer(storage.base.assumingMemoryBound(to: Float.self))
    }
}
