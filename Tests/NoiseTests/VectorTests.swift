import Foundation
import Testing

@testable import Noise

/// One published handshake, with the messages that each end must produce.
struct Vector: Decodable, Sendable, CustomTestStringConvertible {
    struct Message: Decodable {
        let payload: String
        let ciphertext: String
    }

    let protocol_name: String
    let init_prologue: String?
    let init_static: String
    let init_ephemeral: String
    let init_psks: [String]?
    let resp_prologue: String?
    let resp_static: String?
    let resp_ephemeral: String?
    let resp_psks: [String]?
    let handshake_hash: String?
    let transport_order: String?
    let messages: [Message]

    var testDescription: String { "\(protocol_name), \(init_prologue ?? "no prologue")" }

    /// Every BLAKE2b vector of the XX family in the fixtures.
    static let all: [Vector] = {
        struct File: Decodable { let vectors: [Vector] }
        guard let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil) else {
            return []
        }
        return ["cacophony", "flynn", "snow"].flatMap { name -> [Vector] in
            let url = folder.appendingPathComponent("\(name)-subset.json")
            guard let data = try? Data(contentsOf: url),
                let file = try? JSONDecoder().decode(File.self, from: data)
            else { return [] }
            return file.vectors.filter {
                $0.protocol_name.hasPrefix("Noise_XX") && $0.protocol_name.hasSuffix("BLAKE2b")
            }
        }
    }()
}

func bytes(_ hex: String) throws -> [UInt8] {
    let digits = Array(hex)
    return try stride(from: 0, to: digits.count, by: 2).map {
        try #require(UInt8(String(digits[$0..<min($0 + 2, digits.count)]), radix: 16))
    }
}

struct VectorTests {
    @Test func theFixturesHoldTwelveVectorsOfTheFamily() {
        #expect(Vector.all.count == 12)
        #expect(
            Set(Vector.all.map(\.protocol_name)) == [
                "Noise_XX_25519_ChaChaPoly_BLAKE2b", "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b",
                "Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2b",
            ])
    }

    @Test(arguments: Vector.all) func everyMessageIsThePublishedOne(_ vector: Vector) throws {
        let patterns: [NoisePattern] = [.xx, .xxpsk0, .xxpsk3, .xxpsk0psk3]
        let pattern = try #require(patterns.first { $0.protocolName == vector.protocol_name })
        var initiator = try NoiseHandshake(
            pattern: pattern, role: .initiator, prologue: bytes(vector.init_prologue ?? ""),
            staticKey: NoiseKeyPair(secretKey: bytes(vector.init_static)),
            preSharedKeys: (vector.init_psks ?? []).map(bytes),
            ephemeral: NoiseKeyPair(secretKey: bytes(vector.init_ephemeral)))
        var responder = try NoiseHandshake(
            pattern: pattern, role: .responder, prologue: bytes(vector.resp_prologue ?? ""),
            staticKey: NoiseKeyPair(secretKey: bytes(try #require(vector.resp_static))),
            preSharedKeys: (vector.resp_psks ?? []).map(bytes),
            ephemeral: NoiseKeyPair(secretKey: bytes(try #require(vector.resp_ephemeral))))

        for (index, message) in vector.messages.prefix(3).enumerated() {
            let payload = try bytes(message.payload)
            let wire = try bytes(message.ciphertext)
            if index.isMultiple(of: 2) {
                #expect(try initiator.writeMessage(payload: payload) == wire)
                #expect(try responder.readMessage(wire) == payload)
            } else {
                #expect(try responder.writeMessage(payload: payload) == wire)
                #expect(try initiator.readMessage(wire) == payload)
            }
        }
        #expect(initiator.isComplete && responder.isComplete)
        var first = try initiator.split()
        var second = try responder.split()
        #expect(first.handshakeHash == second.handshakeHash)
        if let hash = vector.handshake_hash {
            #expect(try first.handshakeHash == bytes(hash))
        }
        #expect(
            try initiator.remoteStaticKey
                == NoiseKeyPair(secretKey: bytes(try #require(vector.resp_static))).publicKey)
        #expect(
            try responder.remoteStaticKey
                == NoiseKeyPair(secretKey: bytes(vector.init_static)).publicKey)

        let initiatorIsFirst = vector.transport_order == "init-first"
        #expect(vector.messages.count > 3)
        for (index, message) in vector.messages.dropFirst(3).enumerated() {
            let payload = try bytes(message.payload)
            let wire = try bytes(message.ciphertext)
            if index.isMultiple(of: 2) == initiatorIsFirst {
                #expect(try first.send.seal(payload) == wire)
                #expect(try second.receive.open(wire) == payload)
            } else {
                #expect(try second.send.seal(payload) == wire)
                #expect(try first.receive.open(wire) == payload)
            }
        }
    }
}
