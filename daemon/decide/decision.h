/*
 * decision.h - what a person has decided, as the event that says so: who, when and why stand in it.
 *
 * Pure. Texts are borrowed.
 */
#ifndef GHGD_DECISION_H
#define GHGD_DECISION_H

#include "base/buffer.h"
#include "config/registry/registry.h"
#include "pipelines/ingest/event.h"

enum { DECISION_NOTE_BYTES_MAX = 1000, DECISION_BYTES_MAX = 16 << 10 };

struct decision {
    const char *meter, *by, *note;
    int64_t time_ms, end_ms;            /* end_ms: INT64_MIN for an instant */
    int64_t at_ms;                      /* when it was decided */
    enum event_kind kind;               /* accept, drop or exchange */
    enum event_kind of;                 /* accept, drop: what it is about */
    const char *id;                     /* of the document, or NULL */
    const char *final, *initial, *unit; /* exchange; unit may be NULL */
    uint16_t revision;                  /* accept, drop: up to this rank it holds */
    enum quality quality;
};

/* The fault of a name or a note: it is empty, longer than `bytes_max`, no UTF-8, or has
 * control characters. NULL: it is good. */
const char *decision_text_fault(const char *text, size_t bytes_max);

/* Appends the event: native JSON on one line, without its end. */
void decision_write(struct buffer *out, const struct decision *decision);

/* The outcome of the event as far as the tables decide: OUTCOME_USED, or why it is refused.
 * Returns 0 or -ENOMEM. */
int decision_judge(enum outcome *outcome_out, const struct buffer *event,
                   const struct registry *registry) MUST_CHECK;

#endif
