import Testing
import Wire

@testable import Trust

/// A small mesh with fixed keys: an authority, an issuer and a member.
struct SampleMesh {
    static let now = WallTime(seconds: 1_800_000_000)
    static let day: Duration = .seconds(86_400)

    let authority: Identity
    let issuer: Identity
    let node: Identity
    let genesis: Genesis

    init(name: String = "lab") throws {
        func identity(_ byte: UInt8) throws -> Identity {
            try #require(Identity(seed: [UInt8](repeating: byte, count: 32)))
        }
        authority = try identity(1)
        issuer = try identity(2)
        node = try identity(3)
        genesis = try Genesis(name: name, authority: authority.nodeID, created: Self.now)
    }

    /// The issuer's certificate, after `change`.
    func issuerCertificate(
        signer: Identity? = nil, _ change: (inout Certificate.Body) -> Void = { _ in }
    ) throws -> Certificate {
        var body = Certificate.Body(
            kind: .issuer, mesh: genesis.id, subject: issuer.nodeID, name: "issuer",
            roles: [.issuer], labels: [], serial: 1, epoch: 1, notBefore: Self.now,
            notAfter: Self.now + TrustLimits.issuerLifetimeMax, issuer: authority.nodeID)
        change(&body)
        return try Certificate(body, signedBy: signer ?? authority)
    }

    /// The member's certificate, after `change`.
    func memberCertificate(
        signer: Identity? = nil, _ change: (inout Certificate.Body) -> Void = { _ in }
    ) throws -> Certificate {
        var body = Certificate.Body(
            kind: .member, mesh: genesis.id, subject: node.nodeID, name: "node-1",
            roles: [.server, .client],
            labels: [
                try Label(key: "tier", value: "core"), try Label(key: "region", value: "eu"),
            ],
            serial: 2, epoch: 1, notBefore: Self.now,
            notAfter: Self.now + TrustLimits.memberLifetimeMax, issuer: issuer.nodeID)
        change(&body)
        return try Certificate(body, signedBy: signer ?? issuer)
    }

    func chain() throws -> CertificateChain {
        CertificateChain(member: try memberCertificate(), issuer: try issuerCertificate())
    }

    func linkKey() -> LinkKeyPair {
        LinkKeyPair(
            secretKey: [UInt8](repeating: 4, count: 32), notAfter: Self.now + Self.day)
    }

    func gateKey() -> GateKey {
        .generate(epoch: GateKey.Epoch(counter: 1, issuer: issuer.nodeID))
    }

    /// A gate key that the issuer rolled.
    func signedGateKey() throws -> SignedGateKey {
        SignedGateKey(
            gateKey(), signedBy: issuer, certificate: try issuerCertificate(), mesh: genesis.id)
    }

    /// What a member knows that has heard of the issuer, and of `revocations` by it.
    func trust(_ revocations: Revocation.Target...) throws -> TrustState {
        var state = TrustState()
        try state.merge(TrustState(issuers: [issuerCertificate()]), genesis: genesis)
        for target in revocations {
            try state.revoke(
                target, reason: "lost", signedBy: issuer, genesis: genesis, at: Self.now)
        }
        return state
    }

    func ticket(labels: [Label] = []) throws -> Ticket {
        .generate(
            genesis: genesis, inviter: issuer.nodeID,
            addresses: [try #require(NetworkAddress("192.0.2.1:7433"))],
            expires: Self.now + Self.day, uses: 1, labels: labels)
    }
}

/// Whether a value's only encoding comes back, and nothing shorter or longer is a value.
func checkCodec<T: WireCodable>(_ value: T, sourceLocation: SourceLocation = #_sourceLocation)
    throws
{
    let bytes = value.encoded
    #expect(try T(decoding: bytes).encoded == bytes, sourceLocation: sourceLocation)
    for count in 0..<bytes.count {
        #expect(throws: WireError.self, "cut to \(count)", sourceLocation: sourceLocation) {
            _ = try T(decoding: bytes[..<count])
        }
    }
    #expect(throws: WireError.trailingBytes(count: 1), sourceLocation: sourceLocation) {
        _ = try T(decoding: bytes + [0])
    }
    // A flipped bit is refused, or is another value with that very encoding.
    for bit in 0..<bytes.count * 8 {
        var changed = bytes
        changed[bit / 8] ^= 1 << (bit % 8)
        if let other = try? T(decoding: changed) {
            #expect(other.encoded == changed, "bit \(bit)", sourceLocation: sourceLocation)
        }
    }
}
