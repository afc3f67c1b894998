#include "pipelines/delivery/takeover.h"

#include <sys/param.h>

static void enter(struct takeover *takeover, enum takeover_state state, int64_t at_ms)
{
    *takeover = (struct takeover){.state = state, .at_ms = at_ms};
}

const char *takeover_name(enum takeover_state state)
{
    static const char *const names[] = {
        [TAKEOVER_DONE] = "done",   [TAKEOVER_BY_CLOCK] = "by_clock", [TAKEOVER_LEASE] = "lease",
        [TAKEOVER_PROBE] = "probe", [TAKEOVER_PROOF] = "proof",
    };
    ASSERT(state < ARRAY_LEN(names));
    return names[state];
}

enum takeover_action takeover_assigned(struct takeover *takeover, int64_t until_ms)
{
    ASSERT(takeover->state == TAKEOVER_DONE);
    enter(takeover, TAKEOVER_LEASE, until_ms);
    return TAKEOVER_PUT_AT_RISK;
}

/* Open windows that changed since the clock ended the takeover are dirty: the partition wrote only
 * days that left. */
enum takeover_action takeover_caught_up(struct takeover *takeover, int64_t now_ms)
{
    if (takeover->state != TAKEOVER_BY_CLOCK)
        return TAKEOVER_NOTHING;
    enter(takeover, TAKEOVER_LEASE, now_ms);
    return TAKEOVER_PUT_AT_RISK;
}

/* By the clock, older writes may still arrive for what is dirty: see takeover_caught_up(). */
enum takeover_action takeover_doubt(struct takeover *takeover, int64_t now_ms)
{
    bool by_clock = takeover->state == TAKEOVER_BY_CLOCK;
    int64_t until_ms = takeover->state == TAKEOVER_LEASE ? MAX(takeover->at_ms, now_ms) : now_ms;
    enter(takeover, TAKEOVER_LEASE, until_ms);
    return by_clock ? TAKEOVER_PUT_AT_RISK : TAKEOVER_FROM_NOW;
}

void takeover_answered(struct takeover *takeover, int64_t taken_ms, int64_t now_ms)
{
    ASSERT(taken_ms <= now_ms);
    if (takeover->state == TAKEOVER_PROBE && taken_ms >= takeover->at_ms)
        enter(takeover, TAKEOVER_PROOF, now_ms);
}

void takeover_unanswered(struct takeover *takeover)
{
    if (takeover->state == TAKEOVER_PROOF)
        enter(takeover, TAKEOVER_PROBE, takeover->at_ms);
}

/* A partition that has not caught up may have no row for the sink whose answer would be the proof.
 * It could not go on. So the clock decides, and only for the days that leave until the partition
 * has caught up. */
static enum takeover_action end(struct takeover *takeover, const struct takeover_look *look)
{
    if (look->now_ms < takeover->at_ms + look->timeout_ms)
        return TAKEOVER_NOTHING;
    enter(takeover, look->caught_up ? TAKEOVER_DONE : TAKEOVER_BY_CLOCK, 0);
    return TAKEOVER_ROUND_TWO;
}

enum takeover_action takeover_step(struct takeover *takeover, const struct takeover_look *look)
{
    if (!look->caught_up && !look->blocked)
        return TAKEOVER_NOTHING; /* it writes nothing */
    switch (takeover->state) {
    case TAKEOVER_LEASE:
        if (look->now_ms < takeover->at_ms || !look->has_rows)
            return TAKEOVER_NOTHING;
        enter(takeover, TAKEOVER_PROBE, look->now_ms);
        return TAKEOVER_ROUND_ONE;
    case TAKEOVER_PROBE:
        return look->caught_up ? TAKEOVER_NOTHING : end(takeover, look);
    case TAKEOVER_PROOF:
        return end(takeover, look);
    case TAKEOVER_DONE:
    case TAKEOVER_BY_CLOCK:
    default:
        return TAKEOVER_NOTHING;
    }
}
