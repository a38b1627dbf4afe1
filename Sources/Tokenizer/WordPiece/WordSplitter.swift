/// Makes the words of a text for a BERT vocabulary, as the models' published tokenizer does
/// (Devlin et al., 2019): control characters go, ideographs and punctuation stand alone, accents
/// and capitals go where the vocabulary is without them.
struct WordSplitter {
    let stripsAccents: Bool
    let lowercases: Bool

    /// The words of `text`, in UTF-8. Bytes that are no UTF-8 are left out, as U+FFFD is.
    func words(of text: UnsafeRawBufferPointer) -> [[UInt8]] {
        var builder = WordBuilder()
        for scalar in ScalarText(text).scalars {
            switch Self.role(of: scalar) {
            case .nothing: break
            case .space: builder.finish()
            case .ideograph:
                builder.finish()
                append(scalar, to: &builder)
                builder.finish()
            case .other: append(scalar, to: &builder)
            }
        }
        builder.finish()
        return builder.words
    }

    /// Words, the last of them still growing.
    private struct WordBuilder {
        private(set) var words: [[UInt8]] = []
        private var word: [UInt8] = []

        mutating func append(_ bytes: some Sequence<UInt8>) { word.append(contentsOf: bytes) }

        mutating func finish() {
            guard !word.isEmpty else { return }
            words.append(word)
            word.removeAll(keepingCapacity: true)
        }
    }

    private enum Role { case nothing, space, ideograph, other }

    private static func role(of scalar: UInt32) -> Role {
        switch scalar {
        case 0x20, 0x09, 0x0A, 0x0D: return .space
        case 0x21...0x7E: return .other
        case 0, 0xFFFD, UnicodeCategory.invalidBase...: return .nothing
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x2_0000...0x2_A6DF, 0x2_A700...0x2_B73F,
            0x2_B740...0x2_B81F, 0x2_B920...0x2_CEAF, 0xF900...0xFAFF, 0x2_F800...0x2_FA1F:
            return .ideograph
        default: break
        }
        let category = UInt32(1) << UInt32(UnicodeCategory.index(of: scalar))
        if category & Self.others != 0 { return .nothing }
        return category & Self.separators != 0 ? .space : .other
    }

    // Unassigned characters (Cn) are no control characters: a later version may assign them.
    private static let others = ["Cc", "Cf", "Co", "Cs"].reduce(0) {
        $0 | (UnicodeCategory.bits(named: $1) ?? 0)
    }
    private static let separators = UnicodeCategory.bits(named: "Z") ?? 0
    private static let punctuation = UnicodeCategory.bits(named: "P") ?? 0
    private static let nonspacing = UnicodeCategory.bits(named: "Mn") ?? 0

    /// Appends what the vocabulary's habits leave of a scalar; punctuation becomes a word.
    private func append(_ scalar: UInt32, to word: inout WordBuilder) {
        guard stripsAccents, scalar >= 0xC0 else {
            return appendLowercased(scalar, to: &word)
        }
        if (0xAC00...0xD7A3).contains(scalar) {
            // Hangul syllables are made of two or three letters (Unicode standard, section 3.12).
            let index = scalar - 0xAC00
            appendLowercased(0x1100 + index / 588, to: &word)
            appendLowercased(0x1161 + index % 588 / 28, to: &word)
            if index % 28 != 0 { appendLowercased(0x11A7 + index % 28, to: &word) }
        } else if let letters = AccentTable.stripped(scalar) {
            for letter in letters { appendLowercased(letter, to: &word) }
        } else if UInt32(1) << UInt32(UnicodeCategory.index(of: scalar)) & Self.nonspacing == 0 {
            appendLowercased(scalar, to: &word)
        }
    }

    private func appendLowercased(_ scalar: UInt32, to word: inout WordBuilder) {
        guard let unicode = Unicode.Scalar(scalar) else { return }
        if Self.isPunctuation(scalar) {
            word.finish()
            word.append(UTF8.encode(unicode) ?? .init())
            word.finish()
        } else if lowercases {
            if unicode.isASCII {
                let isCapital = (0x41...0x5A).contains(scalar)
                word.append(
                    CollectionOfOne(UInt8(truncatingIfNeeded: isCapital ? scalar + 32 : scalar)))
            } else {
                word.append(unicode.properties.lowercaseMapping.utf8)
            }
        } else {
            word.append(UTF8.encode(unicode) ?? .init())
        }
    }

    private static func isPunctuation(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
        case ..<0x80: return false
        default:
            let category = UInt32(1) << UInt32(UnicodeCategory.index(of: scalar))
            return category & punctuation != 0
        }
    }
}
