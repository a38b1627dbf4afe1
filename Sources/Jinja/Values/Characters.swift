/// What Python's `str` methods know of single characters (units, whose trust is left aside).
enum Characters {
    private static func properties(_ unit: UInt32) -> Unicode.Scalar.Properties {
        unit.asScalar.properties
    }

    /// White space as `str.isspace` and `str.strip` see it.
    static func isSpace(_ unit: UInt32) -> Bool {
        switch unit & JinjaText.scalarMask {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000:
            true
        default: false
        }
    }

    /// What `str.splitlines` cuts at.
    static func isLineBreak(_ unit: UInt32) -> Bool {
        switch unit & JinjaText.scalarMask {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    static func isDigit(_ unit: UInt32) -> Bool {
        (0x30...0x39).contains(unit & JinjaText.scalarMask)
    }

    /// The value of a digit up to `z`, in ASCII.
    static func digitValue(_ unit: UInt32) -> Int? {
        switch unit & JinjaText.scalarMask {
        case let unit where (0x30...0x39).contains(unit): Int(unit) - 0x30
        case let unit where (0x41...0x5A).contains(unit): Int(unit) - 0x41 + 10
        case let unit where (0x61...0x7A).contains(unit): Int(unit) - 0x61 + 10
        default: nil
        }
    }

    /// What may be in a name, and `\w` of a regular expression.
    static func isWord(_ unit: UInt32) -> Bool {
        unit & JinjaText.scalarMask == Ascii.underscore || isAlphanumeric(unit)
    }

    static func isAlphabetic(_ unit: UInt32) -> Bool {
        switch properties(unit).generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }

    static func isAlphanumeric(_ unit: UInt32) -> Bool {
        isAlphabetic(unit) || isNumeric(unit)
    }

    static func isNumeric(_ unit: UInt32) -> Bool { properties(unit).numericType != nil }

    static func isDecimal(_ unit: UInt32) -> Bool { properties(unit).numericType == .decimal }

    /// Decimal digits and those above or below the line.
    static func isDigitLike(_ unit: UInt32) -> Bool {
        switch properties(unit).numericType {
        case .decimal, .digit: true
        default: false
        }
    }

    static func isUpper(_ unit: UInt32) -> Bool { properties(unit).isUppercase }
    static func isLower(_ unit: UInt32) -> Bool { properties(unit).isLowercase }
    static func isTitle(_ unit: UInt32) -> Bool {
        properties(unit).generalCategory == .titlecaseLetter
    }

    /// Whether letters follow one another to it in a word, for `str.title`.
    static func isCased(_ unit: UInt32) -> Bool { properties(unit).isCased }

    /// Whether case looks past it, as past an apostrophe.
    static func isCaseIgnorable(_ unit: UInt32) -> Bool { properties(unit).isCaseIgnorable }

    /// What `repr` writes as it is.
    static func isPrintable(_ unit: UInt32) -> Bool {
        if unit & JinjaText.scalarMask == 0x20 { return true }
        switch properties(unit).generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator, .spaceSeparator:
            return false
        default: return true
        }
    }

    static func upper(_ unit: UInt32) -> [UInt32] {
        marked(properties(unit).uppercaseMapping, as: unit)
    }

    static func lower(_ unit: UInt32) -> [UInt32] {
        marked(properties(unit).lowercaseMapping, as: unit)
    }

    static func title(_ unit: UInt32) -> [UInt32] {
        marked(properties(unit).titlecaseMapping, as: unit)
    }

    /// The characters of `mapped`, as much trusted as the one they come from.
    private static func marked(_ mapped: String, as unit: UInt32) -> [UInt32] {
        let mark = unit & JinjaText.untrustedMark
        return mapped.unicodeScalars.map { $0.value | mark }
    }
}
