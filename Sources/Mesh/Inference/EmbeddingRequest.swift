public import Wire

/// Texts that an executor is asked to turn into vectors.
public struct EmbeddingRequest: Sendable, Equatable {
    /// One text.
    public enum Input: Sendable, Equatable {
        /// Text, tokenised by the executor.
        case text(String)
        /// Token ids, taken as they are.
        case tokens([Int32])
    }

    /// The request's name in the whole mesh.
    public var id: RequestID
    /// The model, by digest.
    public var model: ModelDigest
    /// The texts, 1...``MeshLimits/embeddingInputsMax``.
    public var inputs: [Input]
    /// How many times this request was forwarded; at most one hop.
    public var hops: UInt8

    /// A request as given.
    public init(id: RequestID, model: ModelDigest, inputs: [Input], hops: UInt8) {
        self.id = id
        self.model = model
        self.inputs = inputs
        self.hops = hops
    }
}

extension EmbeddingRequest: WireCodable {
    private static let version: UInt8 = 1

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(Self.version)
        id.encode(to: &writer)
        model.encode(to: &writer)
        writer.writeInteger(UInt16(inputs.count))
        for input in inputs {
            switch input {
            case .text(let text):
                writer.writeInteger(UInt8(0))
                writer.writeBytes32(Array(text.utf8))
            case .tokens(let tokens):
                writer.writeInteger(UInt8(1))
                writer.writeTokens(tokens)
            }
        }
        writer.writeInteger(hops)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == Self.version else {
            throw .unsupportedVersion(field: "embedding request version", value: Int(version))
        }
        id = try RequestID(from: &reader)
        model = try ModelDigest(from: &reader)
        let count = try reader.readCount16(field: "texts", limit: MeshLimits.embeddingInputsMax)
        guard count >= 1 else { throw .invalid(field: "texts") }
        inputs = []
        for _ in 0..<count {
            switch try reader.readUInt8() {
            case 0: inputs.append(.text(try reader.readText32(field: "text")))
            case 1: inputs.append(.tokens(try reader.readTokens(field: "tokens")))
            default: throw .invalid(field: "kind of text")
            }
        }
        hops = try reader.readUInt8()
    }
}

/// The vector of one text.
public struct Embedding: Sendable, Equatable {
    /// Which text of the request, from 0.
    public var index: UInt32
    /// How many tokens the text has.
    public var tokens: UInt32
    /// The vector, 1...``MeshLimits/embeddingElementsMax`` elements, all finite.
    public var vector: [Float]

    /// A vector as given.
    public init(index: UInt32, tokens: UInt32, vector: [Float]) {
        self.index = index
        self.tokens = tokens
        self.vector = vector
    }
}

extension Embedding: WireCodable {
    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(index)
        writer.writeInteger(tokens)
        writer.writeInteger(UInt32(vector.count))
        for element in vector { writer.writeFloat(element) }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        index = try reader.readInteger()
        tokens = try reader.readInteger()
        let count = Int(try reader.readInteger(as: UInt32.self))
        guard 1...MeshLimits.embeddingElementsMax ~= count else {
            throw .tooLarge(
                field: "embedding", value: count, limit: MeshLimits.embeddingElementsMax)
        }
        // Checked before the allocation: four bytes must follow for each.
        guard count * 4 <= reader.remaining else { throw .truncated }
        vector = []
        vector.reserveCapacity(count)
        for _ in 0..<count {
            let element = try reader.readFloat()
            guard element.isFinite else { throw .invalid(field: "embedding") }
            vector.append(element)
        }
    }
}
