/*
 * readings.h - readings in minutes, and pseudo-random numbers, for the tests of metering.
 */
#ifndef GHGD_TEST_READINGS_H
#define GHGD_TEST_READINGS_H

#include "base/timestamp.h"
#include "pipelines/metering/booking.h"

enum { BUCKET_MS = 900000, SLOTS = 64, ROLE_SHIFT = 2 };
#define U INT64_C(1000000) /* one unit in micro-units */
#define FLOOR INT64_MIN    /* no window is closed */
#define ACTUAL .quality = QUALITY_ACTUAL
#define ESTIMATE .quality = QUALITY_ESTIMATED
#define FINAL .quality = (QUALITY_ACTUAL | ROLE_FINAL << ROLE_SHIFT)
#define INITIAL .quality = (QUALITY_ACTUAL | ROLE_INITIAL << ROLE_SHIFT)

struct given {
    int64_t start_min, end_min; /* end 0: an instant */
    int64_t value;
    int revision, quality; /* the role is in front of the quality: FINAL, INITIAL */
    int64_t offset;        /* 0: 7 */
};

struct reading reading_of(const struct given *given);
/* Books the reading in buckets of BUCKET_MS. */
struct booking book(const struct meter *meter, struct journal *journal, const struct given *given,
                    int64_t floor_ms);
/* The activity of buckets [from, to), summed. */
int128 sum_buckets(const struct meter *meter, const struct journal *journal, int64_t from,
                   int64_t to);

/* SEED of the environment, or another one each time; it is printed. */
uint64_t seed_of_run(void);
/* A number below the limit. */
uint32_t random_below(uint64_t *random, uint32_t limit);

#endif
