import Testing

@testable import Secrets

func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.filter { !$0.isWhitespace })
    return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0
    }
}

struct HashingTests {
    @Test func theDigestIsThatOfRFC7693() {
        // Appendix A: BLAKE2b-512 of "abc".
        #expect(
            blake2b(Array("abc".utf8), length: 64)
                == bytes(
                    """
                    ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1
                    7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923
                    """))
    }

    @Test func domainsKeepDigestsApart() {
        #expect(blake2b(domain: "a", [98]) != blake2b(domain: "ab", []))
        let key = SecretBytes([UInt8](repeating: 3, count: 32))
        #expect(blake2b(domain: "a", [1], key: key) != blake2b(domain: "a", [1]))
        #expect(
            blake2b(domain: "a", [1], key: key)
                == blake2b([97, 0, 1], key: [UInt8](repeating: 3, count: 32)))
    }
}

struct KeyAgreementTests {
    @Test func theAgreementIsThatOfRFC7748() throws {
        // Section 6.1.
        let alice = bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        let bob = SecretBytes(
            bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        #expect(
            KeyAgreement.publicKey(of: bob)
                == bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
        #expect(
            try KeyAgreement.agree(bob, with: alice).copy()
                == bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"))
    }

    @Test func onlyTheOneEncodingOfAPointIsTaken() throws {
        let secret = SecretBytes([UInt8](repeating: 9, count: 32))
        // 2^255 − 19 + n for n from 0 to 18: all that is below 2^255.
        for last in 0xed...UInt8.max {
            let point = [last] + [UInt8](repeating: 0xff, count: 30) + [0x7f]
            #expect(!KeyAgreement.isCanonical(point))
            #expect(throws: KeyAgreement.Failure.nonCanonical) {
                _ = try KeyAgreement.agree(secret, with: point)
            }
        }
        #expect(KeyAgreement.isCanonical([0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f]))
        var key = KeyAgreement.publicKey(of: secret)
        #expect(KeyAgreement.isCanonical(key))
        key[31] |= 0x80
        #expect(throws: KeyAgreement.Failure.nonCanonical) {
            _ = try KeyAgreement.agree(secret, with: key)
        }
    }

    @Test func lowOrderAndWrongLengthsAreRefused() {
        let secret = SecretBytes([UInt8](repeating: 9, count: 32))
        #expect(throws: KeyAgreement.Failure.lowOrder) {
            _ = try KeyAgreement.agree(secret, with: [UInt8](repeating: 0, count: 32))
        }
        for count in [0, 31, 33] {
            #expect(throws: KeyAgreement.Failure.badLength) {
                _ = try KeyAgreement.agree(secret, with: [UInt8](repeating: 9, count: count))
            }
        }
    }
}

struct SigningTests {
    @Test func theSignatureIsThatOfRFC8032() throws {
        // Section 7.1, test 2.
        let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
        let (publicKey, secret) = try #require(Signing.keyPair(seed: SecretBytes(seed)))
        #expect(
            publicKey
                == bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
        let signature = Signing.sign([0x72], with: secret)
        #expect(
            signature
                == bytes(
                    """
                    92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
                    085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
                    """))
        #expect(Signing.verifies(signature, of: [0x72], by: publicKey))
        #expect(!Signing.verifies(signature, of: [0x73], by: publicKey))
        #expect(!Signing.verifies(signature.dropLast(), of: [0x72], by: publicKey))
        #expect(!Signing.verifies(signature, of: [0x72], by: publicKey.dropLast()))
        #expect(Signing.keyPair(seed: SecretBytes(seed.dropLast())) == nil)
    }
}

struct PassphraseTests {
    static let salt = [UInt8](repeating: 1, count: Passphrase.saltBytes)
    static let nonce = [UInt8](repeating: 2, count: Passphrase.nonceBytes)

    @Test func whatWasSealedOpensUnderItsPassphraseAndHeaderAlone() throws {
        let secret = SecretBytes([UInt8](repeating: 5, count: 32))
        func open(_ sealed: [UInt8], _ passphrase: String, _ header: [UInt8]) throws -> [UInt8] {
            try Passphrase.open(
                sealed, passphrase: Array(passphrase.utf8), salt: Self.salt, nonce: Self.nonce,
                cost: .interactive, header: header
            ).copy()
        }
        let sealed = try Passphrase.seal(
            secret, passphrase: Array("right".utf8), salt: Self.salt, nonce: Self.nonce,
            cost: .interactive, header: [1])
        #expect(try open(sealed, "right", [1]) == secret.copy())
        #expect(throws: Passphrase.Failure.notAuthentic) { _ = try open(sealed, "wrong", [1]) }
        #expect(throws: Passphrase.Failure.notAuthentic) { _ = try open(sealed, "right", [2]) }
        #expect(throws: Passphrase.Failure.notAuthentic) {
            _ = try open(Array(sealed.prefix(Passphrase.tagBytes)), "right", [1])
        }
    }

    @Test(arguments: [0, SecretLimits.passphraseBytesMax + 1])
    func aPassphraseHasALength(_ count: Int) {
        #expect(throws: Passphrase.Failure.badLength) {
            _ = try Passphrase.seal(
                SecretBytes([1]), passphrase: [UInt8](repeating: 65, count: count),
                salt: Self.salt, nonce: Self.nonce, cost: .interactive, header: [])
        }
    }

    @Test func aCostIsWithinItsLimits() {
        let (least, most) = (
            UInt32(SecretLimits.passphraseMemoryBytesMin),
            UInt32(SecretLimits.passphraseMemoryBytesMax)
        )
        #expect(Passphrase.Cost(memoryBytes: least, passes: 2) == .interactive)
        #expect(Passphrase.Cost(memoryBytes: 256 << 20, passes: 3) == .moderate)
        #expect(Passphrase.Cost(memoryBytes: most, passes: 8) != nil)
        for (memory, passes): (UInt32, UInt8) in [
            (least - 1, 2), (most + 1, 2), (.max, 2), (0, 2), (least, 1), (least, 0), (least, 9),
            (least, 255),
        ] {
            #expect(Passphrase.Cost(memoryBytes: memory, passes: passes) == nil)
        }
    }
}
