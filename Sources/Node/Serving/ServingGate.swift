import Mesh
import Trust

/// Whether this node serves a peer.
struct ServingGate: Sendable {
    let keeper: TrustKeeper

    /// Why not; nil when it does. Waits a moment for a node that has just started.
    func patientObjection(to peer: VerifiedMember) async -> InferenceRefusal? {
        let end = ContinuousClock.now + TrustServiceLimits.briefingPatience
        while !keeper.isBriefed, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(50))
        }
        return objection(to: peer)
    }

    /// Why not; nil when it does.
    func objection(to peer: VerifiedMember) -> InferenceRefusal? {
        if !keeper.isBriefed {
            return InferenceRefusal(
                code: .notReady,
                message: "this node was away, and waits to hear who was revoked meanwhile")
        }
        guard keeper.chain.member.body.roles.contains(.server) else {
            return InferenceRefusal(
                code: .modelNotHere, message: "this node serves its own user alone")
        }
        guard peer.roles.contains(.client) else {
            return InferenceRefusal(
                code: .notAllowed,
                message:
                    "the certificate of \(peer.name) lacks the role 'client', so it may not ask "
                    + "other nodes")
        }
        return nil
    }
}
