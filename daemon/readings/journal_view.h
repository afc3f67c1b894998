/*
 * journal_view.h - a journal with the fates of its readings, as people read it: values in the
 * meter's own unit, the time of the facility, and what became of a reading in words.
 *
 * Borrows all that it points to. One thread.
 */
#ifndef GHGD_JOURNAL_VIEW_H
#define GHGD_JOURNAL_VIEW_H

#include "base/buffer.h"
#include "pipelines/metering/fates.h"
#include "pipelines/sink/local_clock.h"

struct journal_view {
    const struct meter *meter;
    const struct facility *facility;
    const struct journal *journal;
    const struct reading_fate *fates; /* of every reading */
    const struct local_clock *clock;
    const struct journal *decided; /* the journal that has the decisions on them */
    int32_t partition;             /* from which the readings came */
    bool canonical_only;           /* some value has no exact number in the meter's own unit */
};

/* Fills canonical_only from the other members. */
void journal_view_choose_unit(struct journal_view *view);

/* The unit of values: the meter's own, or the canonical one; per hour for gauges. */
void journal_view_add_unit(struct buffer *out, const struct journal_view *view);
/* A value without its unit. */
void journal_view_add_value(struct buffer *out, const struct journal_view *view, uint32_t index);
/* The unit of canonical values, which includes the multiplier: kWh; per hour for gauges. */
void journal_view_add_canonical_unit(struct buffer *out, const struct journal_view *view);
/* Local time with its offset. */
void journal_view_add_time(struct buffer *out, const struct journal_view *view, int64_t time_ms);

const char *fate_name(enum fate fate);
const char *reading_role_name(enum reading_role role);
/* The fate of the reading, and its reason: "left aside: 0 contradicts 413.6 before and 413.7
 * after". */
void journal_view_add_why(struct buffer *out, const struct journal_view *view, uint32_t index);

/* The time that is held because of the reading: since the one before it, or all of its own. False:
 * no time is held. */
bool journal_view_get_held(const struct journal_view *view, uint32_t index, int64_t *from_ms_out,
                           int64_t *to_ms_out);
/* Whether the reading is one of this version of the meter; of a register also the one that ends its
 * last stretch, which is one of the next version, too. */
bool journal_view_is_own(const struct journal_view *view, uint32_t index);
/* Whether the reading, or the stretch held because of it, lies in [from_ms, to_ms) in part. */
bool journal_view_touches(const struct journal_view *view, uint32_t index, int64_t from_ms,
                          int64_t to_ms);

#endif
