/*
 * safeguards.pml - what the protocol demands before a step is taken, and what is left of that if a
 * safeguard is taken away by -D. The variants whose safeguard is not a condition (NO_HEALING,
 * NO_DOUBT, NO_BRAKE, ...) are where the step is.
 */
#ifdef NO_FENCING
#define IS_ACCEPTED(p) true
#else
#define IS_ACCEPTED(p) (!d[p].fenced)
#endif

#ifdef COMMIT_BEFORE_ACK
#define MAY_COMMIT(p) (d[p].save != SAVED)
#else
#define MAY_COMMIT(p) (d[p].save == WRITTEN)
#endif

#ifdef WRITE_BEFORE_START
#define MAY_WRITE(p) true
#else
#define MAY_WRITE(p) (d[p].begun)
#endif

#ifdef DELTA_ON_UNACKED
#define MAY_SAVE(p) (d[p].save == SAVED || d[p].save == WRITING)
#else
#define MAY_SAVE(p) (d[p].save == SAVED)
#endif

#ifdef NO_LETTER_GATE
#define LETTERS_DONE(p, to) true
#elif defined(LETTER_GATE_BY_OFFSET)
#define LETTERS_DONE(p, to) (!d[p].letter || OFFSET(BAD) >= OFFSET(to))
#else
#define LETTERS_DONE(p, to) (!d[p].letter || OFFSET(BAD) >= OFFSET(to) + SKIP(to))
#endif

#ifdef NO_DIRTY_IN_STATE
#define DIRTY_TO_SAVE(p) 0
#elif defined(NO_IN_FLIGHT_IN_STATE)
#define DIRTY_TO_SAVE(p) (d[p].dirty | d[p].suspect)
#elif defined(NO_SUSPECTS_IN_STATE)
#define DIRTY_TO_SAVE(p) (d[p].dirty | MARKS(d[p].rows))
#else
#define DIRTY_TO_SAVE(p) (d[p].dirty | MARKS(d[p].rows) | d[p].suspect)
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
#define ACTIVE(p) (RUNNING(p) && d[p].role == OWNS && !d[p].brake)

/* What the clock tells: every other one that believed to own the partition has heard of it, is
 * stopped or gone. Of those only a stopped one comes back, and it comes back with the brake on. */
#define COULD_SEND(z) (RUNNING(z) && d[z].role != IDLE && !d[z].brake)
#if PROCESSES == 2
#define LEASES_OVER(p) (!COULD_SEND(1 - p))
#define OTHERS_QUIET(p) (d[1 - p].rows == 0)
#else
#define LEASES_OVER(p) (!COULD_SEND((p + 1) % 3) && !COULD_SEND((p + 2) % 3))
#define OTHERS_QUIET(p) (d[(p + 1) % 3].rows == 0 && d[(p + 2) % 3].rows == 0)
#endif

/* What becomes dirty may be overtaken by an older write. */
#define IS_HEALING(p) (d[p].healing != HEALED && d[p].healing != BY_CLOCK)

/* The assumption about databases: one that has answered a request has executed, a sink's timeout
 * later, whatever had reached it before. */
#ifdef HEALING_BY_CLOCK
#define MAY_HEAL(p) (IS_HEALING(p) && LEASES_OVER(p))
#else
#define MAY_HEAL(p) \
    (d[p].healing == PROOF && late_write[0] == 0 && OTHERS_QUIET(p) && d[p].goal == 0)
#endif
