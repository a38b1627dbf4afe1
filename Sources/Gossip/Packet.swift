public import Wire

/// The versions of gossip packets. Of two members' ranges the newest common one is spoken.
///
/// A neighbouring version may add message kinds, claim kinds and extension fields, all of which are
/// passed over where they are not known; the frame (version, message with its length, claims with
/// theirs) is the same in all.
public enum GossipVersion {
    /// What this build speaks.
    public static let supported: ClosedRange<UInt8> = 1...1
}

/// What an answer to a ping says besides.
public struct AckReport: Sendable, Equatable {
    /// How busy the member is.
    public var load: MemberLoad
    /// How late the member's own timers are, 0 to ``GossipLimits/patienceMax``: others give it that
    /// much longer.
    public var patience: UInt8
    /// Where it is on the map of round trips.
    public var coordinate: Coordinate?
    /// Where it sees whom it answers; only in answers to datagrams.
    public var observed: NetworkAddress?

    /// A report as given.
    public init(
        load: MemberLoad, patience: UInt8 = 0, coordinate: Coordinate? = nil,
        observed: NetworkAddress? = nil
    ) {
        self.load = load
        self.patience = patience
        self.coordinate = coordinate
        self.observed = observed
    }
}

/// What one packet asks or answers.
package enum GossipMessage: Sendable, Equatable {
    /// Claims alone.
    case none
    /// Answer me.
    case ping(sequence: UInt32)
    /// The answer to a ping.
    case ack(sequence: UInt32, AckReport)
    /// To a relay: pass this datagram, sealed for `to`, on to it.
    case forward(number: UInt32, to: NodeID, sealed: [UInt8])
    /// From a relay: a datagram that `from` sealed for the receiver.
    case forwarded(from: NodeID, sealed: [UInt8])
    /// From a relay, at once: whether it can pass datagram `number` on.
    case forwardReceipt(number: UInt32, accepted: Bool)
}

/// One datagram's content: `version u8, message, count u8, claims`; a message is `kind u8, length
/// u16, body`.
package struct GossipPacket: Sendable, Equatable {
    package var version: UInt8
    /// Nil: of a kind that only newer builds know.
    package var message: GossipMessage?
    package var claims: [Claim]
    /// Claims of kinds that only newer builds know.
    package var unknownClaims = 0

    private static let coordinateField: UInt8 = 1
    private static let observedField: UInt8 = 2

    package static func encode(
        _ message: GossipMessage, claims: [[UInt8]],
        version: UInt8 = GossipVersion.supported.upperBound
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: GossipLimits.packetBytesMax)
        writer.writeInteger(version)
        encode(message, to: &writer)
        writer.writeInteger(UInt8(claims.count))
        for claim in claims { writer.writeBytes(claim) }
        return writer.bytes
    }

    private static func encode(_ message: GossipMessage, to writer: inout ByteWriter) {
        switch message {
        case .none:
            writer.writeInteger(UInt8(0))
            writer.writeInteger(UInt16(0))
        case .ping(let sequence):
            writer.writeInteger(UInt8(1))
            writer.writeInteger(UInt16(4))
            writer.writeInteger(sequence)
        case .ack(let sequence, let report):
            var body = ByteWriter(capacity: 96)
            body.writeInteger(sequence)
            report.load.encode(to: &body)
            body.writeInteger(report.patience)
            if let coordinate = report.coordinate {
                body.writeExtension(coordinateField, coordinate.encoded)
            }
            if let observed = report.observed {
                body.writeExtension(observedField, observed.encoded)
            }
            writer.writeInteger(UInt8(2))
            writer.writeBytes16(body.bytes)
        case .forward(let number, let target, let sealed):
            writer.writeInteger(UInt8(3))
            writer.writeInteger(UInt16(4 + NodeID.byteCount + 2 + sealed.count))
            writer.writeInteger(number)
            target.encode(to: &writer)
            writer.writeBytes16(sealed)
        case .forwarded(let origin, let sealed):
            writer.writeInteger(UInt8(4))
            writer.writeInteger(UInt16(NodeID.byteCount + 2 + sealed.count))
            origin.encode(to: &writer)
            writer.writeBytes16(sealed)
        case .forwardReceipt(let number, let accepted):
            writer.writeInteger(UInt8(5))
            writer.writeInteger(UInt16(5))
            writer.writeInteger(number)
            writer.writeBool(accepted)
        }
    }

    /// The bytes of a packet that are no claims: version, message and count.
    package static func overhead(of message: GossipMessage) -> Int {
        var writer = ByteWriter(capacity: 128)
        encode(message, to: &writer)
        return 1 + writer.bytes.count + 1
    }

    package init(
        decoding bytes: [UInt8], versions: ClosedRange<UInt8> = GossipVersion.supported
    ) throws(WireError) {
        guard bytes.count <= GossipLimits.packetBytesMax else {
            throw .tooLarge(
                field: "packet", value: bytes.count, limit: GossipLimits.packetBytesMax)
        }
        var reader = ByteReader(bytes)
        version = try reader.readUInt8()
        guard versions.contains(version) else {
            throw .unsupportedVersion(field: "gossip version", value: Int(version))
        }
        let kind = try reader.readUInt8()
        var body = ByteReader(
            try reader.readBytes16(field: "message", limit: GossipLimits.packetBytesMax))
        message = try Self.message(kind, from: &body)
        let count = Int(try reader.readUInt8())
        guard count <= GossipLimits.packetClaimsMax else {
            throw .tooLarge(
                field: "claims", value: count, limit: GossipLimits.packetClaimsMax)
        }
        claims = []
        claims.reserveCapacity(count)
        for _ in 0..<count {
            if let claim = try Claim.read(from: &reader) {
                claims.append(claim)
            } else {
                unknownClaims += 1
            }
        }
        try reader.expectEnd()
    }

    private static func message(
        _ kind: UInt8, from reader: inout ByteReader
    ) throws(WireError) -> GossipMessage? {
        let message: GossipMessage
        switch kind {
        case 0: message = .none
        case 1: message = .ping(sequence: try reader.readInteger())
        case 2: return try ack(from: &reader)
        case 3:
            message = .forward(
                number: try reader.readInteger(), to: try NodeID(from: &reader),
                sealed: try sealed(from: &reader))
        case 4:
            message = .forwarded(
                from: try NodeID(from: &reader), sealed: try sealed(from: &reader))
        case 5:
            message = .forwardReceipt(
                number: try reader.readInteger(),
                accepted: try reader.readBool(field: "accepted"))
        default: return nil
        }
        try ExtensionReader.skipAll(from: &reader)
        return message
    }

    private static func ack(from reader: inout ByteReader) throws(WireError) -> GossipMessage {
        let sequence: UInt32 = try reader.readInteger()
        var report = AckReport(load: try MemberLoad(from: &reader))
        report.patience = try reader.readUInt8()
        guard report.patience <= GossipLimits.patienceMax else {
            throw .invalid(field: "patience")
        }
        var fields = ExtensionReader()
        while let field = try fields.next(from: &reader) {
            switch field.type {
            case coordinateField: report.coordinate = try Coordinate(decoding: field.bytes)
            case observedField: report.observed = try NetworkAddress(decoding: field.bytes)
            default: break
            }
        }
        return .ack(sequence: sequence, report)
    }

    private static func sealed(from reader: inout ByteReader) throws(WireError) -> [UInt8] {
        Array(
            try reader.readBytes16(
                field: "sealed datagram", limit: GossipLimits.packetBytesMax))
    }
}
