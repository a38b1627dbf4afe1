public import Trust
public import Wire

/// What became of a ticket that somebody came with.
public enum Redemption: Sendable, Equatable {
    /// It counts, and is used up by this.
    case granted(labels: [Label], roles: Roles)
    /// It was used as often as it may be.
    case used
    /// Its time is over.
    case expired
    /// There is no such ticket.
    case unknown
}

/// A ticket that this node made, as its records say.
public struct TicketSummary: Sendable, Equatable {
    /// Whether it lets somebody in.
    public enum State: String, Sendable, Codable {
        /// It does.
        case open
        /// It was used as often as it may be.
        case used
        /// Its time is over.
        case expired
        /// It was withdrawn.
        case withdrawn
    }

    /// Its id, as hexadecimal digits; not its secret.
    public let id: String
    /// Whether it lets somebody in now.
    public let state: State
    /// When it was made.
    public let created: WallTime
    /// Until when it is good.
    public let expires: WallTime
    /// How often it may be used.
    public let uses: UInt16
    /// Who used it.
    public let usedBy: [NodeID]
    /// The labels that its users' certificates carry.
    public let labels: [Label]
    /// What its users may do.
    public let roles: Roles
}

extension StateDirectory {
    /// Makes a ticket and remembers it: from now on it lets its holder in.
    ///
    /// The running node need not be told: it looks in the directory when somebody comes.
    public func createTicket(
        addresses: [NetworkAddress], lifetime: Duration, uses: UInt16, labels: [Label],
        roles: Roles = .ordinary, now: WallTime
    ) throws(StateError) -> Ticket {
        guard isIssuer else { throw .notAnIssuer(path: path) }
        guard roles.canBeGranted else {
            throw .invalid("a ticket makes servers and clients; for an issuer see `mesh certify`")
        }
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
        pruneTickets(now: now)
        let ticket = Ticket.generate(
            genesis: genesis, inviter: identity.nodeID, addresses: addresses,
            expires: now + lifetime, uses: uses, labels: labels,
            roles: roles)
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
        let id = hexadecimal(keyID)
        guard !files.exists(withdrawnName(id)) else { return .unknown }
        for use in 0..<Int(record.uses) {
            let name = useName(id, use)
            if files.exists(name) {
                if let user = try? Self.load(files, name, "ticket use"), user == node.bytes {
                    return now < record.expires
                        ? .granted(labels: record.labels, roles: record.roles) : .expired
                }
                continue
            }
            guard now < record.expires else { return .expired }
            let content = Self.sealed("ticket use", node.bytes)
            if try files.createExclusively(content, at: name) {
                return .granted(labels: record.labels, roles: record.roles)
            }
        }
        return .used
    }

    // MARK: Looking after them

    /// The tickets that this node made and still remembers, the newest first.
    public func tickets(now: WallTime) -> [TicketSummary] {
        ticketRecords().map { record in
            let id = hexadecimal(record.keyID)
            let usedBy = (0..<Int(record.uses)).compactMap { use in
                try? Self.load(files, useName(id, use), "ticket use")
            }.compactMap { NodeID($0) }
            let state: TicketSummary.State =
                if files.exists(withdrawnName(id)) {
                    .withdrawn
                } else if usedBy.count >= Int(record.uses) {
                    .used
                } else if record.expires <= now {
                    .expired
                } else {
                    .open
                }
            return TicketSummary(
                id: id, state: state, created: record.created, expires: record.expires,
                uses: record.uses, usedBy: usedBy, labels: record.labels, roles: record.roles)
        }.sorted { ($1.created, $0.id) < ($0.created, $1.id) }
    }

    /// Withdraws a ticket: it lets nobody in from now on, and its holder is told so. Whom it has let
    /// in stays in.
    ///
    /// - Parameter text: The ticket's id, or a beginning of it that no other has.
    /// - Returns: The ticket as it is now.
    public func withdrawTicket(_ text: String, now: WallTime) throws(StateError) -> TicketSummary {
        let all = tickets(now: now)
        let found = all.filter { !text.isEmpty && $0.id.hasPrefix(text.lowercased()) }
        guard let ticket = found.first else {
            throw .invalid("no ticket of this node has the id '\(text)': see `shoal invite list`")
        }
        guard found.count == 1 else {
            throw .invalid(
                "'\(text)' begins the ids of \(found.count) tickets: write more of it "
                    + "(\(found.prefix(4).map(\.id).joined(separator: ", ")))")
        }
        try Self.save(files, withdrawnName(ticket.id), "withdrawn ticket", [])
        return tickets(now: now).first { $0.id == ticket.id } ?? ticket
    }

    private func ticketRecords() -> [TicketRecord] {
        files.list("tickets").filter { $0.hasSuffix(".record") }.compactMap { name in
            try? Self.load(files, "tickets/\(name)", "ticket", secret: true, as: TicketRecord.self)
        }
    }

    /// Forgets tickets that expired as long ago as a ticket may live.
    private func pruneTickets(now: WallTime) {
        for record in ticketRecords()
        where record.expires + TrustLimits.ticketLifetimeMax < now {
            let id = hexadecimal(record.keyID)
            // The record last: without it, the rest could not be found again.
            for use in 0..<Int(record.uses) { files.remove(useName(id, use)) }
            files.remove(withdrawnName(id))
            files.remove(recordName(record.keyID))
        }
    }

    private func recordName(_ keyID: [UInt8]) -> String {
        "tickets/\(hexadecimal(keyID)).record"
    }

    private func useName(_ id: String, _ use: Int) -> String { "tickets/\(id).use-\(use)" }

    private func withdrawnName(_ id: String) -> String { "tickets/\(id).withdrawn" }
}
