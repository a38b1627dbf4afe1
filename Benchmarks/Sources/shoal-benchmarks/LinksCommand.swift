import ArgumentParser
import Foundation
import LinkFigures

/// `links`: links over sockets of this machine.
struct LinksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "links",
        abstract: "Links over sockets: throughput, waits, memory, handshakes and floods.",
        discussion: """
            The node that is measured against is a process of its own. Figures of time are of this
            machine as it is: run nothing else, or see the load that is reported. The exit status is
            0 also when a goal is missed.
            """)

    /// What can be measured.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        case stream
        case control
        case memory
        case handshakes
        case flood
    }

    @Argument(help: "What to measure; everything unless given.")
    var parts: [Part] = []

    @Option(help: "Rounds of the transfer, of which medians are taken.")
    var rounds = 5

    @Option(help: "MiB that each round moves.")
    var mebibytes = 1024

    @Option(help: "Links that one node holds.")
    var links = 1000

    @Option(help: "First messages that a flood sends in a second.")
    var floodPerSecond = 10_000

    @Option(help: "Seconds of each kind of flood.")
    var floodSeconds = 10

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard rounds >= 1, 1...65_536 ~= mebibytes, 1...20_000 ~= links,
            1...100_000 ~= floodPerSecond, 3...600 ~= floodSeconds
        else { throw ValidationError("a number is out of bounds") }
    }

    func run() async throws {
        var plan = LinkFigures.Plan()
        plan.rounds = rounds
        plan.bytesPerRound = mebibytes << 20
        plan.links = links
        plan.floodPerSecond = floodPerSecond
        plan.floodSeconds = floodSeconds
        let chosen = Set((parts.isEmpty ? Part.allCases : parts).map(\.rawValue))
        let figures = try await LinkFigures.measure(plan, parts: chosen) { what in
            FileHandle.standardError.write(Data("\(what)\n".utf8))
        }
        if json { try Output.json(figures) } else { print(figures.text, terminator: "") }
    }
}

/// The other processes of `links`.
struct LinksPeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: LinkPeerProcess.command, abstract: "A part in a measurement of links.",
        shouldDisplay: false)

    @Argument(parsing: .allUnrecognized)
    var words: [String] = []

    func run() async throws { try await LinkPeerProcess.run(words) }
}
