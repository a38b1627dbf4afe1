import Wire

/// Chance, from a seed: xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var s0: UInt64
    private var s1: UInt64
    private var s2: UInt64
    private var s3: UInt64

    /// The same seed gives the same numbers, on every machine.
    public init(seed: UInt64) {
        var mixer = seed
        func next() -> UInt64 {
            mixer &+= 0x9e37_79b9_7f4a_7c15
            return mixed(mixer)
        }
        (s0, s1, s2, s3) = (next(), next(), next(), next())
    }

    /// A generator of its own for one part of a simulation, so that parts don't disturb each other.
    public init(seed: UInt64, stream: UInt64) {
        self.init(seed: mixed(seed ^ mixed(stream &+ 0x5851_f42d_4c95_7f2d)))
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let product = s1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = s3 << 45 | s3 >> 19
        return result
    }

    /// Whether something of this probability, from 0 to 1, happens.
    public mutating func happens(_ probability: Double) -> Bool {
        guard probability > 0 else { return false }
        return Double(next() >> 11) * 0x1p-53 < probability
    }

    /// A duration from `range`, evenly.
    public mutating func duration(in range: ClosedRange<Duration>) -> Duration {
        let low = range.lowerBound.nanoseconds
        return .nanoseconds(low + below(range.upperBound.nanoseconds - low + 1))
    }

    /// A number from 0 to below `bound`, evenly up to one part in 2⁶⁴ / `bound`: good enough for a
    /// simulation, and one multiplication.
    mutating func below(_ bound: Int64) -> Int64 {
        guard bound > 1 else { return 0 }
        return Int64(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number from 0 up to 1, evenly.
    mutating func share() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// SplitMix64's finaliser: every bit of the result depends on every bit of `value`.
func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
}

/// A running digest of everything that happened. It finds differences; it is no defence against
/// anyone who makes them.
public struct TraceDigest: Sendable, Hashable {
    /// The digest so far.
    public private(set) var value: UInt64 = 0x6a09_e667_f3bc_c908

    /// Of nothing.
    public init() {}

    /// Adds a number.
    public mutating func add(_ number: UInt64) {
        value = mixed(value ^ number) &+ 0x9e37_79b9_7f4a_7c15
    }

    /// Adds bytes and how many there are.
    public mutating func add(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { add($0) }
    }

    /// Adds an identifier.
    mutating func add<Kind>(_ identifier: Identifier<Kind>) {
        withUnsafeBytes(of: identifier) { add($0) }
    }

    /// Adds bytes and how many there are.
    mutating func add(_ buffer: UnsafeRawBufferPointer) {
        add(UInt64(buffer.count))
        var offset = 0
        // Words that lie whole in the buffer, then what is left, byte by byte.
        while offset + 8 <= buffer.count {
            add(
                UInt64(
                    littleEndian: buffer.loadUnaligned(
                        fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < buffer.count {
            rest = rest << 8 | UInt64(buffer[offset])
            offset += 1
        }
        add(rest)
    }
}
