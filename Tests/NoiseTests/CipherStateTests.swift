import Testing

@testable import Noise

struct CipherStateTests {
    static let key = [UInt8](repeating: 5, count: 32)

    @Test func theLastNumberButOneWorksOnceAndThenTheErrorIsStable() throws {
        var sender = CipherState(key: Self.key, nonce: .max - 1)
        var receiver = CipherState(key: Self.key, nonce: .max - 1)
        let sealed = try sender.seal([1, 2, 3])
        #expect(try receiver.open(sealed) == [1, 2, 3])
        for _ in 0..<3 {
            #expect(throws: NoiseError.nonceExhausted) { _ = try sender.seal([]) }
            #expect(throws: NoiseError.nonceExhausted) { _ = try receiver.open(sealed) }
        }
        sender.rekey()
        #expect(throws: NoiseError.nonceExhausted) { _ = try sender.seal([]) }
    }

    @Test func aFailedOpenLeavesTheNumberAlone() throws {
        var sender = CipherState(key: Self.key)
        var receiver = CipherState(key: Self.key)
        let sealed = try sender.seal(Array("hello".utf8), associatedData: [1])
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: NoiseError.notAuthentic) {
                _ = try receiver.open(changed, associatedData: [1])
            }
        }
        #expect(throws: NoiseError.notAuthentic) { _ = try receiver.open(sealed) }
        for count in 0..<sealed.count {
            #expect(throws: NoiseError.self) {
                _ = try receiver.open(Array(sealed.prefix(count)), associatedData: [1])
            }
        }
        #expect(receiver.nonce == 0)
        #expect(try receiver.open(sealed, associatedData: [1]) == Array("hello".utf8))
        #expect(receiver.nonce == 1)
    }

    @Test func replayReorderAndReflectionAreRefused() throws {
        var sender = CipherState(key: Self.key)
        var receiver = CipherState(key: Self.key)
        let first = try sender.seal([1])
        let second = try sender.seal([2])
        #expect(throws: NoiseError.notAuthentic) { _ = try receiver.open(second) }
        #expect(try receiver.open(first) == [1])
        #expect(throws: NoiseError.notAuthentic) { _ = try receiver.open(first) }
        #expect(try receiver.open(second) == [2])

        var pair = try Pair()
        _ = try pair.run()
        var ours = try pair.initiator.split()
        let message = try ours.send.seal([9])
        #expect(throws: NoiseError.notAuthentic) { _ = try ours.receive.open(message) }
    }

    @Test func rekeyingChangesTheKeyAndKeepsTheNumber() throws {
        var sender = CipherState(key: Self.key)
        var receiver = CipherState(key: Self.key)
        var late = receiver
        _ = try receiver.open(try sender.seal([1]))
        sender.rekey()
        receiver.rekey()
        #expect(sender.nonce == 1)
        let sealed = try sender.seal([2])
        #expect(try receiver.open(sealed) == [2])
        _ = try? late.open(sealed)
        #expect(late.nonce == 0)
    }

    @Test func copiesOfACipherDoNotDisturbEachOther() throws {
        var original = CipherState(key: Self.key)
        var copy = original
        copy.rekey()
        var receiver = CipherState(key: Self.key)
        #expect(try receiver.open(try original.seal([4])) == [4])
        #expect(throws: NoiseError.notAuthentic) { _ = try receiver.open(try copy.seal([4])) }
    }

    @Test(arguments: [0, 1, 15, 16, 16_384, 65_519])
    func plaintextsOfEveryLengthComeBackAndAllFacesSealAlike(_ count: Int) throws {
        let plaintext = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var sender = CipherState(key: Self.key)
        let sealed = try sender.seal(plaintext)
        #expect(sealed.count == count + NoiseLimits.tagBytes)

        var inPlace = CipherState(key: Self.key)
        var buffer = [1, 2] + plaintext
        try inPlace.seal(inPlace: &buffer, from: 2)
        #expect(buffer == [1, 2] + sealed)

        var toMemory = CipherState(key: Self.key)
        var output = [UInt8](repeating: 0xee, count: count + NoiseLimits.tagBytes + 3)
        let written = try output.withUnsafeMutableBytes { output in
            try plaintext.withUnsafeBytes { try toMemory.seal($0, into: output) }
        }
        #expect(written == sealed.count && output == sealed + [0xee, 0xee, 0xee])
        #expect([sender.nonce, inPlace.nonce, toMemory.nonce] == [1, 1, 1])

        var receiver = CipherState(key: Self.key)
        #expect(try receiver.open(sealed) == plaintext)
        var receiverInPlace = CipherState(key: Self.key)
        let range = try receiverInPlace.open(inPlace: &buffer, at: 2..<buffer.count)
        #expect(range == 2..<2 + count && Array(buffer[range]) == plaintext)
        var fromMemory = CipherState(key: Self.key)
        let read = try output.withUnsafeMutableBytes { output in
            try sealed.withUnsafeBytes { try fromMemory.open($0, into: output) }
        }
        #expect(read == count && Array(output[..<count]) == plaintext)
        #expect([receiver.nonce, receiverInPlace.nonce, fromMemory.nonce] == [1, 1, 1])
    }

    @Test func oversizeInputIsRefusedBeforeTheCipherSeesItAndTheNumberStays() throws {
        var cipher = CipherState(key: Self.key)
        let plaintext = [UInt8](
            repeating: 0, count: NoiseLimits.messageBytesMax - NoiseLimits.tagBytes + 1)
        #expect(throws: NoiseError.badLength) { _ = try cipher.seal(plaintext) }
        var buffer = plaintext
        #expect(throws: NoiseError.badLength) { try cipher.seal(inPlace: &buffer, from: 0) }
        #expect(buffer == plaintext)
        var output = [UInt8](repeating: 0, count: 70_000)
        #expect(throws: NoiseError.badLength) {
            try output.withUnsafeMutableBytes { output in
                _ = try plaintext.withUnsafeBytes { try cipher.seal($0, into: output) }
            }
        }
        let sealed = [UInt8](repeating: 0, count: NoiseLimits.messageBytesMax + 1)
        #expect(throws: NoiseError.badLength) { _ = try cipher.open(sealed) }
        buffer = sealed
        #expect(throws: NoiseError.badLength) {
            _ = try cipher.open(inPlace: &buffer, at: 0..<sealed.count)
        }
        #expect(throws: NoiseError.badLength) {
            try output.withUnsafeMutableBytes { output in
                _ = try sealed.withUnsafeBytes { try cipher.open($0, into: output) }
            }
        }
        #expect(cipher.nonce == 0)
    }

    @Test func memoryWithTooLittleRoomIsRefusedAndUntouched() throws {
        var cipher = CipherState(key: Self.key)
        let plaintext = [UInt8](repeating: 7, count: 100)
        var output = [UInt8](repeating: 0xee, count: 115)
        #expect(throws: NoiseError.badLength) {
            try output.withUnsafeMutableBytes { output in
                _ = try plaintext.withUnsafeBytes { try cipher.seal($0, into: output) }
            }
        }
        let sealed = try cipher.seal(plaintext)
        var receiver = CipherState(key: Self.key)
        var short = [UInt8](repeating: 0xee, count: 99)
        #expect(throws: NoiseError.badLength) {
            try short.withUnsafeMutableBytes { output in
                _ = try sealed.withUnsafeBytes { try receiver.open($0, into: output) }
            }
        }
        #expect(output.allSatisfy { $0 == 0xee } && short.allSatisfy { $0 == 0xee })
        #expect(cipher.nonce == 1 && receiver.nonce == 0)
    }

    @Test func aFailedOpenOfEitherFaceLeavesTheNumberAlone() throws {
        var sender = CipherState(key: Self.key)
        let sealed = try sender.seal(Array("hello".utf8))
        var receiver = CipherState(key: Self.key)
        var output = [UInt8](repeating: 0, count: 64)
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: NoiseError.notAuthentic) {
                try output.withUnsafeMutableBytes { output in
                    _ = try changed.withUnsafeBytes { try receiver.open($0, into: output) }
                }
            }
            #expect(throws: NoiseError.notAuthentic) {
                _ = try receiver.open(inPlace: &changed, at: 0..<changed.count)
            }
        }
        for count in 0..<sealed.count {
            var cut = Array(sealed.prefix(count))
            #expect(throws: NoiseError.self) {
                _ = try receiver.open(inPlace: &cut, at: 0..<count)
            }
        }
        #expect(receiver.nonce == 0)
        #expect(try receiver.open(sealed) == Array("hello".utf8))
    }

    @Test func theLastNumberButOneWorksOnceWithEveryFace() throws {
        var plain: [UInt8] = [1, 2, 3]
        var sender = CipherState(key: Self.key, nonce: .max - 1)
        try sender.seal(inPlace: &plain, from: 0)
        var receiver = CipherState(key: Self.key, nonce: .max - 1)
        var output = [UInt8](repeating: 0, count: 64)
        _ = try output.withUnsafeMutableBytes { output in
            try plain.withUnsafeBytes { try receiver.open($0, into: output) }
        }
        #expect(output.prefix(3) == [1, 2, 3])
        for _ in 0..<3 {
            #expect(throws: NoiseError.nonceExhausted) {
                try sender.seal(inPlace: &plain, from: 0)
            }
            #expect(throws: NoiseError.nonceExhausted) {
                try output.withUnsafeMutableBytes { output in
                    _ = try plain.withUnsafeBytes { try receiver.open($0, into: output) }
                }
            }
            #expect(throws: NoiseError.nonceExhausted) {
                _ = try receiver.open(inPlace: &plain, at: 0..<plain.count)
            }
        }
        #expect(plain.count == 19)
    }
}
