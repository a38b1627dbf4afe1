import ArgumentParser
import Engine
import Foundation
import GGUF
import Kernels
import Model
import Secrets
import Tokenizer
import Trust
import Wire

struct GGUFCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gguf", abstract: "Look into model files, without a node.",
        subcommands: [
            GGUFInfoCommand.self, GGUFTokenizeCommand.self, GGUFEvalCommand.self,
            GGUFQuantizeCommand.self, GGUFEmbedCommand.self,
        ])
}

/// Opens a model file; an error names it.
private func openModel(_ path: String) throws -> GGUFFile {
    do {
        return try GGUFFile(path: path)
    } catch {
        throw EngineError.file(path: path, error)
    }
}

struct GGUFInfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "What a model file holds: metadata and tensors.")

    @Argument(help: "The model file.") var file: String
    @Flag(help: "List every tensor.") var tensors = false
    @Flag(help: "Print JSON.") var json = false

    private struct Tensor: Encodable {
        var name: String
        var type: String
        var dimensions: [Int]
        var bytes: Int
    }

    private struct Report: Encodable {
        var path: String
        var version: UInt32
        var bytes: Int
        var parameters: Int
        var metadata: [String: String]
        var tensors: [Tensor]
    }

    func run() async throws {
        let gguf = try openModel(file)
        let list = gguf.tensors.map {
            Tensor(
                name: $0.name, type: $0.type.name, dimensions: $0.dimensions, bytes: $0.byteCount)
        }
        let report = Report(
            path: file, version: gguf.version, bytes: gguf.byteCount,
            parameters: gguf.tensors.reduce(0) { $0 + $1.elementCount },
            metadata: gguf.metadata.mapValues(Self.text), tensors: list)
        if json { return try Output.json(report) }
        var types: [String: Int] = [:]
        for tensor in list { types[tensor.type, default: 0] += 1 }
        let summary = types.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        Output.write(
            "\(file): GGUF version \(report.version), \(report.bytes) bytes, "
                + "\(report.parameters) parameters, tensors: \(summary.joined(separator: ", "))\n\n"
        )
        Output.write(
            Output.table(
                ["KEY", "VALUE"], gguf.metadataOrder.map { [$0, report.metadata[$0] ?? ""] }))
        guard tensors else {
            Output.write("\n\(list.count) tensors; --tensors lists them.\n")
            return
        }
        Output.write(
            "\n"
                + Output.table(
                    ["TENSOR", "TYPE", "DIMENSIONS", "BYTES"],
                    list.map {
                        [
                            $0.name, $0.type,
                            $0.dimensions.map(String.init).joined(separator: " × "),
                            String($0.bytes),
                        ]
                    }))
    }

    /// A value in one line: long arrays and texts are cut, and control characters shown as escapes.
    private static func text(_ value: GGUFValue) -> String {
        let full: String
        switch value {
        case .array(let array): return "[\(array.count) × \(array.elementType)]"
        case .string(let text): full = "\(text)"
        case .bool(let flag): full = "\(flag)"
        default: full = value.integer(as: Int64.self).map { "\($0)" } ?? "\(value)"
        }
        let shown = full.unicodeScalars.prefix(200).map { scalar in
            scalar.value < 32 ? scalar.escaped(asASCII: true) : String(scalar)
        }.joined()
        return full.unicodeScalars.count > 200 ? shown + "…" : shown
    }
}

struct GGUFTokenizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "The token ids of a text, by a model file's tokenizer.")

    @Argument(help: "The model file; one with a vocabulary only will do.") var model: String
    @Option(name: .customLong("file"), help: "A file with the text, taken byte for byte.")
    var textFile: String?
    @Option(help: "The text itself.") var text: String?
    @Flag(name: .customLong("no-special"), help: "Add no token that begins or ends a sequence.")
    var noSpecial = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (textFile == nil) != (text == nil) else {
            throw ValidationError("Give the text by --file or by --text.")
        }
    }

    private struct Report: Encodable { var tokens: [Int32] }

    func run() async throws {
        let bytes: [UInt8]
        if let textFile {
            guard let data = FileManager.default.contents(atPath: textFile) else {
                throw CommandError(.noInput, "\(textFile): cannot be read")
            }
            bytes = Array(data)
        } else {
            bytes = Array((text ?? "").utf8)
        }
        let tokenizer = try TokenizerLoader.tokenizer(of: try openModel(model))
        let tokens: [Int32]
        do {
            tokens = try tokenizer.encode(bytes, addSpecial: !noSpecial, parseSpecial: false)
        } catch {
            throw CommandError(.data, "\(error)")
        }
        if json { return try Output.json(Report(tokens: tokens)) }
        Output.write(tokens.map(String.init).joined(separator: " ") + "\n")
    }
}

