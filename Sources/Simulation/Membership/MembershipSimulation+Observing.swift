import Gossip
import Wire

/// What the checkers are told.
extension MembershipSimulation {
    private mutating func observe(_ observation: MembershipObservation) {
        checkers.observe(observation, at: now)
    }

    mutating func noteStarted(_ node: Int) {
        observe(.started(node, generation: nodes[node].generation))
    }

    mutating func noteCrashed(_ node: Int) { observe(.crashed(node)) }

    mutating func noteLeft(_ node: Int) { observe(.left(node)) }

    mutating func noteImpaired(_ node: Int) {}

    mutating func noteRecovered(_ node: Int) {}

    mutating func notePartitioned(_ groups: [[Int]]) {
        observe(.partitioned(groups.flatMap(\.self).sorted()))
    }

    mutating func noteHealed() { observe(.healed) }

    mutating func noteCut(_ cut: Cut) {}

    mutating func noteClogged(_ from: [Int], _ to: [Int]) {}

    mutating func noteMended(_ from: [Int], _ to: [Int]) {}

    mutating func noteLink(_ a: Int, _ b: Int) {}

    mutating func noteBelief(_ node: Int, _ subject: Int, _ view: MemberView) {
        observe(
            .believed(
                observer: node, subject: subject, state: view.state,
                generation: view.alive.generation, incarnation: view.alive.incarnation))
    }

    mutating func noteDatagram(_ node: Int, _ bytes: [UInt8]) {}

    mutating func noteTicked(_ node: Int, isIdle: Bool) {
        if !isIdle { observe(.held(node, nodes[node].endpoint.core.sizes)) }
    }
}
