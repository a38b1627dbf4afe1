import Noise
import Testing
import Trust
import Wire

@testable import Mesh

/// Accepts everyone as the node whose id is its payload.
struct TrustingVerifier: LinkVerifier {
    func verify(
        payload: [UInt8], staticKey: LinkKey, standing: LinkStanding
    ) throws(LinkError) -> LinkPeer {
        do {
            let proof = try LinkProof(decoding: payload)
            return LinkPeer(
                nodeID: proof.node, member: nil, proof: proof, linkKey: staticKey, version: 1)
        } catch { throw .peerRefused("\(error)") }
    }
}

func sessions(
    bounds: LinkSession.Bounds = .init(rekeyRecords: 500),
    responder other: LinkSession.Bounds? = nil, pads: Bool = true
) throws -> (LinkSession, LinkSession) {
    let mesh = MeshID(number: 1)
    let key = gate
    func local() throws -> LinkHandshake.Local {
        let identity = Identity.generate()
        let linkKey = LinkKeyPair.generate(now: WallTime(seconds: 0))
        return LinkHandshake.Local(
            nodeID: identity.nodeID, mesh: mesh,
            staticKey: try NoiseKeyPair(secret: linkKey.secret),
            proof: LinkProof(identity: identity, chain: nil, linkKey: linkKey, mesh: mesh).encoded)
    }
    let preamble = try #require(
        LinkPreamble(lane: .member, keyID: [UInt8](repeating: 0, count: 8)))
    var initiator = try LinkHandshake(
        initiating: preamble, preSharedKey: key, local: try local(), expecting: nil,
        verifier: TrustingVerifier(), ephemeral: .generate(), at: start)
    var responder = LinkHandshake(
        responding: { _ in key }, local: try local(), verifier: TrustingVerifier(),
        ephemeral: .generate(), at: start)
    // The initiator's is established first: it is the first to be over.
    var links: [EstablishedLink] = []
    func bytes(_ effects: [HandshakeEffect]) -> [UInt8] {
        var sent: [UInt8] = []
        for effect in effects {
            if case .send(let bytes) = effect { sent += bytes }
            if case .established(let link) = effect { links.append(link) }
        }
        return sent
    }
    _ = bytes(
        responder.receive(
            bytes(initiator.receive(bytes(responder.receive(bytes(initiator.start())))))))
    try #require(links.count == 2)
    return (
        LinkSession(links[0], pads: pads, bounds: bounds, at: start),
        LinkSession(links[1], pads: pads, bounds: other ?? bounds, at: start)
    )
}

extension LinkSession {
    /// The next record without its length, or nil.
    mutating func record(at now: MonotonicInstant = start) throws -> [UInt8]? {
        try nextRecord(at: now).map { Array($0.dropFirst(2)) }
    }
}

/// Both ends of one finished handshake.
func link(
    _ initiator: LinkHandshake, _ responder: LinkHandshake
) throws -> (EstablishedLink, EstablishedLink) {
    let (left, right) = run(initiator, responder)
    return (try #require(left.established), try #require(right.established))
}
