public import Wire

extension Multiplexer {
    /// The plaintext of the next record, or nil when there is nothing to send.
    ///
    /// In this order: answers to pings, credit, opens and resets, then data by class and, within
    /// a class, by turns. After ``close(_:text:)``, only the close.
    ///
    /// - Parameter maxBytes: At least 2048, so that every frame but DATA fits whole.
    public mutating func nextRecord(maxBytes: Int, at now: MonotonicInstant) -> [UInt8]? {
        precondition(maxBytes >= 2048, "a record must hold the longest frame that is not cut")
        guard !closeSent else { return nil }
        var writer = ByteWriter(capacity: 256)
        if let closing {
            closeSent = true
            LinkFrame.close(closing.code, text: closing.text).encode(to: &writer)
            return writer.bytes
        }
        writeLiveness(to: &writer, at: now)
        writeCredits(to: &writer, maxBytes: maxBytes)
        if writeControl(to: &writer, maxBytes: maxBytes) {
            for priority in LinkPriority.allCases {
                writeData(of: priority, to: &writer, maxBytes: maxBytes)
            }
        }
        return writer.bytes.isEmpty ? nil : writer.bytes
    }

    private mutating func writeLiveness(to writer: inout ByteWriter, at now: MonotonicInstant) {
        for number in pongsDue { LinkFrame.pong(number).encode(to: &writer) }
        pongsDue = []
        guard pingQueued else { return }
        pingQueued = false
        pingNumber += 1
        pingSentAt = now
        lastPing = now
        LinkFrame.ping(pingNumber).encode(to: &writer)
    }

    private mutating func writeCredits(to writer: inout ByteWriter, maxBytes: Int) {
        if sessionPending >= LinkLimits.sessionWindowBytes / 4 {
            LinkFrame.credit(stream: 0, bytes: UInt32(sessionPending)).encode(to: &writer)
            sessionAllowance += sessionPending
            sessionPending = 0
        }
        var sent = 0
        for stream in creditsDue {
            guard maxBytes - writer.bytes.count >= LinkLimits.frameHeaderBytes + 4 else { break }
            sent += 1
            // A stream that ended meanwhile needs no credit.
            guard let state = streams[stream] else { continue }
            streams[stream]?.creditDue = false
            guard !state.remoteEnded, !state.discards else { continue }
            LinkFrame.credit(stream: stream, bytes: UInt32(state.pending)).encode(to: &writer)
            streams[stream]?.allowance += state.pending
            streams[stream]?.pending = 0
        }
        creditsDue.removeFirst(sent)
    }

    /// Writes opens and resets; false when some are left, which data must not overtake.
    private mutating func writeControl(to writer: inout ByteWriter, maxBytes: Int) -> Bool {
        var sent = 0
        for frame in control {
            guard maxBytes - writer.bytes.count >= frame.byteCount else { break }
            frame.encode(to: &writer)
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

    private mutating func writeData(
        of priority: LinkPriority, to writer: inout ByteWriter, maxBytes: Int
    ) {
        let header = LinkLimits.frameHeaderBytes
        // Each stream once at most: one that has no credit of the session's stays in its place.
        var turns = ready[priority.rawValue].count
        while turns > 0, maxBytes - writer.bytes.count > header {
            turns -= 1
            let stream = ready[priority.rawValue].removeFirst()
            guard let state = streams[stream] else { continue }  // reset meanwhile
            let budget = min(
                maxBytes - writer.bytes.count - header, state.outbound.count, state.sendCredit,
                max(0, sessionSendCredit - reserve(of: priority)))
            if budget > 0 {
                streams[stream]?.outbound.writeData(stream: stream, total: budget, to: &writer)
                streams[stream]?.sendCredit -= budget
                sessionSendCredit -= budget
                noteRoom(stream)
            }
            if let state = streams[stream], state.outbound.count == 0, state.endQueued,
                !state.endSent, maxBytes - writer.bytes.count >= header
            {
                LinkFrame.end(stream: stream).encode(to: &writer)
                streams[stream]?.endSent = true
            }
            let hasWork = streams[stream]?.hasWork == true
            streams[stream]?.isReady = hasWork
            if hasWork { ready[priority.rawValue].append(stream) }
            finish(stream)
        }
    }

    private mutating func noteRoom(_ stream: UInt32) {
        guard let state = streams[stream], state.writerWaits,
            state.outbound.count <= LinkLimits.sendBufferBytesMax / 2
        else { return }
        streams[stream]?.writerWaits = false
        writable.append(stream)
    }
}
