internal import Wire

/// Bytes on their way out, as the pieces they came in.
struct ByteQueue: Sendable {
    private var pieces: [ArraySlice<UInt8>] = []
    private var firstPiece = 0
    private var offset = 0

    private(set) var count = 0

    private static let joinedBytesMax = 4096

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        // Small writes are joined, so that their number is bounded as their bytes are.
        if let last = pieces.last, pieces.count - 1 > firstPiece,
            last.count + bytes.count <= Self.joinedBytesMax
        {
            pieces[pieces.count - 1] += bytes
        } else {
            pieces.append(bytes)
        }
    }

    /// Writes one DATA frame of `stream` with exactly the next `total` bytes.
    mutating func writeData(stream: UInt32, total: Int, to writer: inout RecordWriter) {
        writer.beginData(stream: stream, count: total)
        var left = total
        count -= total
        while left > 0 {
            let piece = pieces[firstPiece]
            let taken = min(left, piece.count - offset)
            let start = piece.startIndex + offset
            writer.append(piece[start..<start + taken])
            advance(taken)
            left -= taken
        }
    }

    private mutating func advance(_ bytes: Int) {
        offset += bytes
        guard offset == pieces[firstPiece].count else { return }
        offset = 0
        pieces[firstPiece] = []
        firstPiece += 1
        if firstPiece == pieces.count || firstPiece >= 64 {
            pieces.removeFirst(firstPiece)
            firstPiece = 0
        }
    }
}

/// One stream of a ``Multiplexer``, both directions.
struct MultiplexedStream: Sendable {
    let priority: LinkPriority

    // Sending
    var outbound = ByteQueue()
    var sendCredit = LinkLimits.streamWindowBytes
    var endQueued = false
    var endSent = false
    /// In its class's list of streams that have something to send.
    var isReady = false
    /// A writer was turned away and is to be told when there is room.
    var writerWaits = false

    // Receiving: allowance + unconsumed + pending is the window.
    /// Bytes that the peer may still send.
    var allowance = LinkLimits.streamWindowBytes
    /// Bytes handed to the application that it has not consumed.
    var unconsumed = 0
    /// Consumed bytes for which no credit was given yet.
    var pending = 0
    var creditDue = false
    var remoteEnded = false
    /// Nobody reads any more: what comes is thrown away.
    var discards = false

    var hasWork: Bool {
        outbound.count > 0 ? sendCredit > 0 : endQueued && !endSent
    }

    var isFinished: Bool { endSent && remoteEnded && unconsumed == 0 }
}
