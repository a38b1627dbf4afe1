import Foundation
import Noise
import Testing

/// A Python interpreter that has the package noiseprotocol; without it these tests do not run.
private let python = ProcessInfo.processInfo.environment["SHOAL_INTEROP_PYTHON"]

/// Another implementation of Noise, in a process of its own, spoken to in lines of hexadecimal.
private final class PythonPeer {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var pending: [UInt8] = []

    init(role: String, prologue: [UInt8], psk: [UInt8]) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Interop/noise_peer.py")
        process.executableURL = URL(fileURLWithPath: try #require(python))
        process.arguments = [script.path, role, hex(prologue), hex(psk)]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    func send(_ message: [UInt8]) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((hex(message) + "\n").utf8))
    }

    func receive() throws -> [UInt8] {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                return try bytes(line)
            }
            let data = output.fileHandleForReading.availableData
            try #require(!data.isEmpty, "the Python end closed: its reason is on standard error")
            pending += data
        }
    }

    func exitCode() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }
}

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

@Suite(.enabled(if: python != nil, "SHOAL_INTEROP_PYTHON names no interpreter"), .serialized)
struct InteropTests {
    static let prologue = Array("shoal-link interop".utf8)
    static let psk = [UInt8](repeating: 0x42, count: 32)

    private func handshake(_ role: NoiseRole) throws -> NoiseHandshake {
        try NoiseHandshake(
            pattern: .xxpsk0, role: role, prologue: Self.prologue, staticKey: .generate(),
            preSharedKeys: [Self.psk], ephemeral: .generate())
    }

    private var pythonsKey: [UInt8] {
        get throws { try NoiseKeyPair(secretKey: [UInt8](repeating: 11, count: 32)).publicKey }
    }

    @Test func aSwiftInitiatorMeetsAPythonResponder() throws {
        let peer = try PythonPeer(role: "responder", prologue: Self.prologue, psk: Self.psk)
        var noise = try handshake(.initiator)
        try peer.send(try noise.writeMessage())
        #expect(try noise.readMessage(try peer.receive()) == [])
        try peer.send(try noise.writeMessage())
        #expect(try noise.remoteStaticKey == pythonsKey)
        var session = try noise.split()
        #expect(try peer.receive() == session.handshakeHash)
        try peer.send(session.handshakeHash)
        let message = Array("to and fro".utf8)
        try peer.send(try session.send.seal(message))
        #expect(try session.receive.open(try peer.receive()) == message.reversed())
        #expect(peer.exitCode() == 0)
    }

    @Test func aPythonInitiatorMeetsASwiftResponder() throws {
        let peer = try PythonPeer(role: "initiator", prologue: Self.prologue, psk: Self.psk)
        var noise = try handshake(.responder)
        #expect(try noise.readMessage(try peer.receive()) == [])
        try peer.send(try noise.writeMessage())
        #expect(try noise.readMessage(try peer.receive()) == [])
        #expect(try noise.remoteStaticKey == pythonsKey)
        var session = try noise.split()
        #expect(try peer.receive() == session.handshakeHash)
        try peer.send(session.handshakeHash)
        let message = try session.receive.open(try peer.receive())
        try peer.send(try session.send.seal(message.reversed()))
        #expect(peer.exitCode() == 0)
    }

    @Test func aPythonInitiatorWithAnotherKeyIsRefused() throws {
        let peer = try PythonPeer(
            role: "initiator", prologue: Self.prologue, psk: [UInt8](repeating: 0x43, count: 32))
        var noise = try handshake(.responder)
        let first = try peer.receive()
        #expect(first.count == 48)
        #expect(throws: NoiseError.notAuthentic) { _ = try noise.readMessage(first) }
        // Eight zero bytes are no second message: the other end gives up by itself.
        try peer.send([UInt8](repeating: 0, count: 8))
        #expect(peer.exitCode() != 0)
    }
}
