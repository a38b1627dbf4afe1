import Mesh
import Testing
import Wire

@testable import Node

/// Says what it was given, each after a moment if asked to.
private actor ScriptedChannel: InferenceChannel {
    private var messages: [InferenceMessage]
    private let failure: (any Error)?

    init(_ messages: [InferenceMessage], failure: (any Error)? = nil) {
        self.messages = messages
        self.failure = failure
    }

    func next() async throws -> InferenceMessage? {
        guard messages.isEmpty else { return messages.removeFirst() }
        if let failure { throw failure }
        return nil
    }

    nonisolated func cancel() async {}
}

private struct Broken: Error {}

struct TokenBatchesTests {
    private static let request = RequestID(high: 1, low: 2)

    private static func token(_ index: UInt32) -> InferenceMessage {
        .tokens([
            TokenFrame(
                request: request, choice: 0, index: index, token: Int32(index), bytes: [65],
                logprobs: nil)
        ])
    }

    private static let end = InferenceMessage.finished(
        request: request, choice: 0, reason: .length)

    private static func indices(_ messages: [InferenceMessage]) -> [UInt32] {
        messages.flatMap { message -> [UInt32] in
            if case .tokens(let frames) = message { frames.map(\.index) } else { [] }
        }
    }

    /// What goes out, in order.
    private static func sent(
        _ messages: [InferenceMessage], window: Duration, failure: (any Error)? = nil
    ) async throws -> [InferenceMessage] {
        var sent: [InferenceMessage] = []
        try await TokenBatches(window: window).relay(
            ScriptedChannel(messages, failure: failure)
        ) { sent.append($0) }
        return sent
    }

    @Test(arguments: [0, 5])
    func allGoesOutOnceAndInOrder(_ milliseconds: Int) async throws {
        let messages =
            [.accepted(promptTokens: [1])] + (0..<200).map { Self.token($0) } + [Self.end]
        let sent = try await Self.sent(messages, window: .milliseconds(milliseconds))
        #expect(Self.indices(sent) == Array(0..<200))
        #expect(sent.first == .accepted(promptTokens: [1]))
        #expect(sent.last == Self.end)
    }

    @Test func tokensThatComeTogetherAreOneMessageOfABoundedLength() {
        let limit = NodeLimits.batchTokensMax
        let messages = (0..<UInt32(limit + 3)).map { Self.token($0) } + [Self.end, Self.token(99)]
        let merged = TokenBatches.merged(messages)
        #expect(merged.count == 4)
        #expect(Self.indices([merged[0]]).count == limit)
        #expect(Self.indices([merged[1]]).count == 3)
        #expect(merged[2] == Self.end)
        #expect(TokenBatches.merged([]) == [])
    }

    @Test func whatCameBeforeAFailureIsSentBeforeItIsThrown() async throws {
        var sent: [InferenceMessage] = []
        await #expect(throws: Broken.self) {
            try await TokenBatches(window: .milliseconds(5)).relay(
                ScriptedChannel([Self.token(0), Self.token(1)], failure: Broken())
            ) { sent.append($0) }
        }
        #expect(Self.indices(sent) == [0, 1])
    }
}
