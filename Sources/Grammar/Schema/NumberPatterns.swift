/// Patterns of numbers within bounds, digit by digit.
enum NumberPatterns {
    /// A bound on a number.
    struct Bound: Equatable, Sendable {
        var value: DecimalNumber
        var isIncluded: Bool
    }

    /// Numbers between bounds, written without an exponent; whole ones without a point.
    static func number(
        from low: Bound?, to high: Bound?, isWhole: Bool
    ) -> Pattern {
        // Zero goes with the numbers above it; "-0" is never written.
        var parts: [Pattern] = []
        if high == nil || high?.value.isNegative == false {
            let least = low.flatMap { $0.value.isNegative ? nil : $0 }
            parts.append(magnitude(from: least, to: high, isWhole: isWhole))
        }
        if low == nil || low?.value.isNegative == true {
            // The highest is nearest zero; zero itself is left out.
            var least = Bound(value: .zero, isIncluded: false)
            if let high, high.value.isNegative { least = high }
            parts.append(
                .sequence([
                    .text("-"), magnitude(from: least, to: low, isWhole: isWhole),
                ]))
        }
        return .choice(parts)
    }

    /// Numbers without a sign, of which only the digits of the bounds count.
    private static func magnitude(from low: Bound?, to high: Bound?, isWhole: Bool) -> Pattern {
        var low = low ?? Bound(value: .zero, isIncluded: true)
        var high = high
        if isWhole {
            // The next whole number inside the bounds; nil where that has too many digits.
            guard let least = low.value.whole(above: !low.isIncluded) else { return .never }
            low = Bound(value: least, isIncluded: true)
            if let bound = high {
                guard let most = bound.value.whole(below: !bound.isIncluded) else {
                    return .never
                }
                high = Bound(value: most, isIncluded: true)
            }
        }
        if let high {
            let order = low.value.magnitudeCompared(to: high.value)
            guard order < 0 || (order == 0 && low.isIncluded && high.isIncluded) else {
                return .never
            }
        }
        var parts: [Pattern] = []
        let longest = high.map { max(1, $0.value.whole.count) } ?? GrammarLimits.digitsMax
        let shortest = max(1, low.value.whole.count)
        for count in shortest...max(shortest, longest) {
            // Of this many digits, a bound that has as many is followed digit by digit.
            let below = max(1, low.value.whole.count) == count ? low : nil
            let above = high.flatMap { max(1, $0.value.whole.count) == count ? $0 : nil }
            parts.append(
                digits(0, count, below, above, isWhole: isWhole))
        }
        return .choice(parts)
    }

    /// The digits before the point from place `at` of `count` on, then the fraction. A bound is
    /// given as long as the digits so far equal its own.
    private static func digits(
        _ at: Int, _ count: Int, _ low: Bound?, _ high: Bound?, isWhole: Bool
    ) -> Pattern {
        if at == count {
            return isWhole ? .empty : fraction(0, low, high)
        }
        // A lone zero is the only number that begins with one.
        let least = low.map { $0.value.digit(at, of: count) } ?? (at == 0 && count > 1 ? 1 : 0)
        let most = high.map { $0.value.digit(at, of: count) } ?? 9
        return branches(from: least, to: most, low != nil, high != nil) { isLow, isHigh in
            if !isLow, !isHigh {
                let rest = Pattern.repeated(
                    JSONPatterns.digit, least: count - at - 1, most: count - at - 1)
                return isWhole ? rest : .sequence([rest, anyFraction])
            }
            return digits(
                at + 1, count, isLow ? low : nil, isHigh ? high : nil, isWhole: isWhole)
        }
    }

    private static let anyFraction = Pattern.sequence([
        .text("."), JSONPatterns.digits(least: 1),
    ]).optional

