/*
 * site.h - what a shard knows of one facility: journals, panel, and the windows made of them.
 *
 *     journal (per meter) -> panel (per bucket) -> day (hours in it) -> months and years
 *
 * The panel's rows are grouped into the facility's local days. A day leaves the panel as a whole,
 * once it is older than the horizon and every window in it is settled with every sink; its figures
 * then go into the closed part of its month and year. So the figure of any window is a pure
 * function of the panel and the closed parts, and nothing is ever added up twice.
 *
 * A window's mark says who still has to hear of it. Touching a bucket marks its hour, day, month
 * and year too, and nothing else does, but time: a window that becomes final is written once more.
 *
 * The shard owns its sites; the loop thread only. All memory is taken when a site is made.
 */
#ifndef GHGD_SITE_H
#define GHGD_SITE_H

#include "config/config.h"
#include "pipelines/emissions/rating.h"
#include "pipelines/metering/booking.h"
#include "pipelines/metering/panel.h"
#include "pipelines/rollup/row.h"

enum {
    HOURS_PER_DAY_MAX = 50, /* a day of 48 hours was had where the date line moved */
    SITE_PERIODS_MAX = 16   /* months and years under way at once: 90 days of horizon need nine */
};

struct mark {
    uint32_t version;  /* accepted events that touched the window */
    uint32_t revision; /* those of them that came after the watermark had passed it */
    uint8_t dirty;     /* a bit per sink: has to be written */
    uint8_t in_flight; /* a bit per sink: written, not yet acknowledged */
};

struct day {
    struct window window;
    int64_t first_row, end_row;      /* buckets that start in it */
    int64_t low_offset;              /* oldest offset it depends on; INT64_MAX */
    uint32_t dirty_count[SINKS_MAX]; /* dirty marks in it, its own too */
    uint32_t in_flight_count;
    struct mark mark;
    uint32_t hours_count;
    uint16_t hour_row[HOURS_PER_DAY_MAX + 1]; /* first row of each hour, from first_row on */
    struct mark hours[HOURS_PER_DAY_MAX];
    int64_t cached_end_row; /* the cache holds rows up to here; INT64_MIN: none */
    struct figures *cache;  /* per series */
    uint64_t *reporting;    /* a bit per meter */
};

struct period { /* a month or a year */
    bool used;
    uint8_t level;
    struct window window;
    struct mark mark;
    int64_t low_offset;
    struct figures *closed; /* per series: of the days that have left the panel */
    uint64_t *reporting;
};

/* What all sites of a shard have in common, as of now. */
struct site_clock {
    int64_t passed_ms; /* the watermark before the event that is being applied; INT64_MIN if none */
    int64_t floor_ms;
    int64_t final_ms;   /* windows that end at or before it are final */
    int64_t top_row;    /* the newest row of the shard */
    int64_t settled_ms; /* windows that end at or before it were settled in an earlier life */
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
    int64_t first_row;    /* the first row ever touched; INT64_MAX if none */
    int64_t closed_ms;    /* windows up to here were marked when they became final */
    uint64_t dirty_count; /* marks dirty for any sink, summed over the sinks */
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
int64_t site_row(const struct site *site, int64_t time_ms);
/* Opens the day in which the ring begins. */
void site_open_first_day(struct site *site, int64_t time_ms);
/* A change of one meter in rows [from, to). Returns the first row that found no room because a day
 * has to be settled before it can leave; `to` when all is done. */
int64_t site_touch(struct site *site, const struct site_clock *clock, uint32_t column,
                   int64_t from_row, int64_t to_row, int64_t low_offset);
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
void site_mark_dirty(struct site *site, struct day *day, struct mark *mark, uint8_t sinks);
void site_mark_taken(struct site *site, struct day *day, struct mark *mark, uint32_t sink);
void site_mark_settled(struct day *day, struct mark *mark, uint32_t sink);
/* Windows that ended at or before it have left, settled with every sink. */
int64_t site_settled_ms(const struct site *site);
/* The oldest offset on which an open window depends; INT64_MAX if none. */
int64_t site_low_offset(const struct site *site);

/* site_rows.c */
/* Appends rows of dirty windows to the block: of days that end at or before limit_ms and of periods
 * likewise. Returns false when the block has no room for the next window. */
bool site_take_rows(struct site *site, const struct site_clock *clock, uint32_t sink,
                    int64_t limit_ms, struct block *block);
/* Brings the day's cache up to the shard's newest row. */
void site_refresh_day(struct site *site, const struct site_clock *clock, struct day *day);

#endif
