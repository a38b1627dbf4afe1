/// The patterns of JSON (RFC 8259), so bounded that every text ends: white space is at most one
/// space, or one line break with indentation; numbers have at most
/// ``GrammarLimits/digitsMax`` digits before and after the point and an exponent of at most two.
enum JSONPatterns {
    /// White space inside brackets, after a comma or a colon; before those there is none.
    static let space: Pattern = .choice([
        .empty, .text(" "),
        .sequence([
            .text("\n"),
            .choice([
                .repeated(.text(" "), least: 0, most: 64),
                .repeated(.text("\t"), least: 1, most: 32),
            ]),
        ]),
    ])

    static let digit = Pattern.scalar(ScalarSet([0x30...0x39]))
    static let nonZeroDigit = Pattern.scalar(ScalarSet([0x31...0x39]))

    /// Digits of which at most ``GrammarLimits/digitsMax``.
    static func digits(least: Int) -> Pattern {
        .repeated(digit, least: least, most: GrammarLimits.digitsMax)
    }

    /// A whole number without a leading zero and without `-0`.
    static let integer: Pattern = .choice([
        .text("0"),
        .sequence([
            Pattern.text("-").optional, nonZeroDigit,
            .repeated(digit, least: 0, most: GrammarLimits.digitsMax - 1),
        ]),
    ])

    static let number: Pattern = .sequence([
        Pattern.text("-").optional,
        .choice([
            .text("0"),
            .sequence([
                nonZeroDigit, .repeated(digit, least: 0, most: GrammarLimits.digitsMax - 1),
            ]),
        ]),
        Pattern.sequence([.text("."), digits(least: 1)]).optional,
        Pattern.sequence([
            .scalar(ScalarSet("eE")), Pattern.scalar(ScalarSet("+-")).optional,
            .repeated(digit, least: 1, most: 2),
        ]).optional,
    ])

    /// Scalars that stand for themselves in a string.
    static let plainScalars = ScalarSet([0x20...0x21, 0x23...0x5B, 0x5D...0x10_FFFF])

    /// One scalar of a string, as itself or escaped; surrogates only in pairs.
    static let character: Pattern = {
        let hex = Pattern.scalar(ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66]))
        func hexes(_ count: Int) -> Pattern { .repeated(hex, least: count, most: count) }
        let dD = Pattern.scalar(ScalarSet("dD"))
        return .choice([
            .scalar(plainScalars),
            .sequence([
                .text("\\"),
                .choice([
                    .scalar(ScalarSet("\"\\/bfnrt")),
                    .sequence([
                        .text("u"),
                        .choice([
                            .sequence([
                                .scalar(ScalarSet("0123456789abcefABCEF")), hex, hex, hex,
                            ]),
                            .sequence([dD, .scalar(ScalarSet("01234567")), hex, hex]),
                            .sequence([
                                dD, .scalar(ScalarSet("89abAB")), hex, hex, .text("\\u"), dD,
                                .scalar(ScalarSet("cdefCDEF")), hex, hex,
                            ]),
                        ]),
                    ]),
                ]),
            ]),
        ])
    }()

    /// A string of `least` to `most` scalars.
    static func string(_ character: Pattern, least: Int = 0, most: Int? = nil) -> Pattern {
        .sequence([.text("\""), .repeated(character, least: least, most: most), .text("\"")])
    }

    /// `open`, items with commas between, `close`; the items are `least` to `most`.
    static func list(
        _ open: String, _ item: Pattern, _ close: String, least: Int = 0, most: Int? = nil
    ) -> Pattern {
        if most == 0 { return .sequence([.text(open), space, .text(close)]) }
        let further = Pattern.repeated(
            .sequence([.text(","), space, item]), least: max(0, least - 1),
            most: most.map { $0 - 1 })
        let items = Pattern.sequence([space, item, further])
        return .sequence([.text(open), least == 0 ? items.optional : items, space, .text(close)])
    }

    /// A name and its value.
    static func member(_ name: Pattern, _ value: Pattern) -> Pattern {
        .sequence([name, .text(":"), space, value])
    }

    /// Any value, as a rule of `rules`.
    static func value(in rules: inout RuleSet) -> Pattern {
        let value = rules.reserve("value")
        let string = rules.add("string", string(rules.add("character", character)))
        rules.define(
            value,
            .choice([
                list("{", member(string, .rule(value)), "}"), list("[", .rule(value), "]"),
                string, number, .text("true"), .text("false"), .text("null"),
            ]))
        return .rule(value)
    }

    /// Any object.
    static func object(in rules: inout RuleSet) -> Pattern {
        let value = value(in: &rules)
        let name = string(character)
        return list("{", member(name, value), "}")
    }
}
