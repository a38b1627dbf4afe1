import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NodeAPI
import OpenAIAPI
import Testing

@Suite struct RequestTests {
    @Test func theServiceGetsTheRequestAsItWasMeant() async throws {
        let service = FakeService()
        let id = String(repeating: "AB", count: 16)
        _ = try await respond(
            .post, "/v1/chat/completions", by: service, headers: ["Idempotency-Key": id],
            body: """
                {"model":"stories","messages":[{"role":"developer","content":"be brief"},
                {"role":"user","content":[{"type":"text","text":"hi"}]}],"temperature":0.5,
                "top_p":0.25,"top_k":3,"min_p":0.125,"seed":9,"max_tokens":7,"stop":"."}
                """)
        #expect(
            service.lastRequest
                == GenerationRequest(
                    id: id.lowercased(), model: "stories",
                    prompt: .chat([
                        GenerationMessage(role: .system, content: "be brief"),
                        GenerationMessage(role: .user, content: "hi"),
                    ]),
                    sampling: GenerationSampling(
                        temperature: 0.5, topK: 3, topP: 0.25, minP: 0.125, seed: 9),
                    maxTokens: 7, stop: ["."]))
    }

    @Test func whatARequestLeavesOutIsAsInOpenAIs() async throws {
        let service = FakeService()
        _ = try await respond(
            .post, "/v1/completions", by: service, body: #"{"prompt":[1,2],"top_p":0}"#)
        let request = try #require(service.lastRequest)
        #expect(request.model == nil)
        #expect(request.prompt == .tokens([1, 2]))
        #expect(request.choices == 1)
        #expect(request.maxTokens == nil)
        #expect(request.sampling.temperature == 1)
        #expect(request.sampling.seed == nil)
        // A nucleus of no mass holds one token, as the smallest mass does.
        #expect(request.sampling.topP > 0)
        #expect(!request.streams)
    }

    @Test func aRequestWithoutAnIDIsGivenOneOfItsOwn() async throws {
        let first = try #require(try await chat().header("x-shoal-request"))
        let second = try #require(try await chat().header("x-shoal-request"))
        #expect(first != second)
        #expect(first.count == 32 && first.allSatisfy(\.isHexDigit))
    }

    @Test(arguments: ["Idempotency-Key", "x-shoal-request"])
    func aMalformedIDIsRefused(name: String) async throws {
        for id in ["", "00", String(repeating: "g", count: 32), String(repeating: "0", count: 33)] {
            let response = try await chat(headers: [name: id])
            #expect(response.status == .badRequest)
            #expect(try response.error.code == "invalid_request_id")
            #expect(try response.error.param == name.lowercased())
        }
    }

    @Test func twoDifferentIDsAreRefused() async throws {
        let one = String(repeating: "1", count: 32)
        let two = String(repeating: "2", count: 32)
        let same = try await chat(headers: ["Idempotency-Key": one, "x-shoal-request": one])
        #expect(same.status == .ok)
        let different = try await chat(headers: ["Idempotency-Key": one, "x-shoal-request": two])
        #expect(different.status == .badRequest)
    }

    @Test func brokenJSONIsRefusedWithItsPlace() async throws {
        let response = try await respond(
            .post, "/v1/chat/completions", body: "{\n \"messages\": [}")
        #expect(response.status == .badRequest)
        #expect(try response.error.message.contains("line 2, column 15 (byte 16)"))
        #expect(try response.error.code == "invalid_json")
        #expect(try response.header("x-shoal-request") != nil)
    }

    @Test func anEmptyBodyIsRefused() async throws {
        let response = try await respond(.post, "/v1/completions")
        #expect(response.status == .badRequest)
        #expect(try response.error.message.contains("empty"))
    }

    @Test func aParameterAtFaultIsNamed() async throws {
        let response = try await chat(#","tools":[{}]"#)
        #expect(response.status == .badRequest)
        #expect(try response.error.param == "tools")
        #expect(try response.error.type == "invalid_request_error")
    }

    @Test func aBodyOverTheLimitIsRefused() async throws {
        let prompt = String(repeating: "a", count: NodeAPILimits.bodyBytesMax)
        let response = try await complete(#","user":"\#(prompt)""#)
        #expect(response.status == .contentTooLarge)
        #expect(try response.error.code == "body_too_large")
        #expect(try response.error.message.contains("\(NodeAPILimits.bodyBytesMax) bytes"))
    }
}

@Suite struct ErrorTests {
    private typealias Case = (
        ServiceError.Code, HTTPResponse.Status, code: String, retryAfter: String?
    )

    @Test func everyErrorOfTheServiceHasAStatus() async throws {
        let cases: [Case] = [
            (.promptTooLong, .badRequest, "context_length_exceeded", nil),
            (.badRequest, .badRequest, "invalid_request", nil),
            (.overloaded(retryAfterSeconds: 5), .tooManyRequests, "overloaded", "5"),
            (.unavailable(retryAfterSeconds: 2), .serviceUnavailable, "unavailable", "2"),
            (.interrupted, .badGateway, "interrupted", nil),
            (.internal, .internalServerError, "internal_error", nil),
        ]
        for (code, status, name, retryAfter) in cases {
            let service = FakeService(.refusing(ServiceError(code, "because")))
            let response = try await chat(by: service)
            #expect(response.status == status)
            #expect(try response.error.code == name)
            #expect(try response.error.message == "because")
            #expect(try response.header("retry-after") == retryAfter)
            #expect(try response.header("x-shoal-request") != nil)
        }
    }

    @Test func aModelThatIsNotThereIsAnsweredWithThoseThatAre() async throws {
        let service = FakeService(.refusing(ServiceError(.modelNotFound, "no model 'x'")))
        let response = try await chat(#","model":"x""#, by: service)
        #expect(response.status == .notFound)
        #expect(try response.error.code == "model_not_found")
        #expect(try response.error.param == "model")
        #expect(
            try response.error.message
                == "no model 'x'; models available: org/big model, stories")
    }

    @Test func anUnknownRouteIsNotFoundInTheSameForm() async throws {
        for path in ["/", "/v1", "/v1/audio", "/nowhere"] {
            let response = try await respond(.get, path)
            #expect(response.status == .notFound)
            #expect(try response.error.code == "unknown_url")
        }
    }

    @Test func aWrongMethodIsRefusedWithTheRightOne() async throws {
        let cases: [(HTTPRequest.Method, String, String)] = [
            (.get, "/v1/chat/completions", "POST"), (.delete, "/v1/completions", "POST"),
            (.post, "/v1/models", "GET, HEAD"), (.delete, "/v1/models/stories", "GET, HEAD"),
            (.put, "/healthz", "GET, HEAD"), (.post, "/shoal/v1/status", "GET, HEAD"),
        ]
        for (method, path, allowed) in cases {
            let response = try await respond(method, path)
            #expect(response.status == .methodNotAllowed)
            #expect(try response.header("allow") == allowed)
            #expect(try response.error.code == "method_not_allowed")
        }
    }
}

@Suite struct OtherRouteTests {
    @Test func theModelsAreListed() async throws {
        let list = try await respond(.get, "/v1/models").read(ModelList.self)
        #expect(list.object == "list")
        #expect(list.data.map(\.id) == ["stories", "org/big model"])
        #expect(
            list.data.last?.shoal
                == .init(digest: "d2", contextLength: 4_096, nodes: ["node-a", "node-b"]))
    }

    @Test(arguments: [
        ("/v1/models/stories", "stories"), ("/v1/models/org/big%20model", "org/big model"),
        ("/v1/models/org%2Fbig%20model", "org/big model"),
    ])
    func aModelIsFoundByItsName(path: String, id: String) async throws {
        #expect(try await respond(.get, path).read(ModelObject.self).id == id)
    }

    @Test func aModelThatIsNotThereIsNotFound() async throws {
        let response = try await respond(.get, "/v1/models/x")
        #expect(response.status == .notFound)
        #expect(try response.error.message.contains("stories"))
    }

    @Test func healthIsAStatus() async throws {
        #expect(try await respond(.get, "/healthz").status == .ok)
        let response = try await respond(.get, "/healthz", by: FakeService(ready: false))
        #expect(response.status == .serviceUnavailable)
        #expect(try response.read(NodeHealth.self).status == "the model is loading")
        let head = try await respond(.head, "/healthz")
        #expect(head.status == .ok)
        #expect(head.body.readableBytes == 0)
    }

    @Test func theStatusReadsBackAsTheServiceGaveIt() async throws {
        let response = try await respond(.get, "/shoal/v1/status")
        #expect(try response.read(NodeStatus.self) == FakeService.status)
        for field in ["\"self\":true", "\"round_trip_ms\":0.5", "\"mesh_fingerprint\""] {
            #expect(response.text.contains(field))
        }
    }
}
