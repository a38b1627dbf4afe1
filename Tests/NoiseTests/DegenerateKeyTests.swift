import Testing

@testable import Noise

struct DegenerateKeyTests {
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
}
