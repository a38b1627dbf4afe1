public import Wire

/// Where members are, as far as datagrams tell.
///
/// An address that a member was heard from lately is used alone, together with others of which the
/// same is true: whoever copies a datagram and is faster with it than the member itself adds an
/// address to these few, and takes none away.
public struct AddressBook: Sendable {
    private struct Heard: Sendable {
        var address: NetworkAddress
        var at: MonotonicInstant
    }

    /// How long an address that a member was heard from is used without its candidates.
    public static let fresh: Duration = .seconds(5)
    /// The most addresses kept of one member.
    public static let heardMax = 3
    /// The most addresses that a datagram goes to.
    public static let destinationsMax = 4

    private var heard: [NodeID: [Heard]] = [:]

    /// An empty book.
    public init() {}

    /// Members with an address.
    public var count: Int { heard.count }

    /// A datagram of `node`'s that authenticated came from `address`.
    public mutating func heard(
        _ node: NodeID, from address: NetworkAddress, at now: MonotonicInstant
    ) {
        var list = heard[node] ?? []
        if let index = list.firstIndex(where: { $0.address == address }) {
            list[index].at = now
        } else {
            let isFull = list.count >= Self.heardMax
            list.removeAll { isFull && now - $0.at >= Self.fresh }
            // The first stays; of the others the latest.
            if list.count >= Self.heardMax { list.removeLast() }
            list.append(Heard(address: address, at: now))
        }
        heard[node] = list
    }

    /// Where to send what is for `node`.
    public func destinations(
        of node: NodeID, candidates: [NetworkAddress], at now: MonotonicInstant
    ) -> [NetworkAddress] {
        let list = heard[node] ?? []
        let fresh = list.filter { now - $0.at < Self.fresh }.map(\.address)
        guard fresh.isEmpty else { return fresh }
        var addresses = list.max { $0.at < $1.at }.map { [$0.address] } ?? []
        for candidate in candidates where !addresses.contains(candidate) {
            addresses.append(candidate)
        }
        return Array(addresses.prefix(Self.destinationsMax))
    }

    /// Forgets a node.
    public mutating func forget(_ node: NodeID) { heard[node] = nil }

    /// Forgets the nodes of which `isKnown` says no.
    public mutating func sweep(isKnown: (NodeID) -> Bool) {
        for node in heard.keys where !isKnown(node) { heard[node] = nil }
    }
}
