import ArgumentParser
import Foundation
import GGUF
import Node
import NodeAPI

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "What is wrong here, and what to do.",
        discussion: """
            Examines the node of the directory, whether it runs or not: its files and keys, \
            certificates and the clock, ports, every address at which members are looked for and \
            what answers there, members, models and this machine. Writes nothing, disturbs no \
            member, prints no secret. Takes some seconds.

            What an address answers, and what that means:
              connection refused   the machine is up, and nothing listens at that port
              no connection        the machine is off, or a firewall drops what comes
              closes at once       a node of another mesh, or another program
              says nothing         another program, or a node that hangs

            Exit status: 0 without a problem (warnings allowed), 1 with one.
            """)

    @OptionGroup var directory: DirectoryOption
    @OptionGroup var keys: KeyOption
    @Flag(help: "Print JSON.") var json = false

    /// How long a running node may take to say how it is.
    private static let statusSeconds: Int64 = 3

    private struct Report: Encodable {
        var healthy: Bool
        var problems: Int
        var warnings: Int
        var directory: String
        var node: String?
        var mesh: String?
        var process: Int32?
        var checks: [DoctorReport.Check]
        var tried: [DoctorReport.Tried]

        init(_ report: DoctorReport) {
            healthy = report.isHealthy
            problems = report.count(.problem)
            warnings = report.count(.warning)
            directory = report.directory
            node = report.node
            mesh = report.mesh
            process = report.process
            checks = report.checks
            tried = report.tried
        }
    }

    func run() async throws {
        let (status, silence) = await ask()
        let bar = ProgressBar("Examining")
        let doctor = Doctor(
            path: directory.path, environment: ProcessInfo.processInfo.environment,
            now: NodeRuntime.wallTime(), status: status, keys: try keys.protection(),
            silence: silence,
            checkModel: Self.check(model:))
        let report = await doctor.examine { bar.show($0) }
        bar.finish()
        if json {
            try Output.json(Report(report))
        } else {
            Output.write(Self.text(report))
        }
        if !report.isHealthy { throw ExitCode(ExitStatus.problem.rawValue) }
    }

    /// What the running node says, or why it says nothing.
    private func ask() async -> (NodeStatus?, String?) {
        guard let running = StateDirectory.runningNode(at: directory.path),
            DetachedProcess.isRunning(running.pid)
        else { return (nil, nil) }
        do {
            let data = try await NodeClient(running).get(
                "/shoal/v1/status", withinSeconds: Self.statusSeconds)
            let status = try JSONDecoder().decode(NodeStatus.self, from: data)
            // Another node may have the port that this one had once.
            return status.node.id == running.id
                ? (status, nil) : (nil, "another node answers there")
        } catch let error as CommandError {
            return (nil, error.description)
        } catch {
            return (nil, "the answer is not a node's status")
        }
    }

    /// What is wrong with a model file: its header is read, not its weights.
    private static func check(model path: String) -> String? {
        do {
            _ = try GGUFFile(path: path)
            return nil
        } catch { return "\(error)" }
    }

    // MARK: For people

    private static func text(_ report: DoctorReport) -> String {
        var text = report.directory
        if let node = report.node { text += ": node \(node)" }
        if let mesh = report.mesh { text += " of mesh \(mesh)" }
        text += "\n"
        let width = report.checks.map(\.subject.count).max() ?? 0
        for area in DoctorReport.Area.allCases {
            let checks = report.checks.filter { $0.area == area }
            guard !checks.isEmpty else { continue }
            text += "\n\(area.rawValue.capitalized)\n"
            for check in checks { text += line(check, width: width) }
        }
        text += "\n" + summary(report) + "\n"
        return text
    }

    private static func line(_ check: DoctorReport.Check, width: Int) -> String {
        let level = check.level.rawValue
        let head =
            "  " + mark(check.level) + String(repeating: " ", count: 9 - level.count)
            + check.subject + String(repeating: " ", count: width - check.subject.count + 2)
        let indent = "\n" + String(repeating: " ", count: 11 + width + 2)
        let found = check.found.replacing("\n", with: indent + "  ")
        return head + found + (check.remedy.map { indent + "→ " + $0 } ?? "") + "\n"
    }

    private static func mark(_ level: DoctorReport.Level) -> String {
        guard Output.isTerminal else { return level.rawValue }
        let colour =
            switch level {
            case .ok: "32"
            case .warning: "33"
            case .problem: "31"
            }
        return "\u{1b}[\(colour)m\(level.rawValue)\u{1b}[0m"
    }

    private static func summary(_ report: DoctorReport) -> String {
        func count(_ level: DoctorReport.Level, _ name: String) -> String {
            let count = report.count(level)
            return count == 0 ? "no \(name)" : count == 1 ? "1 \(name)" : "\(count) \(name)s"
        }
        return "\(count(.problem, "problem")), \(count(.warning, "warning"))".capitalizedFirst + "."
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
