import ArgumentParser
import Dispatch
import Engine
import Foundation
import GGUF
import Kernels
import Quantisation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

struct GGUFQuantizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize", abstract: "Rewrite a model file with smaller weights.",
        discussion: """
            Types: \(QuantisationScheme.names), in either case. A name with _S, _M or _L, and \
            Q2_K, is a mix that spends more bits on the matrices where they count. Vectors, norms \
            and the experts' router keep their type.
            """)

    @Argument(help: "The model file: F32, F16 or BF16, or quantised already (worse).")
    var input: String
    @Argument(help: "The file to write.") var output: String
    @Option(name: .customLong("type"), help: "What to make of the weights, such as Q4_K_M.")
    var typeName: String
    @Option(help: "Threads (default: the number of processors).") var threads: Int?
    @Flag(help: "Give every matrix the type's base, the output too.") var pure = false
    @Flag(help: "Replace the output if it is there.") var force = false
    @Flag(help: "Print JSON.") var json = false

    private struct Part: Encodable {
        var type: String
        var tensors: Int
        var elements: Int
        var bytes_in: Int
        var bytes_out: Int
        var relative_rms_error: Double
    }

    private struct Report: Encodable {
        var input: String
        var output: String
        var type: String
        var pure: Bool
        var threads: Int
        var bytes_in: Int
        var bytes_out: Int
        var bits_per_weight: Double
        var relative_rms_error: Double
        var requantized_tensors: Int
        var seconds: Double
        var types: [Part]
    }

    func validate() throws {
        guard QuantisationScheme(name: typeName) != nil else {
            throw ValidationError(
                "--type is none of \(QuantisationScheme.names): '\(typeName)'.")
        }
        guard threads.map({ (1...QuantisationLimits.threadsMax).contains($0) }) ?? true else {
            throw ValidationError("--threads is from 1 to \(QuantisationLimits.threadsMax).")
        }
    }

    func run() async throws {
        guard let scheme = QuantisationScheme(name: typeName) else { return }
        let source: GGUFFile
        do {
            source = try GGUFFile(path: input)
        } catch {
            throw EngineError.file(path: input, error)
        }
        let count = threads ?? ProcessInfo.processInfo.activeProcessorCount
        let workers = WorkerPool(threads: count)
        let interruption = Interruption()
        let bar = ProgressBar(label: (output as NSString).lastPathComponent)
        let begin = ContinuousClock.now
        let result: QuantisationReport
        do {
            result = try Quantiser.run(
                source, to: output,
                .init(scheme: scheme, isPure: pure, replacesOutput: force), workers: workers,
                progress: bar.show, isCancelled: { interruption.happened })
        } catch {
            bar.clear()
            throw CommandError(error.exitStatus, "\(error)")
        }
        bar.clear()
        let report = Report(
            input: input, output: output, type: scheme.rawValue, pure: pure,
            threads: workers.threadCount, bytes_in: result.bytesIn, bytes_out: result.bytesOut,
            bits_per_weight: result.bitsPerWeight, relative_rms_error: result.relativeError,
            requantized_tensors: result.requantised,
            seconds: (ContinuousClock.now - begin) / .seconds(1),
            types: result.parts.map {
                Part(
                    type: $0.type.name, tensors: $0.tensors, elements: $0.elements,
                    bytes_in: $0.bytesIn, bytes_out: $0.bytesOut,
                    relative_rms_error: $0.relativeError)
            })
        if json { return try Output.json(report) }
        print(report)
    }

    private func print(_ report: Report) {
        func fixed(_ number: Double, _ digits: Int) -> String {
            String(format: "%.\(digits)f", number)
        }
        Output.write(
            Output.table(
                ["TYPE", "TENSORS", "BYTES IN", "BYTES OUT", "RMS ERROR"],
                report.types.map {
                    [
                        $0.type, "\($0.tensors)", "\($0.bytes_in)", "\($0.bytes_out)",
                        $0.relative_rms_error == 0
                            ? "-" : "\(fixed($0.relative_rms_error * 100, 3)) %",
                    ]
                }))
        Output.write(
            "\n\(report.output): \(report.type), \(report.bytes_out) bytes "
                + "(from \(report.bytes_in)), \(fixed(report.bits_per_weight, 2)) bits a weight, "
                + "\(fixed(report.seconds, 1)) s on \(report.threads) threads\n")
        if report.requantized_tensors > 0 {
            Output.note(
                "note: \(report.requantized_tensors) tensors were quantised already and lost "
                    + "more now; start from an F16 or F32 file for the best result")
        }
    }
}

extension QuantisationError {
    fileprivate var exitStatus: ExitStatus {
        switch self {
        case .output: .system
        case .exists, .sameFile: .usage
        case .cancelled: .temporary
        case .unreadable, .rowTooLong, .notFinite, .tooLarge, .header: .data
        }
    }
}

/// A line on standard error that says how far a long task is; only on a terminal.
private struct ProgressBar {
    let label: String
    private let isShown = isatty(STDERR_FILENO) == 1
    private let columns = 30

    init(label: String) { self.label = label }

    /// Shows the share that is done, 0...1.
    func show(_ share: Double) {
        guard isShown else { return }
        let full = Int(share * Double(columns))
        let bar =
            String(repeating: "█", count: full) + String(repeating: "·", count: columns - full)
        write("\r\(label) \(bar) \(Int(share * 100)) %\u{1b}[K")
    }

    /// Takes the line away.
    func clear() {
        guard isShown else { return }
        write("\r\u{1b}[K")
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// Whether the user or the system has asked the process to end, so that it can clear up first.
private final class Interruption {
    private let flag: Flag
    private let sources: [any DispatchSourceSignal]

    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    init() {
        let flag = Flag()
        self.flag = flag
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { flag.value.store(true, ordering: .relaxed) }
            source.resume()
            return source
        }
    }

    var happened: Bool { flag.value.load(ordering: .relaxed) }
}
