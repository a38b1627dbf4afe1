import ArgumentParser
import Simulation
import Wire

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run the mesh's own state machines on a simulated network, under a seed.",
        subcommands: [SimulateMembershipCommand.self, SimulateRoutingCommand.self])
}

struct SimulateMembershipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "membership",
        abstract: "Gossip among many nodes, with loss, crashes and a partition.",
        discussion: """
            The same seed gives the same run, byte for byte. The exit status is 70 when an \
            invariant was broken; the report prints the command that replays it.
            """)

    @Option(help: "How many nodes.") var nodes = 30
    @Option(help: "The seed.") var seed: UInt64 = 1
    @Option(help: "Simulated minutes.") var minutes = 10.0
    @Option(help: "The share of datagrams lost, from 0 to 1.") var loss = 0.0
    @Option(help: "The share of datagrams delivered twice.") var duplication = 0.0
    @Option(help: "The share of datagrams overtaken by later ones.") var reordering = 0.0
    @Option(help: "How many nodes crash; half of them come back.") var crashes = 0
    @Option(help: "Cut the mesh in two at this second.") var partitionAt: Double?
    @Option(help: "How many seconds the cut lasts.") var partitionSeconds = 60.0
    @Option(help: "How many nodes can only dial out.") var outboundOnly = 0
    @Option(help: "How many nodes have all their datagrams dropped.") var datagramsBlocked = 0
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (0.0...1_000_000).contains(minutes), (0.0...1_000_000).contains(partitionSeconds),
            (0.0...1_000_000).contains(partitionAt ?? 0)
        else { throw ValidationError("Times are from 0 to 1000000.") }
    }

    func run() async throws {
        var configuration = MembershipSimulation.Configuration(
            nodes: nodes, seed: seed, duration: .milliseconds(Int(minutes * 60_000)))
        configuration.network.loss = loss
        configuration.network.duplication = duplication
        configuration.network.reordering = reordering
        configuration.crashes = crashes
        configuration.partitionAt = partitionAt.map { .milliseconds(Int($0 * 1000)) }
        configuration.partitionLength = .milliseconds(Int(partitionSeconds * 1000))
        configuration.outboundOnly = outboundOnly
        configuration.datagramsBlocked = datagramsBlocked
        if let problem = configuration.problem { throw CommandError(.usage, problem) }
        let report = MembershipSimulation.run(configuration)
        if json { try Output.json(report) } else { Output.write(report.text + "\n") }
        try checkClean(report.violationCount, replay: report.replayCommand)
    }
}

struct SimulateRoutingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routing",
        abstract: "Requests through a mesh whose nodes crash: routing and failover.",
        discussion: """
            Clients ask at random nodes; the real router and request journal find executors over \
            the real gossip. Each answer is checked token for token. The exit status is 70 when an \
            invariant was broken; the report prints the command that replays it.
            """)

    @Option(help: "How many nodes.") var nodes = 20
    @Option(help: "The seed.") var seed: UInt64 = 1
    @Option(help: "Simulated minutes.") var minutes = 5.0
    @Option(help: "The share of datagrams lost, from 0 to 1.") var loss = 0.0
    @Option(help: "How many nodes crash; half of them come back.") var crashes = 0
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (0.0...1_000_000).contains(minutes) else {
            throw ValidationError("--minutes is from 0 to 1000000.")
        }
    }

    func run() async throws {
        var configuration = RoutingSimulation.Configuration(
            nodes: nodes, seed: seed, duration: .milliseconds(Int(minutes * 60_000)))
        configuration.loss = loss
        configuration.crashes = crashes
        if let problem = configuration.problem { throw CommandError(.usage, problem) }
        let report = RoutingSimulation.run(configuration)
        if json { try Output.json(report) } else { Output.write(report.text + "\n") }
        try checkClean(report.violationCount, replay: report.replayCommand)
    }
}

/// Fails the command when a run broke an invariant.
private func checkClean(_ violations: Int, replay: String) throws {
    guard violations > 0 else { return }
    throw CommandError(.software, "\(violations) invariants were broken; replay: \(replay)")
}
