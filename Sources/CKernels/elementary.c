// Elementary functions in double precision, by series with fixed range reduction: the same bits on
// every machine, which no two C libraries promise. For tables computed once, so plain and exact
// rather than fast. The F32 exponential of the hot path is in kernels_body.h.
#include "CKernels.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

static double from_exponent(int64_t n) {
    int64_t word = (n + 1023) << 52;
    double power;
    memcpy(&power, &word, sizeof power);
    return power;
}

/// The integer nearest x, ties to even, for |x| < 2^51.
static double nearest(double x) {
    const double shift = 0x1.8p52;
    return (x + shift) - shift;
}

// log x = k log 2 + log m, m in [sqrt 1/2, sqrt 2), and
// log m = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1), |s| < 0.172: the term left out is
// below 1e-20.
double shoal_log(double x) {
    if (x != x || x < 0) return __builtin_nan("");
    if (x == 0) return -__builtin_inf();
    if (x == __builtin_inf()) return x;
    int64_t k = 0;
    if (x < 0x1p-1022) {
        x = x * 0x1p54;
        k = -54;
    }
    int64_t word;
    memcpy(&word, &x, sizeof word);
    k += (word >> 52) - 1023;
    word = (word & 0x000fffffffffffff) | 0x3ff0000000000000;
    double m;
    memcpy(&m, &word, sizeof m);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m = m / 2;
        k += 1;
    }
    double s = (m - 1) / (m + 1), square = s * s, series = 0;
    for (int term = 23; term >= 3; term -= 2) series = (series + 1.0 / term) * square;
    // log 2 in two parts; k times the first is exact.
    double high = (double)k * 0x1.62e42feep-1, low = (double)k * 0x1.a39ef35793c76p-33;
    return high + (low + 2 * (s + s * series));
}

// e^x = 2^n e^r, |r| <= log 2 / 2, by the Taylor series to r^14 (the next term is below 1e-19).
double shoal_exp(double x) {
    if (x != x) return x;
    if (x > 710) return __builtin_inf();
    if (x < -746) return 0;
    double n = nearest(x * 0x1.71547652b82fep+0);
    double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
    double series = 1;
    for (int term = 14; term >= 1; term--) series = 1 + series * r / term;
    int64_t k = (int64_t)n, half = k / 2;
    return series * from_exponent(half) * from_exponent(k - half);
}

double shoal_pow(double base, double y) { return shoal_exp(y * shoal_log(base)); }

// x = n pi/2 + r, |r| <= pi/4, with pi/2 in three parts of which n times the first two is exact
// for n < 2^23; then the Taylor series of both functions (the next terms are below 1e-16).
void shoal_sincos(double x, double *sine, double *cosine) {
    double n = nearest(x * 0x1.45f306dc9c883p-1);
    double r = ((x - n * 0x1.921fb54p+0) - n * 0x1.10b46118p-30) - n * 0x1.313198a2e0370p-61;
    double square = r * r, s = 1, c = 1;
    for (int term = 16; term >= 2; term -= 2) {
        s = 1 - s * square / (double)(term * (term + 1));
        c = 1 - c * square / (double)(term * (term - 1));
    }
    s = s * r;
    switch ((int64_t)n & 3) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}
