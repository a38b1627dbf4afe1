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

        /// What is wrong and what to do.
        public var description: String {
            switch self {
            case .expired: "this ticket has expired: ask for a new one"
            case .refused(_, let message): message
            case .notRecognised(let mesh, let reason):
                "no node that answers at the ticket's addresses knows this ticket. It is for the "
                    + "mesh '\(mesh)': either that mesh's inviter is not running, another mesh "
                    + "has its address now, or the ticket was withdrawn (\(reason))"
            }
        }
    }

    /// Joins the mesh of `ticket` and writes the new node's directory. When it throws, nothing was
    /// written.
    public static func join(
        _ ticket: Ticket, directory path: String, nodeName: String
    ) async throws -> StateDirectory {
        try StateDirectory.refuseExisting(at: path, ticket: ticket)
        let now = NodeRuntime.wallTime
        guard now() < ticket.expires else { throw Failure.expired }
        let identity = Identity.generate()
        let response: JoinResponse
        do {
            response = try await JoinExchange.join(
                with: ticket, identity: identity, name: nodeName, wallClock: now)
        } catch {
            throw Failure.notRecognised(
                mesh: "\(ticket.genesis.name) \(ticket.genesis.fingerprint)", reason: "\(error)")
        }
        switch response {
        case .refused(let code, let message): throw Failure.refused(code, message: message)
        case .admitted(let admission):
            return try StateDirectory.create(
                at: path, genesis: ticket.genesis, identity: identity, admission: admission,
                ticketAddresses: ticket.addresses, now: now())
        }
    }
}
