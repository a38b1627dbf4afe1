public import Wire

/// A gate key with the word of who rolled it: the authority, or an issuer whose certificate comes
/// along. A member that is neither can't make one up, and can't change a key that it has.
///
/// Signed, in the domain ``SignatureDomain/gateKey`` and the mesh, are the epoch (counter, issuer)
/// and a BLAKE2b commitment to the secret.
public struct SignedGateKey: Sendable, Equatable, WireCodable, CustomStringConvertible,
    CustomReflectable
{
    /// The key.
    public let key: GateKey
    /// The certificate of the issuer that rolled it; nil for the authority.
    public let certificate: Certificate?
    /// The signature of who rolled it.
    public let signature: [UInt8]

    /// `key`, signed by `identity`, which its epoch must name as the issuer.
    ///
    /// - Parameter certificate: The issuer's; nil when `identity` is the authority.
    public init(
        _ key: GateKey, signedBy identity: Identity, certificate: Certificate?, mesh: MeshID
    ) {
        precondition(key.epoch.issuer == identity.nodeID, "a key is signed by who rolled it")
        self.key = key
        self.certificate = certificate
        signature = identity.sign(Self.signed(key), domain: .gateKey, mesh: mesh)
    }

    private static func signed(_ key: GateKey) -> [UInt8] {
        var writer = ByteWriter(capacity: 72)
        writer.writeInteger(key.epoch.counter)
        key.epoch.issuer.encode(to: &writer)
        writer.writeBytes(key.commitment)
        return writer.bytes
    }

    /// Checks who rolled the key: the authority, or an issuer that is certified and not revoked.
    ///
    /// - Parameters:
    ///   - trust: What this node knows; nil where it knows nothing yet.
    ///   - allowingExpired: Accept a key whose issuer's certificate is over: only from an inviter that
    ///     proved itself in the join lane, whose mesh has simply not rolled for long. A key that comes
    ///     otherwise and is new must be of an issuer that still is one.
    public func verify(
        genesis: Genesis, at now: WallTime, trust: TrustState?, allowingExpired: Bool = false
    ) throws(TrustError) {
        let issuer = key.epoch.issuer
        if issuer == genesis.authority {
            guard certificate == nil else { throw .wrongIssuer }
        } else {
            try verifyIssuer(
                genesis: genesis, at: now, trust: trust, allowingExpired: allowingExpired)
        }
        guard
            issuer.verifies(
                signature, over: Self.signed(key), domain: .gateKey, mesh: genesis.id)
        else { throw .badSignature(of: "gate key") }
    }

    private func verifyIssuer(
        genesis: Genesis, at now: WallTime, trust: TrustState?, allowingExpired: Bool
    ) throws(TrustError) {
        guard var certificate, certificate.body.subject == key.epoch.issuer else {
            throw .wrongIssuer
        }
        try certificate.verifyIssuer(of: genesis)
        if let trust {
            try trust.checkIssuer(certificate)
            // The issuer may have renewed its certificate since it rolled the key.
            if let held = trust.issuer(certificate.body.subject), held.isNewer(than: certificate) {
                certificate = held
            }
        }
        let what = Certificate.name(of: .issuer)
        if try certificate.isExpired(at: now, as: what), !allowingExpired {
            throw .expired(what: what, at: certificate.body.notAfter)
        }
    }

    /// Whether it is kept rather than `other`: by epoch, then by the newer certificate, then by bytes
    /// (an issuer may have made two keys of one epoch). Any two are in the same order everywhere.
    func isGreater(than other: SignedGateKey) -> Bool {
        if key.epoch != other.key.epoch { return other.key.epoch < key.epoch }
        if let certificate, let held = other.certificate, certificate != held {
            return certificate.isNewer(than: held)
        }
        return other.encoded.lexicographicallyPrecedes(encoded)
    }

    /// The key, the signature, 1 and the issuer's certificate or 0. The encoding holds the secret.
    public func encode(to writer: inout ByteWriter) {
        key.encode(to: &writer)
        writer.writeBytes(signature)
        writer.writeBool(certificate != nil)
        certificate?.encode(to: &writer)
    }

    /// See ``WireCodable/init(from:)``. The signature is not checked.
    public init(from reader: inout ByteReader) throws(WireError) {
        key = try GateKey(from: &reader)
        signature = Array(try reader.readBytes(signatureBytes))
        certificate =
            try reader.readBool(field: "has issuer") ? Certificate(from: &reader) : nil
        if let certificate {
            guard certificate.body.kind == .issuer,
                certificate.body.subject == key.epoch.issuer
            else { throw .invalid(field: "gate key's issuer") }
        }
    }

    /// Never shows the key.
    public var description: String { "SignedGateKey(epoch \(key.epoch.counter), redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
