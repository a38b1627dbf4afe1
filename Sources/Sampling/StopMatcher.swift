/// Finds stop strings in a text that comes in pieces, and holds back what may be the beginning of
/// one.
///
/// The string that is complete first ends the text; of those complete at the same byte, the longest
/// counts. So the result doesn't depend on how the text was cut. Compared byte by byte.
public struct StopMatcher: Sendable {
    private let stops: [[UInt8]]
    /// Text not yet given out: a proper beginning of some stop string, or empty.
    private var held: [UInt8] = []
    private var stopped = false

    /// A matcher for `stops`. Throws where there are too many, or one is empty or too long.
    public init(_ stops: [String]) throws(SamplingError) {
        guard stops.count <= SamplingLimits.stopStringsMax else {
            throw .invalidParameter(
                field: "stop",
                reason: "\(stops.count) strings; at most \(SamplingLimits.stopStringsMax)")
        }
        self.stops = stops.map { Array($0.utf8) }.sorted { $0.count > $1.count }
        for stop in self.stops {
            guard (1...SamplingLimits.stopStringBytesMax).contains(stop.count) else {
                throw .invalidParameter(
                    field: "stop",
                    reason: "a string of \(stop.count) bytes; 1 to "
                        + "\(SamplingLimits.stopStringBytesMax) are allowed")
            }
        }
    }

    /// Takes more text. `emit` is what can be given out; after `stopped` nothing more is.
    public mutating func append(_ text: String) -> (emit: String, stopped: Bool) {
        guard !stopped else { return ("", true) }
        guard !stops.isEmpty else { return (text, false) }
        for byte in text.utf8 {
            held.append(byte)
            if let stop = stops.first(where: { held.ends(with: $0) }) {
                stopped = true
                let emit = String(decoding: held.dropLast(stop.count), as: UTF8.self)
                held = []
                return (emit, true)
            }
        }
        let emitted = held.count - heldBackCount()
        defer { held.removeFirst(emitted) }
        return (String(decoding: held[..<emitted], as: UTF8.self), false)
    }

    /// The end of the text: what was held back turned out to be no stop string.
    public mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// The length of the longest end of `held` that a stop string begins with.
    private func heldBackCount() -> Int {
        let longest = (stops.first?.count ?? 1) - 1
        for count in stride(from: min(longest, held.count), to: 0, by: -1)
        where stops.contains(where: { $0.count > count && $0.starts(with: held.suffix(count)) }) {
            return count
        }
        return 0
    }
}

extension [UInt8] {
    fileprivate func ends(with suffix: [UInt8]) -> Bool {
        count >= suffix.count && self[(count - suffix.count)...].elementsEqual(suffix)
    }
}
