import ArgumentParser
import Engine
import Foundation
import Kernels
import Model

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this machine.",
        subcommands: [BenchKernelCommand.self])
}

/// Whole numbers, separated by commas.
struct NumberList: ExpressibleByArgument {
    let values: [Int]

    init?(argument: String) {
        let parsed = argument.split(separator: ",", omittingEmptySubsequences: false).map {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        let values = parsed.compactMap { $0 }
        guard !values.isEmpty, values.count == parsed.count else { return nil }
        self.values = values
    }

    init(_ value: Int) { values = [value] }

    var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}

struct BenchKernelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernel",
        abstract: "Prefill and decode of a model file, in tokens per second.",
        discussion: """
            Each figure is the median of --rounds, beside what the machine could do at most: prefill \
            as a share of the 8-bit operations that the same threads do in registers, decode as a \
            share of the bytes that they read from memory, both measured in the same rounds. \
            --threads, --batch and --depth take lists (1,2,4): every combination is measured. \
            SHOAL_ISA chooses an instruction set. Run it while nothing else runs.
            """)

    @Option(help: "The model file.") var model: String
    @Option(help: "Threads; as many as processors unless given.") var threads: NumberList?
    @Option(help: "Tokens of each prompt.") var prompt = 256
    @Option(help: "Tokens decoded after one another, of each sequence.") var generate = 64
    @Option(help: "Sequences that run together.") var batch = NumberList(1)
    @Option(help: "Tokens that each sequence holds before.") var depth = NumberList(0)
    @Option(help: "The type of KV cache entries: f32, f16 or q8.") var kv = "f16"
    @Option(help: "Times that each figure is measured.") var rounds = 5
    @Flag(help: "Print JSON.") var json = false

    private struct Result: Encodable {
        var threads: Int
        var batch: Int
        var depth: Int
        var kv: String
        var prompt: Int
        var generate: Int
        var prefill_tokens_per_second: Double
        var decode_tokens_per_second: Double
        var prefill_share_of_int8_peak: Double
        var decode_share_of_bandwidth: Double
        var read_bytes_per_second: Double
        var int8_operations_per_second: Double
    }

    private struct Report: Encodable {
        var model: String
        var kernels: String
        var numerics: String
        var rounds: Int
        var results: [Result]
    }

    func validate() throws {
        guard KVType(name: kv) != nil else {
            throw ValidationError("--kv is f32, f16 or q8, not '\(kv)'.")
        }
        let counts = (threads?.values ?? []) + batch.values + [prompt, generate, rounds]
        guard counts.allSatisfy({ $0 >= 1 }), depth.values.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError("--depth may be 0; every other number is at least 1.")
        }
        guard (threads?.values ?? []).allSatisfy({ $0 <= KernelsLimits.threadsMax }),
            batch.values.allSatisfy({ $0 <= ModelLimits.entriesPerBatch })
        else {
            throw ValidationError(
                "At most \(KernelsLimits.threadsMax) threads and a batch of "
                    + "\(ModelLimits.entriesPerBatch).")
        }
    }

    func run() async throws {
        let kernels = try KernelTable.best(environment: ProcessInfo.processInfo.environment)
        let path = model
        let plan = KernelBenchmark.Plan(
            threads: threads?.values ?? [ProcessInfo.processInfo.activeProcessorCount],
            prompt: prompt, generate: generate, batches: batch.values, depths: depth.values,
            kv: KVType(name: kv) ?? .f16, rounds: rounds)
        let kv = kv
        let (prints, rounds) = (!json, rounds)
        // Minutes of computing: on a thread of its own, not on the cooperative pool.
        let results = try await Blocking.run { () throws -> [Result] in
            let bar = ProgressBar("loading \(path)")
            let benchmark = try KernelBenchmark(path: path, kernels: kernels) { bar.show($0) }
            bar.finish()
            if prints {
                Output.write(
                    "\(path), \(benchmark.instructionSet), KV \(kv), medians of \(rounds)\n"
                        + Self.heading)
            }
            var results: [Result] = []
            try benchmark.run(plan) { figures in
                let result = Result(
                    threads: figures.threads, batch: figures.batch, depth: figures.depth, kv: kv,
                    prompt: plan.prompt, generate: plan.generate,
                    prefill_tokens_per_second: figures.prefillTokensPerSecond,
                    decode_tokens_per_second: figures.decodeTokensPerSecond,
                    prefill_share_of_int8_peak: figures.prefillShareOfInt8Peak,
                    decode_share_of_bandwidth: figures.decodeShareOfBandwidth,
                    read_bytes_per_second: figures.readBytesPerSecond,
                    int8_operations_per_second: figures.int8OperationsPerSecond)
                results.append(result)
                if prints { Output.write(Self.line(result)) }
            }
            return results
        }
        guard json else { return }
        try Output.json(
            Report(
                model: path, kernels: "\(kernels.instructionSet)", numerics: NumericsID.current,
                rounds: rounds, results: results))
    }

    private static let heading =
        "threads  batch  depth  prefill t/s  of int8 peak  decode t/s  of bandwidth  "
        + "read GB/s  int8 TOPS\n"

    private static func line(_ result: Result) -> String {
        func right(_ value: Double, _ width: Int, _ digits: Int, _ unit: String = "") -> String {
            let text =
                value.formatted(
                    .number.precision(.fractionLength(digits)).grouping(.never)
                        .locale(Locale(identifier: "en_US_POSIX"))) + unit
            return String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return right(Double(result.threads), 7, 0) + right(Double(result.batch), 7, 0)
            + right(Double(result.depth), 7, 0) + right(result.prefill_tokens_per_second, 13, 1)
            + right(result.prefill_share_of_int8_peak * 100, 14, 0, " %")
            + right(result.decode_tokens_per_second, 12, 1)
            + right(result.decode_share_of_bandwidth * 100, 14, 0, " %")
            + right(result.read_bytes_per_second / 1e9, 11, 1)
            + right(result.int8_operations_per_second / 1e12, 11, 2) + "\n"
    }
}
