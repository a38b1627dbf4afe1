import Sampling
import Tokenizer

/// One request with its prompt encoded and everything checked.
struct PreparedRequest: Sendable {
    let request: EngineRequest
    let promptTokens: [Int32]
    /// The most tokens of each answer: what was asked for, or what the context leaves.
    let answerTokensMax: Int
    /// Each choice where it begins, or was left.
    let choices: [ChoiceRun]

    /// Encodes the prompt of a checked request, and checks the rest of it.
    init(
        _ request: EngineRequest, model: RequestModel
    ) throws(EngineError) {
        let tokens = try PromptEncoder.encode(request.prompt, model)
        for token in [tokens] + request.generated {
            if let wrong = token.first(where: { $0 < 0 || Int($0) >= model.vocabularySize }) {
                throw .tokenOutOfRange(token: wrong, vocabularySize: model.vocabularySize)
            }
        }
        guard !tokens.isEmpty else { throw .emptyPrompt }
        guard tokens.count < model.contextLength else {
            throw .promptTooLong(tokens: tokens.count, limit: model.contextLength - 1)
        }
        let room = model.contextLength - tokens.count
        if let longest = request.generated.map(\.count).max(), longest > room {
            throw .invalidRequest(
                field: "generated", reason: "\(longest) tokens where the context leaves \(room)")
        }
        self.request = request
        promptTokens = tokens
        answerTokensMax = min(room, request.maxTokens ?? room)
        let constraint = try AnswerConstraint(request.constraint, model)
        var choices: [ChoiceRun] = []
        for choice in 0..<UInt32(request.choices) {
            choices.append(
                try ChoiceRun(
                    choice, of: request, prompt: tokens, answerTokensMax: answerTokensMax,
                    constraint: constraint, model: model))
        }
        self.choices = choices
    }

    /// Checks what takes no time to check: everything but the prompt's text and the constraint.
    static func check(_ request: EngineRequest) throws(EngineError) {
        try check("id", request.id.utf8.count, max: EngineLimits.requestIDBytesMax)
        try check("caller", request.caller.utf8.count, max: EngineLimits.callerBytesMax)
        guard (1...EngineLimits.choicesMax).contains(request.choices) else {
            throw .invalidRequest(
                field: "n", reason: "\(request.choices) is not from 1 to \(EngineLimits.choicesMax)"
            )
        }
        guard request.maxTokens ?? 0 >= 0 else {
            throw .invalidRequest(field: "max_tokens", reason: "it is negative")
        }
        if let deadline = request.deadline, !(deadline >= 0) {
            throw .invalidRequest(field: "deadline", reason: "it is negative or not a number")
        }
        do {
            try request.effectiveSampling.validate()
            _ = try StopMatcher(request.stop)
        } catch { throw EngineError(error) }
        guard request.generated.isEmpty || request.generated.count == request.choices else {
            throw .invalidRequest(
                field: "generated",
                reason: "\(request.generated.count) continuations for \(request.choices) choices")
        }
        switch request.constraint {
        case .none, .json, .jsonObject: break
        case .jsonSchema(let text), .gbnf(let text):
            try check("response_format", text.utf8.count, max: EngineLimits.constraintBytesMax)
        }
        let bytes = PromptEncoder.byteCount(request.prompt)
        try check("prompt", bytes, max: EngineLimits.promptBytesMax)
    }

    private static func check(_ field: String, _ bytes: Int, max: Int) throws(EngineError) {
        guard bytes <= max else {
            throw .invalidRequest(field: field, reason: "\(bytes) bytes; at most \(max) are taken")
        }
    }

    /// Whether preparing takes too long for the thread of who submits.
    static func isLong(_ request: EngineRequest) -> Bool {
        request.constraint != .none
            || PromptEncoder.byteCount(request.prompt) > EngineLimits.promptBytesAtOnce
    }
}

/// What preparing a request needs of a model.
struct RequestModel: Sendable {
    let tokenizer: any TokenizerProtocol
    let vocabularySize: Int
    let contextLength: Int
    let template: ChatTemplate
    /// The vocabulary as constraints need it.
    let trie = SharedTrie()
}

/// From a prompt to token ids: the one place where conversations are rendered.
enum PromptEncoder {
    static func encode(
        _ prompt: EnginePrompt, _ model: RequestModel
    ) throws(EngineError) -> [Int32] {
        do {
            switch prompt {
            case .tokens(let tokens): return tokens
            case .text(let text):
                return try model.tokenizer.encode(text, addSpecial: true, parseSpecial: false)
            case .chat(let messages):
                return try model.template.encode(messages, with: model.tokenizer)
            }
        } catch { throw .tokenizer(error) }
    }

    /// Bytes of text to be encoded.
    static func byteCount(_ prompt: EnginePrompt) -> Int {
        switch prompt {
        case .tokens: 0
        case .text(let text): text.utf8.count
        case .chat(let messages): messages.reduce(0) { $0 + $1.content.utf8.count }
        }
    }
}
