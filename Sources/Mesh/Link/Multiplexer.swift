public import Noise
public import Wire

/// What a record of the peer's means for this side.
public enum MultiplexerEvent: Equatable, Sendable {
    /// The peer opened a stream. Its first bytes are outside the windows: they are not consumed.
    case opened(UInt32, LinkService, first: [UInt8])
    /// The next bytes of a stream, to be acknowledged by ``Multiplexer/consume(_:bytes:)``.
    case data(UInt32, [UInt8])
    /// The peer's direction of a stream is over.
    case ended(UInt32)
    /// The stream is over. When its end had come before, what came until then is whole.
    case reset(UInt32, StreamResetCode, afterEnd: Bool)
    /// A round trip was measured.
    case roundTrip(Duration)
    /// The peer uses a new key from the next record on.
    case rekeyed
    /// The peer closed the link in good order. Nothing follows.
    case closed(LinkCloseCode, String)
}

/// Many streams over one ordered, authenticated connection: credit per stream and for all of them,
/// priorities, ends per direction, resets, pings.
///
/// A pure state machine. Records go in by ``receive(_:at:)`` and come out of
/// ``nextRecord(maxBytes:at:)``; what it holds is bounded by ``LinkLimits``. After it threw a
/// ``LinkViolation`` the link is to be ended.
///
/// What each side may do, beyond the form of ``LinkFrame``:
///
/// - Streams are opened in the order of their numbers, at most ``LinkLimits/streamsPerSideMax`` at
///   once by each side. One too many is refused by RESET; many more end the link. A number is never
///   used again.
/// - Each direction of a stream is DATA and then END, or is cut off by RESET, which ends both
///   directions. The first bytes in OPEN come before those of DATA.
/// - A sender has ``LinkLimits/streamWindowBytes`` of credit for each direction of a stream and
///   ``LinkLimits/sessionWindowBytes`` for all together; DATA takes from both by the bytes of its
///   payload, and CREDIT gives to one of them. More than ``LinkLimits/creditBytesMax`` is refused. A
///   receiver gives credit as the application consumes; bytes of streams that were given up count as
///   consumed for the session.
/// - A side that resets a stream keeps its number until the peer's END or RESET shows that nothing
///   more can be on its way, and throws away what comes within the window; a side that is told of a
///   reset answers with one (``StreamResetCode/acknowledged``), unless its END is already under way.
///   At most ``LinkLimits/resetsPerSecondMax`` resets in a second.
/// - Frames of a stream that was never opened, or after its end, end the link; CREDIT for a stream
///   that is over is of no effect.
/// - A PING is answered by a PONG with its number, in the next record; only what was asked may be
///   answered. After ``LinkLimits/keepaliveIdle`` without a record a side asks, after
///   ``LinkLimits/silenceMax`` it takes the link for dead.
/// - CLOSE is a side's last frame; the other sends no more once it has seen it.
///
/// In which order a side sends what it may is its own affair. This one sends control before
/// inference before bulk, streams of a class in turn, and lets a class leave some of the session's
/// credit to those before it.
public struct Multiplexer: Sendable {
    let role: NoiseRole
    var streams: [UInt32: MultiplexedStream] = [:]
    /// Streams reset here, with the bytes that may still come on each.
    var draining: [UInt32: Int] = [:]
    var nextLocal: UInt32
    var nextRemote: UInt32
    var localCount = 0
    var remoteCount = 0

    // Sending
    /// OPEN and RESET in the order in which they happened.
    var control: [(frame: LinkFrame, priority: LinkPriority)] = []
    /// By class, the streams that have something to send, in turn.
    var ready: [[UInt32]] = LinkPriority.allCases.map { _ in [] }
    var sessionSendCredit = LinkLimits.sessionWindowBytes
    var writable: [UInt32] = []
    var closing: (code: LinkCloseCode, text: String)?
    var closeSent = false

    // Receiving
    /// What a peer may have under way on one stream, in the end.
    var streamWindow = LinkLimits.streamWindowBytes
    var sessionAllowance = LinkLimits.sessionWindowBytes
    var sessionPending = 0
    var creditsDue: [UInt32] = []
    var pongsDue: [UInt64] = []
    var closeReceived = false
    var resetWindowStart: MonotonicInstant
    var resetsInWindow = 0

