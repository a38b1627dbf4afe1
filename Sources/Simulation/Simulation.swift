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
import Wire

/// Bounds on simulations.
public enum SimulationLimits {
    /// The most nodes.
    public static let nodesMax = 10_000
    /// What a node holds and did is looked at so often; in meshes of up to ``inspectedMax`` what it
    /// holds is looked at after each tick, and now and then what it remembers.
    public static let surveyInterval: Duration = .seconds(5)
    /// See ``surveyInterval``.
    public static let inspectedMax = 256
    /// In meshes of no more nodes it is looked into whether a damaged datagram changed anything, and
    /// what members say of themselves is compared.
    public static let lookedIntoMax = 16
    /// The longest simulated time.
    public static let durationMax: Duration = .seconds(1_000_000)
    /// The most faults in a configuration.
    public static let faultsMax = 100_000
    /// The most beliefs, of one node about another, that the checkers follow: in a mesh of
    /// 10 000 those of 1000 observers.
    public static let beliefsMax = 10_000_000
    /// The most violations that a report lists; the rest are counted.
    public static let violationsMax = 50
    /// What a socket holds, in bytes, each datagram counted with ``socketOverheadBytes``; what comes
    /// besides is dropped (Linux's default for a receive buffer).
    public static let socketBytesMax = 212_992
    /// What a datagram costs in a socket beyond its own bytes.
    public static let socketOverheadBytes = 512
    /// Pairs of nodes whose coordinates are compared at the end of a run.
    public static let coordinatePairs = 2000
    /// How long a datagram of an outsider takes: less than any other.
    public static let outsiderDelay: Duration = .microseconds(10)
    /// Packets that wait for one link in one direction; the oldest go first.
    public static let linkPacketsMax = 64
    /// What else than datagrams waits to be read by one node.
    public static let inboxMax = 4096
    /// A link over which nothing comes for so long is given up.
    public static let linkSilence: Duration = .seconds(30)
    /// How long a dial takes that nobody answers.
    public static let dialTimeout: Duration = .seconds(5)
    /// The most dials of one node at once.
    public static let dialsMax = 16
    /// How long a process goes on after it said goodbye.
    public static let farewell: Duration = .seconds(2)
    /// How long a machine whose address another took goes on claiming it.
    public static let displacement: Duration = .seconds(5)
    /// Times that a timer gives way to what waits in the sockets before it runs all the same.
    public static let timerDeferralsMax = 32
    /// The least time between two runs of a node's timer.
    public static let timerGrain: Duration = .milliseconds(1)
    /// A link key is replaced when it is this old, by the wall clock.
    public static let linkKeyLifeSeconds = 12 * 3600
    /// Members that a node remembers across a restart, to find the mesh by.
    public static let rememberedMax = 32
    /// What encryption and framing add to a packet on a link, in bytes.
    public static let linkPacketOverhead = 2 + 7 + 2 + 16

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
