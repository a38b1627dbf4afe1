import OpenAIAPI

/// Which of OpenAI's two forms an answer takes.
enum AnswerKind: Sendable {
    case chat
    case completion

    /// What the id of an answer begins with.
    var idPrefix: String {
        switch self {
        case .chat: "chatcmpl-"
        case .completion: "cmpl-"
        }
    }
}

/// What does not change in the course of an answer.
struct AnswerHeading: Sendable {
    let kind: AnswerKind
    /// The request's id.
    let request: String
    /// Seconds since 1970.
    let created: Int64
    /// How many choices there will be.
    let choices: Int

    var id: String { kind.idPrefix + request }
}

/// How far an answer has come; both the streamed and the whole form follow it.
struct AnswerProgress: Sendable {
    /// Where the request runs now.
    private(set) var route: RouteInfo
    /// Tokens of all choices so far.
    private(set) var tokens = 0
    /// How each choice ended.
    private(set) var ends: [GenerationEnd?]
    /// What it cost, once that is known.
    private(set) var usage: TokenUsage?

    init(route: RouteInfo, choices: Int) {
        self.route = route
        ends = Array(repeating: nil, count: choices)
    }

    var isFinished: Bool { ends.allSatisfy { $0 != nil } }

    /// Takes note of an event; throws if it cannot come here, which is the node's fault.
    mutating func note(_ event: GenerationEvent) throws(ServiceError) {
        switch event {
        case .route(let route):
            self.route = route
        case .text(let choice, _, _, let tokens, _):
            try check(choice)
            self.tokens += tokens.count
        case .finished(let choice, let reason):
            try check(choice)
            ends[choice] = reason
        case .usage(let usage):
            self.usage = TokenUsage(
                promptTokens: usage.promptTokens, completionTokens: usage.completionTokens)
        }
    }

    private func check(_ choice: Int) throws(ServiceError) {
        guard ends.indices.contains(choice), ends[choice] == nil else {
            throw ServiceError(
                .internal, "the node sent an event for choice \(choice), which is over")
        }
    }

    /// The cost of a complete answer; throws if the events ended before it was.
    func complete() throws(ServiceError) -> TokenUsage {
        guard isFinished, let usage else {
            throw ServiceError(.interrupted, "the answer ended before it was complete")
        }
        return usage
    }

    func info(request: String) -> ShoalInfo {
        ShoalInfo(
            request: request, node: route.node, nodeID: route.nodeID, reason: route.reason,
            attempts: route.attempts,
            // JSON has no infinity; a time that is not a number is no time.
            roundTripMilliseconds: route.roundTripMilliseconds.flatMap { $0.isFinite ? $0 : nil },
            through: route.through)
    }
}

extension ChatLogprobs {
    /// In the interface's form; nil where there are none.
    init?(_ logprobs: [GenerationLogprobs]) {
        guard !logprobs.isEmpty else { return nil }
        self.init(
            content: logprobs.map { entry in
                Token(
                    token: String(decoding: entry.token.bytes, as: UTF8.self),
                    logprob: Double(entry.token.logprob), bytes: entry.token.bytes,
                    topLogprobs: entry.top.map {
                        Alternative(
                            token: String(decoding: $0.bytes, as: UTF8.self),
                            logprob: Double($0.logprob), bytes: $0.bytes)
                    })
            })
    }
}

extension FinishReason {
    init(_ end: GenerationEnd) {
        switch end {
        case .stop: self = .stop
        case .length: self = .length
        }
    }
}

/// A value as the text of JSON. It fails only for numbers that JSON cannot hold.
func json(_ value: some Encodable) throws(ServiceError) -> String {
    do {
        return String(decoding: try OpenAIJSON.encode(value), as: UTF8.self)
    } catch {
        throw ServiceError(.internal, "the answer could not be written: \(error)")
    }
}
