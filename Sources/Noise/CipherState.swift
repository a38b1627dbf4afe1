import CSodium

/// One direction of a session's cipher: section 5.1's CipherState.
public struct CipherState: Sendable, CustomStringConvertible, CustomReflectable {
    private var key: WipedKey

    /// The number of the next message. The last that works is 2^64 − 2: the one above is kept for
    /// ``rekey()``.
    public private(set) var nonce: UInt64 = 0

    init(key: [UInt8]) { self.key = WipedKey(key) }

    /// A cipher at a given message number, for tests of what happens at the last ones.
    init(key: [UInt8], nonce: UInt64) {
        self.key = WipedKey(key)
        self.nonce = nonce
    }

    /// The ciphertext of `plaintext`: 16 bytes longer.
    public mutating func seal(
        _ plaintext: [UInt8], associatedData: [UInt8] = []
    ) throws(NoiseError) -> [UInt8] {
        guard nonce < .max else { throw .nonceExhausted }
        defer { nonce += 1 }
        return Primitives.encrypt(
            key: key, counter: nonce, associatedData: associatedData, plaintext)
    }

    /// The plaintext of `ciphertext`. A failure leaves the message number as it was.
    public mutating func open(
        _ ciphertext: [UInt8], associatedData: [UInt8] = []
    ) throws(NoiseError) -> [UInt8] {
        guard nonce < .max else { throw .nonceExhausted }
        let plaintext = try Primitives.decrypt(
            key: key, counter: nonce, associatedData: associatedData, ciphertext)
        nonce += 1
        return plaintext
    }

    /// Replaces the key by a one-way function of itself (section 4.2). The message number goes on.
    public mutating func rekey() {
        var output = Primitives.encrypt(
            key: key, counter: .max, associatedData: [],
            [UInt8](repeating: 0, count: NoiseLimits.keyBytes))
        key = WipedKey(output.prefix(NoiseLimits.keyBytes))
        sodium_memzero(&output, output.count)
    }

    /// Never shows the key.
    public var description: String { "CipherState(redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A key that is wiped when the last cipher that uses it goes. It never changes, so that copies of
/// a ``CipherState`` may share it.
final class WipedKey: Sendable {
    // Written once in `init` and only read after; the class owns the memory until `deinit`.
    private nonisolated(unsafe) let memory: UnsafeMutablePointer<UInt8>

    init(_ bytes: some Collection<UInt8>) {
        precondition(bytes.count == NoiseLimits.keyBytes, "a cipher key has 32 bytes")
        memory = .allocate(capacity: NoiseLimits.keyBytes)
        for (index, byte) in bytes.enumerated() { (memory + index).initialize(to: byte) }
    }

    deinit {
        sodium_memzero(memory, NoiseLimits.keyBytes)
        memory.deallocate()
    }

    /// The key, valid while `body` runs.
    func withBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R { body(memory) }
}
