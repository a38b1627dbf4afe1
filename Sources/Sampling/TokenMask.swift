/// A set of token ids: those that a constraint allows next.
public struct TokenMask: Sendable, Hashable {
    /// Ids from 0 to below this may be in the set.
    public let count: Int
    /// The set, 64 ids a word, the lowest id in the lowest bit. Bits from `count` on are 0.
    public private(set) var words: [UInt64]

    /// The empty set, or that of all ids, of a vocabulary of `count` tokens.
    public init(count: Int, all: Bool = false) {
        self.count = max(0, count)
        words = [UInt64](repeating: all ? .max : 0, count: (self.count + 63) / 64)
        clearBeyondCount()
    }

    /// The set that `words` hold, as in ``words``; missing words are 0, bits from `count` on and
    /// words too many are dropped.
    public init(count: Int, words: [UInt64]) {
        self.init(count: count)
        for place in self.words.indices.prefix(words.count) { self.words[place] = words[place] }
        clearBeyondCount()
    }

    private mutating func clearBeyondCount() {
        if count % 64 > 0 { words[words.count - 1] &= (1 << UInt64(count % 64)) - 1 }
    }

    /// Whether `id` is in the set; an id of another vocabulary is not.
    public func contains(_ id: Int32) -> Bool {
        guard id >= 0, Int(id) < count else { return false }
        return words[Int(id) / 64] & (1 << UInt64(id % 64)) != 0
    }

    /// Adds `id`; an id of another vocabulary is ignored.
    public mutating func insert(_ id: Int32) {
        guard id >= 0, Int(id) < count else { return }
        words[Int(id) / 64] |= 1 << UInt64(id % 64)
    }

    /// Removes `id`, if it is there.
    public mutating func remove(_ id: Int32) {
        guard id >= 0, Int(id) < count else { return }
        words[Int(id) / 64] &= ~(1 << UInt64(id % 64))
    }

    /// Whether no id is in the set.
    public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// How many ids are in the set.
    public var population: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The ids in the set, ascending.
    public var ids: [Int32] {
        var ids: [Int32] = []
        for (place, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                ids.append(Int32(place * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return ids
    }

    /// Adds the ids of `other` that this vocabulary has.
    public mutating func formUnion(_ other: TokenMask) {
        for place in words.indices.prefix(other.words.count) { words[place] |= other.words[place] }
        clearBeyondCount()
    }
}
