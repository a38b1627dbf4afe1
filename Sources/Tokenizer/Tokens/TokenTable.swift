/// Token ids by their bytes: an open-addressing table that is asked with a slice of the text, so
/// that a lookup allocates nothing.
///
/// Hashed with `Hasher`, whose seed is drawn per process: a vocabulary can't be made so that its
/// tokens collide. The seed has no influence on any answer.
struct TokenTable: Sendable {
    private var storage: [UInt8] = []
    /// Start and length in `storage`, and the id; the length is -1 in a free slot.
    private var slots: [(start: Int, count: Int32, id: Int32)]
    private var mask: Int
    private var used = 0
    /// The longest token in the table, in bytes.
    private(set) var longest = 0

    /// A table with room for `capacity` tokens.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: (0, -1, 0), count: size)
        mask = size - 1
    }

    /// Adds a token; one with the same bytes is replaced, as other readers of such vocabularies do.
    mutating func insert(_ bytes: [UInt8], id: Int32) {
        guard !bytes.isEmpty else { return }
        let index = bytes.withUnsafeBytes { slot(for: $0) }
        if slots[index].count < 0 {
            slots[index] = (storage.count, Int32(truncatingIfNeeded: bytes.count), id)
            storage.append(contentsOf: bytes)
            longest = max(longest, bytes.count)
            used += 1
            if used * 2 > slots.count { grow() }
        } else {
            slots[index].id = id
        }
    }

    /// The id of `bytes[range]`, which is added with the next free id where it isn't there.
    mutating func intern(_ bytes: [UInt8], _ range: Range<Int>, _ nextID: inout Int32) -> Int32 {
        let found = bytes.withUnsafeBytes {
            id(of: UnsafeRawBufferPointer(rebasing: $0[range]))
        }
        if let found { return found }
        insert(Array(bytes[range]), id: nextID)
        defer { nextID += 1 }
        return nextID
    }

    /// The id of the token with these bytes.
    func id(of bytes: UnsafeRawBufferPointer) -> Int32? {
        guard bytes.count <= longest, !bytes.isEmpty else { return nil }
        let found = slots[slot(for: bytes)]
        return found.count < 0 ? nil : found.id
    }

    /// Doubles the number of slots.
    private mutating func grow() {
        let old = slots
        slots = Array(repeating: (0, -1, 0), count: old.count * 2)
        mask = slots.count - 1
        for entry in old where entry.count >= 0 {
            let index = storage.withUnsafeBytes { stored in
                slot(
                    for: UnsafeRawBufferPointer(
                        rebasing: stored[entry.start..<entry.start + Int(entry.count)]))
            }
            slots[index] = entry
        }
    }

    /// Whether `bytes` stand at `start` of `stored`, which holds as many there.
    private static func equal(
        _ bytes: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer, _ start: Int
    ) -> Bool {
        for index in bytes.indices where bytes[index] != stored[start + index] { return false }
        return true
    }

    /// The slot that holds `bytes`, or the free one where they would go. There is one: the table
    /// is at most half full.
    private func slot(for bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        var index = hasher.finalize() & mask
        return storage.withUnsafeBytes { stored in
            while slots[index].count >= 0 {
                let (start, count, _) = slots[index]
                if count == bytes.count, Self.equal(bytes, stored, start) { return index }
                index = (index + 1) & mask
            }
            return index
        }
    }
}
