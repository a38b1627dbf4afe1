import ArgumentParser
import Gossip
import Simulation
import Wire

struct SimulateMembershipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "membership",
        abstract: "Gossip among many nodes, on a network that does what networks do.",
        discussion: """
            The same seed gives the same run, byte for byte. The exit status is 70 when an \
            invariant was broken; the report prints the command that replays it.

            A fault is given as SECONDS:KIND:WHAT, for example 30:crash:7, 40:pause:3:2.5, \
            60:partition:0-3,7, 90:cut-one-way:1/2,3 or 120:heal. Kinds: \
            \(MembershipSimulation.Fault.kinds.joined(separator: ", ")).
            """)

    @Option(help: "How many nodes.") var nodes = 30
    @Option(help: "The seed.") var seed: UInt64 = 1
    @OptionGroup var length: SimulatedLength
    @OptionGroup(title: "Network") var network: SimulatedNetworkOptions
    @OptionGroup(title: "Faults") var faults: SimulatedFaultOptions
    @OptionGroup(title: "Mesh") var mesh: SimulatedMeshOptions
    @Flag(help: "Print JSON.") var json = false

    /// What the options ask for.
    func simulated() throws -> MembershipSimulation.Configuration {
        var configuration = MembershipSimulation.Configuration(
            nodes: nodes, seed: seed, duration: try length.duration(unless: .seconds(600)))
        mesh.apply(to: &configuration)
        if faults.faults == .all { configuration = configuration.drawingFaults() }
        network.apply(to: &configuration.network)
        faults.apply(to: &configuration)
        if let problem = configuration.problem { throw CommandError(.usage, problem) }
        return configuration
    }

    func run() async throws {
        let report = MembershipSimulation.run(try simulated())
        if json { try Output.json(report) } else { Output.write(report.text + "\n") }
        try SimulateCommand.checkClean(report.violationCount, replay: report.replayCommand)
    }
}

/// How long a simulation runs.
struct SimulatedLength: ParsableArguments {
    @Option(help: "Simulated hours.") var hours: SimulatedTime?
    @Option(help: "Simulated minutes; 10 unless given.") var minutes: SimulatedTime?
    @Option(help: "Simulated seconds.") var seconds: SimulatedTime?

    func duration(unless standard: Duration) throws -> Duration {
        let given = [(hours, 3600), (minutes, 60), (seconds, 1)].compactMap { time, scale in
            time.map { $0.duration * scale }
        }
        guard given.count <= 1 else {
            throw CommandError(.usage, "give one of --hours, --minutes and --seconds")
        }
        return given.first ?? standard
    }
}

/// How the network treats datagrams. What is not given stays as it is.
struct SimulatedNetworkOptions: ParsableArguments {
    @Option(help: "The share of datagrams lost, from 0 to 1.") var loss: Double?
    @Option(help: "The share of datagrams delivered twice.") var duplication: Double?
    @Option(help: "The share of datagrams overtaken by later ones.") var reordering: Double?
    @Option(help: "The share of datagrams with a bit changed.") var corruption: Double?
    @Option(help: "The share of datagrams delivered again 1 to 90 s later.") var replay: Double?
    @Option(help: "One way, in seconds: FROM...TO.") var latency: SimulatedRange?
    @Option(help: "The longest way between two places, in seconds.") var span: SimulatedTime?
    @Option(help: "Datagrams longer than so many bytes vanish.") var mtu: Int?

    func apply(to network: inout NetworkConditions) {
        if let loss { network.loss = loss }
        if let duplication { network.duplication = duplication }
        if let reordering { network.reordering = reordering }
        if let corruption { network.corruption = corruption }
        if let replay { network.replay = replay }
        if let latency { network.latency = latency.range }
        if let span { network.span = span.duration }
        if let mtu { network.mtu = mtu }
    }
}

/// What goes wrong.
struct SimulatedFaultOptions: ParsableArguments {
    enum Drawn: String, ExpressibleByArgument, CaseIterable { case all }

    @Option(help: "Draw every kind of fault from the seed.") var faults: Drawn?
    @Option(name: .customLong("fault"), help: "A fault, SECONDS:KIND:WHAT; any number of them.")
    var single: [MembershipSimulation.Fault] = []
    @Option(help: "How many nodes crash; half of them come back.") var crashes: Int?
    @Option(help: "Cut the mesh in two at this second.") var partitionAt: SimulatedTime?
    @Option(help: "How many seconds the cut lasts; 60 unless given.")
    var partitionSeconds: SimulatedTime?
    @Option(help: "How many nodes stand still again and again.") var stalled: Int?
    @Option(help: "For how many seconds each time: FROM...TO.") var stallSeconds: SimulatedRange?
    @Option(help: "How many seconds they run between: FROM...TO.") var stallGap: SimulatedRange?
    @Option(help: "How many seconds too late timers run: FROM...TO; below 0 is too early.")
    var timerLateness: SimulatedRange?
    @Flag(help: "The hosts of crashed nodes fall silent, rather than refuse connections.")
    var silentHosts = false

    func apply(to configuration: inout MembershipSimulation.Configuration) {
        configuration.faults += single
        if let crashes { configuration.crashes = crashes }
        if let partitionAt { configuration.partitionAt = partitionAt.duration }
        if let partitionSeconds { configuration.partitionLength = partitionSeconds.duration }
        if let stalled { configuration.stalled = stalled }
        if let stallSeconds { configuration.stallLength = stallSeconds.range }
        if let stallGap { configuration.stallGap = stallGap.range }
        if let timerLateness { configuration.timerLateness = timerLateness.range }
        if silentHosts { configuration.refusesAfterCrash = false }
    }
}

/// Who takes part, and by which rules.
struct SimulatedMeshOptions: ParsableArguments {
    @Option(help: "How many nodes, the first ones, are everyone's seeds; 1 unless given.")
    var seeds: Int?
    @Flag(help: "All begin knowing each other, rather than by joining.") var warmStart = false
    @Option(help: "How many nodes can only dial out.") var outboundOnly: Int?
    @Option(help: "How many nodes have all their datagrams dropped.") var datagramsBlocked: Int?
    @Option(help: "Gossip versions that nodes speak, in turn: 1-1,1-2.")
    var versions: SimulatedVersions?
    @Option(help: "Who means harm: member (the last node) or outsider.")
    var hostile: MembershipSimulation.Hostility?
    @Flag(help: "Plain SWIM with memberlist's timeouts, for comparison.") var plainSwim = false
    @Option(help: "How many changes of what nodes offer are made and measured.") var updates: Int?
    @Flag(help: "Count deaths of the healthy, rather than call them violations.")
    var allowFalseDeaths = false
    @Option(help: "Within how many seconds a crash must be known to all.")
    var detectionBound: SimulatedTime?
    @Option(help: "Within how many seconds all must agree after a disturbance; 90 unless given.")
    var convergenceBound: SimulatedTime?

    func apply(to configuration: inout MembershipSimulation.Configuration) {
        if let seeds { configuration.seeds = seeds }
        if warmStart { configuration.isWarm = true }
        if let outboundOnly { configuration.outboundOnly = outboundOnly }
        if let datagramsBlocked { configuration.datagramsBlocked = datagramsBlocked }
        if let versions { configuration.versions = versions.ranges }
        configuration.hostile = hostile
        if plainSwim { configuration.gossip = .plainSWIM }
        if let updates { configuration.updates = updates }
        if allowFalseDeaths { configuration.allowsFalseDeaths = true }
        configuration.detectionBound = detectionBound?.duration
        if let convergenceBound { configuration.convergenceBound = convergenceBound.duration }
    }
}
