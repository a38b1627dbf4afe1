public import Wire

extension Multiplexer {
    /// What ``nextRecord(into:at:)`` wrote.
    public struct Written: Equatable, Sendable {
        /// Bytes of plaintext; 0 when there is nothing to send.
        public var bytes = 0
        /// Whether frames of an inference stream are among them.
        public var carriesInference = false
    }

    /// The plaintext of the next record, or nil when there is nothing to send: see
    /// ``nextRecord(into:at:)``.
    public mutating func nextRecord(maxBytes: Int, at now: MonotonicInstant) -> [UInt8]? {
        let record = [UInt8](unsafeUninitializedCapacity: maxBytes) { memory, written in
            written = nextRecord(into: UnsafeMutableRawBufferPointer(memory), at: now).bytes
        }
        return record.isEmpty ? nil : record
    }

    /// Writes the plaintext of the next record.
    ///
    /// In this order: answers to pings, credit, opens and resets, then data by class and, within
    /// a class, by turns. After ``close(_:text:)``, only the close.
    ///
    /// - Parameter memory: At least 2048 bytes, so that every frame but DATA fits whole.
    public mutating func nextRecord(
        into memory: UnsafeMutableRawBufferPointer, at now: MonotonicInstant
    ) -> Written {
        precondition(memory.count >= 2048, "a record must hold the longest frame that is not cut")
        guard !closeSent else { return Written() }
        var writer = RecordWriter(memory)
        if let closing {
            closeSent = true
            writer.write(.close(closing.code, text: closing.text))
            return Written(bytes: writer.count)
        }
        var written = Written()
        writeLiveness(to: &writer, at: now)
        writeCredits(to: &writer, &written)
        if writeControl(to: &writer, &written) {
            for priority in LinkPriority.allCases {
                let before = writer.count
                writeData(of: priority, to: &writer)
                if priority == .inference, writer.count > before { written.carriesInference = true }
            }
        }
        written.bytes = writer.count
        return written
    }

    private mutating func writeLiveness(to writer: inout RecordWriter, at now: MonotonicInstant) {
        for number in pongsDue { writer.write(.pong(number)) }
        pongsDue = []
        guard pingQueued else { return }
        pingQueued = false
        pingNumber += 1
        pingSentAt = now
        lastPing = now
        writer.write(.ping(pingNumber))
    }

    private mutating func writeCredits(
        to writer: inout RecordWriter, _ written: inout Written
    ) {
        if sessionPending >= LinkLimits.sessionCreditStepBytes {
            writer.write(.credit(stream: 0, bytes: UInt32(sessionPending)))
            sessionAllowance += sessionPending
            sessionPending = 0
        }
        var sent = 0
        for stream in creditsDue {
            guard writer.room >= LinkLimits.frameHeaderBytes + 4 else { break }
            sent += 1
            // A stream that ended meanwhile needs no credit.
            guard let index = streams.index(forKey: stream) else { continue }
            streams.values[index].creditDue = false
            guard !streams.values[index].remoteEnded, !streams.values[index].discards else {
                continue
            }
            let pending = streams.values[index].pending
            writer.write(.credit(stream: stream, bytes: UInt32(pending)))
            streams.values[index].allowance += pending
            streams.values[index].pending = 0
            if streams.values[index].priority == .inference { written.carriesInference = true }
        }
        creditsDue.removeFirst(sent)
    }

    /// Writes opens and resets; false when some are left, which data must not overtake.
    private mutating func writeControl(
        to writer: inout RecordWriter, _ written: inout Written
    ) -> Bool {
        guard !control.isEmpty else { return true }
        var sent = 0
        for (frame, priority) in control {
            guard writer.room >= frame.byteCount else { break }
            writer.write(frame)
            if priority == .inference { written.carriesInference = true }
            sent += 1
        }
        control.removeFirst(sent)
        return control.isEmpty
    }

    /// What a class leaves of the session's credit to those before it.
    private func reserve(of priority: LinkPriority) -> Int {
        switch priority {
        case .control: 0
        case .inference: LinkLimits.controlReserveBytes
        case .bulk: LinkLimits.foregroundReserveBytes
        }
    }

    private mutating func writeData(of priority: LinkPriority, to writer: inout RecordWriter) {
        let header = LinkLimits.frameHeaderBytes
        // Each stream once at most: one that has no credit of the session's stays in its place.
        var turns = ready[priority.rawValue].count
        while turns > 0, writer.room > header {
            turns -= 1
            let stream = ready[priority.rawValue].removeFirst()
            guard let index = streams.index(forKey: stream) else { continue }  // reset meanwhile
            let budget = min(
                writer.room - header, streams.values[index].outbound.count,
                streams.values[index].sendCredit,
                max(0, sessionSendCredit - reserve(of: priority)))
            if budget > 0 {
                streams.values[index].outbound.writeData(
                    stream: stream, total: budget, to: &writer)
                streams.values[index].sendCredit -= budget
                sessionSendCredit -= budget
                noteRoom(stream, index)
            }
            if streams.values[index].outbound.count == 0, streams.values[index].endQueued,
                !streams.values[index].endSent, writer.room >= header
            {
                writer.write(.end(stream: stream))
                streams.values[index].endSent = true
            }
            let hasWork = streams.values[index].hasWork
            streams.values[index].isReady = hasWork
            if hasWork { ready[priority.rawValue].append(stream) }
            finish(stream)
        }
    }

    private mutating func noteRoom(
        _ stream: UInt32, _ index: Dictionary<UInt32, MultiplexedStream>.Index
    ) {
        guard streams.values[index].writerWaits,
            streams.values[index].outbound.count <= LinkLimits.sendBufferBytesMax / 2
        else { return }
        streams.values[index].writerWaits = false
        writable.append(stream)
    }
}
