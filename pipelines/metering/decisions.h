/*
 * decisions.h - the word of people on readings: a reading is dropped, or it is accepted.
 *
 * A decision names a reading by its identity (meter, time and kind of event; documents: the id),
 * and has a rank as readings have. It holds for every reading of the identity up to its rank, also
 * for one that comes later; a correction of a higher rank counts again. Between two decisions on
 * one identity the higher rank holds, then the later one in the log.
 *
 * A dropped reading is set aside: the journal is as if it had never come. It is judged against
 * others of its identity by the rules of booking_add() all the same, so that no outcome depends on
 * a decision. An accepted reading of a register stays in its chain (register_chain.h). For other
 * kinds to accept takes a drop back.
 *
 * The last slots of the journal hold what is set aside: the decision (ROLE_DECISION, its value is
 * decision_pack()), and the readings. The day that has left the horizon forgets both; what
 * a register has accepted stays as long as its journal has readings of that time.
 */
#ifndef GHGD_DECISIONS_H
#define GHGD_DECISIONS_H

#include "config/registry/registry.h"
#include "pipelines/metering/booking.h"
#include "pipelines/metering/pieces.h"

/* Books a reading or a decision as booking_add() does a reading. */
void decisions_book(struct booking *booking_out, const struct meter *meter, struct journal *journal,
                    const struct reading *reading, int64_t bucket_ms, int64_t floor_ms);

/* Whether decisions_book() would now forget a reading that was dropped. The panel has its cells for
 * the last time then: the caller projects those before the floor and calls booking_forget() first.
 */
bool decisions_forget_reading(const struct meter *meter, const struct journal *journal,
                              int64_t floor_ms);

/* The decision on the reading that is in force and reaches its rank, or NULL. */
const struct reading *decisions_find(const struct meter *meter, const struct journal *journal,
                                     const struct reading *reading);

/* From when on readings can be decided on: from the floor; an amount of a stock as long as its
 * balance is open. A decision, which is not late itself, reaches behind the floor by the id. */
int64_t decisions_reach_from(const struct meter *meter, const struct journal *journal,
                             int64_t floor_ms);

/* Marks the accepted readings of a register whose journal was loaded. */
void decisions_mark(const struct meter *meter, struct journal *journal);

/* Whether a reading that was dropped may have had a part in the bucket: the bucket says 0 then, so
 * that databases do not keep what was written of it. */
bool decisions_touch(const struct meter *meter, const struct journal *journal,
                     struct stretch bucket);
/* The time of all cells that decisions_touch(); it is empty without such a cell. */
struct stretch decisions_extent(const struct meter *meter, const struct journal *journal);

#endif
