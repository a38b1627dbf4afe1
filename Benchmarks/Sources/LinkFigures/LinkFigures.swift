import Foundation
import Mesh
import MeshTransport
import Trust
import Wire

/// How the links do over sockets of one machine, with the peer in a process of its own.
public struct LinkFigures: Sendable, Encodable {
    /// What is measured, and for how long.
    public struct Plan: Sendable, Encodable {
        /// Rounds of the transfer, of which medians are taken.
        public var rounds = 5
        /// Bytes that each of them moves.
        public var bytesPerRound = 1 << 30
        /// Seconds of control messages, with and without bulk.
        public var controlSeconds = 10
        /// Links that one node holds.
        public var links = 1000
        /// Seconds of handshakes.
        public var handshakeSeconds = 5
        /// First messages that a flood sends in a second.
        public var floodPerSecond = 10_000
        /// Seconds of each kind of flood.
        public var floodSeconds = 10
        /// What the stream that runs during floods moves in a second, in megabytes.
        public var streamMegabytesPerSecond = 20

        /// The plan of a full run.
        public init() {}
    }

    /// The plan.
    public let plan: Plan
    /// One stream of the inference class, over the link itself.
    public private(set) var stream: ThroughputFigure?
    /// One stream of the bulk class, over its own connection.
    public private(set) var bulk: ThroughputFigure?
    /// Control messages with nothing else on the link.
    public private(set) var controlAlone: WaitFigure?
    /// Control messages behind a bulk transfer that takes all it can get.
    public private(set) var controlBehindBulk: WaitFigure?
    /// What links cost the node that holds them.
    public private(set) var memory: MemoryFigure?
    /// Links made through the door.
    public private(set) var handshakes: HandshakeFigure?
    /// Floods of first messages, by kind.
    public private(set) var floods: [FloodFigure] = []
    /// Processes that wanted a processor while this ran, as the system's load of one minute at the
    /// beginning and the end: other work on the machine takes from every figure.
    public private(set) var load: [Double] = []

    /// Measures everything that `parts` names: `stream`, `control`, `memory`, `handshakes`, `flood`.
    ///
    /// - Parameter progress: Called with what begins.
    public static func measure(
        _ plan: Plan, parts: Set<String>, progress: (String) -> Void
    ) async throws -> LinkFigures {
        var figures = LinkFigures(plan: plan)
        figures.load = [loadAverage()]
        if parts.contains("stream") {
            progress("one stream, \(plan.rounds) rounds")
            let server = try Server()
            let link = try await server.connect()
            figures.stream = try await .measure(
                over: link, service: .inference, plan: plan, server: server)
            figures.bulk = try await .measure(
                over: link, service: .measure, plan: plan, server: server)
            server.end()
        }
        if parts.contains("control") {
            progress("control messages")
            let server = try Server()
            let link = try await server.connect()
            figures.controlAlone = try await .measure(
                over: link, seconds: plan.controlSeconds, withBulk: false)
            figures.controlBehindBulk = try await .measure(
                over: link, seconds: plan.controlSeconds, withBulk: true)
            server.end()
        }
        if parts.contains("memory") {
            progress("\(plan.links) links")
            figures.memory = try await .measure(links: plan.links)
        }
        if parts.contains("handshakes") {
            progress("handshakes")
            figures.handshakes = try await .measure(seconds: plan.handshakeSeconds)
        }
        if parts.contains("flood") {
            for kind in FloodKind.allCases {
                progress("a flood of \(kind.rawValue) first messages")
                figures.floods.append(try await .measure(kind, plan))
            }
        }
        figures.load.append(loadAverage())
        return figures
    }

    private init(plan: Plan) { self.plan = plan }
}

/// The node in another process that all is measured against.
final class Server {
    let mesh: BenchmarkMesh
    let process: PeerProcess
    let address: NetworkAddress

    init() throws {
        mesh = try BenchmarkMesh()
        process = try PeerProcess(["server", mesh.text])
        let words = try process.line().split(separator: " ")
        guard let address = NetworkAddress("127.0.0.1:\(words[0])") else {
            throw LinkFiguresError("no port")
        }
        self.address = address
    }

    /// A link from a new member.
    func connect() async throws -> Link {
        try await mesh.node().connect(to: [address], expecting: nil)
    }

    /// Private bytes of memory, and processor seconds.
    func usage() throws -> (privateBytes: Int, processorSeconds: Double) {
        let words = try process.ask("usage").split(separator: " ")
        guard words.count == 2, let bytes = Int(words[0]), let seconds = Double(words[1]) else {
            throw LinkFiguresError("no usage")
        }
        return (bytes, seconds)
    }

    func end() { process.end() }
}

func loadAverage() -> Double {
    var load = [0.0]
    // One value is written.
    return getloadavg(&load, 1) == 1 ? load[0] : .nan
}
