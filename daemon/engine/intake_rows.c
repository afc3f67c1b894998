/* The intake: rows to the sinks, and what is heard of them. */
#include <string.h>
#include <sys/param.h>

#include "daemon/engine/intake_state.h"

enum { SINK_TIMEOUT_MS = 20000 }; /* of a sink that has none: files */

int64_t intake_sink_timeout_ms(const struct intake *intake, uint32_t sink)
{
    int64_t timeout_ms = intake->config->sinks[sink].timeout_ms;
    return timeout_ms > 0 ? timeout_ms : SINK_TIMEOUT_MS;
}

uint32_t intake_take_rows(struct intake *intake, uint32_t sink, bool due, struct block *block)
{
    uint32_t rows = 0;
    block->taken_ms = intake_now_ms(intake);
    if (intake->held || consumer_is_lost(intake->consumer))
        return 0;
    for (uint32_t n = 0; n < intake->assigned_set.count; n++) {
        struct assigned *assigned =
            intake->assigned_set.items[(intake->cursor + n) % intake->assigned_set.count];
        uint32_t before = rows;
        if (due && assigned_is_live(assigned))
            rows += shard_take_rows(assigned->shard, sink, TAKE_ALL, block);
        else if (assigned_may_write(assigned) && shard_is_blocked(assigned->shard))
            rows += shard_take_rows(assigned->shard, sink, TAKE_CLOSING, block);
        assigned->changed |= rows > before;
    }
    intake->cursor++;
    return rows;
}

/* --- healing --- */

/* A request of ours may arrive late: the first round is to come again. */
static void heal_anew(const struct intake *intake, struct assigned *assigned)
{
    assigned->healing.lease_ms = MAX(assigned->healing.lease_ms, intake_now_ms(intake));
    assigned->healing.since_ms = 0;
}

static void note_answer(struct intake *intake, const struct block *block)
{
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        struct healing *healing = &intake->assigned_set.items[i]->healing;
        int64_t *answered_ms = &healing->answered_ms[block->sink];
        if (block->uncertain)
            *answered_ms = 0;
        else if (*answered_ms == 0 && healing->since_ms > 0 && block->taken_ms >= healing->since_ms)
            *answered_ms = intake_now_ms(intake);
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
static void begin_round(struct intake *intake, struct assigned *assigned)
{
    assigned->healing.since_ms = intake_now_ms(intake);
    memset(assigned->healing.answered_ms, 0, sizeof(assigned->healing.answered_ms));
    shard_heal(assigned->shard);
    assigned->healing.sinks = shard_begin_healing(assigned->shard);
    if (assigned->healing.sinks == 0)
        end_healing(assigned);
    intake->callbacks.rows_wanted(intake->callbacks.context);
}

/* A part that has not caught up writes to a sink only what has to go, which may be nothing: of it
 * the clock has to do, or it would never go on. The windows that stay are healed again when it has
 * caught up (HEALED_IN_SILENCE in docs/model). */
static bool all_have_answered(const struct intake *intake, const struct assigned *assigned)
{
    const struct healing *healing = &assigned->healing;
    for (uint32_t sink = 0; sink < intake->config->sinks_count; sink++) {
        int64_t answered_ms = healing->answered_ms[sink];
        if (answered_ms == 0 && !assigned_is_live(assigned))
            answered_ms = healing->since_ms;
        if ((healing->sinks >> sink & 1) != 0 &&
            (answered_ms == 0 ||
             intake_now_ms(intake) < answered_ms + intake_sink_timeout_ms(intake, sink)))
            return false;
    }
    return true;
}

/* A part that waits for a day to leave has rows to write as one that has caught up. */
void intake_check_healing(struct intake *intake)
{
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        struct assigned *assigned = intake->assigned_set.items[i];
        const struct healing *healing = &assigned->healing;
        bool writes = assigned_may_write(assigned) &&
                      (assigned->caught_up || shard_is_blocked(assigned->shard));
        if (healing->lease_ms == 0 || intake_now_ms(intake) < healing->lease_ms || !writes)
            continue;
        if (healing->since_ms == 0) {
            begin_round(intake, assigned);
        } else if (all_have_answered(intake, assigned)) {
            end_healing(assigned);
            intake->callbacks.rows_wanted(intake->callbacks.context);
        }
    }
}