struct GGUFEvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Run token ids through a model: its logits, and the tokens it would go on with.",
        discussion: """
            For comparing a file with a reference, and machines with one another: the same file and
            arguments give the same bits on every machine and instruction set (SHOAL_ISA chooses \
            one).
            """)

    @Argument(help: "The model file.") var file: String
    @Option(help: "Token ids, separated by commas.") var tokens: String
    @Option(help: "Generate this many tokens, always the likeliest.") var greedy = 0
    @Option(help: "The type of KV cache entries: f32, f16 or q8.") var kv = "f32"
    @Option(help: "Tokens run at once; changes no bit.") var chunk: Int?
    @Option(help: "Threads, one per processor unless given; changes no bit.") var threads: Int?
    @Option(help: "Other sequences that run in the same passes; changes no bit.")
    var companions = 0
    @Option(
        help: ArgumentHelp(
            "Write each prompt position's logits to this file: row after row, little-endian F32.",
            valueName: "path"))
    var logits: String?
    @Flag(help: "Print a digest of the prompt's logits.") var digest = false
    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        var greedy: [Int32]
        var prompt_tokens: Int
        var vocabulary_size: Int
        var kv: String
        var kernels: String
        var numerics: String
        var logits_digest: String?
    }

    private static func kvType(_ name: String) -> KVType? {
        KVType.allCases.first { "\($0)" == name }
    }

    func validate() throws {
        guard Self.kvType(kv) != nil else {
            throw ValidationError("--kv is f32, f16 or q8, not '\(kv)'.")
        }
        guard threads.map({ 1...KernelsLimits.threadsMax ~= $0 }) ?? true, companions >= 0 else {
            throw ValidationError(
                "--threads is from 1 to \(KernelsLimits.threadsMax), --companions not negative.")
        }
    }

    func run() async throws {
        let ids = try tokens.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let id = Int32(text.trimmingCharacters(in: .whitespaces)) else {
                throw CommandError(.usage, "--tokens: '\(text)' is not a token id")
            }
            return id
        }
        guard let kvType = Self.kvType(kv) else { return }
        let kernels = try KernelTable.best(environment: ProcessInfo.processInfo.environment)
        let evaluation = try EvaluationRun(
            path: file, configuration: EngineConfiguration(threads: threads), kernels: kernels)
        var output: FileHandle?
        if let logits {
            guard FileManager.default.createFile(atPath: logits, contents: nil),
                let handle = FileHandle(forWritingAtPath: logits)
            else { throw CommandError(.noInput, "\(logits): cannot be written") }
            output = handle
        }
        var state: [UInt8] = []
        let generated: [Int32]
        do {
            generated = try evaluation.run(
                tokens: ids, greedy: greedy, kv: kvType, chunk: chunk, companions: companions
            ) { position, row in
                guard position < ids.count, output != nil || digest else { return }
                var writer = [UInt8]()
                writer.reserveCapacity(row.count * 4)
                for value in row {
                    withUnsafeBytes(of: value.bitPattern.littleEndian) { writer += $0 }
                }
                try output?.write(contentsOf: Data(writer))
                // A chain, so that no more than a row is held: each digest covers all before it.
                if digest { state = blake2b(state + writer) }
            }
            try output?.close()
        } catch {
            if let logits { try? FileManager.default.removeItem(atPath: logits) }
            throw error
        }
        let report = Report(
            greedy: generated, prompt_tokens: ids.count,
            vocabulary_size: evaluation.vocabularySize, kv: kv,
            kernels: "\(kernels.instructionSet)", numerics: NumericsID.current,
            logits_digest: digest ? hexadecimal(state) : nil)
        if json { return try Output.json(report) }
        Output.write(
            "\(ids.count) tokens in, \(generated.count) out; "
                + "kernels \(report.kernels), KV \(kv), numerics \(report.numerics)\n")
        if !generated.isEmpty {
            Output.write(generated.map(String.init).joined(separator: ",") + "\n")
        }
        if let value = report.logits_digest { Output.write("logits digest \(value)\n") }
    }
}
