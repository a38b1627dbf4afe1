import Wire

/// Packets as they come in.
extension GossipCore {
    private mutating func receive(
        _ message: GossipMessage, _ heard: inout Heard, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [GossipEffect]
    ) {
        switch message {
        case .none: break
        case .ping(let number): answer(number, &heard, at: now, &effects)
        case .ack(let number, let report):
            receiveAck(number, report, heard, at: now, using: &generator, &effects)
        case .forward(let number, let target, let sealed):
            forward(number, to: target, sealed, heard, at: now, &effects)
        case .forwarded(let origin, let sealed):
            forwarded(from: origin, sealed, heard, at: now, &effects)
        case .forwardReceipt(_, let accepted): receivedReceipt(accepted: accepted, heard)
        }
    }

    /// Answers a ping, on the way it came. Who is suspected or buried is told so with it, and who
    /// passes on what this node has refuted is told that.
    ///
    /// A node that datagrams don't reach, as far as it knows, answers over the link where there is
    /// one: an answer would open the way for the next datagram, which then proved nothing.
    private mutating func answer(
        _ number: UInt32, _ heard: inout Heard, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        let report = AckReport(
            load: own.current.load,
            patience: configuration.features.contains(.patience) ? health.patience(at: now) : 0,
            coordinate: vivaldi.coordinate,
            observed: heard.path == .datagram ? arrivedFrom : nil)
        var claims: [[UInt8]] = []
        if let slot = members.slot(of: heard.from) {
            claims = accusationClaims(for: slot)
            heard.wasTold = !claims.isEmpty
        }
        if heard.owesRefutation {
            heard.owesRefutation = false
            if claims.isEmpty || claims[0] != own.aliveClaim.encoded {
                claims.insert(own.aliveClaim.encoded, at: 0)
            }
        }
        let corrections = corrections(for: heard)
        heard.refuted = []
        let isTrial = heard.path == .datagram && own.alive.reachability != .direct
        let path = isTrial && links.contains(heard.from) ? .link : heard.path
        var isBare = false
        if case .relay = path { isBare = true }
        send(
            .ack(sequence: number, report), claims: claims, corrections: corrections,
            to: heard.from, path: path, isBare: isBare, at: now, &effects)
    }

    mutating func receive(
        _ packet: GossipPacket, from: NodeID, path: GossipPath, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator, _ effects: inout [GossipEffect]
    ) {
        counters.unknownClaims += UInt64(packet.unknownClaims)
        // A relay may have held back what it brings: of that only an answer to a question of now is
        // a sign of life. So may anybody on the way of a datagram, which is worth a doubt.
        if let slot = members.slot(of: from) {
            switch path {
            case .link: members[slot].heard = now
            case .datagram: members[slot].overheard = now
            case .relay: break
            }
        }
        var heard = Heard(from: from, path: path)
        if !packet.claims.isEmpty { receive(packet.claims, &heard, at: now, &effects) }
        if path == .datagram, let slot = members.slot(of: from), !members[slot].speaksByDatagram {
            members[slot].speaksByDatagram = true
        }
        if let message = packet.message {
            receive(message, &heard, at: now, using: &generator, &effects)
        }
        if heard.owesRefutation {
            // Refuted already, and the sender passes the accusation on: it is told, once a packet.
            send(
                .none, claims: [own.aliveClaim.encoded], to: from, path: path, at: now, &effects)
        }
        correct(heard, at: now, &effects)
        tellTheAccused(&heard, at: now, &effects)
    }
}

/// One packet while it is taken in.
struct Heard {
    /// Its authenticated sender.
    let from: NodeID
    /// The way it came.
    let path: GossipPath
    /// The sender passes on an accusation that this node has refuted.
    var owesRefutation = false
    /// Members that refuted what the sender says of them.
    var refuted: [MemberTable.Slot] = []
    /// The sender was answered, and told with it what it is accused of.
    var wasTold = false
}
