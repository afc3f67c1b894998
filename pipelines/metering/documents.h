/*
 * documents.h - deliveries and the like: documents, whose identity is the number on them.
 *
 * A document with an id is the same one wherever in time it stands. Documents of one meter, time
 * and role without an id are told apart by their amounts, and all of them have one rank: a higher
 * rank takes the place of them all.
 *
 * Private to metering.
 */
#ifndef GHGD_DOCUMENTS_H
#define GHGD_DOCUMENTS_H

#include "config/registry/registry.h"
#include "pipelines/metering/booking.h"

/* Whether a reading of the meter is a document. A dip is not a document: a stock has one state at
 * one time. */
bool document_is(const struct meter *meter, const struct reading *reading);

/* The readings of a journal, one behind the other, that a document competes with: the one with its
 * id, or all that its time has without an id. */
struct document_rivals {
    uint32_t first, count;
};
/* An id is known from known_from_ms on: documents before it may be forgotten at any time. */
struct document_rivals documents_find(const struct journal *journal, const struct reading *reading,
                                      int64_t known_from_ms);
/* Documents without an id: whether the rivals leave the reading out, and why; OUTCOME_USED if it
 * counts. Then *displaces_out tells whether it takes the place of all of them. */
enum outcome documents_judge(const struct journal *journal, struct document_rivals rivals,
                             const struct reading *reading, bool *displaces_out);

/* Notes that a document stood where `reading` has it, and does not any more; the journal has room.
 * Returns false if that is noted already. */
bool documents_leave(struct journal *journal, const struct reading *reading);
/* Takes such a note away, as the document stands there again. */
void documents_return(struct journal *journal, const struct reading *reading);

/* Whether a reading of the same rank and identity says nothing new: a document may stand at another
 * time. */
static inline bool documents_are_same(const struct reading *a, const struct reading *b)
{
    return a->value == b->value && a->start_ms == b->start_ms;
}

#endif
