public import Mesh
internal import NIOCore
internal import Noise
public import Trust
public import Wire

/// An open, encrypted link to a member. A handle: the link lives until it breaks or is closed,
/// whoever holds this.
public final class Link: Sendable {
    /// The member at the other end.
    public let peer: VerifiedMember
    /// The certificate chain that says so.
    public let chain: CertificateChain
    /// The key that the handshake authenticated.
    public let linkKey: LinkKey
    /// Whether this node dialled.
    public let isInitiator: Bool
    /// Which lane it is on: all links of the mesh are on the member lane.
    public let lane: LinkLane
    /// The third node that carries the link; nil when nobody does.
    public let relay: NodeID?
    private let connection: NIOLoopBound<LinkConnection>
    private let loop: any EventLoop

    init(
        peer: VerifiedMember, chain: CertificateChain, to established: EstablishedLink,
        relay: NodeID?, connection: NIOLoopBound<LinkConnection>, loop: any EventLoop
    ) {
        self.peer = peer
        self.chain = chain
        linkKey = established.peer.linkKey
        isInitiator = established.role == .initiator
        lane = established.preamble.lane
        self.relay = relay
        self.connection = connection
        self.loop = loop
    }

    /// The last measured round trip; nil before the first, and once the link is gone.
    public var roundTrip: Duration? {
        get async {
            let connection = connection
            return await loop.run { connection.value.roundTrip }
        }
    }

    /// Whether the link still stands.
    public var isOpen: Bool {
        get async {
            let connection = connection
            return await loop.run { connection.value.isOpen }
        }
    }

    /// Opens a stream for a service. Streams of the bulk class go over a connection of their own,
    /// where one can be made, so that nothing else waits behind them.
    ///
    /// - Parameter first: At most ``LinkLimits/openBytesMax`` bytes to go with the opening.
    public func open(
        service: LinkService, first: [UInt8] = []
    ) async throws(LinkError) -> LinkStream {
        let (connection, loop) = (connection, loop)
        let result: Result<LinkStream, LinkError> = await withCheckedContinuation { continuation in
            loop.execute {
                let open = { (connection: LinkConnection) in
                    continuation.resume(
                        returning: Result { () throws(LinkError) in
                            try connection.openStream(service, first: first)
                        })
                }
                if service.priority == .bulk {
                    connection.value.hub.bulkConnection(beside: connection.value, open)
                } else {
                    open(connection.value)
                }
            }
        }
        return try result.get()
    }

    /// Closes the link in good order. All its streams fail.
    public func close(_ code: LinkCloseCode = .shutdown, text: String = "") {
        let connection = connection
        loop.execute { connection.value.close(code, text: text) }
    }
}

/// One stream of a link. When its last reference goes, what was not finished is reset.
public final class LinkStream: Sendable {
    /// What the stream is for.
    public let service: LinkService
    /// The node at the other end.
    public let peer: NodeID
    /// The stream's number on its link.
    public let id: UInt32
    private let connection: NIOLoopBound<LinkConnection>
    private let loop: any EventLoop

    init(
        id: UInt32, service: LinkService, peer: NodeID, connection: NIOLoopBound<LinkConnection>,
        loop: any EventLoop
    ) {
        self.id = id
        self.service = service
        self.peer = peer
        self.connection = connection
        self.loop = loop
    }

    deinit {
        let (connection, id) = (connection, id)
        loop.execute { connection.value.release(id) }
    }

    /// Sends bytes, in order; returns when they have been taken, which may have to wait until the
    /// peer reads. Cancelling the task resets the stream.
    public func send(_ bytes: [UInt8]) async throws(LinkError) {
        let (connection, id, loop) = (connection, id, loop)
        let result: Result<Void, LinkError> = await withTaskCancellationHandler {
            await withCheckedContinuation { writer in
                loop.execute { connection.value.write(bytes, to: id, writer) }
            }
        } onCancel: {
            loop.execute { connection.value.reset(id, .cancelled, because: .cancelled) }
        }
        try result.get()
    }

    /// Ends this direction, behind what was sent.
    public func finish() {
        let (connection, id) = (connection, id)
        loop.execute { connection.value.finish(id) }
    }

    /// Gives the stream up in both directions.
    public func reset(_ code: StreamResetCode = .cancelled) {
        let (connection, id) = (connection, id)
        loop.execute {
            connection.value.reset(id, code, because: .streamReset(code, byPeer: false))
        }
    }

    func leave() {
        let (connection, id) = (connection, id)
        loop.execute { connection.value.leave(id) }
    }

    /// The next bytes, as many as have come; nil at the peer's end. Credit for them goes back to
    /// the peer. One task may read at a time; cancelling it resets the stream.
    public func read() async throws(LinkError) -> [UInt8]? {
        guard let pieces = try await readPieces() else { return nil }
        guard pieces.count > 1 else { return pieces[0] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
        for piece in pieces { bytes += piece }
        return bytes
    }

    /// As ``read()``, in the pieces in which the bytes came: for those who don't need them in one.
    public func readPieces() async throws(LinkError) -> [[UInt8]]? {
        let (connection, id, loop) = (connection, id, loop)
        let result: StreamBox.Read = await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                loop.execute { connection.value.read(id, reader) }
            }
        } onCancel: {
            loop.execute { connection.value.reset(id, .cancelled, because: .cancelled) }
        }
        let pieces = try result.get()
        return pieces.isEmpty ? nil : pieces
    }

    /// Everything until the peer's end.
    ///
    /// - Throws: ``LinkError/tooLong(limit:)`` (and the stream is reset) when more than `limit`
    ///   bytes come.
    public func readAll(limit: Int) async throws(LinkError) -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = try await read() {
            guard all.count + bytes.count <= limit else {
                reset(.badMessage)
                throw .tooLong(limit: limit)
            }
            all += bytes
        }
        return all
    }

    /// What comes from the peer, until its end. For one reader.
    public var inbound: Inbound { Inbound(stream: self) }

    /// The bytes of a stream as they come.
    public struct Inbound: AsyncSequence, Sendable {
        /// Bytes, as many as had come.
        public typealias Element = [UInt8]
        /// Why no more can be read.
        public typealias Failure = LinkError

        fileprivate let stream: LinkStream

        /// An iterator over what has not been read.
        public func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

        /// Reads a stream.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let stream: LinkStream

            /// The next bytes, or nil at the peer's end.
            public mutating func next() async throws(LinkError) -> [UInt8]? {
                try await stream.read()
            }

            /// The next bytes, or nil at the peer's end.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(LinkError) -> [UInt8]? { try await stream.read() }
        }
    }
}

extension EventLoop {
    /// Runs `body` on the loop and waits for what it returns.
    func run<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
        await withCheckedContinuation { continuation in
            execute { continuation.resume(returning: body()) }
        }
    }
}
