internal import Mesh
internal import NIOCore
internal import Wire

/// What takes a stream's bytes on the links' loop, in place of tasks that read it.
protocol StreamSink: AnyObject {
    /// Bytes came; credit for them is given back at once.
    func streamReceived(_ pieces: [[UInt8]])
    /// The peer's direction is over.
    func streamEnded()
    /// Nothing more can be read.
    func streamFailed(_ error: LinkError)
    /// There is room again where there was none; whether it was used.
    func streamHasRoom() -> Bool
}

/// A stream of one link as the carrier of another connection. The inner connection's windows bound
/// what it holds; the outer stream's credit is what holds the inner one back.
final class StreamCarrier: LinkCarrier, StreamSink {
    private let inner: LinkConnection
    private let outer: LinkConnection
    private let stream: UInt32
    private var pending: [ArraySlice<UInt8>] = []
    private(set) var isActive = true
    private var isEnding = false

    /// Carries `inner` over a stream of `outer` that is open there and has no reader.
    init(_ inner: LinkConnection, over stream: UInt32, of outer: LinkConnection) {
        self.inner = inner
        self.outer = outer
        self.stream = stream
    }

    // MARK: LinkCarrier

    var isWritable: Bool { isActive && pending.isEmpty }

    let allocator = ByteBufferAllocator()

    func write(_ bytes: ByteBuffer) {
        guard isActive, bytes.readableBytes > 0 else { return }
        pending.append(Array(bytes.readableBytesView)[...])
    }

    func flush() {
        _ = drain()
        outer.pump()
    }

    /// Hands the outer stream what it takes; whether that was any.
    private func drain() -> Bool {
        var took = false
        while let bytes = pending.first {
            let piece = bytes.prefix(LinkLimits.sendPieceBytesMax)
            switch outer.offer(piece, to: stream) {
            case .success:
                took = true
                if piece.endIndex < bytes.endIndex {
                    pending[0] = bytes[piece.endIndex...]
                } else {
                    pending.removeFirst()
                }
            case .failure(.sendBufferFull): return took
            case .failure:
                pending = []  // the stream is over, which its own event tells
                return took
            }
        }
        if isEnding, isActive {
            isActive = false
            outer.leave(stream)
            outer.drop(stream)
        }
        return took
    }

    func carriesBulk() {}

    func close() {
        guard isActive else { return }
        isActive = false
        pending = []
        outer.reset(stream, .cancelled, because: .cancelled)
        outer.drop(stream)
    }

    func close(after last: ByteBuffer) {
        write(last)
        isEnding = true
        flush()
        guard isActive else { return }
        // A peer that does not read is not waited for long.
        let bound = NIOLoopBound(self, eventLoop: outer.hub.loop)
        outer.hub.loop.scheduleTask(in: .nanoseconds(LinkLimits.closeFlush.nanoseconds)) {
            bound.value.close()
        }
    }

    // MARK: StreamSink

    func streamReceived(_ pieces: [[UInt8]]) {
        for piece in pieces { inner.carrierReceived(ByteBuffer(bytes: piece)) }
        inner.pump()
    }

    func streamEnded() {
        inner.carrierEnded("the relay's stream ended without a close")
        close()
    }

    func streamFailed(_ error: LinkError) {
        isActive = false
        pending = []
        inner.carrierEnded("the relay's stream failed: \(error)")
        outer.drop(stream)
    }

    func streamHasRoom() -> Bool {
        let took = drain()
        if pending.isEmpty { inner.pump() }
        return took
    }
}
