public import Mesh
public import Trust
public import Wire

/// What a member brings to its links. Replaced as a whole when a key or certificate is renewed.
public struct LinkCredentials: Sendable {
    /// The node.
    public var identity: Identity
    /// Its certificate.
    public var chain: CertificateChain
    /// The mesh.
    public var genesis: Genesis
    /// The keys of the lanes: the current one is the member lane's.
    public var gateKeys: GateKeyRing
    /// Who is not to be trusted any more.
    public var trust: TrustState
    /// The current link key.
    public var linkKey: LinkKeyPair

    /// Credentials as given.
    public init(
        identity: Identity, chain: CertificateChain, genesis: Genesis, gateKeys: GateKeyRing,
        trust: TrustState, linkKey: LinkKeyPair
    ) {
        self.identity = identity
        self.chain = chain
        self.genesis = genesis
        self.gateKeys = gateKeys
        self.trust = trust
        self.linkKey = linkKey
    }

    /// The current gate key.
    public var gateKey: GateKey { gateKeys.current.key }

    func handshakeLocal() throws(LinkError) -> LinkHandshake.Local {
        try LinkHandshake.Local(
            identity: identity, chain: chain, linkKey: linkKey, mesh: genesis.id)
    }
}

/// A request to join, with what the handshake says about who asks.
public struct JoinAttempt: Sendable {
    /// Which ticket the session was opened with, 8 bytes.
    public let keyID: [UInt8]
    /// What the node asks. Its signature was verified.
    public let request: JoinRequest
}

/// A member closed a connection and said that the fault is this node's. It is that member's word, and
/// no proof.
public struct TurnedAway: Sendable {
    /// Why, as it says.
    public enum Reason: Sendable, Equatable {
        /// This node, its certificate or its issuer was revoked. The text may hold anything.
        case revoked(String)
        /// This node's clock is another. By the member's own it was this time.
        case clock(WallTime)

        init?(_ code: LinkCloseCode, _ text: String) {
            switch code {
            case .revoked: self = .revoked(text)
            case .clock:
                guard let seconds = text.split(separator: " ").first.flatMap({ UInt64($0) }) else {
                    return nil
                }
                self = .clock(WallTime(seconds: seconds))
            default: return nil
            }
        }
    }

    /// The member.
    public let by: VerifiedMember
    /// Why, as it says.
    public let reason: Reason

    /// As given.
    public init(by: VerifiedMember, reason: Reason) {
        self.by = by
        self.reason = reason
    }
}

/// What happened to a link.
public enum LinkEvent: Sendable {
    /// A link to a member is open, the only one to it.
    case up(VerifiedMember)
    /// The link to a member is gone, and all its streams with it.
    case down(NodeID, LinkError)
    /// A round trip was measured.
    case roundTrip(NodeID, Duration)
}

/// Counts of what came to the peer port, for status and tests.
public struct LinkCounters: Sendable, Equatable {
    /// Connections that were accepted.
    public var accepted: UInt64 = 0
    /// Of those, closed at the door, without a word.
    public var refusedAtDoor: UInt64 = 0
    /// Handshakes that failed, at either end.
    public var handshakesFailed: UInt64 = 0
    /// Handshakes that led to a link.
    public var established: UInt64 = 0
    /// Links ended because the peer broke the protocol.
    public var violations: UInt64 = 0
    /// Connections that were let in and whose handshake is not over.
    public var halfOpen = 0
    /// Connections that wait at the door.
    public var waitingAtDoor = 0
    /// Links that are open, one per peer.
    public var links = 0
    /// Streams that were carried on for others.
    public var relayed: UInt64 = 0
    /// What the door did with those who came, in full.
    public var admission = AdmissionCounters()
}
