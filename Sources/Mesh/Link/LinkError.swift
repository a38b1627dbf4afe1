public import Noise
public import Trust
public import Wire

/// Why a link cannot be made, or ended.
public enum LinkError: Error, Sendable, Equatable {
    /// The peer's bytes break the protocol. The link ends.
    case violation(String)
    /// A handshake message or a record does not authenticate.
    case noise(NoiseError)
    /// The peer's credentials are not accepted.
    case trust(TrustError)
    /// The preamble names a lane or key that is not known here.
    case unknownLane
    /// The two sides have no protocol version in common.
    case noCommonVersion
    /// Another node answered than the one that was called.
    case unexpectedPeer(NodeID)
    /// The address is one of this node's own.
    case dialledSelf
    /// The handshake took longer than ``LinkLimits/handshakeDeadline``.
    case handshakeTimeout
    /// The peer closed the connection during the handshake, without a word.
    case refusedSilently
    /// Too many connections are in their handshake.
    case tooManyHalfOpen
    /// The link ended without an authenticated close: the peer died, or the network.
    case lost(String)
    /// Nothing came for ``LinkLimits/silenceMax``.
    case silent
    /// The peer closed the link.
    case closedByPeer(code: UInt16, text: String)
    /// This side closed the link.
    case closedHere(String)
    /// The peer ended the stream without finishing it.
    case streamReset(code: UInt16)
    /// More streams than ``LinkLimits/streamsMax``.
    case tooManyStreams
    /// The stream is not open for this.
    case streamClosed
    /// No address of the peer could be connected to: each, with why.
    case unreachable([String])
    /// The address to listen on is taken.
    case portInUse(String)
    /// The address to listen on cannot be used.
    case cannotListen(String, reason: String)
}

extension LinkError: CustomStringConvertible {
    /// What is wrong and, where there is something, what to do.
    public var description: String {
        switch self {
        case .violation(let what): "the peer broke the protocol: \(what)"
        case .noise(let error): "\(error)"
        case .trust(let error): "\(error)"
        case .unknownLane: "the peer asks with a key that is not known here"
        case .noCommonVersion: "the two nodes speak no common version of the link protocol"
        case .unexpectedPeer(let node): "another node answered: \(node)"
        case .dialledSelf: "the address is this node's own"
        case .handshakeTimeout: "the handshake took too long"
        case .refusedSilently: "the peer closed the connection without an answer"
        case .tooManyHalfOpen: "too many connections are being made at once"
        case .lost(let why): "the link was lost (\(why))"
        case .silent: "the peer fell silent"
        case .closedByPeer(_, let text): "the peer closed the link: \(text)"
        case .closedHere(let text): "the link was closed here: \(text)"
        case .streamReset(let code): "the peer ended the stream (code \(code))"
        case .tooManyStreams: "too many streams are open on the link"
        case .streamClosed: "the stream is closed"
        case .unreachable(let tried):
            tried.isEmpty
                ? "no address of the peer is known" : "no address answers: " + tried.joined(separator: "; ")
        case .portInUse(let address):
            "\(address) is in use by another program: choose another port or stop that program"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        }
    }
}

/// Why a stream was reset, as a code on the wire.
public enum ResetCode: UInt16, Sendable {
    /// The other side no longer wants it.
    case cancelled = 1
    /// The service is not offered here.
    case unknownService = 2
    /// Too many streams.
    case refused = 3
    /// The service failed.
    case failed = 4
}

/// Why a link was closed, as a code on the wire.
public enum CloseCode: UInt16, Sendable {
    /// The node stops.
    case stopping = 1
    /// A second link to the same peer is kept instead.
    case duplicate = 2
    /// The link is no longer needed.
    case done = 3
    /// The peer broke the protocol.
    case violation = 4
}
