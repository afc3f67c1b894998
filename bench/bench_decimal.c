/*
 * Numbers of readings in and out, beside the C library with the same text in the same run. A value
 * parsed and converted to micro-units stands beside strtod (which is inexact). A double made a
 * decimal stands beside printing its 17 digits. Masses and counts printed stand beside snprintf.
 */
#include "base/base.h"
#include "base/buffer.h"
#include "base/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NUMBERS = 4096, TEXT_SIZE = 24, ROUNDS = 40 };

struct numbers {
    char text[NUMBERS][TEXT_SIZE];
    size_t size[NUMBERS];
    double as_double[NUMBERS];
    int64_t micro[NUMBERS];
    struct buffer buffer;
};

static volatile uint64_t result; /* a result without a reader would not be computed */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Readings as meters send them: up to seven digits before the point, up to three behind it. */
static void fill(struct numbers *numbers)
{
    uint64_t random = 20260301;
    for (size_t i = 0; i < NUMBERS; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int decimals = (int)(random >> 60) % 4;
        int64_t whole = (int64_t)(random >> 33) % 10000000;
        numbers->size[i] = (size_t)snprintf(numbers->text[i], TEXT_SIZE, "%.*f", decimals,
                                            (double)whole / 1000.0 * (double)(1 + i % 3));
        numbers->as_double[i] = strtod(numbers->text[i], NULL);
        numbers->micro[i] = (int64_t)(numbers->as_double[i] * 1e6);
    }
}

static void ours_parse(struct numbers *numbers)
{
    const struct ratio kilo = {1000, 1};
    for (size_t i = 0; i < NUMBERS; i++) {
        struct decimal decimal;
        int64_t micro = 0;
        if (decimal_parse(&decimal, numbers->text[i], numbers->size[i]) == 0 &&
            decimal_to_micro(&micro, decimal, kilo) == 0)
            result += (uint64_t)micro;
    }
}

static void theirs_parse(struct numbers *numbers)
{
    for (size_t i = 0; i < NUMBERS; i++)
        result += (uint64_t)(strtod(numbers->text[i], NULL) * 1e9);
}

static void ours_from_double(struct numbers *numbers)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        struct decimal decimal;
        if (decimal_from_double(&decimal, numbers->as_double[i]) == 0)
            result += (uint64_t)decimal.digits;
    }
}

static void theirs_from_double(struct numbers *numbers)
{
    char text[32];
    for (size_t i = 0; i < NUMBERS; i++)
        result += (uint64_t)snprintf(text, sizeof(text), "%.17g", numbers->as_double[i]);
}

static void ours_fixed(struct numbers *numbers)
{
    buffer_clear(&numbers->buffer);
    for (size_t i = 0; i < NUMBERS; i++)
        buffer_add_fixed(&numbers->buffer, numbers->micro[i], 6);
    result += numbers->buffer.size;
}

static void theirs_fixed(struct numbers *numbers)
{
    char text[32];
    for (size_t i = 0; i < NUMBERS; i++)
        result += (uint64_t)snprintf(text, sizeof(text), "%.6f", numbers->as_double[i]);
}

static void ours_int(struct numbers *numbers)
{
    buffer_clear(&numbers->buffer);
    for (size_t i = 0; i < NUMBERS; i++)
        buffer_add_int(&numbers->buffer, numbers->micro[i]);
    result += numbers->buffer.size;
}

static void theirs_int(struct numbers *numbers)
{
    char text[32];
    for (size_t i = 0; i < NUMBERS; i++)
        result += (uint64_t)snprintf(text, sizeof(text), "%" PRId64, numbers->micro[i]);
}

/* The best of some rounds: what disturbs a round only ever makes it slower. */
static double seconds_per_number(void (*run)(struct numbers *numbers), struct numbers *numbers)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        run(numbers);
        double elapsed = seconds_now() - start;
        best = elapsed < best ? elapsed : best;
    }
    return best / NUMBERS;
}

static const struct {
    const char *name, *peer;
    void (*ours)(struct numbers *numbers);
    void (*theirs)(struct numbers *numbers);
} comparisons[] = {
    {"decimal_parse + decimal_to_micro", "strtod", ours_parse, theirs_parse},
    {"decimal_from_double", "snprintf %.17g", ours_from_double, theirs_from_double},
    {"buffer_add_fixed", "snprintf %.6f", ours_fixed, theirs_fixed},
    {"buffer_add_int", "snprintf %d", ours_int, theirs_int},
};

int main(void)
{
    static struct numbers numbers;
    fill(&numbers);
    buffer_init(&numbers.buffer, (size_t)NUMBERS * TEXT_SIZE);
    printf("%-34s %10s  %-15s %10s\n", "function", "ns/number", "peer", "x peer");
    for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
        double theirs = seconds_per_number(comparisons[i].theirs, &numbers);
        double ours = seconds_per_number(comparisons[i].ours, &numbers);
        printf("%-34s %10.2f  %-15s %10.2f\n", comparisons[i].name, ours * 1e9, comparisons[i].peer,
               theirs / ours);
    }
    buffer_fini(&numbers.buffer);
    return 0;
}
