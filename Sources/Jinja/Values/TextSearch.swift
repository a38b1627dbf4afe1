extension JinjaText {
    /// Where `part` occurs from `start` on, without overlaps; marks do not matter.
    ///
    /// Knuth, Morris and Pratt's search: the time is linear whatever the texts are.
    func ranges(of part: JinjaText, from start: Int = 0, limit: Int = .max) -> [Range<Int>] {
        guard !part.units.isEmpty, limit > 0, part.count <= count else { return [] }
        var borders = [0]
        borders.reserveCapacity(part.count)
        var matched = 0
        for index in 1..<max(1, part.count) {
            while matched > 0, part.scalar(index) != part.scalar(matched) {
                matched = borders[matched - 1]
            }
            if part.scalar(index) == part.scalar(matched) { matched += 1 }
            borders.append(matched)
        }
        var ranges: [Range<Int>] = []
        matched = 0
        for index in stride(from: start, to: count, by: 1) {
            while matched > 0, scalar(index) != part.scalar(matched) {
                matched = borders[matched - 1]
            }
            if scalar(index) == part.scalar(matched) { matched += 1 }
            guard matched == part.count else { continue }
            ranges.append(index + 1 - matched..<index + 1)
            matched = 0
            if ranges.count == limit { break }
        }
        return ranges
    }

    /// The first occurrence of `part`; the empty text is found at the start.
    func firstRange(of part: JinjaText) -> Range<Int>? {
        part.units.isEmpty ? 0..<0 : ranges(of: part, limit: 1).first
    }

    func hasPrefix(_ prefix: JinjaText) -> Bool {
        prefix.count <= count && JinjaText(units: units.prefix(prefix.count)) == prefix
    }

    func hasSuffix(_ suffix: JinjaText) -> Bool {
        suffix.count <= count && JinjaText(units: units.suffix(suffix.count)) == suffix
    }

    /// The text without the characters at its ends that satisfy `predicate`.
    func stripped(
        left: Bool = true, right: Bool = true,
        where predicate: (UInt32) -> Bool = Characters.isSpace
    ) -> JinjaText {
        var rest = right ? units[...].droppingLast(where: predicate) : units[...]
        if left { rest = rest.drop(while: predicate) }
        return JinjaText(units: rest)
    }

    /// The same without the characters of `characters`; nil stands for white space.
    func stripped(left: Bool = true, right: Bool = true, of characters: JinjaText?) -> JinjaText {
        guard let characters else { return stripped(left: left, right: right) }
        let set = Set(characters.units.map { $0 & Self.scalarMask })
        return stripped(left: left, right: right) { set.contains($0 & Self.scalarMask) }
    }

    /// The parts between line breaks, as `str.splitlines` cuts them.
    func lines(keepingEnds: Bool = false) -> [JinjaText] {
        var lines: [JinjaText] = []
        var start = 0
        var index = 0
        while index < count {
            guard Characters.isLineBreak(units[index]) else {
                index += 1
                continue
            }
            let isPair = scalar(index) == 13 && index + 1 < count && scalar(index + 1) == 10
            let end = index + (isPair ? 2 : 1)
            lines.append(JinjaText(units: units[start..<(keepingEnds ? end : index)]))
            start = end
            index = end
        }
        if start < count { lines.append(JinjaText(units: units[start...])) }
        return lines
    }

    /// The parts between runs of white space; with a `limit`, the rest is the last part.
    func words(limit: Int = .max) -> [JinjaText] {
        var words: [JinjaText] = []
        var rest = units[...].drop(while: Characters.isSpace)
        while !rest.isEmpty {
            guard words.count < limit else {
                words.append(JinjaText(units: rest))
                break
            }
            let word = rest.prefix { !Characters.isSpace($0) }
            words.append(JinjaText(units: word))
            rest = rest[word.endIndex...].drop(while: Characters.isSpace)
        }
        return words
    }

    /// The parts around the first `limit` occurrences of a separator that is not empty.
    func parts(around separator: JinjaText, limit: Int = .max) -> [JinjaText] {
        var parts: [JinjaText] = []
        var start = 0
        for range in ranges(of: separator, limit: limit) {
            parts.append(JinjaText(units: units[start..<range.lowerBound]))
            start = range.upperBound
        }
        parts.append(JinjaText(units: units[start...]))
        return parts
    }

    var reversed: JinjaText { JinjaText(units: units.reversed()) }
}
