/* ------------------------------------------------------------------ SHA-256 (FIPS 180-4) */

static const uint32_t ROUND_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t v, int bits)
{
    return v >> bits | v << (32 - bits);
}

static void sha256_schedule(uint32_t w[64], const uint8_t block[64])
{
    int t;
    for (t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16
            | (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (; t < 64; t++) {
        uint32_t a = w[t - 15], b = w[t - 2];
        w[t] = w[t - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3)
            + w[t - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void sha256_block(uint32_t hash[8], const uint8_t block[64])
{
    uint32_t w[64], s[8];
    int t, i;
    sha256_schedule(w, block);
    for (i = 0; i < 8; i++)
        s[i] = hash[i];
    for (t = 0; t < 64; t++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25))
            + ((e & s[5]) ^ (~e & s[6])) + ROUND_CONSTANTS[t] + w[t];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22))
            + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        for (i = 7; i > 0; i--)
            s[i] = s[i - 1];
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (i = 0; i < 8; i++)
        hash[i] += s[i];
}

void intflow_sha256_start(intflow_sha256 *sha)
{
    static const uint32_t first[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    int i;
    for (i = 0; i < 8; i++)
        sha->hash[i] = first[i];
    sha->bytes = 0;
}

void intflow_sha256_byte(intflow_sha256 *sha, uint8_t byte)
{
    sha->block[sha->bytes++ & 63] = byte;
    if ((sha->bytes & 63) == 0)
        sha256_block(sha->hash, sha->block);
}

void intflow_sha256_text(intflow_sha256 *sha, const char *text)
{
    for (; *text != '\0'; text++)
        intflow_sha256_byte(sha, (uint8_t)*text);       /* ASCII */
}

void intflow_sha256_decimal(intflow_sha256 *sha, uint32_t number)
{
    if (number >= 10)
        intflow_sha256_decimal(sha, number / 10);
    intflow_sha256_byte(sha, (uint8_t)(48 + number % 10));
}

void intflow_sha256_finish(intflow_sha256 *sha, uint8_t digest[32])
{
    uint64_t bits = sha->bytes * 8;
    int i;
    intflow_sha256_byte(sha, 0x80);
    while ((sha->bytes & 63) != 56)
        intflow_sha256_byte(sha, 0);
    for (i = 56; i >= 0; i -= 8)
        intflow_sha256_byte(sha, (uint8_t)(bits >> i & 255));
    for (i = 0; i < 32; i++)
        digest[i] = (uint8_t)(sha->hash[i / 4] >> (24 - 8 * (i % 4)) & 255);
}

@for w@
/* Codes in two's complement, little-endian, whatever the machine's order. */
void intflow_sha256_codes_w(intflow_sha256 *sha, const w_t *codes, size_t count)
{
    size_t i, byte;
    for (i = 0; i < count; i++)
        for (byte = 0; byte < sizeof(w_t); byte++)
            intflow_sha256_byte(sha, (uint8_t)((uint32_t)codes[i] >> 8 * byte & 255));
}
