import Foundation
import Mesh
import MeshTransport
import Synchronization

/// How long messages of the control class take from one process to the other.
public struct WaitFigure: Sendable, Encodable {
    /// How many were sent.
    public let messages: Int
    /// Milliseconds until the peer's handler has it, by the clock that both share.
    public let oneWayMilliseconds: Quantiles
    /// Milliseconds until the answer is here.
    public let roundTripMilliseconds: Quantiles
    /// What the bulk transfer moved meanwhile.
    public let bulkMegabytesPerSecond: Double

    /// Of many values.
    public struct Quantiles: Sendable, Encodable {
        /// Half of them are at most this.
        public let p50: Double
        /// 99 of 100 are.
        public let p99: Double
        /// All are.
        public let max: Double

        init(_ values: [Double]) {
            let sorted = values.sorted()
            func at(_ part: Double) -> Double {
                sorted.isEmpty
                    ? .nan : sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
            }
            p50 = at(0.5)
            p99 = at(0.99)
            max = sorted.last ?? .nan
        }
    }

    static func measure(
        over link: Link, seconds: Int, withBulk: Bool
    ) async throws -> WaitFigure {
        let moved = Mutex(0)
        let bulk = Task {
            guard withBulk else { return }
            let stream = try await link.open(service: .measure)
            let piece = [UInt8](repeating: 0x5a, count: 1 << 20)
            while !Task.isCancelled {
                try await stream.send(piece)
                moved.withLock { $0 += piece.count }
            }
        }
        try await Task.sleep(for: .milliseconds(500))
        let stream = try await link.open(service: .control)
        var (oneWay, roundTrip) = ([Double](), [Double]())
        let begin = monotonicNanoseconds()
        let movedBefore = moved.withLock { $0 }
        while monotonicNanoseconds() - begin < UInt64(seconds) * 1_000_000_000 {
            try await Task.sleep(for: .milliseconds(2))
            let sent = monotonicNanoseconds()
            try await stream.send([1])
            var answer: [UInt8] = []
            while answer.count < 8 {
                guard let bytes = try await stream.read() else {
                    throw LinkFiguresError("the control stream ended")
                }
                answer += bytes
            }
            let back = monotonicNanoseconds()
            let arrived = answer.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            oneWay.append(Double(arrived - sent) / 1e6)
            roundTrip.append(Double(back - sent) / 1e6)
        }
        let elapsed = Double(monotonicNanoseconds() - begin) / 1e9
        let rate = Double(moved.withLock { $0 } - movedBefore) / 1e6 / elapsed
        bulk.cancel()
        _ = try? await bulk.value
        stream.finish()
        return WaitFigure(
            messages: oneWay.count, oneWayMilliseconds: Quantiles(oneWay),
            roundTripMilliseconds: Quantiles(roundTrip), bulkMegabytesPerSecond: rate)
    }
}
