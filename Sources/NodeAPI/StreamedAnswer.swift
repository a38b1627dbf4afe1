import OpenAIAPI

/// Turns a generation's events into server-sent events.
///
/// The id of each is `<request>:<index>`, where the index is the number of tokens, of all
/// choices, that a client has when it has read the event. With one choice that is where the
/// answer can be taken up again.
struct StreamedAnswer: Sendable {
    private let heading: AnswerHeading
    private let includesUsage: Bool
    private var progress: AnswerProgress

    init(heading: AnswerHeading, route: RouteInfo, includesUsage: Bool) {
        self.heading = heading
        self.includesUsage = includesUsage
        progress = AnswerProgress(route: route, choices: heading.choices)
    }

    /// The request's id.
    var request: String { heading.request }

    /// The events before any text: in a chat, who speaks.
    func begin() throws(ServiceError) -> String {
        guard heading.kind == .chat else { return "" }
        var text = ""
        for choice in 0..<heading.choices {
            let delta = ChatCompletionChunk.Delta(role: "assistant", content: "")
            text += try event(ChatCompletionChunk.Choice(index: choice, delta: delta))
        }
        return text
    }

    /// What an event of the generation makes a client read; may be empty.
    mutating func handle(_ event: GenerationEvent) throws(ServiceError) -> String {
        try progress.note(event)
        switch event {
        case .route, .usage:
            return ""
        case .text(let choice, _, let text, _, let logprobs):
            guard !text.isEmpty || !logprobs.isEmpty else { return "" }
            return try piece(choice: choice, text: text, logprobs: ChatLogprobs(logprobs))
        case .finished(let choice, let reason):
            return try piece(choice: choice, reason: FinishReason(reason))
        }
    }

    /// The events after the last; throws if the answer is not complete.
    func end() throws(ServiceError) -> String {
        let usage = try progress.complete()
        var text = ""
        if includesUsage {
            switch heading.kind {
            case .chat:
                text += try event(
                    ChatCompletionChunk(
                        id: heading.id, created: heading.created, model: progress.route.model,
                        choices: [], usage: usage))
            case .completion:
                text += try event(
                    Completion(
                        id: heading.id, created: heading.created, model: progress.route.model,
                        choices: [], usage: usage))
            }
        }
        return text + ServerSentEvent(id: eventID, data: ServerSentEvent.done).text
    }

    /// The event that says why there are no more. No end follows it.
    func failure(_ error: ServiceError) -> String {
        let body = APIFailure(error).body
        // An error's body holds strings only, which JSON can always hold.
        let data = (try? json(body)) ?? #"{"error":{"message":"internal error"}}"#
        return ServerSentEvent(id: eventID, data: data).text
    }

    private var eventID: String { "\(heading.request):\(progress.tokens)" }

    /// A piece of a choice. The last one to finish any choice says who answered.
    private func piece(
        choice: Int, text: String? = nil, reason: FinishReason? = nil,
        logprobs: ChatLogprobs? = nil
    ) throws(ServiceError) -> String {
        switch heading.kind {
        case .chat:
            let delta = ChatCompletionChunk.Delta(content: text)
            return try event(
                ChatCompletionChunk.Choice(
                    index: choice, delta: delta, finishReason: reason, logprobs: logprobs))
        case .completion:
            let piece = Completion.Choice(
                index: choice, text: text ?? "", finishReason: reason,
                logprobs: logprobs.map { CompletionLogprobs($0) })
            return try event(
                Completion(
                    id: heading.id, created: heading.created, model: progress.route.model,
                    choices: [piece], shoal: info))
        }
    }

    private func event(_ choice: ChatCompletionChunk.Choice) throws(ServiceError) -> String {
        try event(
            ChatCompletionChunk(
                id: heading.id, created: heading.created, model: progress.route.model,
                choices: [choice], shoal: info))
    }

    private var info: ShoalInfo? {
        progress.isFinished ? progress.info(request: heading.request) : nil
    }

    private func event(_ value: some Encodable) throws(ServiceError) -> String {
        ServerSentEvent(id: eventID, data: try json(value)).text
    }
}
