internal import Mesh
internal import Noise
internal import Trust
internal import Wire

/// Judges who asks for a link, as a ``MemberVerifier`` does; but for one whose only fault is that it
/// was revoked, or that its clock is another, the handshake comes to its end all the same, with a
/// peer that is no member. Such a connection serves nothing: ``LinkHub`` closes it at once, with the
/// reason. So a node learns what is wrong with it from those who refuse it.
struct AskerVerifier: LinkVerifier {
    let strict: MemberVerifier
    let genesis: Genesis
    let now: @Sendable () -> WallTime

    func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer {
        do {
            return try strict.verify(payload: payload, staticKey: staticKey, standing: standing)
        } catch .peerRefused(let reason) {
            guard standing != .joiner, let proof = try? LinkProof(decoding: payload) else {
                throw .peerRefused(reason)
            }
            // A key is made for a day, and used for half of it: the clock of who made it says a time
            // between its beginning and its middle. Its certificate may have come after it.
            let end = proof.linkKeyNotAfter.seconds
            let day = UInt64(TrustLimits.linkKeyLifetimeMax.components.seconds)
            for time in [now().seconds, end - min(end, day), end - min(end, day / 2)] {
                let other = MemberVerifier(
                    genesis: genesis, trust: nil, now: { WallTime(seconds: time) })
                if let peer = try? other.verify(
                    payload: payload, staticKey: staticKey, standing: standing)
                {
                    return LinkPeer(
                        nodeID: peer.nodeID, member: nil, proof: peer.proof, linkKey: staticKey,
                        version: peer.version)
                }
            }
            throw .peerRefused(reason)
        } catch { throw error }
    }
}

extension LinkHub {
    /// Judges who asks now.
    var askerVerifier: AskerVerifier {
        AskerVerifier(strict: verifier, genesis: genesis, now: wallClock)
    }

    /// Closes a connection whose asker was judged to be no member, with the reason, which it returns.
    func turnAway(_ connection: LinkConnection, _ link: EstablishedLink) -> LinkCloseCode {
        if endIfRevoked(connection) { return .revoked }
        let now = wallClock()
        do {
            try link.peer.proof.checkTimes(
                at: now, allowingExpired: link.preamble.lane == .catchUp)
            connection.close(.expired, text: "its time was over a moment ago")
            return .expired
        } catch {
            connection.close(.clock, text: "\(now.seconds) \(error)")
            return .clock
        }
    }
}
