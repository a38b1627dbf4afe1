import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The two clocks, in seconds.
enum Clock {
    /// Time that this thread ran. Work of one thread without waiting is measured by it, because
    /// other processes on the machine do not count in it.
    static func processor() -> Double { read(CLOCK_THREAD_CPUTIME_ID) }

    /// Time that went by. Work of several threads is measured by it.
    static func wall() -> Double { read(CLOCK_MONOTONIC) }

    /// The one that suits work which so many threads share, the caller being one of them.
    static func now(threads: Int) -> Double { threads == 1 ? processor() : wall() }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// The values of one figure, one per round.
struct Rounds {
    private(set) var values: [Double] = []

    mutating func append(_ value: Double) { values.append(value) }

    /// The middle value; the mean of the two in the middle when their number is even.
    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// Each round's value over the same round's of `peer`.
    func over(_ peer: Rounds) -> Rounds {
        Rounds(values: zip(values, peer.values).map { $0 / $1 })
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Printing.
enum Output {
    /// `report` as JSON with its keys in order.
    static func json(_ report: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }

    /// Cells padded on the left to the given widths; the first on the right.
    static func row(_ cells: [String], widths: [Int]) {
        var line = ""
        for (index, (cell, width)) in zip(cells, widths).enumerated() {
            let padding = String(repeating: " ", count: max(0, width - cell.count))
            line += index == 0 ? cell + padding : "  " + padding + cell
        }
        print(line)
    }

    static func number(_ value: Double, _ digits: Int = 0) -> String {
        String(format: "%.\(digits)f", value)
    }
}
