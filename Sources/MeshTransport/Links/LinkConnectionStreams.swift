internal import Mesh
internal import NIOCore
internal import Trust
internal import Wire

/// What the application's side of one stream waits for and has not read.
final class StreamBox {
    /// What a reader gets: pieces as they came, none at the peer's end.
    typealias Read = Result<[[UInt8]], LinkError>
    typealias Reader = CheckedContinuation<Read, Never>
    typealias Writer = CheckedContinuation<Result<Void, LinkError>, Never>

    /// Received and not read; bounded by the stream's window.
    var inbound: [[UInt8]] = []
    /// How many of the first bytes of `inbound` came with the OPEN, outside the window.
    var outsideWindow = 0
    var inboundEnded = false
    var reader: Reader?
    /// What waits to be sent, in order.
    var writers: [(rest: ArraySlice<UInt8>, writer: Writer)] = []
    var finished = false
    /// What takes the bytes where no task reads them.
    var sink: (any StreamSink)?
    /// Why nothing more can be sent.
    var sendFailure: LinkError?
    /// Why nothing more can be read.
    var readFailure: LinkError?
}

// Streams, on the event loop.
extension LinkConnection {
    func openStream(_ service: LinkService, first: [UInt8]) throws(LinkError) -> LinkStream {
        // Who holds a connection that another took over from is served by that one.
        if isRetiring, let peer = established?.peer.nodeID, let current = hub.links[peer],
            current !== self
        {
            return try current.openStream(service, first: first)
        }
        let stream = try openNumber(service, first: first)
        pump()
        return makeStream(stream, service)
    }

    /// Opens a stream that nothing stands for yet.
    func openNumber(_ service: LinkService, first: [UInt8]) throws(LinkError) -> UInt32 {
        if let failure { throw failure }
        guard
            let stream = try withSession({ session throws(LinkError) in
                try session.multiplexer.open(service: service, first: first)
            })
        else { throw .cancelled }
        streams[stream] = StreamBox()
        return stream
    }

    private func makeStream(_ stream: UInt32, _ service: LinkService) -> LinkStream {
        LinkStream(
            id: stream, service: service, peer: established?.peer.nodeID ?? hub.nodeID,
            connection: NIOLoopBound(self, eventLoop: hub.loop), loop: hub.loop)
    }

    func accept(_ stream: UInt32, _ service: LinkService, first: [UInt8]) {
        if service == .relayed, let established, established.preamble.lane == .member {
            let relay = established.peer.nodeID
            if !hub.acceptRelayed(over: stream, of: self, first: first, by: relay) {
                _ = withSession { $0.multiplexer.reset(stream, code: .refused) }
            }
            return
        }
        guard let established, let handler = hub.handler(for: service, on: established) else {
            _ = withSession { $0.multiplexer.reset(stream, code: .unknownService) }
            return
        }
        let box = StreamBox()
        if !first.isEmpty {
            box.inbound = [first]
            box.outsideWindow = first.count
        }
        streams[stream] = box
        let handle = makeStream(stream, service)
        Task {
            await handler(handle)
            handle.leave()
        }
    }

    func deliver(_ bytes: [UInt8], to stream: UInt32) {
        guard let box = streams[stream] else { return }
        box.inbound.append(bytes)
        unread.insert(stream)
    }

    func deliverEnd(of stream: UInt32) {
        streams[stream]?.inboundEnded = true
        unread.insert(stream)
    }

    /// Wakes those who wait for what came. Once for all that came together: waking costs more than
    /// a record.
    func wakeReaders() {
        guard !unread.isEmpty else { return }
        let woken = unread
        unread = []
        for stream in woken { wakeReader(stream) }
    }

    func failStream(_ stream: UInt32, _ error: LinkError, keepInbound: Bool) {
        guard let box = streams[stream] else { return }
        if box.sendFailure == nil { box.sendFailure = error }
        if !keepInbound, box.readFailure == nil {
            // What came whole before the link broke may still be read.
            if !box.inboundEnded {
                box.readFailure = error
                box.inbound = []
            }
        }
        let writers = box.writers
        box.writers = []
        for waiting in writers { waiting.writer.resume(returning: .failure(error)) }
        wakeReader(stream)
    }

    private func wakeReader(_ stream: UInt32) {
        guard let box = streams[stream] else { return }
        if let sink = box.sink { return feed(sink, from: stream) }
        guard let reader = box.reader, let result = takeInbound(stream) else { return }
        box.reader = nil
        reader.resume(returning: result)
    }

    private func feed(_ sink: any StreamSink, from stream: UInt32) {
        // What a sink takes may end it.
        while streams[stream]?.sink === sink, let result = takeInbound(stream) {
            switch result {
            case .success([]):
                streams[stream]?.sink = nil
                sink.streamEnded()
            case .success(let pieces): sink.streamReceived(pieces)
            case .failure(let error):
                streams[stream]?.sink = nil
                sink.streamFailed(error)
            }
        }
    }

