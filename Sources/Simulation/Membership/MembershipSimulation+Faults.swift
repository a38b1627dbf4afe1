import Gossip
import Wire

/// What goes wrong.
extension MembershipSimulation {
    mutating func suffer(_ kind: Fault.Kind) {
        switch kind {
        case .crash(let node): crash(node, isSilent: !configuration.refusesAfterCrash)
        case .lose(let node): crash(node, isSilent: true)
        case .restart(let node): if !nodes[node].isUp { start(node) }
        case .restartElsewhere(let node, let other): restartElsewhere(node, at: other)
        case .restartAll(let after):
            for node in nodes.indices {
                crash(node, isSilent: !configuration.refusesAfterCrash)
                queue.push(.fault(.restart(node)), at: now + after)
            }
        case .loseSeeds:
            for node in 0..<configuration.seeds { crash(node, isSilent: true) }
        case .leave(let node):
            guard nodes[node].isUp else { return }
            tally.leaves += 1
            noteLeft(node)
            deliver(.input(.leave), to: node)
            queue.push(
                .stopped(node, start: nodes[node].start), at: now + SimulationLimits.farewell)
        case .pause(let node, let length): halt(node, .paused, length)
        case .suspend(let node, let length): halt(node, .suspended(since: now), length)
        case .slow(let node, let each, let length): slow(node, each: each, length)
        case .stepClock(let node, let seconds):
            tally.clockSteps += 1
            nodes[node].wallSeconds += seconds
            if nodes[node].isUp { rotateKeyIfDue(node) }
        case .rotateKey(let node): rotateKey(node)
        case .update(let node): update(node)
        case .partition(let group):
            tally.partitions += 1
            network.split([group])
            noteSplit([group])
            pathsChanged()
        case .split(let groups):
            tally.partitions += 1
            network.split(groups)
            noteSplit(groups)
            pathsChanged()
        case .cut(let cut):
            tally.cuts += 1
            network.cut(cut)
            noteCut(cut)
            pathsChanged()
        case .clog(let from, let to, let length):
            tally.clogs += 1
            network.clog(from: from, to: to, until: now + length)
            noteClogged(from, to)
            queue.push(.unclogged(from: from, to: to), at: now + length)
        case .shrink(let group, let mtu):
            tally.shrunkenPaths += group.count
            network.shrink(group, to: mtu)
            noteHindered()
        case .block(let group):
            tally.blocks += group.count
            network.block(group)
            noteHindered()
        case .heal:
            network.heal()
            noteHealed()
            pathsChanged()
        }
    }

    private mutating func crash(_ node: Int, isSilent: Bool) {
        guard nodes[node].isUp else { return }
        tally.crashes += 1
        nodes[node].isLost = isSilent
        noteCrashed(node)
        stop(node, isSilent: isSilent)
    }

    private mutating func restartElsewhere(_ node: Int, at other: Int) {
        guard !nodes[node].isUp else { return }
        if node != other {
            tally.addressesReused += 1
            addresses.move(node, toThatOf: other)
            // The machine that had it is at a new address, and finds out after a while. Until it does,
            // nothing that is sent to where it said it is reaches it.
            if nodes[other].isUp {
                nodes[other].findsOutAt = now + SimulationLimits.displacement
                noteImpaired(other, .unreachable)
                queue.push(
                    .moved(other, start: nodes[other].start), at: nodes[other].findsOutAt)
                for peer in links.peers(of: other) { watch(other, peer) }
            }
        }
        start(node)
    }

    /// A node finds out that it is at another address, unless it was moved once more since.
    mutating func findOut(_ node: Int, start: Int) {
        guard nodes[node].start == start, nodes[node].findsOutAt == now else { return }
        noteRecovered(node, .unreachable)
        tellIdentity(node)
    }

    // MARK: Standing still

    private mutating func halt(_ node: Int, _ halt: Halt, _ length: Duration) {
        guard nodes[node].isUp, nodes[node].halt == nil else { return }
        switch halt {
        case .paused: tally.stalls += 1
        case .suspended: tally.suspensions += 1
        }
        nodes[node].halt = halt
        nodes[node].halts += 1
        noteImpaired(node, halt == .paused ? .stalled : .suspended)
        for other in links.peers(of: node) { watch(node, other) }
        queue.push(.awake(node, halt: nodes[node].halts), at: now + length)
    }

    mutating func wake(_ node: Int, halt number: Int) {
        guard nodes[node].halts == number, let halt = nodes[node].halt else { return }
        nodes[node].halt = nil
        if case .suspended(let since) = halt { nodes[node].asleep += now - since }
        guard nodes[node].isUp else { return }
        noteRecovered(node, halt == .paused ? .stalled : .suspended)
        unwatch(node)
        // The shell drains its sockets before it lets timers run.
        catchUp(node)
    }

    mutating func stallAgain(_ node: Int) {
        let length = machines.duration(in: configuration.stallLength)
        halt(node, .paused, length)
        let gap = machines.duration(in: configuration.stallGap)
        queue.push(.stall(node), at: now + length + gap)
    }

    // MARK: Slow reading

    private mutating func slow(_ node: Int, each: Duration, _ length: Duration) {
        guard nodes[node].isUp, each > .zero else { return }
        tally.slowLoops += 1
        nodes[node].slowness = each
        nodes[node].slownesses += 1
        noteImpaired(node, .slow)
        queue.push(.quick(node, slowness: nodes[node].slownesses), at: now + length)
    }

    mutating func quicken(_ node: Int, slowness number: Int) {
        guard nodes[node].slownesses == number, nodes[node].slowness > .zero else { return }
        nodes[node].slowness = .zero
        nodes[node].isServing = false
        guard nodes[node].isUp else { return }
        noteRecovered(node, .slow)
        if nodes[node].halt == nil { catchUp(node) }
    }

    // MARK: News

    private mutating func update(_ node: Int) {
        guard nodes[node].isUp else { return }
        nodes[node].updates += 1
        let metadata = Self.metadata(configuration, node, update: nodes[node].updates)
        let others = nodes.indices.count {
            $0 != node && nodes[$0].isUp && network.isConnected(node, $0)
        }
        updates.begin(node, metadata, expected: others, at: now)
        deliver(.input(.metadata(metadata)), to: node)
    }
}
