public import Wire

/// What a model is for.
public enum ModelTask: UInt8, Sendable, CaseIterable {
    /// Continues text.
    case generation = 0
    /// Turns text into vectors.
    case embedding = 1
}

/// A place on the ladder of an alias: 0 is the first choice.
public struct ModelRung: Sendable, Hashable {
    /// What requests ask for.
    public var alias: String
    /// How many models come before this one.
    public var rung: UInt8

    /// A place as given.
    public init(alias: String, rung: UInt8) {
        self.alias = alias
        self.rung = rung
    }
}

/// A model that a member offers.
public struct OfferedModel: Sendable, Hashable {
    /// The model.
    public var digest: ModelDigest
    /// What it is called.
    public var name: String
    /// Its context, in tokens.
    public var contextLength: UInt32
    /// What it is for.
    public var task: ModelTask
    /// How its weights are stored, by the name that files of it bear, as `Q4_K_M`; empty when that
    /// is not known.
    public var format: String
    /// The aliases it stands for.
    public var rungs: [ModelRung]

    /// An offer as given.
    public init(
        digest: ModelDigest, name: String, contextLength: UInt32, task: ModelTask = .generation,
        format: String = "", rungs: [ModelRung] = []
    ) {
        self.digest = digest
        self.name = name
        self.contextLength = contextLength
        self.task = task
        self.format = format
        self.rungs = rungs
    }

    var isWithinLimits: Bool {
        (1...GossipLimits.modelNameBytesMax).contains(name.utf8.count) && name.isPrintable
            && format.utf8.count <= GossipLimits.modelFormatBytesMax && format.isPrintable
            && rungs.count <= GossipLimits.rungsMax
            && rungs.allSatisfy {
                (1...GossipLimits.aliasBytesMax).contains($0.alias.utf8.count)
                    && $0.alias.isPrintable
            }
    }

    func encode(to writer: inout ByteWriter) {
        digest.encode(to: &writer)
        writer.writeString16(name)
        writer.writeInteger(contextLength)
        writer.writeInteger(task.rawValue)
        writer.writeString16(format)
        writer.writeInteger(UInt8(rungs.count))
        for rung in rungs {
            writer.writeString16(rung.alias)
            writer.writeInteger(rung.rung)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        digest = try ModelDigest(from: &reader)
        name = try reader.readString16(
            field: "model name", limit: GossipLimits.modelNameBytesMax)
        contextLength = try reader.readInteger()
        guard let task = ModelTask(rawValue: try reader.readUInt8()) else {
            throw .invalid(field: "model task")
        }
        self.task = task
        format = try reader.readString16(
            field: "model format", limit: GossipLimits.modelFormatBytesMax)
        let count = Int(try reader.readUInt8())
        guard count <= GossipLimits.rungsMax else {
            throw .tooLarge(field: "rungs", value: count, limit: GossipLimits.rungsMax)
        }
        rungs = []
        for _ in 0..<count {
            let alias = try reader.readString16(
                field: "alias", limit: GossipLimits.aliasBytesMax)
            rungs.append(ModelRung(alias: alias, rung: try reader.readUInt8()))
        }
        guard isWithinLimits else { throw .invalid(field: "model") }
    }
}

/// What a member offers: the section of what it says that changes seldom.
public struct MemberMetadata: Sendable, Equatable {
    /// What it runs, as `shoal 0.1.0`.
    public var software: String
    /// The rules its arithmetic follows.
    public var numerics: String
    /// The KV cache types it can use: bit n for type n.
    public var kvTypes: UInt8
    /// Its models.
    public var models: [OfferedModel]

    /// Metadata as given.
    public init(software: String = "", numerics: String, kvTypes: UInt8, models: [OfferedModel]) {
        self.software = software
        self.numerics = numerics
        self.kvTypes = kvTypes
        self.models = models
    }

    /// Whether it fits in a claim; what does not is refused where models are configured.
    public var isWithinLimits: Bool {
        guard models.count <= GossipLimits.modelsMax,
            software.utf8.count <= GossipLimits.softwareBytesMax, software.isPrintable,
            numerics.utf8.count <= GossipLimits.numericsBytesMax,
            models.allSatisfy(\.isWithinLimits)
        else { return false }
        let claim = MetadataClaim(
            node: NodeID(number: 0), generation: 0, version: 0, metadata: self)
        return Claim.Body.metadata(claim).encoded.count + Claim.envelopeBytes
            <= GossipLimits.claimBytesMax
    }
}

/// "This is what I offer", with a version that grows within a generation.
public struct MetadataClaim: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// Which start of it.
    public var generation: UInt64
    /// Which of its metadata.
    public var version: UInt32
    /// What it offers.
    public var metadata: MemberMetadata

    package init(node: NodeID, generation: UInt64, version: UInt32, metadata: MemberMetadata) {
        self.node = node
        self.generation = generation
        self.version = version
        self.metadata = metadata
    }

    func encode(to writer: inout ByteWriter) {
        node.encode(to: &writer)
        writer.writeInteger(generation)
        writer.writeInteger(version)
        writer.writeString16(metadata.software)
        writer.writeString16(metadata.numerics)
        writer.writeInteger(metadata.kvTypes)
        writer.writeInteger(UInt8(metadata.models.count))
        for model in metadata.models { model.encode(to: &writer) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        node = try NodeID(from: &reader)
        generation = try reader.readInteger()
        version = try reader.readInteger()
        let software = try reader.readString16(
            field: "software", limit: GossipLimits.softwareBytesMax)
        guard software.isPrintable else { throw .invalid(field: "software") }
        let numerics = try reader.readString16(
            field: "numerics id", limit: GossipLimits.numericsBytesMax)
        let kvTypes = try reader.readUInt8()
        let count = Int(try reader.readUInt8())
        guard count <= GossipLimits.modelsMax else {
            throw .tooLarge(field: "models", value: count, limit: GossipLimits.modelsMax)
        }
        var models: [OfferedModel] = []
        for _ in 0..<count { models.append(try OfferedModel(from: &reader)) }
        metadata = MemberMetadata(
            software: software, numerics: numerics, kvTypes: kvTypes, models: models)
    }
}

extension String {
    /// Whether it has no control characters: names from outside are printed on terminals.
    var isPrintable: Bool {
        unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
    }
}
