import ArgumentParser
import Engine
import Foundation
import Kernels

struct GGUFEmbedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "The vector of a text, by an embedding model's file.",
        discussion: """
            Vectors are pooled as the file says and of length 1. A running node gives the same at \
            /v1/embeddings. SHOAL_ISA chooses an instruction set; it changes no bit.
            """)

    @Argument(help: "The model file, of the architecture bert.") var model: String
    @Option(help: "A text. May be repeated.") var text: [String] = []
    @Option(
        help: ArgumentHelp(
            "Token ids, separated by commas, instead of a text. May be repeated.",
            valueName: "ids"))
    var tokens: [String] = []
    @Option(help: "Threads, one per processor unless given; changes no bit.") var threads: Int?
    @Flag(help: "Print JSON.") var json = false

    private struct Entry: Encodable {
        var tokens: [Int32]
        var embedding: [Float]
    }

    private struct Report: Encodable {
        var embeddings: [Entry]
        var kernels: String
        var numerics: String
    }

    func validate() throws {
        guard !text.isEmpty || !tokens.isEmpty else {
            throw ValidationError("Give texts by --text, or token ids by --tokens.")
        }
        guard threads.map({ 1...KernelsLimits.threadsMax ~= $0 }) ?? true else {
            throw ValidationError("--threads is from 1 to \(KernelsLimits.threadsMax).")
        }
    }

    func run() async throws {
        let kernels = try KernelTable.best(environment: ProcessInfo.processInfo.environment)
        let (path, threads) = (model, threads)
        let bar = ProgressBar("loading \(path)")
        let engine = try await Blocking.run {
            try Engine.load(
                path: path, configuration: EngineConfiguration(threads: threads),
                kernels: kernels
            ) { bar.show($0) }
        }
        bar.finish()
        var inputs = try text.map { try engine.tokenize($0) }
        for list in tokens {
            inputs.append(
                try list.split(separator: ",", omittingEmptySubsequences: false).map { id in
                    guard let id = Int32(id.trimmingCharacters(in: .whitespaces)) else {
                        throw CommandError(.usage, "--tokens: '\(id)' is not a token id")
                    }
                    return id
                })
        }
        let vectors = try await engine.embed(inputs)
        if json {
            return try Output.json(
                Report(
                    embeddings: zip(inputs, vectors).map {
                        Entry(tokens: $0.0, embedding: $0.1)
                    }, kernels: "\(kernels.instructionSet)", numerics: NumericsID.current))
        }
        for vector in vectors {
            Output.write(vector.map { "\($0)" }.joined(separator: " ") + "\n")
        }
    }
}
