import Gossip
import Wire

/// A node's gossip thread: what it reads, when its timer runs, and what it does for its endpoint.
extension MembershipSimulation {
    // MARK: Reading

    /// Hands something to a node, which reads it at once or when it can.
    mutating func deliver(_ inbound: Inbound, to node: Int) {
        guard nodes[node].isUp else { return }
        guard !nodes[node].isFree else { return read(inbound, node) }
        if case .suspended? = nodes[node].halt, case .datagram = inbound {
            tally.lostAsleep += 1
            return
        }
        guard nodes[node].inbox.add(inbound) else {
            tally.socketOverflows += 1
            return
        }
        serveNext(node)
    }

    private mutating func read(_ inbound: Inbound, _ node: Int) {
        guard !nodes[node].isDeaf else { return }
        switch inbound {
        case .datagram(let datagram):
            if datagram.isBad { return readBad(datagram, node) }
            let clock = clock(node)
            perform(
                endpoints[node].receive(
                    datagram.bytes, from: datagram.from, at: clock, using: &randoms[node]),
                of: node)
        case .packet(let bytes, let from):
            handle(.packet(bytes, from: id(from), path: .link), node)
        case .request(let request, let from):
            let clock = clock(node)
            let (answer, effects) = endpoints[node].answer(
                request, from: id(from), at: clock, using: &randoms[node])
            perform(effects, of: node)
            if let answer = hostileAnswer(answer, of: node) {
                tally.exchangeBytes += answer.count
                sendOverLink(.answer(answer, from: node), from: node, to: from)
            }
        case .answer(let answer, let from): handle(.exchanged(answer, from: id(from)), node)
        case .input(let input): handle(input, node)
        }
    }

    /// Reads what is nobody's, and looks whether that changes anything.
    private mutating func readBad(_ datagram: SimulatedDatagram, _ node: Int) {
        let isLookedInto = nodes.count <= SimulationLimits.lookedIntoMax
        let before = isLookedInto ? peek(node) { $0.core.memberViews } : []
        let clock = clock(node)
        let effects = endpoints[node].receive(
            datagram.bytes, from: datagram.from, at: clock, using: &randoms[node])
        let viewsChanged = isLookedInto && peek(node) { $0.core.memberViews } != before
        noteResisted(
            node, effects, bytes: datagram.bytes.count, from: datagram.from,
            viewsChanged: viewsChanged)
        if configuration.sabotage == .deafAfterGarbage { nodes[node].isDeaf = true }
        perform(effects, of: node)
    }

    mutating func handle(_ input: GossipInput, _ node: Int) {
        let clock = clock(node)
        perform(
            endpoints[node].handle(input, at: clock, using: &randoms[node]), of: node)
    }

    /// A slow node reads one thing at a time.
    private mutating func serveNext(_ node: Int) {
        guard nodes[node].halt == nil, nodes[node].slowness > .zero, !nodes[node].isServing,
            !nodes[node].inbox.isEmpty
        else { return }
        nodes[node].isServing = true
        queue.push(
            .served(node, start: nodes[node].start), at: now + nodes[node].slowness)
    }

    mutating func served(_ node: Int, start: Int) {
        guard nodes[node].start == start, nodes[node].isServing else { return }
        nodes[node].isServing = false
        guard nodes[node].halt == nil else { return }
        if let inbound = nodes[node].inbox.take() { read(inbound, node) }
        tally.servedSlowly += 1
        // A late timer gives way to what waits, but not for ever.
        if nodes[node].timerIsOverdue {
            nodes[node].deferrals += 1
            if nodes[node].inbox.isEmpty
                || nodes[node].deferrals >= SimulationLimits.timerDeferralsMax
            {
                tick(node)
            }
        }
        serveNext(node)
    }

    /// Reads all that waits, and then lets an overdue timer run.
    mutating func catchUp(_ node: Int) {
        if configuration.sabotage == .timersBeforeSockets, nodes[node].timerIsOverdue {
            tick(node)
        }
        while nodes[node].isFree, let inbound = nodes[node].inbox.take() { read(inbound, node) }
        serveNext(node)
        if nodes[node].timerIsOverdue, nodes[node].isFree { tick(node) }
        schedule(node)
    }

    // MARK: Time

    mutating func timerFired(_ node: Int, start: Int) {
        // One that was replaced by an earlier one must not breed another.
        guard nodes[node].start == start, nodes[node].isUp, nodes[node].timerAt == now else {
            return
        }
        nodes[node].timerAt = nil
        nodes[node].timerIsOverdue = true
        nodes[node].deferrals = 0
        guard nodes[node].halt == nil, nodes[node].inbox.isEmpty else {
            tally.timersDeferred += 1
            return
        }
        tick(node)
    }

    private mutating func tick(_ node: Int) {
        guard !nodes[node].isDeaf else { return }
        nodes[node].timerIsOverdue = false
        let clock = clock(node)
        let effects = endpoints[node].tick(at: clock, using: &randoms[node])
        tally.ticks += 1
        perform(effects, of: node)
        noteTicked(node, isIdle: effects.isEmpty)
    }

