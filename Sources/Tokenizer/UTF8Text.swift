/// Where characters begin and end in bytes that need not be UTF-8.
enum UTF8Text {
    /// The bytes of the character at `position`; 1 where none is well-formed there (RFC 3629,
    /// section 4), so that broken text never swallows what follows.
    static func characterBytes(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
        let first = bytes[position]
        guard first >= 0xC2, position + 1 < bytes.count else { return 1 }
        let length: Int
        // Some first bytes narrow the second: no overlong forms, surrogates or beyond U+10FFFF.
        let second: ClosedRange<UInt8>
        switch first {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        default: return 1
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else {
            return 1
        }
        for place in position + 2..<position + length where bytes[place] & 0xC0 != 0x80 {
            return 1
        }
        return length
    }
}
