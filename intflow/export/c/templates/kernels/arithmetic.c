/* ------------------------------------------------------------------ arithmetic
 *
 * Half-even rounding and symmetric clipping treat both signs alike, so everything narrows through
 * magnitudes: no negative number is ever shifted, and nothing depends on the compiler. */

/* |v| as unsigned: also that of the most negative number. */
uint64_t intflow_magnitude(int64_t v)
{
    return v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v;
}

/* The magnitude with the sign of another number; magnitude < 2**63. */
int64_t intflow_signed(uint64_t magnitude, int64_t sign)
{
    return sign < 0 ? -(int64_t)magnitude : (int64_t)magnitude;
}

/* Bits of the binary notation: 0 -> 0, 1 -> 1, 255 -> 8. */
int32_t intflow_bit_length(uint64_t v)
{
    int32_t bits = 0;
    for (; v != 0; v >>= 1)
        bits++;
    return bits;
}

/* Largest code of a symmetric format: 8 bits -> 127. */
int64_t intflow_largest(int32_t bits)
{
    return (int64_t)((UINT64_C(1) << (bits - 1)) - 1);
}

/* round(log2 m), m >= 1. The fraction decides at sqrt(2): with m brought to [2**63, 2**64),
 * m > sqrt(2) * 2**63 where m > isqrt(2**127). 1 -> 0, 3 -> 2, 90 -> 6, 91 -> 7. */
int32_t intflow_shiftexp(uint64_t m)
{
    int32_t floor_log2 = intflow_bit_length(m) - 1;
    return floor_log2 + (m << (63 - floor_log2) > UINT64_C(0xB504F333F9DE6484));
}

/* half_even(m * 2**-rshift), rshift >= 1. 6, 2 (1.5) -> 2; 10, 2 (2.5) -> 2. */
uint64_t intflow_half_even_shift(uint64_t m, int32_t rshift)
{
    uint64_t quotient, rest, half;
    if (rshift > 63)
        return 0;               /* m <= 2**63 is at most the tie of 1/2, and 0 is even */
    quotient = m >> rshift;
    rest = m & ((UINT64_C(1) << rshift) - 1);
    half = UINT64_C(1) << (rshift - 1);
    return quotient + (rest > half || (rest == half && (quotient & 1) != 0));
}

/* clip(half_even(v * 2**-rshift), -limit, limit); rshift < 0 is an exact left shift. */
int64_t intflow_narrow(int64_t v, int32_t rshift, int64_t limit)
{
    uint64_t m = intflow_magnitude(v), most = (uint64_t)limit;
    if (rshift > 0)
        m = intflow_half_even_shift(m, rshift);
    else if (rshift < -63 || m > most >> -rshift)
        m = m == 0 ? 0 : most;
    else
        m <<= -rshift;
    return intflow_signed(m > most ? most : m, v);
}

/* Whether |v * 2**-rshift| <= limit, before any rounding: the straight-through mask. */
uint8_t intflow_inside(int64_t v, int32_t rshift, int64_t limit)
{
    uint64_t m = intflow_magnitude(v), most = (uint64_t)limit;
    if (rshift > 63)
        return m == 0 || most >= 1;
    if (rshift > 0)
        return (m >> rshift) + ((m & ((UINT64_C(1) << rshift) - 1)) != 0) <= most;
    return rshift < -63 ? m == 0 : m <= most >> -rshift;
}

/* half_even(v * 2**lshift / count). The whole part is divided first, so that nothing overflows
 * which the result can hold; count < 2**26. 5, 4, 4 -> 20. */
int64_t intflow_divide(int64_t v, int32_t lshift, uint64_t count)
{
    uint64_t m = intflow_magnitude(v), part = (m % count) << lshift;
    uint64_t quotient = ((m / count) << lshift) + part / count, twice = 2 * (part % count);
    quotient += twice > count || (twice == count && (quotient & 1) != 0);
    return intflow_signed(quotient, v);
}

/* ------------------------------------------------------------------ formats of errors */

intflow_format intflow_make_format(int32_t bits, int32_t frac_bits)
{
    intflow_format format;
    format.bits = bits;
    format.frac_bits = frac_bits;
    return format;
}

/* A wide format: at least 17 bits; 0 bits where 64 do not hold it, which ends the step. */
intflow_format intflow_wide_format(int32_t bits, int32_t frac_bits)
{
    return intflow_make_format(bits > 64 ? 0 : bits < 17 ? 17 : bits, frac_bits);
}

/* How two operands reach the finer of their steps, and the format of the exact sum. Where the
 * steps lie too far apart for 62 bits, the finer operand is first rounded to one that fits. */
intflow_sum intflow_plan_sum(intflow_format a, intflow_format b)
{
    intflow_sum sum;
    int b_is_coarse = b.frac_bits < a.frac_bits;
    intflow_format coarse = b_is_coarse ? b : a, fine = b_is_coarse ? a : b;
    int32_t gap = fine.frac_bits - coarse.frac_bits, room = 62 - coarse.bits;
    int32_t dropped = gap > room ? gap - room : 0, lshift = gap - dropped;
    int32_t bits = coarse.bits + lshift > fine.bits ? coarse.bits + lshift : fine.bits;
    sum.a_rshift = b_is_coarse ? dropped : -lshift;
    sum.b_rshift = b_is_coarse ? -lshift : dropped;
    sum.a_bits = a.bits;
    sum.b_bits = b.bits;
    sum.format = intflow_wide_format(bits + 1, coarse.frac_bits + lshift);
    if (room < 0)
        sum.format.bits = 0;
    return sum;
}

/* One operand at the step of the sum. */
int64_t intflow_align(int64_t v, int32_t rshift, int32_t bits)
{
    return intflow_narrow(v, rshift, rshift > 0 ? intflow_largest(bits) : INT64_MAX);
}

/* Errors behind a max pool, where `overlap` windows share a pixel. */
intflow_format intflow_max_pool_format(intflow_format e, uint64_t overlap)
{
    uint64_t most = (uint64_t)intflow_largest(e.bits);
    int32_t bits = most > UINT64_MAX / overlap ? 65 : intflow_bit_length(overlap * most) + 1;
    if (bits <= 16)
        return intflow_make_format(bits, e.frac_bits);
    return intflow_wide_format(bits, e.frac_bits);
}

/* Errors behind an average pool of `count` pixels, with `lshift` bits below the step. */
intflow_format intflow_avg_pool_format(intflow_format e, uint64_t overlap, uint64_t count,
                                       int32_t lshift)
{
    uint64_t most = (uint64_t)intflow_largest(e.bits), share;
    int32_t bits = 65;
    if (most / count <= (UINT64_MAX >> lshift) - 2) {
        share = ((most / count) << lshift) + ((most % count) << lshift) / count + 1;
        if (share <= UINT64_MAX / overlap)
            bits = intflow_bit_length(overlap * share) + 1;
    }
    return intflow_wide_format(bits, e.frac_bits + lshift);
}
