/*
 * safeguards.pml - what the protocol demands before a step is taken, and what is left of that if a
 * safeguard is taken away by -D. The variants whose safeguard is not a condition (NO_HEALING,
 * NO_DOUBT, NO_WRITE_FENCE, ...) are where the step is.
 */
#ifdef NO_FENCING
#define IS_ACCEPTED(p) true
#else
#define IS_ACCEPTED(p) (!d[p].fenced)
#endif

#ifdef COMMIT_BEFORE_ACK
#define MAY_COMMIT(p) (d[p].save != SAVE_NONE)
#else
#define MAY_COMMIT(p) (d[p].save == SAVE_WRITTEN)
#endif

#ifdef WRITE_BEFORE_START
#define MAY_WRITE(p) true
#else
#define MAY_WRITE(p) (d[p].begun)
#endif

/* The state is saved when the group has an offset, so no commit goes before that of the start. */
#define MAY_BEGIN_SAVE(p) (OWNING(p) && d[p].begun && checkpoints < CHECKPOINTS && HAS_ROOM)
#ifdef DELTA_ON_UNACKED
#define MAY_SAVE(p) (d[p].save == SAVE_NONE || d[p].save == SAVE_WRITING)
#else
#define MAY_SAVE(p) (d[p].save == SAVE_NONE)
#endif

#ifdef NO_LETTER_GATE
#define LETTERS_DONE(p, to) true
#elif defined(LETTER_GATE_BY_OFFSET)
#define LETTERS_DONE(p, to) (!d[p].letter || OFFSET(BAD) >= OFFSET(to))
#else
#define LETTERS_DONE(p, to) (!d[p].letter || OFFSET(BAD) >= OFFSET(to) + SKIP(to))
#endif

/* A mark that is not clean, or at risk, is saved as dirty. */
#ifdef NO_DIRTY_IN_STATE
#define IS_SAVED(m) false
#elif defined(NO_SENT_IN_STATE)
#define IS_SAVED(m) (m != CLEAN && m != SENT)
#elif defined(NO_ACKNOWLEDGED_IN_STATE)
#define IS_SAVED(m) (m != CLEAN && !IS_ACKED(m))
#else
#define IS_SAVED(m) (m != CLEAN)
#endif
#if defined(NO_AT_RISK_IN_STATE) || defined(NO_DIRTY_IN_STATE)
#define AT_RISK_TO_SAVE(p) 0
#else
#define AT_RISK_TO_SAVE(p) d[p].at_risk
#endif
#define DIRTY_TO_SAVE(p) \
    ((IS_SAVED(d[p].mark[0]) + 2 * IS_SAVED(d[p].mark[1])) | AT_RISK_TO_SAVE(p))

/* The state after an acknowledgement, and that of a young mark after a proof. */
#if defined(DATABASE_LOSES) && !defined(ACKNOWLEDGED_IS_DURABLE)
#define ACKNOWLEDGED ACKED_YOUNG
#else
#define ACKNOWLEDGED CLEAN
#endif
#ifdef ONE_GENERATION
#define YOUNG_PROVEN (d[p].is_kept -> CLEAN : ACKED_OLD)
#else
#define YOUNG_PROVEN ACKED_OLD
#endif

#ifdef TOMBSTONES_AT_ONCE /* of its own chain too: a late commit may still lead back to it */
#define KEEPS_OWN_CHAIN false
#else
#define KEEPS_OWN_CHAIN true
#endif

#ifdef ERROR_IF_SUPERSEDED
#define IS_SUPERSEDED(slot_) false
#else
#define IS_SUPERSEDED(slot_) \
    (slot_ != pointer && \
     (slot_ == REMOVED || (slot_ < SLOTS && records[slot_].before == REMOVED)))
#endif

#define RUNNING(p) (d[p].life == RUNS)
#define OWNING(p) (RUNNING(p) && d[p].role == OWNS)
#define ACTIVE(p) (OWNING(p) && !d[p].fence) /* it takes events, and writes rows */

/* The clock tells this: every other daemon that believed to own the partition has heard of it, is
 * stopped or gone. Only a stopped one comes back, and it comes back with the fence up. */
#define COULD_SEND(z) (RUNNING(z) && d[z].role != IDLE && !d[z].fence)
#if PROCESSES == 2
#define LEASES_OVER(p) (!COULD_SEND(1 - p))
#define OTHERS_QUIET(p) (d[1 - p].rows == 0)
#else
#define LEASES_OVER(p) (!COULD_SEND((p + 1) % 3) && !COULD_SEND((p + 2) % 3))
#define OTHERS_QUIET(p) (d[(p + 1) % 3].rows == 0 && d[(p + 2) % 3].rows == 0)
#endif

/* An older write may overtake a window that becomes dirty. */
#define IS_TAKING_OVER(p) (d[p].takeover != DONE && d[p].takeover != BY_CLOCK)

/* A day has to leave so that the partition can go on. A silent one writes the rows of such a day
 * alone. Without CLOSING_DAY the model has no such day, and a partition may be blocked at any
 * time. */
#ifdef CLOSING_DAY
#define IS_BLOCKED(p) (d[p].x == 2 && log_end > 2 && (UNSETTLED(p) & 1) != 0)
#define MAY_TAKE(p) (!IS_BLOCKED(p))
#define MAY_SEND(p) (d[p].goal == 0 || IS_BLOCKED(p))
#define TO_SEND(p, window) (d[p].mark[window] == DIRTY && (d[p].goal == 0 || window == 0))
#else
#define IS_BLOCKED(p) true
#define MAY_TAKE(p) true
#define MAY_SEND(p) (d[p].goal == 0)
#define TO_SEND(p, window) (d[p].mark[window] == DIRTY)
#endif

#ifdef NO_LEASE
#define MAY_BEGIN_ROUND(p) true
#else
#define MAY_BEGIN_ROUND(p) LEASES_OVER(p)
#endif

#ifdef ANY_ANSWER_IS_PROOF
#define IS_PROBE(p) true
#else
#define IS_PROBE(p) (d[p].takeover == PROBE)
#endif

/* The assumption about databases: one that has answered a request has executed, a sink's timeout
 * later, whatever had reached it before the request. */
#ifdef HEALING_BY_CLOCK
#define MAY_HEAL(p) (IS_TAKING_OVER(p) && LEASES_OVER(p))
#else
#define MAY_HEAL(p) \
    (d[p].takeover == PROOF && d[p].goal == 0 && \
     (d[p].overtaken || (late_write[0] == 0 && OTHERS_QUIET(p))))
#endif

/* A missing answer is a blow of fate, except for the request that was under way when the database
 * was killed. */
#ifdef DATABASE_LOSES
#define MAY_FAIL(p) (faults < FAULTS || d[p].is_reset)
#define COUNT_FAILURE(p) faults = faults + !d[p].is_reset
#else
#define MAY_FAIL(p) (faults < FAULTS)
#define COUNT_FAILURE(p) faults++
#endif
