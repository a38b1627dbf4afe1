import Foundation
import HTTPTypes
import HummingbirdTesting
import NodeAPI
import OpenAIAPI
import Testing

@Suite struct WholeAnswerTests {
    @Test func aChatIsAnsweredWhole() async throws {
        let response = try await chat()
        #expect(response.status == .ok)
        #expect(try response.header("content-type") == "application/json")
        let answer = try response.read(ChatCompletion.self)
        #expect(answer.object == "chat.completion")
        #expect(answer.model == "stories")
        #expect(answer.choices.map(\.message) == [.init(content: "Once upon")])
        #expect(answer.choices.map(\.finishReason) == [.stop])
        #expect(answer.usage == TokenUsage(promptTokens: 4, completionTokens: 3))
        let request = try #require(try response.header("x-shoal-request"))
        #expect(answer.id == "chatcmpl-\(request)")
        #expect(
            answer.shoal
                == ShoalInfo(
                    request: request, node: "node-a", nodeID: "aa11", reason: "soonest",
                    attempts: 1, roundTripMilliseconds: 2.5))
        #expect(try response.header("x-shoal-node") == "node-a")
    }

    @Test func aPromptIsCompletedWhole() async throws {
        let answer = try await complete().read(Completion.self)
        #expect(answer.object == "text_completion")
        #expect(answer.id.hasPrefix("cmpl-"))
        #expect(answer.choices == [.init(index: 0, text: "Once upon", finishReason: .stop)])
        #expect(answer.shoal?.node == "node-a")
    }

    @Test func severalChoicesAreKeptApart() async throws {
        let service = FakeService(
            .events([
                FakeService.route, .text(choice: 1, index: 0, text: "b", tokens: [1]),
                .text(choice: 0, index: 0, text: "a", tokens: [2]),
                .finished(choice: 1, reason: .length), .finished(choice: 0, reason: .stop),
                FakeService.usage,
            ]))
        let answer = try await complete(#","n":2"#, by: service).read(Completion.self)
        #expect(
            answer.choices == [
                .init(index: 0, text: "a", finishReason: .stop),
                .init(index: 1, text: "b", finishReason: .length),
            ])
    }

    @Test func afterAFailoverTheNodeThatFinishedIsNamed() async throws {
        let second = RouteInfo(
            node: "node-b", nodeID: "bb22", model: "stories", reason: "node-a left", attempts: 2)
        var events = FakeService.answer
        events.insert(.route(second), at: 2)
        let response = try await chat(by: FakeService(.events(events)))
        let answer = try response.read(ChatCompletion.self)
        #expect(answer.shoal?.node == "node-b")
        #expect(answer.shoal?.attempts == 2)
        #expect(try response.header("x-shoal-node") == "node-b")
    }

    @Test func anAnswerThatBreaksOffIsAnErrorNotAShortAnswer() async throws {
        let broken = ServiceError(.interrupted, "node-a is gone")
        let plays: [FakeService.Play] = [
            .events(Array(FakeService.answer.prefix(3)), failing: broken),
            .events(Array(FakeService.answer.prefix(3))),
        ]
        for play in plays {
            let response = try await chat(by: FakeService(play))
            #expect(response.status == .badGateway)
            #expect(try response.error.code == "interrupted")
        }
    }

    @Test func anAnswerThatIsTooLongIsAnError() async throws {
        let text = String(repeating: "a", count: NodeAPILimits.answerBytesMax / 2 + 1)
        let piece = GenerationEvent.text(choice: 0, index: 0, text: text, tokens: [1])
        let response = try await chat(by: FakeService(.events([FakeService.route, piece, piece])))
        #expect(response.status == .internalServerError)
        #expect(try response.error.message.contains("stream") == true)
    }
}

@Suite struct StreamedAnswerTests {
    @Test func aChatIsStreamedFromTheRoleToDone() async throws {
        let response = try await chat(#","stream":true"#)
        #expect(response.status == .ok)
        #expect(try response.header("content-type") == "text/event-stream")
        #expect(try response.header("x-shoal-node") == "node-a")
        let events = try response.events
        #expect(events.last?.data == "[DONE]")
        let chunks = try events.dropLast().map { try $0.read(ChatCompletionChunk.self) }
        #expect(
            chunks.map(\.choices.first?.delta) == [
                .init(role: "assistant", content: ""), .init(content: "Once"),
                .init(content: " upon"), .init(),
            ])
        #expect(chunks.map(\.choices.first?.finishReason) == [nil, nil, nil, .stop])
        #expect(chunks.allSatisfy { $0.object == "chat.completion.chunk" })
        #expect(Set(chunks.map(\.id)).count == 1)
        #expect(chunks.allSatisfy { $0.usage == nil })
    }

