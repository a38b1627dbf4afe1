import HTTPTypes
import Hummingbird
import NIOCore
import OpenAIAPI

/// The route that turns texts into vectors.
struct EmbeddingRoute: Sendable {
    let service: any NodeService
    let slots: GenerationSlots

    func respond(to request: Request) async throws -> Response {
        let id = try GenerationRoutes.requestID(request.headers)
        let body = try await GenerationRoutes.body(of: request)
        do throws(APIFailure) {
            let wanted: EmbeddingsRequest
            do throws(OpenAIRequestError) {
                wanted = try OpenAIJSON.decode(EmbeddingsRequest.self, from: body)
                try wanted.validate()
            } catch { throw APIFailure(error) }
            guard let slot = slots.take() else {
                throw APIFailure(
                    ServiceError(
                        .overloaded(retryAfterSeconds: NodeAPILimits.retryAfterSeconds),
                        "this node is answering as many requests as it takes at once; try again"))
            }
            defer { slot.release() }
            return try await answer(wanted, id: id)
        } catch {
            var failure = error
            failure.headers[.shoalRequest] = id
            throw failure
        }
    }

    private func answer(
        _ request: EmbeddingsRequest, id: String
    ) async throws(APIFailure) -> Response {
        let inputs = request.inputs.map { input -> EmbeddingServiceRequest.Input in
            switch input {
            case .text(let text): .text(text)
            case .tokens(let tokens): .tokens(tokens)
            }
        }
        do throws(ServiceError) {
            let answer = try await service.embed(
                EmbeddingServiceRequest(id: id, model: request.model, inputs: inputs))
            let encoding = request.encoding ?? .float
            let list = EmbeddingsList(
                model: answer.route.model,
                data: answer.vectors.enumerated().map { index, vector in
                    EmbeddingsList.Entry(
                        index: index, embedding: .init(vector, encoding: encoding))
                }, usage: .init(promptTokens: answer.promptTokens),
                shoal: AnswerProgress(route: answer.route, choices: 0).info(request: id))
            return Response(
                status: .ok,
                headers: [
                    .contentType: "application/json", .shoalRequest: id,
                    .shoalNode: answer.route.node,
                ], body: .init(byteBuffer: ByteBuffer(string: try json(list))))
        } catch {
            guard error.code == .modelNotFound else { throw APIFailure(error) }
            throw APIFailure.modelNotFound(error.message, among: await service.models())
        }
    }
}
