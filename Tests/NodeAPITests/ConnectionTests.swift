import Foundation
import Logging
import ServiceLifecycle
import Testing

@testable import NodeAPI

private let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

/// How long a server takes to stop with this much of a request in a connection.
private func stopping(
    _ service: FakeService, after sent: String, waitingFor answer: String? = nil,
    patience: Duration = .seconds(20)
) async throws -> Duration {
    let server = server(service)
    let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
    let run = Task { try await group.run() }
    let client = try await RawClient(port: try await server.boundPort())
    defer { client.close() }
    await client.send(sent)
    if let answer { _ = await client.read(until: answer) }
    // The request has to be there before the node is told to stop.
    try await Task.sleep(for: .milliseconds(300))
    let began = ContinuousClock.now
    await group.triggerGracefulShutdown()
    let deadline = Task {
        try await Task.sleep(for: patience)
        run.cancel()
    }
    _ = await run.result
    deadline.cancel()
    return ContinuousClock.now - began
}

@Suite(.timeLimit(.minutes(2))) struct ConnectionTests {
    @Test func connectionsOverTheLimitWaitAndFewOpenFilesLeaveRoomForOthers() async throws {
        #expect(NodeAPILimits.connections(openFiles: 100) == (25, 12))
        #expect(NodeAPILimits.connections(openFiles: .max) == (1024, 128))
        #expect(NodeAPILimits.connections(openFiles: 0) == (1, 1))
        try await withServer(FakeService(), changing: { $0.openFiles = 8 }) { port in
            var clients: [RawClient] = []
            for _ in 0..<2 { clients.append(try await RawClient(port: port)) }
            for client in clients {
                await client.send(health)
                #expect(await client.read(until: "ready").hasPrefix("HTTP/1.1 200 "))
            }
            // The third is connected, in the system's queue, and answered when there is room.
            let third = try await RawClient(port: port)
            await third.send(health)
            #expect(await third.isSilent(forMilliseconds: 500))
            clients[0].close()
            #expect(await third.read(until: "ready").hasPrefix("HTTP/1.1 200 "))
            third.close()
            clients[1].close()
        }
    }

    @Test func aConnectionWithoutARequestIsClosedAndAnAnswerIsNotCut() async throws {
        let service = FakeService(.hanging(Array(FakeService.answer.prefix(2))))
        try await withServer(service, changing: { $0.idleSeconds = 1 }) { port in
            let body = #"{"prompt":"hi","stream":true}"#
            let streaming = try await RawClient(port: port)
            await streaming.send(
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(await streaming.read(until: "Once").contains("Once"))
            for sent in ["", "GET /heal", health] {
                let client = try await RawClient(port: port)
                await client.send(sent)
                // Read until the server closes.
                let answer = await client.read(until: "nothing that comes")
                #expect(answer.isEmpty == (sent != health), "\(answer)")
                client.close()
            }
            #expect(await streaming.isSilent(forMilliseconds: 1500))
            streaming.close()
            await service.waitForCancellation()
        }
    }

    @Test func halfARequestDoesNotHoldUpAStoppingNode() async throws {
        let head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        for sent in [head + "\r\n{\"p", head, "POST"] {
            let took = try await stopping(FakeService(), after: sent)
            #expect(took < .seconds(6), "\(sent)")
        }
    }

    @Test func aRequestThatHasArrivedIsFinishedByAStoppingNode() async throws {
        let body = #"{"prompt":"hi","stream":true}"#
        let took = try await stopping(
            FakeService(.hanging(Array(FakeService.answer.prefix(2)))),
            after: "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)", waitingFor: "Once",
            patience: .seconds(5))
        // It never ends by itself: only the caller's patience did.
        #expect(took >= .seconds(5))
    }
}
