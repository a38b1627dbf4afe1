import Foundation
import OpenAIAPI
import Testing

@Suite struct ResponseFormatTests {
    private func options(_ fields: String) throws -> GenerationOptions {
        try OpenAIJSON.decode(
            ChatCompletionRequest.self,
            from: Data(#"{"messages":[{"role":"user","content":"a"}],\#(fields)}"#.utf8)
        ).options
    }

    @Test("A schema keeps the order of its properties as the client wrote them")
    func aSchemaKeepsTheOrderOfItsProperties() throws {
        let schema = #"{"type": "object", "properties": {"z": {"type":"string"}, "a": {}}}"#
        let format = try options(
            #""response_format":{"json_schema":{"schema": \#(schema) ,"name":"s"},"#
                + #""type":"json_schema"}"#
        ).responseFormat
        #expect(format == .jsonSchema(name: "s", schema: schema))
    }

    @Test(
        "A format written by one side is read back by the other",
        arguments: [
            ResponseFormat.text, .jsonObject, .jsonSchema(name: "n", schema: #"{"minimum":3}"#),
        ])
    func aFormatIsReadBack(format: ResponseFormat) throws {
        var options = GenerationOptions()
        options.responseFormat = format
        options.logitBias = [7: -1.5]
        options.logprobs = 4
        options.presencePenalty = 0.5
        options.priority = 3
        options.deadline = 2.5
        let request = ChatCompletionRequest(
            messages: [.init(role: .user, content: "a")], options: options)
        let data = try OpenAIJSON.encode(request)
        #expect(try OpenAIJSON.decode(ChatCompletionRequest.self, from: data) == request)
    }

    @Test("A schema that is no object is refused by name")
    func aSchemaThatIsNoObjectIsRefused() {
        let error = #expect(throws: OpenAIRequestError.self) {
            try options(
                #""response_format":{"type":"json_schema","json_schema":{"schema":3}}"#)
        }
        #expect(error?.parameter == "response_format.json_schema.schema")
    }

    @Test(
        "Log probabilities are off, on, or on with alternatives",
        arguments: [
            (#""logprobs":false"#, nil), (#""logprobs":true"#, 0),
            (#""logprobs":true,"top_logprobs":5"#, 5),
        ] as [(String, Int?)])
    func logprobsAreOffOrOn(fields: String, expected: Int?) throws {
        #expect(try options(fields).logprobs == expected)
    }
}
