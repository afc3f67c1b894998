/*
 * site_marks.h - the marks of a site: who still has to hear of a window.
 *
 * Every change of a mark goes through here, and so the site and its days count their marks.
 */
#ifndef GHGD_SITE_MARKS_H
#define GHGD_SITE_MARKS_H

#include "pipelines/rollup/site.h"

struct mark_place {
    struct mark *mark;
    struct day *day;
    int64_t end_ms;
    uint8_t sinks; /* that get such windows, a bit each */
    bool told;     /* some row of the window has been written, or has to be */
};
/* Calls visitor for the mark of every open window. */
void site_visit_marks(struct site *site,
                      void (*visitor)(void *context, const struct mark_place *place),
                      void *context);
/* The mark of an open window, and the day in which it lies; NULL if it is not open. */
struct mark *site_find_mark(struct site *site, enum level level, int64_t start_ms,
                            struct day **day_out);

/* The sinks that get windows of the level, a bit each. */
uint8_t site_sinks_of(const struct site *site, enum level level);
/* The sinks that get days or months: they get the lead. */
uint8_t site_lead_sinks(const struct site *site);
/* day: in which the window lies, NULL for months and years. */
void site_mark_dirty(struct site *site, struct day *day, struct mark *mark, uint8_t sinks);
void site_mark_taken(struct site *site, struct day *day, struct mark *mark, uint32_t sink);
/* The block of its row has ended. False if the mark was not sent: a row of an earlier life. */
bool site_mark_ended(struct site *site, struct day *day, struct mark *mark, uint32_t sink,
                     enum block_end end);
/* Whether the watermark had passed the window that ends then, with its grace. passed_ms: as in the
 * clock. */
bool site_has_passed(const struct site *site, int64_t passed_ms, int64_t end_ms);
/* So many accepted readings have changed a window. place: of it; what is told does not matter. */
void site_touch_mark(struct site *site, int64_t passed_ms, const struct mark_place *place,
                     uint32_t readings);
/* The registry rates the facility otherwise than before: touches what has been told. */
void site_touch_told(struct site *site, const struct site_clock *clock);
/* Marks what has been told dirty for these sinks, untouched. */
void site_tell_again(struct site *site, uint8_t sinks);

/* A generation of the sink is proven: what is old is clean, and what is young is old. */
void site_prove(struct site *site, uint32_t sink);
/* The sink may have lost what it acknowledged: it is dirty again. */
void site_lose(struct site *site, uint32_t sink);
/* Does as a takeover asks. */
void site_take_over(struct site *site, uint32_t sink, enum takeover_action action);

/* Walks over all marks and asserts that the counts of the site and of its days are theirs. */
void site_check_marks(struct site *site);

#endif
