/* Runs the network on records from a file or from standard input.
 *
 * A record is a label (two bytes, low one first) and INTFLOW_IMAGE_BYTES pixels, rows of each
 * channel in turn. `predict` reads the label and passes over it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intflow_net.h"

static uint8_t images[INTFLOW_BATCH * INTFLOW_IMAGE_BYTES];
static int32_t labels[INTFLOW_BATCH];
static intflow_output outputs[INTFLOW_BATCH * INTFLOW_CLASSES];

static int fail(const char *what)
{
    fprintf(stderr, "intflow_net: %s\n", what);
    return 1;
}

static const char *explain(int status)
{
    static const char *const lines[] = {
        "done", "the batch is empty or too large", "a label is not a class of the network",
        "this learning rate does not fit; use one nearer to 1", "an error needs over 64 bits",
    };
    return lines[status];
}

/* Up to a batch of records; -1 where the last one is cut short. */
static int read_batch(FILE *file)
{
    int count = 0;
    while (count < INTFLOW_BATCH) {
        uint8_t label[2];
        size_t got = fread(label, 1, 2, file);
        if (got == 0)
            break;
        if (got < 2 || fread(images + (size_t)count * INTFLOW_IMAGE_BYTES, 1, INTFLOW_IMAGE_BYTES,
                             file) < INTFLOW_IMAGE_BYTES)
            return -1;
        labels[count++] = (int32_t)label[0] + 256 * (int32_t)label[1];
    }
    return count;
}

/* One line an image: its class, then every output. */
static int predict(int argc, char **argv, FILE *file)
{
    int count, n, o;
    (void)argc;
    (void)argv;
    while ((count = read_batch(file)) > 0) {
        int status = intflow_predict(outputs, images, count);
        if (status != INTFLOW_OK)
            return fail(explain(status));
        for (n = 0; n < count; n++) {
            const intflow_output *row = outputs + (size_t)n * INTFLOW_CLASSES;
            printf("%ld", (long)intflow_class(row));
            for (o = 0; o < INTFLOW_CLASSES; o++)
                printf(" %lld", (long long)row[o]);
            printf("\n");
        }
    }
    return count < 0 ? fail("the last record is cut short") : 0;
}

static int print_digest(void)
{
    uint8_t digest[32];
    int i;
    intflow_digest(digest);
    for (i = 0; i < 32; i++)
        printf("%02x", (unsigned)digest[i]);
    printf("\n");
    return 0;
}

static int print_memory(void)
{
    printf("state %ld, inference %ld, training %ld bytes\n", (long)INTFLOW_STATE_BYTES,
           (long)INTFLOW_INFERENCE_BYTES, (long)INTFLOW_TRAINING_BYTES);
    return 0;
}

#ifndef INTFLOW_INFERENCE_ONLY

static int read_rate(intflow_rate *rate, const char *text)
{
    char *end;
    unsigned long p = strtoul(text, &end, 10), q = 1;
    if (*end == '/')
        q = strtoul(end + 1, &end, 10);
    if (*end != '\0' || p > UINT32_MAX || q > UINT32_MAX)
        return INTFLOW_BAD_RATE;
    return intflow_make_rate(rate, (uint32_t)p, (uint32_t)q);
}

/* One line a step; the digest at the end. */
static int train_steps(FILE *file, unsigned long steps, intflow_rate rate)
{
    unsigned long step;
    intflow_result r;
    for (step = 0; step < steps; step++) {
        int count = read_batch(file), status;
        if (count < INTFLOW_BATCH)      /* like the engine, no step on part of a batch */
            return fail("the records end before the last step");
        status = intflow_train_step(images, labels, count, rate, &r);
        if (status != INTFLOW_OK)
            return fail(explain(status));
        printf("step %lu: %ld of %ld wrong, loss 0x%016llx%016llx * 2**-%ld\n", step + 1,
               (long)r.wrong, (long)r.images, (unsigned long long)r.loss_high,
               (unsigned long long)r.loss_low, (long)r.loss_frac_bits);
    }
    return print_digest();
}

static int train(int argc, char **argv, FILE *file)
{
    intflow_rate rate = intflow_default_rate;
    char *end;
    unsigned long steps = strtoul(argv[2], &end, 10);
    if (*end != '\0')
        return fail("STEPS is a whole number");
    if (argc > 4 && read_rate(&rate, argv[4]) != INTFLOW_OK)
        return fail("a learning rate is a fraction such as 8 or 1/8");
    return train_steps(file, steps, rate);
}

#endif

static int usage(void)
{
    fprintf(stderr, "usage: intflow_net predict FILE | train STEPS FILE [RATE] | digest | memory\n"
                    "FILE is - for standard input; RATE is a fraction such as 8 or 1/8\n");
    return 2;
}

/* Runs a command on the records of a file. */
static int on_records(int argc, char **argv, const char *name,
                      int (*command)(int argc, char **argv, FILE *file))
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    int code;
    if (file == NULL)
        return fail("cannot open the records");
    code = command(argc, argv, file);
    if (file != stdin)
        fclose(file);
    return code;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "digest") == 0)
        return print_digest();
    if (argc == 2 && strcmp(argv[1], "memory") == 0)
        return print_memory();
    if (argc == 3 && strcmp(argv[1], "predict") == 0)
        return on_records(argc, argv, argv[2], predict);
#ifndef INTFLOW_INFERENCE_ONLY
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "train") == 0)
        return on_records(argc, argv, argv[3], train);
#endif
    return usage();
}
