import ArgumentParser
import Simulation
import Wire

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run the mesh's own state machines on a simulated network, under a seed.",
        subcommands: [
            SimulateMembershipCommand.self, SimulateSwarmCommand.self, SimulateRoutingCommand.self,
        ])

    /// Fails the command when a run broke an invariant.
    static func checkClean(_ violations: Int, replay: String) throws {
        guard violations > 0 else { return }
        throw CommandError(.software, "\(violations) invariants were broken; replay: \(replay)")
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
        try SimulateCommand.checkClean(report.violationCount, replay: report.replayCommand)
    }
}
