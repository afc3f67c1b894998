/*
 * day_ledger.h - the daily totals of one facility or group that trajectories are made of: twelve
 * years of days at most, by date.
 *
 * Days are local dates without a zone. A day that nothing is known of is not there, which is not
 * zero. All memory is taken when it is made.
 */
#ifndef GHGD_DAY_LEDGER_H
#define GHGD_DAY_LEDGER_H

#include "config/targets/civil.h"
#include "config/targets/targets.h"

enum { LEDGER_DAYS_MAX = 12 * 366, LEDGER_SCOPES = 4 };

struct day_total {
    int64_t mg[LEDGER_SCOPES];           /* CO2e by scope; 0 is outside the scopes */
    int64_t estimated_mg[LEDGER_SCOPES]; /* the part of it that rests on estimated readings */
    int64_t production_micro;            /* of an intensity's meter, in micro-units */
    int64_t covered_ms, expected_ms;     /* meter-milliseconds */
    uint32_t revision;
    bool known, final;
    bool whole; /* each facility that counts on the day has a final row: months are measured */
};

struct day_ledger;

/* The bytes that a ledger of so many days takes. */
size_t day_ledger_size(uint32_t days_max);
/* 0 or -ENOMEM; days_max at most LEDGER_DAYS_MAX. */
int day_ledger_create(struct day_ledger **ledger_out, uint32_t days_max) MUST_CHECK;
void day_ledger_destroy(struct day_ledger **ledger);
/* Sets a day. The newest day and the days_max - 1 before it are kept, older ones are forgotten; one
 * that is older already is not taken, and false returned. */
bool day_ledger_set(struct day_ledger *ledger, int32_t day, const struct day_total *total);
/* NULL: nothing is known of it. It is valid until the next day is set. */
const struct day_total *day_ledger_get(const struct day_ledger *ledger, int32_t day);
/* The first and last known day; false: none. */
bool day_ledger_span(const struct day_ledger *ledger, int32_t *first_out, int32_t *last_out);

/* The masses are those of a set of scopes, a bit per scope. */
struct days_sum {
    int128 mg, estimated_mg, production_micro;
    int64_t covered_ms, expected_ms;
};
/* Adds a day of the ledger to the sum. False: nothing is known of it, and nothing is added. */
bool day_ledger_add(const struct day_ledger *ledger, int32_t day, uint32_t scopes,
                    struct days_sum *sum);

#endif
