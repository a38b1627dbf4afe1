// Formats of blocks of 32: one scale (and one offset) in half precision before the codes.
//
// All encoders have one shape: `x` is a block as two vectors of 16, `out` its bytes in the file,
// and the result the squared error of what the block stands for.

/// Q8_0: scale, then 32 signed bytes in -127...127.
///
/// No search: with 255 steps, cutting off the largest weight costs more than finer steps save.
@inline(__always)
func encodeQ8_0(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    let (least, greatest) = range(x, 2)
    let extreme = max(greatest, -least)
    let bits = extreme > QuantisationLimits.magnitudeMin ? Half.scaleBits(extreme / 127) : 0
    let scale = Half.value(bits)
    storeHalf(bits, out)
    symmetricCodes(x, 2, scale: scale, low: -127, high: 127, bias: 0, into: out + 2)
    return symmetricError(x, 2, scale: scale, low: -127, high: 127)
}

/// Q4_0: scale, then 16 bytes; byte j holds code j in its low half and code j + 16 in its high
/// one, each plus 8.
@inline(__always)
func encodeQ4_0(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    let bits = Half.scaleBits(
        symmetricScale(
            x, 2, low: -8, high: 7, from: -1.6, reach: 1.2, step: 0.2, turns: 2))
    let scale = Half.value(bits)
    storeHalf(bits, out)
    withCodes(32) { codes in
        symmetricCodes(x, 2, scale: scale, low: -8, high: 7, bias: 8, into: codes)
        store(load(codes) | (load(codes + 16) &<< 4), out + 2)
    }
    return symmetricError(x, 2, scale: scale, low: -8, high: 7)
}

/// Q5_0: scale, 4 bytes of fifth bits (bit j of code j), then the low halves as Q4_0 has them;
/// each code plus 16.
@inline(__always)
func encodeQ5_0(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    let bits = Half.scaleBits(
        symmetricScale(
            x, 2, low: -16, high: 15, from: -2, reach: 1, step: 0.25, turns: 2))
    let scale = Half.value(bits)
    storeHalf(bits, out)
    withCodes(32) { codes in
        symmetricCodes(x, 2, scale: scale, low: -16, high: 15, bias: 16, into: codes)
        storeFive(codes, into: out + 2)
    }
    return symmetricError(x, 2, scale: scale, low: -16, high: 15)
}

/// Q4_1: scale and offset, then codes as in Q4_0, 0...15.
@inline(__always)
func encodeQ4_1(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    let (scale, offset) = affineHeader(x, levels: 15, into: out)
    withCodes(32) { codes in
        affineCodes(x, 2, scale: scale, offset: offset, levels: 15, into: codes)
        store(load(codes) | (load(codes + 16) &<< 4), out + 4)
    }
    return affineError(x, 2, scale: scale, offset: offset, levels: 15)
}

/// Q5_1: scale and offset, then codes as in Q5_0, 0...31.
@inline(__always)
func encodeQ5_1(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    let (scale, offset) = affineHeader(x, levels: 31, into: out)
    withCodes(32) { codes in
        affineCodes(x, 2, scale: scale, offset: offset, levels: 31, into: codes)
        storeFive(codes, into: out + 4)
    }
    return affineError(x, 2, scale: scale, offset: offset, levels: 31)
}

/// Finds, rounds and stores scale and offset; the scale is fitted again to the rounded offset.
@inline(__always)
private func affineHeader(
    _ x: UnsafePointer<Lanes>, levels: Float, into out: UnsafeMutablePointer<UInt8>
) -> (scale: Float, offset: Float) {
    let fit = affineFit(
        x, 2, levels: levels, notAbove: .infinity, from: -1.2, reach: 0.8, step: 0.2, turns: 2)
    let offsetBits = Half.bits(fit.offset)
    let offset = Half.value(offsetBits)
    var scaleBits = Half.scaleBits(fit.scale)
    let rounded = Half.value(scaleBits)
    withCodes(32) { codes in
        let sums = affineCodes(
            x, 2, scale: rounded, offset: offset, levels: levels, into: codes)
        guard sums.cc > 0 else { return }
        let again = Half.bits(max((sums.xc - offset * sums.c) / sums.cc, 0))
        let better =
            affineError(x, 2, scale: Half.value(again), offset: offset, levels: levels)
            < affineError(x, 2, scale: rounded, offset: offset, levels: levels)
        if better { scaleBits = again }
    }
    // Where the spacing of halves is wider than the weights, zeros are nearer.
    let left = affineError(x, 2, scale: Half.value(scaleBits), offset: offset, levels: levels)
    let isBetter = left <= squares(x, 2)
    storeHalf(isBetter ? scaleBits : 0, out)
    storeHalf(isBetter ? offsetBits : 0, out + 2)
    return isBetter ? (Half.value(scaleBits), offset) : (0, 0)
}

/// Codes of five bits: 4 bytes of fifth bits, then 16 bytes of low halves.
@inline(__always)
private func storeFive(
    _ codes: UnsafePointer<UInt8>, into out: UnsafeMutablePointer<UInt8>
) {
    var fifths: UInt32 = 0
    for index in 0..<32 { fifths |= UInt32(codes[index] >> 4) << UInt32(index) }
    UnsafeMutableRawPointer(out).storeBytes(of: fifths.littleEndian, as: UInt32.self)
    store((load(codes) & 15) | (load(codes + 16) &<< 4), out + 4)
}

@inline(__always)
func storeHalf(_ bits: UInt16, _ out: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(out).storeBytes(of: bits.littleEndian, as: UInt16.self)
}

/// Room for codes, one a byte.
@inline(__always)
func withCodes(_ count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { buffer in
        // Never nil: `count` is 32 or 256.
        guard let base = buffer.baseAddress else { return }
        body(base.assumingMemoryBound(to: UInt8.self))
    }
}
