// Four 8-bit products for each of 16 keys at once: the only part of attention that an instruction
// set writes in its own way. Exact in 32 bits, so every way gives the same.
//
// Key codes are stored as code + 128 (1...255), query codes are -127...127. dot4_begin takes the
// sum of a query's codes over the block, to make up for the 128 where the sum is taken as stored.

#if defined(SHOAL_ISA_AVX512VNNI)

typedef __m512i key_line;

INLINE key_line load_key_line(const uint8_t *at) { return _mm512_loadu_si512(at); }
INLINE v16i dot4_begin(int32_t sum) { return splat_i(-128 * sum); }
INLINE v16i dot4(v16i acc, key_line keys, int32_t query) {
    return (v16i)_mm512_dpbusd_epi32((__m512i)acc, keys, _mm512_set1_epi32(query));
}

#elif defined(SHOAL_ISA_AVX2)

typedef struct {
    __m256i low, high;
} key_line;

INLINE key_line load_key_line(const uint8_t *at) {
    const __m256i flip = _mm256_set1_epi8((char)0x80);
    return (key_line){
        _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)at), flip),
        _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)at + 1), flip)};
}
INLINE v16i dot4_begin(int32_t sum) {
    (void)sum;
    return splat_i(0);
}
// The sign moves from the key to the query, as in the products of Q8_0: a pair is at most 32258.
INLINE v16i dot4(v16i acc, key_line keys, int32_t query) {
    const __m256i x = _mm256_set1_epi32(query), ones = _mm256_set1_epi16(1);
    __m256i low = _mm256_maddubs_epi16(_mm256_abs_epi8(keys.low), _mm256_sign_epi8(x, keys.low));
    __m256i high =
        _mm256_maddubs_epi16(_mm256_abs_epi8(keys.high), _mm256_sign_epi8(x, keys.high));
    typedef int32_t v8i __attribute__((ext_vector_type(8)));
    return acc
        + __builtin_shufflevector(
               (v8i)_mm256_madd_epi16(low, ones), (v8i)_mm256_madd_epi16(high, ones), 0, 1, 2, 3,
               4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

#else

typedef struct {
    uint8_t codes[64];
} key_line;

INLINE key_line load_key_line(const uint8_t *at) {
    key_line line;
    memcpy(line.codes, at, 64);
    return line;
}
INLINE v16i dot4_begin(int32_t sum) { return splat_i(-128 * sum); }
INLINE v16i dot4(v16i acc, key_line keys, int32_t query) {
    int8_t codes[4];
    memcpy(codes, &query, 4);
    for (int key = 0; key < 16; key++)
        for (int i = 0; i < 4; i++) acc[key] += keys.codes[key * 4 + i] * codes[i];
    return acc;
}

#endif
