import HTTPTypes
import Hummingbird
import OpenAIAPI

extension HTTPField.Name {
    /// A name that this source spells, and spells rightly.
    private static func fixed(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("bad name \(name)") }
        return field
    }

    /// The id of a request, both ways.
    static let shoalRequest = fixed("x-shoal-request")
    /// The name of the node that runs it.
    static let shoalNode = fixed("x-shoal-node")
    /// The id of a request, under the name other services have for it.
    static let idempotencyKey = fixed("idempotency-key")
    /// Asks proxies not to hold events back.
    static let accelBuffering = fixed("x-accel-buffering")
}

/// An answer that is an error: a status, OpenAI's error object, and perhaps headers.
struct APIFailure: Error {
    var status: HTTPResponse.Status
    var body: OpenAIErrorBody
    var headers: HTTPFields

    init(
        _ status: HTTPResponse.Status, type: String = "invalid_request_error", code: String?,
        parameter: String? = nil, message: String, headers: HTTPFields = [:]
    ) {
        self.status = status
        body = OpenAIErrorBody(message: message, type: type, code: code, param: parameter)
        self.headers = headers
    }

    /// A request that is wrong in itself.
    init(_ error: OpenAIRequestError) {
        self.init(
            .badRequest, code: error.code, parameter: error.parameter, message: error.message)
    }

    /// A request that a node does not answer.
    init(_ error: ServiceError) {
        let message = error.message
        switch error.code {
        case .modelNotFound:
            self.init(
                .notFound, code: "model_not_found", parameter: "model", message: message)
        case .promptTooLong:
            self.init(.badRequest, code: "context_length_exceeded", message: message)
        case .badRequest:
            self.init(.badRequest, code: "invalid_request", message: message)
        case .deadlineExceeded:
            self.init(.requestTimeout, code: "deadline_exceeded", message: message)
        case .overloaded(let seconds):
            self.init(
                .tooManyRequests, type: "rate_limit_error", code: "overloaded", message: message,
                headers: [.retryAfter: String(max(1, seconds))])
        case .unavailable(let seconds):
            self.init(
                .serviceUnavailable, type: "server_error", code: "unavailable", message: message,
                headers: [.retryAfter: String(max(1, seconds))])
        case .interrupted:
            self.init(.badGateway, type: "server_error", code: "interrupted", message: message)
        case .internal:
            self.init(
                .internalServerError, type: "server_error", code: "internal_error",
                message: message)
        }
    }

    /// No model of that name, with the names there are.
    static func modelNotFound(_ message: String, among models: [ServedModel]) -> APIFailure {
        let names = models.map(\.id).sorted()
        let shown = names.prefix(NodeAPILimits.modelNamesInMessageMax).joined(separator: ", ")
        let more = names.count - NodeAPILimits.modelNamesInMessageMax
        let available =
            names.isEmpty
            ? "no models are available in the mesh now"
            : "models available: \(shown)\(more > 0 ? " and \(more) more" : "")"
        return APIFailure(ServiceError(.modelNotFound, "\(message); \(available)"))
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = "application/json"
        // An error's body holds strings only, which JSON can always hold.
        let text = (try? json(body)) ?? #"{"error":{"message":"internal error"}}"#
        return Response(
            status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Gives every error the same form, those of routing included.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: NodeRequestContext,
        next: (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let failure as APIFailure {
            return failure.response
        } catch let error as any HTTPResponseError where error.status == .notFound {
            return Self.unrouted(request).response
        } catch let error as any HTTPResponseError {
            return APIFailure(
                error.status, code: nil, message: error.status.reasonPhrase
            ).response
        }
        // Anything else is the connection's own failure, and Hummingbird's to handle.
    }

    /// No route has this path, or not with this method.
    private static func unrouted(_ request: Request) -> APIFailure {
        let path = request.uri.path
        guard let allowed = NodeRoutes.methods(of: path) else {
            return APIFailure(
                .notFound, code: "unknown_url",
                message: "there is nothing at \(request.method.rawValue) \(path.prefix(256))")
        }
        return APIFailure(
            .methodNotAllowed, code: "method_not_allowed",
            message: "\(path) does not take \(request.method.rawValue), only \(allowed)",
            headers: [.allow: allowed])
    }
}
