// The K formats' bytes: how codes and multiples of a block of 256 are packed.

/// Q6_K: low halves of the codes, high pairs of bits, 16 signed multiples, the scale.
///
/// Each half of the block holds four runs of 32 codes; runs 0 and 2 share bytes of low halves, so
/// do 1 and 3, and all four share the bytes of high pairs.
func encodeQ6_K(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    var error: Float = 0
    withCodes(256) { codes in
        let choice = symmetricSuperblock(
            x,
            SymmetricLevels(
                low: -32, high: 31, multipleLow: -128, multipleHigh: 127, from: -2.1, reach: 0.9,
                step: 0.3, spread: 1), codes: codes)
        error = choice.error
        for half in 0..<2 {
            let from = codes + half * 128
            let low = out + half * 64
            let high = out + 128 + half * 32
            for part in stride(from: 0, to: 32, by: 16) {
                let (a, b) = (load(from + part), load(from + 32 + part))
                let (c, d) = (load(from + 64 + part), load(from + 96 + part))
                store((a & 15) | (c &<< 4), low + part)
                store((b & 15) | (d &<< 4), low + 32 + part)
                let pairs = (a &>> 4) | ((b &>> 4) &<< 2) | ((c &>> 4) &<< 4) | ((d &>> 4) &<< 6)
                store(pairs, high + part)
            }
        }
        store(choice.multiples.bytes, out + 192)
        storeHalf(choice.scaleBits, out + 208)
    }
    return error
}

/// Q4_K: scale and offset, 12 bytes of multiples, then 4 runs of 32 bytes; each holds the codes of
/// two sub-blocks of 32.
func encodeQ4_K(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    var error: Float = 0
    withCodes(256) { codes in
        let choice = affineSuperblock(
            x,
            AffineLevels(
                vectors: 2, levels: 15, multiple: 63, from: -1.2, reach: 0.9, step: 0.3),
            codes: codes)
        error = choice.error
        storeSixBits(choice, into: out)
        storeNibblePairs(codes, into: out + 16)
    }
    return error
}

/// Scale, offset and the eight pairs of 6-bit multiples of Q4_K and Q5_K, in 16 bytes.
///
/// Bytes 0...3 hold the scales of sub-blocks 0...3 and bytes 4...7 their offsets; bytes 8...11 the
/// low four bits of the others', whose high two bits top the first eight bytes.
private func storeSixBits(_ choice: AffineChoice, into out: UnsafeMutablePointer<UInt8>) {
    storeHalf(choice.scaleBits, out)
    storeHalf(choice.offsetBits, out + 2)
    let scales = choice.scales.bytes
    let offsets = choice.offsets.bytes
    for index in 0..<4 {
        let (m, n) = (scales[index + 4], offsets[index + 4])
        out[4 + index] = scales[index] | (m >> 4) << 6
        out[8 + index] = offsets[index] | (n >> 4) << 6
        out[12 + index] = (m & 15) | (n & 15) << 4
    }
}

/// Low halves of 256 codes: byte j of run r holds code 64 r + j and, above it, code 64 r + 32 + j.
private func storeNibblePairs(
    _ codes: UnsafePointer<UInt8>, into out: UnsafeMutablePointer<UInt8>
) {
    for run in 0..<4 {
        for part in stride(from: 0, to: 32, by: 16) {
            let from = codes + run * 64 + part
            store((load(from) & 15) | (load(from + 32) &<< 4), out + run * 32 + part)
        }
    }
}

/// Q5_K: as Q4_K, with 32 bytes of fifth bits between the multiples and the codes: bit r of byte j
/// belongs to code 32 r + j.
func encodeQ5_K(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    var error: Float = 0
    withCodes(256) { codes in
        let choice = affineSuperblock(
            x,
            AffineLevels(
                vectors: 2, levels: 31, multiple: 63, from: -1.2, reach: 0.9, step: 0.3),
            codes: codes)
        error = choice.error
        storeSixBits(choice, into: out)
        storeTopBits(codes, bit: 4, into: out + 16)
        storeNibblePairs(codes, into: out + 48)
    }
    return error
}

/// One bit of each of 256 codes: bit r of byte j belongs to code 32 r + j.
private func storeTopBits(
    _ codes: UnsafePointer<UInt8>, bit: UInt8, into out: UnsafeMutablePointer<UInt8>
) {
    for part in stride(from: 0, to: 32, by: 16) {
        var bits = SIMD16<UInt8>.zero
        for run in 0..<8 {
            bits |= ((load(codes + run * 32 + part) &>> bit) & 1) &<< UInt8(run)
        }
        store(bits, out + part)
    }
}

/// The low pairs of bits of 256 codes: in each half, pair r of byte j belongs to code 32 r + j.
private func storePairs(
    _ codes: UnsafePointer<UInt8>, into out: UnsafeMutablePointer<UInt8>
) {
    for half in 0..<2 {
        for part in stride(from: 0, to: 32, by: 16) {
            let from = codes + half * 128 + part
            let low = (load(from) & 3) | ((load(from + 32) & 3) &<< 2)
            let high = ((load(from + 64) & 3) &<< 4) | (load(from + 96) &<< 6)
            store(low | high, out + half * 32 + part)
        }
    }
}

/// Q2_K: 16 bytes of multiples (scale low, offset high), pairs of bits, scale and offset.
func encodeQ2_K(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    var error: Float = 0
    withCodes(256) { codes in
        let choice = affineSuperblock(
            x,
            AffineLevels(
                vectors: 1, levels: 3, multiple: 15, from: -0.6, reach: 0.9, step: 0.1),
            codes: codes)
        error = choice.error
        store(choice.scales.bytes | (choice.offsets.bytes &<< 4), out)
        storePairs(codes, into: out + 16)
        storeHalf(choice.scaleBits, out + 80)
        storeHalf(choice.offsetBits, out + 82)
    }
    return error
}

/// Q3_K: top bits of the codes, pairs of low bits, 12 bytes of multiples, the scale.
///
/// Multiples are 6 bits, plus 32: low halves in 8 bytes (8...15 above 0...7), then 4 bytes with
/// the high pairs, of which pair r of byte j belongs to multiple 4 r + j.
func encodeQ3_K(_ x: UnsafePointer<Lanes>, into out: UnsafeMutablePointer<UInt8>) -> Float {
    var error: Float = 0
    withCodes(256) { codes in
        let choice = symmetricSuperblock(
            x,
            SymmetricLevels(
                low: -4, high: 3, multipleLow: -32, multipleHigh: 31, from: -1.4, reach: 0.8,
                step: 0.2, spread: 1), codes: codes)
        error = choice.error
        storeTopBits(codes, bit: 2, into: out)
        storePairs(codes, into: out + 32)
        let multiples = (choice.multiples + 32).bytes
        for index in 0..<8 {
            out[96 + index] = (multiples[index] & 15) | (multiples[index + 8] & 15) << 4
        }
        for index in 0..<4 {
            let low = (multiples[index] >> 4) | (multiples[index + 4] >> 4) << 2
            let high = (multiples[index + 8] >> 4) << 4 | (multiples[index + 12] >> 4) << 6
            out[104 + index] = low | high
        }
        storeHalf(choice.scaleBits, out + 108)
    }
    return error
}
