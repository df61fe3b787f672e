/* ------------------------------------------------------------------ the weight update: G */

/* Learning rates are p / q * 2**h, p and q odd and below 2**16, at most 2**most. */
int intflow_check_rate(intflow_rate rate, int32_t most)
{
    int32_t room = most - rate.h;
    if (rate.p % 2 == 0 || rate.q % 2 == 0 || rate.p > UINT16_MAX || rate.q > UINT16_MAX)
        return INTFLOW_BAD_RATE;
    if (rate.h < -1000 || rate.h > 1000 || room < -15)
        return INTFLOW_BAD_RATE;
    if (room < 0)
        return rate.p > rate.q >> -room ? INTFLOW_BAD_RATE : INTFLOW_OK;
    return room < 16 && rate.p > (uint64_t)rate.q << room ? INTFLOW_BAD_RATE : INTFLOW_OK;
}

/* The rate numerator / denominator, reduced; INTFLOW_BAD_RATE where p or q needs over 16 bits. */
int intflow_make_rate(intflow_rate *rate, uint32_t numerator, uint32_t denominator)
{
    uint32_t a = numerator, b = denominator;
    if (numerator == 0 || denominator == 0)
        return INTFLOW_BAD_RATE;
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    rate->p = numerator / a;
    rate->q = denominator / a;
    rate->h = 0;
    for (; rate->p % 2 == 0; rate->h++)
        rate->p /= 2;
    for (; rate->q % 2 == 0; rate->h--)
        rate->q /= 2;
    return rate->p > UINT16_MAX || rate->q > UINT16_MAX ? INTFLOW_BAD_RATE : INTFLOW_OK;
}

/* How |g| * p / D becomes a whole step of the weight, D = q * 2**rshift with
 * rshift = shiftexp(max|g|) - h; INTFLOW_BAD_RATE where 62 bits do not hold it. */
int intflow_plan_update(intflow_rounding *rounding, uint64_t largest, intflow_rate rate)
{
    int32_t rshift = intflow_shiftexp(largest) - rate.h, lshift = rshift < 0 ? -rshift : 0;
    int32_t drop;
    if (intflow_bit_length(largest) + intflow_bit_length(rate.p) + lshift > 62
        || rshift + intflow_bit_length(rate.q) > 62)
        return INTFLOW_BAD_RATE;
    rounding->p = rate.p;
    rounding->lshift = lshift;
    rounding->divisor = (uint64_t)rate.q << (rshift > 0 ? rshift : 0);
    drop = intflow_bit_length(rounding->divisor - 1) - 32;
    rounding->drop = drop > 0 ? drop : 0;
    return INTFLOW_OK;
}

/* clip(w - d, -limit, limit), d = sign(g) * ((|g| * p + R) / D) with R uniform in [0, D). */
int64_t intflow_updated(int64_t w, int64_t g, uint32_t random, const intflow_rounding *rounding,
                        int64_t limit)
{
    uint64_t below = ((random * (rounding->divisor >> rounding->drop)) >> 32) << rounding->drop;
    uint64_t size = (intflow_magnitude(g) * rounding->p << rounding->lshift) + below;
    int64_t moved = w - intflow_signed(size / rounding->divisor, g);
    return moved > limit ? limit : moved < -limit ? -limit : moved;
}

/* Element i of the random stream belongs to the weight at i in the order (taps, I, O). */
size_t intflow_stored_at(size_t i, const intflow_shape *shape)
{
    size_t o = i % shape->outputs, rest = i / shape->outputs;
    return (o * shape->inputs + rest % shape->inputs) * shape->taps + rest / shape->inputs;
}

@for w g@
/* Move the weights (O, I, taps); a gradient of zeros moves none. */
int intflow_update_w_g(w_t *w, const g_t *g, const intflow_shape *shape,
                       int64_t limit, intflow_rate rate, const intflow_stream *stream)
{
    size_t count = shape->outputs * shape->inputs * shape->taps, block, i;
    uint64_t largest = intflow_max_abs_g(g, count);
    intflow_rounding rounding;
    if (largest == 0)
        return INTFLOW_OK;
    if (intflow_plan_update(&rounding, largest, rate) != INTFLOW_OK)
        return INTFLOW_BAD_RATE;
    for (block = 0; (block >> 8 << 10) + (block & 255) < count; block++) {
        uint32_t words[4];
        intflow_random_block(words, stream, (uint32_t)block);
        for (i = 0; i < 4; i++) {
            size_t element = (block >> 8 << 10) + 256 * i + (block & 255), at;
            if (element >= count)
                break;
            at = intflow_stored_at(element, shape);
            w[at] = (w_t)intflow_updated(w[at], g[at], words[i], &rounding, limit);
        }
    }
    return INTFLOW_OK;
}
