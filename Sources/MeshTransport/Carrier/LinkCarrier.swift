internal import NIOCore

/// What carries a connection's bytes, in order: a socket, or a stream of another link. Used on the
/// links' event loop alone.
///
/// What comes is told to the ``LinkConnection``, by its functions that begin with `carrier`.
protocol LinkCarrier: AnyObject {
    /// Whether there is room for more bytes; when it comes up again, the connection is told.
    var isWritable: Bool { get }
    /// Whether bytes can come and go.
    var isActive: Bool { get }
    /// Memory for what is written.
    var allocator: ByteBufferAllocator { get }
    /// Queues bytes, behind those before.
    func write(_ bytes: ByteBuffer)
    /// Sends what was queued.
    func flush()
    /// Only bulk goes this way: nothing urgent waits behind what was queued.
    func carriesBulk()
    /// Ends in both directions at once.
    func close()
    /// Sends `last`, waits a moment for it to go out, and ends.
    func close(after last: ByteBuffer)
}
