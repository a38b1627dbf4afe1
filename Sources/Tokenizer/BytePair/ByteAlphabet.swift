/// The characters that byte-level vocabularies spell bytes in (Radford et al., GPT-2, 2019): the
/// printable ones of Latin-1 stand for themselves, the other bytes for U+0100 onwards.
enum ByteAlphabet {
    /// The scalar of each byte.
    static let scalars: [UInt32] = {
        var scalars: [UInt32] = []
        var next: UInt32 = 0x100
        for byte in UInt32(0)...255 {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: scalars.append(byte)
            default:
                scalars.append(next)
                next += 1
            }
        }
        return scalars
    }()

    /// The byte of each scalar below U+0180, or -1.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x180)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
        return bytes
    }()

    /// Appends the bytes that `spelling` stands for; one with a character outside the alphabet
    /// stands for itself.
    static func decode(_ spelling: ArraySlice<UInt8>, into result: inout [UInt8]) {
        let start = result.count
        spelling.withUnsafeBytes { spelling in
            bytes.withUnsafeBufferPointer { bytes in
                var position = 0
                while position < spelling.count {
                    let first = spelling[position]
                    var scalar = Int(first)
                    if first >= 0x80 {
                        // Two bytes reach U+07FF, more than the alphabet.
                        guard first & 0xE0 == 0xC0, position + 1 < spelling.count else { break }
                        scalar = Int(first & 0x1F) << 6 | Int(spelling[position + 1] & 0x3F)
                        position += 1
                    }
                    guard scalar < bytes.count, bytes[scalar] >= 0 else { break }
                    result.append(UInt8(truncatingIfNeeded: bytes[scalar]))
                    position += 1
                }
                guard position < spelling.count else { return }
                result.removeSubrange(start...)
                result.append(contentsOf: spelling)
            }
        }
    }
}
