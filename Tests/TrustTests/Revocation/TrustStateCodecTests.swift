import Testing
import Wire

@testable import Trust

struct TrustStateCodecTests {
    let mesh: SampleMesh

    init() throws { mesh = try SampleMesh() }

    /// Two issuers' certificates and three revocations.
    private func sample() throws -> TrustState {
        let second = try #require(Identity(seed: [UInt8](repeating: 8, count: 32)))
        var state = try mesh.trust(.member(mesh.node.nodeID), .certificate(serial: 7))
        try state.merge(
            TrustState(issuers: [mesh.issuerCertificate { $0.subject = second.nodeID }]),
            genesis: mesh.genesis)
        try state.revoke(
            .certificate(serial: 9), signedBy: mesh.authority, genesis: mesh.genesis,
            at: SampleMesh.now)
        return state
    }

    private func bytes(_ issuers: [Certificate], _ revocations: [Revocation]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeInteger(UInt8(1))
        writer.writeInteger(UInt16(issuers.count))
        for issuer in issuers { issuer.encode(to: &writer) }
        writer.writeInteger(UInt16(revocations.count))
        for revocation in revocations { revocation.encode(to: &writer) }
        return writer.bytes
    }

    @Test func aStateHasOneEncoding() throws {
        try checkCodec(TrustState())
        let state = try sample()
        #expect(state.encoded == bytes(state.issuers, state.revocations))
        try checkCodec(state)
    }

    @Test func noFlippedBitIsMergedAsSomethingElse() throws {
        let state = try sample()
        for bit in 0..<state.encoded.count * 8 {
            var changed = state.encoded
            changed[bit / 8] ^= 1 << (bit % 8)
            guard let other = try? TrustState(decoding: changed) else { continue }
            var empty = TrustState()
            #expect(throws: TrustError.self, "bit \(bit)") {
                try empty.merge(other, genesis: mesh.genesis)
            }
            #expect(empty == TrustState())
        }
    }

    @Test func anotherOrderOrAnyTwiceIsNotCanonical() throws {
        let state = try sample()
        let (issuers, revocations) = (state.issuers, state.revocations)
        for (issuers, revocations) in [
            (Array(issuers.reversed()), revocations), (issuers + issuers.suffix(1), revocations),
            (issuers, Array(revocations.reversed())),
            (issuers, revocations + revocations.suffix(1)),
            (issuers, [revocations[1], revocations[0], revocations[2]]),
        ] {
            #expect(throws: WireError.self) {
                _ = try TrustState(decoding: bytes(issuers, revocations))
            }
        }
        #expect(throws: WireError.invalid(field: "issuers")) {
            _ = try TrustState(decoding: bytes([try mesh.memberCertificate()], []))
        }
    }

    @Test func statementsThatTheStateItselfVoidsAreNotCanonical() throws {
        let state = try mesh.trust(.member(mesh.node.nodeID), .certificate(serial: 3))
        func verdict(honouredThrough sequence: UInt64) throws -> Revocation {
            try Revocation(
                .issuer(mesh.issuer.nodeID, honouredThrough: sequence), reason: "", sequence: 1,
                issuedAt: SampleMesh.now, signedBy: mesh.authority, mesh: mesh.genesis.id)
        }
        func revocations(honouredThrough sequence: UInt64) throws -> [Revocation] {
            (state.revocations + [try verdict(honouredThrough: sequence)])
                .sorted { $0.precedes($1) }
        }
        #expect(throws: Never.self) {
            _ = try TrustState(
                decoding: bytes(state.issuers, revocations(honouredThrough: 2)))
        }
        #expect(throws: WireError.nonCanonical(field: "revocations")) {
            _ = try TrustState(
                decoding: bytes(state.issuers, revocations(honouredThrough: 1)))
        }
        // The issuer's certificate without a statement that it is needed for.
        #expect(throws: WireError.nonCanonical(field: "issuers")) {
            _ = try TrustState(
                decoding: bytes(state.issuers, [verdict(honouredThrough: 2)]))
        }
    }

    @Test func aStatementWithTwoSignaturesIsOneAndTheSameOneEverywhere() throws {
        // Whoever holds a key can sign one statement in many ways.
        let revocation = try #require(try mesh.trust(.certificate(serial: 7)).revocations.first)
        var bytes = revocation.encoded
        bytes[bytes.count - 1] ^= 1
        let other = try Revocation(decoding: bytes)
        let left = TrustState(issuers: [], revocations: [revocation, other])
        let right = TrustState(issuers: [], revocations: [other, revocation])
        #expect(left == right && left.revocations.count == 1)
        try checkCodec(left)
    }

    @Test func countsOverTheLimitsAreRefusedBeforeTheirContentIsRead() throws {
        var writer = ByteWriter()
        writer.writeInteger(UInt8(1))
        writer.writeInteger(UInt16(TrustLimits.issuersMax + 1))
        #expect(
            throws: WireError.tooLarge(
                field: "issuers", value: TrustLimits.issuersMax + 1, limit: TrustLimits.issuersMax)
        ) { _ = try TrustState(decoding: writer.bytes) }
        writer = ByteWriter()
        writer.writeInteger(UInt8(1))
        writer.writeInteger(UInt16(0))
        writer.writeInteger(UInt16(TrustLimits.revocationsMax + 1))
        #expect(
            throws: WireError.tooLarge(
                field: "revocations", value: TrustLimits.revocationsMax + 1,
                limit: TrustLimits.revocationsMax)
        ) { _ = try TrustState(decoding: writer.bytes) }
        #expect(throws: WireError.unsupportedVersion(field: "trust state version", value: 2)) {
            _ = try TrustState(decoding: [2] + bytes([], []).dropFirst())
        }
    }
}
