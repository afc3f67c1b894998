/*
 * course_bench.h - a course with plans of two years, linear, and a ledger.
 */
#ifndef GHGD_TEST_COURSE_BENCH_H
#define GHGD_TEST_COURSE_BENCH_H

#include "pipelines/trajectory/course.h"

#define T INT64_C(1000000000) /* a tonne in milligrams */
#define DAY_MS INT64_C(86400000)

/* 4.2 % a year from 2019 to 2030, scopes 1 and 2. */
extern const struct target linear_target;

struct course_bench {
    struct course_conf conf;
    struct target target;
    struct target_line line;
    struct course_plan plans[2];
    struct day_ledger *ledger;
    struct course_state state;
    struct course_row row;
    struct course_transition change;
    uint32_t changes; /* of levels so far */
};

int64_t course_bench_end_ms(void *context, int32_t day);
/* Two target years from `year` on; nothing is known of others. */
void course_bench_init(struct course_bench *bench, const struct target *target, int64_t base_mg,
                       int year);
void course_bench_fini(struct course_bench *bench);
/* A day's mass in scope 1, and how many of 100 seconds are covered. */
void course_bench_put(struct course_bench *bench, int32_t day, int64_t mg, int64_t covered_ms);
/* False: there is no budget. */
bool course_bench_close(struct course_bench *bench, int32_t day, bool restated);
bool course_bench_hour(struct course_bench *bench, int32_t day, int64_t part, bool restated);
/* Puts a day, such that the year to date is `over` (0.01 %) above the budget to date. */
void course_bench_emit(struct course_bench *bench, int32_t day, int32_t over);
/* Puts and closes days, the first of them `first`. levels: a letter a day, of ".awC". */
void course_bench_expect(struct course_bench *bench, int32_t first, const int32_t over[],
                         const char *levels);

#endif
