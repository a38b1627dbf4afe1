// Upper, lower and title case as Python's `str` has them.
extension JinjaText {
    private func map(_ change: (UInt32) -> [UInt32]) -> JinjaText {
        JinjaText(units: units.flatMap(change))
    }

    var uppercased: JinjaText { map(Characters.upper) }

    var lowercased: JinjaText {
        JinjaText(units: units.indices.flatMap(lower))
    }

    /// The first character in title case, the others in lower case.
    var capitalized: JinjaText {
        guard let first = units.first else { return self }
        return JinjaText(units: Characters.title(first) + units.indices.dropFirst().flatMap(lower))
    }

    /// The first letter of each word in title case, the others in lower case.
    var titlecased: JinjaText {
        var result: [UInt32] = []
        var isInWord = false
        for (index, unit) in units.enumerated() {
            result += isInWord ? lower(index) : Characters.title(unit)
            isInWord = Characters.isCased(unit)
        }
        return JinjaText(units: result)
    }

    var caseSwapped: JinjaText {
        JinjaText(
            units: units.indices.flatMap { index in
                let unit = units[index]
                if Characters.isUpper(unit) { return lower(index) }
                return Characters.isLower(unit) ? Characters.upper(unit) : [unit]
            })
    }

    /// The character at `index` in lower case. A capital sigma at the end of a word has a form of
    /// its own (The Unicode Standard, 3.13, Final_Sigma).
    private func lower(_ index: Int) -> [UInt32] {
        guard scalar(index) == 0x3A3 else { return Characters.lower(units[index]) }
        let before = units[..<index].last { !Characters.isCaseIgnorable($0) }
        let after = units[(index + 1)...].first { !Characters.isCaseIgnorable($0) }
        let isFinal =
            before.map(Characters.isCased) == true && after.map(Characters.isCased) != true
        return [(isFinal ? 0x3C2 : 0x3C3) | units[index] & Self.untrustedMark]
    }

    func isAll(_ predicate: (UInt32) -> Bool) -> Bool {
        !units.isEmpty && units.allSatisfy(predicate)
    }

    /// Whether it has capitals and no small letters.
    var isUpper: Bool {
        units.contains(where: Characters.isUpper)
            && !units.contains { Characters.isLower($0) || Characters.isTitle($0) }
    }

    /// Whether it has small letters and no capitals.
    var isLower: Bool {
        units.contains(where: Characters.isLower)
            && !units.contains { Characters.isUpper($0) || Characters.isTitle($0) }
    }
}
