/*
 * courses.h - the courses of all targets of one subject as time passes, and the rows that they
 * told.
 *
 * The subject is a facility or a group. Its owner says which stamps its watermark has crossed, and
 * has the days of the subject in a ledger. Courses know neither sites nor calendars. A stamp is
 * judged once, and what it tells is kept in a ring until every sink has it for good: such a row can
 * never be made again. If the ring has no room, the owner has to wait before it judges a stamp.
 *
 * A row of `trajectory_now` is that of the newest stamp in its target year, with the level as it
 * is. The loop thread owns all of it; all memory is taken when it is made.
 */
#ifndef GHGD_COURSES_H
#define GHGD_COURSES_H

#include "config/options/settings.h"
#include "pipelines/delivery/mark.h"
#include "pipelines/delivery/takeover.h"
#include "pipelines/trajectory/course_rows.h"
#include "pipelines/trajectory/plan.h"

/* Told rows of a course that may wait for sinks: ten days of hours and days. */
enum { COURSE_TOLD_MAX = 256 };

struct told_row {
    struct course_told told;
    struct marks sinks;
};

/* A row of `trajectory_now`: of this target year, and of the one before, whose last day closes when
 * this one has begun. */
enum { COURSE_NOW_ROWS = 2 };
struct now_row {
    struct course_told told; /* target NULL: nothing yet */
    int year;                /* its target year */
    struct window window;    /* ... empty: not found yet */
    uint32_t version;
    struct marks sinks;
};

struct course {
    const struct target *target;
    struct course_state state;
    /* The plan follows from the ledger and the tables; it is made again when they may say more. */
    bool planned;
    enum plan_outcome outcome;
    struct civil_year year; /* that was planned */
    struct course_plan plan;
    struct target_line line;
    struct year_memo memo;
    struct day_ledger *shared; /* the days with shares applied; NULL: all of them count whole */
    uint32_t stamps;           /* that were told */
    struct now_row now[COURSE_NOW_ROWS];
    /* The newest change of level; its target is NULL without one. The marks are those of sinks that
     * hear once more of an alert that stands. */
    struct told_row change;
};

struct courses_conf {
    const struct targets *targets;
    const struct registry *registry;
    const struct trajectory_conf *trajectory;
    uint32_t facility;      /* whose shares are applied here; REGISTRY_NONE: they are already */
    uint32_t partition;     /* of the rows */
    uint8_t sinks;          /* that get trajectories, a bit each */
    uint8_t alert_sinks;    /* that get alerts */
    uint8_t standing_sinks; /* of those: that have to hear again, after a start, what stands */
};

struct courses {
    struct courses_conf conf;
    struct course_conf rules;
    struct course *courses; /* by id of the target */
    uint32_t count;
    struct told_row *told; /* a ring, oldest first */
    uint32_t told_first, told_count, told_capacity;
    uint32_t told_settled; /* so many of the oldest are settled with every sink */
    int64_t judged_ms; /* stamps up to this watermark were judged; INT64_MIN: the subject is new */
    int64_t next_ms;   /* for the owner: the watermark of the next stamp */
    struct mark_counts marks;
    uint8_t taking_over; /* a bit per sink: what becomes dirty is at risk */
    bool changed;        /* anything, since the last save */
    bool continued;      /* a saved state had them */
};

/* The days of the subject when stamps are judged, and what changed since those before. */
struct courses_subject {
    const struct day_ledger *ledger;
    int32_t changed_day;         /* the earliest day that got another total; INT32_MAX: none */
    int32_t set_first, set_last; /* days that were set; none if the first is INT32_MAX */
    int32_t production_day;      /* production is known from this day on */
    int64_t (*day_end_ms)(void *context, int32_t day);
    /* The sources that contribute most to the target's year so far; index REGISTRY_NONE: none. */
    void (*find_sources)(void *context, const struct target *target, const struct civil_year *year,
                         struct course_source sources_out[COURSE_SOURCES]);
    void *context;
};

/* The bytes that courses of these targets take. */
size_t courses_size(const struct courses_conf *conf, uint32_t count);
/* targets: of the subject, by id; they outlive it. 0 or -ENOMEM. */
int courses_create(struct courses **courses_out, const struct courses_conf *conf,
                   const struct target *const targets[], uint32_t count) MUST_CHECK;
void courses_destroy(struct courses **courses);
/* The course of the target with that id, or NULL. */
struct course *courses_find(const struct courses *courses, const char *id);

/* The stamps of one watermark: at most a closed day, and then a full hour. */
enum { COURSE_STAMPS_MAX = 2 };
/* Whether all rows of one more watermark have room. Lets go what every sink has. */
bool courses_have_room(struct courses *courses);
/* Judges the stamps at that watermark, in their order; there is room. `restated` is set here. */
void courses_judge(struct courses *courses, const struct courses_subject *subject,
                   const struct course_day stamps[], uint32_t count, int64_t watermark_ms);
/* Puts a told row of a saved state back, behind the others, dirty for those of these sinks that get
 * it; the ring grows if it has to. 0 or -ENOMEM. */
int courses_restore(struct courses *courses, const struct course_told *told,
                    uint8_t sinks) MUST_CHECK;
/* A saved state was taken: alerts that stand are dirty for standing_sinks. */
void courses_tell_standing(struct courses *courses);
/* A later payload says which rows there are. */
void courses_clear_rows(struct courses *courses);
static inline struct told_row *courses_told(const struct courses *courses, uint32_t index)
{
    return &courses->told[(courses->told_first + index) % courses->told_capacity];
}

/* --- course_marks.c: sinks --- */

/* Appends dirty rows for the sink to the block, oldest first; with_now: those of `trajectory_now`
 * too. False: the block has no room for more. */
bool courses_take(struct courses *courses, const struct courses_subject *subject, uint32_t sink,
                  bool with_now, struct block *block);
/* The block of a row of a target of the subject has ended. */
void courses_end_row(struct courses *courses, uint32_t sink, const struct row *row,
                     enum block_end end);
void courses_prove(struct courses *courses, uint32_t sink);
void courses_lose(struct courses *courses, uint32_t sink);
void courses_take_over(struct courses *courses, uint32_t sink, enum takeover_action action);
/* The sink has lost rows: those that are still here, with stamps after from_ms, are dirty for it.
 * Returns their number. */
uint64_t courses_mark_dirty(struct courses *courses, uint32_t sink, int64_t from_ms);
/* The sinks that get the row, a bit each. */
uint8_t courses_sinks_of(const struct courses *courses, const struct course_told *told);
/* Makes the mark dirty for these sinks, a bit each. */
void courses_dirty(struct courses *courses, struct marks *marks, uint8_t sinks);

#endif
