internal import Mesh
internal import NIOCore
internal import Synchronization
internal import Wire

/// Carries a link between two nodes that can't reach each other, at the third: pipes one stream into
/// another, as fast as the slower end takes it, and sees nothing but the sizes of sealed records.
enum RelayService {
    /// Serves a stream of ``LinkService/relay``, whose first bytes are the id of the node to reach.
    static func serve(
        _ stream: LinkStream, _ hub: NIOLoopBound<LinkHub>, _ loop: any EventLoop
    ) async {
        let asker = stream.peer
        let idle: Duration? = await loop.run {
            guard hub.value.relayRoom.enter(asker) else { return nil }
            hub.value.counted.relayed += 1
            return hub.value.relayRoom.idle
        }
        guard let idle else { return stream.reset(.refused) }
        defer { loop.execute { hub.value.relayRoom.leave(asker) } }
        do throws(LinkError) {
            guard let first = try await stream.read(), first.count >= NodeID.byteCount,
                let target = NodeID(Array(first.prefix(NodeID.byteCount)))
            else { return stream.reset(.badMessage) }
            // One relay between two nodes, not a chain of them.
            let link: Link? = await loop.run {
                guard target != asker, let connection = hub.value.links[target],
                    connection.relay == nil
                else { return nil }
                return hub.value.handle(of: connection)
            }
            guard let link else { return stream.reset(.refused) }
            let onward = try await link.open(service: .relayed, first: asker.bytes)
            let rest = Array(first.dropFirst(NodeID.byteCount))
            if !rest.isEmpty { try await onward.send(rest) }
            await pipe(stream, onward, idle: idle)
        } catch { stream.reset(code(of: error)) }
    }

    /// Both directions, until both are over, one of them fails, or nothing moves any more.
    private static func pipe(
        _ one: LinkStream, _ other: LinkStream, idle: Duration
    ) async {
        let moved = Moved()
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await move(from: one, to: other, moved) }
            group.addTask { await move(from: other, to: one, moved) }
            group.addTask {
                // A link inside asks for signs of life by itself: silence is its end.
                while moved.sinceLastLook() {
                    do { try await Task.sleep(for: idle) } catch { return true }
                }
                one.reset(.refused)
                other.reset(.refused)
                return false
            }
            var directions = 2
            for await isWhole in group {
                directions -= 1
                if !isWhole || directions == 0 { break }
            }
            group.cancelAll()
        }
    }

    /// True when the direction ended in good order.
    private static func move(
        from source: LinkStream, to sink: LinkStream, _ moved: Moved
    ) async -> Bool {
        do throws(LinkError) {
            while let pieces = try await source.readPieces() {
                for piece in pieces {
                    moved.note()
                    try await sink.send(piece)
                }
            }
            sink.finish()
            return true
        } catch {
            source.reset(code(of: error))
            sink.reset(code(of: error))
            return false
        }
    }

    /// What one end is told of what happened at the other.
    private static func code(of error: LinkError) -> StreamResetCode {
        if case .streamReset(let code, byPeer: true) = error { return code }
        return .refused
    }

    /// Whether anything moved lately.
    private final class Moved: Sendable {
        private let count = Mutex((now: 1, seen: 0))

        func note() { count.withLock { $0.now += 1 } }

        func sinceLastLook() -> Bool {
            count.withLock { count in
                defer { count.seen = count.now }
                return count.now != count.seen
            }
        }
    }
}
