import Testing
import Wire

@testable import Trust

struct RenewalTests {
    let mesh: SampleMesh
    let now = SampleMesh.now

    init() throws { mesh = try SampleMesh() }

    @Test func renewalIsDueAtHalfLife() throws {
        let half = now + .seconds(7 * 86_400 / 2)
        #expect(try mesh.chain().renewalTime == half)
    }

    @Test func responsesComeBackWhole() throws {
        let renewed = RenewalResponse.renewed(try mesh.chain())
        try checkCodec(renewed)
        #expect(try RenewalResponse(decoding: renewed.encoded) == renewed)
        for code in RenewalResponse.RefusalCode.allCases {
            let refused = RenewalResponse.refused(code, message: "because")
            try checkCodec(refused)
            #expect(try RenewalResponse(decoding: refused.encoded) == refused)
        }
        let long = RenewalResponse.refused(
            .revoked, message: String(repeating: "é", count: TrustLimits.refusalBytesMax))
        #expect(long.encoded.count <= 3 + TrustLimits.refusalBytesMax)
        #expect(throws: Never.self) { _ = try RenewalResponse(decoding: long.encoded) }
        #expect(throws: WireError.invalid(field: "refusal")) {
            _ = try RenewalResponse(decoding: [200, 0, 0])
        }
    }
}
