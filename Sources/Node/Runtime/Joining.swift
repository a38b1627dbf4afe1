import MeshTransport
public import Trust
import Wire

/// Joining a mesh with a ticket: the joiner's side.
public enum Joining {
    /// Why a node was not let in.
    public enum Failure: Error, Sendable, CustomStringConvertible {
        /// The ticket's time is over; nobody was asked.
        case expired
        /// The inviter refused, and said why.
        case refused(JoinResponse.RefusalCode, message: String)
        /// Nobody answered at the ticket's addresses who knows it.
        case notRecognised(mesh: String, reason: String)
        /// The inviter was asked, and its answer did not come.
        case interrupted(reason: String)

        /// Whether nobody answered, which may be otherwise a moment later.
        public var isWorthRetrying: Bool {
            switch self {
            case .notRecognised, .interrupted: true
            case .expired, .refused: false
            }
        }

        /// What is wrong and what to do.
        public var description: String {
            switch self {
            case .expired: "this ticket has expired: ask for a new one"
            case .refused(_, let message): message
            case .notRecognised(let mesh, let reason):
                "no node that answers at the ticket's addresses knows this ticket. It is for the "
                    + "mesh '\(mesh)': either that mesh's inviter is not running, another mesh "
                    + "has its address now, or the ticket was withdrawn (\(reason))"
            case .interrupted(let reason):
                "the inviter was asked, and its answer did not come (\(reason)): run the same "
                    + "command again. If the ticket was used by this, it still lets this "
                    + "directory's node in"
            }
        }
    }

    /// Joins the mesh of `ticket` and writes the new node's directory.
    ///
    /// When it throws, nothing was written, except after ``Failure/interrupted(reason:)``: then
    /// the identity is kept with which the ticket may have been used, and the next attempt with
    /// the same ticket goes on with it. So it does after a crash.
    ///
    /// - Parameter configuration: What becomes `config.json`; nil leaves what is there.
    public static func join(
        _ ticket: Ticket, directory path: String, nodeName: String, keys: KeyProtection = .none,
        configuration: NodeConfiguration? = nil
    ) async throws -> StateDirectory {
        try StateDirectory.refuseExisting(at: path, ticket: ticket)
        let now = NodeRuntime.wallTime
        let pending = try PendingJoin(at: path, ticket: ticket, keys: keys)
        // An attempt that was under way is finished even then: the inviter decides.
        guard pending.isResumed || now() < ticket.expires else { throw Failure.expired }
        let response: JoinResponse
        do {
            response = try await JoinExchange.join(
                with: ticket, identity: pending.identity, name: nodeName, wallClock: now,
                mayAsk: { pending.keep() })
        } catch {
            if try pending.isKept { throw Failure.interrupted(reason: "\(error)") }
            throw Failure.notRecognised(
                mesh: "\(ticket.genesis.name) \(ticket.genesis.fingerprint)", reason: "\(error)")
        }
        switch response {
        case .refused(let code, let message):
            pending.forget()
            throw Failure.refused(code, message: message)
        case .admitted(let admission):
            let directory = try StateDirectory.create(
                at: path, genesis: ticket.genesis, identity: pending.identity,
                admission: admission, ticketAddresses: ticket.addresses, keys: keys,
                configuration: configuration, now: now(), replacing: ticket)
            pending.forget()
            return directory
        }
    }
}
