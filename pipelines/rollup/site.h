/*
 * site.h - what a shard knows of one facility: journals, panel, and the windows made of them.
 *
 *     journal (per meter) -> panel (per bucket) -> day (hours in it) -> months and years
 *
 * The panel's rows are grouped into the facility's local days. A day leaves the panel as a whole,
 * when it is older than the horizon and every window in it is settled with every sink. Its figures
 * then go into the closed part of its month and year. So the figure of any window is a pure
 * function of the panel and the closed parts, and no figure is added up twice.
 *
 * The shard owns its sites; the loop thread only. All memory is taken when a site is made. The
 * functions that work on a site have a file for each noun: site_sums.h, site_days.h,
 * site_expected.h, site_lead.h, site_periods.h, site_marks.h, site_windows.h, site_rows.h,
 * site_totals.h.
 */
#ifndef GHGD_SITE_H
#define GHGD_SITE_H

#include "config/config.h"
#include "pipelines/delivery/mark.h"
#include "pipelines/delivery/takeover.h"
#include "pipelines/emissions/rated_panel.h"
#include "pipelines/metering/booking.h"
#include "pipelines/metering/panel.h"
#include "pipelines/rollup/row.h"

enum {
    HOURS_PER_DAY_MAX = 50, /* a day had 48 hours where the date line moved */
    /* Months and years at once: 90 days of horizon need nine that are under way, and the months of
     * 90 days and two months before them, by which windows are weighed. */
    SITE_PERIODS_MAX = 24
};

struct mark {
    uint32_t touches;  /* accepted events that touched the window */
    uint32_t revision; /* those of them that came after the watermark had passed it */
    struct marks sinks;
};

struct day {
    struct window window;
    int64_t first_row, end_row; /* buckets that start in it */
    struct mark_counts marks;   /* in it, its own too */
    bool changed;               /* some mark in it, since the last save */
    bool total_stale;           /* its total in the ledger may be another one */
    struct mark mark;
    uint32_t hours_count;
    uint16_t hour_row[HOURS_PER_DAY_MAX + 1]; /* first row of each hour, from first_row on */
    struct mark hours[HOURS_PER_DAY_MAX];
    int64_t stale_row, stale_end_row;     /* buckets from the one up to the other may be stale */
    struct submeters_judgement judgement; /* of its buckets as they were last rated */
    bool rest_told;                       /* that its rest is negative stands in the log */
    bool summed;           /* the cache holds the sum of its buckets as they were last rated, */
    struct figures *cache; /* per series, but not the expected time */
    uint64_t *reporting;   /* a bit per meter */
};

struct period { /* a month or a year */
    bool used;
    bool changed; /* its closed part, since the last save */
    uint8_t level;
    struct window window;
    struct mark mark;
    struct figures *closed; /* per series: of the days that have left the panel */
    uint64_t *reporting;
};

/* The sum of a period, by series: its closed part and its open days as they were last rated.
 * Expected time is that of the closed part. */
struct period_sum {
    const struct period *period; /* NULL: none */
    struct figures *figures;
    uint64_t *reporting;
};
enum { SITE_SUMS = 2 }; /* a month and a year */

/* First readings, and the expected time that follows of them. */
struct site_expected {
    int64_t begin_ms;  /* no meter is expected before; INT64_MAX: the facility has not reported */
    int64_t *first_ms; /* by column: the start of its first accepted reading; INT64_MAX: none */
    /* These follow of the above. Meters are expected within [any_from_ms, any_to_ms). Each that is
     * expected at all is so within [all_from_ms, all_to_ms). */
    bool counted;
    int64_t any_from_ms, any_to_ms, all_from_ms, all_to_ms;
    uint32_t *counts;        /* by series: meters without a schedule */
    uint32_t count, growing; /* of them in all; those that begin with their own first reading */
    uint32_t *scheduled;     /* columns of those with a schedule */
    uint32_t scheduled_count;
    int64_t *document_ms; /* by column: as site_documents.h says; INT64_MIN: none */
    uint32_t *documents;  /* columns of deliveries that are expected every so often */
    uint32_t documents_count;
};

/* Days and months that were over before the ring began. */
struct lead {
    int64_t from_ms, until_ms; /* days */
    struct mark mark;          /* settled: no row is to be written */
};

