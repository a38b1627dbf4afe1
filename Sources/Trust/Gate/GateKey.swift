public import Secrets
public import Wire

/// Bytes of the name by which a preamble says which pre-shared key it was made with.
public let keyIDBytes = 8

/// The mesh's flood filter: a pre-shared key without which a link's first message is not even
/// answered. It is never authority; certificates are.
public struct GateKey: Sendable, Equatable, WireCodable, CustomStringConvertible, CustomReflectable
{
    /// Orders the keys of a mesh: of two, the greater epoch is the one to use. Two issuers that roll
    /// the key at once make two epochs of one counter; the greater issuer wins at every member.
    public struct Epoch: Sendable, Hashable, Comparable {
        /// Counts the rolls.
        public let counter: UInt64
        /// Who rolled it.
        public let issuer: NodeID

        /// An epoch as given.
        public init(counter: UInt64, issuer: NodeID) {
            self.counter = counter
            self.issuer = issuer
        }

        /// By counter, then issuer.
        public static func < (left: Self, right: Self) -> Bool {
            (left.counter, left.issuer) < (right.counter, right.issuer)
        }
    }

    /// Which key of the mesh's this is.
    public let epoch: Epoch
    /// The 8 bytes that name the key in a preamble and in datagrams.
    public let keyID: [UInt8]
    private let secret: SecretBytes

    /// A new key from libsodium's random source.
    public static func generate(epoch: Epoch) -> GateKey {
        GateKey(epoch: epoch, secret: .random(32, in: .pooled))
    }

    private init(epoch: Epoch, secret: SecretBytes) {
        self.epoch = epoch
        self.secret = secret
        keyID = secret.derive("shoal gate id v1", length: keyIDBytes)
    }

    /// The pre-shared key of the member lane.
    public var preSharedSecret: SecretBytes { secret.derived("shoal gate psk v1") }

    /// What is signed of the secret: BLAKE2b keyed with it, from which it can't be found, and which no
    /// other secret gives.
    var commitment: [UInt8] { secret.derive("shoal gate commitment v1", length: 32) }

    /// The 8 bytes that stand for `node` in the clear header of its datagrams: members can tell
    /// who it is, others can't.
    public func senderHint(of node: NodeID) -> [UInt8] {
        secret.derive("shoal hint v1", node.bytes, length: 8)
    }

    /// The number by which a member tells the mesh of the beginning of a prompt that it has cached:
    /// 64 bits of BLAKE2b under a key of the mesh's, over the model, whose requests find it, and
    /// its tokens.
    ///
    /// What a member learns from it: somebody who guesses all tokens of a beginning, and whose it
    /// is, can see whether the guess is right; nothing can be read off. Who is no member can't even
    /// guess. Of prompts that share nothing with one's own nothing shows but that there are some.
    public func prefixDigest(model: ModelDigest, caller: String, tokens: [Int32]) -> UInt64 {
        var writer = ByteWriter(capacity: 64 + 4 * tokens.count)
        model.encode(to: &writer)
        writer.writeString16(caller)
        for token in tokens { writer.writeInteger(UInt32(bitPattern: token)) }
        return secret.derive("shoal prefix v1", writer.bytes, length: 8)
            .reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Version 1, counter (64 bits), issuer, the secret's 32 bytes. The encoding holds the secret.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        writer.writeInteger(epoch.counter)
        epoch.issuer.encode(to: &writer)
        secret.withUnsafeBytes { writer.writeBytes($0) }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "gate key version", value: Int(version))
        }
        let counter: UInt64 = try reader.readInteger()
        // So that there is always a next one.
        guard counter < .max else { throw .invalid(field: "gate key counter") }
        let issuer = try NodeID(from: &reader)
        self.init(
            epoch: Epoch(counter: counter, issuer: issuer),
            secret: SecretBytes(try reader.readBytes(32), in: .pooled))
    }

    /// Compares in constant time.
    public static func == (left: Self, right: Self) -> Bool {
        left.epoch == right.epoch && left.secret == right.secret
    }

    /// Never shows the key.
    public var description: String { "GateKey(epoch \(epoch.counter), redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
