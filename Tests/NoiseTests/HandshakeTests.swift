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

    // The points of order 1, 2, 4 and 8 that have a canonical encoding: X25519 with any of them is all
    // zero. libsodium's list holds these and the first two of the next.
    static let lowOrderPoints = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    // What is not the one encoding of a point: 2^255 − 19 and 2^255 − 18, which stand for 0 and 1; the
    // first and the last that stand for other points; and with the highest bit set the rest of the
    // list of low order at https://cr.yp.to/ecdh.html#validate, and a good key.
    static let nonCanonicalPoints = [
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
        "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
        "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0900000000000000000000000000000000000000000000000000000000000080",
    ]

    @Test(arguments: lowOrderPoints)
    func anEphemeralOfLowOrderIsRefused(_ point: String) throws {
        let low = NoiseKeyPair(
            publicKey: try bytes(point), secretKey: [UInt8](repeating: 9, count: 32))
        // As the initiator's: the responder meets it when it writes its answer.
        var initiator = try NoiseHandshake(
            pattern: .xxpsk0, role: .initiator, prologue: Pair.prologue, staticKey: .generate(),
            preSharedKeys: [Pair.psk], ephemeral: low)
        var pair = try Pair()
        _ = try pair.responder.readMessage(try initiator.writeMessage())
        #expect(throws: NoiseError.lowOrderKey) { _ = try pair.responder.writeMessage() }
        #expect(throws: NoiseError.outOfTurn) { _ = try pair.responder.writeMessage() }
    }

    @Test(arguments: lowOrderPoints)
    func aStaticKeyOfLowOrderIsRefused(_ point: String) throws {
        let low = NoiseKeyPair(
            publicKey: try bytes(point), secretKey: [UInt8](repeating: 9, count: 32))
        // The sender computes with its secret key and only announces the point; the reader's own
        // product with it is all zero.
        var initiator = try NoiseHandshake(
            pattern: .xxpsk0, role: .initiator, prologue: Pair.prologue, staticKey: low,
            preSharedKeys: [Pair.psk], ephemeral: .generate())
        var pair = try Pair()
        _ = try pair.responder.readMessage(try initiator.writeMessage())
        _ = try initiator.readMessage(try pair.responder.writeMessage())
        let three = try initiator.writeMessage()
        #expect(throws: NoiseError.lowOrderKey) { _ = try pair.responder.readMessage(three) }
        #expect(pair.responder.remoteStaticKey == nil)
    }

    @Test(arguments: nonCanonicalPoints)
    func anEphemeralThatIsNotCanonicalIsRefusedAsItIsRead(_ point: String) throws {
        let odd = NoiseKeyPair(
            publicKey: try bytes(point), secretKey: [UInt8](repeating: 9, count: 32))
        // As the initiator's.
        var initiator = try NoiseHandshake(
            pattern: .xxpsk0, role: .initiator, prologue: Pair.prologue, staticKey: .generate(),
            preSharedKeys: [Pair.psk], ephemeral: odd)
        var pair = try Pair()
        let one = try initiator.writeMessage()
        #expect(throws: NoiseError.nonCanonicalKey) { _ = try pair.responder.readMessage(one) }
        #expect(throws: NoiseError.outOfTurn) { _ = try pair.responder.writeMessage() }
        // As the responder's.
        var second = try Pair()
        var responder = try NoiseHandshake(
            pattern: .xxpsk0, role: .responder, prologue: Pair.prologue, staticKey: .generate(),
            preSharedKeys: [Pair.psk], ephemeral: odd)
        _ = try responder.readMessage(try second.initiator.writeMessage())
        let two = try responder.writeMessage()
        #expect(throws: NoiseError.nonCanonicalKey) { _ = try second.initiator.readMessage(two) }
    }

    @Test(arguments: nonCanonicalPoints)
    func aStaticKeyThatIsNotCanonicalIsRefusedAsItIsRead(_ point: String) throws {
        let odd = NoiseKeyPair(
            publicKey: try bytes(point), secretKey: [UInt8](repeating: 9, count: 32))
        var initiator = try NoiseHandshake(
            pattern: .xxpsk0, role: .initiator, prologue: Pair.prologue, staticKey: odd,
            preSharedKeys: [Pair.psk], ephemeral: .generate())
        var pair = try Pair()
        _ = try pair.responder.readMessage(try initiator.writeMessage())
        _ = try initiator.readMessage(try pair.responder.writeMessage())
        let three = try initiator.writeMessage()
        #expect(throws: NoiseError.nonCanonicalKey) { _ = try pair.responder.readMessage(three) }
        #expect(pair.responder.remoteStaticKey == nil)
    }

    @Test(arguments: lowOrderPoints)
    func aRespondersKeysOfLowOrderAreRefused(_ point: String) throws {
        let low = NoiseKeyPair(
            publicKey: try bytes(point), secretKey: [UInt8](repeating: 9, count: 32))
        for (staticKey, ephemeral) in [(NoiseKeyPair.generate(), low), (low, .generate())] {
            var responder = try NoiseHandshake(
                pattern: .xxpsk0, role: .responder, prologue: Pair.prologue, staticKey: staticKey,
                preSharedKeys: [Pair.psk], ephemeral: ephemeral)
            var pair = try Pair()
            _ = try responder.readMessage(try pair.initiator.writeMessage())
            let two = try responder.writeMessage()
            #expect(throws: NoiseError.lowOrderKey) { _ = try pair.initiator.readMessage(two) }
            #expect(pair.initiator.remoteStaticKey == nil)
            #expect(throws: NoiseError.outOfTurn) { _ = try pair.initiator.writeMessage() }
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
