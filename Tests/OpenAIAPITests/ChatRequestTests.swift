import Foundation
import OpenAIAPI
import Testing

private func read(_ json: String) throws(OpenAIRequestError) -> ChatCompletionRequest {
    let request = try OpenAIJSON.decode(ChatCompletionRequest.self, from: Data(json.utf8))
    try request.validate()
    return request
}

/// A request with one message, and these fields beside it.
private func request(with fields: String) -> String {
    #"{"messages":[{"role":"user","content":"hi"}],\#(fields)}"#
}

/// A request of one message with these fields.
private func request(message fields: String) -> String {
    #"{"messages":[{"role":"user","content":"a"},{\#(fields)}]}"#
}

private func fault(_ json: String) -> OpenAIRequestError? {
    do throws(OpenAIRequestError) {
        _ = try read(json)
        return nil
    } catch {
        return error
    }
}

@Suite struct ChatRequestTests {
    @Test func theLeastRequestIsAMessage() throws {
        let request = try read(#"{"messages":[{"role":"user","content":"hi"}]}"#)
        #expect(request.messages == [ChatMessage(role: .user, content: "hi")])
        #expect(request.options == GenerationOptions())
    }

    @Test func everyFieldIsRead() throws {
        let read = try read(
            request(
                with: """
                    "model":"m","n":2,"max_tokens":9,"temperature":0.5,"top_p":0.9,"top_k":40,
                    "min_p":0.05,"seed":7,"stop":["a","b"],"stream":true,
                    "stream_options":{"include_usage":true}
                    """))
        #expect(
            read.options
                == GenerationOptions(
                    model: "m", n: 2, maxTokens: 9, temperature: 0.5, topP: 0.9, topK: 40,
                    minP: 0.05, seed: 7, stop: ["a", "b"], stream: true,
                    streamOptions: .init(includeUsage: true)))
    }

    @Test func aRequestReadsBackAsItWasWritten() throws {
        let request = ChatCompletionRequest(
            messages: [
                ChatMessage(role: .system, content: "be brief"),
                ChatMessage(role: .user, content: "hé\n\"/"),
            ],
            options: GenerationOptions(
                model: "m", n: 1, maxTokens: 3, temperature: 0, topP: 1, topK: 2, minP: 0.5,
                seed: .max, stop: ["x"], stream: true, streamOptions: .init(includeUsage: false)))
        let data = try OpenAIJSON.encode(request)
        #expect(try OpenAIJSON.decode(ChatCompletionRequest.self, from: data) == request)
    }

