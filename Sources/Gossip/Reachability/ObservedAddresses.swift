public import Wire

/// Where others see this node: what a node behind a translator, or one that listens everywhere,
/// can't know by itself.
///
/// Each member's last report counts, for ``AddressLimits/reportLifetime``. An address is believed
/// when members in different places agree on it for a while, so that no single member, however
/// often it reports, puts an address into the claim that this node signs. Different places also tell
/// the translators whose ways back differ with each peer from those that keep one: only of the
/// latter can agreeing reports come, and only their address helps anybody else.
public struct ObservedAddresses: Sendable {
    private struct Report: Sendable {
        var node: NodeID
        var address: NetworkAddress
        var source: [UInt8]
        var at: MonotonicInstant
    }

    private struct Confirmed: Sendable {
        var address: NetworkAddress
        var since: MonotonicInstant
    }

    /// The addresses this node was configured with, which come first in its claim. They tell the
    /// port it listens at, and whether it listens on this machine only.
    public var configured: [NetworkAddress] = []
    /// The observed addresses that are in use.
    public private(set) var adopted: [NetworkAddress] = []
    private var changedAt: MonotonicInstant?
    /// The earliest first.
    private var reports: [Report] = []
    private var confirmed: [Confirmed] = []

    /// Nothing observed.
    public init() {}

    /// How many reports are kept, at most ``AddressLimits/reportsMax``.
    public var count: Int { reports.count }

    /// A member reports, in an answer that came from `source`, that it sees this node at `address`.
    public mutating func reported(
        _ address: NetworkAddress, by node: NodeID, from source: NetworkAddress,
        at now: MonotonicInstant
    ) {
        let address = address.unmapped
        guard isPlausible(address) else { return }
        reports.removeAll { $0.node == node }
        if reports.count >= AddressLimits.reportsMax { reports.removeFirst() }
        reports.append(Report(node: node, address: address, source: source.site, at: now))
    }

    /// The addresses for this node's claim: the configured ones, then the observed ones in use, at
    /// most ``WireLimits/addressesMax``. Changes at most once in ``AddressLimits/changeInterval``
    /// while ``configured`` stays.
    ///
    /// - Parameter members: How many members take part, this node included. Where the only other
    ///   one is the only source there can be, its word is enough.
    public mutating func candidates(
        members: Int, at now: MonotonicInstant
    ) -> [NetworkAddress] {
        reports.removeAll { now - $0.at >= AddressLimits.reportLifetime }
        confirm(needed: members <= 2 ? 1 : AddressLimits.confirmationsNeeded, at: now)
        if changedAt.map({ now - $0 >= AddressLimits.changeInterval }) ?? true {
            // The earliest come first: what is in use stays while it is confirmed, and a newcomer
            // waits for room.
            let next = confirmed.filter { now - $0.since >= AddressLimits.confirmationTime }
                .prefix(AddressLimits.observedMax).map(\.address)
            if next != adopted {
                adopted = next
                changedAt = now
            }
        }
        let observed = adopted.filter { !configured.contains($0) }
        return Array((configured + observed).prefix(WireLimits.addressesMax))
    }

    /// Brings ``confirmed`` up to date; those confirmed for the longest come first.
    private mutating func confirm(needed: Int, at now: MonotonicInstant) {
        var current: [NetworkAddress] = []
        for report in reports where !current.contains(report.address) {
            let same = reports.filter { $0.address == report.address }
            // Two members in one place are one source; reports hold each member once.
            var sources: [[UInt8]] = []
            for other in same where !sources.contains(other.source) { sources.append(other.source) }
            if sources.count >= needed { current.append(report.address) }
        }
        confirmed.removeAll { !current.contains($0.address) }
        for address in current where !confirmed.contains(where: { $0.address == address }) {
            confirmed.append(Confirmed(address: address, since: now))
        }
    }

    /// Whether others could possibly reach this node there.
    private func isPlausible(_ address: NetworkAddress) -> Bool {
        guard address.isNumeric, !configured.contains(address) else { return false }
        if address.isLoopback { return configured.contains { $0.isLoopback } }
        // A translator gives out high ports; a low one is only this node's own.
        let isOwnPort = configured.contains { $0.port == address.port }
        return address.isUnicast && (isOwnPort || address.port >= 1024)
    }
}

extension NetworkAddress {
    /// Whether it is no name.
    var isNumeric: Bool {
        if case .name = host { return false }
        return true
    }

    /// An IPv4 address for one that is written as IPv6 (RFC 4291, section 2.5.5.2), as sockets for
    /// both report it; else itself.
    var unmapped: NetworkAddress {
        guard case .v6(let bytes) = host, bytes.starts(with: Self.mappedPrefix) else { return self }
        return NetworkAddress(host: .v4(Array(bytes[12...])), port: port) ?? self
    }

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]

    /// Whether it can be that of one machine, seen from others: not unspecified, multicast,
    /// broadcast, loopback or bound to one link (RFC 6890).
    var isUnicast: Bool {
        switch host {
        case .v4(let bytes):
            bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224
                && !(bytes[0] == 169 && bytes[1] == 254)
        case .v6(let bytes):
            bytes[0] != 0xff && !(bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80)
                && bytes.dropLast().contains { $0 != 0 }
        case .name: false
        }
    }

    /// What stands for the place that it is in: an IPv4 address, the network of an IPv6 address,
    /// of which a machine has as many as it likes.
    var site: [UInt8] {
        switch unmapped.host {
        case .v4(let bytes): bytes
        case .v6(let bytes): Array(bytes[..<8])
        case .name(let name): Array(name.utf8)
        }
    }
}
