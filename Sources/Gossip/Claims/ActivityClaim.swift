public import Wire

/// How busy a member is; rides on its acks.
public struct MemberLoad: Sendable, Hashable {
    /// Requests waiting.
    public var queued: UInt16
    /// Requests running.
    public var running: UInt16
    /// Tokens for which the KV cache has room.
    public var freeKVTokens: UInt32

    /// A load as given.
    public init(queued: UInt16, running: UInt16, freeKVTokens: UInt32 = 0) {
        self.queued = queued
        self.running = running
        self.freeKVTokens = freeKVTokens
    }

    /// Nothing to do.
    public static let idle = MemberLoad(queued: 0, running: 0)

    func encode(to writer: inout ByteWriter) {
        writer.writeInteger(queued)
        writer.writeInteger(running)
        writer.writeInteger(freeKVTokens)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        queued = try reader.readInteger()
        running = try reader.readInteger()
        freeKVTokens = try reader.readInteger()
    }
}

/// How fast a member runs one of its models, as it measured itself.
public struct ModelSpeed: Sendable, Hashable {
    /// Which of the models in its metadata, from 0.
    public var model: UInt8
    /// Of a prompt.
    public var prefillNanosecondsPerToken: UInt32
    /// Of an answer, alone.
    public var decodeNanosecondsPerToken: UInt32

    /// A speed as given.
    public init(
        model: UInt8, prefillNanosecondsPerToken: UInt32, decodeNanosecondsPerToken: UInt32
    ) {
        self.model = model
        self.prefillNanosecondsPerToken = prefillNanosecondsPerToken
        self.decodeNanosecondsPerToken = decodeNanosecondsPerToken
    }
}

/// Stands for the beginning of a prompt whose keys and values a member holds. Whoever can compute it
/// knows that beginning, the model and the caller's scope; nobody can read them from it.
public struct PrefixDigest: Sendable, Hashable {
    /// 64 bits of a keyed digest.
    public var value: UInt64

    /// A digest as given.
    public init(_ value: UInt64) { self.value = value }
}

/// What a member does at present: the section of what it says that changes often. It is signed and
/// versioned apart from its metadata, so that a change sends these bytes and no others.
public struct MemberActivity: Sendable, Equatable {
    /// How busy it is.
    public var load: MemberLoad
    /// How fast its models run; those it has measured.
    public var speeds: [ModelSpeed]
    /// What it need not compute again, the most recently used first.
    public var prefixes: [PrefixDigest]
    /// Where it is on the map of round trips; the core fills it in.
    public var coordinate: Coordinate?

    /// An activity as given.
    public init(
        load: MemberLoad = .idle, speeds: [ModelSpeed] = [], prefixes: [PrefixDigest] = [],
        coordinate: Coordinate? = nil
    ) {
        self.load = load
        self.speeds = speeds
        self.prefixes = prefixes
        self.coordinate = coordinate
    }

    /// As much of it as a claim has room for.
    var fitted: Self {
        var activity = self
        activity.speeds = Array(speeds.prefix(GossipLimits.modelsMax))
        activity.prefixes = Array(prefixes.prefix(GossipLimits.prefixesMax))
        return activity
    }
}

/// "This is what I do", with a version that grows within a generation.
public struct ActivityClaim: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// Which start of it.
    public var generation: UInt64
    /// Which of its activities.
    public var version: UInt32
    /// What it does.
    public var activity: MemberActivity

    private static let coordinateField: UInt8 = 1

    package init(node: NodeID, generation: UInt64, version: UInt32, activity: MemberActivity) {
        self.node = node
        self.generation = generation
        self.version = version
        self.activity = activity
    }

    func encode(to writer: inout ByteWriter) {
        node.encode(to: &writer)
        writer.writeInteger(generation)
        writer.writeInteger(version)
        activity.load.encode(to: &writer)
        writer.writeInteger(UInt8(activity.speeds.count))
        for speed in activity.speeds {
            writer.writeInteger(speed.model)
            writer.writeInteger(speed.prefillNanosecondsPerToken)
            writer.writeInteger(speed.decodeNanosecondsPerToken)
        }
        writer.writeInteger(UInt8(activity.prefixes.count))
        for prefix in activity.prefixes { writer.writeInteger(prefix.value) }
        if let coordinate = activity.coordinate {
            writer.writeExtension(Self.coordinateField, coordinate.encoded)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        node = try NodeID(from: &reader)
        generation = try reader.readInteger()
        version = try reader.readInteger()
        activity = MemberActivity(load: try MemberLoad(from: &reader))
        let speeds = Int(try reader.readUInt8())
        guard speeds <= GossipLimits.modelsMax else {
            throw .tooLarge(field: "speeds", value: speeds, limit: GossipLimits.modelsMax)
        }
        for _ in 0..<speeds {
            activity.speeds.append(
                ModelSpeed(
                    model: try reader.readUInt8(),
                    prefillNanosecondsPerToken: try reader.readInteger(),
                    decodeNanosecondsPerToken: try reader.readInteger()))
        }
        let prefixes = Int(try reader.readUInt8())
        guard prefixes <= GossipLimits.prefixesMax else {
            throw .tooLarge(field: "prefixes", value: prefixes, limit: GossipLimits.prefixesMax)
        }
        for _ in 0..<prefixes {
            activity.prefixes.append(PrefixDigest(try reader.readInteger()))
        }
        var fields = ExtensionReader()
        while let field = try fields.next(from: &reader) {
            if field.type == Self.coordinateField {
                activity.coordinate = try Coordinate(decoding: field.bytes)
            }
        }
    }
}