    /// What may follow the digits before the point, and after `at` digits behind it.
    private static func fraction(_ at: Int, _ low: Bound?, _ high: Bound?) -> Pattern {
        let lowDigits = low?.value.fraction ?? []
        let highDigits = high?.value.fraction ?? []
        // Ending here: all that follows in a bound counts as above zero.
        let mayEnd =
            (low.map { $0.isIncluded && at >= lowDigits.count } ?? true)
            && (high.map { $0.isIncluded || at < highDigits.count } ?? true)
        guard at < GrammarLimits.digitsMax else { return mayEnd ? .empty : .never }
        let least = low == nil ? 0 : at < lowDigits.count ? lowDigits[at] : 0
        let most = high == nil ? 9 : at < highDigits.count ? highDigits[at] : 0
        let more = branches(from: least, to: most, low != nil, high != nil) { isLow, isHigh in
            if !isLow, !isHigh {
                return .repeated(
                    JSONPatterns.digit, least: 0, most: GrammarLimits.digitsMax - at - 1)
            }
            return fraction(at + 1, isLow ? low : nil, isHigh ? high : nil)
        }
        let point = at == 0 ? Pattern.sequence([.text("."), more]) : more
        return mayEnd ? point.optional : point
    }

    /// Digits from `least` to `most`; those at a bound go on with it, those between are free.
    private static func branches(
        from least: UInt8, to most: UInt8, _ hasLow: Bool, _ hasHigh: Bool,
        _ rest: (_ isLow: Bool, _ isHigh: Bool) -> Pattern
    ) -> Pattern {
        guard least <= most else { return .never }
        func digit(_ first: UInt8, _ last: UInt8) -> Pattern {
            .scalar(ScalarSet([0x30 + UInt32(first)...0x30 + UInt32(last)]))
        }
        if least == most, hasLow || hasHigh {
            return .sequence([digit(least, most), rest(hasLow, hasHigh)])
        }
        var parts: [Pattern] = []
        var (first, last) = (least, most)
        if hasLow {
            parts.append(.sequence([digit(least, least), rest(true, false)]))
            first += 1
        }
        if hasHigh {
            parts.append(.sequence([digit(most, most), rest(false, true)]))
            last -= 1
        }
        if first <= last { parts.append(.sequence([digit(first, last), rest(false, false)])) }
        return .choice(parts)
    }
}

extension DecimalNumber {
    static let zero = DecimalNumber(isNegative: false, whole: [], fraction: [])

    private init(isNegative: Bool, whole: [UInt8], fraction: [UInt8]) {
        self.isNegative = isNegative
        self.whole = whole
        self.fraction = fraction
    }

    /// The digit at `place` of `count` before the point; zero has one.
    func digit(_ place: Int, of count: Int) -> UInt8 { whole.isEmpty ? 0 : whole[place] }

    /// The least whole magnitude not below this one, and with `above` not equal to it either; nil
    /// where it has too many digits.
    func whole(above: Bool) -> DecimalNumber? {
        guard !isWhole || above else { return self }
        var digits = whole
        var place = digits.count - 1
        while place >= 0, digits[place] == 9 {
            digits[place] = 0
            place -= 1
        }
        if place >= 0 { digits[place] += 1 } else { digits.insert(1, at: 0) }
        guard digits.count <= GrammarLimits.digitsMax else { return nil }
        return DecimalNumber(isNegative: isNegative, whole: digits, fraction: [])
    }

    /// The highest whole magnitude not above this one, and with `below` not equal to it either; nil
    /// below zero.
    func whole(below: Bool) -> DecimalNumber? {
        guard isWhole, below else {
            return DecimalNumber(isNegative: isNegative, whole: whole, fraction: [])
        }
        guard !isZero else { return nil }
        var digits = whole
        var place = digits.count - 1
        while digits[place] == 0 {
            digits[place] = 9
            place -= 1
        }
        digits[place] -= 1
        if digits[0] == 0 { digits.removeFirst() }
        return DecimalNumber(isNegative: isNegative, whole: digits, fraction: [])
    }
}
