/// The general category of a scalar as a small number, and sets of categories as bits.
///
/// Which category a character has comes from the Swift runtime's Unicode version: characters that
/// a later version adds are unassigned until then, and are split as symbols are not.
enum UnicodeCategory {
    /// Bytes that are no UTF-8 stand in a text of scalars as this plus the byte. They are split as
    /// U+FFFD would be, which other readers put in their place.
    static let invalidBase: UInt32 = 0x11_0000

    /// Spaces, lines and tabs: the White_Space property, as far as it is no category.
    static let whiteSpaceRanges: [ClosedRange<UInt32>] = [0x09...0x0D, 0x85...0x85]

    /// Scalars below this have their category in a table; the rest are asked of the runtime.
    private static let tableEnd = 0x2_0000

    private static let table: [UInt8] = (0..<UInt32(tableEnd)).map { value in
        Unicode.Scalar(value).map { index($0.properties.generalCategory) } ?? 27
    }

    /// The category of a scalar or of a byte that is no UTF-8, below ``count``.
    static func index(of scalar: UInt32) -> UInt8 {
        if scalar < tableEnd { return table[Int(scalar)] }
        return Unicode.Scalar(scalar).map { index($0.properties.generalCategory) }
            ?? index(.otherSymbol)
    }

    /// Calls `body` with the whole table, for loops over a text.
    static func withTable<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        table.withUnsafeBufferPointer(body)
    }

    /// How many categories there are.
    static let count = 30

    private static func index(_ category: Unicode.GeneralCategory) -> UInt8 {
        switch category {
        case .uppercaseLetter: 0
        case .lowercaseLetter: 1
        case .titlecaseLetter: 2
        case .modifierLetter: 3
        case .otherLetter: 4
        case .nonspacingMark: 5
        case .spacingMark: 6
        case .enclosingMark: 7
        case .decimalNumber: 8
        case .letterNumber: 9
        case .otherNumber: 10
        case .connectorPunctuation: 11
        case .dashPunctuation: 12
        case .openPunctuation: 13
        case .closePunctuation: 14
        case .initialPunctuation: 15
        case .finalPunctuation: 16
        case .otherPunctuation: 17
        case .mathSymbol: 18
        case .currencySymbol: 19
        case .modifierSymbol: 20
        case .otherSymbol: 21
        case .spaceSeparator: 22
        case .lineSeparator: 23
        case .paragraphSeparator: 24
        case .control: 25
        case .format: 26
        case .surrogate: 27
        case .privateUse: 28
        case .unassigned: 29
        @unknown default: 29
        }
    }

    /// The bits of a category or group of categories as `\p{…}` names it; nil for an unknown name.
    static func bits(named name: String) -> UInt32? {
        let names = [
            "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
            "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs",
            "Co", "Cn",
        ]
        var bits: UInt32 = 0
        for (index, candidate) in names.enumerated()
        where candidate == name || (name.count == 1 && candidate.hasPrefix(name)) {
            bits |= 1 << UInt32(index)
        }
        return bits == 0 ? nil : bits
    }
}
