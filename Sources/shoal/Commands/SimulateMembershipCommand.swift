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

            A fault is given as SECONDS:KIND:WHAT. All kinds:
            \(MembershipSimulation.Fault.examples.joined(separator: ", ")).
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
    @Option(help: "Simulated hours.", transform: SimulateArguments.time) var hours: Duration?
    @Option(help: "Simulated minutes; 10 unless given.", transform: SimulateArguments.time)
    var minutes: Duration?
    @Option(help: "Simulated seconds.", transform: SimulateArguments.time) var seconds: Duration?

    func duration(unless standard: Duration) throws -> Duration {
        let given = [(hours, 3600), (minutes, 60), (seconds, 1)].compactMap { time, scale in
            time.map { $0 * scale }
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
    @Option(help: "One way, in seconds: FROM...TO.", transform: SimulateArguments.range)
    var latency: ClosedRange<Duration>?
    @Option(
        help: "The longest way between two places, in seconds.", transform: SimulateArguments.time)
    var span: Duration?
    @Option(help: "Datagrams longer than so many bytes vanish.") var mtu: Int?

    func apply(to network: inout NetworkConditions) {
        if let loss { network.loss = loss }
        if let duplication { network.duplication = duplication }
        if let reordering { network.reordering = reordering }
        if let corruption { network.corruption = corruption }
        if let replay { network.replay = replay }
        if let latency { network.latency = latency }
        if let span { network.span = span }
        if let mtu { network.mtu = mtu }
    }
}

/// What goes wrong.
struct SimulatedFaultOptions: ParsableArguments {
    enum Drawn: String, ExpressibleByArgument, CaseIterable { case all }

    @Option(help: "Draw every kind of fault from the seed.") var faults: Drawn?
    @Option(
        name: .customLong("fault"), help: "A fault, SECONDS:KIND:WHAT; any number of them.",
        transform: SimulateArguments.fault)
    var single: [MembershipSimulation.Fault] = []
    @Option(help: "How many nodes crash; half of them come back.") var crashes: Int?
    @Option(help: "Cut the mesh in two at this second.", transform: SimulateArguments.time)
    var partitionAt: Duration?
    @Option(
        help: "How many seconds the cut lasts; 60 unless given.", transform: SimulateArguments.time)
    var partitionSeconds: Duration?
    @Option(help: "How many nodes stand still again and again.") var stalled: Int?
    @Option(help: "For how many seconds each time: FROM...TO.", transform: SimulateArguments.range)
    var stallSeconds: ClosedRange<Duration>?
    @Option(
        help: "How many seconds they run between: FROM...TO.", transform: SimulateArguments.range)
    var stallGap: ClosedRange<Duration>?
    @Option(
        parsing: .unconditional,
        help: "How many seconds too late timers run: FROM...TO; below 0 is too early.",
        transform: SimulateArguments.range)
    var timerLateness: ClosedRange<Duration>?
    @Flag(help: "The hosts of crashed nodes fall silent, rather than refuse connections.")
    var silentHosts = false

    func apply(to configuration: inout MembershipSimulation.Configuration) {
        configuration.faults += single
        if let crashes { configuration.crashes = crashes }
        if let partitionAt { configuration.partitionAt = partitionAt }
        if let partitionSeconds { configuration.partitionLength = partitionSeconds }
        if let stalled { configuration.stalled = stalled }
        if let stallSeconds { configuration.stallLength = stallSeconds }
        if let stallGap { configuration.stallGap = stallGap }
        if let timerLateness { configuration.timerLateness = timerLateness }
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
    @Option(
        help: "Gossip versions that nodes speak, in turn: 1-1,1-2.",
        transform: SimulateArguments.versions)
    var versions: [ClosedRange<UInt8>]?
    @Option(
        help: "Who means harm: member (the last nodes) or outsider.",
        transform: SimulateArguments.named)
    var hostile: MembershipSimulation.Hostility?
    @Option(help: "How many hostile members there are; 1 unless given.") var hostiles: Int?
    @Option(
        help: "What hostile members do, with commas between; everything unless given.",
        transform: SimulateArguments.attacks)
    var attacks: [Attack]?
    @Option(
        help: "A defect in every node, to see that it is found.", transform: SimulateArguments.named
    ) var sabotage: Sabotage?
    @Flag(help: "Look into packets: how often claims are passed on.") var inspectPackets = false
    @Flag(help: "Plain SWIM with memberlist's timeouts, for comparison.") var plainSwim = false
    @Option(
        help: "The least seconds between two versions of what a node does; 5 unless given.",
        transform: SimulateArguments.time)
    var activityInterval: Duration?
    @Option(help: "How many of the gone each node remembers.") var tombstones: Int?
    @Option(help: "How many changes of what nodes offer are made and measured.") var updates: Int?
    @Option(
        help: "Count traffic, signatures and false alarms from this second on.",
        transform: SimulateArguments.time)
    var countFrom: Duration?
    @Flag(help: "Count deaths of the healthy, rather than call them violations.")
    var allowFalseDeaths = false
    @Option(
        help: "Within how many seconds a crash must be known to all.",
        transform: SimulateArguments.time)
    var detectionBound: Duration?
    @Option(
        help: "Within how many seconds all must agree after a disturbance; 90 unless given.",
        transform: SimulateArguments.time)
    var convergenceBound: Duration?

    func apply(to configuration: inout MembershipSimulation.Configuration) {
        if let seeds { configuration.seeds = seeds }
        if warmStart { configuration.isWarm = true }
        if let outboundOnly { configuration.outboundOnly = outboundOnly }
        if let datagramsBlocked { configuration.datagramsBlocked = datagramsBlocked }
        if let versions { configuration.versions = versions }
        configuration.hostile = hostile
        if let hostiles { configuration.hostiles = hostiles }
        if let attacks { configuration.attacks = attacks }
        configuration.sabotage = sabotage
        if let countFrom { configuration.countFrom = countFrom }
        if inspectPackets { configuration.inspectsPackets = true }
        if plainSwim { configuration.gossip = .plainSWIM }
        if let activityInterval { configuration.gossip.activityInterval = activityInterval }
        if let tombstones { configuration.gossip.tombstonesMax = tombstones }
        if let updates { configuration.updates = updates }
        if allowFalseDeaths { configuration.allowsFalseDeaths = true }
        configuration.detectionBound = detectionBound
        if let convergenceBound { configuration.convergenceBound = convergenceBound }
    }
}
