public import Wire

/// What a ``Multiplexer`` tells its owner.
public enum LinkEvent: Sendable, Equatable {
    /// The peer opened a stream.
    case opened(StreamID, LinkService)
    /// Bytes came. They count against the window until ``Multiplexer/consume(_:on:)``.
    case data(StreamID, [UInt8])
    /// The peer sends no more on this stream.
    case ended(StreamID)
    /// The peer gave the stream up, in both directions.
    case reset(StreamID, code: UInt16)
    /// A ping came back.
    case roundTrip(Duration)
    /// The peer closed the link; nothing follows.
    case closed(code: UInt16, text: String)
    /// The peer's next record uses its next key. For ``LinkSession``.
    case rekeyed
}

/// Many streams over one ordered, reliable record channel: a pure state machine.
///
/// A sender may have ``LinkLimits/streamWindowBytes`` under way on a stream and
/// ``LinkLimits/sessionWindowBytes`` on all of them; a receiver returns credit as its owner takes
/// bytes, so that a slow reader stops its own sender and nobody else's, and memory is bounded. What
/// is sent first is decided record by record: control frames, then services by priority, then by
/// turns within a priority.
public struct Multiplexer: Sendable {
    private struct Stream: Sendable {
        let service: LinkService
        var outgoing: [UInt8] = []
        var outgoingStart = 0
        var opensWithFrame: Bool
        var sendCredit = LinkLimits.streamWindowBytes
        var receiveCredit = LinkLimits.streamWindowBytes
        /// Delivered to the owner, not taken yet.
        var unconsumed = 0
        /// Taken, not told to the peer yet.
        var creditDue = 0
        var endQueued = false
        var endSent = false
        var remoteEnded = false
        var wasBlocked = false

        var pending: Int { outgoing.count - outgoingStart }
        var hasNothingToSend: Bool { pending == 0 && (!endQueued || endSent) && !opensWithFrame }
        var isOver: Bool { endSent && remoteEnded && unconsumed == 0 }
    }

    private let isInitiator: Bool
    private var streams: [StreamID: Stream] = [:]
    private var turns: [[StreamID]] = Array(repeating: [], count: LinkService.priorities)
    private var control: [LinkFrame] = []
    private var nextStream: StreamID
    private var highestRemote: StreamID = 0
    private var sessionSendCredit = LinkLimits.sessionWindowBytes
    private var sessionReceiveCredit = LinkLimits.sessionWindowBytes
    private var sessionCreditDue = 0
    private var opensInSecond = 0
    private var secondBegan: MonotonicInstant
    private var lastReceived: MonotonicInstant
    private var nextPing: MonotonicInstant
    private var pingSent: (value: UInt64, at: MonotonicInstant)?
    private var pingValue: UInt64 = 0
    private var isClosed = false

    /// One end of a link. The first ping goes out at once, for a first round trip.
    public init(isInitiator: Bool, now: MonotonicInstant) {
        self.isInitiator = isInitiator
        nextStream = isInitiator ? 1 : 2
        secondBegan = now
        lastReceived = now
        nextPing = now
    }

    /// How many streams are open.
    public var streamCount: Int { streams.count }

    // MARK: The owner's calls

    /// Opens a stream.
    public mutating func open(_ service: LinkService) throws(LinkError) -> StreamID {
        guard !isClosed else { throw .streamClosed }
        guard streams.count < LinkLimits.streamsMax, nextStream < .max - 2 else {
            throw .tooManyStreams
        }
        let id = nextStream
        nextStream += 2
        streams[id] = Stream(service: service, opensWithFrame: true)
        schedule(id)
        return id
    }

    /// Queues bytes. Returns whether more may be queued now; if not, wait for
    /// ``takeWritable()``. Bytes are never refused for want of room: the owner keeps the
    /// bound by waiting.
    public mutating func send(_ bytes: [UInt8], on id: StreamID) throws(LinkError) -> Bool {
        guard var stream = streams[id], !stream.endQueued else { throw .streamClosed }
        stream.outgoing += bytes
        stream.wasBlocked = stream.pending >= LinkLimits.sendBufferBytesMax
        streams[id] = stream
        schedule(id)
        return !stream.wasBlocked
    }

    /// Sends no more on the stream after what is queued.
    public mutating func end(_ id: StreamID) {
        guard streams[id]?.endQueued == false else { return }
        streams[id]?.endQueued = true
        schedule(id)
    }

    /// Gives the stream up, in both directions, at once.
    public mutating func reset(_ id: StreamID, code: UInt16) {
        guard let stream = streams[id] else { return }
        // A stream the peer never heard of needs no word.
        if !stream.opensWithFrame { control.append(.reset(id, code: code)) }
        remove(id)
    }