/* Nothing of what stays has been written since then: it is dirty. */
void intake_heal_again(struct intake *intake, struct assigned *assigned)
{
    if (!assigned->healed_by_clock)
        return;
    assigned->healed_by_clock = false;
    (void)shard_begin_healing(assigned->shard);
    heal_anew(intake, assigned);
}

/* --- proof, of sinks that may lose what they have acknowledged --- */

void intake_rows_proven(struct intake *intake, uint32_t sink, int64_t before_ms)
{
    bool any = false;
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        struct assigned *assigned = intake->assigned_set.items[i];
        bool proven = shard_prove(assigned->shard, sink, before_ms, intake_now_ms(intake));
        assigned->changed |= proven && assigned_is_running(assigned);
        any |= proven && shard_is_blocked(assigned->shard);
    }
    if (any)
        intake->callbacks.rows_wanted(intake->callbacks.context);
}

void intake_rows_lost(struct intake *intake, uint32_t sink)
{
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        struct assigned *assigned = intake->assigned_set.items[i];
        shard_lose(assigned->shard, sink);
        assigned->changed |= assigned_is_running(assigned);
    }
    intake->callbacks.rows_wanted(intake->callbacks.context);
}

/* --- what is heard of rows --- */

void intake_rows_settled(struct intake *intake, const struct block *block)
{
    if (block->lost) {
        intake_rows_abandoned(intake, block);
        return;
    }
    note_answer(intake, block);
    for (uint32_t i = 0; i < block->count; i++) {
        struct assigned *assigned =
            assigned_set_find(&intake->assigned_set, (int32_t)block->rows[i].partition);
        if (assigned == NULL)
            continue;
        if (block->uncertain) {
            shard_row_settled_uncertain(assigned->shard, block->sink, &block->rows[i]);
            heal_anew(intake, assigned);
        } else if (block->unproven) {
            shard_row_settled_unproven(assigned->shard, block->sink, &block->rows[i]);
        } else {
            shard_row_settled(assigned->shard, block->sink, &block->rows[i]);
        }
        assigned->changed |= assigned_is_running(assigned);
    }
    if (block->unproven)
        intake_rows_proven(intake, block->sink, INT64_MIN); /* their generation begins */
}

void intake_rows_abandoned(struct intake *intake, const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        struct assigned *assigned =
            assigned_set_find(&intake->assigned_set, (int32_t)block->rows[i].partition);
        if (assigned != NULL)
            shard_row_abandoned(assigned->shard, block->sink, &block->rows[i]);
    }
    for (uint32_t i = 0; i < intake->assigned_set.count && block->uncertain; i++) {
        struct assigned *assigned = intake->assigned_set.items[i];
        if (!assigned_is_running(assigned))
            continue;
        (void)shard_begin_healing(assigned->shard); /* whose rows they were does not matter much */
        heal_anew(intake, assigned);
    }
}

void intake_mark_dirty(struct intake *intake, uint32_t sink, int64_t from_ms,
                       struct intake_marked *marked_out)
{
    *marked_out =
        (struct intake_marked){.partitions = intake->assigned_set.count, .open_ms = INT64_MIN};
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        struct assigned *assigned = intake->assigned_set.items[i];
        marked_out->waiting += !assigned_is_live(assigned);
        if (!assigned_is_running(assigned))
            continue;
        marked_out->windows += shard_mark_dirty(assigned->shard, sink, from_ms);
        marked_out->open_ms = MAX(marked_out->open_ms, shard_open_ms(assigned->shard));
        assigned->changed = true;
    }
}

void intake_check_idle(struct intake *intake, int64_t uv_now_ms, int64_t wall_ms)
{
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        struct assigned *assigned = intake->assigned_set.items[i];
        if (assigned_is_live(assigned) &&
            uv_now_ms - assigned->last_message_ms >= intake->config->window.idle_timeout_ms)
            shard_idle(assigned->shard, wall_ms);
    }
}

void intake_pause(struct intake *intake)
{
    intake->paused = true;
}

void intake_hold(struct intake *intake)
{
    intake->held = true;
    if (intake->consumer != NULL)
        consumer_confirm(intake->consumer);
}

void intake_release(struct intake *intake)
{
    intake->held = false;
    intake_resume(intake);
}

bool intake_is_drained(const struct intake *intake)
{
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        const struct assigned *assigned = intake->assigned_set.items[i];
        if (assigned_is_live(assigned) && !shard_is_drained(assigned->shard))
            return false;
    }
    return true;
}
