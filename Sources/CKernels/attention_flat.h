// Attention over one flat cache: superseded by attention.h, kept until its last caller has moved.
//
// Included once by each kernels_*.c, through kernels_body.h.
// Attention in blocks of 64 keys at absolute positions, merged in order (online softmax,
// Milakov and Gimelshein 2018): a query's result depends on its position and the keys before it,
// never on the other queries of the pass.

INLINE v16 load_flat(const void *row, int64_t i, const shoal_kv_format type) {
    if (type == SHOAL_KV_F32) return load((const float *)row + i);
    return widen_f16(load_h((const uint16_t *)row + i));
}
INLINE v16 load_flat_part(const void *row, int64_t i, int64_t n, const shoal_kv_format type) {
    if (type == SHOAL_KV_F32) return load_part((const float *)row + i, n);
    return widen_f16(load_h_part((const uint16_t *)row + i, n));
}

INLINE void attend_flat(const shoal_flat_attention *a, const shoal_kv_format type) {
    const int64_t n = a->head_dim, element = type == SHOAL_KV_F32 ? 4 : 2;
    const int64_t whole = n & ~(int64_t)15;
    float largest[SHOAL_GROUP_MAX], total[SHOAL_GROUP_MAX];
    for (int64_t h = 0; h < a->group; h++) {
        largest[h] = -__builtin_inff();
        total[h] = 0.0f;
    }
    memset(a->out, 0, (size_t)(a->group * n) * sizeof(float));
    for (int64_t first = 0; first < a->position_count; first += SHOAL_KEY_BLOCK) {
        const int64_t left = a->position_count - first;
        const int64_t count = left < SHOAL_KEY_BLOCK ? left : SHOAL_KEY_BLOCK;
        const uint8_t *keys = (const uint8_t *)a->keys + first * n * element;
        const uint8_t *values = (const uint8_t *)a->values + first * n * element;
        for (int64_t h = 0; h < a->group; h++) {
            const float *query = a->queries + h * n;
            float *out = a->out + h * n;
            float p[SHOAL_KEY_BLOCK];
            for (int64_t j = 0; j < count; j++) {
                const uint8_t *key = keys + j * n * element;
                v16 dot = splat(0.0f);
                for (int64_t i = 0; i < whole; i += 16)
                    dot = fma16(load(query + i), load_flat(key, i, type), dot);
                if (whole < n)
                    dot = fma16(
                        load_part(query + whole, n - whole),
                        load_flat_part(key, whole, n - whole, type), dot);
                p[j] = sum_lanes(dot) * a->scale;
            }
            for (int64_t j = count; j < SHOAL_KEY_BLOCK; j++) p[j] = -__builtin_inff();
            v16 peak = load(p);
            for (int j = 16; j < SHOAL_KEY_BLOCK; j += 16)
                peak = choose(load(p + j) > peak, load(p + j), peak);
            float block = max_lanes(peak);
            float now = block > largest[h] ? block : largest[h];
            v16 sum = splat(0.0f);
            for (int j = 0; j < SHOAL_KEY_BLOCK; j += 16) {
                v16 e = exp16(load(p + j) - splat(now));
                store(p + j, e);
                sum = sum + e;
            }
            v16 keep = exp16(splat(largest[h] - now));
            largest[h] = now;
            total[h] = __builtin_fmaf(total[h], keep[0], sum_lanes(sum));
            int64_t i = 0;
            for (; i < whole; i += 16) {
                v16 acc = load(out + i) * keep;
                for (int64_t j = 0; j < count; j++)
                    acc = fma16(splat(p[j]), load_flat(values + j * n * element, i, type), acc);
                store(out + i, acc);
            }
            if (i < n) {
                v16 acc = load_part(out + i, n - i) * keep;
                for (int64_t j = 0; j < count; j++)
                    acc = fma16(
                        splat(p[j]), load_flat_part(values + j * n * element, i, n - i, type), acc);
                store_part(out + i, acc, n - i);
            }
        }
    }
    for (int64_t h = 0; h < a->group; h++)
        for (int64_t i = 0; i < n; i++) a->out[h * n + i] = a->out[h * n + i] / total[h];
}

static void flat_attention(const shoal_flat_attention *a) {
    if (a->type == SHOAL_KV_F32)
        attend_flat(a, SHOAL_KV_F32);
    else
        attend_flat(a, SHOAL_KV_F16);
}