    /// Returns credit for `count` bytes that were delivered on the stream.
    public mutating func consume(_ count: Int, on id: StreamID) {
        guard var stream = streams[id] else { return }
        let taken = min(count, stream.unconsumed)
        stream.unconsumed -= taken
        stream.creditDue += taken
        returnSessionCredit(taken)
        // Returned in quarters of a window: neither a frame per read nor a stalled sender.
        if stream.creditDue >= LinkLimits.streamWindowBytes / 4, !stream.remoteEnded {
            control.append(.credit(id, UInt32(stream.creditDue)))
            stream.receiveCredit += stream.creditDue
            stream.creditDue = 0
        }
        streams[id] = stream
        if stream.isOver { remove(id) }
    }

    /// Closes the link, with authentication: the peer can tell it from a cut.
    public mutating func close(_ code: CloseCode, text: String) {
        guard !isClosed else { return }
        isClosed = true
        control.append(.close(code: code.rawValue, text: text))
    }

    /// Keeps the link alive and measured.
    public mutating func tick(at now: MonotonicInstant) throws(LinkError) {
        guard now - lastReceived < LinkLimits.silenceMax else { throw .silent }
        if now >= nextPing {
            nextPing = now + LinkLimits.keepaliveInterval
            pingValue += 1
            pingSent = (pingValue, now)
            control.append(.ping(pingValue))
        }
    }

    // MARK: The channel's calls

    /// The frames of the next record, at most `limit` bytes of them, or nil when nothing can be
    /// sent now.
    public mutating func nextRecord(limit: Int = LinkLimits.recordBytesMax) -> [UInt8]? {
        var writer = ByteWriter()
        var used = 0
        while used < control.count, writer.bytes.count + 300 < limit {
            control[used].encode(to: &writer)
            used += 1
        }
        control.removeFirst(used)
        for priority in turns.indices { fill(&writer, from: priority, limit: limit) }
        return writer.bytes.isEmpty ? nil : writer.bytes
    }

    /// Takes in a record's plaintext.
    public mutating func receive(
        _ record: [UInt8], at now: MonotonicInstant
    ) throws(LinkError) -> [LinkEvent] {
        lastReceived = now
        var reader = ByteReader(record)
        var events: [LinkEvent] = []
        while reader.remaining > 0 {
            let frame: LinkFrame
            do { frame = try LinkFrame(from: &reader) } catch { throw .violation("\(error)") }
            try receive(frame, at: now, &events)
            guard control.count <= LinkLimits.controlFramesMax else {
                throw .violation("more control frames than can be answered")
            }
        }
        return events
    }

    private mutating func receive(
        _ frame: LinkFrame, at now: MonotonicInstant, _ events: inout [LinkEvent]
    ) throws(LinkError) {
        switch frame {
        case .pad: break
        case .open(let id, let service): try receiveOpen(id, service, at: now, &events)
        case .data(let id, let bytes): try receiveData(id, bytes, &events)
        case .credit(let id, let count): try receiveCredit(id, Int(count), &events)
        case .end(let id):
            try checkKnown(id)
            guard var stream = streams[id] else { break }
            guard !stream.remoteEnded else { throw .violation("ended a stream twice") }
            stream.remoteEnded = true
            streams[id] = stream
            events.append(.ended(id))
            if stream.isOver { remove(id) }
        case .reset(let id, let code):
            try checkKnown(id)
            guard streams[id] != nil else { break }
            remove(id)
            events.append(.reset(id, code: code))
        case .ping(let value): control.append(.pong(value))
        case .pong(let value):
            if let sent = pingSent, sent.value == value {
                pingSent = nil
                events.append(.roundTrip(now - sent.at))
            }
        case .close(let code, let text):
            isClosed = true
            events.append(.closed(code: code, text: text))
        case .rekey: events.append(.rekeyed)
        }
    }

    // MARK: Receiving

    private func isRemote(_ id: StreamID) -> Bool { id.isMultiple(of: 2) == isInitiator }

    /// A frame may name a stream that was given up here and is still in flight there, never one
    /// that was not opened.
    private func checkKnown(_ id: StreamID) throws(LinkError) {
        guard isRemote(id) ? id <= highestRemote : id < nextStream else {
            throw .violation("named a stream that was never opened")
        }
    }

    private mutating func receiveOpen(
        _ id: StreamID, _ number: UInt8, at now: MonotonicInstant, _ events: inout [LinkEvent]
    ) throws(LinkError) {
        guard isRemote(id), id > highestRemote else {
            throw .violation("opened a stream with a number that is not its next")
        }
        highestRemote = id
        if now - secondBegan >= .seconds(1) {
            secondBegan = now
            opensInSecond = 0
        }
        opensInSecond += 1
        guard opensInSecond <= LinkLimits.opensPerSecondMax else {
            throw .violation("opened streams faster than is allowed")
        }
        guard let service = LinkService(rawValue: number) else {
            control.append(.reset(id, code: ResetCode.unknownService.rawValue))
            return
        }
        guard streams.count < LinkLimits.streamsMax, !isClosed else {
            control.append(.reset(id, code: ResetCode.refused.rawValue))
            return
        }
        streams[id] = Stream(service: service, opensWithFrame: false)
        events.append(.opened(id, service))
    }

