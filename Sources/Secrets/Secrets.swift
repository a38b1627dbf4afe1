import CSodium

// Secrets: the only target that speaks to libsodium.
//
// Secret memory, random bytes, digests, the one cipher, key agreement, signatures and passphrases
// live here, as Noise and Trust need them. Lengths are checked before libsodium sees them, because
// it ends the process on some that are wrong. Nothing here knows a protocol.

/// Bounds of the primitives.
public enum SecretLimits {
    /// Bytes of a slot of the pool for short secrets: a BLAKE2b digest, the longest of them.
    public static let pooledBytesMax = 64
    /// Bytes of one piece of locked memory that the pool takes from the system.
    public static let poolSlabBytes = 16_384
    /// The longest passphrase, in bytes.
    public static let passphraseBytesMax = 1024
    /// The least memory that hashing a passphrase may be told to use: libsodium's "interactive".
    public static let passphraseMemoryBytesMin = 64 << 20
    /// The most memory: libsodium's "sensitive". A file that says more was not written by us, and
    /// would only exhaust the machine.
    public static let passphraseMemoryBytesMax = 1 << 30
    /// The fewest passes over that memory.
    public static let passphrasePassesMin = 2
    /// The most passes: some seconds with the most memory.
    public static let passphrasePassesMax = 8
}

/// libsodium, made ready once. `sodium_init` may be called from any thread, any number of times.
enum Sodium {
    static let ready: Bool = sodium_init() >= 0
}

/// The version of the libsodium that this process runs with, such as `1.0.18`.
public var libsodiumVersion: String { String(cString: sodium_version_string()) }

/// Whether the system lets this process lock memory, so that no secret is written to swap space.
/// Tries it with one slab; what libsodium locks later it locks without saying whether it could.
public func canLockMemory() -> Bool {
    guard Sodium.ready, let probe = sodium_malloc(SecretLimits.poolSlabBytes) else { return false }
    defer { sodium_free(probe) }
    // Locked already by `sodium_malloc` if it may be; doing it again tells whether.
    return sodium_mlock(probe, SecretLimits.poolSlabBytes) == 0
}

/// Bytes from libsodium's random source, for names and nonces. Keys are made where they stay:
/// ``SecretBytes/random(_:in:)``.
public func randomBytes(_ count: Int) -> [UInt8] {
    _ = Sodium.ready
    var bytes = [UInt8](repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
}

/// Whether two byte strings are equal, in a time that tells nothing about where they differ.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && sodium_memcmp(left, right, left.count) == 0
}

/// Overwrites a secret that had to be in an array. Copies of the array that share its storage keep
/// theirs: the caller holds the only one.
public func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { buffer in
        // An empty array may have no address; there is nothing to wipe then.
        if let start = buffer.baseAddress { sodium_memzero(start, buffer.count) }
    }
}

/// Overwrites working memory that held a secret.
public func wipe(_ memory: UnsafeMutableRawBufferPointer) {
    // The address goes with its length; without one there is nothing to wipe.
    if let start = memory.baseAddress { sodium_memzero(start, memory.count) }
}
