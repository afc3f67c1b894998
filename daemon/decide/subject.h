/*
 * subject.h - the reading that a person means, found in a saved journal.
 *
 * Pure. The answer has copies of the readings.
 */
#ifndef GHGD_SUBJECT_H
#define GHGD_SUBJECT_H

#include "config/registry/registry.h"
#include "pipelines/ingest/event.h"
#include "pipelines/metering/journal.h"

enum { SUBJECT_MATCHES_MAX = 8 };

struct subject_query {
    int64_t time_ms, end_ms; /* end_ms: INT64_MIN if it was not given */
    bool has_of;
    enum event_kind of;
    const char *id; /* or NULL */
};

enum subject_state {
    SUBJECT_NONE,     /* no reading starts then */
    SUBJECT_FOUND,    /* exactly one thing to decide on */
    SUBJECT_SEVERAL,  /* several: more has to be said of it */
    SUBJECT_NEEDS_ID, /* one, whose id has to be given: the journal has only its hash */
    SUBJECT_SHARED    /* documents without an id: a decision could not tell them apart */
};

struct subject {
    enum subject_state state;
    /* Readings that the query may mean; NONE: the ones before and after its time. */
    struct reading matches[SUBJECT_MATCHES_MAX];
    uint32_t count; /* of the matches that are there; more are not listed */
    /* If the subject was found: */
    enum event_kind of;
    uint16_t revision; /* the rank up to which a new decision has to hold */
    enum quality quality;
    bool decided, dropped;  /* there is a decision; it drops the reading */
    int64_t decided_offset; /* where it stands */
};

/* The word in `of` for an entry of that meter. */
enum event_kind subject_kind(const struct meter *meter, const struct reading *reading);

void subject_find(struct subject *subject_out, const struct meter *meter,
                  const struct journal *journal, const struct subject_query *query);

#endif
