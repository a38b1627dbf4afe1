/// A secret of 256 bits that two ends share: a key of a cipher, or what such keys grow from.
///
/// Kept as four words rather than an array: there are two for each peer, and one is read for each
/// datagram. It is never shown.
public struct SymmetricKey: Equatable, Sendable {
    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    /// The width of every key, in bytes.
    public static var byteCount: Int { 32 }

    /// The key whose bytes are those of four words in memory.
    public init(words: (UInt64, UInt64, UInt64, UInt64)) { (word0, word1, word2, word3) = words }

    /// The key of exactly 32 bytes, or nil.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
        self.init(words: words)
    }

    /// The four words.
    public var words: (UInt64, UInt64, UInt64, UInt64) { (word0, word1, word2, word3) }

    /// The 32 bytes, valid while `body` runs: for a cipher written in C.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        // Four words without padding are 32 bytes.
        try Swift.withUnsafeBytes(of: words) { try body($0) }
    }
}

extension SymmetricKey: CustomStringConvertible, CustomReflectable {
    /// Never shows the key.
    public var description: String { "SymmetricKey(redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
