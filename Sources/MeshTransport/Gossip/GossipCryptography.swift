import Gossip
import Secrets
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
    private let gateKey: GateKey
    /// By the number of its name.
    private let superseded: [UInt64: GateKey]
    let supersededKeyIDs: [UInt64]

    init(nodeID: NodeID, mesh: MeshID, linkKey: LinkKeyPair, gateKeys: GateKeyRing) {
        self.nodeID = nodeID
        self.mesh = mesh
        self.linkKey = linkKey
        gateKey = gateKeys.current.key
        let kept = gateKeys.superseded.prefix(MeshTransportLimits.datagramKeysKept).map(\.key)
        supersededKeyIDs = kept.map { Self.word($0.keyID) }
        superseded = Dictionary(
            kept.map { (Self.word($0.keyID), $0) }, uniquingKeysWith: { first, _ in first })
    }

    func root(of peer: NodeID, linkKey theirs: LinkKey) -> DatagramKey? {
        let root = try? DatagramRoot.make(
            ours: linkKey, node: nodeID, theirs: theirs, peer: peer, mesh: mesh)
        return root.map { DatagramKey(held: $0) }
    }

    func key(
        root: DatagramKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> DatagramKey {
        DatagramKey(
            held: DatagramRoot.sendingKey(
                root: Self.secret(root), sender: sender, receiver: receiver,
                senderBoot: senderBoot, receiverBoot: receiverBoot))
    }

    func isSame(_ one: DatagramKey, _ other: DatagramKey) -> Bool {
        Self.secret(one) == Self.secret(other)
    }

    func seal(_ datagram: inout [UInt8], header: Int, key: DatagramKey, counter: UInt64) {
        DatagramSeal.seal(&datagram, header: header, key: Self.secret(key), counter: counter)
    }

    func open(_ datagram: [UInt8], header: Int, key: DatagramKey, counter: UInt64) -> [UInt8]? {
        try? DatagramSeal.open(
            datagram, header: header, key: Self.secret(key), counter: counter)
    }

    /// What this cipher handed out: it makes no key of another kind.
    private static func secret(_ key: DatagramKey) -> SecretBytes {
        guard case .held(let object) = key.content, let secret = object as? SecretBytes else {
            preconditionFailure("a key of this cipher is a secret")
        }
        return secret
    }

    func hint(of node: NodeID) -> UInt64 { Self.word(gateKey.senderHint(of: node)) }

    func hint(of node: NodeID, under keyID: UInt64) -> UInt64 {
        Self.word((superseded[keyID] ?? gateKey).senderHint(of: node))
    }

    var meshKeyID: UInt64 { Self.word(gateKey.keyID) }

    private static func word(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