/* The buckets that a reading of the batch has touched last. Further readings of the batch that
 * touch the same ones are counted here, and told to the marks together. */
struct touched {
    struct day *day; /* in which the buckets lie; NULL: no reading touched any */
    int64_t from_row, to_row;
    int64_t passed_ms; /* as in the clock then */
    uint32_t untold;   /* readings */
};

/* Data that all sites of a shard share, as of now. */
struct site_clock {
    int64_t passed_ms; /* the watermark before the event that is being applied; INT64_MIN if none */
    int64_t floor_ms;
    int64_t final_ms; /* windows that end at or before it are final */
    int64_t top_row;  /* the newest row of the shard */
    /* Stocks that accrue go on up to accrued_ms, the edge of a bucket. The event that is being
     * applied has moved it there from accrued_from_ms; else the two are equal. */
    int64_t accrued_from_ms, accrued_ms;
};

struct site_conf {
    const struct registry *registry;
    const struct window_conf *window;
    struct rating *rating; /* shared scratch */
    uint32_t facility, sinks_count, partition;
    uint8_t skipped[LEVEL_COUNT]; /* a bit for each sink that gets no windows of the level */
    int64_t known_from_ms;        /* the log is known from then on; 0: from its beginning */
    bool has_targets;             /* then it keeps daily totals (site_totals.h) */
    uint32_t production_meter;    /* whose activity is in them; REGISTRY_NONE */
};

struct site {
    struct site_conf conf;
    const struct facility *facility;
    struct calendar *calendar;
    struct panel *panel;
    struct rated_panel *rated;
    struct journal *journals;
    struct reading *slots;
    struct mark *row_marks;          /* ring, as the panel's rows */
    struct day *days;                /* oldest first */
    struct submeters_judgement left; /* of days that have left since this was made */
    bool rests_untold;               /* some day may have a negative rest that no line names */
    uint32_t days_first, days_count, days_capacity;
    struct period periods[SITE_PERIODS_MAX];
    struct period_sum sums[SITE_SUMS];
    struct figures *figures; /* block behind caches, closed parts and sums */
    uint64_t *bits;
    struct rating_scratch scratch; /* shared: the rating's */
    uint32_t words;
    int64_t first_row; /* of the first reading; INT64_MAX if none */
    struct site_expected *expected;
    struct lead lead;
    struct site_totals *totals; /* NULL: the facility has no target */
    int64_t closed_ms;          /* windows up to here were marked when they became final */
    int64_t seen_row;           /* the newest row that running windows were marked for */
    bool accrues;               /* some meter of it does */
    struct mark_counts marks;
    struct touched touched;
    uint8_t taking_over; /* a bit per sink: what becomes dirty is at risk */
    bool changed;        /* anything, since the last save */
    /* Which dictionary of the chain of payloads names it, from 1 on; 0: none yet. */
    uint32_t dictionary;
    uint64_t outcomes[OUTCOME_COUNT]; /* of readings of the facility, over the whole log */
    /* By series: activity of closed years less what has left the panel. 0 while all years are there
     * and the registry is what it was when they were booked. */
    int128 *balance;
};

/* The bytes that a site of this facility takes, without daily totals. */
size_t site_size(const struct registry *registry, const struct window_conf *window,
                 uint32_t facility);
/* 0, -ENOMEM, or what calendar_create says. clock: where the ring begins. */
int site_create(struct site **site_out, const struct site_conf *conf,
                const struct site_clock *clock) MUST_CHECK;
void site_destroy(struct site **site);
/* Stocks that accrue go on up to then, or to the end of the meter's validity. */
void site_set_accrued(struct site *site, int64_t accrued_ms);
/* The same of a site that was loaded: accrued_ms of a journal is INT64_MIN if its meter did not
 * accrue. In windows that are closed it has done so or not; the tables say how it goes on. */
void site_adopt_accrual(struct site *site, int64_t accrued_ms);
/* Books a reading; the cells that it changes are in *booking_out, for site_touch(). */
void site_book(struct site *site, const struct site_clock *clock, uint32_t meter,
               const struct reading *reading, struct booking *booking_out);

#endif
