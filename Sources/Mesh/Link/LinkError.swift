public import Wire

/// A rule of the link protocol that a peer broke. Ends the link.
public enum LinkViolation: Error, Equatable, Sendable {
    /// A record or frame is not well formed.
    case malformed(WireError)
    /// A record is shorter or longer than one may be.
    case recordLength(Int)
    /// A frame of a type that does not exist.
    case unknownFrame(UInt8)
    /// A frame names a stream where it must not, or none where it must.
    case misplacedStream(type: UInt8, stream: UInt32)
    /// A frame's payload has a length that its type does not allow.
    case payloadLength(type: UInt8, length: Int)
    /// An OPEN whose number is not the next of the peer's.
    case streamNotNext(UInt32)
    /// A frame of a stream that was never opened.
    case unknownStream(UInt32)
    /// DATA or END on a stream whose end came before.
    case afterEnd(UInt32)
    /// More bytes than the credit of the stream (or of the session, as stream 0).
    case windowExceeded(UInt32)
    /// More credit than anyone needs.
    case creditOverflow(UInt32)
    /// More streams than may be open.
    case tooManyStreams
    /// Resets faster than ``LinkLimits/resetsPerSecondMax``.
    case tooManyResets
    /// Pings faster than they are answered.
    case tooManyPings
    /// A PONG that answers no PING.
    case unexpectedPong
    /// Frames after the last one of a record or session: REKEY or CLOSE.
    case framesAfterLast
    /// The peer did not renew its key in time.
    case rekeyOverdue
    /// The peer went on with a link that is too old or has carried too many records.
    case sessionOverdue
}

/// Why there is no link, or no longer, or why a stream of it ended. Bytes that were sent on a
/// stream that fails may or may not have reached the peer's application.
public enum LinkError: Error, Equatable, Sendable {
    // No link
    /// The first bytes are not a preamble that opens a lane here.
    case unknownLane
    /// A handshake message has a length that it cannot have.
    case handshakeLength
    /// The handshake did not authenticate: another mesh, key or prologue, or changed bytes.
    case handshakeNotAuthentic
    /// The peer's proof of who it is was refused.
    case peerRefused(String)
    /// What the peer showed was not valid at the time of this clock. Said where a node joins.
    case clocksDiffer(String)
    /// Both ends speak no common protocol version.
    case noCommonVersion
    /// Another node answered than the one that was dialled.
    case wrongPeer(expected: NodeID, found: NodeID)
    /// The address leads back to this node.
    case selfDial
    /// The handshake took longer than ``LinkLimits/handshakeDeadline``.
    case handshakeTimeout
    /// The proof of this node does not fit in a handshake message.
    case proofTooLong(Int)
    /// The peer closed the connection during the handshake, without a word: it does not know this
    /// mesh, key or ticket, or is too busy.
    case silentlyRefused
    /// No address could be reached: each with what went wrong.
    case unreachable([String])
    /// The address to listen at is taken or not this machine's.
    case cannotListen(address: String, reason: String)
    /// There is no link to this node.
    case notConnected(NodeID)

    // No longer a link
    /// The peer broke the protocol.
    case violation(LinkViolation)
    /// A record did not authenticate, or keys are used up.
    case recordNotAuthentic
    /// The connection broke, or ended without an authenticated close.
    case lost(String)
    /// Nothing came from the peer for ``LinkLimits/silenceMax``.
    case peerSilent
    /// The peer closed the link and said why.
    case closedByPeer(LinkCloseCode, String)
    /// This node closed the link.
    case closedHere(LinkCloseCode)

    // A stream
    /// One side gave the stream up.
    case streamReset(StreamResetCode, byPeer: Bool)
    /// The stream was ended by this side: nothing more can be sent.
    case streamEnded
    /// As many streams are open as may be.
    case tooManyStreams
    /// The stream's numbers are used up: the link has to be made anew.
    case streamsExhausted
    /// The first bytes of a stream exceed ``LinkLimits/openBytesMax``.
    case openTooLong
    /// The stream's buffer is full: its writer has to wait.
    case sendBufferFull
    /// A message is longer than this exchange allows.
    case tooLong(limit: Int)
    /// The task that used the stream was cancelled.
    case cancelled
}

/// Why a link was closed, as it travels.
public struct LinkCloseCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt16
    /// The code with this number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The node stops.
    public static let shutdown = LinkCloseCode(rawValue: 0)
    /// The peer broke the protocol.
    public static let violation = LinkCloseCode(rawValue: 1)
    /// Another link between the same nodes took over.
    public static let superseded = LinkCloseCode(rawValue: 2)
    /// The link is too old, or a certificate's time is over.
    public static let expired = LinkCloseCode(rawValue: 3)
    /// The exchange is done.
    public static let done = LinkCloseCode(rawValue: 4)
    /// The peer, its certificate or its issuer was revoked.
    public static let revoked = LinkCloseCode(rawValue: 5)
    /// The peer's key or certificate is of another time than this node's clock says. The text begins
    /// with that time, in seconds since 1970 and as decimal digits, and a space.
    public static let clock = LinkCloseCode(rawValue: 6)
}

