public import GGUF
public import Tokenizer

/// From a model file's metadata to its tokenizer.
public enum TokenizerLoader {
    /// The values of `tokenizer.ggml.model` that are supported.
    public static var supported: [String] { TokenizerKind.allCases.map(\.rawValue) }

    /// The tokenizer of `file`. Throws where the file has none, a kind or a pre-tokenizer that
    /// isn't supported (the error names it), or one that is damaged.
    public static func tokenizer(of file: GGUFFile) throws(EngineError) -> any TokenizerProtocol {
        do {
            // Its absence is told as every other key's is.
            _ = try file.value("tokenizer.ggml.model")
            return try TokenizerKind.tokenizer(from: Metadata(file: file))
        } catch let error as GGUFError {
            throw .file(path: file.path, error)
        } catch let error as TokenizerError {
            throw .tokenizer(error)
        } catch {
            throw .model(reason: "\(error)")
        }
    }

    private struct Metadata: VocabularySource {
        let file: GGUFFile

        private func read<T>(_ key: String, _ get: (String) throws -> T) rethrows -> T? {
            file.has(key) ? try get(key) : nil
        }

        func text(_ key: String) throws -> String? { try read(key, file.string) }
        func integer(_ key: String) throws -> UInt32? { try read(key, file.uint32) }
        func flag(_ key: String) throws -> Bool? { try read(key, file.bool) }
        func byteStrings(_ key: String) throws -> [[UInt8]]? { try read(key, file.strings) }
        func singles(_ key: String) throws -> [Float]? { try read(key, file.floats) }
        func integers(_ key: String) throws -> [Int32]? { try read(key, file.int32s) }
    }
}
