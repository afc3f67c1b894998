/*
 * groups_bench.h - facilities in two zones with sources and production, and records of their days.
 */
#ifndef GHGD_TEST_GROUPS_BENCH_H
#define GHGD_TEST_GROUPS_BENCH_H

#include "base/id_index.h"
#include "pipelines/groups/group_totals.h"

enum { BENCH_FACILITIES = 6, BENCH_SERIES = 3, BENCH_OWNERSHIPS_MAX = 8 };
#define BENCH_BUCKET_MS 900000

struct groups_bench {
    struct facility facilities[BENCH_FACILITIES];
    struct series series[BENCH_FACILITIES * BENCH_SERIES];
    struct meter meters[BENCH_FACILITIES];
    struct ownership ownerships[BENCH_OWNERSHIPS_MAX];
    struct registry registry;
    struct targets targets;
    struct id_index facility_ids;
};

/* Facilities "site-0" to "site-5": a source of scope 1, one of scope 2, and production. The first
 * of each has a meter that is expected from 2020 on. All are in UTC. */
void groups_bench_init(struct groups_bench *bench);
void groups_bench_fini(struct groups_bench *bench);

/* A record of scopes 1 and 2 whose figures follow from `seed`; its series go to `series`. */
struct day_record groups_bench_record(uint32_t facility, int32_t day, uint64_t version,
                                      uint32_t seed, struct buffer *series);
/* Puts that record into the table; expects the result. */
void groups_bench_put(struct group_totals *totals, uint32_t facility, int32_t day, uint64_t version,
                      uint32_t seed);

#endif
