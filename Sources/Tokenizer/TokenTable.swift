/// Token ids by their bytes: an open-addressing table that is asked with a slice of the text, so
/// that a lookup allocates nothing.
///
/// Hashed with `Hasher`, whose seed is drawn per process: a vocabulary can't be made so that its
/// tokens collide. The seed has no influence on any answer.
struct TokenTable: Sendable {
    private var storage: [UInt8] = []
    /// Start and length in `storage`, and the id; the length is -1 in a free slot.
    private var slots: [(start: Int, count: Int, id: Int32)]
    private let mask: Int
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
            slots[index] = (storage.count, bytes.count, id)
            storage.append(contentsOf: bytes)
            longest = max(longest, bytes.count)
        } else {
            slots[index].id = id
        }
    }

    /// The id of the token with these bytes.
    func id(of bytes: UnsafeRawBufferPointer) -> Int32? {
        guard bytes.count <= longest else { return nil }
        let found = slots[slot(for: bytes)]
        return found.count < 0 ? nil : found.id
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
                if count == bytes.count,
                    bytes.elementsEqual(stored[start..<start + count])
                {
                    return index
                }
                index = (index + 1) & mask
            }
            return index
        }
    }
}
