internal import Mesh
internal import NIOCore
internal import Noise
internal import Trust
internal import Wire

/// One connection: drives the handshake, then the session, and holds what the application's tasks
/// wait for. Lives on the links' event loop and is touched nowhere else.
final class LinkConnection {
    enum Phase {
        case handshake(LinkHandshake)
        case open
        case closed(LinkError)
    }

    let hub: LinkHub
    private(set) var phase: Phase
    /// There while the phase is open; beside it, so that it changes in place.
    private var session: LinkSession?
    private(set) var carrier: (any LinkCarrier)?
    /// The beginning of a record whose rest has not come.
    var buffer = ByteBuffer()
    private var deadline: Scheduled<Void>?
    var flushing = false
    var pumpsLater = false

    /// Called once: with the peer when the handshake is over, or with why it failed.
    private var onOutcome: ((LinkConnection, Result<EstablishedLink, LinkError>) -> Void)?

    /// The other end, once the handshake is over.
    private(set) var established: EstablishedLink?
    private(set) var establishedAt = MonotonicInstant.origin
    /// No new streams: another connection to the same peer took over.
    private(set) var isRetiring = false
    /// The third node that carries the connection; nil when nobody does.
    var relay: NodeID?
    /// Who it is of, as the relay says; the handshake must say the same.
    var announced: NodeID?
    /// Where it was dialled; nil when the peer did, or by way of a relay.
    var dialled: NetworkAddress?
    /// Its number at the door, while its handshake counts there.
    var admission: UInt64?
    var renewalTriedAt: MonotonicInstant?
    /// When a direct way was looked for beside this relayed one.
    var directTriedAt: MonotonicInstant?
    /// When a look first found it without streams.
    private var idleSince: MonotonicInstant?
    var streams: [UInt32: StreamBox] = [:]
    /// Streams on which something came that their readers were not told of.
    var unread: Set<UInt32> = []
    var roundTrip: Duration?

    init(
        hub: LinkHub, handshake: LinkHandshake,
        onOutcome: @escaping (LinkConnection, Result<EstablishedLink, LinkError>) -> Void
    ) {
        self.hub = hub
        self.phase = .handshake(handshake)
        self.onOutcome = onOutcome
    }

    var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    /// Why nothing can be done on this connection, if nothing can.
    var failure: LinkError? {
        switch phase {
        case .handshake: .lost("the handshake is not over")
        case .open: nil
        case .closed(let error): error
        }
    }

    /// Changes the session; nil when there is none.
    func withSession<R, E: Error>(
        _ body: (inout LinkSession) throws(E) -> R
    ) throws(E) -> R? {
        try session?.change(body)
    }

    // MARK: Place

    /// Another connection took over: streams that are open go on, new ones don't begin.
    func retire() {
        isRetiring = true
        idleSince = nil
    }

    /// Whether it was without streams for so long, as far as looks from time to time tell.
    func isIdle(for time: Duration, at now: MonotonicInstant) -> Bool {
        guard withSession({ $0.multiplexer.streamCount }) == 0 else {
            idleSince = nil
            return false
        }
        guard let since = idleSince else {
            idleSince = now
            return false
        }
        return now - since >= time
    }

    // MARK: Carrier

    /// What carries the bytes from now on.
    func carried(by carrier: any LinkCarrier) {
        guard self.carrier == nil else { return }
        // Ended before it began.
        if case .closed = phase { return carrier.close() }
        self.carrier = carrier
        if carrier.isActive { carrierBegan() }
    }

    /// Bytes can come and go.
    func carrierBegan() {
        guard deadline == nil, case .handshake(var handshake) = phase else { return }
        let bound = NIOLoopBound(self, eventLoop: hub.loop)
        deadline = hub.loop.scheduleTask(
            in: .nanoseconds(LinkLimits.handshakeDeadline.nanoseconds)
        ) { bound.value.handshakeIsOverdue() }
        let effects = handshake.start()
        phase = .handshake(handshake)
        perform(effects)
    }

    private func handshakeIsOverdue() {
        guard case .handshake(var handshake) = phase else { return }
        let effects = handshake.tick(at: hub.now)
        phase = .handshake(handshake)
        perform(effects)
        // A timer that fires early by the clock's grain must not let the handshake go on.
        if case .handshake = phase { end(.handshakeTimeout) }
    }