    private mutating func receiveData(
        _ id: StreamID, _ bytes: [UInt8], _ events: inout [LinkEvent]
    ) throws(LinkError) {
        try checkKnown(id)
        guard bytes.count <= sessionReceiveCredit else {
            throw .violation("sent more than the session's window")
        }
        sessionReceiveCredit -= bytes.count
        guard var stream = streams[id] else {
            // Given up here, in flight there: dropped, and its room is free at once.
            returnSessionCredit(bytes.count)
            return
        }
        guard !stream.remoteEnded else { throw .violation("sent after the end of a stream") }
        guard bytes.count <= stream.receiveCredit else {
            throw .violation("sent more than a stream's window")
        }
        stream.receiveCredit -= bytes.count
        stream.unconsumed += bytes.count
        streams[id] = stream
        if !bytes.isEmpty { events.append(.data(id, bytes)) }
    }

    private mutating func receiveCredit(
        _ id: StreamID, _ count: Int, _ events: inout [LinkEvent]
    ) throws(LinkError) {
        if id == 0 {
            guard count <= LinkLimits.sessionWindowBytes - sessionSendCredit else {
                throw .violation("returned more credit than the session's window")
            }
            sessionSendCredit += count
            return
        }
        try checkKnown(id)
        guard let stream = streams[id] else { return }
        guard count <= LinkLimits.streamWindowBytes - stream.sendCredit else {
            throw .violation("returned more credit than a stream's window")
        }
        streams[id]?.sendCredit += count
    }

    private mutating func returnSessionCredit(_ count: Int) {
        sessionCreditDue += count
        if sessionCreditDue >= LinkLimits.sessionWindowBytes / 4 {
            control.append(.credit(0, UInt32(sessionCreditDue)))
            sessionReceiveCredit += sessionCreditDue
            sessionCreditDue = 0
        }
    }

    private mutating func remove(_ id: StreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        returnSessionCredit(stream.unconsumed)
        turns[stream.service.priority].removeAll { $0 == id }
    }

    // MARK: Sending

    private mutating func schedule(_ id: StreamID) {
        guard let priority = streams[id]?.service.priority, !turns[priority].contains(id) else {
            return
        }
        turns[priority].append(id)
    }

    /// Gives each stream of a priority its turn until the record is full or nobody can send.
    private mutating func fill(_ writer: inout ByteWriter, from priority: Int, limit: Int) {
        var waiting: [StreamID] = []
        while let id = turns[priority].first {
            let room = limit - writer.bytes.count - 3 * LinkFrame.headerBytes - 1
            guard room > 0 else { break }
            turns[priority].removeFirst()
            guard var stream = streams[id] else { continue }
            if stream.opensWithFrame {
                LinkFrame.open(id, service: stream.service.rawValue).encode(to: &writer)
                stream.opensWithFrame = false
            }
            let count = min(stream.pending, stream.sendCredit, sessionSendCredit, room)
            if count > 0 {
                let slice = stream.outgoing[stream.outgoingStart..<stream.outgoingStart + count]
                LinkFrame.data(id, Array(slice)).encode(to: &writer)
                stream.outgoingStart += count
                stream.sendCredit -= count
                sessionSendCredit -= count
                if stream.outgoingStart == stream.outgoing.count {
                    stream.outgoing = []
                    stream.outgoingStart = 0
                } else if stream.outgoingStart > LinkLimits.recordBytesMax * 4 {
                    stream.outgoing.removeFirst(stream.outgoingStart)
                    stream.outgoingStart = 0
                }
            }
            if stream.pending == 0, stream.endQueued, !stream.endSent {
                LinkFrame.end(id).encode(to: &writer)
                stream.endSent = true
            }
            streams[id] = stream
            if stream.isOver {
                remove(id)
            } else if !stream.hasNothingToSend {
                waiting.append(id)
            }
        }
        turns[priority] += waiting
    }

    /// Streams that were full and have room again; each is named once.
    public mutating func takeWritable() -> [StreamID] {
        var ready: [StreamID] = []
        for (id, stream) in streams
        where stream.wasBlocked && stream.pending < LinkLimits.sendBufferBytesMax / 2 {
            ready.append(id)
        }
        for id in ready { streams[id]?.wasBlocked = false }
        return ready.sorted()
    }
}
