import Gossip
import Wire

/// Links: made by dialling, lost with their ends, given up after a silence.
extension MembershipSimulation {
    /// Whether a link between two nodes is open.
    func hasLink(_ a: Int, _ b: Int) -> Bool { links[a, b] != nil }

    mutating func dial(_ from: Int, _ to: NodeID, _ candidates: [NetworkAddress]) {
        guard let wanted = index(to), wanted != from, links[from, wanted] == nil else { return }
        guard nodes[from].dials < SimulationLimits.dialsMax else {
            tally.dialsRefused += 1
            return
        }
        nodes[from].dials += 1
        tally.dials += 1
        let start = nodes[from].start
        var failure = Duration.zero
        for address in candidates {
            // A TCP handshake and the link's own: three one-way trips.
            guard let number = addresses.number(of: address),
                let host = addresses.holder(number), configuration.isDirect(host),
                network.isConnected(from, host)
            else {
                failure = max(failure, SimulationLimits.dialTimeout)
                continue
            }
            let trip = network.streamDelay(from, host, at: now)
            let back = network.streamDelay(host, from, at: now)
            if nodes[host].isUp, nodes[host].halt == nil, host == wanted {
                let last = network.streamDelay(from, host, at: now)
                queue.push(
                    .dialled(from, wanted, start: start), at: now + .nanoseconds(trip + back + last)
                )
                return
            }
            // Another node refuses, as does the host of a process that ended; one that stands still
            // or lost its host answers nothing.
            let isSilent = nodes[host].isUp ? nodes[host].halt != nil : nodes[host].isLost
            let refusal: Duration =
                isSilent ? SimulationLimits.dialTimeout : .nanoseconds(trip + back)
            failure = max(failure, refusal)
        }
        if failure == .zero { failure = SimulationLimits.timerGrain }
        // With no address to try, nobody answered either.
        let isRefused = failure < SimulationLimits.dialTimeout && !candidates.isEmpty
        if isRefused { tally.dialsRefused += 1 }
        queue.push(
            .dialFailed(from, wanted, start: start, isRefused: isRefused), at: now + failure)
    }

    /// For who dials beside the gossip: the link is made after so long.
    mutating func dialled(_ from: Int, _ to: Int, after: Duration) {
        nodes[from].dials += 1
        queue.push(.dialled(from, to, start: nodes[from].start), at: now + after)
    }

    mutating func dialled(_ from: Int, _ to: Int, start: Int) {
        guard nodes[from].isUp, nodes[from].start == start else { return }
        nodes[from].dials -= 1
        guard links[from, to] == nil else { return }
        // Whatever was sent last got nowhere: nobody answers.
        guard network.isConnected(from, to) else { return }
        guard nodes[to].isUp else {
            return deliver(.input(.linkRefused(id(to))), to: from)
        }
        openLink(from, to)
    }

    /// Makes a link at once, unless there is one.
    mutating func openLink(_ from: Int, _ to: Int) {
        guard nodes[from].isUp, nodes[to].isUp, links[from, to] == nil else { return }
        _ = links.open(from, to)
        tally.linksOpened += 1
        deliver(.input(.linkOpened(id(to), tag(to), isInbound: false)), to: from)
        deliver(.input(.linkOpened(id(from), tag(from), isInbound: true)), to: to)
        if nodes[from].halt != nil || nodes[to].halt != nil { watch(from, to) }
    }

    /// Sends something over a link, which keeps it while the path is cut.
    mutating func sendOverLink(_ inbound: Inbound, from: Int, to: Int) {
        guard let link = links[from, to] else { return }
        let isUp = from < to
        guard network.passesStreams(from, to) else {
            links.update(from, to) { link in
                if isUp { link.heldUp.append(inbound) } else { link.heldDown.append(inbound) }
                if link.heldUp.count > SimulationLimits.linkPacketsMax { link.heldUp.removeFirst() }
                if link.heldDown.count > SimulationLimits.linkPacketsMax {
                    link.heldDown.removeFirst()
                }
            }
            return
        }
        let delay = network.streamDelay(from, to, at: now)
        let at = max(now + .nanoseconds(delay), isUp ? link.lastUp : link.lastDown)
        links.update(from, to) { if isUp { $0.lastUp = at } else { $0.lastDown = at } }
        queue.push(.arrival(inbound, to: to, link: link.name), at: at)
    }

