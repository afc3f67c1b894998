/* The intake: rows to the sinks, and what is heard of them. */
#include <sys/param.h>

#include "daemon/intake_state.h"

enum { SINK_TIMEOUT_MS = 20000 }; /* of a sink that has none: files */

int64_t intake_sink_timeout_ms(const struct intake *intake, uint32_t sink)
{
    int64_t timeout_ms = intake->config->sinks[sink].timeout_ms;
    return timeout_ms > 0 ? timeout_ms : SINK_TIMEOUT_MS;
}

uint32_t intake_take_rows(struct intake *intake, uint32_t sink, bool due, struct block *block)
{
    uint32_t rows = 0;
    if (intake->held || consumer_is_lost(intake->consumer))
        return 0;
    for (uint32_t n = 0; n < intake->parts.count; n++) {
        struct part *part = intake->parts.items[(intake->cursor + n) % intake->parts.count];
        uint32_t before = rows;
        if (due && part_is_live(part))
            rows += shard_take_rows(part->shard, sink, TAKE_ALL, block);
        else if (part->state == PART_RUNNING && shard_is_blocked(part->shard))
            rows += shard_take_rows(part->shard, sink, TAKE_CLOSING, block);
        part->changed |= rows > before;
    }
    intake->cursor++;
    return rows;
}

/* When what was sent in vain can arrive no more. */
static void heal_later(struct intake *intake, struct part *part, uint32_t sink)
{
    part->heal_at_ms =
        MAX(part->heal_at_ms, intake_now_ms(intake) + intake_sink_timeout_ms(intake, sink));
}

void intake_rows_settled(struct intake *intake, const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        struct part *part = parts_find(&intake->parts, (int32_t)block->rows[i].partition);
        if (part == NULL)
            continue;
        if (block->uncertain) {
            shard_row_settled_uncertain(part->shard, block->sink, &block->rows[i]);
            heal_later(intake, part, block->sink);
        } else {
            shard_row_settled(part->shard, block->sink, &block->rows[i]);
        }
        part->changed |= part->state == PART_RUNNING;
    }
}

void intake_rows_abandoned(struct intake *intake, const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        struct part *part = parts_find(&intake->parts, (int32_t)block->rows[i].partition);
        if (part != NULL)
            shard_row_abandoned(part->shard, block->sink, &block->rows[i]);
    }
    for (uint32_t i = 0; i < intake->parts.count && block->uncertain; i++) {
        struct part *part = intake->parts.items[i];
        if (part->state != PART_RUNNING)
            continue;
        shard_begin_healing(part->shard); /* whose rows they were does not matter much */
        heal_later(intake, part, block->sink);
    }
}

void intake_mark_dirty(struct intake *intake, uint32_t sink, int64_t from_ms,
                       struct intake_marked *marked_out)
{
    *marked_out = (struct intake_marked){.partitions = intake->parts.count, .open_ms = INT64_MIN};
    for (uint32_t i = 0; i < intake->parts.count; i++) {
        struct part *part = intake->parts.items[i];
        marked_out->waiting += !part_is_live(part);
        if (part->state != PART_RUNNING)
            continue;
        marked_out->windows += shard_mark_dirty(part->shard, sink, from_ms);
        marked_out->open_ms = MAX(marked_out->open_ms, shard_open_ms(part->shard));
        part->changed = true;
    }
}

void intake_check_idle(struct intake *intake, int64_t uv_now_ms, int64_t wall_ms)
{
    for (uint32_t i = 0; i < intake->parts.count; i++) {
        struct part *part = intake->parts.items[i];
        if (part_is_live(part) &&
            uv_now_ms - part->last_message_ms >= intake->config->window.idle_timeout_ms)
            shard_idle(part->shard, wall_ms);
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
    for (uint32_t i = 0; i < intake->parts.count; i++) {
        const struct part *part = intake->parts.items[i];
        if (part_is_live(part) && !shard_is_drained(part->shard))
            return false;
    }
    return true;
}

void intake_check_healing(struct intake *intake)
{
    for (uint32_t i = 0; i < intake->parts.count; i++) {
        struct part *part = intake->parts.items[i];
        if (part->heal_at_ms == 0 || intake_now_ms(intake) < part->heal_at_ms ||
            part->state != PART_RUNNING)
            continue;
        part->heal_at_ms = 0;
        part->changed = true;
        part->stats.heals++;
        shard_heal(part->shard);
        intake->callbacks.rows_wanted(intake->callbacks.context);
    }
}
