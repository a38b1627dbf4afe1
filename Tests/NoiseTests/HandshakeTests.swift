import Testing

@testable import Noise

/// Both ends of one XXpsk0 handshake, with fixed keys.
struct Pair {
    var initiator: NoiseHandshake
    var responder: NoiseHandshake

    static let psk = [UInt8](repeating: 7, count: 32)
    static let prologue = Array("shoal-link".utf8)

    init(
        initiatorPSK: [UInt8] = psk, responderPSK: [UInt8] = psk,
        initiatorPrologue: [UInt8] = prologue, responderPrologue: [UInt8] = prologue
    ) throws {
        func key(_ byte: UInt8) throws -> NoiseKeyPair {
            try NoiseKeyPair(secretKey: [UInt8](repeating: byte, count: 32))
        }
        initiator = try NoiseHandshake(
            pattern: .xxpsk0, role: .initiator, prologue: initiatorPrologue, staticKey: key(1),
            preSharedKeys: [initiatorPSK], ephemeral: key(2))
        responder = try NoiseHandshake(
            pattern: .xxpsk0, role: .responder, prologue: responderPrologue, staticKey: key(3),
            preSharedKeys: [responderPSK], ephemeral: key(4))
    }

    /// The three messages; the handshake is complete afterwards.
    mutating func run(_ payloads: [[UInt8]] = [[], [], []]) throws -> [[UInt8]] {
        let one = try initiator.writeMessage(payload: payloads[0])
        _ = try responder.readMessage(one)
        let two = try responder.writeMessage(payload: payloads[1])
        _ = try initiator.readMessage(two)
        let three = try initiator.writeMessage(payload: payloads[2])
        _ = try responder.readMessage(three)
        return [one, two, three]
    }

    /// Brings both ends to where message `number` (0 to 2) has been written but not read, and gives
    /// that message and its reader.
    mutating func reader(ofMessage number: Int) throws -> (message: [UInt8], end: NoiseHandshake) {
        let payload = Array("payload".utf8)
        let one = try initiator.writeMessage(payload: payload)
        if number == 0 { return (one, responder) }
        _ = try responder.readMessage(one)
        let two = try responder.writeMessage(payload: payload)
        if number == 1 { return (two, initiator) }
        _ = try initiator.readMessage(two)
        return (try initiator.writeMessage(payload: payload), responder)
    }
}

struct HandshakeTests {
    @Test func emptyPayloadsGiveMessagesOf48And96And64Bytes() throws {
        var pair = try Pair()
        #expect(try pair.run().map(\.count) == [48, 96, 64])
    }

