import Testing
import Wire

@testable import Trust

struct CertificateCodecTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    @Test func chainsHaveOneEncoding() throws {
        try checkCodec(try mesh.chain())
        try checkCodec(
            CertificateChain(
                member: try mesh.memberCertificate(signer: mesh.authority), issuer: nil))
        let bytes = try mesh.chain().encoded.count
        #expect(bytes <= 2 * TrustLimits.certificateBytesMax + 1)
    }

    /// Labels that take all the room that labels may take.
    static func largestLabels() throws -> [Label] {
        // Seven labels of 4 + 62 + 62 bytes make 896.
        let long = String(repeating: "k", count: 60)
        return try (10..<17).map { try Label(key: "\(long)\($0)", value: "\(long)\($0)") }
    }

    @Test func theLargestCertificatesAndProofStayWithinTheirLimits() throws {
        let name = String(repeating: "n", count: TrustLimits.nodeNameBytesMax)
        let labels = try Self.largestLabels()
        let chain = CertificateChain(
            member: try mesh.memberCertificate {
                $0.labels = labels
                $0.name = name
            },
            issuer: try mesh.issuerCertificate { $0.name = name })
        #expect(chain.member.encoded.count <= TrustLimits.certificateBytesMax)
        let proof = LinkProof(
            identity: mesh.node, chain: chain, linkKey: mesh.linkKey(), mesh: mesh.genesis.id)
        #expect(proof.encoded.count <= TrustLimits.linkProofBytesMax)
        // 2 KiB per handshake frame; the second message adds 96 bytes to its payload.
        #expect(TrustLimits.linkProofBytesMax + 96 <= 2048)
    }

    @Test func labelsThatTakeTooMuchRoomAreRefused() throws {
        let labels = try Self.largestLabels() + [Label("one=more")]
        #expect(throws: TrustError.self) { _ = try mesh.memberCertificate { $0.labels = labels } }
        var writer = ByteWriter()
        writer.writeLabels(labels.sorted())
        #expect(throws: WireError.tooLarge(field: "labels", value: 907, limit: 900)) {
            var reader = ByteReader(writer.bytes)
            _ = try reader.readLabels()
        }
    }

    @Test func anIssuersCertificateHasNoLabels() throws {
        let label = try Label("region=eu")
        #expect(throws: TrustError.badName("an issuer's certificate has no labels")) {
            _ = try mesh.issuerCertificate { $0.labels = [label] }
        }
        var body = try mesh.memberCertificate().body
        body.kind = .issuer
        #expect(throws: WireError.invalid(field: "issuer's labels")) {
            _ = try Certificate.Body(decoding: body.encoded)
        }
    }

    @Test func labelsOutOfOrderOrTwiceAreNotCanonical() throws {
        func bytes(_ labels: [(String, String)]) -> [UInt8] {
            var writer = ByteWriter()
            writer.writeInteger(UInt8(labels.count))
            for (key, value) in labels {
                writer.writeString16(key)
                writer.writeString16(value)
            }
            return writer.bytes
        }
        func read(_ bytes: [UInt8]) throws(WireError) -> [Label] {
            var reader = ByteReader(bytes)
            return try reader.readLabels()
        }
        #expect(try read(bytes([("a", "1"), ("b", "1")])).count == 2)
        for labels in [
            [("b", "1"), ("a", "1")], [("a", "1"), ("a", "1")], [("a", "1"), ("a", "2")],
        ] {
            #expect(throws: WireError.nonCanonical(field: "labels")) {
                _ = try read(bytes(labels))
            }
        }
        #expect(throws: WireError.invalid(field: "label")) { _ = try read(bytes([("a b", "1")])) }
        #expect(throws: WireError.self) {
            _ = try read(bytes((100..<100 + 17).map { ("k\($0)", "v") }))
        }
    }

    @Test func labelsAndNamesThatCannotBeAreRefusedWhenIssuing() throws {
        for text in [
            "", "=", "a", "a=", "=b", "a b=c", "a=b=c", "ä=b",
            "a=" + String(repeating: "x", count: 64),
        ] {
            #expect(throws: TrustError.self, "\(text)") { _ = try Label(text) }
        }
        #expect(try Label("region=eu") == Label(key: "region", value: "eu"))
        let twice = [try Label("a=1"), try Label("a=2")]
        #expect(throws: TrustError.badName("the label 'a' is given twice")) {
            _ = try mesh.memberCertificate { $0.labels = twice }
        }
        for name in ["", "two words", String(repeating: "n", count: 64), "ü"] {
            #expect(throws: TrustError.self, "\(name)") {
                _ = try mesh.memberCertificate { $0.name = name }
            }
            #expect(throws: TrustError.self, "\(name)") {
                _ = try Genesis(name: name, authority: mesh.node.nodeID, created: now)
            }
        }
    }

    @Test func theMeshsIdDependsOnEveryFieldOfItsRecord() throws {
        let one = mesh.genesis
        try checkCodec(one)
        let others = [
            try Genesis(name: "lab2", authority: one.authority, created: one.created),
            try Genesis(name: "lab", authority: mesh.node.nodeID, created: one.created),
            try Genesis(name: "lab", authority: one.authority, created: one.created + .seconds(1)),
        ]
        #expect(Set(others.map(\.id) + [one.id]).count == 4)
        #expect(one.fingerprint.count == 19 && one.id.hex.hasPrefix(one.fingerprint.prefix(4)))
    }

    @Test func everyErrorSaysSomethingOfItsOwn() {
        let errors: [TrustError] = [
            .malformed(.truncated), .badSignature(of: "certificate"), .otherMesh,
            .expired(what: "certificate", at: now), .notYetValid(what: "certificate", from: now),
            .lifetimeTooLong(what: "certificate"), .wrongKind, .wrongIssuer,
            .missingRole("issuer"), .linkKeyMismatch, .degenerateKey, .badName("that name"),
            .notATicket, .damagedTicket, .notAuthentic,
            .revoked(.member(mesh.node.nodeID), reason: ""),
            .revoked(.member(mesh.node.nodeID), reason: "lost"),
            .revoked(.certificate(serial: 1), reason: ""),
            .revoked(.issuer(mesh.issuer.nodeID, honouredThrough: 0), reason: ""),
            .tooMany("issuers", limit: 1), .wrongPassphrase, .badPassphrase,
            .noMemoryForPassphrase,
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
    }
}
