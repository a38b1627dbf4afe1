import CSodium
import Synchronization

/// Locked memory for short secrets that come and go: keys of sessions, of which a node holds
/// thousands. `sodium_malloc` for each would cost four pages and several system calls; here one
/// call serves a slab of slots.
///
/// Slots are wiped as they come back. Slabs are never given back: the pool is as large as the most
/// secrets that ever lived at once.
final class SecretPool: Sendable {
    /// The process's.
    static let shared = SecretPool()

    /// A slot's address. It is owned by one ``SecretBytes`` from `take` to `giveBack`.
    struct Slot: @unchecked Sendable {
        let address: UnsafeMutableRawPointer
    }

    private let free = Mutex<[Slot]>([])

    func take() -> Slot {
        free.withLock { free in
            if free.isEmpty { free = Self.slab() }
            return free.removeLast()
        }
    }

    func giveBack(_ slot: Slot) {
        sodium_memzero(slot.address, SecretLimits.pooledBytesMax)
        free.withLock { $0.append(slot) }
    }

    /// How many slots are free, for tests.
    var freeSlots: Int { free.withLock { $0.count } }

    private static func slab() -> [Slot] {
        let size = SecretLimits.poolSlabBytes
        guard Sodium.ready, let memory = sodium_malloc(size) else {
            preconditionFailure("no memory for a key")
        }
        // `memory` has `size` bytes, so that each slot lies within; libsodium fills them with junk.
        sodium_memzero(memory, size)
        return stride(from: 0, to: size, by: SecretLimits.pooledBytesMax).map {
            Slot(address: memory + $0)
        }
    }
}
