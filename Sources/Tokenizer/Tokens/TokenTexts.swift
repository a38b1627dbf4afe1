/// The bytes of every token one after the other: much smaller than an array for each.
struct TokenTexts: Sendable {
    private var storage: [UInt8] = []
    private var ends: [Int32] = []

    /// Room for `count` tokens.
    init(capacity count: Int) {
        ends.reserveCapacity(count)
        storage.reserveCapacity(count * 8)
    }

    /// Adds the bytes of the next token.
    mutating func append(_ bytes: some Collection<UInt8>) {
        storage.append(contentsOf: bytes)
        ends.append(Int32(clamping: storage.count))
    }

    /// The bytes of a token; none for one that isn't there.
    subscript(token: Int32) -> [UInt8] {
        guard token >= 0, token < ends.count else { return [] }
        let start = token == 0 ? 0 : Int(ends[Int(token) - 1])
        return Array(storage[start..<Int(ends[Int(token)])])
    }
}
