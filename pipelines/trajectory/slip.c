#include "pipelines/trajectory/slip.h"

#include <string.h>

#include "base/decimal.h"
#include "config/targets/targets.h"

enum { SLIP_ONE = 10000 }; /* 100 % */

void slip_init(struct slip_state *state_out)
{
    *state_out = (struct slip_state){.entered_ms = INT64_MIN, .since_ms = INT64_MIN};
}

/* The highest level that the newest day but `back` reaches. */
static enum alert_level reached(const struct slip_state *state, const struct slip_conf *conf,
                                uint32_t back)
{
    uint32_t at = state->count - 1 - back;
    if (state->probability[at] >= conf->probability)
        return ALERT_CRITICAL;
    enum alert_level level = ALERT_CRITICAL;
    while (level > ALERT_OK && state->slip[at] < conf->threshold[level])
        level--;
    return level;
}

/* The highest level that the last enter_days days all reach; ALERT_OK if there are fewer. */
static enum alert_level reached_by_all(const struct slip_state *state, const struct slip_conf *conf)
{
    if (state->count < conf->enter_days)
        return ALERT_OK;
    enum alert_level lowest = ALERT_CRITICAL;
    for (uint32_t back = 0; back < conf->enter_days; back++) {
        enum alert_level level = reached(state, conf, back);
        if (level < lowest)
            lowest = level;
    }
    return lowest;
}

/* Whether the last leave_days days are all far enough below the level that holds. */
static bool is_left(const struct slip_state *state, const struct slip_conf *conf)
{
    if (state->level == ALERT_OK || state->count < conf->leave_days)
        return false;
    for (uint32_t back = 0; back < conf->leave_days; back++) {
        uint32_t at = state->count - 1 - back;
        if (state->slip[at] >= conf->threshold[state->level] - conf->margin ||
            (state->level == ALERT_CRITICAL && state->probability[at] >= conf->probability))
            return false;
    }
    return true;
}

static void append(struct slip_state *state, const struct slip_day *day)
{
    if (state->count == SLIP_RUN_MAX) {
        state->count--;
        memmove(state->slip, state->slip + 1, state->count * sizeof(state->slip[0]));
        memmove(state->probability, state->probability + 1,
                state->count * sizeof(state->probability[0]));
    }
    state->slip[state->count] = day->slip;
    state->probability[state->count] = day->probability;
    state->count++;
}

enum alert_level slip_judge(struct slip_state *state, const struct slip_conf *conf,
                            const struct slip_day *day)
{
    ASSERT(conf->enter_days >= 1 && conf->enter_days <= SLIP_RUN_MAX);
    ASSERT(conf->leave_days >= 1 && conf->leave_days <= SLIP_RUN_MAX);
    enum alert_level before = state->level;
    append(state, day);
    enum alert_level level = reached_by_all(state, conf);
    if (level <= before) {
        level = before;
        if (is_left(state, conf) && day->end_ms - state->entered_ms >= conf->dwell_ms)
            level--;
    }
    if (level == before)
        return before;
    state->level = (uint8_t)level;
    state->entered_ms = day->end_ms;
    if (before == ALERT_OK)
        state->since_ms = day->end_ms;
    else if (level == ALERT_OK)
        state->since_ms = INT64_MIN;
    return before;
}

int32_t slip_of(int64_t emitted_mg, int64_t budget_mg, int64_t share)
{
    ASSERT(budget_mg > 0 && share > 0);
    int128 due = (int128)budget_mg * share;
    int128 slip = div_round_even(((int128)emitted_mg * PART_ONE - due) * SLIP_ONE, due);
    if (slip > INT32_MAX)
        return INT32_MAX;
    return slip < -INT32_MAX ? -INT32_MAX : (int32_t)slip;
}