    // Liveness
    var lastReceived: MonotonicInstant
    var pingQueued = false
    var pingNumber: UInt64 = 0
    var pingSentAt: MonotonicInstant?
    var lastPing: MonotonicInstant

    /// The last measured round trip.
    public internal(set) var roundTrip: Duration?

    /// A multiplexer for a new session. It asks for a first round trip at once.
    public init(role: NoiseRole, at now: MonotonicInstant) {
        self.role = role
        nextLocal = role == .initiator ? 1 : 2
        nextRemote = role == .initiator ? 2 : 1
        resetWindowStart = now
        lastReceived = now
        lastPing = now
        pingQueued = true
    }

    /// The number of streams that are open.
    public var streamCount: Int { streams.count }

    func isLocal(_ stream: UInt32) -> Bool { stream % 2 == (role == .initiator ? 1 : 0) }

    /// Whether a stream with this number was opened at some time, by either side.
    func isKnown(_ stream: UInt32) -> Bool {
        stream < (isLocal(stream) ? nextLocal : nextRemote)
    }

    // MARK: Windows

    /// Lets the peer have more under way: for a connection that carries bulk alone, where each end
    /// would otherwise wait for the other many times in a millisecond. Before the first stream.
    public mutating func widen() {
        precondition(streams.isEmpty, "windows grow before there are streams")
        streamWindow = LinkLimits.bulkStreamWindowBytes
        sessionPending += LinkLimits.bulkSessionWindowBytes - LinkLimits.sessionWindowBytes
    }

    /// A stream whose window begins as the peer knows it; what it is wider goes out with the first
    /// credit.
    func newStream(_ service: LinkService) -> MultiplexedStream {
        var stream = MultiplexedStream(priority: service.priority)
        stream.pending = streamWindow - LinkLimits.streamWindowBytes
        return stream
    }

    // MARK: Streams

    /// Opens a stream and returns its number. At most ``LinkLimits/openBytesMax`` first bytes
    /// travel with it.
    public mutating func open(
        service: LinkService, first: [UInt8] = []
    ) throws(LinkError) -> UInt32 {
        guard first.count <= LinkLimits.openBytesMax else { throw .openTooLong }
        guard nextLocal <= UInt32.max - 2 else { throw .streamsExhausted }
        let drainingHere = draining.keys.count { isLocal($0) }
        guard localCount + drainingHere < LinkLimits.streamsPerSideMax else {
            throw .tooManyStreams
        }
        let stream = nextLocal
        nextLocal += 2
        localCount += 1
        streams[stream] = newStream(service)
        control.append((.open(stream: stream, service: service, first: first), service.priority))
        return stream
    }

    /// Takes bytes to send. When it throws ``LinkError/sendBufferFull`` nothing was taken, and the
    /// stream comes up in ``takeWritable()`` when there is room again.
    ///
    /// - Parameter bytes: At most ``LinkLimits/sendPieceBytesMax``.
    public mutating func send(_ bytes: [UInt8], on stream: UInt32) throws(LinkError) {
        try send(bytes[...], on: stream)
    }

    /// The same for a part of an array, which is not copied before it is sent.
    public mutating func send(_ bytes: ArraySlice<UInt8>, on stream: UInt32) throws(LinkError) {
        guard bytes.count <= LinkLimits.sendPieceBytesMax else {
            throw .tooLong(limit: LinkLimits.sendPieceBytesMax)
        }
        // In place: a copy of the stream's state would make its queue be copied.
        guard let index = streams.index(forKey: stream), !streams.values[index].endQueued else {
            throw .streamEnded
        }
        let buffered = streams.values[index].outbound.count
        guard buffered + bytes.count <= LinkLimits.sendBufferBytesMax else {
            streams.values[index].writerWaits = true
            throw .sendBufferFull
        }
        streams.values[index].outbound.append(bytes)
        makeReady(index)
    }

    /// Ends this side's direction once all that was taken is sent.
    public mutating func end(_ stream: UInt32) {
        guard streams[stream]?.endQueued == false else { return }
        streams[stream]?.endQueued = true
        makeReady(stream)
    }

