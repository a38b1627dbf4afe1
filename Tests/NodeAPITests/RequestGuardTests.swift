import Foundation
import Logging
import Synchronization
import Testing

@testable import NodeAPI

/// Sends one GET with these header lines, and gives the status line and all after it.
private func ask(_ port: Int, _ lines: String..., path: String = "/healthz") async throws -> String
{
    let client = try await RawClient(port: port)
    defer { client.close() }
    await client.send(
        (["GET \(path) HTTP/1.1"] + lines + ["Connection: close", "", ""])
            .joined(separator: "\r\n"))
    return await client.read(until: "nothing that comes")
}

@Suite(.timeLimit(.minutes(2))) struct RequestGuardTests {
    @Test func onLoopbackOnlyALoopbackHostIsAnswered() async throws {
        try await withServer(FakeService()) { port in
            for host in [
                "127.0.0.1", "127.0.0.1:\(port)", "localhost", "LOCALHOST:\(port)", "localhost.",
                "[::1]:\(port)", "127.8.9.1", "node.localhost",
            ] {
                let answer = try await ask(port, "Host: \(host)")
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(host): \(answer)")
            }
            for host in [
                "evil.example", "evil.example:\(port)", "127.0.0.1.evil.example", "localhost.evil",
                "192.0.2.1", "0.0.0.0", "[::2]", "127.0.0.1@evil.example", "localhost:x",
                "xlocalhost", "[::1", "127.0.0.1:99999",
            ] {
                let answer = try await ask(port, "Host: \(host)")
                #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(host): \(answer)")
                #expect(answer.contains(#""code":"host_not_allowed""#), "\(host): \(answer)")
            }
        }
    }

    @Test func aPromptUnderAForeignNameStartsNothing() async throws {
        let service = FakeService()
        try await withServer(service) { port in
            let client = try await RawClient(port: port)
            await client.send(
                "POST /v1/completions HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 15\r\n"
                    + "Connection: close\r\n\r\n{\"prompt\":\"hi\"}")
            #expect(await client.read(until: "host_not_allowed").hasPrefix("HTTP/1.1 403 "))
            client.close()
        }
        #expect(service.lastRequest == nil)
    }

    @Test func aPageOfAnotherPlaceIsRefusedWhereverItComesIn() async throws {
        // At all addresses, and asked by a name that is not loopback's: as a router would pass it on.
        for host in ["127.0.0.1", "0.0.0.0"] {
            try await withServer(FakeService(), changing: { $0.host = host }) { port in
                for origin in [
                    "http://evil.example", "https://evil.example:\(port)", "null", "", "file://",
                    "http://localhost", "http://localhost:\(port + 1)",
                    "http://localhost.evil.example:\(port)",
                ] {
                    let answer = try await ask(
                        port, "Host: localhost:\(port)", "Origin: \(origin)")
                    #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(origin): \(answer)")
                    #expect(answer.contains(#""code":"origin_not_allowed""#))
                    #expect(!answer.lowercased().contains("access-control"))
                }
                for own in ["http://localhost:\(port)", "HTTP://LOCALHOST:\(port)"] {
                    let answer = try await ask(port, "Host: localhost:\(port)", "Origin: \(own)")
                    #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(own): \(answer)")
                }
            }
        }
    }

    @Test func aPageThatTheNodeWasToldOfIsAnsweredAndMayRead() async throws {
        let origins = Set(
            ["https://Chat.Example", "app://notes.example"].compactMap(HTTPOrigin.init))
        #expect(origins.count == 2)
        try await withServer(FakeService(), changing: { $0.origins = origins }) { port in
            for origin in [
                "https://chat.example", "https://chat.example:443", "app://notes.example",
            ] {
                let answer = try await ask(port, "Host: localhost", "Origin: \(origin)")
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(origin): \(answer)")
                #expect(answer.lowercased().contains("access-control-allow-origin: \(origin)"))
            }
            // By its host's name too, as behind a proxy on this machine.
            let named = try await ask(port, "Host: chat.example")
            #expect(named.hasPrefix("HTTP/1.1 200 "))
            for origin in ["http://chat.example", "https://chat.example:444", "https://example"] {
                let answer = try await ask(port, "Host: localhost", "Origin: \(origin)")
                #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(origin): \(answer)")
            }
            for (origin, status) in [("https://chat.example", 204), ("https://evil.example", 403)] {
                let client = try await RawClient(port: port)
                await client.send(
                    "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                        + "Origin: \(origin)\r\nAccess-Control-Request-Method: POST\r\n"
                        + "Connection: close\r\n\r\n")
                let answer = await client.read(until: "nothing that comes")
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(origin): \(answer)")
            }
        }
    }

    @Test func whatIsNoOriginIsNoSetting() {
        for text in [
            "", "null", "chat.example", "https://", "https://a/b", "https://a b", "https://a:b",
            "https://a:70000", "://a", "https://u@a",
            "https://" + String(repeating: "a", count: 600),
        ] { #expect(HTTPOrigin(text) == nil, "\(text)") }
    }

    @Test func listeningForOtherMachinesIsSaidInTheLog() async throws {
        for (host, isSaid) in [("0.0.0.0", true), ("127.0.0.1", false), ("localhost", false)] {
            let said = Lines()
            var logger = Logger(label: "test") { _ in said.handler }
            logger.logLevel = .warning
            let server = NodeHTTPServer(
                configuration: NodeHTTPConfiguration(host: host, port: 0), service: FakeService(),
                logger: logger)
            let run = Task { try await server.run() }
            _ = try await server.boundPort()
            run.cancel()
            _ = await run.result
            #expect(said.all.contains { $0.contains("whoever reaches it can ask") } == isSaid)
        }
    }
}

/// Keeps what is logged.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var handler: any LogHandler { Handler(lines: self) }

    fileprivate func append(_ line: String) { lines.withLock { $0.append(line) } }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.append("\(event.message)") }
    }
}
