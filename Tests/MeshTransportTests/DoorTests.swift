import Mesh
import Noise
import Platform
import Secrets
import Synchronization
import Testing
import Trust
import Wire

@testable import MeshTransport

/// A clock that goes when the test says so.
private final class HeldClock: Sendable {
    private let time = Mutex(MonotonicInstant.origin)

    var now: MonotonicInstant { time.withLock { $0 } }
    func advance(by step: Duration) { time.withLock { $0 = $0 + step } }
}

@Suite(.timeLimit(.minutes(5))) struct DoorTests {
    @Test func `silent connections are few, keep nobody out, and end by themselves`() async throws {
        let mesh = try TestMesh()
        let clock = HeldClock()
        let admitted = Mutex(0)
        let keys = LaneKeys(member: [mesh.gateKey.keyID: mesh.gateKey.preSharedSecret])
        let door = try Door(
            doorman: Doorman(
                genesis: mesh.genesis, keys: keys, trust: TrustState(), secret: .random(32)),
            wallClock: wallNow, clock: { clock.now },
            admit: { descriptor, _ in
                admitted.withLock { $0 += 1 }
                StreamSocket.close(descriptor)
            })
        let socket = try ListeningSocket(
            host: "127.0.0.1", port: 0, backlog: MeshTransportLimits.acceptBacklog)
        door.listen(on: socket)

        var silent: [RawClient] = []
        for _ in 0..<AdmissionLimits.silentMax {
            silent.append(try await RawClient(port: socket.port))
        }
        try await eventually("all wait") {
            await door.counters().waiting == AdmissionLimits.silentMax
        }
        for _ in 0..<20 { silent.append(try await RawClient(port: socket.port)) }
        try await eventually("for each that comes after, one makes place") {
            await door.counters().counted.refused[.crowdedOut] == 20
        }
        #expect(await door.counters().waiting == AdmissionLimits.silentMax)

        // Who has something to say is not kept out by those who don't.
        let credentials = try mesh.credentials("alice")
        let preamble = try #require(LinkPreamble(lane: .member, keyID: mesh.gateKey.keyID))
        var dial = try LinkHandshake(
            initiating: preamble, preSharedKey: mesh.gateKey.preSharedSecret,
            local: try credentials.handshakeLocal(), expecting: nil,
            verifier: MemberVerifier(genesis: mesh.genesis, trust: nil, now: wallNow),
            ephemeral: .generate(), at: clock.now)
        let honest = try await RawClient(port: socket.port)
        for case .send(let bytes) in dial.start() { honest.send(bytes) }
        try await eventually("the honest one is admitted") { admitted.withLock { $0 } == 1 }

        // A byte now and then gains no time: the deadline is for the whole.
        let left = await door.counters().waiting
        clock.advance(by: LinkLimits.handshakeDeadline / 2)
        for client in silent { client.send([1]) }
        clock.advance(by: LinkLimits.handshakeDeadline / 2)
        try await eventually("all end") { silent.allSatisfy(\.isClosed) }
        let (counted, waiting) = await door.counters()
        #expect(waiting == 0)
        #expect(counted.refused[.late] == UInt64(left))
        for client in silent { #expect(client.received.isEmpty) }
        await withCheckedContinuation { ended in door.end { ended.resume() } }
    }
}
