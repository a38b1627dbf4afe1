public import Wire

extension Multiplexer {
    /// Takes in one record's plaintext: see ``receive(record:at:)``.
    public mutating func receive(
        _ plaintext: [UInt8], at now: MonotonicInstant
    ) throws(LinkViolation) -> [MultiplexerEvent] {
        let result = plaintext.withUnsafeBytes { memory in
            Result { () throws(LinkViolation) in try receive(record: memory, at: now) }
        }
        return try result.get()
    }

    /// Takes in one record's plaintext. Events own their bytes.
    ///
    /// - Throws: The rule that the peer broke. Events of the record's earlier frames are lost: the
    ///   link is over.
    public mutating func receive(
        record plaintext: UnsafeRawBufferPointer, at now: MonotonicInstant
    ) throws(LinkViolation) -> [MultiplexerEvent] {
        guard plaintext.count > 0, plaintext.count <= LinkLimits.recordPlaintextBytesMax else {
            throw .recordLength(plaintext.count)
        }
        lastReceived = now
        var reader = RecordReader(plaintext)
        var events: [MultiplexerEvent] = []
        var isLast = false
        while !reader.isAtEnd {
            let (header, payload) = try reader.next()
            guard !isLast, !closeReceived else { throw .framesAfterLast }
            switch header.kind {
            case .data: try receiveData(header.stream, payload, into: &events)
            case .pad: break  // of no meaning
            default:
                let frame = try LinkFrame(header, payload: [UInt8](copying: payload)[...])
                if frame == .rekey { isLast = true }
                try receive(frame, at: now, into: &events)
            }
        }
        return events
    }

    private mutating func receive(
        _ frame: LinkFrame, at now: MonotonicInstant, into events: inout [MultiplexerEvent]
    ) throws(LinkViolation) {
        switch frame {
        case .pad, .data: break  // taken in where they lie
        case .open(let stream, let service, let first):
            try receiveOpen(stream, service, first, at: now, into: &events)
        case .credit(let stream, let bytes): try receiveCredit(stream, Int(bytes))
        case .end(let stream): try receiveEnd(stream, into: &events)
        case .reset(let stream, let code):
            try receiveReset(stream, code, at: now, into: &events)
        case .ping(let number):
            guard pongsDue.count < LinkLimits.pongsQueuedMax else { throw .tooManyPings }
            pongsDue.append(number)
        case .pong(let number):
            guard let sent = pingSentAt, number == pingNumber else { throw .unexpectedPong }
            pingSentAt = nil
            roundTrip = now - sent
            events.append(.roundTrip(now - sent))
        case .close(let code, let text):
            closeReceived = true
            events.append(.closed(code, text))
        case .rekey: events.append(.rekeyed)
        }
    }

    private mutating func receiveOpen(
        _ stream: UInt32, _ service: LinkService, _ first: [UInt8], at now: MonotonicInstant,
        into events: inout [MultiplexerEvent]
    ) throws(LinkViolation) {
        guard !isLocal(stream), stream == nextRemote, nextRemote <= UInt32.max - 2 else {
            throw .streamNotNext(stream)
        }
        nextRemote += 2
        let drainingThere = draining.keys.count { !isLocal($0) }
        // The peer counts a stream as closed a little earlier than this side may, when the
        // application here reads late. So too many are refused one by one; only what no such
        // lag explains breaks the protocol.
        if remoteCount >= LinkLimits.streamsPerSideMax {
            guard drainingThere < LinkLimits.drainingStreamsMax else { throw .tooManyStreams }
            control.append((.reset(stream: stream, code: .refused), service.priority))
            draining[stream] = LinkLimits.streamWindowBytes
            return
        }
        guard drainingThere < LinkLimits.drainingStreamsMax else { throw .tooManyStreams }
        remoteCount += 1
        streams[stream] = newStream(service)
        events.append(.opened(stream, service, first: first))
    }

    private mutating func receiveData(
        _ stream: UInt32, _ bytes: UnsafeRawBufferPointer, into events: inout [MultiplexerEvent]
    ) throws(LinkViolation) {
        let count = bytes.count
        guard count <= sessionAllowance else { throw .windowExceeded(0) }
        if let index = streams.index(forKey: stream) {
            guard !streams.values[index].remoteEnded else { throw .afterEnd(stream) }
            guard count <= streams.values[index].allowance else { throw .windowExceeded(stream) }
            sessionAllowance -= count
            streams.values[index].allowance -= count
            if streams.values[index].discards {
                returnToSession(count)
            } else {
                streams.values[index].unconsumed += count
                events.append(.data(stream, [UInt8](copying: bytes)))
            }
        } else if let allowance = draining[stream] {
            guard count <= allowance else { throw .windowExceeded(stream) }
            sessionAllowance -= count
            draining[stream] = allowance - count
            returnToSession(count)
        } else {
            throw isKnown(stream) ? .afterEnd(stream) : .unknownStream(stream)
        }
    }

    private mutating func receiveCredit(_ stream: UInt32, _ bytes: Int) throws(LinkViolation) {
        guard bytes <= LinkLimits.creditBytesMax else { throw .creditOverflow(stream) }
        if stream == 0 {
            guard sessionSendCredit + bytes <= LinkLimits.creditBytesMax else {
                throw .creditOverflow(0)
            }
            sessionSendCredit += bytes
        } else if let state = streams[stream] {
            guard state.sendCredit + bytes <= LinkLimits.creditBytesMax else {
                throw .creditOverflow(stream)
            }
            streams[stream]?.sendCredit += bytes
            makeReady(stream)
        } else if !isKnown(stream) {
            throw .unknownStream(stream)
        }  // else it crossed this side's reset or last END, and is of no use
    }

    private mutating func receiveEnd(
        _ stream: UInt32, into events: inout [MultiplexerEvent]
    ) throws(LinkViolation) {
        if let state = streams[stream] {
            guard !state.remoteEnded else { throw .afterEnd(stream) }
            streams[stream]?.remoteEnded = true
            if !state.discards { events.append(.ended(stream)) }
            finish(stream)
        } else if draining.removeValue(forKey: stream) == nil {
            throw isKnown(stream) ? .afterEnd(stream) : .unknownStream(stream)
        }
    }

    private mutating func receiveReset(
        _ stream: UInt32, _ code: StreamResetCode, at now: MonotonicInstant,
        into events: inout [MultiplexerEvent]
    ) throws(LinkViolation) {
        guard isKnown(stream) else { throw .unknownStream(stream) }
        // The answer to a reset of this side's is no storm of the peer's making.
        if draining.removeValue(forKey: stream) != nil { return }
        if now - resetWindowStart >= .seconds(1) {
            resetWindowStart = now
            resetsInWindow = 0
        }
        resetsInWindow += 1
        guard resetsInWindow <= LinkLimits.resetsPerSecondMax,
            control.count < LinkLimits.drainingStreamsMax + 2 * LinkLimits.streamsPerSideMax
        else { throw .tooManyResets }
        guard let state = remove(stream) else { return }
        if !state.endSent {
            control.append((.reset(stream: stream, code: .acknowledged), state.priority))
        }
        events.append(.reset(stream, code, afterEnd: state.remoteEnded))
    }
}
