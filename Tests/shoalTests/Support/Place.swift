import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The package, and the program that was built with these tests.
enum Package {
    /// The package's root.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The smallest of the demo models, and its name in a mesh.
    static let model = root.appendingPathComponent("testnet/models/stories260K-q8_0.gguf").path
    static let modelName = "stories260K-q8_0"

    static let fixtures = root.appendingPathComponent("Tests/ModelTests/Fixtures")

    /// `shoal`, beside the test bundle wherever that was built.
    static func executable() throws -> String {
        let places =
            [Bundle.main.bundlePath, Bundle.main.executablePath ?? ""] + CommandLine.arguments
            + [root.appendingPathComponent(".build/debug/shoalPackageTests.xctest").path]
        for place in places where place.hasPrefix("/") {
            var folder = URL(fileURLWithPath: place)
            for _ in 0..<5 {
                folder.deleteLastPathComponent()
                let bundle = folder.appendingPathComponent("shoalPackageTests.xctest").path
                let program = folder.appendingPathComponent("shoal").path
                if FileManager.default.fileExists(atPath: bundle),
                    FileManager.default.isExecutableFile(atPath: program)
                {
                    return program
                }
            }
        }
        throw Problem("there is no shoal beside the tests: run `swift build --build-tests`")
    }
}

/// What a test could not do.
struct Problem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// How a command ended and what it printed.
struct Outcome: CustomStringConvertible {
    let arguments: [String]
    /// The exit status; for a command that a signal ended, minus the signal.
    let status: Int32
    let output: String
    let errors: String

    var description: String {
        "shoal \(arguments.joined(separator: " ").prefix(300))\nexit status \(status)\n"
            + "standard output:\n\(output.suffix(2000))\nstandard error:\n\(errors.suffix(4000))"
    }

    /// The output as JSON.
    func json<T: Decodable>(_ type: T.Type) throws -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(output.utf8))
        } catch {
            throw Problem("\(error)\n\(self)")
        }
    }

    /// The output as any JSON object.
    func object() throws -> [String: Any] {
        let value = try? JSONSerialization.jsonObject(with: Data(output.utf8))
        guard let object = value as? [String: Any] else {
            throw Problem("the output is not a JSON object\n\(self)")
        }
        return object
    }
}

