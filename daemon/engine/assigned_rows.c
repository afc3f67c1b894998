#include "daemon/engine/assigned_rows.h"

#include <string.h>
#include <sys/param.h>

enum { SINK_TIMEOUT_MS = 20000 }; /* of a sink that has none: files */

static int64_t sink_timeout_ms(const struct assigned_set *set, uint32_t sink)
{
    int64_t timeout_ms = set->config->sinks[sink].timeout_ms;
    return timeout_ms > 0 ? timeout_ms : SINK_TIMEOUT_MS;
}

uint32_t assigned_rows_take(struct assigned_set *set, uint32_t sink, bool due, struct block *block)
{
    uint32_t rows = 0;
    if (!assigned_set_may_write(set))
        return 0;
    for (uint32_t n = 0; n < set->count; n++) {
        struct assigned *assigned = set->items[(set->first + n) % set->count];
        uint32_t before = rows;
        if (due && assigned_is_live(assigned))
            rows += shard_take_rows(assigned->shard, sink, TAKE_ALL, block);
        else if (assigned_may_write(assigned) && shard_is_blocked(assigned->shard))
            rows += shard_take_rows(assigned->shard, sink, TAKE_CLOSING, block);
        assigned->changed |= rows > before;
    }
    set->first++;
    return rows;
}

/* --- healing --- */

/* A request of ours may arrive late: the first round is to come again. */
static void heal_anew(struct assigned *assigned, int64_t now_ms)
{
    assigned->healing.lease_ms = MAX(assigned->healing.lease_ms, now_ms);
    assigned->healing.since_ms = 0;
}

static void note_answer(struct assigned_set *set, const struct block *block, int64_t now_ms)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct healing *healing = &set->items[i]->healing;
        int64_t *answered_ms = &healing->answered_ms[block->sink];
        if (block->uncertain)
            *answered_ms = 0;
        else if (*answered_ms == 0 && healing->since_ms > 0 && block->taken_ms >= healing->since_ms)
            *answered_ms = now_ms;
    }
}

static void end_healing(struct assigned *assigned)
{
    shard_heal(assigned->shard);
    assigned->healing = (struct healing){0};
    assigned->healed_by_clock = !assigned_is_live(assigned);
    assigned->changed = true;
    assigned->stats.heals++;
}

/* What is suspect becomes dirty, and stays suspect. */
static void begin_round(struct assigned *assigned, int64_t now_ms)
{
    assigned->healing.since_ms = now_ms;
    memset(assigned->healing.answered_ms, 0, sizeof(assigned->healing.answered_ms));
    shard_heal(assigned->shard);
    assigned->healing.sinks = shard_begin_healing(assigned->shard);
    if (assigned->healing.sinks == 0)
        end_healing(assigned);
}

/* A part that has not caught up writes to a sink only what has to go, which may be nothing: of it
 * the clock has to do, or it would never go on. The windows that stay are healed again when it has
 * caught up (HEALED_IN_SILENCE in docs/model). */
static bool all_have_answered(const struct assigned_set *set, const struct assigned *assigned,
                              int64_t now_ms)
{
    const struct healing *healing = &assigned->healing;
    for (uint32_t sink = 0; sink < set->config->sinks_count; sink++) {
        int64_t answered_ms = healing->answered_ms[sink];
        if (answered_ms == 0 && !assigned_is_live(assigned))
            answered_ms = healing->since_ms;
        if ((healing->sinks >> sink & 1) != 0 &&
            (answered_ms == 0 || now_ms < answered_ms + sink_timeout_ms(set, sink)))
            return false;
    }
    return true;
}

/* A part that waits for a day to leave has rows to write as one that has caught up. */
bool assigned_rows_check_healing(struct assigned_set *set, int64_t now_ms)
{
    bool wanted = false;
    for (uint32_t i = 0; i < set->count; i++) {
        struct assigned *assigned = set->items[i];
        const struct healing *healing = &assigned->healing;
        bool writes = assigned_may_write(assigned) &&
                      (assigned->caught_up || shard_is_blocked(assigned->shard));
        if (healing->lease_ms == 0 || now_ms < healing->lease_ms || !writes)
            continue;
        if (healing->since_ms == 0) {
            begin_round(assigned, now_ms);
            wanted = true;
        } else if (all_have_answered(set, assigned, now_ms)) {
            end_healing(assigned);
            wanted = true;
        }
    }
    return wanted;
}

