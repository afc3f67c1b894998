/*
 * notice.h - one change of an alert's level, in words: a title, and a body with a line for each
 * thing that is known.
 *
 * A reader learns what happened, where, since when, how far off, against which target, the
 * forecast, the coverage, the largest sources, and what would bring it back. Names from outside are
 * cut to NOTICE_NAME_BYTES_MAX at a character's edge, and a byte that is no text becomes U+FFFD. So
 * lengths are bounded, and every text is UTF-8. Masses are whole milligrams. Pure. Thread: any.
 */
#ifndef GHGD_NOTICE_H
#define GHGD_NOTICE_H

#include "base/buffer.h"
#include "config/options/settings.h"
#include "config/targets/targets.h"
#include "pipelines/trajectory/course.h"

enum {
    NOTICE_SOURCES = 3,
    NOTICE_NAME_BYTES_MAX = 120, /* of a name in a title or a line, with "..." */
    NOTICE_TITLE_BYTES_MAX = 256,
    NOTICE_BODY_BYTES_MAX = 4096
};
/* A number that is not known; as NULL_NUMBER of a row. */
#define NOTICE_UNKNOWN INT64_MIN

struct notice_source {
    const char *name; /* NULL: none */
    int64_t ytd_mg;
};

struct alert_notice {
    const char *target;         /* its id */
    const char *subject, *name; /* the facility's id, the group, or "all"; its name for people */
    uint8_t where;              /* enum target_level */
    uint8_t scopes;             /* a bit per scope, 1 << 1 and so on */
    bool intensity;             /* has no forecast, and its budget follows production */
    bool test;                  /* nothing has happened */
    uint8_t event;              /* enum course_event, not COURSE_NOTHING */
    uint8_t from, to;           /* enum alert_level */
    uint16_t base_version;
    uint32_t number;         /* of the target's transitions */
    int16_t year;            /* the target year */
    int32_t day, since_day;  /* the last that was judged; that at whose end the alert began */
    int32_t year_end_day;    /* the last of the target year */
    int64_t start_ms;        /* end of since_day */
    int64_t end_ms;          /* end of day */
    int64_t budget_mg;       /* of the year; from here on NOTICE_UNKNOWN where not known */
    int64_t due_mg, ytd_mg;  /* by the end of the day */
    int64_t slip;            /* 0.01 % */
    int64_t coverage;        /* of the year to date, parts of PART_ONE */
    int64_t forecast_mg;     /* of the year */
    int64_t low_mg, high_mg; /* eight of ten years end there */
    int64_t miss;            /* probability, 0.001 */
    struct notice_source sources[NOTICE_SOURCES]; /* the largest first */
};

/* The way back to the budget, as the notice says it. */
struct notice_way {
    bool used_up;    /* the year's emissions are the budget, or more */
    int64_t over_mg; /* used_up: so much more */
    int64_t week_mg; /* else a week of the rest of the year has to be so much off the forecast, < 0;
                        0: nothing is needed, or not known */
};
struct notice_way notice_way_back(const struct alert_notice *notice);

/* "hz-2030/1/7": a receiver knows a transition by it. */
void notice_add_id(struct buffer *out, const struct alert_notice *notice);
/* At most NOTICE_TITLE_BYTES_MAX, one line. */
void notice_add_title(struct buffer *out, const struct alert_notice *notice,
                      enum language language);
/* At most NOTICE_BODY_BYTES_MAX; lines with a newline between them. */
void notice_add_body(struct buffer *out, const struct alert_notice *notice, enum language language);

/* "ok", "watch", "warning", "critical"; "entered", "left", "retracted": for programs. */
const char *notice_level_name(uint8_t level);
const char *notice_event_name(uint8_t event);

/* A made-up notice, marked as a test, with a number of its own. */
struct alert_notice notice_sample(int64_t now_ms);

#endif
