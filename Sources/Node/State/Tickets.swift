public import Trust
public import Wire

/// What became of a ticket that somebody came with.
public enum Redemption: Sendable, Equatable {
    /// It counts, and is used up by this.
    case granted(labels: [Label])
    /// It was used as often as it may be.
    case used
    /// Its time is over.
    case expired
    /// There is no such ticket.
    case unknown
}

extension StateDirectory {
    /// Makes a ticket and remembers it: from now on it lets its holder in.
    ///
    /// The running node need not be told: it looks in the directory when somebody comes.
    public func createTicket(
        addresses: [NetworkAddress], lifetime: Duration, uses: UInt16, labels: [Label],
        now: WallTime
    ) throws(StateError) -> Ticket {
        guard isIssuer else { throw .notAnIssuer(path: path) }
        guard lifetime > .zero, lifetime <= TrustLimits.ticketLifetimeMax else {
            throw .invalid(
                "a ticket lives from 1 second to "
                    + "\(TrustLimits.ticketLifetimeMax.components.seconds / 86_400) days")
        }
        guard (1...TrustLimits.ticketUsesMax).contains(uses) else {
            throw .invalid("a ticket has from 1 to \(TrustLimits.ticketUsesMax) uses")
        }
        do { try Label.check(labels) } catch { throw .trust(error) }
        guard !addresses.isEmpty else {
            throw .invalid(
                "no address is known at which this node can be reached: give one by --address")
        }
        let ticket = Ticket.generate(
            genesis: genesis, inviter: identity.nodeID, addresses: addresses,
            expires: now + lifetime, uses: uses, labels: labels)
        try Self.save(
            files, recordName(ticket.keyID), "ticket", ticket.record(created: now).encoded)
        return ticket
    }

    /// The ticket that a preamble names, used up or not, or nil: needed before its holder can be
    /// told anything at all.
    public func ticketRecord(keyID: [UInt8]) -> TicketRecord? {
        guard keyID.count == keyIDBytes else { return nil }
        let record = try? Self.load(
            files, recordName(keyID), "ticket", secret: true, as: TicketRecord.self)
        return record?.keyID == keyID ? record : nil
    }

    /// Uses a ticket once for `node`. Of concurrent uses, in this process or another, before or
    /// after a restart, no more are granted than the ticket has.
    ///
    /// The same node coming again with the ticket it has used (its answer was lost on the way) is
    /// granted again.
    public func redeem(
        keyID: [UInt8], by node: NodeID, now: WallTime
    ) throws(StateError) -> Redemption {
        guard let record = ticketRecord(keyID: keyID) else { return .unknown }
        let base = "tickets/\(hexadecimal(keyID))"
        for use in 0..<Int(record.uses) {
            let name = "\(base).use-\(use)"
            if files.exists(name) {
                if let user = try? Self.load(files, name, "ticket use"), user == node.bytes {
                    return now < record.expires ? .granted(labels: record.labels) : .expired
                }
                continue
            }
            guard now < record.expires else { return .expired }
            let content = Self.sealed("ticket use", node.bytes)
            if try files.createExclusively(content, at: name) {
                return .granted(labels: record.labels)
            }
        }
        return .used
    }

    private func recordName(_ keyID: [UInt8]) -> String {
        "tickets/\(hexadecimal(keyID)).record"
    }
}
