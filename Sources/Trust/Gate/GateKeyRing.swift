public import Wire

/// The gate keys that a node knows: the current one, and those that it replaced, by which who was
/// long away finds the catch-up lane.
///
/// The current key is the greatest by (its issuer is not revoked, epoch): all that know the same
/// keys and the same revocations use the same one. A revoked issuer that drove the counter up can
/// therefore not keep the mesh from rolling away from its key.
///
/// Kept are the current key and the ``TrustLimits/gateKeysKept`` greatest of the others.
public struct GateKeyRing: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// What became of a key that was told.
    public enum Outcome: Sendable, Equatable {
        /// It is the current one now.
        case current
        /// It was not known, and is not the one to use.
        case superseded
        /// Nothing new.
        case known
    }

    /// The key to use.
    public private(set) var current: SignedGateKey
    /// Those that were or might have been, by descending epoch.
    public private(set) var superseded: [SignedGateKey] = []
    /// Where a name leads: −1 to the current key, else into ``superseded``.
    private var indices: [[UInt8]: Int] = [:]

    /// A ring of one key, which was verified.
    public init(_ key: SignedGateKey) {
        current = key
        index()
    }

    /// The first key of a mesh, rolled by `identity`.
    ///
    /// - Parameter certificate: The issuer's; nil when `identity` is the authority.
    public static func first(
        by identity: Identity, certificate: Certificate?, mesh: MeshID
    ) -> GateKeyRing {
        let epoch = GateKey.Epoch(counter: 1, issuer: identity.nodeID)
        return GateKeyRing(
            SignedGateKey(
                .generate(epoch: epoch), signedBy: identity, certificate: certificate, mesh: mesh))
    }

    /// The key of the name that a preamble or datagram gives, and whether it is the current one.
    public func key(withID keyID: [UInt8]) -> (key: GateKey, isCurrent: Bool)? {
        guard let index = indices[keyID] else { return nil }
        return index < 0 ? (current.key, true) : (superseded[index].key, false)
    }

    /// Takes in a key that another member told. One that is known needs no check; any other must be
    /// of the authority or of an issuer that still is one.
    ///
    /// Have the same bulletin's ``TrustState`` merged first. As in ``settle(_:)``, the current key may
    /// also change because of what that said; the outcome is about the key that was told.
    ///
    /// - Throws: As ``SignedGateKey/verify(genesis:at:trust:allowingExpired:)``; nothing is changed.
    @discardableResult
    public mutating func merge(
        _ key: SignedGateKey, genesis: Genesis, at now: WallTime, trust: TrustState
    ) throws(TrustError) -> Outcome {
        guard key != current, !superseded.contains(key) else {
            settle(trust)
            return .known
        }
        try key.verify(genesis: genesis, at: now, trust: trust)
        let before = current.key
        take(all + [key], trust: trust)
        if current.key == key.key { return before == key.key ? .known : .current }
        return superseded.contains { $0.key == key.key } ? .superseded : .known
    }

    /// Takes in the keys of another ring of this node, each of which was checked when it came.
    public mutating func merge(_ other: GateKeyRing, trust: TrustState) {
        take(all + other.all, trust: trust)
    }

    /// Looks again which key is the current one, after revocations were merged.
    ///
    /// - Returns: Whether it is another than before.
    @discardableResult
    public mutating func settle(_ trust: TrustState) -> Bool {
        let before = current.key
        take(all, trust: trust)
        return current.key != before
    }

    /// Rolls: a new secret, of an epoch above that of every key that counts.
    ///
    /// - Parameter certificate: The issuer's; nil when `identity` is the authority.
    /// - Returns: The key, to be told to others. It is the current one.
    /// - Throws: As ``SignedGateKey/verify(genesis:at:trust:allowingExpired:)``, for an identity that
    ///   may not roll; ``TrustError/tooMany(_:limit:)`` at the end of the counter.
    @discardableResult
    public mutating func roll(
        by identity: Identity, certificate: Certificate?, genesis: Genesis, at now: WallTime,
        trust: TrustState
    ) throws(TrustError) -> SignedGateKey {
        // The greatest number of all is no key's: see its codec. Where a revoked issuer has used up
        // the numbers, those of the others count: its keys are less than any of theirs.
        let last = UInt64.max - 1
        let honoured = all.filter { !trust.isRevokedIssuer($0.key.epoch.issuer) }
        let greatest = [all, honoured].map { $0.map(\.key.epoch.counter).max() ?? 0 }
            .first { $0 < last }
        guard let greatest else { throw .tooMany("gate keys", limit: .max) }
        let epoch = GateKey.Epoch(counter: greatest + 1, issuer: identity.nodeID)
        let key = SignedGateKey(
            .generate(epoch: epoch), signedBy: identity, certificate: certificate,
            mesh: genesis.id)
        try key.verify(genesis: genesis, at: now, trust: trust)
        take(all + [key], trust: trust)
        return key
    }

    private var all: [SignedGateKey] { [current] + superseded }

    /// Puts keys in order, each epoch once, and chooses the current one.
    private mutating func take(_ keys: [SignedGateKey], trust: TrustState) {
        var ordered: [SignedGateKey] = []
        for key in keys.sorted(by: { $0.isGreater(than: $1) })
        where ordered.last?.key.epoch != key.key.epoch {
            ordered.append(key)
        }
        // Not empty: the current key is among them. Where every issuer is revoked the greatest stays.
        let chosen = ordered.firstIndex { !trust.isRevokedIssuer($0.key.epoch.issuer) } ?? 0
        current = ordered.remove(at: chosen)
        superseded = Array(ordered.prefix(TrustLimits.gateKeysKept))
        index()
    }

    private mutating func index() {
        indices = [:]
        for (index, key) in superseded.enumerated().reversed() {
            indices[key.key.keyID] = index
        }
        indices[current.key.keyID] = -1
    }

    /// Equal keys in equal places.
    public static func == (left: Self, right: Self) -> Bool {
        left.current == right.current && left.superseded == right.superseded
    }

    /// Never shows a key.
    public var description: String {
        "GateKeyRing(epoch \(current.key.epoch.counter), \(superseded.count) superseded, redacted)"
    }
    /// Never shows a key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension GateKeyRing: WireCodable {
    /// Version 1, the current key, the 16-bit number of superseded ones and those, by descending
    /// epoch. For disk: the encoding holds every secret.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        current.encode(to: &writer)
        writer.writeInteger(UInt16(superseded.count))
        for key in superseded { key.encode(to: &writer) }
    }

    /// See ``WireCodable/init(from:)``. No signature is checked.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "gate key ring version", value: Int(version))
        }
        current = try SignedGateKey(from: &reader)
        let count = try reader.readCount16(
            field: "superseded gate keys", limit: TrustLimits.gateKeysKept)
        for _ in 0..<count {
            let key = try SignedGateKey(from: &reader)
            guard key.key.epoch != current.key.epoch,
                superseded.last.map({ key.key.epoch < $0.key.epoch }) ?? true
            else { throw .nonCanonical(field: "superseded gate keys") }
            superseded.append(key)
        }
        index()
    }
}
