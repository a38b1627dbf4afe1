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
    private var inside: [Int] = []

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
        var remaining = wanted
        var key: UInt32 = 0
        // All elements for the highest digit; then those that share the border's digits so far.
        clear()
        keys.withUnsafeBufferPointer { keys in
            sums.withUnsafeMutableBufferPointer { sums in
                for place in keys.indices {
                    sums[Int(keys[place] >> Self.digits[0].shift)] &+= weight(place)
                }
            }
        }
        for (level, (shift, bits)) in Self.digits.enumerated() {
            if level > 0 {
                clear()
                for place in inside {
                    sums[Int(keys[place] >> shift & (1 << bits - 1))] &+= weight(place)
                }
            }
            guard let digit = reached(&remaining) else { return nil }
            key = key << bits | digit
            if level == 0 {
                inside.removeAll(keepingCapacity: true)
                for place in keys.indices where keys[place] >> shift == key { inside.append(place) }
            } else {
                inside.removeAll { keys[$0] >> shift != key }
            }
        }
        return Border(key: key, remaining: remaining)
    }

    private mutating func clear() {
        if sums.isEmpty {
            sums = [UInt64](repeating: 0, count: 1 << 11)
        } else {
            sums.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        }
    }

    /// The digit at which the sums reach `remaining`, from which those before are taken off.
    private func reached(_ remaining: inout UInt64) -> UInt32? {
        for (digit, sum) in sums.enumerated() {
            if remaining <= sum, sum > 0 { return UInt32(digit) }
            remaining -= sum
        }
        return nil
    }

    /// Calls `body` with the elements before `border` and as many at it as are needed, in order.
    @inline(__always)
    func kept(_ border: Border, weight: (Int) -> UInt64, _ body: (Int) -> Void) {
        var taken: UInt64 = 0
        keys.withUnsafeBufferPointer { keys in
            for place in keys.indices where keys[place] <= border.key {
                if keys[place] == border.key {
                    guard taken < border.remaining else { continue }
                    taken += weight(place)
                }
                body(place)
            }
        }
    }
}
