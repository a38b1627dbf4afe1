import CSodium

/// Secret bytes of fixed value, in memory that the system is asked to keep out of swap space and
/// of core dumps, wiped when the last reference goes. Never shown.
public final class SecretBytes: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// Where a secret lies.
    public enum Place: Sendable {
        /// In pages of its own, fenced by pages that nobody may touch and read-only once filled: for
        /// the few keys that live as long as the process. Costs four pages and several system calls.
        case guarded
        /// In a slot of a locked slab, beside others: for the keys of sessions, of which there are
        /// many. At most ``SecretLimits/pooledBytesMax`` bytes; longer ones are guarded.
        case pooled
    }

    // Written once in `init` and only read after; the class owns the memory until `deinit`.
    private nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    /// Where the memory goes back to; nil for pages of its own.
    private let pool: SecretPool?
    /// How many bytes there are.
    public let count: Int

    /// A secret of `count` bytes, at least one, which `fill` writes where they stay. They are zero
    /// before.
    public convenience init<E: Error>(
        count: Int, in place: Place = .guarded,
        fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try self.init(
            count: count, in: place,
            write: { start throws(E) in
                try fill(UnsafeMutableRawBufferPointer(start: start, count: count))
            })
    }

    /// The same for calls of libsodium, which take an address: `fill` gets that of `count` bytes.
    init<E: Error>(
        count: Int, in place: Place, pool shared: SecretPool = .shared,
        write fill: (UnsafeMutablePointer<UInt8>) throws(E) -> Void
    ) throws(E) {
        precondition(count > 0, "a secret is not empty")
        pool = place == .pooled && count <= SecretLimits.pooledBytesMax ? shared : nil
        self.count = count
        if let pool {
            memory = pool.take().address
        } else {
            guard Sodium.ready, let memory = sodium_malloc(count) else {
                preconditionFailure("no memory for a key")
            }
            sodium_memzero(memory, count)
            self.memory = memory
        }
        // `memory` has at least `count` bytes and nobody else knows it yet.
        try fill(memory.bindMemory(to: UInt8.self, capacity: count))
        if pool == nil { sodium_mprotect_readonly(memory) }
    }

    /// A copy of `bytes`, which the caller may then ``wipe(_:)``.
    public convenience init(_ bytes: some Collection<UInt8>, in place: Place = .guarded) {
        self.init(count: bytes.count, in: place) { $0.copyBytes(from: bytes) }
    }

    /// New random bytes.
    public static func random(_ count: Int, in place: Place = .guarded) -> SecretBytes {
        _ = Sodium.ready
        return SecretBytes(count: count, in: place, write: { randombytes_buf($0, count) })
    }

    deinit {
        if let pool {
            pool.giveBack(SecretPool.Slot(address: memory))
        } else {
            sodium_free(memory)
        }
    }

    /// The bytes, valid while `body` runs.
    public func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// The address of the first byte, valid as long as the object. For calls of libsodium here.
    var start: UnsafePointer<UInt8> {
        UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
    }

    /// A copy of the bytes, to be written to disk or to the wire; the caller wipes it.
    public func copy() -> [UInt8] { withUnsafeBytes { Array($0) } }

    /// What follows from the secret for one purpose and may be shown, such as a name: see
    /// ``derived(_:_:count:in:)``.
    public func derive(_ domain: String, _ context: [UInt8] = [], length: Int) -> [UInt8] {
        // libsodium makes no BLAKE2b digest of fewer than 16 bytes.
        Array(
            blake2b(domain: domain, context, key: self, length: max(length, 16)).prefix(length))
    }

    /// The secret that follows from this one for one purpose: BLAKE2b keyed with it over the
    /// purpose's name, a zero byte and `context`. 16 to 64 bytes.
    public func derived(
        _ domain: String, _ context: [UInt8] = [], count: Int = 32, in place: Place = .pooled
    ) -> SecretBytes {
        SecretBytes(count: count, in: place) { output in
            let message = Array(domain.utf8) + [0] + context
            message.withUnsafeBytes { message in
                withUnsafeBytes { digest(message, key: $0, into: output) }
            }
        }
    }

    /// Compares in constant time.
    public static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        left.count == right.count && sodium_memcmp(left.memory, right.memory, left.count) == 0
    }

    /// Never shows the bytes.
    public var description: String { "SecretBytes(redacted)" }
    /// Never shows the bytes.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