    mutating func linkArrival(_ inbound: Inbound, to node: Int, link name: UInt64) {
        guard let from = inbound.peer, links[from, node]?.name == name else { return }
        deliver(inbound, to: node)
    }

    // MARK: Silence

    /// To be called when paths changed: links that let nothing pass any more are given up after a
    /// while, those that do again deliver what waited.
    mutating func pathsChanged() {
        for node in nodes.indices {
            for other in links.peers(of: node) where other > node {
                if !network.isConnected(node, other) {
                    watch(node, other)
                } else {
                    if isAnswering(node), isAnswering(other) {
                        links.update(node, other) { $0.silentSince = nil }
                    }
                    release(node, other)
                }
            }
        }
    }

    private func isAnswering(_ node: Int) -> Bool { nodes[node].halt == nil }

    /// Begins to count a link's silence.
    mutating func watch(_ a: Int, _ b: Int) {
        guard let link = links[a, b], link.silentSince == nil else { return }
        links.update(a, b) { $0.silentSince = now }
        queue.push(.linkSilent(a, b, link: link.name), at: now + SimulationLimits.linkSilence)
    }

    /// Ends it for the links of a node that runs again.
    mutating func unwatch(_ node: Int) {
        for other in links.peers(of: node)
        where network.isConnected(node, other) && isAnswering(other) {
            links.update(node, other) { $0.silentSince = nil }
        }
    }

    private mutating func release(_ a: Int, _ b: Int) {
        guard let link = links[a, b], !(link.heldUp.isEmpty && link.heldDown.isEmpty) else {
            return
        }
        links.update(a, b) { link in
            link.heldUp = []
            link.heldDown = []
        }
        for inbound in link.heldUp { sendOverLink(inbound, from: min(a, b), to: max(a, b)) }
        for inbound in link.heldDown { sendOverLink(inbound, from: max(a, b), to: min(a, b)) }
    }

    mutating func linkSilent(_ a: Int, _ b: Int, link name: UInt64) {
        guard let link = links[a, b], link.name == name, let since = link.silentSince else {
            return
        }
        // It may have spoken meanwhile and fallen silent again.
        guard now - since >= SimulationLimits.linkSilence else {
            return queue.push(
                .linkSilent(a, b, link: name), at: since + SimulationLimits.linkSilence)
        }
        links.close(a, b)
        tally.linksClosed += 1
        tally.linksSilent += 1
        deliver(.input(.linkClosed(id(b))), to: a)
        deliver(.input(.linkClosed(id(a))), to: b)
    }

    // MARK: Certificates

    mutating func fetch(
        _ wanted: CertificateTag, of subject: NodeID, from source: NodeID, for node: Int
    ) {
        // Nobody has a certificate that was never made; and a source must know the node's own.
        guard let subject = index(subject), let source = index(source), wanted == tag(subject),
            nodes[source].isUp, nodes[source].halt == nil, network.isConnected(node, source),
            configuration.isDirect(source) || links[node, source] != nil
        else {
            tally.certificatesRefused += 1
            return
        }
        tally.certificates += 1
        let delay =
            network.streamDelay(node, source, at: now) + network.streamDelay(source, node, at: now)
        queue.push(
            .certified(node, of: subject, start: nodes[node].start), at: now + .nanoseconds(delay))
    }
}

extension Inbound {
    /// The other end of the link that it came over; nil for what came over none.
    var peer: Int? {
        switch self {
        case .packet(_, let from), .request(_, let from), .answer(_, let from): from
        case .datagram, .input: nil
        }
    }
}