    /// When the endpoint wants to be called, by the simulation's clock.
    mutating func nextDeadline(_ node: Int) -> MonotonicInstant {
        peek(node) { $0.nextDeadline } + nodes[node].asleep
    }

    /// Looks at an endpoint in place: a getter would be handed a copy of it.
    mutating func peek<Value>(_ node: Int, _ body: (inout GossipEndpoint) -> Value) -> Value {
        body(&endpoints[node])
    }

    /// Sees to it that the endpoint is called when it asked to be.
    mutating func schedule(_ node: Int) {
        guard nodes[node].isUp, nodes[node].halt == nil, !nodes[node].timerIsOverdue else { return }
        let wanted = max(
            nextDeadline(node),
            now + SimulationLimits.timerGrain)
        // An early call is safe, so an earlier timer that still stands will do.
        if nodes[node].timerAt != nil, nodes[node].timerFor <= wanted { return }
        var at = wanted
        if configuration.timerLateness != .zero ... .zero {
            let lateness = machines.duration(in: configuration.timerLateness)
            if lateness < .zero { tally.timersEarly += 1 } else { tally.timersLate += 1 }
            at = max(wanted + lateness, now + SimulationLimits.timerGrain)
        }
        nodes[node].timerFor = wanted
        nodes[node].timerAt = at
        queue.push(.timer(node, start: nodes[node].start), at: at)
    }

    // MARK: Effects

    mutating func perform(_ given: [EndpointEffect], of node: Int) {
        notePackings(node)
        var effects = given
        if let sabotage = configuration.sabotage { effects = sabotage.altered(effects) }
        if !hostiles.isEmpty, var hostile = hostiles[node] {
            effects = hostile.intercept(effects, at: clock(node))
            hostiles[node] = hostile
        }
        for effect in effects {
            switch effect {
            case .datagram(let bytes, let to): send(bytes, from: node, to: to)
            case .linkPacket(let bytes, let to):
                trace.add(bytes)
                noteLinkPacket(node, bytes)
                tally.linkPackets += 1
                tally.linkBytes += bytes.count + SimulationLimits.linkPacketOverhead
                guard let peer = index(to) else { continue }
                sendOverLink(.packet(bytes, from: node), from: node, to: peer)
            case .connect(let to, let addresses): dial(node, to, addresses)
            case .pushPull(let to, let request):
                tally.pushPulls += 1
                tally.exchangeBytes += request.count
                trace.add(request)
                guard let peer = index(to) else { continue }
                sendOverLink(.request(request, from: node), from: node, to: peer)
            case .fetchCertificate(let of, let wanted, let from):
                fetch(wanted, of: of, from: from, for: node)
            case .changed(let subject, _): changed(node, subject)
            }
        }
        noteClaim(node)
        schedule(node)
    }

    private mutating func changed(_ node: Int, _ subject: NodeID) {
        guard let view = peek(node, { $0.core.view(of: subject) }), let index = index(subject)
        else { return }
        trace.add(UInt64(view.state.rawValue) << 32 | UInt64(view.alive.incarnation))
        noteBelief(node, index, view)
        updates.note(observer: node, subject: index, view: view, at: now)
        if keepsChanges {
            changes.append(Change(observer: node, subject: index, view: view))
        }
    }

    /// Sends a datagram from a node to an address.
    mutating func send(_ bytes: [UInt8], from node: Int, to address: NetworkAddress) {
        trace.add(bytes)
        tally.datagrams += 1
        tally.datagramBytes += bytes.count
        let known = addresses.number(of: address)
        noteDatagram(node, bytes, to: known.flatMap { addresses.holder($0) })
        var copies = 0
        if let known {
            copies = transmit(
                SimulatedDatagram(bytes: bytes, from: addresses[addresses.own(node)]), at: node,
                to: known)
        } else {
            tally.toNowhere += 1
        }
        guard outsider != nil, copies > 0 || configuration.outsiderRevives else { return }
        outsiderSaw(bytes, from: node, to: address)
    }

    /// Puts a datagram on the wire at a node's place, whatever address it bears. Returns how many
    /// copies of it will arrive.
    private mutating func transmit(
        _ datagram: SimulatedDatagram, at node: Int, to number: Int
    ) -> Int {
        guard let receiver = addresses.holder(number) else {
            tally.toNowhere += 1
            return 0
        }
        let arrivals = network.send(
            bytes: datagram.bytes.count, from: node, to: receiver, at: now)
        for copy in 0..<arrivals.count {
            var datagram = datagram
            if copy == 0, let bit = arrivals.damagedBit {
                datagram.bytes[bit >> 3] ^= 1 << UInt8(bit & 7)
                datagram.isBad = true
            }
            queue.push(.datagram(datagram, to: number), at: now + .nanoseconds(arrivals[copy]))
        }
        return arrivals.count
    }

    mutating func datagramArrived(_ datagram: SimulatedDatagram, to: Int) {
        guard let node = addresses.holder(to), nodes[node].isUp,
            configuration.isDirect(node)
        else { return }
        deliver(.datagram(datagram), to: node)
    }
}
