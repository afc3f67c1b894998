/*
 * outcome.h - what becomes of an event: exactly one outcome each, counted and named.
 *
 * read = used + duplicate + corrected + late + early + unknown + rejected (by reason) + parked.
 * The names are metric labels, dead-letter headers and the replay summary: they never change.
 */
#ifndef GHGD_OUTCOME_H
#define GHGD_OUTCOME_H

#include "base/base.h"

enum outcome {
    OUTCOME_USED,
    OUTCOME_DUPLICATE, /* same meter, time, value, revision and quality as a reading in force */
    OUTCOME_CORRECTED, /* lost to a reading of the same meter and time that outranks it, or is of
                          its rank and stands later in the log */
    OUTCOME_LATE,      /* older than the correction horizon: to the late topic */
    OUTCOME_EARLY,     /* further ahead of its Kafka timestamp than the tolerance */
    OUTCOME_UNKNOWN,   /* a meter that the registry does not know, refused */
    OUTCOME_PARKED,    /* a meter that the registry does not know yet, kept */
    /* From here on rejected: to the dead-letter topic, with this as the reason. */
    REJECT_UNDECODABLE,   /* the message is neither JSON nor MessagePack, or not an object */
    REJECT_TOO_LARGE,     /* message or event beyond its limit of bytes */
    REJECT_METER_MISSING, /* no field `meter`, empty, or too long */
    REJECT_METER_TYPE,    /* `meter` is not a string, not UTF-8, or has control characters */
    REJECT_TIME_MISSING,  /* neither `time` nor `start` and `end`, or only one of the two */
    REJECT_TIME_INVALID,  /* not RFC 3339 with offset, or an integer and no unit was declared */
    REJECT_TIME_RANGE,    /* before 1900 or after 2200, end not after start, or span too long */
    REJECT_TIME_KIND,     /* an interval for a register or gauge; an instant for an interval
                             meter whose stamp and interval length are not configured; both
                             `time` and `start` or `end` */
    REJECT_VALUE_MISSING,
    REJECT_VALUE_INVALID,  /* not a number or a decimal string; NaN, infinity */
    REJECT_VALUE_RANGE,    /* cannot be held in micro-units, or would overflow its bucket */
    REJECT_VALUE_NEGATIVE, /* below zero, and the meter does not say `negative: yes` */
    REJECT_UNIT_UNKNOWN,
    REJECT_UNIT_MISMATCH, /* a unit of another quantity, basis or reference state */
    REJECT_QUALITY_INVALID,
    REJECT_REVISION_INVALID,
    REJECT_FIELD_DUPLICATE, /* the same field twice in one event */
    REJECT_METER_NOT_VALID, /* no version of the meter is valid at that time */
    REJECT_CONFLICT,        /* same meter, time, revision and quality, other value, and on_conflict
                               keeps the one in force */
    REJECT_JOURNAL_FULL,    /* more readings in the horizon than the meter's interval allows for */
    REJECT_WRONG_PARTITION, /* the facility's readings already come from another partition */
    REJECT_EVENT_INVALID,   /* `event` is none of the words */
    REJECT_EVENT_KIND,      /* `event` does not suit the kind of the meter, or there is a `value`
                               beside the `final` and `initial` of an exchange */
    REJECT_ID_INVALID,      /* the `id` of a delivery, dip or bill is no text of 1 to 255 bytes */
    REJECT_IMPLAUSIBLE,     /* more than max_rate, max_amount or capacity of the meter allows */
    OUTCOME_COUNT
};

/* "used", "duplicate", ...; every REJECT_ is "rejected". */
const char *outcome_class(enum outcome outcome);
/* "" for the classes, else "unit_unknown" and so on. */
const char *outcome_reason(enum outcome outcome);
/* One sentence for a person: what is wrong and what would be accepted. */
const char *outcome_help(enum outcome outcome);
static inline bool outcome_is_kept_apart(enum outcome outcome)
{
    return outcome >= OUTCOME_LATE && outcome != OUTCOME_PARKED; /* goes to a topic, with reason */
}

#endif
