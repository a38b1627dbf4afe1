package import Wire

/// The claims of one packet, by the reason that each is in it. Each reason has its bound.
package struct Packing: Sendable {
    /// To whom it goes.
    package internal(set) var receiver: NodeID?
    /// Whether it is a ping, or an answer to one.
    package let isProbe: Bool
    /// What the receiver is owed: what it is accused of, by whom, and this node's own word. At most
    /// ``GossipLimits/toldClaimsMax``, and again in each packet that asks or answers it.
    package private(set) var told: [[UInt8]]
    /// An accusation of another, at most one, about which the receiver is asked: in pings only.
    package private(set) var asked: [[UInt8]]
    /// What refutes accusations that a packet of the receiver's brought, at most
    /// ``GossipLimits/correctionsMax``.
    package private(set) var corrections: [[UInt8]]
    /// Out of the queue: each claim λ·log N times (SWIM, section 4.1).
    package internal(set) var passedOn: [[UInt8]] = []
    /// What is known of one member: where no exchange succeeds, each member has its turn in one probe
    /// after the other.
    package internal(set) var filled: [[UInt8]] = []
    /// Whose turn it was.
    package internal(set) var turn: NodeID?

    init(
        _ message: GossipMessage, told: [[UInt8]], asked: [UInt8]? = nil,
        corrections: [[UInt8]] = []
    ) {
        switch message {
        case .ping, .ack: isProbe = true
        case .none, .forward, .forwarded, .forwardReceipt: isProbe = false
        }
        self.told = told
        self.asked = asked.map { [$0] } ?? []
        self.corrections = corrections
    }

    /// Leaves out what does not fit.
    mutating func trim(to room: Int) {
        var room = room
        func fitted(_ claims: [[UInt8]], _ count: Int) -> [[UInt8]] {
            Array(
                claims.prefix(count).prefix { claim in
                    room -= claim.count
                    return room >= 0
                })
        }
        asked = fitted(asked, 1)
        corrections = fitted(corrections, GossipLimits.correctionsMax)
        told = fitted(told, GossipLimits.toldClaimsMax)
    }

    /// In the order in which they are sent.
    package var claims: [[UInt8]] { told + asked + corrections + passedOn + filled }

    var count: Int {
        told.count + asked.count + corrections.count + passedOn.count + filled.count
    }

    var bytes: Int {
        var bytes = 0
        for claims in [told, asked, corrections, passedOn, filled] {
            for claim in claims { bytes += claim.count }
        }
        return bytes
    }
}

/// The packings of the last packets.
struct PackingRecords: Sendable {
    private(set) var list: [Packing] = []

    mutating func note(_ packing: Packing, to receiver: NodeID) {
        guard packing.count > 0 || packing.turn != nil,
            list.count < GossipLimits.packingRecordsMax
        else { return }
        var packing = packing
        packing.receiver = receiver
        list.append(packing)
    }
}

extension GossipEndpoint {
    /// Keeps what is put into packets from now on, for ``takePackings()``.
    package mutating func keepPackings() { core.packings = PackingRecords() }

    /// What was put into packets since the last call, as far as there was room.
    package mutating func takePackings() -> [Packing] {
        guard let records = core.packings, !records.list.isEmpty else { return [] }
        core.packings = PackingRecords()
        return records.list
    }
}
