import Gossip
import Wire

/// Those that mean harm, and how they get to act.
extension MembershipSimulation {
    // MARK: Members

    func isHostile(_ node: Int) -> Bool { configuration.hostileNodes.contains(node) }

    /// A node is about to start as a hostile one.
    mutating func becomeHostile(_ node: Int) {
        let hostile = HostileMember(
            id: id(node), attacks: configuration.attacks,
            seed: configuration.seed &+ nodes[node].generation, at: clock(node))
        hostiles[node] = hostile
        queue.push(
            .harm(node, start: nodes[node].start),
            at: hostile.nextDeadline + nodes[node].asleep)
    }

    mutating func harm(_ node: Int, start: Int) {
        guard nodes[node].start == start, nodes[node].isUp, var hostile = hostiles[node] else {
            return
        }
        if nodes[node].halt == nil {
            let effects = hostile.tick(of: &endpoints[node], at: clock(node))
            hostiles[node] = hostile
            perform(effects, of: node)
        }
        let next = max(hostile.nextDeadline + nodes[node].asleep, now + HostileMember.interval)
        queue.push(.harm(node, start: start), at: next)
    }

    /// What a node answers to a push–pull.
    mutating func hostileAnswer(_ honest: [UInt8]?, of node: Int) -> [UInt8]? {
        guard var hostile = hostiles[node] else { return honest }
        let answer = hostile.answer(honest)
        hostiles[node] = hostile
        return answer
    }

    // MARK: The outsider

    mutating func outsiderSaw(_ bytes: [UInt8], from node: Int, to address: NetworkAddress) {
        var digest = TraceDigest()
        digest.add(bytes)
        genuine.insert(digest.value)
        outsider?.saw(bytes, from: addresses[addresses.own(node)], to: address, at: now)
        scheduleOutsider()
    }

    mutating func scheduleOutsider() {
        guard let outsider else { return }
        let at = max(outsider.nextDeadline, now)
        if let outsiderDue, outsiderDue <= at { return }
        outsiderDue = at
        queue.push(.outsider(at), at: at)
    }

    /// Nothing that is drawn for others' datagrams changes by its own.
    mutating func outsiderActs(_ at: MonotonicInstant) {
        guard outsiderDue == at else { return }
        outsiderDue = nil
        let latency = configuration.network.latency.upperBound
        let delay =
            SimulationLimits.outsiderDelay
            + (configuration.outsiderOvertakes ? .zero : latency)
        for injection in outsider?.tick(at: now) ?? [] {
            tally.injected += 1
            guard let number = addresses.number(of: injection.to) else { continue }
            var digest = TraceDigest()
            digest.add(injection.datagram)
            let datagram = SimulatedDatagram(
                bytes: injection.datagram, from: injection.from,
                isBad: !genuine.contains(digest.value))
            queue.push(
                .datagram(datagram, to: number), at: now + delay)
        }
        scheduleOutsider()
    }
}
