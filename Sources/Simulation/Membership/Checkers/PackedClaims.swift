/// A claim in a packet.
public struct PackedClaim: Sendable, Equatable {
    /// Who made it.
    public var author: Int
    /// Whom it is about.
    public var subject: Int
    /// Whether it says that its author cannot reach its subject.
    public var isAccusation = false
    /// A digest of all of it.
    public var digest: UInt64

    /// A claim as given.
    public init(author: Int, subject: Int, isAccusation: Bool = false, digest: UInt64) {
        self.author = author
        self.subject = subject
        self.isAccusation = isAccusation
        self.digest = digest
    }
}

/// The claims of one packet, by the reason for which they are in it.
public struct PackedClaims: Sendable, Equatable {
    /// To whom it goes; nil for one who is no node of the mesh.
    public var receiver: Int?
    /// Whether the receiver says that it can only dial out, as far as the sender knows.
    public var onlyDials: Bool
    /// Whether it is a ping, or an answer to one.
    public var isProbe: Bool
    /// What the receiver is owed: what it is accused of and by whom, and the sender's own word.
    public var told: [PackedClaim]
    /// What the receiver is asked about: an accusation of another.
    public var asked: [PackedClaim]
    /// What refutes accusations that the receiver passed on, or asked about.
    public var corrections: [PackedClaim]
    /// Out of the queue of what is passed on.
    public var passedOn: [PackedClaim]
    /// Of one member, whose turn it was: what gossip lost is made good by probes where no exchange
    /// over a link succeeds.
    public var filled: [PackedClaim]
    /// That member; the sender itself has a turn too.
    public var turn: Int?

    /// Claims as given.
    public init(
        receiver: Int?, onlyDials: Bool = false, isProbe: Bool, told: [PackedClaim] = [],
        asked: [PackedClaim] = [], corrections: [PackedClaim] = [], passedOn: [PackedClaim] = [],
        filled: [PackedClaim] = [], turn: Int? = nil
    ) {
        self.receiver = receiver
        self.onlyDials = onlyDials
        self.isProbe = isProbe
        self.told = told
        self.asked = asked
        self.corrections = corrections
        self.passedOn = passedOn
        self.filled = filled
        self.turn = turn
    }

    /// Whatever the reason.
    var all: [PackedClaim] { told + asked + corrections + passedOn + filled }
}
