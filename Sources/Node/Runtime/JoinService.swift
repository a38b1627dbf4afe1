import Gossip
import Logging
import MeshTransport
import Trust
import Wire

/// Lets holders of tickets in: the inviter's side of the join lane.
struct JoinService: Sendable {
    let directory: StateDirectory
    let logger: Logger
    let now: @Sendable () -> WallTime
    /// The members that a newcomer begins with, this node first.
    let seeds: @Sendable () async -> [SeedAddress]
    /// The names that are taken.
    let names: @Sendable () async -> Set<String>

    func respond(to attempt: JoinAttempt) async -> JoinResponse {
        let (request, keyID) = (attempt.request, attempt.keyID)
        let redemption: Redemption
        do {
            redemption = try directory.redeem(keyID: keyID, by: request.node, now: now())
        } catch {
            logger.error("a ticket could not be redeemed", metadata: ["reason": "\(error)"])
            return .refused(.cannotIssue, message: "the inviter cannot record the ticket's use")
        }
        switch redemption {
        case .used:
            return .refused(.used, message: "this ticket has been used: ask for a new one")
        case .expired:
            return .refused(.expired, message: "this ticket has expired: ask for a new one")
        case .unknown:
            return .refused(.withdrawn, message: "this ticket was withdrawn: ask for a new one")
        case .granted(let labels, let roles):
            do {
                let name = unique(request.name, among: await names())
                let chain = try directory.issue(
                    to: request.node, name: name, labels: labels, roles: roles, now: now())
                let gateKey = try directory.gateKeys().current
                logger.info("let in", metadata: ["name": "\(name)", "id": "\(request.node)"])
                return .admitted(
                    JoinResponse.Admission(
                        chain: chain, gateKey: gateKey, trust: try directory.trust(),
                        seeds: await seeds()))
            } catch {
                logger.error("a member could not be certified", metadata: ["reason": "\(error)"])
                return .refused(.cannotIssue, message: "the inviter cannot issue certificates")
            }
        }
    }

    private func unique(_ name: String, among taken: Set<String>) -> String {
        var candidate = name
        var number = 2
        while taken.contains(candidate) {
            let suffix = "-\(number)"
            candidate = String(name.prefix(TrustLimits.nodeNameBytesMax - suffix.count)) + suffix
            number += 1
        }
        return candidate
    }
}
