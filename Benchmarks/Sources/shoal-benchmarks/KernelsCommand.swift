import ArgumentParser
import Foundation
import Kernels

/// `kernels`: products of matrices by format and instruction set, and whole forward passes.
struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Products and forward passes by instruction set, beside the read bandwidth.",
        discussion: """
            Products go round several copies of a matrix, so that weights come from memory and not
            from a cache. Times are those that go by, but with one thread its processor time, in
            which other processes on the machine do not count.
            """)

    @Option(help: "Rounds, of which medians are taken.")
    var rounds = 5

    @Option(help: "Threads; one per processor unless given.")
    var threads: Int?

    @Option(help: "Rows of the matrices.")
    var rows = 4096

    @Option(help: "Columns of the matrices, a multiple of 256.")
    var columns = 4096

    @Option(help: "MiB of weights that products go round, and of the bandwidth's buffer.")
    var mebibytes = 256

    @Option(help: "The model file of the forward passes.")
    var model = "../testnet/models/stories260K-q8_0.gguf"

    @Option(help: "Tokens of the prompt; as many as the context allows if it allows fewer.")
    var prompt = 256

    @Option(help: "Tokens generated after it.")
    var generate = 64

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard rounds >= 1, 16...65_536 ~= rows, 256...65_536 ~= columns, columns % 256 == 0,
            1...65_536 ~= mebibytes, prompt >= 1, generate >= 2,
            threads.map({ 1...KernelsLimits.threadsMax ~= $0 }) ?? true
        else {
            throw ValidationError(
                "at least one round and thread, 16 to 65536 rows, 256 to 65536 columns in whole "
                    + "blocks of 256, 1 to 65536 MiB, one token of prompt and two generated")
        }
    }

    func run() throws {
        let workers = WorkerPool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        let probe = try MachineProbe(bytes: mebibytes << 20, workers: workers) {
            Clock.now(threads: workers.threadCount)
        }
        let products = ProductBenchmark(
            rows: rows, columns: columns, workingSetBytes: mebibytes << 20, rounds: rounds,
            workers: workers, probe: probe)
        let report = KernelsReport(
            rounds: rounds, threads: workers.threadCount, rows: rows, columns: columns,
            workingSetMebibytes: mebibytes,
            products: try WeightFormat.allCases.flatMap { try products.figures(of: $0) },
            model: try ModelBenchmark(
                path: model, promptTokens: prompt, generatedTokens: generate, rounds: rounds,
                threads: workers.threadCount
            ).report())
        if json { try Output.json(report) } else { report.print() }
    }
}

/// What `kernels` measures. A gigabyte is 10^9 bytes.
struct KernelsReport: Encodable {
    let rounds: Int
    let threads: Int
    let rows: Int
    let columns: Int
    let workingSetMebibytes: Int
    let products: [ProductFigures]
    let model: ModelReport

    func print() {
        Swift.print(
            "\(rows) x \(columns), \(threads) threads, medians of \(rounds); "
                + "decode: 1 column, prefill: \(ProductBenchmark.prefillColumns) columns\n")
        let widths = [18, 12, 11, 9, 11, 14, 11]
        Output.row(
            [
                "", "decode GB/s", "read GB/s", "share", "x portable", "prefill GOPS",
                "x portable",
            ], widths: widths)
        for figures in products {
            Output.row(
                [
                    "\(figures.format) \(figures.instructionSet)",
                    Output.number(figures.decode.weightGigabytesPerSecond, 2),
                    Output.number(figures.readGigabytesPerSecond, 2),
                    Output.number(figures.decode.shareOfReadBandwidthPercent) + " %",
                    Output.number(figures.decode.speedUpOverPortable, 2),
                    Output.number(figures.prefill.gigaoperationsPerSecond, 1),
                    Output.number(figures.prefill.speedUpOverPortable, 2),
                ], widths: widths)
        }
        Swift.print(
            "\n\(model.file): prompt of \(model.promptTokens), then \(model.generatedTokens)")
        Output.row(
            ["", "prefill t/s", "x portable", "decode t/s", "x portable"],
            widths: [18, 12, 11, 11, 11])
        for figures in model.instructionSets {
            Output.row(
                [
                    figures.instructionSet,
                    Output.number(figures.prefillTokensPerSecond),
                    Output.number(figures.prefillSpeedUpOverPortable, 2),
                    Output.number(figures.decodeTokensPerSecond),
                    Output.number(figures.decodeSpeedUpOverPortable, 2),
                ], widths: [18, 12, 11, 11, 11])
        }
    }
}
