/*
 * plan_bench.h - a target of one facility, what the history and a ledger know of it, and its plan.
 */
#ifndef GHGD_TEST_PLAN_BENCH_H
#define GHGD_TEST_PLAN_BENCH_H

#include "pipelines/trajectory/plan.h"

#define T INT64_C(1000000000) /* a tonne in milligrams */
enum { PLAN_BENCH_ROWS_MAX = 600 };

/* A facility, a target of 4.2 % a year from 2019 to 2030 for it, and what is known of it. */
struct plan_bench {
    struct facility facility;
    struct registry registry;
    struct history_row rows[PLAN_BENCH_ROWS_MAX]; /* by year, then month */
    struct targets targets;
    struct target target;
    struct day_ledger *ledger;
    struct plan_input input;
    struct course_plan plan;
    struct target_line line;
};

void plan_bench_init(struct plan_bench *bench);
void plan_bench_fini(struct plan_bench *bench);
/* Rows of the history; a month of 0 is the whole year. */
void plan_bench_put_month(struct plan_bench *bench, int year, int month, int64_t mg);
/* A day is so many milligrams, one in January `january` times as many. */
void plan_bench_put_history(struct plan_bench *bench, int year, int64_t day_mg, int january);
/* Measured days. */
void plan_bench_put_day(struct plan_bench *bench, int32_t day, int64_t mg, bool whole);
void plan_bench_measure(struct plan_bench *bench, int32_t first_day, int32_t end_day,
                        int64_t day_mg);
void plan_bench_measure_year(struct plan_bench *bench, int year, int64_t day_mg);
/* Makes the plan of a year, which has to be made. */
void plan_bench_plan(struct plan_bench *bench, int year);
/* Years whose months the plan of that year knows. */
uint32_t plan_bench_past_years(struct plan_bench *bench, int year);

#endif
