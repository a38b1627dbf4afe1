public import Gossip
import Synchronization
public import Wire

/// Claims that the nodes of one simulation keep: each once, however many keep it.
final class ClaimPool: Sendable {
    private let claims = Mutex<[UInt64: Claim]>([:])
    private let countMax: Int

    /// A pool that forgets everything when it has more than so many.
    init(countMax: Int) { self.countMax = countMax }

    func kept(_ claim: Claim) -> Claim {
        var digest = TraceDigest()
        digest.add(claim.encoded)
        let key = digest.value
        return claims.withLock { claims in
            if let known = claims[key], known == claim { return known }
            if claims.count >= countMax { claims.removeAll(keepingCapacity: true) }
            claims[key] = claim
            return claim
        }
    }
}

/// Signatures that cost nothing: a keyed digest anyone could make. The cores under simulation take
/// it for the real thing; what it keeps is that a changed byte or another's name does not verify.
public struct SimulatedAuthority: ClaimAuthority {
    private let node: NodeID
    private let pool: ClaimPool?

    /// The authority of one node.
    public init(node: NodeID) { self.init(node: node, pool: nil) }

    init(node: NodeID, pool: ClaimPool?) {
        self.node = node
        self.pool = pool
    }

    /// See ``ClaimAuthority``.
    public func kept(_ claim: Claim) -> Claim { pool?.kept(claim) ?? claim }

    /// See `ClaimAuthority`.
    public func sign(_ body: [UInt8], kind: ClaimKind) -> [UInt8] {
        Self.signature(body, kind: kind, node: node)
    }

    /// See `ClaimAuthority`.
    public func verify(
        _ signature: [UInt8], over body: [UInt8], kind: ClaimKind, by node: NodeID
    ) -> Bool {
        signature == Self.signature(body, kind: kind, node: node)
    }

    private static func signature(_ body: [UInt8], kind: ClaimKind, node: NodeID) -> [UInt8] {
        var digest = TraceDigest()
        digest.add(UInt64(kind.rawValue))
        digest.add(node.bytes)
        digest.add(body)
        var signature: [UInt8] = []
        signature.reserveCapacity(64)
        var word = digest.value
        for _ in 0..<8 {
            word = mixed(word &+ 1)
            withUnsafeBytes(of: word.bigEndian) { signature.append(contentsOf: $0) }
        }
        return signature
    }
}
