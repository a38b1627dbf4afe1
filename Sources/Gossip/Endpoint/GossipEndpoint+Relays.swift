import Wire

/// Datagrams that go through a third member, sealed end to end: it can lose them, and no more.
extension GossipEndpoint {
    /// Asks `relay` to pass on datagrams that are sealed for `node`.
    mutating func forward(
        _ datagrams: [[UInt8]], to node: NodeID, via relay: NodeID, at now: MonotonicInstant,
        _ effects: inout [EndpointEffect]
    ) {
        for datagram in datagrams {
            let packets = core.forwarding(datagram, to: node, via: relay)
            if packets.isEmpty { own.unsendable += 1 }
            for (packet, path) in packets {
                if case .relay = path { continue }
                send(packet, to: relay, path: path, at: now, &effects)
            }
        }
    }

    /// Opens a datagram that `origin` sealed for this node and `relay` passed on. It counts as any
    /// other from `origin`, but tells nothing of an address, and answers go back the way it came.
    mutating func openRelayed(
        _ sealed: [UInt8], from origin: NodeID, via relay: NodeID, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [EndpointEffect]
    ) {
        own.relayedReceived += 1
        guard let arrival = sessions.read(sealed), arrival.claimedSender == origin else {
            own.relayedRefused += 1
            return
        }
        let received = open(arrival, sealed, of: SourceLimits.prefix(of: relay), at: now)
        forward(received.replies + received.released, to: origin, via: relay, at: now, &effects)
        guard let packet = received.packet else { return }
        noteDetour(packet, from: origin, at: now)
        run(
            .packet(packet, from: origin, path: .relay(relay)), at: now, using: &generator, &effects
        )
    }
}
