/// What a hostile member does: it has its keys and a valid certificate, and breaks every rule that
/// signatures and ciphers don't enforce.
public enum Attack: String, Sendable, CaseIterable {
    /// Sends claims again that have been overtaken: of earlier starts, older incarnations, ended
    /// suspicions.
    case replayClaims
    /// Makes claims in others' names, with signatures that are not theirs.
    case forgeClaims
    /// Signs claims of its own with its incarnation at the maximum, or back at nothing.
    case lieAboutOwnIncarnation
    /// Accuses others of incarnations that they never had.
    case lieAboutIncarnations
    /// Accuses everyone, in every incarnation, at once.
    case accuseEveryone
    /// Pings as fast as it can.
    case floodPings
    /// Sends packets full of claims.
    case floodClaims
    /// Asks everyone to pass on datagrams, to everyone.
    case floodForwards
    /// Asks for full state again and again.
    case floodExchanges
    /// Changes what it says of itself all the time.
    case floodVersions
    /// Introduces nodes that don't exist.
    case inventMembers
    /// Sends what is no packet.
    case sendGarbage
    /// Passes on datagrams in another's name, and answers in the target's.
    case answerForOthers
    /// Drops all that it should pass on, and says that it did.
    case dropRelayed
    /// Lies in acks: where it is, where it sees others, how busy it is, how late.
    case lieInAcks
    /// Gives, in answer to a push–pull, only what is old.
    case withhold
}

extension SeededRandom {
    /// A number from 0 to below `count`; 0 when that is nothing.
    mutating func index(below count: Int) -> Int {
        Int.random(in: 0..<max(1, count), using: &self)
    }
}
