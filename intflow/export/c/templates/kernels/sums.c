/* ------------------------------------------------------------------ sums of a loss */

/* loss += v * v in 128 bits, from four products of 32-bit halves. */
void intflow_add_square(intflow_result *result, int64_t v)
{
    uint64_t m = intflow_magnitude(v), high = m >> 32, low = m & UINT32_MAX;
    uint64_t middle = high * low, low_square = low * low;
    uint64_t square = low_square + (middle << 33);
    result->loss_high += high * high + (middle >> 31) + (square < low_square);
    result->loss_low += square;
    result->loss_high += result->loss_low < square;
}

/* round(2**15 * 2**(-j / 256)) */
static const uint16_t POWERS[256] = {
@POWERS@
};

/* v * 2**-rshift, rounded down. */
uint64_t intflow_floor_shift(uint64_t v, int32_t rshift)
{
    return rshift >= 0 ? v >> rshift : v << -rshift;
}

/* 2**15 * 2**-(below * log2(e)), for `below` in units of 2**-frac_bits; log2(e) = 1477 / 1024. */
uint64_t intflow_power_of_two(uint64_t below, int32_t frac_bits)
{
    uint64_t u = intflow_floor_shift(below * 1477 >> 10, frac_bits - 8);
    return u >> 8 > 31 ? 0 : (uint64_t)POWERS[u & 255] >> (u >> 8);
}

/* log2 in units of 2**-16, rounded down, 1 <= v < 2**31: the fraction bit by bit, by squaring. */
uint64_t intflow_log2(uint64_t v)
{
    int32_t whole = intflow_bit_length(v) - 1, bit;
    uint64_t mantissa = v << (30 - whole), fraction = 0;
    for (bit = 0; bit < 16; bit++) {
        mantissa = mantissa * mantissa >> 30;
        fraction = fraction << 1 | mantissa >> 31;
        mantissa >>= mantissa >> 31;
    }
    return (uint64_t)whole << 16 | fraction;
}

/* ln(total / 2**15) + below in units of 2**-16; ln(2) = 45426 / 2**16, total >= 2**15. */
uint64_t intflow_nats(uint64_t total, uint64_t below, int32_t frac_bits)
{
    uint64_t ln = (intflow_log2(total) - (UINT64_C(15) << 16)) * 45426 >> 16;
    return ln + intflow_floor_shift(below, frac_bits - 16);
}
