public import Secrets
public import Wire

/// A connection whose handshake may go on: the socket goes to the links' thread, with this to start
/// ``LinkHandshake/init(admitted:local:verifier:ephemeral:)`` from.
public struct AdmittedConnection: Sendable {
    /// Why it was let in.
    public enum Reason: Sendable, Hashable {
        /// There was room.
        case room
        /// A member said by its signature that it is the one who asks.
        case member(NodeID)
        /// By the share of a ticket.
        case ticket
    }

    /// The connection.
    public let connection: UInt64
    /// Its preamble.
    public let preamble: LinkPreamble
    /// Message 1, which is authentic and was not seen before.
    public let firstMessage: [UInt8]
    /// The key that the preamble names.
    public let preSharedKey: SecretBytes
    /// Why it was let in.
    public let reason: Reason
    /// When the connection was accepted: the handshake's deadline counts from here.
    public let arrivedAt: MonotonicInstant
}

/// Why a connection is closed without a word.
public enum AdmissionRefusal: String, Sendable, CaseIterable {
    /// Its preamble opens no lane here, or its message has another length than message 1.
    case unknownLane
    /// Its first message does not authenticate: a stranger's.
    case notAuthentic
    /// Its first message was seen before.
    case replayed
    /// Its ticket's share is used up.
    case ticketBusy
    /// It made place for others while it waited.
    case crowdedOut
    /// It did not say its part in time.
    case late
    /// The answer to the cookie is not one: another cookie, damaged, or not signed by who it names.
    case badAnswer
    /// The member that answered is not one (any more).
    case notAMember
    /// The member that answered asks too often, or has too many handshakes open.
    case memberBusy
    /// Nothing more can be verified at the moment.
    case busy
}

/// What the shell is to do with a connection at the door.
public enum AdmissionEffect: Sendable {
    /// Send these bytes; the connection goes on waiting.
    case send([UInt8], on: UInt64)
    /// Hand the connection to the links.
    case admit(AdmittedConnection)
    /// Close the connection, without a word.
    case close(UInt64, AdmissionRefusal)
}

/// The pre-shared keys by which the lanes open.
public struct LaneKeys: Sendable {
    /// Of the member lane, by key id: the current gate key.
    public var member: [[UInt8]: SecretBytes]
    /// Of the catch-up lane, by key id: the current gate key and the superseded ones.
    public var catchUp: [[UInt8]: SecretBytes]
    /// Of the join lane: a ticket's, by key id. Called at the door: it must not wait.
    public var ticket: @Sendable ([UInt8]) -> SecretBytes?

    /// Keys as given.
    public init(
        member: [[UInt8]: SecretBytes] = [:], catchUp: [[UInt8]: SecretBytes] = [:],
        ticket: @escaping @Sendable ([UInt8]) -> SecretBytes? = { _ in nil }
    ) {
        self.member = member
        self.catchUp = catchUp
        self.ticket = ticket
    }

    /// The key that a preamble names, or nil for one that opens no lane here.
    public func key(for preamble: LinkPreamble) -> SecretBytes? {
        switch preamble.lane {
        case .member: member[preamble.keyID]
        case .catchUp: catchUp[preamble.keyID]
        case .join: ticket(preamble.keyID)
        }
    }
}

/// What came to the door, counted.
public struct AdmissionCounters: Sendable, Equatable {
    /// Connections that came.
    public var arrived: UInt64 = 0
    /// Connections that were sent a cookie.
    public var challenged: UInt64 = 0
    /// Connections that were admitted because there was room.
    public var admittedByRoom: UInt64 = 0
    /// Connections that were admitted by a member's name.
    public var admittedByName: UInt64 = 0
    /// Connections that were admitted by a ticket's share.
    public var admittedByTicket: UInt64 = 0
    /// Connections that were closed, by reason.
    public var refused: [AdmissionRefusal: UInt64] = [:]

    /// All zero.
    public init() {}
}
