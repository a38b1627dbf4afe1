import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import OpenAIAPI

/// What Hummingbird carries through a request: also the connection, to see it end.
struct NodeRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// The routes and their methods.
struct NodeRoutes: Sendable {
    let service: any NodeService
    let generations: GenerationRoutes
    let embeddings: EmbeddingRoute

    /// The methods that a path takes; nil if there is no such path.
    static func methods(of path: String) -> String? {
        switch path.split(separator: "/").joined(separator: "/") {
        case "v1/chat/completions", "v1/completions", "v1/embeddings": "POST"
        case "v1/models", "healthz", "shoal/v1/status": "GET, HEAD"
        case let path where path.hasPrefix("v1/models/"): "GET, HEAD"
        default: nil
        }
    }

    /// The routes, behind a guard where others than this machine's commands come in.
    func router(behind guardian: RequestGuard? = nil) -> Router<NodeRequestContext> {
        let router = Router(
            context: NodeRequestContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: ErrorMiddleware())
        if let guardian { router.add(middleware: guardian) }
        router.post("/v1/chat/completions") { request, context in
            try await generations.respond(to: request, in: context, as: .chat)
        }
        router.post("/v1/completions") { request, context in
            try await generations.respond(to: request, in: context, as: .completion)
        }
        router.post("/v1/embeddings") { request, _ in
            try await embeddings.respond(to: request)
        }
        router.get("/v1/models") { _, _ in
            try Self.answer(ModelList(data: await service.models().map { ModelObject($0) }))
        }
        router.get("/v1/models/**") { _, context in
            // A name may hold slashes, so it is all of the rest of the path.
            let rest = context.parameters.getCatchAll().joined(separator: "/")
            let name = rest.removingPercentEncoding ?? rest
            let models = await service.models()
            guard let model = models.first(where: { $0.id == name }) else {
                throw APIFailure.modelNotFound("there is no model '\(name)'", among: models)
            }
            return try Self.answer(ModelObject(model))
        }
        router.get("/healthz") { _, _ in
            let health = await service.health()
            return try Self.answer(health, status: health.ready ? .ok : .serviceUnavailable)
        }
        router.get("/shoal/v1/status") { _, _ in
            try Self.answer(await service.status())
        }
        return router
    }

    private static func answer(
        _ value: some Encodable, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        do throws(ServiceError) {
            return Response(
                status: status, headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(string: try json(value))))
        } catch {
            throw APIFailure(error)
        }
    }
}

extension ModelObject {
    init(_ model: ServedModel) {
        self.init(
            id: model.id,
            shoal: Shoal(
                digest: model.digest, contextLength: model.contextLength, nodes: model.nodes))
    }
}
