// Simulation: the real cores on a seeded network and clock.
//
//   SeededRandom          the only source of chance
//   EventQueue            time: the next event, ties in the order they were made
//   SimulatedNetwork      loss, duplication, reordering, latency, partitions, blocked datagrams
//   MembershipSimulation  N real gossip cores on it, with crashes, restarts and goodbyes
//   MembershipCheckers    the invariants; each has a test that proves it bites
//   MembershipReport      what came of a run, and the command that replays it
//
// The same configuration replays byte for byte: no dictionary is iterated where its order could
// show, no clock is read, and every draw comes from the seed. A report's digest covers every event
// and every byte sent, so two runs are compared by one number.

/// Bounds on simulations.
public enum SimulationLimits {
    /// The most nodes.
    public static let nodesMax = 10_000
    /// The most violations that a report lists; the rest are counted.
    public static let violationsMax = 50
}
