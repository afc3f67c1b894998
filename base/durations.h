/*
 * durations.h - durations, sizes and shares as people write them: 15m, 1h30m, 64MiB, 5%.
 *
 * A duration is one or more whole numbers, each with its unit, from the largest unit to the
 * smallest, none twice: w (7 days), d (24 hours), h, m, s, ms. A size is one whole number with B,
 * KiB, MiB, GiB, TiB or kB, MB, GB, TB. A bare number is neither, not even 0. Pure. Thread: any.
 */
#ifndef GHGD_DURATIONS_H
#define GHGD_DURATIONS_H

#include "base/buffer.h"

/* Return 0, ERR_SYNTAX, or ERR_RANGE if the result does not fit. */
int duration_parse(int64_t *ms_out, const char *text, size_t size) MUST_CHECK;
int size_parse(int64_t *bytes_out, const char *text, size_t size) MUST_CHECK;

/* The shortest text that parses to the same value, which is not negative: 1h30m, 7d, 0s; 64MiB. */
void duration_print(struct buffer *out, int64_t ms);
void size_print(struct buffer *out, int64_t bytes);
/* Parts of PART_ONE, to their last digit, any sign: 5%, 4.2%; 0.05, 1. */
void percent_print(struct buffer *out, int64_t part);
void share_print(struct buffer *out, int64_t part);

#endif