    /// Bytes came. Once all that came together is handed over, ``pump()`` is to be called.
    func carrierReceived(_ bytes: ByteBuffer) {
        var incoming = bytes
        switch phase {
        case .handshake(var handshake):
            let effects = handshake.receive(
                incoming.readBytes(length: incoming.readableBytes) ?? [])
            phase = .handshake(handshake)
            perform(effects)
        case .open: receiveRecords(from: &incoming)
        case .closed: break  // what still comes after the end is not looked at
        }
    }

    /// Nothing more comes or goes.
    func carrierEnded(_ reason: String) {
        switch phase {
        case .handshake(let handshake):
            end(handshake.isOver ? .lost(reason) : .silentlyRefused)
        case .open: end(.lost(reason))
        case .closed: break
        }
    }

    /// The carrier was gone before the connection was on it.
    func neverConnected(_ reason: String) { end(.lost(reason)) }

    // MARK: Handshake

    private func perform(_ effects: [HandshakeEffect]) {
        for effect in effects {
            switch effect {
            case .send(let bytes):
                carrier?.write(ByteBuffer(bytes: bytes))
                carrier?.flush()
            case .fail(let error): end(error)
            case .established(let link): establish(link)
            }
        }
    }

    private func establish(_ link: EstablishedLink) {
        deadline?.cancel()
        let now = hub.now
        var session = LinkSession(link, pads: hub.pads, at: now)
        if link.purpose == .bulk { session.multiplexer.widen() }
        self.session = session
        phase = .open
        if link.purpose == .bulk { carrier?.carriesBulk() }
        established = link
        establishedAt = now
        // Once only, also when it ends the connection.
        let onOutcome = onOutcome
        self.onOutcome = nil
        onOutcome?(self, .success(link))
        guard isOpen else { return }
        var leftover = ByteBuffer(bytes: link.leftover)
        receiveRecords(from: &leftover)
        pump()
    }

    // MARK: End

    /// Ends the link in good order: an authenticated close, then the connection's end.
    ///
    /// - Parameter error: What streams and waiting tasks are told, if not that it was closed here.
    func close(_ code: LinkCloseCode, text: String = "", because error: LinkError? = nil) {
        switch phase {
        case .handshake: end(error ?? .closedHere(code))
        case .open: end(error ?? .closedHere(code), saying: (code, text))
        case .closed: break
        }
    }

    /// This node had no time for its links for so long.
    func excuse(_ pause: Duration) {
        let now = hub.now
        withSession { $0.excuse(pause, at: now) }
    }

    /// Time has passed.
    func tick() {
        let now = hub.now
        do {
            let wall = hub.wallClock()
            try withSession { session throws(LinkError) in try session.tick(at: now, wall: wall) }
        } catch { return end(error) }
        pump()
    }

    /// Ends the connection. Everyone who waits learns why. A stranger learns nothing: before the
    /// handshake is over, not a byte is sent.
    func end(_ error: LinkError, saying: (LinkCloseCode, String)? = nil) {
        if case .closed = phase { return }
        wakeReaders()
        deadline?.cancel()
        var last: [UInt8]?
        var farewell = saying
        if case .violation(let violation) = error {
            farewell = (.violation, "\(violation)")
        } else if case .recordNotAuthentic = error {
            farewell = (.violation, "a record did not authenticate")
        }
        if let farewell {
            let now = hub.now
            last =
                withSession { session in
                    session.multiplexer.close(farewell.0, text: farewell.1)
                    return try? session.nextRecord(at: now)
                } ?? nil
        }
        phase = .closed(error)
        session = nil
        buffer.clear()
        if let onOutcome {
            self.onOutcome = nil
            onOutcome(self, .failure(error))
        }
        for stream in streams.keys { failStream(stream, error, keepInbound: false) }
        hub.ended(self, error)
        guard let carrier else { return }
        self.carrier = nil
        if let last { carrier.close(after: ByteBuffer(bytes: last)) } else { carrier.close() }
    }
}

extension LinkSession {
    fileprivate mutating func change<R, E: Error>(
        _ body: (inout LinkSession) throws(E) -> R
    ) throws(E) -> R {
        try body(&self)
    }
}