/// Why a stream was given up, as it travels.
public struct StreamResetCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt16
    /// The code with this number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Whoever asked no longer wants the answer.
    public static let cancelled = StreamResetCode(rawValue: 0)
    /// Nothing here answers for the service.
    public static let unknownService = StreamResetCode(rawValue: 1)
    /// Too many streams are open.
    public static let refused = StreamResetCode(rawValue: 2)
    /// What came on the stream is not what its service expects.
    public static let badMessage = StreamResetCode(rawValue: 3)
    /// Something went wrong on the side that reset.
    public static let internalError = StreamResetCode(rawValue: 4)
    /// The answer to a reset, so that the other side knows that nothing more comes.
    public static let acknowledged = StreamResetCode(rawValue: 5)
    /// The answer is whole and the rest of the question is not needed.
    public static let done = StreamResetCode(rawValue: 6)
}

extension LinkViolation: CustomStringConvertible {
    /// What the peer did.
    public var description: String {
        switch self {
        case .malformed(let error): "\(error)"
        case .recordLength(let length): "a record of \(length) bytes"
        case .unknownFrame(let type): "a frame of unknown type \(type)"
        case .misplacedStream(let type, let stream): "a frame of type \(type) on stream \(stream)"
        case .payloadLength(let type, let length):
            "a frame of type \(type) with \(length) bytes of payload"
        case .streamNotNext(let stream): "stream \(stream) was opened out of turn"
        case .unknownStream(let stream): "a frame of stream \(stream), which was never opened"
        case .afterEnd(let stream): "a frame on stream \(stream) after its end"
        case .windowExceeded(let stream): "more bytes on stream \(stream) than it had credit for"
        case .creditOverflow(let stream): "too much credit for stream \(stream)"
        case .tooManyStreams: "too many streams"
        case .tooManyResets: "too many resets in a second"
        case .tooManyPings: "too many pings"
        case .unexpectedPong: "an answer to a ping that was not sent"
        case .framesAfterLast: "frames after the last one"
        case .rekeyOverdue: "the peer did not renew its key"
        case .sessionOverdue: "the peer went on with a link whose time is over"
        }
    }
}

extension LinkError: CustomStringConvertible {
    /// What happened, and what to do where something can be done.
    public var description: String {
        switch self {
        case .unknownLane: "the first bytes open no lane here"
        case .handshakeLength: "a handshake message has the wrong length"
        case .handshakeNotAuthentic:
            "the handshake did not authenticate: the peer is of another mesh or holds another key"
        case .peerRefused(let reason): "the peer's proof of identity was refused: \(reason)"
        case .clocksDiffer(let reason): "by this machine's clock \(reason)"
        case .noCommonVersion:
            "the peer speaks no protocol version that this one does: update the older node"
        case .wrongPeer(let expected, let found):
            "the address belongs to node \(found), not to \(expected)"
        case .selfDial: "the address leads back to this node"
        case .handshakeTimeout: "the peer did not complete the handshake in time"
        case .proofTooLong(let bytes):
            "this node's certificates take \(bytes) bytes, more than a handshake carries"
        case .silentlyRefused:
            "the peer closed the connection without a word: it does not accept this mesh's key or "
                + "ticket, or it is too busy"
        case .unreachable(let reasons):
            reasons.isEmpty
                ? "no address is known" : "no address answers: \(reasons.joined(separator: "; "))"
        case .cannotListen(let address, let reason): "cannot listen at \(address): \(reason)"
        case .notConnected(let node): "there is no link to node \(node)"
        case .violation(let violation): "the peer broke the link protocol: \(violation)"
        case .recordNotAuthentic: "a record did not authenticate"
        case .lost(let reason): "the link was lost: \(reason)"
        case .peerSilent: "the peer fell silent"
        case .closedByPeer(let code, let text):
            "the peer closed the link (code \(code.rawValue))\(text.isEmpty ? "" : ": \(text)")"
        case .closedHere(let code): "the link was closed here (code \(code.rawValue))"
        case .streamReset(let code, let byPeer):
            "the stream was reset \(byPeer ? "by the peer" : "here") (code \(code.rawValue))"
        case .streamEnded: "the stream was ended: nothing more can be sent"
        case .tooManyStreams: "as many streams are open on this link as may be"
        case .streamsExhausted: "the link has used all its stream numbers"
        case .openTooLong: "the first bytes of a stream are too many"
        case .sendBufferFull: "the stream's buffer is full"
        case .tooLong(let limit): "a message is longer than \(limit) bytes"
        case .cancelled: "the task was cancelled"
        }
    }
}
