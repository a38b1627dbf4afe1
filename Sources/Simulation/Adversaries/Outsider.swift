import Gossip
import Wire

/// Somebody on the network without a key: it sees every datagram when it is sent, drops none, and
/// sends any bytes from any address, faster than the network carries the original.
struct Outsider: Sendable {
    /// A datagram that it sends.
    struct Injection: Sendable, Equatable {
        var datagram: [UInt8]
        var from: NetworkAddress
        var to: NetworkAddress
    }

    /// Bursts come at this interval.
    static let interval: Duration = .milliseconds(10)
    /// Datagrams in one of them.
    static let burst = 3
    /// How many datagrams are kept for sending again.
    static let recordedMax = 1024
    /// How many wait to be raced in one instant.
    static let racesMax = 64

    private var random: SeededRandom
    private var recorded: [Injection] = []
    private var recordings = 0
    private var races: [Injection] = []
    private var nextBurst: MonotonicInstant
    private var lastSeen: MonotonicInstant

    init(seed: UInt64, at now: MonotonicInstant) {
        random = SeededRandom(seed: seed, stream: 12 << 40)
        nextBurst = now + Self.interval
        lastSeen = now
    }

    /// When it acts next: at once when there is something to race.
    var nextDeadline: MonotonicInstant { races.isEmpty ? nextBurst : min(nextBurst, lastSeen) }

    /// A datagram is on its way.
    mutating func saw(
        _ datagram: [UInt8], from: NetworkAddress, to: NetworkAddress, at now: MonotonicInstant
    ) {
        let seen = Injection(datagram: datagram, from: from, to: to)
        if recorded.count < Self.recordedMax {
            recorded.append(seen)
        } else {
            recorded[recordings % Self.recordedMax] = seen
        }
        recordings += 1
        lastSeen = now
        guard races.count < Self.racesMax else { return }
        // A copy that comes first, from elsewhere: who believes where it came from would answer
        // there from then on.
        if random.happens(0.2) {
            races.append(Injection(datagram: datagram, from: somewhere(), to: to))
        }
        // The same with a bit changed, as from the sender.
        if random.happens(0.1) {
            races.append(Injection(datagram: flipped(datagram), from: from, to: to))
        }
    }

    /// What it sends now.
    mutating func tick(at now: MonotonicInstant) -> [Injection] {
        var injections = races
        races = []
        guard now >= nextBurst else { return injections }
        nextBurst = now + Self.interval
        guard !recorded.isEmpty else { return injections }
        for _ in 0..<Self.burst {
            let seen = recorded[random.index(below: recorded.count)]
            injections.append(made(of: seen))
        }
        return injections
    }

    private mutating func made(of seen: Injection) -> Injection {
        var injection = seen
        switch random.index(below: 10) {
        case 0:
            // Noise, from anybody.
            injection.datagram = bytes(random.index(below: 1500))
            if random.happens(0.5) { injection.from = somewhere() }
        case 1:
            // Noise that begins like a datagram of this mesh.
            let kept = random.index(below: DatagramLimits.headerBytes + 1)
            injection.datagram = Array(seen.datagram.prefix(kept)) + bytes(random.index(below: 300))
        case 2: injection.datagram = Array(seen.datagram.dropLast(random.index(below: 60)))
        case 3: injection.datagram += bytes(1 + random.index(below: 1000))
        case 4, 5: injection.datagram = flipped(seen.datagram)
        case 6: break  // again, as it was
        case 7: injection.from = somewhere()
        case 8: swap(&injection.from, &injection.to)  // back to its sender
        default:
            // To another than it was for.
            injection.to = recorded[random.index(below: recorded.count)].to
        }
        return injection
    }

    private mutating func flipped(_ datagram: [UInt8]) -> [UInt8] {
        guard !datagram.isEmpty else { return datagram }
        var changed = datagram
        // Often in the header: kinds, hints, boots and counters are what is read before a tag is.
        let place =
            random.happens(0.5)
            ? random.index(below: min(DatagramLimits.headerBytes, changed.count))
            : random.index(below: changed.count)
        changed[place] ^= UInt8(1 << random.index(below: 8))
        return changed
    }

    /// An address that no node has.
    private mutating func somewhere() -> NetworkAddress {
        let host = [192, 0, 2, UInt8(1 + random.index(below: 250))]
        guard
            let address = NetworkAddress(
                host: .v4(host), port: UInt16(1024 + random.index(below: 4096)))
        else { preconditionFailure("four bytes are an address") }
        return address
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}
