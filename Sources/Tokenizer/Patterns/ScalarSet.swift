/// What one position of a pattern accepts: categories and ranges of scalars, or all but those.
struct ScalarSet: Hashable, Sendable {
    /// Bits of ``UnicodeCategory``.
    var categories: UInt32 = 0
    /// Scalars accepted besides.
    var ranges: [ClosedRange<UInt32>] = []
    /// Whether it accepts what is in neither.
    var isNegated = false

    /// One scalar, in either case where the pattern says so.
    static func literal(_ scalar: Unicode.Scalar, ignoringCase: Bool) -> ScalarSet {
        var set = ScalarSet(ranges: [scalar.value...scalar.value])
        guard ignoringCase else { return set }
        switch scalar.value {
        case 0x41...0x5A: set.ranges.append(scalar.value + 32...scalar.value + 32)
        case 0x61...0x7A: set.ranges.append(scalar.value - 32...scalar.value - 32)
        default: break
        }
        // The two letters outside ASCII whose case folds to one inside: long s and the kelvin sign.
        if scalar == "s" || scalar == "S" { set.ranges.append(0x17F...0x17F) }
        if scalar == "k" || scalar == "K" { set.ranges.append(0x212A...0x212A) }
        return set
    }

    /// `\s`.
    static var whiteSpace: ScalarSet {
        ScalarSet(
            categories: UnicodeCategory.bits(named: "Z") ?? 0,
            ranges: UnicodeCategory.whiteSpaceRanges)
    }

    /// `\d`.
    static var digits: ScalarSet {
        ScalarSet(categories: UnicodeCategory.bits(named: "Nd") ?? 0)
    }

    /// Everything that `other` accepts too, which must not be negated.
    mutating func formUnion(_ other: ScalarSet) {
        categories |= other.categories
        ranges.append(contentsOf: other.ranges)
    }
}
