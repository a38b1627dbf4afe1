import Foundation
import OpenAIAPI
import Testing

private func object(_ value: some Encodable) throws -> String {
    String(decoding: try OpenAIJSON.encode(value), as: UTF8.self)
}

@Suite struct AnswerTests {
    private static let info = ShoalInfo(
        request: "00", node: "a", nodeID: "ff", reason: "local", attempts: 1,
        roundTripMilliseconds: 1.5)

    @Test func anUnfinishedChunkSaysSoWithNull() throws {
        let chunk = ChatCompletionChunk(
            id: "i", created: 1, model: "m", choices: [.init(index: 0, delta: .init(content: "x"))])
        #expect(
            try object(chunk)
                == #"{"choices":[{"delta":{"content":"x"},"finish_reason":null,"index":0}],"#
                + #""created":1,"id":"i","model":"m","object":"chat.completion.chunk"}"#)
    }

    @Test func theShoalObjectHasItsFields() throws {
        #expect(
            try object(Self.info)
                == #"{"attempts":1,"node":"a","node_id":"ff","reason":"local","request":"00","#
                + #""round_trip_ms":1.5}"#)
    }

    @Test func answersReadBackAsTheyWereWritten() throws {
        let usage = TokenUsage(promptTokens: 2, completionTokens: 3)
        #expect(usage.totalTokens == 5)
        let chat = ChatCompletion(
            id: "i", created: 1, model: "m",
            choices: [.init(index: 0, message: .init(content: "x"), finishReason: .stop)],
            usage: usage, shoal: Self.info)
        #expect(
            try OpenAIJSON.decode(ChatCompletion.self, from: try OpenAIJSON.encode(chat)) == chat)
        let text = Completion(
            id: "i", created: 1, model: "m",
            choices: [.init(index: 0, text: "x", finishReason: .length)], usage: usage,
            shoal: Self.info)
        #expect(try OpenAIJSON.decode(Completion.self, from: try OpenAIJSON.encode(text)) == text)
        let models = ModelList(data: [
            .init(id: "m", shoal: .init(digest: "aa", contextLength: 512, nodes: ["a"]))
        ])
        #expect(
            try OpenAIJSON.decode(ModelList.self, from: try OpenAIJSON.encode(models)) == models)
    }

    @Test func anAnswerOfAnotherServerIsRead() throws {
        let chunk = try OpenAIJSON.decode(
            ChatCompletionChunk.self,
            from: Data(
                #"""
                {"id":"1","object":"chat.completion.chunk","created":1,"model":"m",
                "system_fingerprint":null,"service_tier":"x","usage":null,"choices":[{"index":0,
                "delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}
                """#.utf8))
        #expect(chunk.choices.first?.finishReason?.rawValue == "tool_calls")
        let error = try OpenAIJSON.decode(
            OpenAIErrorBody.self, from: Data(#"{"error":{"message":"no","code":404}}"#.utf8))
        #expect(error.error.code == "404")
    }

    @Test func anErrorWritesAllItsFields() throws {
        #expect(
            try object(OpenAIErrorBody(message: "m", type: "t"))
                == #"{"error":{"code":null,"message":"m","param":null,"type":"t"}}"#)
    }
}

@Suite struct EventStreamTests {
    private static let events = [
        ServerSentEvent(id: "r:0", data: #"{"a":"é"}"#), ServerSentEvent(id: "r:1", data: "x\ny"),
        ServerSentEvent(id: "r:1", data: ServerSentEvent.done),
    ]

    @Test func eventsReadBackHoweverTheyAreCut() throws {
        let bytes = Array(Self.events.map(\.text).joined().utf8)
        for cut in 0...bytes.count {
            var reader = EventStreamReader()
            let events = try reader.append(bytes[..<cut]) + reader.append(bytes[cut...])
            #expect(events == Self.events, "cut at \(cut)")
        }
    }

    @Test(arguments: ["\n", "\r", "\r\n"])
    func everyLineEndIsTakenAndCommentsAreNot(end: String) throws {
        let text = [": hello", "event: x", "id:7", "data:a", "data: b", "data", "", "", ""]
            .joined(separator: end)
        var reader = EventStreamReader()
        #expect(try reader.append(text.utf8) == [ServerSentEvent(id: "7", data: "a\nb\n")])
    }

    @Test func anEventCutShortIsNotReturned() throws {
        var reader = EventStreamReader()
        #expect(try reader.append("data: a\n".utf8).isEmpty)
    }

    @Test func anEventWithoutEndIsRefused() throws {
        var reader = EventStreamReader()
        _ = try reader.append(
            repeatElement(UInt8(ascii: "a"), count: OpenAILimits.eventBytesMax))
        #expect(throws: EventStreamReader.EventTooLong.self) {
            _ = try reader.append([UInt8(ascii: "a")])
        }
    }
}
