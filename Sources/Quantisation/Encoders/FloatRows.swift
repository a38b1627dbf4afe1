// F32, F16 and BF16: each value by itself, rounded to nearest, ties to even.

/// Encodes one vector of 16; gives its squared error.
@inline(__always)
func encodeF32(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    UnsafeMutableRawPointer(out).storeBytes(of: x[0], as: Lanes.self)
    return 0
}

/// Encodes one vector of 16; gives its squared error.
@inline(__always)
func encodeF16(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    let bits = Half.bits(x[0])
    UnsafeMutableRawPointer(out).storeBytes(of: bits, as: SIMD16<UInt16>.self)
    let rest = x[0] - Half.values(bits)
    return (rest * rest).total
}

/// Encodes one vector of 16; gives its squared error.
@inline(__always)
func encodeBF16(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    let words = unsafeBitCast(x[0], to: SIMD16<UInt32>.self)
    let rounded = (words &+ 0x7FFF &+ ((words &>> 16) & 1)) &>> 16
    UnsafeMutableRawPointer(out).storeBytes(
        of: unsafeBitCast(rounded, to: SIMD32<UInt16>.self).evenHalf, as: SIMD16<UInt16>.self)
    let rest = x[0] - unsafeBitCast(rounded &<< 16, to: Lanes.self)
    return (rest * rest).total
}
