import Wire

/// How much was heard from a source that proved nothing: a fixed table of buckets, whoever sends.
///
/// A source is an IPv4 address or an IPv6 /64, what one host can have. Each has one bucket in each of
/// two rows, at places that depend on a secret, and is heeded less only when both are empty (after
/// Stochastic Fair Blue, Feng, Kandlur, Saha and Shin, INFOCOM 2001): a flood from one source, or
/// from some tens, does not take what belongs to another.
struct SourceLimits: Sendable {
    private static let columns = DatagramLimits.sourceBuckets / 2
    private var buckets: [RateBucket] = []
    private var secret: (UInt64, UInt64) = (0, 0)

    /// Draws the secret that places sources; an outsider who knew it could choose sources that share
    /// a victim's buckets.
    mutating func seed(using generator: inout some RandomNumberGenerator) {
        secret = (generator.next(), generator.next())
    }

    /// Buckets in use.
    var count: Int { buckets.count }

    /// Whether a source, by its ``prefix(of:)``, has not used up what it may send without proof.
    func hasRoom(_ source: UInt64, at now: MonotonicInstant) -> Bool {
        guard !buckets.isEmpty else { return true }
        let (first, second) = places(of: source)
        return buckets[first].hasRoom(DatagramLimits.unprovenPerSource, at: now)
            || buckets[second].hasRoom(DatagramLimits.unprovenPerSource, at: now)
    }

    /// Counts what a source sent without proof.
    mutating func charge(_ source: UInt64, at now: MonotonicInstant) {
        if buckets.isEmpty {
            buckets = [RateBucket](repeating: RateBucket(), count: 2 * Self.columns)
        }
        let (first, second) = places(of: source)
        _ = buckets[first].take(DatagramLimits.unprovenPerSource, at: now)
        _ = buckets[second].take(DatagramLimits.unprovenPerSource, at: now)
    }

    private func places(of source: UInt64) -> (Int, Int) {
        let columns = UInt64(Self.columns)
        return (
            Int(Self.mixed(source ^ secret.0) % columns),
            Int(columns + Self.mixed(source ^ secret.1) % columns)
        )
    }

    /// What stands for a relay, as the source of what it passed on.
    static func prefix(of relay: NodeID) -> UInt64 { fold(relay.bytes.suffix(8)) }

    /// The part of an address that names its host.
    static func prefix(of source: NetworkAddress) -> UInt64 {
        switch source.host {
        case .v4(let bytes): return 1 << 63 | fold(bytes[...])
        case .v6(let bytes):
            // An IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2) is one.
            if fold(bytes[..<8]) == 0, fold(bytes[8..<12]) == 0xffff {
                return 1 << 63 | fold(bytes[12...])
            }
            return fold(bytes[..<8])
        case .name(let name): return fold(Array(name.utf8)[...])
        }
    }

    private static func fold(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 &* 256 &+ UInt64($1) }
    }

    /// The finaliser of MurmurHash3, twice.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        for _ in 0..<2 {
            z = (z ^ z >> 33) &* 0xff51_afd7_ed55_8ccd
            z = (z ^ z >> 33) &* 0xc4ce_b9fe_1a85_ec53
            z ^= z >> 33
        }
        return z
    }
}
