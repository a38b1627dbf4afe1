import HTTPTypes
import HummingbirdTesting
import NodeAPI
import OpenAIAPI
import Testing

@Suite struct EmbeddingRouteTests {
    private func embed(
        _ body: String, by service: FakeService = FakeService()
    ) async throws -> TestResponse {
        try await respond(.post, "/v1/embeddings", by: service, body: body)
    }

    @Test(
        "Each text gets its vector, in order, in all four forms of input",
        arguments: [
            (#""a""#, 1), (#"["a","b"]"#, 2), ("[5,6,7]", 1), ("[[5],[6],[7]]", 3),
        ])
    func eachTextGetsItsVector(input: String, count: Int) async throws {
        let response = try await embed(#"{"model":"mini","input":\#(input)}"#)
        #expect(response.status == .ok)
        let list = try response.read(EmbeddingsList.self)
        #expect(list.model == "mini")
        #expect(list.data.map(\.index) == Array(0..<count))
        #expect(
            list.data.map(\.embedding) == (0..<count).map { .numbers([Float($0), 0.5]) })
        #expect(list.usage == .init(promptTokens: 3 * count))
        #expect(list.shoal?.node == "node-a")
        #expect(try response.header("x-shoal-node") == "node-a")
    }

    @Test("Base 64 holds the little-endian singles")
    func base64() async throws {
        let list = try await embed(#"{"input":"a","encoding_format":"base64"}"#)
            .read(EmbeddingsList.self)
        #expect(list.data.map(\.embedding) == [.base64("AAAAAAAAAD8=")])
    }

    @Test(
        "What is not in order is refused by name",
        arguments: [
            ("{}", "input"), (#"{"input":[]}"#, "input"), (#"{"input":""}"#, "input"),
            (#"{"input":3}"#, "input"), (#"{"input":[-1]}"#, "input"),
            (#"{"input":"a","encoding_format":"hex"}"#, "encoding_format"),
            (#"{"input":"a","dimensions":8}"#, "dimensions"),
            (#"{"input":"a","model":""}"#, "model"),
        ])
    func whatIsNotInOrderIsRefused(body: String, parameter: String) async throws {
        let response = try await embed(body)
        #expect(response.status == .badRequest)
        #expect(try response.error.param == parameter)
    }

    @Test("A model that is not there is answered with those that are")
    func aModelThatIsNotThere() async throws {
        let service = FakeService(.refusing(ServiceError(.modelNotFound, "no model 'x'")))
        let response = try await embed(#"{"input":"a","model":"x"}"#, by: service)
        #expect(response.status == .notFound)
        #expect(try response.error.message.contains("stories"))
    }
}
