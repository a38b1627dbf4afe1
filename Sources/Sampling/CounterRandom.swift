/// Random numbers that are a function of their place: Philox4x32-10 (Salmon et al., "Parallel
/// random numbers: as easy as 1, 2, 3", 2011).
///
/// The key is the request's seed, low half first; the counter is (index, choice, 0, 0), where index
/// counts the tokens of one choice. So the draw for a token needs no draw before it, and a
/// continuation on another machine makes the same one.
public struct CounterRandom: Sendable {
    private let key: (UInt32, UInt32)
    private let choice: UInt32

    /// The numbers of one choice of one request.
    public init(seed: UInt64, choice: UInt32) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.choice = choice
    }

    /// 64 random bits for the token at `index`: the first output word above the second.
    public func bits(index: UInt32) -> UInt64 {
        let words = Self.philox(counter: (index, choice, 0, 0), key: key)
        return UInt64(words.0) << 32 | UInt64(words.1)
    }

    /// One block of Philox4x32 with ten rounds.
    static func philox(
        counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var counter = counter
        var key = key
        for _ in 0..<10 {
            let first = counter.0.multipliedFullWidth(by: 0xD251_1F53)
            let second = counter.2.multipliedFullWidth(by: 0xCD9E_8D57)
            counter = (
                second.high ^ counter.1 ^ key.0, second.low, first.high ^ counter.3 ^ key.1,
                first.low
            )
            // The fractions of the golden ratio and of √3 − 1, as the paper chose them.
            key = (key.0 &+ 0x9E37_79B9, key.1 &+ 0xBB67_AE85)
        }
        return counter
    }
}
