import Foundation
import Mesh
import MeshTransport

/// What a node that holds many links takes for them.
public struct MemoryFigure: Sendable, Encodable {
    /// Links, each to another member.
    public let links: Int
    /// Private bytes of the node's process before the first of them.
    public let privateBytesBefore: Int
    /// The same with all of them.
    public let privateBytesAfter: Int
    /// For each link.
    public let privateBytesPerLink: Double

    static func measure(links count: Int) async throws -> MemoryFigure {
        let server = try Server()
        let (mesh, address) = (server.mesh, server.address)
        // A first one, so that what any link needs is there.
        var nodes = [try await mesh.node()]
        _ = try await nodes[0].connect(to: [address], expecting: nil)
        let before = try server.usage().privateBytes
        while nodes.count <= count {
            let more = min(16, count + 1 - nodes.count)
            let made = try await withThrowingTaskGroup(of: LinkTransport.self) { group in
                for _ in 0..<more {
                    group.addTask {
                        let node = try await mesh.node()
                        try await retrying {
                            _ = try await node.connect(to: [address], expecting: nil)
                        }
                        return node
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            nodes += made
        }
        // What handshakes took is given back; a keepalive has passed on each.
        try await Task.sleep(for: .seconds(12))
        let after = try server.usage().privateBytes
        server.end()
        for node in nodes { await node.shutdown() }
        return MemoryFigure(
            links: count, privateBytesBefore: before, privateBytesAfter: after,
            privateBytesPerLink: Double(after - before) / Double(count))
    }
}

/// Links made one after the other through the door, by members that are new each time.
public struct HandshakeFigure: Sendable, Encodable {
    /// How many were made.
    public let links: Int
    /// How many attempts met a door that was busy.
    public let refused: Int
    /// In a second of time that went by, eight under way at once.
    public let perSecond: Double
    /// Milliseconds of the node's processors for each.
    public let serverProcessorMilliseconds: Double

    static func measure(seconds: Int) async throws -> HandshakeFigure {
        let server = try Server()
        let (mesh, address) = (server.mesh, server.address)
        let end = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        let before = try server.usage().processorSeconds
        let begin = monotonicNanoseconds()
        let (made, refused) = await withTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var (made, refused) = (0, 0)
                    while monotonicNanoseconds() < end {
                        do {
                            let node = try await mesh.node()
                            _ = try await node.connect(to: [address], expecting: nil)
                            made += 1
                            await node.shutdown()
                        } catch { refused += 1 }
                    }
                    return (made, refused)
                }
            }
            return await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
        }
        let elapsed = Double(monotonicNanoseconds() - begin) / 1e9
        let spent = try server.usage().processorSeconds - before
        server.end()
        return HandshakeFigure(
            links: made, refused: refused, perSecond: Double(made) / elapsed,
            serverProcessorMilliseconds: 1000 * spent / Double(max(1, made)))
    }
}

/// Tries again what a busy door refused, as a node does.
func retrying(_ body: () async throws -> Void) async throws {
    for _ in 0..<50 {
        do { return try await body() } catch { try await Task.sleep(for: .milliseconds(100)) }
    }
    try await body()
}
