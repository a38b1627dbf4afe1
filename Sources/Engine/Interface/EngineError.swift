public import GGUF
import Sampling
public import Tokenizer

/// Why an engine could not load a model, or refused or gave up a request.
public enum EngineError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The model file can't be read.
    case file(path: String, GGUFError)
    /// The vocabulary can't be used, or the text not encoded.
    case tokenizer(TokenizerError)
    /// The model can't be loaded or run; `reason` is the model's own words.
    case model(reason: String)
    /// The vocabulary and the model's output differ in size.
    case vocabularyMismatch(vocabulary: Int, model: Int)
    /// The model or a request needs more memory than is available.
    case notEnoughMemory(what: String, neededBytes: Int, availableBytes: Int)
    /// A prompt without a single token.
    case emptyPrompt
    /// A prompt that leaves no room for an answer; `limit` is the most tokens it may have.
    case promptTooLong(tokens: Int, limit: Int)
    /// A token id that is not in the vocabulary.
    case tokenOutOfRange(token: Int32, vocabularySize: Int)
    /// Another part of a request that is out of range, named as in the OpenAI interface.
    case invalidRequest(field: String, reason: String)
    /// Too many requests are waiting; nothing was done, and trying elsewhere or later is safe.
    case queueFull(limit: Int)
    /// A prompt and its answer need more pages of keys and values than the engine has.
    case contextTooLarge(tokens: Int, limit: Int)
    /// The deadline passed before the answer was complete.
    case deadlineExceeded
    /// A host has no model of this name.
    case unknownModel(name: String, known: [String])
    /// The model makes vectors where tokens are asked for, or tokens where vectors are.
    case wrongKindOfModel(reason: String)
    /// The model gave a logit that is not a number.
    case notANumber(reason: String)
    /// The request was cancelled.
    case cancelled
    /// The engine was shut down.
    case shutDown

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .file(let path, let error):
            "\(error)".hasPrefix(path) ? "\(error)" : "\(path): \(error)"
        case .tokenizer(let error): "\(error)"
        case .model(let reason): reason
        case .vocabularyMismatch(let vocabulary, let model):
            "the vocabulary has \(vocabulary) tokens but the model's output \(model)"
        case .notEnoughMemory(let what, let needed, let available):
            "\(what) needs \(needed >> 20) MiB but \(available >> 20) MiB are available"
        case .emptyPrompt: "the prompt is empty"
        case .promptTooLong(let tokens, let limit):
            "the prompt has \(tokens) tokens; this model takes at most \(limit)"
        case .tokenOutOfRange(let token, let size):
            "token \(token) is not in the vocabulary of \(size) tokens"
        case .invalidRequest(let field, let reason): "\(field): \(reason)"
        case .queueFull(let limit): "\(limit) requests are already waiting; try again later"
        case .contextTooLarge(let tokens, let limit):
            "prompt and answer take up to \(tokens) tokens, but the memory for keys and values "
                + "holds \(limit): lower max_tokens"
        case .deadlineExceeded: "the deadline passed before the answer was complete"
        case .unknownModel(let name, let known):
            "there is no model '\(name)' here; there are: \(known.joined(separator: ", "))"
        case .wrongKindOfModel(let reason): reason
        case .notANumber(let reason): reason
        case .cancelled: "the request was cancelled"
        case .shutDown: "the engine is shutting down"
        }
    }

    /// Turns what the sampler threw into an engine's error.
    init(_ error: SamplingError) {
        switch error {
        case .invalidParameter(let field, let reason):
            self = .invalidRequest(field: field, reason: reason)
        case .notANumber, .nothingToSample:
            self = .notANumber(reason: "\(error)")
        }
    }
}