    @Test func payloadsArriveAndBothEndsLearnTheOthersKey() throws {
        var pair = try Pair()
        _ = try pair.run([[], Array("two".utf8), Array("three".utf8)])
        #expect(
            pair.initiator.remoteStaticKey
                == (try NoiseKeyPair(secretKey: [UInt8](repeating: 3, count: 32))).publicKey)
        #expect(
            pair.responder.remoteStaticKey
                == (try NoiseKeyPair(secretKey: [UInt8](repeating: 1, count: 32))).publicKey)
        #expect(try pair.initiator.split().handshakeHash == pair.responder.split().handshakeHash)
    }

    @Test(arguments: 0..<3) func aMessageCutAnywhereIsRefused(_ number: Int) throws {
        var pair = try Pair()
        let (message, end) = try pair.reader(ofMessage: number)
        for count in 0..<message.count {
            var reader = end
            #expect(throws: NoiseError.self) {
                _ = try reader.readMessage(Array(message.prefix(count)))
            }
            #expect(!reader.isComplete && reader.remoteStaticKey == nil)
        }
    }

    @Test(arguments: 0..<3) func aMessageWithAnyBitFlippedIsRefused(_ number: Int) throws {
        var pair = try Pair()
        let (message, end) = try pair.reader(ofMessage: number)
        for bit in 0..<message.count * 8 {
            var changed = message
            changed[bit / 8] ^= 1 << (bit % 8)
            var reader = end
            #expect(throws: NoiseError.self, "bit \(bit)") {
                _ = try reader.readMessage(changed)
            }
            #expect(!reader.isComplete)
        }
    }

    @Test(arguments: 0..<3) func aMessageWithBytesAddedIsRefused(_ number: Int) throws {
        var pair = try Pair()
        let (message, end) = try pair.reader(ofMessage: number)
        var reader = end
        #expect(throws: NoiseError.notAuthentic) { _ = try reader.readMessage(message + [0]) }
    }

    @Test func aRefusedMessageEndsTheHandshakeForGood() throws {
        var pair = try Pair()
        let (message, end) = try pair.reader(ofMessage: 1)
        var reader = end
        #expect(throws: NoiseError.self) { _ = try reader.readMessage(message.dropLast() + [0]) }
        #expect(throws: NoiseError.outOfTurn) { _ = try reader.readMessage(message) }
        #expect(throws: NoiseError.outOfTurn) { _ = try reader.writeMessage() }
        #expect(throws: NoiseError.outOfTurn) { _ = try reader.split() }
    }

    @Test func anotherPreSharedKeyFailsAtTheFirstMessage() throws {
        var pair = try Pair(responderPSK: [UInt8](repeating: 8, count: 32))
        let one = try pair.initiator.writeMessage()
        #expect(throws: NoiseError.notAuthentic) { _ = try pair.responder.readMessage(one) }
    }

    @Test func anotherPrologueFailsAtTheFirstMessage() throws {
        var pair = try Pair(responderPrologue: Array("shoal-link2".utf8))
        let one = try pair.initiator.writeMessage()
        #expect(throws: NoiseError.notAuthentic) { _ = try pair.responder.readMessage(one) }
    }

    @Test func aPreSharedKeyOfAnotherLengthOrNumberIsRefused() throws {
        let key = NoiseKeyPair.generate()
        for keys in [[], [[UInt8](repeating: 0, count: 31)], [Pair.psk, Pair.psk]] {
            #expect(throws: NoiseError.badKey) {
                _ = try NoiseHandshake(
                    pattern: .xxpsk0, role: .initiator, prologue: [], staticKey: key,
                    preSharedKeys: keys, ephemeral: .generate())
            }
        }
        #expect(throws: NoiseError.badKey) { _ = try NoiseKeyPair(secretKey: [1, 2, 3]) }
    }

    @Test func aMessageReflectedToItsSenderIsRefused() throws {
        var pair = try Pair()
        let one = try pair.initiator.writeMessage()
        #expect(throws: NoiseError.self) { _ = try pair.initiator.readMessage(one) }
    }

    @Test func aMessageOfAnotherSessionIsRefused() throws {
        var pair = try Pair()
        var other = try Pair()
        other.responder = try NoiseHandshake(
            pattern: .xxpsk0, role: .responder, prologue: Pair.prologue, staticKey: .generate(),
            preSharedKeys: [Pair.psk], ephemeral: .generate())
        let ours = try pair.initiator.writeMessage()
        _ = try pair.responder.readMessage(ours)
        _ = try pair.initiator.readMessage(try pair.responder.writeMessage())
        _ = try other.responder.readMessage(ours)
        _ = try other.responder.writeMessage()
        let three = try pair.initiator.writeMessage()
        #expect(throws: NoiseError.notAuthentic) { _ = try other.responder.readMessage(three) }
    }

    @Test func stepsOutOfTurnAreRefusedAndChangeNothing() throws {
        var pair = try Pair()
        #expect(throws: NoiseError.outOfTurn) { _ = try pair.responder.writeMessage() }
        #expect(throws: NoiseError.outOfTurn) { _ = try pair.initiator.readMessage([]) }
        #expect(throws: NoiseError.outOfTurn) { _ = try pair.initiator.split() }
        _ = try pair.run()
        #expect(throws: NoiseError.outOfTurn) { _ = try pair.initiator.writeMessage() }
        #expect(throws: NoiseError.outOfTurn) { _ = try pair.responder.writeMessage() }
        #expect(throws: NoiseError.outOfTurn) {
            _ = try pair.initiator.readMessage([UInt8](repeating: 0, count: 64))
        }
        #expect(pair.initiator.isComplete && pair.responder.isComplete)
    }

    @Test func aPayloadThatMakesAMessageTooLongIsRefused() throws {
        var pair = try Pair()
        #expect(throws: NoiseError.badLength) {
            _ = try pair.initiator.writeMessage(payload: [UInt8](repeating: 0, count: 65_535))
        }
        var other = try Pair()
        #expect(throws: NoiseError.badLength) {
            _ = try other.responder.readMessage([UInt8](repeating: 0, count: 65_536))
        }
    }

    @Test func nothingShowsAKey() throws {
        var pair = try Pair()
        _ = try pair.run()
        let key = try NoiseKeyPair(secretKey: [UInt8](repeating: 201, count: 32))
        let ciphers = try pair.initiator.split()
        for value in [key, pair.initiator, ciphers.send] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(!text.contains("201") && !text.contains("[") && text.count < 120)
            }
        }
    }
}
