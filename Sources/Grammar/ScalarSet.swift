/// A set of Unicode scalars, as ranges in ascending order with gaps between.
struct ScalarSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>]

    /// Every scalar.
    static let all = ScalarSet([0...0xD7FF, 0xE000...0x10FFFF])

    /// The scalars in `ranges`, which may overlap; surrogates are no scalars and left out.
    init(_ ranges: [ClosedRange<UInt32>]) {
        let parts: [ClosedRange<UInt32>] = [0...0xD7FF, 0xE000...0x10FFFF]
        let clamped = ranges.flatMap { range in
            parts.filter { $0.overlaps(range) }.map { range.clamped(to: $0) }
        }
        self.ranges = []
        for range in clamped.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, range.lowerBound <= last.upperBound + 1 {
                let end = max(last.upperBound, range.upperBound)
                self.ranges[self.ranges.count - 1] = last.lowerBound...end
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ scalars: String) {
        self.init(scalars.unicodeScalars.map { $0.value...$0.value })
    }

    var isEmpty: Bool { ranges.isEmpty }

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

    var inverted: ScalarSet {
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
        return ScalarSet(gaps)
    }

    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    func subtracting(_ other: ScalarSet) -> ScalarSet {
        inverted.union(other).inverted
    }

    /// The scalars as sequences of byte ranges in UTF-8 (RFC 3629), which together spell each
    /// scalar once.
    var byteSequences: [[ClosedRange<UInt8>]] {
        var sequences: [[ClosedRange<UInt8>]] = []
        let lengths: [(ClosedRange<UInt32>, Int)] = [
            (0...0x7F, 1), (0x80...0x7FF, 2), (0x800...0xFFFF, 3), (0x1_0000...0x10_FFFF, 4),
        ]
        for range in ranges {
            for (part, length) in lengths where part.overlaps(range) {
                Self.split(range.clamped(to: part), length, into: &sequences)
            }
        }
        return sequences
    }

    /// Splits a range of scalars of one length so that each byte's range is independent of the
    /// others': at most six parts. Recursion ends at the lowest continuation byte.
    private static func split(
        _ range: ClosedRange<UInt32>, _ length: Int, into sequences: inout [[ClosedRange<UInt8>]]
    ) {
        for continuation in stride(from: length - 1, to: 0, by: -1) {
            let mask: UInt32 = 1 << UInt32(6 * continuation) - 1
            guard range.lowerBound & ~mask != range.upperBound & ~mask else { continue }
            if range.lowerBound & mask != 0 {
                split(range.lowerBound...(range.lowerBound | mask), length, into: &sequences)
                split((range.lowerBound | mask) + 1...range.upperBound, length, into: &sequences)
                return
            }
            if range.upperBound & mask != mask {
                split(
                    range.lowerBound...(range.upperBound & ~mask) - 1, length, into: &sequences)
                split(range.upperBound & ~mask...range.upperBound, length, into: &sequences)
                return
            }
        }
        let low = bytes(range.lowerBound, length)
        let high = bytes(range.upperBound, length)
        sequences.append(zip(low, high).map { $0...$1 })
    }

    private static func bytes(_ scalar: UInt32, _ length: Int) -> [UInt8] {
        let lead: [UInt8] = [0, 0, 0xC0, 0xE0, 0xF0]
        return (0..<length).map { place in
            let bits = scalar >> UInt32(6 * (length - 1 - place))
            return place == 0 ? lead[length] | UInt8(bits) : 0x80 | UInt8(bits & 0x3F)
        }
    }
}
