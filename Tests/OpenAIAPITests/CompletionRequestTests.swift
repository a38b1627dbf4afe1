import Foundation
import OpenAIAPI
import Testing

private func read(_ json: String) throws(OpenAIRequestError) -> CompletionRequest {
    let request = try OpenAIJSON.decode(CompletionRequest.self, from: Data(json.utf8))
    try request.validate()
    return request
}

private func fault(_ json: String) -> OpenAIRequestError? {
    do throws(OpenAIRequestError) {
        _ = try read(json)
        return nil
    } catch {
        return error
    }
}

@Suite struct CompletionRequestTests {
    @Test(arguments: [
        (#""a""#, CompletionRequest.Prompt.text("a")), (#"["a"]"#, .text("a")),
        (#""""#, .text("")), ("[1,2]", .tokens([1, 2])), ("[[1,2]]", .tokens([1, 2])),
    ])
    func aPromptIsTextOrTokenIDs(json: String, prompt: CompletionRequest.Prompt) throws {
        #expect(try read(#"{"prompt":\#(json)}"#).prompt == prompt)
    }

    @Test(arguments: [
        #"["a","b"]"#, "[[1],[2]]", "[]", "[-1]", "[1.5]", "[4294967296]", "5", "null", "{}",
        #"[1,"a"]"#,
    ])
    func anyOtherPromptIsRefused(json: String) {
        let error = fault(#"{"prompt":\#(json)}"#)
        #expect(error?.parameter == "prompt")
        #expect(error?.message.contains("prompt") == true)
    }

    @Test func aPromptIsRequired() {
        #expect(fault("{}")?.code == "missing_required_parameter")
        #expect(fault("{}")?.parameter == "prompt")
    }

    @Test(arguments: [
        #""echo":true"#, #""suffix":"x""#, #""best_of":2"#,
    ])
    func aFieldThatAsksForWhatIsNotThereIsRefusedByName(fields: String) {
        let name = fields.split(separator: "\"").first.map(String.init)
        let error = fault(#"{"prompt":"a",\#(fields)}"#)
        #expect(error?.parameter == name)
        #expect(error?.code == "unsupported_parameter")
    }

    @Test("The older route counts alternatives in logprobs itself")
    func theOlderRouteCountsAlternativesInLogprobsItself() throws {
        let request = try OpenAIJSON.decode(
            CompletionRequest.self, from: Data(#"{"prompt":"a","logprobs":3}"#.utf8))
        #expect(request.options.logprobs == 3)
    }

    @Test(arguments: [
        #""logprobs":null"#, #""echo":false"#, #""suffix":"""#, #""best_of":1"#,
    ])
    func aFieldThatAsksForNothingIsAccepted(fields: String) {
        #expect(fault(#"{"prompt":"a",\#(fields)}"#) == nil)
    }

    @Test(arguments: [CompletionRequest.Prompt.text("a\u{1}b"), .tokens([0, .max])])
    func aRequestReadsBackAsItWasWritten(prompt: CompletionRequest.Prompt) throws {
        let request = CompletionRequest(
            prompt: prompt, options: GenerationOptions(model: "m", maxTokens: 4))
        let data = try OpenAIJSON.encode(request)
        #expect(try OpenAIJSON.decode(CompletionRequest.self, from: data) == request)
    }
}
