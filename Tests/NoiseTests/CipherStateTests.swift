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
    func plaintextsOfEveryLengthComeBack(_ count: Int) throws {
        var sender = CipherState(key: Self.key)
        var receiver = CipherState(key: Self.key)
        let plaintext = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = try sender.seal(plaintext)
        #expect(sealed.count == count + NoiseLimits.tagBytes)
        #expect(try receiver.open(sealed) == plaintext)
    }
}