/// Waits until something holds. The limit is far beyond what it takes: it says that something is
/// wrong, not that something is slow.
func eventually(
    _ what: @autoclosure () -> String, withinSeconds limit: Double = 90,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(limit)
    while try await !condition() {
        guard ContinuousClock.now < end else {
            throw Problem("not within \(limit) s: \(what())")
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// A command that was started, perhaps one that runs until it is stopped.
final class StartedCommand {
    let arguments: [String]
    private let process = Process()
    private let outputFile: URL
    private let errorFile: URL

    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { Self.text(outputFile) }
    var errors: String { Self.text(errorFile) }

    /// Outputs go to files: a pipe that nobody reads would stop a command that prints much.
    init(
        executable: String, arguments: [String], input: String?, terminal: FileHandle? = nil,
        environment: [String: String], directory: URL, outputBase: URL
    ) throws {
        self.arguments = arguments
        outputFile = outputBase.appendingPathExtension("out")
        errorFile = outputBase.appendingPathExtension("err")
        let inputFile = outputBase.appendingPathExtension("in")
        try Data((input ?? "").utf8).write(to: inputFile)
        for file in [outputFile, errorFile] { try Data().write(to: file) }
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = directory
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("SHOAL_") }
            .merging(environment) { $1 }
        let handles = (
            try terminal ?? FileHandle(forReadingFrom: inputFile),
            try FileHandle(forWritingTo: outputFile), try FileHandle(forWritingTo: errorFile)
        )
        process.standardInput = handles.0
        process.standardOutput = handles.1
        process.standardError = handles.2
        // The command has its own by then. Foundation keeps a process that has ended, and with it
        // what was handed to it: after some hundred commands it fails for want of room in a table.
        defer { for handle in [handles.0, handles.1, handles.2] { try? handle.close() } }
        try process.run()
    }

    /// Waits until it ends by itself. On Linux, Foundation also waits for those that inherited a
    /// descriptor from it: a node that outlives `testnet up` must not have.
    func outcome(withinSeconds limit: Double = 90) async throws -> Outcome {
        try await eventually(
            "shoal \(arguments.joined(separator: " ").prefix(300)) ends\n\(errors)",
            withinSeconds: limit
        ) { !process.isRunning }
        let status = process.terminationStatus
        return Outcome(
            arguments: arguments,
            status: process.terminationReason == .exit ? status : -status, output: output,
            errors: errors)
    }

    func send(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    private static func text(_ file: URL) -> String {
        String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }
}

/// A folder of one test, and the processes that it started. Both are gone when the test ends.
final class Place {
    let folder: URL
    let executable: String
    private var started: [StartedCommand] = []

    private init() throws {
        executable = try Package.executable()
        // Resolved, so that it is what processes show in their arguments.
        folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appendingPathComponent("shoal-test-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("outputs"), withIntermediateDirectories: true)
    }

    static func with(_ body: (Place) async throws -> Void) async throws {
        let place = try Place()
        defer { place.cleanUp() }
        try await body(place)
    }

    private func cleanUp() {
        for command in started { command.send(SIGKILL) }
        for pid in nodesLeft() { kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Processes of testnets in this folder, which outlive the command that started them. Asked of
    /// the system and not of the testnet, which may be what is broken.
    func nodesLeft() -> [Int32] {
        Self.processes().filter { $0.arguments.contains("node run --dir \(folder.path)/") }.map(
            \.pid)
    }

    #if os(Linux)
        private static func processes() -> [(pid: Int32, arguments: String)] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { name in
                // A zombie's is empty: it is no process any more.
                guard let pid = Int32(name),
                    let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
                else { return nil }
                return (
                    pid,
                    line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                        .joined(separator: " ")
                )
            }
        }
    #else
        private static func processes() -> [(pid: Int32, arguments: String)] {
            let list = Process()
            let pipe = Pipe()
            list.executableURL = URL(fileURLWithPath: "/bin/ps")
            list.arguments = ["-axo", "pid=,args="]
            list.standardOutput = pipe
            guard (try? list.run()) != nil else { return [] }
            let text = String(
                decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            list.waitUntilExit()
            return text.split(separator: "\n").compactMap { line in
                Int32(line.split(separator: " ").first ?? "").map { ($0, String(line)) }
            }
        }
    #endif

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try write(Array(text.utf8), to: name)
    }

    /// All that is under a directory, by its path in it.
    func content(of name: String, except left: [String] = []) -> [String: Data] {
        var found: [String: Data] = [:]
        let paths = FileManager.default.enumerator(atPath: path(name))
        while let file = paths?.nextObject() as? String {
            guard !left.contains(where: { file.hasPrefix($0) }) else { continue }
            found[file] = FileManager.default.contents(atPath: path(name) + "/" + file)
        }
        return found
    }

    /// Starts `shoal` with these arguments, in the folder.
    ///
    /// - Parameters:
    ///   - terminal: Its standard input, in place of `input`.
    ///   - runner: A program that runs it, with that program's first arguments.
    func start(
        _ arguments: [String], input: String? = nil, terminal: FileHandle? = nil,
        runner: [String] = [], environment: [String: String] = [:]
    ) throws -> StartedCommand {
        let words = runner + [executable] + arguments
        let command = try StartedCommand(
            executable: words[0], arguments: Array(words.dropFirst()), input: input,
            terminal: terminal, environment: environment, directory: folder,
            outputBase: folder.appendingPathComponent("outputs/\(started.count)"))
        started.append(command)
        return command
    }

    /// Runs `shoal` to its end.
    func shoal(
        _ arguments: String..., input: String? = nil, environment: [String: String] = [:]
    ) async throws -> Outcome {
        try await start(arguments, input: input, environment: environment).outcome()
    }

    /// Runs `shoal`, which must succeed.
    @discardableResult
    func succeed(
        _ arguments: String..., input: String? = nil, environment: [String: String] = [:]
    ) async throws -> Outcome {
        let outcome = try await start(arguments, input: input, environment: environment).outcome()
        guard outcome.status == 0 else { throw Problem("it failed: \(outcome)") }
        return outcome
    }
}

/// Checks that a command failed with this status and one line that says all of `words`.
func expectRefusal(
    _ outcome: Outcome, status: Int32, saying words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(outcome.status == status, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, "\(outcome)", sourceLocation: sourceLocation)
    let line = outcome.errors.split(separator: "\n").last { $0.hasPrefix("shoal: ") } ?? ""
    for word in words {
        #expect(
            line.localizedCaseInsensitiveContains(word), "'\(word)' is not in: \(outcome)",
            sourceLocation: sourceLocation)
    }
}