/* Nothing of what stays has been written since then: it is dirty. */
void assigned_rows_heal_again(struct assigned *assigned, int64_t now_ms)
{
    if (!assigned->healed_by_clock)
        return;
    assigned->healed_by_clock = false;
    (void)shard_begin_healing(assigned->shard);
    heal_anew(assigned, now_ms);
}

/* --- proof, of sinks that may lose what they have acknowledged --- */

bool assigned_rows_proven(struct assigned_set *set, uint32_t sink, int64_t before_ms,
                          int64_t now_ms)
{
    bool any = false;
    for (uint32_t i = 0; i < set->count; i++) {
        struct assigned *assigned = set->items[i];
        bool proven = shard_prove(assigned->shard, sink, before_ms, now_ms);
        assigned->changed |= proven && assigned_is_running(assigned);
        any |= proven && shard_is_blocked(assigned->shard);
    }
    return any;
}

void assigned_rows_lost(struct assigned_set *set, uint32_t sink)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct assigned *assigned = set->items[i];
        shard_lose(assigned->shard, sink);
        assigned->changed |= assigned_is_running(assigned);
    }
}

/* --- what is heard of rows --- */

bool assigned_rows_settled(struct assigned_set *set, const struct block *block, int64_t now_ms)
{
    if (block->lost) {
        assigned_rows_abandoned(set, block, now_ms);
        return false;
    }
    note_answer(set, block, now_ms);
    for (uint32_t i = 0; i < block->count; i++) {
        struct assigned *assigned = assigned_set_find(set, (int32_t)block->rows[i].partition);
        if (assigned == NULL)
            continue;
        if (block->uncertain) {
            shard_row_settled_uncertain(assigned->shard, block->sink, &block->rows[i]);
            heal_anew(assigned, now_ms);
        } else if (block->unproven) {
            shard_row_settled_unproven(assigned->shard, block->sink, &block->rows[i]);
        } else {
            shard_row_settled(assigned->shard, block->sink, &block->rows[i]);
        }
        assigned->changed |= assigned_is_running(assigned);
    }
    return block->unproven && /* their generation begins */
           assigned_rows_proven(set, block->sink, INT64_MIN, now_ms);
}

void assigned_rows_abandoned(struct assigned_set *set, const struct block *block, int64_t now_ms)
{
    for (uint32_t i = 0; i < block->count; i++) {
        struct assigned *assigned = assigned_set_find(set, (int32_t)block->rows[i].partition);
        if (assigned != NULL)
            shard_row_abandoned(assigned->shard, block->sink, &block->rows[i]);
    }
    for (uint32_t i = 0; i < set->count && block->uncertain; i++) {
        struct assigned *assigned = set->items[i];
        if (!assigned_is_running(assigned))
            continue;
        (void)shard_begin_healing(assigned->shard); /* whose rows they were does not matter much */
        heal_anew(assigned, now_ms);
    }
}

void assigned_rows_mark_dirty(struct assigned_set *set, uint32_t sink, int64_t from_ms,
                              struct assigned_rows_marked *marked_out)
{
    *marked_out = (struct assigned_rows_marked){.partitions = set->count, .open_ms = INT64_MIN};
    for (uint32_t i = 0; i < set->count; i++) {
        struct assigned *assigned = set->items[i];
        marked_out->waiting += !assigned_is_live(assigned);
        if (!assigned_is_running(assigned))
            continue;
        marked_out->windows += shard_mark_dirty(assigned->shard, sink, from_ms);
        marked_out->open_ms = MAX(marked_out->open_ms, shard_open_ms(assigned->shard));
        assigned->changed = true;
    }
}

void assigned_rows_check_idle(struct assigned_set *set, int64_t now_ms, int64_t wall_ms)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct assigned *assigned = set->items[i];
        if (assigned_is_live(assigned) &&
            now_ms - assigned->last_message_ms >= set->config->window.idle_timeout_ms)
            shard_idle(assigned->shard, wall_ms);
    }
}

bool assigned_rows_are_drained(const struct assigned_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct assigned *assigned = set->items[i];
        if (assigned_is_live(assigned) && !shard_is_drained(assigned->shard))
            return false;
    }
    return true;
}
