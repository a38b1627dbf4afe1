import Mesh
import MeshTransport
public import Trust
public import Wire

/// Joining a mesh with a ticket: the joiner's side.
public enum Joining {
    /// Why a node was not let in.
    public enum Failure: Error, Sendable, CustomStringConvertible {
        /// The ticket's time is over; nobody was asked.
        case expired
        /// The inviter refused, and said why.
        case refused(JoinResponse.RefusalCode, message: String)
        /// No connection came about at any of the ticket's addresses.
        case unreachable(mesh: String, reason: String)
        /// What the inviter showed is not valid by this machine's clock.
        case clock(reason: String, wasAsked: Bool)
        /// Nobody answered at the ticket's addresses who knows it.
        case notRecognised(mesh: String, reason: String)
        /// The inviter was asked, and its answer did not come.
        case interrupted(reason: String)

        /// Whether nobody answered, which may be otherwise a moment later.
        public var isWorthRetrying: Bool {
            switch self {
            case .notRecognised, .interrupted, .unreachable: true
            case .expired, .refused, .clock: false
            }
        }

        /// What is wrong and what to do.
        public var description: String {
            switch self {
            case .expired: "this ticket has expired, by this machine's clock: ask for a new one"
            case .refused(_, let message): message
            case .unreachable(let mesh, let reason):
                "nobody answers at the ticket's addresses (\(reason)): the inviter of the mesh "
                    + "'\(mesh)' is not running, or this machine has no way to it. The ticket was "
                    + "not used"
            case .clock(let reason, let wasAsked):
                "the clocks of this machine and of the inviter differ (\(reason)): compare "
                    + "`date -u` here and there, set the one that is wrong, and run the same "
                    + "command again. "
                    + (wasAsked
                        ? "If the ticket was used by this, it still lets this directory's node in"
                        : "The ticket was not used")
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
        try await join(
            ticket, directory: path, nodeName: nodeName, keys: keys, configuration: configuration,
            now: NodeRuntime.wallTime)
    }

    static func join(
        _ ticket: Ticket, directory path: String, nodeName: String, keys: KeyProtection,
        configuration: NodeConfiguration?, now: @escaping @Sendable () -> WallTime
    ) async throws -> StateDirectory {
        try StateDirectory.refuseExisting(at: path, ticket: ticket)
        let pending = try PendingJoin(at: path, ticket: ticket, keys: keys)
        // An attempt that was under way is finished even then: the inviter decides.
        guard pending.isResumed || now() < ticket.expires else { throw Failure.expired }
        // A name that no node can have is refused here, and not by the inviter's silence.
        _ = try JoinRequest(
            identity: pending.identity, name: nodeName, handshakeHash: [], mesh: ticket.genesis.id)
        let response: JoinResponse
        do throws(LinkError) {
            response = try await JoinExchange.join(
                with: ticket, identity: pending.identity, name: nodeName, wallClock: now,
                mayAsk: { pending.keep() })
        } catch {
            let wasAsked = try pending.isKept
            let mesh = "\(ticket.genesis.name) \(ticket.genesis.fingerprint)"
            switch error {
            case .clocksDiffer(let reason):
                throw Failure.clock(reason: reason, wasAsked: wasAsked)
            case let error where wasAsked: throw Failure.interrupted(reason: "\(error)")
            case .unreachable(let reasons):
                throw Failure.unreachable(mesh: mesh, reason: reasons.joined(separator: "; "))
            default: throw Failure.notRecognised(mesh: mesh, reason: "\(error)")
            }
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

    /// What to do about a clock that is wrong, though the node was let in; nil where it is not. The
    /// certificate of a node that joins begins when the inviter makes it.
    public static func clockWarning(_ chain: CertificateChain, now: WallTime) -> String? {
        let begin = chain.member.body.notBefore.seconds
        let difference = Int64(clamping: now.seconds) - Int64(clamping: begin)
        guard abs(difference) > TrustLimits.clockSkewMax.components.seconds else { return nil }
        return
            "This machine's clock is \(Hearsay.difference(ahead: difference)) the inviter's. No member accepts "
            + "a node beyond \(TrustLimits.clockSkewMax.components.seconds) s: set the clock that "
            + "is wrong before the node runs."
    }
}
