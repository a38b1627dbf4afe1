import Secrets
import Testing
import Wire

@testable import Trust

struct SealedIdentityTests {
    let identity: Identity
    let passphrase = Array("correct horse".utf8)

    init() throws { identity = try #require(Identity(seed: [UInt8](repeating: 3, count: 32))) }

    private func sealed() throws -> SealedIdentity {
        try SealedIdentity(identity, passphrase: passphrase, cost: .interactive)
    }

    @Test func theIdentityComesBackUnderItsPassphrase() throws {
        // At the cost that files are written with.
        let sealed = try SealedIdentity(identity, passphrase: passphrase)
        #expect(sealed.node == identity.nodeID)
        let read = try SealedIdentity(decoding: sealed.encoded)
        let opened = try read.open(passphrase: passphrase)
        #expect(opened.nodeID == identity.nodeID && opened.seed == identity.seed)
        #expect(!sealed.encoded.contains(identity.seed))
    }

    @Test func anotherPassphraseHasAnErrorOfItsOwn() throws {
        let sealed = try sealed()
        #expect(try sealed.open(passphrase: passphrase).nodeID == identity.nodeID)
        for wrong in ["correct hors", "correct horse ", "Correct horse"] {
            #expect(throws: TrustError.wrongPassphrase) {
                _ = try sealed.open(passphrase: Array(wrong.utf8))
            }
        }
        for length in [0, TrustLimits.passphraseBytesMax + 1] {
            let bytes = [UInt8](repeating: 65, count: length)
            #expect(throws: TrustError.badPassphrase) { _ = try sealed.open(passphrase: bytes) }
            #expect(throws: TrustError.badPassphrase) {
                _ = try SealedIdentity(identity, passphrase: bytes)
            }
        }
    }

    @Test func nothingThatIsStoredCanBeChanged() throws {
        let bytes = try sealed().encoded
        // Version; node, memory, passes; salt; nonce; ciphertext: one bit of each.
        for index in [1, 32, 33, 37, 38, 53, 54, 77, 78, bytes.count - 1] {
            var changed = bytes
            changed[index] ^= 1
            guard let other = try? SealedIdentity(decoding: changed) else { continue }
            #expect(throws: TrustError.wrongPassphrase, "byte \(index)") {
                _ = try other.open(passphrase: passphrase)
            }
        }
    }

    @Test func absurdCostsAreRefusedBeforeTheyAreSpent() throws {
        let bytes = try sealed().encoded
        let costs: [(memory: UInt32, passes: UInt8)] = [
            (.max, 2), (UInt32(SecretLimits.passphraseMemoryBytesMax) + 1, 2), (1 << 20, 2), (0, 2),
            (64 << 20, 0), (64 << 20, 1), (64 << 20, 255),
        ]
        for (memory, passes) in costs {
            var writer = ByteWriter()
            writer.writeInteger(memory)
            writer.writeInteger(passes)
            var changed = bytes
            changed.replaceSubrange(33..<38, with: writer.bytes)
            #expect(throws: WireError.invalid(field: "cost of the passphrase")) {
                _ = try SealedIdentity(decoding: changed)
            }
        }
    }

    @Test func aSealedIdentityHasOneEncodingAndNoTwoAreAlike() throws {
        let one = try sealed()
        try checkCodec(one)
        #expect(try SealedIdentity(decoding: one.encoded) == one)
        #expect(try sealed() != one)
    }
}
