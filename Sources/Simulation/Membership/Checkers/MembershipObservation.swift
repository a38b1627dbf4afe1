public import Gossip
public import Wire

/// What makes a node unfit for a while, so that less is promised about it.
public enum Impairment: UInt8, Sendable, CaseIterable {
    /// Its process stands still; its sockets fill.
    case stalled = 0
    /// It reads its socket many times slower than it should.
    case slow = 1
    /// The whole machine sleeps, its network with it.
    case suspended = 2
    /// All that it sends, or is sent, is lost on one or both ways to everybody: another has the
    /// address that it claims, and it does not know yet.
    case unreachable = 3
}

/// The sections of what a member says of itself that are versioned apart.
public enum DescriptionSection: UInt8, Sendable, CaseIterable {
    /// What it offers.
    case metadata = 0
    /// How busy it is, what it has cached.
    case activity = 1
}

/// What one node believes of another.
public struct Belief: Sendable, Equatable {
    /// What the member is believed to be.
    public var state: MemberState
    /// Which start of it.
    public var generation: UInt64
    /// Which claim of that start.
    public var incarnation: UInt32
    /// The claim itself; nil where only its numbers are known.
    public var claim: AliveClaim?

    /// A belief as given.
    public init(
        state: MemberState, generation: UInt64 = 1, incarnation: UInt32 = 0,
        claim: AliveClaim? = nil
    ) {
        self.state = state
        self.generation = generation
        self.incarnation = incarnation
        self.claim = claim
    }

    /// What a core shows of a member.
    public init(_ view: MemberView) {
        self.init(
            state: view.state, generation: view.alive.generation,
            incarnation: view.alive.incarnation, claim: view.alive)
    }
}

/// A record that a node keeps of another.
public struct RememberedMember: Sendable, Equatable {
    /// Whom it is about.
    public var subject: Int
    /// What is believed.
    public var belief: Belief

    /// A record as given.
    public init(_ subject: Int, _ belief: Belief) {
        self.subject = subject
        self.belief = belief
    }
}

/// What a node did so far: cumulative within one start of it.
public struct NodeWork: Sendable, Equatable {
    /// Own incarnations spent on refutation.
    public var refutations: UInt64 = 0
    /// Signatures checked.
    public var signaturesChecked: UInt64 = 0
    /// Packets, states and claims that could not be decoded.
    public var malformed: UInt64 = 0
    /// Claims whose signature is not their author's.
    public var forged: UInt64 = 0
    /// Datagrams handed out.
    public var datagramsSent: UInt64 = 0

    /// Nothing yet.
    public init() {}
}

/// Something observed in a run, in order of time. Nodes are numbered from 0.
public enum MembershipObservation: Sendable, Equatable {
    // What the world does.

    /// A node started.
    case started(Int, generation: UInt64)
    /// A node's process ended without a word.
    case crashed(Int)
    /// A node said that it leaves.
    case left(Int)
    /// The process of a node that said goodbye ended.
    case stopped(Int)
    /// A node is unfit from now on.
    case impaired(Int, Impairment)
    /// It is no longer, in this respect.
    case recovered(Int, Impairment)
    /// The network was cut: each of these groups, and those in none, reach only each other.
    case split([[Int]])
    /// It was made whole.
    case healed
    /// Something holds back or drops all that goes between two nodes, links too, one way at least.
    /// Where only datagrams are dropped nothing is observed: links and relays must do.
    case cut(Int, Int)
    /// It is gone.
    case mended(Int, Int)
    /// Datagrams, or some of them, no longer pass somewhere; links do.
    case hindered
    /// The share of datagrams lost, damaged or swallowed everywhere, from 0 to 1, is this from now
    /// on.
    case conditions(loss: Double)

    // What nodes say and believe.

    /// What a node now says of itself.
    case claimed(Int, AliveClaim)
    /// What `observer` now believes of `subject`. `unread`: datagrams of the subject that lie in
    /// the observer's socket, arrived and not read.
    case believed(observer: Int, subject: Int, Belief, unread: Int)
    /// What `observer` now knows of a section of `subject`, as a digest of all it says.
    case described(
        observer: Int, subject: Int, DescriptionSection, generation: UInt64, version: UInt32,
        digest: UInt64)
    /// All that `observer` knows of others, now and then.
    case remembers(observer: Int, [RememberedMember])

    // What nodes do.

    /// A packet of so many bytes was handed out, before encryption.
    case packet(from: Int, bytes: Int)
    /// A datagram of so many bytes was handed out, as it goes over the wire.
    case datagram(from: Int, bytes: Int)
    /// A node put claims into a packet.
    case packed(from: Int, PackedClaims)
    /// A datagram went out with a claim in it, that is neither its sender's nor owed to its receiver:
    /// a digest of it. A copy to another address of the same receiver is none.
    case carried(from: Int, digest: UInt64)
    /// A node did what was due, and wants to be called again then.
    case ticked(Int, next: MonotonicInstant)
    /// What a node holds.
    case held(Int, EndpointSizes)
    /// What a node did so far.
    case worked(Int, NodeWork)
    /// A damaged, forged or replayed datagram was handed to a node: what it did besides counting
    /// and sending datagrams back to where it came from, and by how many bytes its answers were
    /// longer than what came.
    case resisted(Int, changes: Int, amplified: Int)

    /// The network was cut in two: these nodes, and the others.
    public static func partitioned(_ group: [Int]) -> Self { .split([group]) }

    /// Without the claim, and with nothing unread.
    public static func believed(
        observer: Int, subject: Int, state: MemberState, generation: UInt64, incarnation: UInt32
    ) -> Self {
        .believed(
            observer: observer, subject: subject,
            Belief(state: state, generation: generation, incarnation: incarnation), unread: 0)
    }
}

/// A broken invariant.
public struct Violation: Sendable, Equatable, Encodable {
    /// Which checker found it.
    public let checker: String
    /// When, in seconds of simulated time.
    public let seconds: Double
    /// What is wrong.
    public let message: String
}
