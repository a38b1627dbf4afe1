import Gossip
import Mesh
import Wire

/// Packets on their way to one member over its link: a queue that forgets its oldest when the link
/// is slow, and a task that empties it into a stream that stays open.
final class GossipLane: Sendable {
    private let queue: AsyncStream<[UInt8]>.Continuation

    init(to node: NodeID, over transport: LinkTransport) {
        let (packets, queue) = AsyncStream.makeStream(
            of: [UInt8].self,
            bufferingPolicy: .bufferingNewest(MeshTransportLimits.linkPacketsQueued))
        self.queue = queue
        Task {
            var stream: LinkStream?
            var opened = ContinuousClock.now
            for await packet in packets {
                // A link that was renewed keeps its old connection while a stream is on it.
                if ContinuousClock.now - opened >= MeshTransportLimits.gossipStreamAge {
                    stream?.finish()
                    stream = nil
                }
                do {
                    if stream == nil {
                        opened = .now
                        stream = try await transport.link(to: node)?.open(service: .gossip)
                    }
                    // Without a link the packet is lost, as a datagram would be.
                    try await stream?.send(GossipFraming.frame(packet))
                } catch { stream = nil }
            }
            stream?.finish()
        }
    }

    /// Queues a packet; false when an older one was dropped for it.
    func send(_ packet: [UInt8]) -> Bool {
        if case .enqueued = queue.yield(packet) { return true }
        return false
    }

    func finish() { queue.finish() }
}

/// Packets on a stream: each after its 16-bit length.
struct GossipFraming {
    private var buffer: [UInt8] = []

    static func frame(_ packet: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: 2 + packet.count)
        writer.writeBytes16(packet)
        return writer.bytes
    }

    /// The packets that are whole after `bytes`.
    mutating func append(_ bytes: [UInt8]) throws(WireError) -> [[UInt8]] {
        buffer += bytes
        var packets: [[UInt8]] = []
        var start = 0
        while buffer.count - start >= 2 {
            let length = Int(buffer[start]) << 8 | Int(buffer[start + 1])
            guard length <= GossipLimits.packetBytesMax else {
                throw .tooLarge(
                    field: "gossip packet", value: length, limit: GossipLimits.packetBytesMax)
            }
            guard buffer.count - start >= 2 + length else { break }
            packets.append(Array(buffer[start + 2..<start + 2 + length]))
            start += 2 + length
        }
        buffer.removeFirst(start)
        return packets
    }
}
