public import Noise
public import Trust
public import Wire

/// Who the other end of a link proved to be.
public struct LinkPeer: Sendable {
    /// The node.
    public let nodeID: NodeID
    /// The member as its certificate says; nil for a node that joins.
    public let member: VerifiedMember?
    /// The proof that was verified.
    public let proof: LinkProof
    /// The key that the handshake authenticated.
    public let linkKey: LinkKey
    /// The newest protocol version that both ends speak.
    public let version: UInt16

    /// A peer as verified.
    public init(
        nodeID: NodeID, member: VerifiedMember?, proof: LinkProof, linkKey: LinkKey, version: UInt16
    ) {
        self.nodeID = nodeID
        self.member = member
        self.proof = proof
        self.linkKey = linkKey
        self.version = version
    }
}

/// What a lane asks of the other end's certificate.
public enum LinkStanding: Sendable, Hashable {
    /// One that is valid now.
    case member
    /// None: the node that joins has none yet.
    case joiner
    /// One that was valid and was not revoked: the catch-up lane lets a member back in whose
    /// certificate ran out while it was away.
    case returning

    /// What a side asks of its peer.
    ///
    /// - Parameter asksInitiator: Whether it is the initiator that is judged.
    init(lane: LinkLane, asksInitiator: Bool) {
        switch lane {
        case .member: self = .member
        case .join: self = asksInitiator ? .joiner : .member
        case .catchUp: self = .returning
        }
    }
}

/// Decides who the other end of a handshake is.
public protocol LinkVerifier: Sendable {
    /// Checks what the peer's handshake message says of it.
    ///
    /// - Parameters:
    ///   - payload: The bytes of a `LinkProof`.
    ///   - staticKey: The key that the handshake authenticated, which the proof must be about.
    ///   - standing: What the lane asks for.
    func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer
}

/// A finished handshake.
public struct EstablishedLink: Sendable {
    /// The other end.
    public let peer: LinkPeer
    /// Which lane the link is on, and by which key.
    public let preamble: LinkPreamble
    /// What the initiator made it for.
    public let purpose: LinkPurpose
    /// Which end this is.
    public let role: NoiseRole
    /// The cipher of this side's records.
    public let sending: CipherState
    /// The cipher of the peer's records.
    public let receiving: CipherState
    /// Unique to this session and the same at both ends.
    public let handshakeHash: [UInt8]
    /// Bytes that came after the handshake: the peer's first records.
    public let leftover: [UInt8]
}
