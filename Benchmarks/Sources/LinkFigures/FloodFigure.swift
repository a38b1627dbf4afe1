import Foundation
import Mesh
import MeshTransport
import Synchronization
import Wire

/// What a flood of first messages does to those who are honest.
public struct FloodFigure: Sendable, Encodable {
    /// What it consisted of.
    let kind: FloodKind
    /// Messages that were sent in a second.
    public let perSecond: Double
    /// Honest members that tried to connect meanwhile, each anew, from the same address.
    public let honestTried: Int
    /// Seconds until each was connected, retries included.
    public let connectSeconds: WaitFigure.Quantiles
    /// What a stream moved in a second before, in megabytes.
    public let streamMegabytesPerSecondBefore: Double
    /// What it moved meanwhile.
    public let streamMegabytesPerSecondDuring: Double
    /// The second in percent of the first.
    public let streamSharePercent: Double
    /// Processor seconds of the flooded node in each second of the flood, the stream's included.
    public let serverProcessorsBusy: Double

    static func measure(_ kind: FloodKind, _ plan: LinkFigures.Plan) async throws -> FloodFigure {
        let server = try Server()
        let link = try await server.connect()
        let stream = try await PacedStream(link, plan.streamMegabytesPerSecond)
        try await Task.sleep(for: .seconds(1))
        let before = try await stream.rate(over: .seconds(3))
        let port = "\(server.address.port)"
        let flooder = try PeerProcess([
            "flood", kind.rawValue, port, "\(plan.floodPerSecond)", "\(plan.floodSeconds)",
            server.mesh.text,
        ])
        _ = try flooder.line()
        let spent = try server.usage().processorSeconds
        let begin = monotonicNanoseconds()
        try flooder.say("go")
        async let during = stream.rate(over: .seconds(plan.floodSeconds - 1))
        var waits: [Double] = []
        while monotonicNanoseconds() - begin < UInt64(plan.floodSeconds - 1) * 1_000_000_000 {
            try await Task.sleep(for: .milliseconds(300))
            let node = try await server.mesh.node()
            let asked = monotonicNanoseconds()
            try await retrying { _ = try await node.connect(to: [server.address], expecting: nil) }
            waits.append(Double(monotonicNanoseconds() - asked) / 1e9)
            await node.shutdown()
        }
        let rate = try await during
        let sent = Double(try flooder.line().split(separator: " ").first ?? "0") ?? 0
        let busy = try server.usage().processorSeconds - spent
        let elapsed = Double(monotonicNanoseconds() - begin) / 1e9
        stream.end()
        flooder.end()
        server.end()
        return FloodFigure(
            kind: kind, perSecond: sent / Double(plan.floodSeconds), honestTried: waits.count,
            connectSeconds: .init(waits), streamMegabytesPerSecondBefore: before,
            streamMegabytesPerSecondDuring: rate, streamSharePercent: 100 * rate / before,
            serverProcessorsBusy: busy / elapsed)
    }
}

/// A stream that moves so much in a second, as far as it can.
final class PacedStream: Sendable {
    private let moved = Counted()
    private let task: Task<Void, any Error>

    private final class Counted: Sendable {
        private let count = Mutex(0)
        func add(_ bytes: Int) { count.withLock { $0 += bytes } }
        var value: Int { count.withLock { $0 } }
    }

    init(_ link: Link, _ megabytesPerSecond: Int) async throws {
        let stream = try await link.open(service: .inference)
        let moved = moved
        // Every 5 ms a piece; what could not be sent in time is not made up for.
        let piece = [UInt8](repeating: 0x5a, count: megabytesPerSecond * 5000)
        task = Task {
            var due = ContinuousClock.now
            while !Task.isCancelled {
                try await stream.send(piece)
                moved.add(piece.count)
                due = max(due + .milliseconds(5), ContinuousClock.now - .milliseconds(5))
                try await Task.sleep(until: due)
            }
        }
    }

    /// Megabytes per second from now on for so long.
    func rate(over time: Duration) async throws -> Double {
        let (begin, before) = (monotonicNanoseconds(), moved.value)
        try await Task.sleep(for: time)
        return Double(moved.value - before) / 1e6 / (Double(monotonicNanoseconds() - begin) / 1e9)
    }

    func end() { task.cancel() }
}
