import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import OpenAIAPI
import Testing

@testable import NodeAPI

private var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

func server(
    _ service: FakeService, port: Int = 0, generationsMax: Int = 4,
    changing change: (inout NodeHTTPConfiguration) -> Void = { _ in }
) -> NodeHTTPServer {
    var configuration = NodeHTTPConfiguration(
        port: port, concurrentGenerationsMax: generationsMax)
    change(&configuration)
    return NodeHTTPServer(configuration: configuration, service: service, logger: silent)
}

/// Runs a server for the time of `body`.
func withServer<Value: Sendable>(
    _ service: FakeService, generationsMax: Int = 4,
    changing change: (inout NodeHTTPConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (_ port: Int) async throws -> Value
) async throws -> Value {
    let server = server(service, generationsMax: generationsMax, changing: change)
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask {
            try await server.run()
            return nil
        }
        let port = try await server.boundPort()
        group.addTask { try await body(port) }
        defer { group.cancelAll() }
        while let value = try await group.next() {
            if let value { return value }
        }
        throw NodeHTTPError.stopped
    }
}

extension HTTPField.Name {
    static func named(_ name: String) throws -> HTTPField.Name {
        try #require(HTTPField.Name(name))
    }
}

extension TestResponse {
    var text: String { String(decoding: body.readableBytesView, as: UTF8.self) }

    func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try OpenAIJSON.decode(type, from: Data(body.readableBytesView))
    }

    var error: OpenAIErrorBody.Detail {
        get throws { try read(OpenAIErrorBody.self).error }
    }

    var events: [ServerSentEvent] {
        get throws {
            var reader = EventStreamReader()
            return try reader.append(body.readableBytesView)
        }
    }

    func header(_ name: String) throws -> String? { headers[try .named(name)] }
}

/// Sends one request straight to the routes.
func respond(
    _ method: HTTPRequest.Method, _ path: String, by service: FakeService = FakeService(),
    headers: [String: String] = [:], body: String? = nil
) async throws -> TestResponse {
    var fields = HTTPFields()
    for (name, value) in headers { fields[try .named(name)] = value }
    let sent = fields
    return try await server(service).application().test(.router) { client in
        try await client.execute(
            uri: path, method: method, headers: sent, body: body.map { ByteBuffer(string: $0) })
    }
}

/// Asks for a chat with these fields beside the message.
func chat(
    _ fields: String = "", by service: FakeService = FakeService(),
    headers: [String: String] = [:]
) async throws -> TestResponse {
    try await respond(
        .post, "/v1/chat/completions", by: service, headers: headers,
        body: #"{"messages":[{"role":"user","content":"hi"}]\#(fields)}"#)
}

/// Asks for a completion with these fields beside the prompt.
func complete(
    _ fields: String = "", by service: FakeService = FakeService()
) async throws -> TestResponse {
    try await respond(.post, "/v1/completions", by: service, body: #"{"prompt":"hi"\#(fields)}"#)
}

extension ServerSentEvent {
    func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try OpenAIJSON.decode(type, from: Data(data.utf8))
    }
}
