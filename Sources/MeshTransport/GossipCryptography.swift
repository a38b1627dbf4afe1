import Gossip
import Trust
import Wire

/// Claims signed and checked with Ed25519, each kind in a domain of its own.
struct IdentityClaimAuthority: ClaimAuthority {
    let identity: Identity
    let mesh: MeshID

    private func domain(of kind: ClaimKind) -> SignatureDomain {
        switch kind {
        case .alive: .claimAlive
        case .metadata: .claimMetadata
        case .activity: .claimActivity
        case .leave: .claimLeave
        case .suspect: .claimSuspect
        }
    }

    func sign(_ body: [UInt8], kind: ClaimKind) -> [UInt8] {
        identity.sign(body, domain: domain(of: kind), mesh: mesh)
    }

    func verify(
        _ signature: [UInt8], over body: [UInt8], kind: ClaimKind, by node: NodeID
    ) -> Bool {
        node.verifies(signature, over: body, domain: domain(of: kind), mesh: mesh)
    }
}

/// Datagrams under keys that grow from the link keys of both ends.
struct LinkKeyDatagramCipher: DatagramCipher {
    let nodeID: NodeID
    let mesh: MeshID
    let linkKey: LinkKeyPair
    let gateKey: GateKey

    func key(
        sender: NodeID, receiver: NodeID, senderBoot: BootID, receiverBoot: BootID, peer: NodeID,
        peerLinkKey: LinkKey
    ) -> [UInt8]? {
        let root = try? DatagramRoot(
            ours: linkKey, node: nodeID, theirs: peerLinkKey, peer: peer, mesh: mesh)
        return root?.sendingKey(
            sender: sender, receiver: receiver, senderBoot: senderBoot,
            receiverBoot: receiverBoot)
    }

    func seal(key: [UInt8], counter: UInt64, header: [UInt8], _ plaintext: [UInt8]) -> [UInt8] {
        DatagramSeal.seal(key: key, counter: counter, header: header, plaintext)
    }

    func open(key: [UInt8], counter: UInt64, header: [UInt8], _ ciphertext: [UInt8]) -> [UInt8]? {
        try? DatagramSeal.open(key: key, counter: counter, header: header, ciphertext)
    }

    func hint(of node: NodeID) -> [UInt8] { gateKey.senderHint(of: node) }

    var meshKeyID: [UInt8] { gateKey.keyID }
}
