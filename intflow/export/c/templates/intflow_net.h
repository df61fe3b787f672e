/* @TITLE@
 *
 * The whole interface. Everything is integer, all memory is static, nothing is allocated.
 * Not re-entrant: one network, one caller at a time. */

#ifndef INTFLOW_NET_H
#define INTFLOW_NET_H

#include <stdint.h>

#define INTFLOW_BATCH @BATCH@               /* most images of one call */
#define INTFLOW_CHANNELS @CHANNELS@
#define INTFLOW_HEIGHT @HEIGHT@
#define INTFLOW_WIDTH @WIDTH@
#define INTFLOW_IMAGE_BYTES @IMAGE_BYTES@   /* u8, channels x height x width */
#define INTFLOW_CLASSES @CLASSES@
#define INTFLOW_OUTPUT_FRAC_BITS @OUTPUT_FRAC_BITS@     /* an output means code * 2**-this */

/* Bytes of static memory: weights and step counter, and what a call works in. */
#define INTFLOW_STATE_BYTES @STATE_BYTES@
#define INTFLOW_INFERENCE_BYTES @INFERENCE_BYTES@
#define INTFLOW_TRAINING_BYTES @TRAINING_BYTES@         /* this holds the one for inference */

typedef @OUTPUT_TYPE@ intflow_output;

enum {
    INTFLOW_OK = 0,
    INTFLOW_BAD_COUNT,          /* images: 1 to INTFLOW_BATCH */
    INTFLOW_BAD_LABEL,          /* labels: 0 to INTFLOW_CLASSES - 1 */
    INTFLOW_BAD_RATE,           /* zero, too long a fraction, or not fit for these gradients */
    INTFLOW_TOO_WIDE            /* an error needs more than 64 bits */
};

/* A learning rate p / q * 2**h, p and q odd and below 2**16. */
typedef struct {
    uint32_t p, q;
    int32_t h;
} intflow_rate;

/* What a step reports: the batch's summed loss is
 * (loss_high * 2**64 + loss_low) * 2**-loss_frac_bits. */
typedef struct {
    int32_t images, wrong;
    uint64_t loss_high, loss_low;
    int32_t loss_frac_bits;
} intflow_result;

/* Classes of `count` images: outputs (count, INTFLOW_CLASSES). Changes no state. */
int intflow_predict(intflow_output *outputs, const uint8_t *images, int32_t count);

/* Number of the largest of INTFLOW_CLASSES outputs; the first of equal ones. */
int32_t intflow_class(const intflow_output *outputs);

/* SHA-256 of the integer state, as `intflow digest` prints it. */
void intflow_digest(uint8_t digest[32]);

#ifndef INTFLOW_INFERENCE_ONLY

/* The rate that the run would train on with. */
extern const intflow_rate intflow_default_rate;

int intflow_make_rate(intflow_rate *rate, uint32_t numerator, uint32_t denominator);

/* One training step: forward, loss, backward, update. Where the status is BAD_RATE or TOO_WIDE
 * some weights may have moved and the step is not counted: restore them, or start again. */
int intflow_train_step(const uint8_t *images, const int32_t *labels, int32_t count,
                       intflow_rate rate, intflow_result *result);

#endif

#endif
