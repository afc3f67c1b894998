/*
 * refusal.h - an event that was not used: where it stood, and why.
 */
#ifndef GHGD_REFUSAL_H
#define GHGD_REFUSAL_H

#include "pipelines/ingest/outcome.h"

/* Where an event came from, and its bytes, borrowed from the message that the caller holds. */
struct origin {
    const void *bytes;
    uint32_t size;
    uint32_t message; /* index of the message among those the caller holds */
    uint32_t index;   /* position of the event within its message */
};

struct refusal {
    struct origin origin;
    int64_t offset;
    enum outcome outcome;
    /* Words instead of outcome_help(), or NULL. They live while the refusal is handed over. */
    const char *detail;
};

/* One sentence for a person: what is wrong and what would be accepted. */
static inline const char *refusal_help(const struct refusal *refusal)
{
    return refusal->detail != NULL ? refusal->detail : outcome_help(refusal->outcome);
}

#endif
