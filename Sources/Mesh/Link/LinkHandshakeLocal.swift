public import Noise
public import Trust
public import Wire

/// What the shell is to do for a handshake.
public enum HandshakeEffect: Sendable {
    /// Send these bytes.
    case send([UInt8])
    /// The handshake is over.
    case established(EstablishedLink)
    /// Close the connection without sending anything.
    case fail(LinkError)
}

extension LinkHandshake {
    /// What a side brings to a handshake.
    public struct Local: Sendable {
        /// This node.
        public var nodeID: NodeID
        /// The mesh.
        public var mesh: MeshID
        /// The current link key.
        public var staticKey: NoiseKeyPair
        /// The encoded proof that goes into this side's message.
        public var proof: [UInt8]
        /// Signs the answer to a cookie; nil for a node that joins.
        public var signer: CookieSigner?

        /// What a side brings, as given.
        public init(
            nodeID: NodeID, mesh: MeshID, staticKey: NoiseKeyPair, proof: [UInt8],
            signer: CookieSigner? = nil
        ) {
            self.nodeID = nodeID
            self.mesh = mesh
            self.staticKey = staticKey
            self.proof = proof
            self.signer = signer
        }

        /// What a node brings: its proof and what signs its answers follow from the rest.
        ///
        /// - Parameter chain: Nil for a node that joins.
        public init(
            identity: Identity, chain: CertificateChain?, linkKey: LinkKeyPair, mesh: MeshID
        ) throws(LinkError) {
            do { staticKey = try NoiseKeyPair(secret: linkKey.secret) } catch {
                throw .peerRefused("\(error)")
            }
            nodeID = identity.nodeID
            self.mesh = mesh
            proof =
                LinkProof(identity: identity, chain: chain, linkKey: linkKey, mesh: mesh).encoded
            signer = chain.map { CookieSigner(identity: identity, chain: $0) }
        }
    }
}
