/// Guesses what follows a sequence from what followed the same words before ("prompt lookup":
/// Saxena 2023; "LLMA": Yang et al., "Inference with Reference", 2023). Pure.
enum NGramDrafter {
    /// Up to `count` tokens that followed the latest earlier place that ends in the same tokens as
    /// the sequence does: the longest such end, of those the latest place. Empty where not even
    /// ``SpeculationLimits/matchMin`` tokens are alike.
    static func draft(after tokens: [Int32], count: Int) -> [Int32] {
        let end = tokens.count
        guard count > 0, end > SpeculationLimits.matchMin else { return [] }
        var best = (length: SpeculationLimits.matchMin - 1, place: 0)
        let oldest = max(0, end - SpeculationLimits.lookBackMax)
        tokens.withUnsafeBufferPointer { tokens in
            var place = end - 1
            while place > oldest, best.length < SpeculationLimits.matchMax {
                var length = 0
                while length < SpeculationLimits.matchMax, place - 1 - length >= oldest,
                    tokens[place - 1 - length] == tokens[end - 1 - length]
                {
                    length += 1
                }
                if length > best.length { best = (length, place) }
                place -= 1
            }
        }
        guard best.length >= SpeculationLimits.matchMin else { return [] }
        return Array(tokens[best.place..<min(best.place + count, end)])
    }
}
