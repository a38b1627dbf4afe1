public import Wire

/// How many streams a node carries on for others, and for whom: a relay gives what it can spare, and
/// one member does not take all of it.
public struct RelayRoom: Sendable, Equatable {
    /// The most streams at once; 0 carries nothing.
    public let streamsMax: Int
    /// The most streams at once for one member that asks.
    public let perAskerMax: Int
    /// How long a stream may be without a byte before it is ended, to the grain of itself.
    public let idle: Duration
    private var streams: [NodeID: Int] = [:]

    /// Room with nothing in it.
    public init(
        streamsMax: Int = MeshTransportLimits.relayedStreamsMax,
        perAskerMax: Int = MeshTransportLimits.relayedStreamsPerAskerMax,
        idle: Duration = MeshTransportLimits.relayIdle
    ) {
        self.streamsMax = streamsMax
        self.perAskerMax = perAskerMax
        self.idle = idle
    }

    /// Streams that are carried now.
    public var count: Int { streams.values.reduce(0, +) }

    /// Takes a place for one more stream of a member; false when there is none.
    public mutating func enter(_ asker: NodeID) -> Bool {
        guard count < streamsMax, streams[asker, default: 0] < perAskerMax else { return false }
        streams[asker, default: 0] += 1
        return true
    }

    /// Gives a place back. Nothing happens where there was none.
    public mutating func leave(_ asker: NodeID) {
        guard let count = streams[asker] else { return }
        streams[asker] = count > 1 ? count - 1 : nil
    }

    /// The same streams in another room: those that are too many there go on, and no new one comes.
    func resized(to other: RelayRoom) -> RelayRoom {
        var room = other
        room.streams = streams
        return room
    }
}
