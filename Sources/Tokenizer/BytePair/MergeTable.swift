/// The merges of a byte-pair vocabulary: which two symbols join, how early, and to which.
///
/// Hashed with a seed drawn per process, so that a vocabulary can't be made whose pairs collide.
/// The seed has no influence on any answer.
struct MergeTable: Sendable {
    private struct Slot: Sendable {
        /// Left symbol in the high half, right one in the low; all bits set in a free slot.
        var key = UInt64.max
        var rank: UInt32 = 0
        var result: Int32 = 0
    }

    private var slots: [Slot]
    private let mask: Int
    private let seed: UInt64

    /// A table with room for `capacity` merges.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        mask = size - 1
        var hasher = Hasher()
        hasher.combine(size)
        seed = UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// Adds a merge; of two for the same pair the first counts.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int, result: Int32) {
        let key = Self.key(left, right)
        let index = slot(for: key)
        guard slots[index].key != key else { return }
        slots[index] = Slot(key: key, rank: UInt32(truncatingIfNeeded: rank), result: result)
    }

    /// What `left` and `right` make.
    func merge(_ left: Int32, _ right: Int32) -> (order: UInt32, id: Int32)? {
        guard left >= 0, right >= 0 else { return nil }
        let key = Self.key(left, right)
        let found = slots[slot(for: key)]
        return found.key == key ? (found.rank, found.result) : nil
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The slot that holds `key`, or the free one where it would go. There is one: the table is at
    /// most half full.
    private func slot(for key: UInt64) -> Int {
        // The finaliser of MurmurHash3 (Appleby), over the key and the seed.
        var mixed = key ^ seed
        mixed = (mixed ^ (mixed >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ (mixed >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        var index = Int(truncatingIfNeeded: mixed ^ (mixed >> 33)) & mask
        while slots[index].key != key, slots[index].key != .max { index = (index + 1) & mask }
        return index
    }
}
