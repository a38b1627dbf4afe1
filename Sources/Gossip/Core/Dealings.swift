import Wire

/// What a node's own dealings with a member gave.
struct Dealings: Sendable {
    /// The last round trips measured, in microseconds; the first ``roundTripCount`` of them.
    private var roundTrips = SIMD8<UInt32>(repeating: 0)
    private var roundTripCount: UInt8 = 0
    private var roundTripNext: UInt8 = 0
    /// How busy it was when it last said so.
    var load = MemberLoad.idle
    /// The patience it asked for, and when.
    var patience: UInt8 = 0
    var patienceTold = MonotonicInstant(nanoseconds: .min)
    /// Where it said it is.
    var coordinate: Coordinate?
    /// Probes that only a link or relay brought an answer to, less those that a datagram did: a way on
    /// which most are lost is none while there is another.
    var datagramSilences: UInt8 = 0
    /// A question went unanswered, and was asked again before it is accused.
    var isDoubted = false
    /// The number of the last ping that tried whether datagrams pass again.
    var trial: UInt32 = 0
    /// Through whom it was reached last, where there is no other way.
    var relay: NodeID?
    /// When it was last told what it is accused of, out of turn.
    var told = MonotonicInstant(nanoseconds: .min)
    /// When it was last told, out of turn, of others that they refuted what it said.
    var corrected = MonotonicInstant(nanoseconds: .min)
    /// What it makes this node do, by kind.
    var signatures = RateBucket()
    /// Signatures that it was asked to bring, and may beyond that rate.
    var signatureCredit = 0
    var accusations = RateBucket()
    var forwards = RateBucket()
    var exchanges = RateBucket()
    /// Its goodbye.
    var leaveClaim: Claim?

    mutating func measured(_ roundTrip: Duration) {
        let microseconds = max(0, min(roundTrip.nanoseconds / 1000, Int64(UInt32.max)))
        roundTrips[Int(roundTripNext)] = UInt32(microseconds)
        roundTripNext = (roundTripNext + 1) % 8
        roundTripCount = min(roundTripCount + 1, 8)
    }

    mutating func datagramPassed() {
        if datagramSilences > 0 { datagramSilences -= 1 }
    }

    /// The lowest of the last round trips: queueing only adds to the way's own.
    var roundTrip: Duration? {
        guard roundTripCount > 0 else { return nil }
        var lowest = roundTrips[0]
        for index in 1..<max(1, Int(roundTripCount)) { lowest = min(lowest, roundTrips[index]) }
        return .microseconds(Int64(lowest))
    }

    /// The patience it asks for now: what it said too long ago is forgotten.
    func patience(at now: MonotonicInstant) -> UInt8 {
        guard patience > 0, patienceTold + GossipLimits.patienceLifetime >= now else { return 0 }
        return patience
    }

    /// A new start of the member: only what was measured of the way to it stands.
    mutating func startOver() {
        load = .idle
        patience = 0
        isDoubted = false
        leaveClaim = nil
        told = MonotonicInstant(nanoseconds: .min)
    }
}
