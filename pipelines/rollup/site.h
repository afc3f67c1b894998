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
 * A window's mark says who still has to hear of it. Touching a bucket marks its hour, day, month
 * and year too, and nothing else does, but time: a window that becomes final is written once more.
 *
 * The shard owns its sites; the loop thread only. All memory is taken when a site is made.
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
    SITE_PERIODS_MAX = 16   /* months and years under way at once: 90 days of horizon need nine */
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
    struct mark mark;
    uint32_t hours_count;
    uint16_t hour_row[HOURS_PER_DAY_MAX + 1]; /* first row of each hour, from first_row on */
    struct mark hours[HOURS_PER_DAY_MAX];
    int64_t stale_row, stale_end_row; /* buckets from the one up to the other may be stale */
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

/* Data that all sites of a shard share, as of now. */
struct site_clock {
    int64_t passed_ms; /* the watermark before the event that is being applied; INT64_MIN if none */
    int64_t floor_ms;
    int64_t final_ms; /* windows that end at or before it are final */
    int64_t top_row;  /* the newest row of the shard */
};

struct site_conf {
    const struct registry *registry;
    const struct window_conf *window;
    struct rating *rating; /* shared scratch */
    uint32_t facility, sinks_count, partition;
};

struct site {
    struct site_conf conf;
    const struct facility *facility;
    struct calendar *calendar;
    struct panel *panel;
    struct rated_panel *rated;
    struct journal *journals;
    struct reading *slots;
    struct mark *row_marks; /* ring, as the panel's rows */
    struct day *days;       /* oldest first */
    uint32_t days_first, days_count, days_capacity;
    struct period periods[SITE_PERIODS_MAX];
    struct figures *figures; /* block behind caches, closed parts and scratch */
    struct figures *scratch; /* per series */
    uint64_t *bits;
    uint64_t *scratch_bits;
    uint32_t words;
    int64_t first_row; /* the first row ever touched; INT64_MAX if none */
    int64_t closed_ms; /* windows up to here were marked when they became final */
    int64_t seen_row;  /* the newest row that running windows were marked for */
    struct mark_counts marks;
    uint8_t taking_over; /* a bit per sink: what becomes dirty is at risk */
    bool changed;        /* anything, since the last save */
    /* Which declaration of the chain of payloads names it, from 1 on; 0: none yet. */
    uint32_t declared;
    uint64_t outcomes[OUTCOME_COUNT]; /* of readings of the facility, over the whole log */
    /* By series: activity of closed years less what has left the panel. 0 while all years are there
     * and the registry is what it was when they were booked. */
    int128 *balance;
    size_t memory_bytes;
};

/* site.c */
/* The bytes that a site of this facility takes; for `ghgd check`. */
size_t site_size(const struct registry *registry, const struct window_conf *window,
                 uint32_t facility);
/* 0, -ENOMEM, or what calendar_create says. clock: where the ring begins. */
int site_create(struct site **site_out, const struct site_conf *conf,
                const struct site_clock *clock) MUST_CHECK;
void site_destroy(struct site **site);
/* Books a reading; the cells that it changes are in *booking_out, for site_touch(). */
void site_book(struct site *site, const struct site_clock *clock, uint32_t meter,
               const struct reading *reading, struct booking *booking_out);

/* site_windows.c */
static inline struct day *site_day(const struct site *site, uint32_t index)
{
    return &site->days[(site->days_first + index) % site->days_capacity];
}
/* The first row that starts at or after the instant. */
int64_t site_row_from(const struct site *site, int64_t time_ms);
int64_t site_row(const struct site *site, int64_t time_ms);
/* Opens the day in which the ring begins. */
void site_open_first_day(struct site *site, int64_t time_ms);
/* Whether the panel has room for the day after the newest; and opens it. */
bool site_has_room(const struct site *site);
void site_open_next_day(struct site *site);
/* Clears the oldest day's rows and marks, and lets it go; nothing of it is booked. */
void site_drop_oldest_day(struct site *site);
/* The period of that level in which the instant lies, made if need be; NULL if all are in use. */
struct period *site_find_period(struct site *site, enum level level, int64_t time_ms);
void site_clear_period(struct site *site, struct period *period);
/* A change of one meter in rows [from, to). Returns the first row that found no room because a day
 * has to be settled before it can leave; `to` when all is done. */
int64_t site_touch(struct site *site, const struct site_clock *clock, uint32_t column,
                   int64_t from_row, int64_t to_row);
/* Opens days up to the shard's newest row (as far as there is room), marks what became final. */
void site_advance(struct site *site, const struct site_clock *clock);
/* Whether the day of the shard's newest row is open; nothing is expected of a site that has never
 * reported. */
bool site_has_opened(const struct site *site, const struct site_clock *clock);
/* Lets settled days that end at or before limit_ms go. */
void site_retire(struct site *site, const struct site_clock *clock, int64_t limit_ms);
/* The end of the oldest day before limit_ms with a mark dirty for the sink; INT64_MAX if none. */
int64_t site_closing_ms(const struct site *site, uint32_t sink, int64_t limit_ms);
struct mark *site_find_mark(struct site *site, enum level level, int64_t start_ms,
                            struct day **day_out);

/* site_marks.c */
uint8_t site_all_sinks(const struct site *site);
/* day: in which the window lies, NULL for months and years. */
void site_mark_dirty(struct site *site, struct day *day, struct mark *mark, uint8_t sinks);
void site_mark_taken(struct site *site, struct day *day, struct mark *mark, uint32_t sink);
/* The block of its row has ended. False if the mark was not sent: a row of an earlier life. */
bool site_mark_ended(struct site *site, struct day *day, struct mark *mark, uint32_t sink,
                     enum block_end end);
/* A generation of the sink is proven: what is old is clean, and what is young is old. */
void site_prove(struct site *site, uint32_t sink);
/* The sink may have lost what it acknowledged: it is dirty again. */
void site_lose(struct site *site, uint32_t sink);
/* Walks over all marks and asserts that the counts of the site and of its days are theirs. */
void site_check_marks(struct site *site);
/* Does as a takeover asks. */
void site_take_over(struct site *site, uint32_t sink, enum takeover_action action);
/* An accepted reading has changed the window that ends then. */
void site_touch_mark(struct site *site, const struct site_clock *clock, struct day *day,
                     struct mark *mark, int64_t end_ms);

struct mark_place {
    struct mark *mark;
    struct day *day;
    int64_t end_ms;
    bool told; /* some row of the window has been written, or has to be */
};
/* Calls visitor for the mark of every open window. */
void site_visit_marks(struct site *site,
                      void (*visitor)(void *context, const struct mark_place *place),
                      void *context);
/* The registry rates the facility otherwise than before: touches what has been told. */
void site_touch_told(struct site *site, const struct site_clock *clock);
/* Marks it dirty for these sinks, untouched. */
void site_tell_again(struct site *site, uint8_t sinks);
/* site_rows.c */
/* Appends rows of dirty windows to the block, of days and periods that end at or before limit_ms.
 * Returns false when the block has no room for the next window. */
bool site_take_rows(struct site *site, const struct site_clock *clock, uint32_t sink,
                    int64_t limit_ms, struct block *block);
/* Projects and rates what has changed in the day; its cache is their sum then. */
void site_refresh_day(struct site *site, struct day *day);
/* Adds the expected time of rows [from, to) to figures[series]. Buckets from before the first
 * reading are not expected to hold any, nor those that have not come yet. */
void site_expect(const struct site *site, const struct site_clock *clock, int64_t from_row,
                 int64_t to_row, struct figures *figures);

#endif
