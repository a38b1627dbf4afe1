// RFC 4648 base 32 in lower case without padding: no character that a terminal, a mail program or
// a shell would change, and a double click selects all of it.
private let base32Digits = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

func base32(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    var buffer: UInt32 = 0
    var bits = 0
    for byte in bytes {
        buffer = buffer << 8 | UInt32(byte)
        bits += 8
        while bits >= 5 {
            bits -= 5
            text.append(base32Digits[Int(buffer >> UInt32(bits) & 31)])
        }
        buffer &= (1 << UInt32(bits)) - 1
    }
    if bits > 0 { text.append(base32Digits[Int(buffer << UInt32(5 - bits) & 31)]) }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that base 32 digits spell, or nil when a digit is none or left-over bits are not zero.
func bytesFromBase32(_ text: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer: UInt32 = 0
    var bits = 0
    for digit in text.utf8 {
        guard let value = base32Digits.firstIndex(of: digit) else { return nil }
        buffer = buffer << 5 | UInt32(value)
        bits += 5
        if bits >= 8 {
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
        }
        buffer &= (1 << UInt32(bits)) - 1
    }
    return buffer == 0 && bits < 5 ? bytes : nil
}
