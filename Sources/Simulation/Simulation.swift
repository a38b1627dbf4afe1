// Simulation: the real cores on a seeded network and clock.
//
//   SeededRandom          the only source of chance
//   EventQueue            time: the next event, ties in the order they were made
//   SimulatedNetwork      loss, duplication, reordering, latency, partitions, blocked datagrams
//   MembershipSimulation  N real gossip cores on it, with crashes, restarts and goodbyes
//   MembershipCheckers    the invariants; each has a test that proves it bites
//   MembershipReport      what came of a run, and the command that replays it
//   RoutingSimulation     clients, entry nodes and executors on top: the real router and the real
//                         request core over what the real gossip cores know
//   RoutingExecutor       executors whose answer is a pure function of the request
//   RoutingCheckers       what every request is owed; each has a test that proves it bites
//   RoutingReport         as for membership
//
// The same configuration replays byte for byte: no dictionary is iterated where its order could
// show, no clock is read, and every draw comes from the seed. A report's digest covers every event
// and every byte sent, so two runs are compared by one number.

import Gossip

/// Bounds on simulations.
public enum SimulationLimits {
    /// The most nodes.
    public static let nodesMax = 10_000
    /// The most beliefs, of one node about another, that the checkers follow: in a mesh of
    /// 10 000 those of 1000 observers.
    public static let beliefsMax = 10_000_000
    /// The most violations that a report lists; the rest are counted.
    public static let violationsMax = 50

    /// The most nodes of a routing simulation: every request looks at all of them.
    public static let routingNodesMax = 1_000
    /// The most models placed in a routing simulation; a member offers no more.
    public static let modelsMax = GossipLimits.modelsMax
    /// The most requests that one second of a routing simulation may begin.
    public static let requestsPerSecondMax = 1_000.0
    /// The most requests of a routing simulation, all of which are kept for the checkers.
    public static let requestsMax = 1_000_000
    /// The most tokens of one choice of a simulated answer.
    public static let answerTokensMax = 24
    /// The most choices of a simulated answer.
    public static let answerChoicesMax = 3
    /// The most frames that a simulated executor puts into one message.
    public static let answerFramesMax = 4
    /// After the last client asked, a routing simulation goes on until all have their answer, but
    /// no longer than so many seconds.
    public static let drainSecondsMax = 600
}
