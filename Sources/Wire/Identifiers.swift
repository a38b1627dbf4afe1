/// A 256-bit value whose meaning is its `Kind`: a node, a mesh, a model.
///
/// Kept as four words rather than an array: identifiers are dictionary keys on every path.
public struct Identifier<Kind>: Hashable, Comparable, Sendable {
    @usableFromInline let word0: UInt64
    @usableFromInline let word1: UInt64
    @usableFromInline let word2: UInt64
    @usableFromInline let word3: UInt64

    /// Equal in all words.
    @inlinable public static func == (left: Self, right: Self) -> Bool {
        left.word0 == right.word0 && left.word1 == right.word1 && left.word2 == right.word2
            && left.word3 == right.word3
    }

    /// Hashes all words.
    @inlinable public func hash(into hasher: inout Hasher) {
        hasher.combine(word0)
        hasher.combine(word1)
        hasher.combine(word2)
        hasher.combine(word3)
    }

    /// The width of every identifier, in bytes.
    public static var byteCount: Int { 32 }

    /// An identifier from exactly 32 bytes, or nil.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        (word0, word1, word2, word3) = words
    }

    /// An identifier for tests and simulations: `number` in the last eight bytes, zero before.
    public init(number: UInt64) { (word0, word1, word2, word3) = (0, 0, 0, number) }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        encode(to: &writer)
        return writer.bytes
    }

    /// Byte order, as of unsigned big-endian numbers.
    @inlinable public static func < (left: Self, right: Self) -> Bool {
        (left.word0, left.word1, left.word2, left.word3)
            < (right.word0, right.word1, right.word2, right.word3)
    }

    /// 64 bits that stand for the identifier in tables and summaries: unlike `hashValue`, the same in
    /// every process. Each word is stirred in with SplitMix64's finaliser.
    @inlinable public var folded: UInt64 {
        let half = Self.stirred(Self.stirred(word0) ^ word1)
        return Self.stirred(Self.stirred(half ^ word2) ^ word3)
    }

    @inlinable static func stirred(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    /// All 64 hexadecimal digits.
    public var hex: String { hexadecimal(bytes) }

    /// The first 10 hexadecimal digits: enough to tell the members of a mesh apart in print.
    public var short: String { String(hex.prefix(10)) }

    /// An identifier from 64 hexadecimal digits, or nil.
    public init?(hex: String) {
        guard let bytes = hexadecimalBytes(hex) else { return nil }
        self.init(bytes)
    }
}

extension Identifier: CustomStringConvertible {
    /// The form for print.
    public var description: String { short }
}

extension Identifier: WireCodable {
    /// See ``WireCodable/encode(to:)``.
    @inlinable public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(word0)
        writer.writeInteger(word1)
        writer.writeInteger(word2)
        writer.writeInteger(word3)
    }

    /// See ``WireCodable/init(from:)``.
    @inlinable public init(from reader: inout ByteReader) throws(WireError) {
        word0 = try reader.readInteger()
        word1 = try reader.readInteger()
        word2 = try reader.readInteger()
        word3 = try reader.readInteger()
    }
}

/// The kinds of ``Identifier``.
public enum IdentifierKind {
    /// See ``NodeID``.
    public enum Node {}
    /// See ``MeshID``.
    public enum Mesh {}
    /// See ``ModelDigest``.
    public enum Model {}
    /// See ``CertificateDigest``.
    public enum Certificate {}
    /// See ``LinkKey``.
    public enum Link {}
}

/// A node's name for ever: its Ed25519 public key.
public typealias NodeID = Identifier<IdentifierKind.Node>
/// A mesh's name for ever: the BLAKE2b digest of its genesis record.
public typealias MeshID = Identifier<IdentifierKind.Mesh>
/// A model's name: the root of a BLAKE2b tree over 1 MiB leaves of its file.
public typealias ModelDigest = Identifier<IdentifierKind.Model>
/// The BLAKE2b digest of a certificate chain's canonical bytes.
public typealias CertificateDigest = Identifier<IdentifierKind.Certificate>
/// A node's current X25519 public key, for links and datagrams. Replaced within 24 hours.
public typealias LinkKey = Identifier<IdentifierKind.Link>

/// A 128-bit random value: requests and process starts are named by one.
public struct Nonce128<Kind>: Hashable, Sendable {
    /// The first eight bytes.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    /// The value with these halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A value drawn from `generator`.
    public init(using generator: inout some RandomNumberGenerator) {
        self.init(high: generator.next(), low: generator.next())
    }

    /// All zero: stands for "not known yet".
    public static var zero: Self { Self(high: 0, low: 0) }

    /// The 16 bytes.
    public var bytes: [UInt8] { encoded }

    /// All 32 hexadecimal digits.
    public var hex: String { hexadecimal(bytes) }

    /// A value from 32 hexadecimal digits, or nil.
    public init?(hex: String) {
        guard let bytes = hexadecimalBytes(hex), let value = try? Self(decoding: bytes) else {
            return nil
        }
        self = value
    }
}

extension Nonce128: WireCodable, CustomStringConvertible {
    /// See ``WireCodable/encode(to:)``.
    @inlinable public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(high)
        writer.writeInteger(low)
    }

    /// See ``WireCodable/init(from:)``.
    @inlinable public init(from reader: inout ByteReader) throws(WireError) {
        high = try reader.readInteger()
        low = try reader.readInteger()
    }

    /// The form for print.
    public var description: String { hex }
}

extension IdentifierKind {
    /// See ``RequestID``.
    public enum Request {}
    /// See ``BootID``.
    public enum Boot {}
}

/// Names a request everywhere, and makes repeating it idempotent.
public typealias RequestID = Nonce128<IdentifierKind.Request>
/// Names one start of one node's process.
public typealias BootID = Nonce128<IdentifierKind.Boot>

/// Lower-case hexadecimal digits of `bytes`.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that hexadecimal digits of either case spell, or nil.
public func hexadecimalBytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let high = value(digits[index]), let low = value(digits[index + 1]) else {
            return nil
        }
        result.append(high << 4 | low)
    }
    return result
}
