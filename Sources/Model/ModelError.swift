public import GGUF
public import Kernels

/// Why a model could not be loaded or run. A call that throws leaves its KV cache as it was.
public enum ModelError: Error, Equatable, Sendable {
    /// The file's metadata lacks a value or has one of the wrong type.
    case metadata(GGUFError)
    /// The kernels refused a matrix, or the system refused memory.
    case kernels(KernelError)
    /// An architecture that this build does not have.
    case unsupportedArchitecture(name: String, supported: [String])
    /// A feature of a known architecture that this build does not have.
    case unsupportedFeature(String)
    /// A value in the metadata outside what is possible or allowed.
    case invalidConfiguration(key: String, value: String, reason: String)
    /// A tensor that the architecture needs is not in the file.
    case missingTensor(String)
    /// A tensor of another shape than the metadata asks for; dimensions in the file's order.
    case wrongShape(tensor: String, expected: [Int], found: [Int])
    /// A tensor in a format that has no kernels.
    case unsupportedFormat(tensor: String, format: String, supported: [String])
    /// A tensor that this build would have to ignore, and so would compute something else.
    case unexpectedTensor(String)
    /// A forward pass of a model that makes vectors of texts, or the reverse.
    case wrongKind(architecture: String, isEncoder: Bool)
    /// A page table that does not cover its tokens, or names a page that is not there.
    case badPages(reason: String)
    /// A forward pass without tokens.
    case noTokens
    /// A token that is not in the vocabulary.
    case tokenOutOfRange(token: Int32, vocabularySize: Int)
    /// The tokens do not fit the KV cache.
    case contextFull(needed: Int, capacity: Int)
    /// The caller no longer wants the result.
    case cancelled
    /// A logit that is infinite or not a number: the file's weights are damaged.
    case notANumber(position: Int)
}

extension ModelError: CustomStringConvertible {
    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .metadata(let error): error.description
        case .kernels(let error): error.description
        case .unsupportedArchitecture(let name, let supported):
            "the architecture '\(name)' is not supported; supported: "
                + supported.joined(separator: ", ")
        case .unsupportedFeature(let what): "the model needs \(what), which is not supported"
        case .invalidConfiguration(let key, let value, let reason):
            "\(key) is \(value), which cannot be: \(reason)"
        case .missingTensor(let name): "the file has no tensor \(name)"
        case .wrongShape(let tensor, let expected, let found):
            "tensor \(tensor) has shape \(found), but the metadata asks for \(expected)"
        case .unsupportedFormat(let tensor, let format, let supported):
            "tensor \(tensor) is \(format), which is not supported; supported: "
                + supported.joined(separator: ", ")
        case .unexpectedTensor(let name):
            "the file has a tensor \(name), which the architecture does not use here"
        case .wrongKind(let architecture, let isEncoder):
            isEncoder
                ? "a \(architecture) model makes embeddings of texts; it predicts no next token"
                : "a \(architecture) model predicts tokens; it makes no embeddings of texts"
        case .badPages(let reason): "the page table does not fit: \(reason)"
        case .noTokens: "there are no tokens to run"
        case .tokenOutOfRange(let token, let size):
            "token \(token) is not in the vocabulary of \(size)"
        case .contextFull(let needed, let capacity):
            "\(needed) tokens do not fit a context of \(capacity)"
        case .cancelled: "cancelled"
        case .notANumber(let position):
            "the model computed a value that is not a number at position \(position); "
                + "the file may be damaged"
        }
    }
}

/// Runs `body`, giving its error as a ``ModelError``.
func readingMetadata<R>(_ body: () throws(GGUFError) -> R) throws(ModelError) -> R {
    do { return try body() } catch { throw .metadata(error) }
}

/// Runs `body`, giving its error as a ``ModelError``.
func callingKernels<R>(_ body: () throws(KernelError) -> R) throws(ModelError) -> R {
    do { return try body() } catch { throw .kernels(error) }
}
