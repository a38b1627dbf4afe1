import Engine
import GGUF
import Kernels
import Model
import Tokenizer

/// A model file, as far as it goes: parsed, its tensors touched, its tokenizer used, its weights
/// loaded, and one forward pass run.
enum ModelTarget {
    private static let kernels = KernelTable.available.last.flatMap(KernelTable.init)

    /// Gives whether the file is a model that ran.
    @discardableResult
    static func run(_ bytes: [UInt8]) -> Bool {
        guard let file = try? GGUFFile(bytes: bytes) else { return false }
        for key in file.metadataOrder { touch(file, key) }
        for tensor in file.tensors {
            file.withBytes(of: tensor) { data in
                guard let last = data.last else { fatalError("\(tensor.name) has no bytes") }
                sink = sink &+ data[0] &+ last
            }
        }
        use(try? TokenizerLoader.tokenizer(of: file))
        return pass(file)
    }

    /// Keeps reads from being dropped. One thread uses it.
    nonisolated(unsafe) private static var sink: UInt8 = 0

    private static func touch(_ file: GGUFFile, _ key: String) {
        _ = try? file.strings(key)
        _ = try? file.floats(key)
        _ = try? file.int32s(key)
        _ = try? file.float(key)
        _ = try? file.uint64(key)
    }

    private static func use(_ tokenizer: (any TokenizerProtocol)?) {
        guard let tokenizer,
            let ids = try? tokenizer.encode(
                [TextPiece("Once upon a time, 42 Äpfel\n", isTrusted: true)], addSpecial: true)
        else { return }
        for id in ids { precondition(id >= 0 && Int(id) < tokenizer.vocabularySize) }
        _ = tokenizer.bytes(of: ids)
    }

    private static func pass(_ file: GGUFFile) -> Bool {
        guard let kernels, let needed = try? LoadedModel.bytesNeeded(file: file),
            needed <= FuzzLimits.modelBytesMax,
            let configuration = try? ModelConfiguration(file: file),
            Workspace.bytesNeeded(configuration) <= FuzzLimits.workspaceBytesMax,
            KVPages.bytesPerPage(configuration, type: .f32) <= FuzzLimits.workspaceBytesMax
        else { return false }
        let workers = WorkerPool(threads: 1)
        guard let model = try? LoadedModel(file: file, kernels: kernels),
            let workspace = try? Workspace(model: model, workers: workers)
        else { return false }
        let last = Int32(clamping: configuration.vocabularySize - 1)
        let tokens: [Int32] = [0, min(1, last), last]
        if configuration.isEncoder {
            return (try? model.embed(tokens: [tokens], workspace: workspace)) != nil
        }
        guard
            let cache = try? KVCache(
                model: model, capacity: min(3, configuration.contextLength), type: .f32)
        else { return false }
        let known = Array(tokens.prefix(cache.capacity))
        return (try? model.forward(tokens: known, cache: cache, workspace: workspace)) != nil
    }

    /// Every byte before the tensors' data, and some of the data, changed in several ways; each
    /// file so made is run as any other.
    static func flips(_ bytes: [UInt8]) {
        guard run(bytes), let file = try? GGUFFile(bytes: bytes) else {
            fatalError("the file to change does not run itself")
        }
        let header = file.tensors.map(\.offset).min() ?? bytes.count
        var copy = bytes
        for index in bytes.indices where index < header || (index - header) % 61 == 0 {
            // A token's text is of no interest, but its length is: most bytes of a vocabulary are
            // changed in one way only.
            let masks: [UInt8] = index < 16_384 ? [0x01, 0x02, 0x40, 0x80, 0xFF] : [0x80]
            for mask in masks {
                copy[index] = bytes[index] ^ mask
                run(copy)
            }
            copy[index] = bytes[index]
        }
    }
}
