/* ------------------------------------------------------------------ random numbers
 *
 * Philox4x32-10: four words as a function of a counter (block, tensor, step, purpose) and a key
 * (the seed). Element i of a stream is word (i >> 8) & 3 of block ((i >> 10) << 8) | (i & 255). */

static uint32_t high_product(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)a * b) >> 32);
}

void intflow_philox(uint32_t words[4], uint32_t key0, uint32_t key1)
{
    int round;
    for (round = 0; round < 10; round++) {
        uint32_t high0 = high_product(words[0], UINT32_C(0xD2511F53));
        uint32_t high1 = high_product(words[2], UINT32_C(0xCD9E8D57));
        uint32_t low0 = (uint32_t)((uint64_t)words[0] * UINT32_C(0xD2511F53));
        uint32_t low1 = (uint32_t)((uint64_t)words[2] * UINT32_C(0xCD9E8D57));
        words[0] = high1 ^ words[1] ^ key0;
        words[1] = low1;
        words[2] = high0 ^ words[3] ^ key1;
        words[3] = low0;
        key0 += UINT32_C(0x9E3779B9);
        key1 += UINT32_C(0xBB67AE85);
    }
}

void intflow_random_block(uint32_t words[4], const intflow_stream *stream, uint32_t block)
{
    words[0] = block;
    words[1] = stream->tensor;
    words[2] = stream->step;
    words[3] = stream->purpose;
    intflow_philox(words, (uint32_t)stream->seed, (uint32_t)(stream->seed >> 32));
}

/* Element i of a stream, i < 2**34. */
uint32_t intflow_random_u32(const intflow_stream *stream, uint64_t i)
{
    uint32_t words[4];
    intflow_random_block(words, stream, (uint32_t)(((i >> 10) << 8) | (i & 255)));
    return words[(i >> 8) & 3];
}
