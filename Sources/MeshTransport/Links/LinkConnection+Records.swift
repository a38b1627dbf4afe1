internal import Mesh
internal import NIOCore
internal import Noise
internal import Wire

// Records as they come and go, on the event loop.
extension LinkConnection {
    /// Takes in the records that are whole; the beginning of one that is not is kept.
    func receiveRecords(from incoming: inout ByteBuffer) {
        let now = hub.now
        // What came before waits for the rest of one record, and no more is copied than that takes.
        while isOpen, buffer.readableBytes > 0 {
            let wanted = recordBytes(buffer) ?? 2
            guard isOpen else { return }
            let missing = wanted - buffer.readableBytes
            guard missing > 0 else {
                receiveRecord(from: &buffer, at: now)
                buffer.clear()
                break
            }
            guard var part = incoming.readSlice(length: min(missing, incoming.readableBytes)),
                part.readableBytes > 0
            else { return }
            buffer.writeBuffer(&part)
        }
        while isOpen, let wanted = recordBytes(incoming), incoming.readableBytes >= wanted {
            receiveRecord(from: &incoming, at: now)
        }
        if isOpen, incoming.readableBytes > 0 { buffer.writeBuffer(&incoming) }
    }

    /// What the record at the beginning takes with its length, which is judged before the record's
    /// bytes are waited for; nil when it is not there yet, or refused.
    private func recordBytes(_ bytes: ByteBuffer) -> Int? {
        guard let length: UInt16 = bytes.getInteger(at: bytes.readerIndex) else { return nil }
        guard (LinkLimits.recordBytesMin...LinkLimits.recordBytesMax).contains(Int(length)) else {
            end(.violation(.recordLength(Int(length))))
            return nil
        }
        return 2 + Int(length)
    }

    private func receiveRecord(from bytes: inout ByteBuffer, at now: MonotonicInstant) {
        guard let length: UInt16 = bytes.readInteger() else { return }
        let (start, scratch) = (bytes.readerIndex, hub.scratch)
        do {
            // The record is `length` bytes that were received, and the scratch is nobody else's
            // while this runs on the loop.
            let events = try withSession { session throws(LinkError) in
                try bytes.withUnsafeReadableBytes { memory throws(LinkError) in
                    try session.receive(
                        record: UnsafeRawBufferPointer(rebasing: memory.prefix(Int(length))),
                        scratch: scratch, at: now)
                }
            }
            bytes.moveReaderIndex(to: start + Int(length))
            for event in events ?? [] { handle(event) }
        } catch { end(error) }
    }

    private func handle(_ event: MultiplexerEvent) {
        switch event {
        case .opened(let stream, let service, let first): accept(stream, service, first: first)
        case .data(let stream, let bytes): deliver(bytes, to: stream)
        case .ended(let stream): deliverEnd(of: stream)
        case .reset(let stream, let code, let afterEnd):
            // Who waits gets what came before it.
            wakeReaders()
            failStream(stream, .streamReset(code, byPeer: true), keepInbound: afterEnd)
        case .roundTrip(let duration):
            roundTrip = duration
            hub.measured(self, duration)
        case .rekeyed: break  // the session has done it
        case .closed(let code, let text): end(.closedByPeer(code, text))
        }
    }

    /// Hands on what came, writes records while the carrier takes them, and lets waiting writers in
    /// where room came up.
    func pump() {
        wakeReaders()
        guard isOpen, !flushing, let carrier else { return }
        flushing = true
        defer { flushing = false }
        // The carrier says that it is writable again while it flushes, when this function is deaf
        // to it: so it is asked again after each flush.
        var sent = 0
        while isOpen, carrier.isWritable, let batch = nextBatch(carrier.allocator) {
            sent += batch.readableBytes
            carrier.write(batch)
            carrier.flush()
            guard sent < MeshTransportLimits.turnBytes else {
                // Others on this loop come first, among them what is urgent.
                pumpLater()
                break
            }
        }
        if isOpen, withSession({ $0.multiplexer.isClosed }) == true {
            end(.closedHere(.expired))
        }
    }

    private func pumpLater() {
        guard !pumpsLater else { return }
        pumpsLater = true
        let bound = NIOLoopBound(self, eventLoop: hub.loop)
        hub.loop.execute {
            bound.value.pumpsLater = false
            bound.value.pump()
        }
    }

    /// The next records, as many as should be under way at once; nil when there are none.
    private func nextBatch(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        let now = hub.now
        let scratch = hub.recordSpace
        let limit =
            established?.purpose == .bulk
            ? MeshTransportLimits.bulkBatchBytes : MeshTransportLimits.batchBytes
        var batch: ByteBuffer?
        while isOpen, batch.map({ $0.readableBytes < limit }) ?? true {
            do {
                // Small records come through the scratch; when one is long, those that follow are
                // sealed where they go out from.
                let written: Int
                if batch != nil {
                    written = try append(to: &batch, at: now)
                } else {
                    written =
                        try withSession { session throws(LinkError) in
                            try session.nextRecord(into: scratch, at: now)
                        } ?? 0
                    if written > 0 {
                        let isLong = written >= LinkLimits.recordBytesMax / 2
                        batch = allocator.buffer(
                            capacity: isLong
                                ? limit + LinkLimits.recordSpaceBytes
                                : written)
                        batch?.writeBytes(UnsafeRawBufferPointer(scratch).prefix(written))
                    }
                }
                // Room that came up may let writers in, whose bytes are then to be sent.
                if written == 0, !admitWriters() { break }
            } catch {
                end(error)
                return nil
            }
        }
        return batch
    }

    private func append(
        to batch: inout ByteBuffer?, at now: MonotonicInstant
    ) throws(LinkError) -> Int {
        var written = 0
        var failure: LinkError?
        batch?.writeWithUnsafeMutableBytes(
            minimumWritableBytes: LinkLimits.recordSpaceBytes
        ) { memory in
            do throws(LinkError) {
                // At least as much memory as asked for; what is returned was written.
                written =
                    try withSession { session throws(LinkError) in
                        try session.nextRecord(into: memory, at: now)
                    } ?? 0
            } catch { failure = error }
            return written
        }
        if let failure { throw failure }
        return written
    }
}