    @Test func theShoalObjectComesWithTheEventThatFinishes() async throws {
        let events = try await chat(#","stream":true"#).events
        let chunks = try events.dropLast().map { try $0.read(ChatCompletionChunk.self) }
        #expect(chunks.map { $0.shoal != nil } == [false, false, false, true])
        #expect(chunks.last?.shoal?.reason == "soonest")
    }

    @Test func theIDOfAnEventCountsTheTokensThatAClientHas() async throws {
        let id = String(repeating: "0f", count: 16)
        let response = try await chat(#","stream":true"#, headers: ["x-shoal-request": id])
        #expect(
            try response.events.map(\.id) == ["0", "1", "3", "3", "3"].map { "\(id):\($0)" })
    }

    @Test func theUsageComesBeforeDoneIfAskedFor() async throws {
        let events = try await chat(
            #","stream":true,"stream_options":{"include_usage":true}"#
        ).events
        let chunk = try #require(events.dropLast().last).read(ChatCompletionChunk.self)
        #expect(chunk.choices.isEmpty)
        #expect(chunk.usage == TokenUsage(promptTokens: 4, completionTokens: 3))
        #expect(events.last?.data == "[DONE]")
    }

    @Test func aCompletionIsStreamed() async throws {
        let events = try await complete(
            #","stream":true,"stream_options":{"include_usage":true}"#
        ).events
        let pieces = try events.dropLast().map { try $0.read(Completion.self) }
        #expect(pieces.flatMap(\.choices).map(\.text) == ["Once", " upon", ""])
        #expect(pieces.flatMap(\.choices).last?.finishReason == .stop)
        #expect(pieces.last?.usage?.totalTokens == 7)
        #expect(events.last?.data == "[DONE]")
    }

    @Test func withSeveralChoicesTheLastToFinishSaysWhoAnswered() async throws {
        let service = FakeService(
            .events([
                FakeService.route, .text(choice: 1, index: 0, text: "b", tokens: [1]),
                .finished(choice: 1, reason: .length),
                .text(choice: 0, index: 0, text: "a", tokens: [2]),
                .finished(choice: 0, reason: .stop), FakeService.usage,
            ]))
        let events = try await chat(#","n":2,"stream":true"#, by: service).events
        let chunks = try events.dropLast().map { try $0.read(ChatCompletionChunk.self) }
        #expect(chunks.map(\.choices.first?.index) == [0, 1, 1, 1, 0, 0])
        #expect(chunks.filter { $0.shoal != nil }.count == 1)
        #expect(chunks.last?.shoal != nil)
    }

    @Test func anErrorAfterTheBeginningIsAnEventAndNoDoneFollows() async throws {
        let broken = ServiceError(.interrupted, "node-a is gone")
        let plays: [(FakeService.Play, String)] = [
            (.events(Array(FakeService.answer.prefix(2)), failing: broken), "interrupted"),
            (.events(Array(FakeService.answer.prefix(2))), "interrupted"),
            (
                .events([FakeService.route, .text(choice: 3, index: 0, text: "x", tokens: [1])]),
                "internal_error"
            ),
        ]
        for (play, code) in plays {
            let response = try await chat(#","stream":true"#, by: FakeService(play))
            #expect(response.status == .ok)
            let last = try #require(try response.events.last)
            #expect(try last.read(OpenAIErrorBody.self).error.code == code)
        }
    }

    @Test func anErrorBeforeTheRouteHasAStatusOfItsOwn() async throws {
        let full = ServiceError(.overloaded(retryAfterSeconds: 3), "full")
        for play in [FakeService.Play.refusing(full), .events([], failing: full)] {
            let response = try await chat(#","stream":true"#, by: FakeService(play))
            #expect(response.status == .tooManyRequests)
            #expect(try response.error.message == "full")
        }
    }

    @Test func aServiceThatDoesNotSayWhereARequestRunsIsAtFault() async throws {
        let response = try await chat(by: FakeService(.events([FakeService.usage])))
        #expect(response.status == .internalServerError)
    }
}