    /// Gives the stream up in both directions; what was not sent is dropped.
    public mutating func reset(_ stream: UInt32, code: StreamResetCode) {
        guard let state = remove(stream) else { return }
        if !(state.endSent && state.remoteEnded) {
            control.append((.reset(stream: stream, code: code), state.priority))
        }
        if !state.remoteEnded { draining[stream] = state.allowance }
    }

    /// Says that nobody reads the stream any more. What this side still has to say is said; then,
    /// if the peer has not ended its direction, the stream is reset.
    public mutating func stopReading(_ stream: UInt32) {
        guard let state = streams[stream], !state.discards else { return }
        streams[stream]?.discards = true
        streams[stream]?.unconsumed = 0
        returnToSession(state.unconsumed)
        finish(stream)
    }

    /// Says that the application is done with bytes of ``MultiplexerEvent/data(_:_:)``, so that the
    /// peer may send as many more.
    public mutating func consume(_ stream: UInt32, bytes: Int) {
        guard let index = streams.index(forKey: stream), !streams.values[index].discards else {
            return
        }
        // More than was handed out would be a bug of the caller's, and would mint credit.
        precondition(
            bytes <= streams.values[index].unconsumed, "consumed more than was received")
        streams.values[index].unconsumed -= bytes
        returnToSession(bytes)
        if !streams.values[index].remoteEnded {
            streams.values[index].pending += bytes
            let isDue = streams.values[index].pending >= streamWindow / 4
            if isDue, !streams.values[index].creditDue {
                streams.values[index].creditDue = true
                creditsDue.append(stream)
            }
        }
        finish(stream)
    }

    /// The streams whose writers were turned away and that have room now.
    public mutating func takeWritable() -> [UInt32] {
        defer { writable = [] }
        return writable
    }

    /// Ends the session: the next record is the last, and says why.
    public mutating func close(_ code: LinkCloseCode, text: String = "") {
        if closing == nil { closing = (code, text) }
    }

    /// Whether the last record was taken by ``nextRecord(maxBytes:at:)``.
    public var isClosed: Bool { closeSent }

    // MARK: Bookkeeping

    mutating func makeReady(_ stream: UInt32) {
        if let index = streams.index(forKey: stream) { makeReady(index) }
    }

    mutating func makeReady(_ index: Dictionary<UInt32, MultiplexedStream>.Index) {
        guard !streams.values[index].isReady, streams.values[index].hasWork else { return }
        streams.values[index].isReady = true
        ready[streams.values[index].priority.rawValue].append(streams.keys[index])
    }

    /// Forgets a stream; bytes that the application had not consumed count as consumed.
    mutating func remove(_ stream: UInt32) -> MultiplexedStream? {
        guard let state = streams.removeValue(forKey: stream) else { return nil }
        if isLocal(stream) { localCount -= 1 } else { remoteCount -= 1 }
        returnToSession(state.unconsumed)
        return state
    }

    /// Forgets a stream that is over on both sides, or gives it up when only this side is done and
    /// nobody reads.
    mutating func finish(_ stream: UInt32) {
        guard let index = streams.index(forKey: stream) else { return }
        if streams.values[index].isFinished {
            _ = remove(stream)
        } else if streams.values[index].discards, streams.values[index].endSent {
            reset(stream, code: .done)
        }
    }

    mutating func returnToSession(_ bytes: Int) { sessionPending += bytes }

    // MARK: Liveness

    /// Asks for the round trip.
    public mutating func ping() {
        if pingSentAt == nil { pingQueued = true }
    }

    /// This end had no time for `pause`: that much of the peer's silence is not counted.
    public mutating func excuse(_ pause: Duration, at now: MonotonicInstant) {
        lastReceived = min(now, lastReceived + pause)
    }

    /// What time alone brings about. Throws ``LinkError/peerSilent`` when the peer is dead.
    public mutating func tick(at now: MonotonicInstant) throws(LinkError) {
        if now - lastReceived >= LinkLimits.silenceMax { throw .peerSilent }
        guard pingSentAt == nil, !pingQueued else { return }
        if now - max(lastReceived, lastPing) >= LinkLimits.keepaliveIdle
            || now - lastPing >= LinkLimits.roundTripInterval
        {
            pingQueued = true
        }
    }
}
