/// What strangers may take of a node before they proved anything. ``LinkLimits/halfOpenMax`` is
/// shared out here, so that no kind of caller can take the room of another.
public enum AdmissionLimits {
    // MARK: Handshakes that are not over

    /// Handshakes admitted because there was room, without a further question.
    public static let openRoom = 40
    /// Of those, from one source.
    public static let openRoomPerSource = LinkLimits.halfOpenPerAddressMax
    /// Handshakes of members that named themselves by answering a cookie.
    public static let memberRoom = 16
    /// Of those, of one member.
    public static let memberRoomPerNode = 2
    /// Handshakes of joiners, by tickets, when the open room is taken.
    public static let joinRoom = 8
    /// Of those, by one ticket.
    public static let joinRoomPerTicket = 2

    // MARK: Rates

    /// Diffie–Hellman operations in a second for callers that have not said who they are, and the
    /// most that are saved up for a busy moment.
    public static let diffieHellmanPerSecond = 500
    /// Operations with a key of the caller's before the caller has proved anything: `ee` and `es`.
    public static let diffieHellmanPerHandshake = 2
    /// Ed25519 verifications in a second for answers to cookies: a tenth of a core.
    public static let verificationsPerSecond = 2000
    /// Of those, for answers from one source.
    public static let verificationsPerSourcePerSecond = 1000
    /// Admissions of one member by cookie in a second…
    public static let memberAdmissionsPerSecond = 1
    /// …and the most it may save up.
    public static let memberAdmissionsBurst = 4
    /// Admissions by one ticket's share in a second, and the most that are saved up.
    public static let joinAdmissionsPerSecond = 2

    // MARK: Waiting

    /// Connections of which the first message has not come whole.
    public static let silentMax = 256
    /// Connections that were sent a cookie and have not answered.
    public static let challengedMax = 512
    /// How many of those who wait are looked at to find one that makes place: the one goes whose
    /// source has the most waiting.
    public static let crowdSample = 8
    /// How long a cookie is good: the answer comes on the connection that was asked.
    public static let cookieLifetime: Duration = LinkLimits.handshakeDeadline

    // MARK: Memory

    /// First messages remembered in one generation; there are two.
    public static let replaysPerGeneration = 16_384
    /// How long a generation is filled before the older is forgotten.
    public static let replayGeneration: Duration = .seconds(120)
    /// Certificate chains remembered as verified, in each of two generations.
    public static let chainsPerGeneration = 512
    /// Sources, members or tickets whose rates are remembered, in each of two generations.
    public static let ratesPerGeneration = 4096
}
