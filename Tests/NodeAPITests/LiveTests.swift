import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import OpenAIAPI
import Testing

@testable import NodeAPI

private func post(_ fields: String, close: Bool = false) -> String {
    let body = #"{"prompt":"hi"\#(fields)}"#
    return "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\(close ? "Connection: close\r\n" : "")\r\n\(body)"
}

@Suite(.timeLimit(.minutes(2))) struct LiveTests {
    private static let begun = Array(FakeService.answer.prefix(2))

    @Test func aClientThatGoesInMidStreamEndsTheGeneration() async throws {
        let service = FakeService(.hanging(Self.begun))
        try await withServer(service) { port in
            let client = try await RawClient(port: port)
            await client.send(post(#","stream":true"#))
            let head = await client.read(until: "Once")
            #expect(head.hasPrefix("HTTP/1.1 200 OK"))
            client.close()
            await service.waitForCancellation()
        }
    }

    @Test func aClientThatGoesBeforeItsWholeAnswerEndsTheGeneration() async throws {
        let service = FakeService(.hanging(Self.begun))
        try await withServer(service) { port in
            let client = try await RawClient(port: port)
            await client.send(post(""))
            await service.waitForBeginning()
            client.close()
            await service.waitForCancellation()
        }
    }

    @Test func aClientThatGoesBeforeTheRouteEndsTheRequest() async throws {
        for play in [FakeService.Play.neverBeginning, .hanging([])] {
            let service = FakeService(play)
            try await withServer(service) { port in
                let client = try await RawClient(port: port)
                await client.send(post(#","stream":true"#))
                await service.waitForBeginning()
                client.close()
                await service.waitForCancellation()
            }
        }
    }

    @Test func aConnectionServesOneRequestAfterTheOther() async throws {
        let service = FakeService()
        try await withServer(service, generationsMax: 1) { port in
            let client = try await RawClient(port: port)
            for _ in 0..<3 {
                await client.send(post(#","stream":true"#))
                let answer = await client.read(until: "[DONE]")
                #expect(answer.contains("Once"))
            }
            client.close()
        }
    }

    @Test func generationsOverTheLimitAreToldToComeBack() async throws {
        let service = FakeService(.hanging(Self.begun))
        try await withServer(service, generationsMax: 1) { port in
            let first = try await RawClient(port: port)
            await first.send(post(#","stream":true"#))
            _ = await first.read(until: "Once")

            let second = try await RawClient(port: port)
            await second.send(post("", close: true))
            let refusal = await second.read(until: "overloaded")
            #expect(refusal.hasPrefix("HTTP/1.1 429 "))
            #expect(refusal.lowercased().contains("retry-after: 1"))
            second.close()

            first.close()
            await service.waitForCancellation()
        }
    }

    @Test func aStreamThatFailsEndsWithAnErrorAndAProperEnd() async throws {
        let service = FakeService(
            .events(Self.begun, failing: ServiceError(.interrupted, "node-a is gone")))
        try await withServer(service) { port in
            let client = try await RawClient(port: port)
            await client.send(post(#","stream":true"#))
            let answer = await client.read(until: "\r\n0\r\n\r\n")
            #expect(answer.contains(#"data: {"error":{"code":"interrupted""#))
            #expect(!answer.contains("[DONE]"))
            client.close()
        }
    }

    @Test func aBodyThatSaysItIsTooLargeIsRefusedUnread() async throws {
        try await withServer(FakeService()) { port in
            let client = try await RawClient(port: port)
            await client.send(
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Length: 99999999999\r\n\r\n{")
            let answer = await client.read(until: "body_too_large")
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            client.close()
        }
    }

    @Test func theAnswerIsTheSameOverARealConnection() async throws {
        try await server(FakeService()).application().test(.live) { client in
            let response = try await client.execute(
                uri: "/v1/completions", method: .post, body: ByteBuffer(string: #"{"prompt":"a"}"#))
            #expect(try response.read(Completion.self).choices.first?.text == "Once upon")
            #expect(try response.header("server") == "shoal")
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct ListeningTests {
    @Test func aPortInUseIsNamedWithWhatToDo() async throws {
        try await withServer(FakeService()) { port in
            let second = server(FakeService(), port: port)
            await #expect(throws: NodeHTTPError.addressInUse(host: "127.0.0.1", port: port)) {
                try await second.run()
            }
            await #expect(throws: NodeHTTPError.addressInUse(host: "127.0.0.1", port: port)) {
                _ = try await second.boundPort()
            }
            let text = NodeHTTPError.addressInUse(host: "127.0.0.1", port: port).description
            #expect(text.contains("127.0.0.1:\(port)"))
            #expect(text.contains("another HTTP port"))
        }
    }

    @Test func anAddressOfAnotherMachineIsNamed() async throws {
        // 192.0.2.0/24 is set aside for documentation (RFC 5737).
        let server = NodeHTTPServer(
            configuration: NodeHTTPConfiguration(host: "192.0.2.1", port: 0),
            service: FakeService(), logger: Logger(label: "test"))
        await #expect(throws: NodeHTTPError.addressNotAvailable(host: "192.0.2.1", port: 0)) {
            try await server.run()
        }
    }

    @Test func onlyThisMachineReachesTheDefault() {
        #expect(NodeHTTPConfiguration().host == "127.0.0.1")
    }
}
