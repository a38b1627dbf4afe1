public import Wire

/// Packets that wait while a session is made.
extension DatagramSessions {
    /// When ``repeatHellos(at:)`` has something to do; nil for never.
    public var nextDeadline: MonotonicInstant? { queue.first?.due }

    /// Keeps a packet until the session is made, if there is room.
    mutating func wait(_ packet: [UInt8], for node: NodeID, at now: MonotonicInstant) {
        if let session = sessions[node],
            now - session.waitingSince >= DatagramLimits.waitingLifetime
        {
            // Nobody looked after them in time.
            dropWaiting(for: node)
            sessions[node]?.waitingSince = now
        }
        guard var session = sessions[node] else { return }
        if !session.isQueued {
            guard queue.count < DatagramLimits.waitingPeersMax else {
                counters.waitedInVain += 1
                return
            }
            session.isQueued = true
            session.waitingSince = now
            // All wait equally long, so the queue stays in order of time.
            queue.append(Waiting(node: node, due: now + DatagramLimits.helloRetry))
        }
        session.waiting.append(packet)
        waiting += 1
        if session.waiting.count > DatagramLimits.waitingMax {
            session.waiting.removeFirst()
            waiting -= 1
            counters.waitedInVain += 1
        }
        sessions[node] = session
    }

    /// Takes what waits for a session.
    mutating func takeWaiting(for node: NodeID) -> [[UInt8]] {
        guard let packets = sessions[node]?.waiting, !packets.isEmpty else { return [] }
        sessions[node]?.waiting = []
        waiting -= packets.count
        return packets
    }

    mutating func dropWaiting(for node: NodeID) {
        counters.waitedInVain += UInt64(takeWaiting(for: node).count)
    }

    /// Hellos to send once more, because packets wait for their answer; packets that waited too long
    /// are dropped.
    public mutating func repeatHellos(
        at now: MonotonicInstant
    ) -> [(datagram: [UInt8], to: NodeID)] {
        guard let first = queue.first, first.due <= now else { return [] }
        var hellos: [(datagram: [UInt8], to: NodeID)] = []
        let due = Array(queue.prefix { $0.due <= now })
        queue.removeFirst(due.count)
        for entry in due {
            guard let session = sessions[entry.node] else { continue }
            guard !session.waiting.isEmpty,
                now - session.waitingSince < DatagramLimits.waitingLifetime
            else {
                dropWaiting(for: entry.node)
                sessions[entry.node]?.isQueued = false
                continue
            }
            if let hello = greet(entry.node, .repeated, at: now) {
                hellos.append((hello, entry.node))
            }
            queue.append(Waiting(node: entry.node, due: now + DatagramLimits.helloRetry))
        }
        return hellos
    }
}
