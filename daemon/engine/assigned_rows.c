#include "daemon/engine/assigned_rows.h"

#include <inttypes.h>
#include <sys/param.h>

#include "base/log.h"

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

/* --- takeovers: docs/delivery.md --- */

/* Returns whether rows want to be taken. */
static bool act(struct assigned *assigned, uint32_t sink, enum takeover_action action)
{
    shard_take_over(assigned->shard, sink, action);
    if (action != TAKEOVER_ROUND_ONE && action != TAKEOVER_ROUND_TWO)
        return false;
    LOG_DEBUG("assigned.takeover", "partition=%" PRId32 " sink=%" PRIu32 " state=%s",
              assigned->number, sink, takeover_name(assigned->takeovers[sink].state));
    assigned->changed = true;
    return true;
}

/* A message to people does no harm if it comes late, and would be one more if it was healed. */
static bool is_taken_over(const struct assigned_set *set, uint32_t sink)
{
    return !sink_conf_tells_people(&set->config->sinks[sink]);
}

void assigned_rows_take_over(const struct assigned_set *set, struct assigned *assigned,
                             int64_t until_ms)
{
    for (uint32_t sink = 0; sink < set->config->sinks_count; sink++)
        if (is_taken_over(set, sink))
            (void)act(assigned, sink, takeover_assigned(&assigned->takeovers[sink], until_ms));
}

void assigned_rows_caught_up(const struct assigned_set *set, struct assigned *assigned,
                             int64_t now_ms)
{
    for (uint32_t sink = 0; sink < set->config->sinks_count; sink++)
        if (is_taken_over(set, sink))
            (void)act(assigned, sink, takeover_caught_up(&assigned->takeovers[sink], now_ms));
}

static bool step_takeovers(const struct assigned_set *set, struct assigned *assigned,
                           int64_t now_ms)
{
    bool wanted = false;
    for (uint32_t sink = 0; sink < set->config->sinks_count; sink++) {
        struct takeover *takeover = &assigned->takeovers[sink];
        if (!takeover_is_under_way(takeover))
            continue;
        const struct takeover_look look = {.now_ms = now_ms,
                                           .timeout_ms = sink_timeout_ms(set, sink),
                                           .caught_up = assigned_is_live(assigned),
                                           .blocked = assigned_may_write(assigned) &&
                                                      shard_is_blocked(assigned->shard),
                                           .has_rows = shard_has_rows(assigned->shard, sink)};
        wanted |= act(assigned, sink, takeover_step(takeover, &look));
    }
    return wanted;
}

bool assigned_rows_step_takeovers(struct assigned_set *set, int64_t now_ms)
{
    bool wanted = false;
    for (uint32_t i = 0; i < set->count; i++)
        wanted |= step_takeovers(set, set->items[i], now_ms);
    return wanted;
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

static void note_answer(struct assigned_set *set, const struct block *block, int64_t now_ms)
{
    bool answered = block->end == BLOCK_DURABLE || block->end == BLOCK_ACKNOWLEDGED;
    bool at_risk = block->end == BLOCK_WRITTEN_AT_RISK || block->end == BLOCK_UNKNOWN;
    for (uint32_t i = 0; i < set->count; i++) {
        struct takeover *takeover = &set->items[i]->takeovers[block->sink];
        if (answered)
            takeover_answered(takeover, block->taken_ms, now_ms);
        else if (at_risk)
            takeover_unanswered(takeover);
    }
}

static void end_row(struct assigned *assigned, const struct block *block, const struct row *row,
                    int64_t now_ms)
{
    if (block->end == BLOCK_WRITTEN_AT_RISK || block->end == BLOCK_UNKNOWN)
        (void)act(assigned, block->sink, takeover_doubt(&assigned->takeovers[block->sink], now_ms));
    shard_end_row(assigned->shard, block->sink, row, block->end);
    assigned->changed |= assigned_is_running(assigned);
}

bool assigned_rows_ended(struct assigned_set *set, const struct block *block, int64_t now_ms)
{
    note_answer(set, block, now_ms);
    for (uint32_t i = 0; i < block->count; i++) {
        struct assigned *assigned = assigned_set_find(set, (int32_t)block->rows[i].partition);
        if (assigned != NULL)
            end_row(assigned, block, &block->rows[i], now_ms);
    }
    return block->end == BLOCK_ACKNOWLEDGED && /* their generation begins */
           assigned_rows_proven(set, block->sink, INT64_MIN, now_ms);
}

void assigned_rows_mark_dirty(struct assigned_set *set, uint32_t sink, int64_t from_ms,
                              struct assigned_rows_marked *marked_out)
{
    *marked_out = (struct assigned_rows_marked){.partitions = set->count, .open_ms = INT64_MIN};
    for (uint32_t i = 0; i < set->count; i++) {
        struct assigned *assigned = set->items[i];
        marked_out->waiting += !assigned_is_live(assigned);
        if (assigned->state == ASSIGNED_RESTORING)
            assigned->owed |= (uint8_t)(1U << sink);
        if (!assigned_is_running(assigned) && assigned->state != ASSIGNED_LEAVING)
            continue;
        marked_out->windows += shard_mark_dirty(assigned->shard, sink, from_ms);
        marked_out->open_ms = MAX(marked_out->open_ms, shard_open_ms(assigned->shard));
        assigned->changed = true;
    }
}

void assigned_rows_mark_owed(struct assigned *assigned)
{
    for (uint32_t sink = 0; sink < SINKS_MAX; sink++) {
        if ((assigned->owed & 1U << sink) == 0)
            continue;
        (void)shard_mark_dirty(assigned->shard, sink, INT64_MIN);
        assigned->changed = true;
    }
    assigned->owed = 0;
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
