import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Node
import OpenAIAPI

/// Where a running node's HTTP interface is reached.
struct NodeEndpoint {
    /// As `http://HOST:PORT`.
    let url: String
    /// Its Unix socket, where that is to be used instead: nothing is on the network then.
    var socket: String?

    /// The interface at a URL, over the network.
    init(url: String) { self.url = url }

    /// A node of this machine, over its socket if it has one.
    init(_ node: RunningNode) {
        url = node.http
        socket = node.socket
    }

    /// The URL of a path of the interface, as the HTTP client takes it.
    fileprivate func url(of path: String) -> String {
        socket.flatMap { URL(httpURLWithSocketPath: $0, uri: path)?.absoluteString } ?? url + path
    }
}

/// Asks a running node over its HTTP interface.
struct NodeClient {
    let endpoint: NodeEndpoint

    init(_ endpoint: NodeEndpoint) { self.endpoint = endpoint }

    init(_ node: RunningNode) { endpoint = NodeEndpoint(node) }

    private static let answerBytesMax = 16 << 20
    /// How long a node may take to answer anything at all, in seconds. One whose connections are all
    /// taken, or that hangs, lets others connect and says nothing.
    private static let firstWordSeconds: Int64 = 10
    /// How long an answer may take, in seconds: it waits for its turn and is written word by word.
    private static let answerSeconds: Int64 = 3600

    /// The body of a GET.
    func get(_ path: String, withinSeconds limit: Int64 = 10) async throws -> Data {
        var request = HTTPClientRequest(url: endpoint.url(of: path))
        request.method = .GET
        let response = try await execute(request, seconds: limit)
        let body = try await response.body.collect(upTo: Self.answerBytesMax)
        try check(response.status, Data(buffer: body))
        return Data(buffer: body)
    }

    /// Sends a JSON request and gives the `data` of each server-sent event as it comes.
    func stream(
        _ path: String, json: Data, event: (_ data: String) throws -> Void
    ) async throws {
        // The answer may be long in coming: whether anybody is there is asked first.
        let health = try await execute(
            HTTPClientRequest(url: endpoint.url(of: "/healthz")), seconds: Self.firstWordSeconds)
        _ = try? await health.body.collect(upTo: Self.answerBytesMax)
        var request = HTTPClientRequest(url: endpoint.url(of: path))
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(data: json))
        let response = try await execute(request, seconds: Self.answerSeconds)
        guard response.status == .ok else {
            let body = try await response.body.collect(upTo: Self.answerBytesMax)
            return try check(response.status, Data(buffer: body))
        }
        var reader = EventStreamReader()
        do {
            for try await chunk in response.body {
                for item in try reader.append(chunk.readableBytesView) { try event(item.data) }
            }
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError(.unavailable, "the node went away in the middle of the answer")
        }
    }

    private func execute(
        _ request: HTTPClientRequest, seconds: Int64
    ) async throws -> HTTPClientResponse {
        do {
            return try await HTTPClient.shared.execute(request, timeout: .seconds(seconds))
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            throw CommandError(
                .unavailable,
                "the node at \(endpoint.socket ?? endpoint.url) did not answer within \(seconds) s: "
                    + "it hangs, or all its connections are taken; see its log, and `shoal doctor`")
        } catch {
            throw CommandError(
                .unavailable,
                "the node at \(endpoint.socket ?? endpoint.url) does not answer: \(error)")
        }
    }

    private struct ErrorBody: Decodable {
        struct Detail: Decodable { var message: String }
        var error: Detail
    }

    private func check(_ status: HTTPResponseStatus, _ body: Data) throws {
        guard status != .ok else { return }
        let message =
            (try? JSONDecoder().decode(ErrorBody.self, from: body))?.error.message
            ?? "the node answered \(status.code)"
        let kind: ExitStatus =
            switch status.code {
            case 429: .temporary
            case 500: .software
            case 503: .unavailable
            case 404: .unavailable
            default: .usage
            }
        throw CommandError(kind, message)
    }
}
