import Sampling

/// The masks of the situations met last, for one vocabulary.
struct MaskMemory {
    private var vocabulary: ObjectIdentifier?
    private var masks: [Int32: (mask: TokenMask, used: UInt64)] = [:]
    private var clock: UInt64 = 0

    /// The mask of `situation`, if it is remembered.
    mutating func mask(_ situation: Int32, of trie: TokenTrie) -> TokenMask? {
        if vocabulary != ObjectIdentifier(trie) {
            vocabulary = ObjectIdentifier(trie)
            masks = [:]
        }
        guard let mask = masks[situation]?.mask else { return nil }
        clock += 1
        masks[situation]?.used = clock
        return mask
    }

    /// Remembers a mask, and forgets the one not used for longest if there are too many.
    mutating func remember(_ mask: TokenMask, _ situation: Int32) {
        if masks.count >= GrammarLimits.masksMax,
            let oldest = masks.min(by: { $0.value.used < $1.value.used })
        {
            masks[oldest.key] = nil
        }
        clock += 1
        masks[situation] = (mask, clock)
    }
}
