/// Finds, among elements with a key and a weight, those with the lowest keys that together reach a
/// wanted weight, without sorting: by counting weights per digit of the key, highest digit first.
/// Linear in the number of elements, whatever their values. Of equal keys the earlier elements count
/// first; so results have no other order than the elements', and sums are of whole numbers.
struct Selector {
    /// Where the wanted weight is reached.
    struct Border {
        /// The key of the last element needed.
        var key: UInt32
        /// The weight still needed from elements with just that key.
        var remaining: UInt64
    }

    private static let digits: [(shift: UInt32, bits: UInt32)] = [(21, 11), (10, 11), (0, 10)]
    private var keys: [UInt32] = []
    private var sums: [UInt64] = []

    /// Sets the keys of `count` elements.
    @inline(__always)
    mutating func load(_ count: Int, key: (Int) -> UInt32) {
        if keys.count != count { keys = [UInt32](repeating: 0, count: count) }
        keys.withUnsafeMutableBufferPointer { keys in
            for place in 0..<count { keys[place] = key(place) }
        }
    }

    /// The border at which the weights reach `wanted`; nil if all together do not.
    @inline(__always)
    mutating func border(wanted: UInt64, weight: (Int) -> UInt64) -> Border? {
        if sums.isEmpty { sums = [UInt64](repeating: 0, count: 1 << 11) }
        var prefix: UInt32 = 0
        var remaining = wanted
        for (shift, bits) in Self.digits {
            let found = keys.withUnsafeBufferPointer { keys in
                sums.withUnsafeMutableBufferPointer { sums -> UInt32? in
                    sums.update(repeating: 0)
                    let above = shift + bits
                    for place in keys.indices
                    where UInt64(keys[place]) >> above == UInt64(prefix) {
                        sums[Int(keys[place] >> shift & (1 << bits - 1))] &+= weight(place)
                    }
                    for digit in 0..<(1 << Int(bits)) {
                        if remaining <= sums[digit], sums[digit] > 0 { return UInt32(digit) }
                        remaining -= min(remaining, sums[digit])
                    }
                    return nil
                }
            }
            guard let found else { return nil }
            prefix = prefix << bits | found
        }
        return Border(key: prefix, remaining: remaining)
    }

    /// Calls `body` with the elements before `border` and as many at it as are needed, in order.
    @inline(__always)
    func kept(_ border: Border, weight: (Int) -> UInt64, _ body: (Int) -> Void) {
        var taken: UInt64 = 0
        for place in keys.indices where keys[place] <= border.key {
            if keys[place] == border.key {
                guard taken < border.remaining else { continue }
                taken += weight(place)
            }
            body(place)
        }
    }
}
