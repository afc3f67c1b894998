/*
 * site_totals.h - the daily totals of a facility, from which its targets are judged.
 *
 * A ledger holds one total for each local day: emissions by scope, coverage, production. A total of
 * an open day is formed of the day's cache, when trajectories are judged. A day that leaves puts
 * its total there too. By then the day is before the floor, and no reading can change it. So the
 * ledger at a stamp follows from the log, however long days stay open.
 *
 * Days that are not open yet, because nothing was read in them, have nothing covered. Days before
 * the ring of a new facility have that too, if its meters were expected (site_lead.h). Ownership is
 * not applied. Only a facility that has a target has a ledger.
 */
#ifndef GHGD_SITE_TOTALS_H
#define GHGD_SITE_TOTALS_H

#include "pipelines/rollup/day_ledger.h"
#include "pipelines/rollup/site.h"

struct site_totals {
    struct day_ledger *ledger;
    uint32_t meter;         /* whose activity is the production; REGISTRY_NONE */
    int32_t production_day; /* it is known from this day on; INT32_MIN: of all days */
    /* The earliest day whose total became another one, and the days that were set to anything else
     * than before, since site_totals_judged(). The first is state. INT32_MAX: none. */
    int32_t changed_day;
    int32_t set_first, set_last;
    int32_t saved_first, saved_last; /* days that were set since the last save */
    int64_t seen_ms;  /* the watermark of the last refresh; INT64_MIN: form all again */
    int64_t floor_ms; /* the floor then */
};

/* The bytes that site_totals_create() takes. */
size_t site_totals_size(void);
/* 0 or -ENOMEM. meter: whose activity is the production, or REGISTRY_NONE. */
int site_totals_create(struct site_totals **totals_out, uint32_t meter) MUST_CHECK;
void site_totals_destroy(struct site_totals **totals);

/* The local day that begins with the window. */
int32_t site_local_day(const struct site *site, struct window day);

/* Forms what may have changed since the last time, up to the shard's newest bucket. */
void site_totals_refresh(struct site *site, const struct site_clock *clock, int64_t watermark_ms);
/* The day leaves; it has been refreshed. */
void site_totals_close(struct site *site, const struct site_clock *clock, const struct day *day);
/* The site expects other time than before: all open days are formed again. Days before the ring,
 * from the site's beginning on, get their expected time if they have no total. whole: their rows
 * say that nothing was covered; else nothing is known of them. */
void site_totals_expect(struct site *site, bool whole);
/* All courses were told of the changes. */
void site_totals_judged(struct site_totals *totals);
/* Sets a day as a saved state has it: not a change. */
void site_totals_restore(struct site_totals *totals, int32_t day, const struct day_total *total);

#endif
