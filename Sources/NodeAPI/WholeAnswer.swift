import OpenAIAPI

/// Collects a generation's events into one answer.
struct WholeAnswer: Sendable {
    private let heading: AnswerHeading
    private var progress: AnswerProgress
    private var texts: [String]
    private var logprobs: [[GenerationLogprobs]]
    private var byteCount = 0

    init(heading: AnswerHeading, route: RouteInfo) {
        self.heading = heading
        progress = AnswerProgress(route: route, choices: heading.choices)
        texts = Array(repeating: "", count: heading.choices)
        logprobs = Array(repeating: [], count: heading.choices)
    }

    /// Who answers, as far as is known.
    var route: RouteInfo { progress.route }

    mutating func handle(_ event: GenerationEvent) throws(ServiceError) {
        try progress.note(event)
        guard case .text(let choice, _, let text, _, let figures) = event else { return }
        byteCount += text.utf8.count + figures.count * NodeAPILimits.logprobsBytes
        guard byteCount <= NodeAPILimits.answerBytesMax else {
            throw ServiceError(
                .internal,
                "the answer is over \(NodeAPILimits.answerBytesMax) bytes; ask for a stream")
        }
        texts[choice] += text
        logprobs[choice] += figures
    }

    /// The body of the response; throws if the answer is not complete.
    func end() throws(ServiceError) -> String {
        let usage = try progress.complete()
        let info = progress.info(request: heading.request)
        let reasons = progress.ends.map { $0.map { FinishReason($0) } }
        switch heading.kind {
        case .chat:
            return try json(
                ChatCompletion(
                    id: heading.id, created: heading.created, model: progress.route.model,
                    choices: texts.indices.map { index in
                        ChatCompletion.Choice(
                            index: index, message: .init(content: texts[index]),
                            finishReason: reasons[index],
                            logprobs: ChatLogprobs(logprobs[index]))
                    }, usage: usage, shoal: info))
        case .completion:
            return try json(
                Completion(
                    id: heading.id, created: heading.created, model: progress.route.model,
                    choices: texts.indices.map { index in
                        Completion.Choice(
                            index: index, text: texts[index], finishReason: reasons[index],
                            logprobs: ChatLogprobs(logprobs[index]).map { .init($0) })
                    }, usage: usage, shoal: info))
        }
    }
}