    @Test func unknownFieldsAreIgnored() throws {
        _ = try read(request(with: #""user":"u","metadata":{"a":[1]},"x_new":null"#))
    }

    @Test func contentMayBeAnArrayOfTextParts() throws {
        let request = try read(
            request(
                message: """
                    "role":"assistant","content":[{"type":"text","text":"one "},
                    {"type":"text","text":"two"}]
                    """))
        #expect(request.messages.last?.content == "one two")
    }

    @Test(arguments: [
        (#""stop":"x""#, ["x"]), (#""stop":["x"]"#, ["x"]), (#""stop":[]"#, []),
        (#""stop":null"#, []),
    ])
    func stopMayBeAStringAnArrayOrNothing(fields: String, stop: [String]) throws {
        #expect(try read(request(with: fields)).options.stop == stop)
    }

    @Test(arguments: [
        #""max_tokens":5"#, #""max_completion_tokens":5"#,
        #""max_tokens":5,"max_completion_tokens":5"#,
    ])
    func theLimitOnTokensHasTwoNames(fields: String) throws {
        #expect(try read(request(with: fields)).options.maxTokens == 5)
    }

    @Test func twoDifferentLimitsOnTokensAreRefused() {
        let error = fault(request(with: #""max_tokens":5,"max_completion_tokens":6"#))
        #expect(error?.parameter == "max_completion_tokens")
    }

    @Test func aNegativeSeedIsTakenAsItsBits() throws {
        #expect(try read(request(with: #""seed":-1"#)).options.seed == .max)
        #expect(try read(request(with: #""seed":18446744073709551615"#)).options.seed == .max)
    }

    @Test(arguments: [
        #""tools":[]"#, #""tools":null"#, #""tool_choice":"none""#, #""tool_choice":"auto""#,
        #""functions":[]"#, #""response_format":{"type":"text"}"#, #""logprobs":false"#,
        #""top_logprobs":0"#, #""logit_bias":{}"#, #""presence_penalty":0"#,
        #""frequency_penalty":0.0"#, #""modalities":["text"]"#, #""store":false"#,
        #""audio":null"#,
    ])
    func aFieldThatAsksForNothingIsAccepted(fields: String) {
        #expect(fault(request(with: fields)) == nil)
    }

    @Test(arguments: [
        #""tools":[{"type":"function"}]"#, #""tool_choice":{"type":"function"}"#,
        #""tool_choice":"required""#, #""functions":[{}]"#, #""function_call":{"name":"f"}"#,
        #""modalities":["text","audio"]"#, #""audio":{}"#, #""store":true"#,
        #""reasoning_effort":"high""#, #""web_search_options":{}"#,
    ])
    func aFieldThatAsksForWhatIsNotThereIsRefusedByName(fields: String) {
        let name = fields.split(separator: "\"").first.map(String.init)
        let error = fault(request(with: fields))
        #expect(error?.parameter == name)
        #expect(error?.code == "unsupported_parameter")
        #expect(error?.message.contains(name ?? "?") == true)
    }

    @Test(arguments: [
        (#""n":0"#, "n", "1 to 16"), (#""n":17"#, "n", "1 to 16"),
        (#""max_tokens":0"#, "max_tokens", "1 to 1048576"),
        (#""temperature":2.1"#, "temperature", "0.0 to 2.0"),
        (#""temperature":-0.1"#, "temperature", "0.0 to 2.0"),
        (#""top_p":1.5"#, "top_p", "0.0 to 1.0"), (#""top_k":-1"#, "top_k", "0 to"),
        (#""min_p":1.01"#, "min_p", "0.0 to 1.0"), (#""model":"""#, "model", "1 to 256 bytes"),
        (#""stop":[""]"#, "stop", "1 to 256 bytes"),
        (
            #""stop":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"]"#,
            "stop", "at most 16"
        ),
        (#""stream_options":{}"#, "stream_options", "'stream': true"),
        (#""presence_penalty":2.5"#, "presence_penalty", "-2.0 to 2.0"),
        (#""frequency_penalty":-3"#, "frequency_penalty", "-2.0 to 2.0"),
        (#""repetition_penalty":0"#, "repetition_penalty", "0.01 to 100.0"),
        (#""typical_p":2"#, "typical_p", "0.0 to 1.0"),
        (#""logit_bias":{"5":101}"#, "logit_bias", "-100.0 to 100.0"),
        (#""logit_bias":{"five":1}"#, "logit_bias", "token ids"),
        (#""logit_bias":{"-1":1}"#, "logit_bias", "token ids"),
        (#""logprobs":true,"top_logprobs":21"#, "top_logprobs", "0 to 20"),
        (#""logprobs":false,"top_logprobs":2"#, "top_logprobs", "'logprobs': true"),
        (#""priority":101"#, "priority", "-100 to 100"),
        (#""deadline_seconds":0"#, "deadline_seconds", "0.001 to"),
        (#""response_format":{"type":"xml"}"#, "response_format.type", "text, json_object"),
        (#""grammar":"x","response_format":{"type":"json_object"}"#, "grammar", "send one"),
    ])
    func aValueOutOfRangeIsRefusedWithItsNameAndRange(
        fields: String, parameter: String, range: String
    ) {
        let error = fault(request(with: fields))
        #expect(error?.parameter == parameter)
        #expect(error?.message.contains(parameter) == true)
        #expect(error?.message.contains(range) == true, "\(error?.message ?? "no error")")
    }

    @Test(arguments: [
        (#""n":"1""#, "n", "a whole number"), (#""stream":1"#, "stream", "true or false"),
        (#""temperature":"hot""#, "temperature", "a number"), (#""model":5"#, "model", "a string"),
        (#""stop":5"#, "stop", "an array"), (#""n":1.5"#, "n", ""),
        (#""temperature":1e999"#, "temperature", ""),
    ])
    func aValueOfTheWrongTypeIsRefusedByName(fields: String, parameter: String, type: String) {
        let error = fault(request(with: fields))
        #expect(error?.parameter == parameter)
        #expect(
            type.isEmpty || error?.message.contains(type) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        (#""content":"x""#, "messages[1].role"),
        (#""role":"user""#, "messages[1].content"),
        (#""role":"user","content":null"#, "messages[1].content"),
        (#""role":"user","content":5"#, "messages[1].content"),
        (#""role":"king","content":"x""#, "messages[1].role"),
        (#""role":"tool","content":"x""#, "messages[1].role"),
        (#""role":"assistant","content":"x","tool_calls":[{}]"#, "messages[1].tool_calls"),
        (
            #""role":"user","content":[{"type":"image_url","image_url":{}}]"#,
            "messages[1].content[0].type"
        ),
        (#""role":"user","content":[{"type":"text"}]"#, "messages[1].content[0].text"),
        (
            #""role":"user","content":[{"type":"text","text":null}]"#,
            "messages[1].content[0].text"
        ),
        (#""role":"user","content":["x"]"#, "messages[1].content[0]"),
    ])
    func aFaultInAMessageIsNamedByItsPath(fields: String, parameter: String) {
        let error = fault(request(message: fields))
        #expect(error?.parameter == parameter)
        #expect(error?.message.contains(parameter) == true)
    }

    @Test func aConversationHasAtLeastOneMessage() {
        #expect(fault(#"{"messages":[]}"#)?.parameter == "messages")
        #expect(fault(#"{"model":"m"}"#)?.code == "missing_required_parameter")
        #expect(fault("[]")?.message.contains("JSON object") == true)
    }
}
