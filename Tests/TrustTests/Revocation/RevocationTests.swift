import Testing
import Wire

@testable import Trust

struct RevocationTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    private func revocation(
        _ target: Revocation.Target, reason: String = "", sequence: UInt64 = 1,
        by signer: Identity? = nil
    ) throws -> Revocation {
        try Revocation(
            target, reason: reason, sequence: sequence, issuedAt: now,
            signedBy: signer ?? mesh.authority, mesh: mesh.genesis.id)
    }

    @Test func everyKindHasOneEncoding() throws {
        for target: Revocation.Target in [
            .member(mesh.node.nodeID), .certificate(serial: 7),
            .issuer(mesh.issuer.nodeID, honouredThrough: 3),
        ] {
            let revocation = try revocation(target, reason: "laptop lost – see note")
            try checkCodec(revocation)
            #expect(try Revocation(decoding: revocation.encoded) == revocation)
        }
    }

    @Test func theLongestStaysWithinItsLimit() throws {
        let reason = String(repeating: "r", count: TrustLimits.revocationReasonBytesMax)
        let longest = try revocation(
            .issuer(mesh.issuer.nodeID, honouredThrough: .max), reason: reason, sequence: .max)
        #expect(longest.encoded.count <= TrustLimits.revocationBytesMax)
        #expect(throws: TrustError.self) {
            _ = try revocation(.certificate(serial: 1), reason: reason + "r")
        }
    }

    @Test func aReasonCannotControlTheTerminalThatShowsIt() throws {
        let plain = try revocation(.certificate(serial: 1), reason: "ab")
        let start = try #require(plain.encoded.firstRange(of: Array("ab".utf8))).lowerBound
        for bad: [UInt8] in [
            [0x1b, 0x5b], [0x0a, 0x61], [0x61, 0x7f], [0xc2, 0x9b], [0xff, 0x61],
        ] {
            var bytes = plain.encoded
            bytes.replaceSubrange(start..<start + 2, with: bad)
            #expect(throws: WireError.invalid(field: "revocation reason")) {
                _ = try Revocation(decoding: bytes)
            }
        }
        for text in ["a\u{202e}b", "\u{2028}", "\u{200f}", "\u{2066}"] {
            #expect(throws: TrustError.self) {
                _ = try revocation(.certificate(serial: 1), reason: text)
            }
        }
        #expect(throws: Never.self) {
            _ = try revocation(.certificate(serial: 1), reason: "verloren, façade, 紛失")
        }
    }

    @Test func numbersBeginAtOneAndNobodyVoidsItself() throws {
        #expect(throws: TrustError.malformed(.invalid(field: "revocation sequence"))) {
            _ = try revocation(.certificate(serial: 1), sequence: 0)
        }
        #expect(throws: TrustError.malformed(.invalid(field: "revocation target"))) {
            _ = try revocation(.issuer(mesh.authority.nodeID, honouredThrough: 0))
        }
        // As bytes: version, kind, node, number, reason's length, then the signer.
        var bytes = try revocation(.issuer(mesh.issuer.nodeID, honouredThrough: 0)).encoded
        bytes.replaceSubrange(2..<34, with: mesh.authority.nodeID.bytes)
        #expect(throws: WireError.invalid(field: "revocation target")) {
            _ = try Revocation(decoding: bytes)
        }
        bytes = try revocation(.certificate(serial: 1)).encoded
        bytes.replaceSubrange(44..<52, with: [UInt8](repeating: 0, count: 8))
        #expect(throws: WireError.invalid(field: "revocation sequence")) {
            _ = try Revocation(decoding: bytes)
        }
    }

    @Test func theSignatureCoversEveryBitAndTheMesh() throws {
        let revocation = try revocation(.member(mesh.node.nodeID), reason: "lost")
        try revocation.verifySignature(mesh: mesh.genesis.id)
        #expect(throws: TrustError.badSignature(of: "revocation")) {
            try revocation.verifySignature(mesh: MeshID(number: 1))
        }
        for bit in 0..<revocation.encoded.count * 8 {
            var bytes = revocation.encoded
            bytes[bit / 8] ^= 1 << (bit % 8)
            guard let changed = try? Revocation(decoding: bytes) else { continue }
            #expect(throws: TrustError.badSignature(of: "revocation"), "bit \(bit)") {
                try changed.verifySignature(mesh: mesh.genesis.id)
            }
        }
    }
}