    /// Forgets a stream that a sink is done with.
    func drop(_ stream: UInt32) {
        streams[stream] = nil
        unread.remove(stream)
    }

    /// What a reader gets now, or nil when it has to wait.
    private func takeInbound(_ stream: UInt32) -> StreamBox.Read? {
        guard let box = streams[stream] else { return .failure(.streamEnded) }
        if !box.inbound.isEmpty {
            let pieces = box.inbound
            let counted = pieces.reduce(0) { $0 + $1.count } - box.outsideWindow
            box.inbound = []
            box.outsideWindow = 0
            if counted > 0 {
                _ = withSession { $0.multiplexer.consume(stream, bytes: counted) }
            }
            return .success(pieces)
        }
        if box.inboundEnded { return .success([]) }
        if let failure = box.readFailure { return .failure(failure) }
        return nil
    }

    func read(_ stream: UInt32, _ reader: StreamBox.Reader) {
        guard let result = takeInbound(stream) else {
            // Two readers of one stream would each get half of it.
            precondition(streams[stream]?.reader == nil, "a stream has one reader")
            streams[stream]?.reader = reader
            return
        }
        reader.resume(returning: result)
        pump()
    }

    func write(_ bytes: [UInt8], to stream: UInt32, _ writer: StreamBox.Writer) {
        guard let box = streams[stream], !box.finished else {
            return writer.resume(returning: .failure(.streamEnded))
        }
        if let failure = box.sendFailure { return writer.resume(returning: .failure(failure)) }
        guard box.writers.count < LinkLimits.waitingWritersMax else {
            return writer.resume(returning: .failure(.sendBufferFull))
        }
        box.writers.append((bytes[...], writer))
        // Those before it come first.
        guard box.writers.count == 1 else { return }
        admitWriters(of: stream)
        pump()
    }

    /// Lets waiting writers of streams with room in; whether any was.
    func admitWriters() -> Bool {
        var admitted = false
        for stream in withSession({ $0.multiplexer.takeWritable() }) ?? [] {
            if let sink = streams[stream]?.sink {
                if sink.streamHasRoom() { admitted = true }
            } else if admitWriters(of: stream) {
                admitted = true
            }
        }
        return admitted
    }

    /// Takes what there is room for of what waits to be sent on a stream; whether that was any.
    @discardableResult
    private func admitWriters(of stream: UInt32) -> Bool {
        var admitted = false
        while let (rest, writer) = streams[stream]?.writers.first {
            let piece = rest.prefix(LinkLimits.sendPieceBytesMax)
            let result = offer(piece, to: stream)
            if case .failure(.sendBufferFull) = result { break }
            admitted = true
            if case .success = result, piece.endIndex < rest.endIndex {
                streams[stream]?.writers[0].rest = rest[piece.endIndex...]
                continue
            }
            streams[stream]?.writers.removeFirst()
            writer.resume(returning: result)
        }
        finishIfDue(stream)
        return admitted
    }

    /// Hands the session bytes to send, if it takes them now.
    func offer(_ piece: ArraySlice<UInt8>, to stream: UInt32) -> Result<Void, LinkError> {
        do {
            try withSession { session throws(LinkError) in
                try session.multiplexer.send(piece, on: stream)
            }
            return .success(())
        } catch { return .failure(error) }
    }

    func finish(_ stream: UInt32) {
        guard streams[stream]?.finished == false else { return }
        streams[stream]?.finished = true
        finishIfDue(stream)
        pump()
    }

    /// An end goes out behind what writers that still wait have to say.
    private func finishIfDue(_ stream: UInt32) {
        guard let box = streams[stream], box.finished, box.writers.isEmpty else { return }
        _ = withSession { $0.multiplexer.end(stream) }
    }

    func reset(_ stream: UInt32, _ code: StreamResetCode, because error: LinkError) {
        guard streams[stream] != nil else { return }
        _ = withSession { $0.multiplexer.reset(stream, code: code) }
        failStream(stream, error, keepInbound: false)
        pump()
    }

    /// The application is done: what it sent goes out, what still comes is not read.
    func leave(_ stream: UInt32) {
        guard streams[stream] != nil else { return }
        finish(stream)
        _ = withSession { $0.multiplexer.stopReading(stream) }
        pump()
    }

    /// The application's last reference is gone.
    func release(_ stream: UInt32) {
        guard let box = streams[stream] else { return }
        if box.finished {
            leave(stream)
        } else if box.sendFailure == nil {
            reset(stream, .cancelled, because: .cancelled)
        }
        streams[stream] = nil
        pump()
    }
}
