#include "tests/unit/metering/readings.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "pipelines/metering/projection.h"

struct reading reading_of(const struct given *given)
{
    int64_t end_min = given->end_min > 0 ? given->end_min : given->start_min;
    return (struct reading){.start_ms = given->start_min * MINUTE_MS,
                            .value = given->value,
                            .offset = given->offset != 0 ? given->offset : 7,
                            .span_ms = (uint64_t)((end_min - given->start_min) * MINUTE_MS) &
                                       ((UINT64_C(1) << 40) - 1),
                            .revision = (uint16_t)given->revision,
                            .quality = (unsigned)given->quality & 3U,
                            .role = (unsigned)given->quality >> ROLE_SHIFT & 7U};
}

struct booking book(const struct meter *meter, struct journal *journal, const struct given *given,
                    int64_t floor_ms)
{
    struct reading reading = reading_of(given);
    struct booking booking;
    booking_add(&booking, meter, journal, &reading, BUCKET_MS, floor_ms);
    return booking;
}

int128 sum_buckets(const struct meter *meter, const struct journal *journal, int64_t from,
                   int64_t to)
{
    int128 sum = 0;
    for (int64_t i = from; i < to; i++) {
        struct cell cell;
        projection_cell(&cell, meter, journal, i * BUCKET_MS, BUCKET_MS);
        sum += cell.activity;
    }
    return sum;
}

uint64_t seed_of_run(void)
{
    const char *given = getenv("SEED"); // NOLINT(concurrency-mt-unsafe): one thread
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("SEED=%" PRIu64 "\n", seed);
    return seed;
}

uint32_t random_below(uint64_t *random, uint32_t limit)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 33) % limit;
}
