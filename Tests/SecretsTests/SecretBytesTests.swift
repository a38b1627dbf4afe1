import Testing

@testable import Secrets

struct SecretBytesTests {
    @Test(arguments: [SecretBytes.Place.guarded, .pooled])
    func aSecretIsWhatWasPutInAndNeverShown(_ place: SecretBytes.Place) {
        let bytes = (0..<64).map { UInt8($0 + 150) }
        let secret = SecretBytes(bytes, in: place)
        #expect(secret.copy() == bytes && secret.count == 64)
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("150") && !text.contains("96") && text.count < 120)
        }
    }

    @Test func aSlotIsWipedWhenItsSecretGoesAndUsedAgain() throws {
        let pool = SecretPool()
        var address: UnsafeMutablePointer<UInt8>?
        do {
            let secret = SecretBytes(
                count: 64, in: .pooled, pool: pool,
                write: { start in
                    address = start
                    for index in 0..<64 { start[index] = 0xa5 }
                })
            #expect(secret.copy() == [UInt8](repeating: 0xa5, count: 64))
        }
        // The memory is the pool's still.
        let start = try #require(address)
        #expect((0..<64).allSatisfy { start[$0] == 0 })
        _ = SecretBytes(
            count: 32, in: .pooled, pool: pool, write: { #expect($0 == start) })
    }

    @Test func secretsOfThePoolDoNotDisturbEachOther() {
        var secrets = (0..<2000).map { number in
            SecretBytes((0..<32).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }, in: .pooled)
        }
        for index in stride(from: 0, to: 2000, by: 3) {
            secrets[index] = SecretBytes([UInt8](repeating: 7, count: 33), in: .pooled)
        }
        for (number, secret) in secrets.enumerated() {
            let expected =
                number.isMultiple(of: 3)
                ? [UInt8](repeating: 7, count: 33)
                : (0..<32).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
            #expect(secret.copy() == expected)
        }
    }

    @Test func aSecretThatCannotBeFilledGivesItsSlotBack() {
        struct Refused: Error {}
        let pool = SecretPool()
        for _ in 0..<10 {
            #expect(throws: Refused.self) {
                _ = try SecretBytes(
                    count: 32, in: .pooled, pool: pool,
                    write: { _ throws(Refused) in throw Refused() })
            }
        }
        #expect(pool.freeSlots == SecretLimits.poolSlabBytes / SecretLimits.pooledBytesMax)
    }

    @Test func equalityLooksAtEveryByteAndTheLength() {
        let bytes = (0..<32).map { UInt8($0) }
        let secret = SecretBytes(bytes)
        #expect(secret == SecretBytes(bytes, in: .pooled))
        #expect(secret != SecretBytes(bytes.dropLast()))
        #expect(constantTimeEqual(bytes, bytes) && constantTimeEqual([], []))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            #expect(secret != SecretBytes(other) && !constantTimeEqual(bytes, other))
        }
    }

    @Test func wipingLeavesZeros() {
        var bytes: [UInt8] = [1, 2, 3]
        wipe(&bytes)
        #expect(bytes == [0, 0, 0])
        var none: [UInt8] = []
        wipe(&none)
        #expect(none.isEmpty)
    }

    @Test func whatIsDerivedDependsOnSecretPurposeAndContext() {
        let secret = SecretBytes([UInt8](repeating: 1, count: 32))
        let other = SecretBytes([UInt8](repeating: 2, count: 32))
        let derived = [
            secret.derive("a", length: 32), secret.derive("b", length: 32),
            secret.derive("a", [0], length: 32), secret.derive("ab", length: 32),
            other.derive("a", length: 32),
        ]
        #expect(Set(derived).count == derived.count)
        #expect(secret.derived("a").copy() == derived[0])
        // BLAKE2b of 8 bytes is no beginning of BLAKE2b of 32, but names are cut from one of 16.
        #expect(secret.derive("a", length: 8) == Array(secret.derive("a", length: 16).prefix(8)))
    }
}
