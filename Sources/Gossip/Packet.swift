import Wire

/// How busy a member is; rides on its acks.
public struct MemberLoad: Sendable, Hashable {
    /// Requests waiting.
    public var queued: UInt16
    /// Requests running.
    public var running: UInt16

    /// A load as given.
    public init(queued: UInt16, running: UInt16) {
        self.queued = queued
        self.running = running
    }

    /// Nothing to do.
    public static let idle = MemberLoad(queued: 0, running: 0)
}

/// What one packet asks or answers.
enum GossipMessage: Equatable {
    /// Claims alone.
    case none
    /// Answer me.
    case ping(sequence: UInt32)
    /// The answer to a ping, one's own or a relayed one.
    case ack(sequence: UInt32, MemberLoad)
    /// Ping `target` for me.
    case pingRequest(sequence: UInt32, target: NodeID)
}

/// One datagram's content: a message and signed claims beside it.
struct GossipPacket: Equatable {
    static let version: UInt8 = 1

    var message: GossipMessage
    var claims: [Claim]

    static func encode(_ message: GossipMessage, claims: [[UInt8]]) -> [UInt8] {
        var writer = ByteWriter(capacity: GossipLimits.packetBytesMax)
        writer.writeInteger(version)
        switch message {
        case .none: writer.writeInteger(UInt8(0))
        case .ping(let sequence):
            writer.writeInteger(UInt8(1))
            writer.writeInteger(sequence)
        case .ack(let sequence, let load):
            writer.writeInteger(UInt8(2))
            writer.writeInteger(sequence)
            writer.writeInteger(load.queued)
            writer.writeInteger(load.running)
        case .pingRequest(let sequence, let target):
            writer.writeInteger(UInt8(3))
            writer.writeInteger(sequence)
            target.encode(to: &writer)
        }
        writer.writeInteger(UInt8(claims.count))
        for claim in claims { writer.writeBytes(claim) }
        return writer.bytes
    }

    /// The longest message with its version and claim count, in bytes.
    static let headerBytesMax = 1 + 1 + 4 + NodeID.byteCount + 1

    init(decoding bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= GossipLimits.packetBytesMax else {
            throw .tooLarge(
                field: "packet", value: bytes.count, limit: GossipLimits.packetBytesMax)
        }
        var reader = ByteReader(bytes)
        let version = try reader.readUInt8()
        guard version == Self.version else {
            throw .unsupportedVersion(field: "gossip version", value: Int(version))
        }
        switch try reader.readUInt8() {
        case 0: message = .none
        case 1: message = .ping(sequence: try reader.readInteger())
        case 2:
            message = .ack(
                sequence: try reader.readInteger(),
                MemberLoad(
                    queued: try reader.readInteger(), running: try reader.readInteger()))
        case 3:
            message = .pingRequest(
                sequence: try reader.readInteger(), target: try NodeID(from: &reader))
        default: throw .invalid(field: "gossip message")
        }
        let count = Int(try reader.readUInt8())
        guard count <= GossipLimits.packetClaimsMax else {
            throw .tooLarge(
                field: "claims", value: count, limit: GossipLimits.packetClaimsMax)
        }
        claims = []
        for _ in 0..<count { claims.append(try Claim(from: &reader)) }
        try reader.expectEnd()
    }
}

/// Full membership state, for push–pull.
struct GossipState {
    var claims: [Claim]

    static func encode(_ claims: [[UInt8]]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeInteger(GossipPacket.version)
        writer.writeInteger(UInt32(claims.count))
        for claim in claims { writer.writeBytes(claim) }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= GossipLimits.stateBytesMax else {
            throw .tooLarge(field: "state", value: bytes.count, limit: GossipLimits.stateBytesMax)
        }
        var reader = ByteReader(bytes)
        let version = try reader.readUInt8()
        guard version == GossipPacket.version else {
            throw .unsupportedVersion(field: "gossip version", value: Int(version))
        }
        let count = Int(try reader.readInteger(as: UInt32.self))
        guard count <= GossipLimits.stateClaimsMax else {
            throw .tooLarge(field: "claims", value: count, limit: GossipLimits.stateClaimsMax)
        }
        claims = []
        for _ in 0..<count { claims.append(try Claim(from: &reader)) }
        try reader.expectEnd()
    }
}
