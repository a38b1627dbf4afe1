/// A string each of whose characters is trusted or not.
///
/// Trusted are the template's own characters and those that the caller vouches for; what a user or
/// a model wrote is not. Every operation of the interpreter moves characters together with their
/// marks, so that the caller can tell in the end which parts of a rendering may spell a special
/// token. What only depends on an untrusted text (which branch is taken, how often a loop runs,
/// the digits of a length) carries no mark.
public struct JinjaText: Sendable, Hashable {
    /// A part whose characters are all trusted, or all not.
    public struct Run: Sendable, Hashable {
        /// The characters in UTF-8.
        public var bytes: [UInt8]
        /// Whether they are trusted.
        public var isTrusted: Bool
    }

    /// One element a character: its scalar value, and ``untrustedMark`` if it is not trusted.
    var units: [UInt32]

    static let untrustedMark: UInt32 = 1 << 31
    static let scalarMask: UInt32 = 0x1F_FFFF

    /// The empty text.
    public init() { units = [] }

    /// A text that is trusted as a whole, or not at all.
    public init(_ string: String, isTrusted: Bool) {
        let mark = isTrusted ? 0 : Self.untrustedMark
        units = string.unicodeScalars.map { $0.value | mark }
    }

    init(units: [UInt32]) { self.units = units }

    init(units: ArraySlice<UInt32>) { self.units = Array(units) }

    /// A trusted text: for names and numbers that the interpreter itself writes.
    init(_ string: String) { self.init(string, isTrusted: true) }

    /// How many characters (Unicode scalars) it has.
    public var count: Int { units.count }

    /// The scalar at `index`.
    func scalar(_ index: Int) -> UInt32 { units[index] & Self.scalarMask }

    /// The text without its marks.
    public var string: String {
        var string = String.UnicodeScalarView()
        for unit in units { string.append(unit.asScalar) }
        return String(string)
    }

    /// The longest parts of equal trust, in order; none is empty.
    public var runs: [Run] {
        var runs: [Run] = []
        for unit in units {
            let isTrusted = unit & Self.untrustedMark == 0
            if runs.last?.isTrusted != isTrusted {
                runs.append(Run(bytes: [], isTrusted: isTrusted))
            }
            runs[runs.count - 1].bytes.append(contentsOf: UTF8.encodeUnit(unit))
        }
        return runs
    }

    /// Texts are equal if their characters are, whatever is trusted.
    public static func == (left: Self, right: Self) -> Bool {
        left.units.count == right.units.count
            && zip(left.units, right.units).allSatisfy { ($0 ^ $1) & scalarMask == 0 }
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(units.count)
        for unit in units { hasher.combine(unit & Self.scalarMask) }
    }

    static func == (left: Self, right: String) -> Bool {
        left.units.lazy.map { $0 & scalarMask }.elementsEqual(
            right.unicodeScalars.lazy.map(\.value))
    }

    static func < (left: Self, right: Self) -> Bool {
        for (a, b) in zip(left.units, right.units) where (a ^ b) & scalarMask != 0 {
            return a & scalarMask < b & scalarMask
        }
        return left.units.count < right.units.count
    }
}

extension UInt32 {
    /// The unit's character; the replacement character for what is none.
    var asScalar: Unicode.Scalar {
        Unicode.Scalar(self & JinjaText.scalarMask) ?? "\u{FFFD}"
    }
}

extension UTF8 {
    /// The UTF-8 of one unit.
    static func encodeUnit(_ unit: UInt32) -> UTF8.EncodedScalar {
        // Every scalar has an encoding: nil stands for surrogates, which `asScalar` replaces.
        UTF8.encode(unit.asScalar) ?? UTF8.encodedReplacementCharacter
    }
}
