/*
 * takeover.h - until when an older write may reach a sink after what we write now.
 *
 *     DONE -assigned-> LEASE -lease over, rows to write-> PROBE -answer-> PROOF -timeout-> DONE
 *                      ^  ^                                |               |
 *                      |  +-- caught up -- BY_CLOCK <-------+--- timeout ---+
 *                      |                   not caught up, and a day has to leave
 *                      +-- from any state: our request ended without an answer
 *
 * The owner has one takeover for each assigned partition and sink. docs/delivery.md says why, and
 * docs/model/state.pml has the same states. From LEASE to PROOF, whatever becomes dirty is at
 * risk. A LEASE without anything to write stays one when its time is over: a former owner may have
 * written rows of events that we have not read yet (HEALED_WITHOUT_A_WRITE).
 *
 * Pure: times come as arguments, and each function returns what its caller has to do.
 */
#ifndef GHGD_DELIVERY_TAKEOVER_H
#define GHGD_DELIVERY_TAKEOVER_H

#include "base/base.h"

enum takeover_state {
    TAKEOVER_DONE,     /* no older write can arrive */
    TAKEOVER_BY_CLOCK, /* so says the clock alone: it had not caught up, and a day had to leave */
    TAKEOVER_LEASE,    /* a former owner may still send, or we gave a request up just now */
    TAKEOVER_PROBE,    /* what is at risk is being written: round one */
    TAKEOVER_PROOF     /* the sink has answered, and works off what it had */
};

enum takeover_action {
    TAKEOVER_NOTHING,
    TAKEOVER_FROM_NOW,    /* what becomes dirty is at risk */
    TAKEOVER_PUT_AT_RISK, /* ... and what is dirty */
    TAKEOVER_ROUND_ONE,   /* what is at risk is dirty and stays at risk; what is dirty is at risk */
    TAKEOVER_ROUND_TWO    /* what is at risk is dirty, and at risk no more */
};

struct takeover {
    enum takeover_state state;
    /* LEASE: it lasts until then. PROBE: round one began. PROOF: the sink answered. */
    int64_t at_ms;
};

/* How the partition stands at this moment. */
struct takeover_look {
    int64_t now_ms;
    int64_t timeout_ms; /* the longest that a request to the sink can be under way */
    bool caught_up;     /* it may write everything */
    bool blocked;       /* it may not, but a day has to leave so that it can go on */
    bool has_rows;      /* something is dirty or at risk for the sink */
};

/* Windows that become dirty are at risk. */
static inline bool takeover_is_under_way(const struct takeover *takeover)
{
    return takeover->state >= TAKEOVER_LEASE;
}
/* A name that never changes, for the log. */
const char *takeover_name(enum takeover_state state);

/* The partition is ours, and an earlier owner may send rows of it until then. */
enum takeover_action takeover_assigned(struct takeover *takeover, int64_t until_ms) MUST_CHECK;
/* The partition has caught up with its log. */
enum takeover_action takeover_caught_up(struct takeover *takeover, int64_t now_ms) MUST_CHECK;
/* One of our requests has ended, and may still arrive. The end of its block puts its rows at risk.
 */
enum takeover_action takeover_doubt(struct takeover *takeover, int64_t now_ms) MUST_CHECK;
/* The sink has answered a block whose rows were taken at taken_ms. */
void takeover_answered(struct takeover *takeover, int64_t taken_ms, int64_t now_ms);
/* A block of others' rows ended, and the sink may be executing an earlier try of it still. */
void takeover_unanswered(struct takeover *takeover);
/* Called a few times a second. */
enum takeover_action takeover_step(struct takeover *takeover,
                                   const struct takeover_look *look) MUST_CHECK;

#endif
