/* The intake: messages to their partitions, and partitions that waited go on. */
#include "daemon/engine/intake_state.h"

void intake_on_pushed_out(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    if (assigned != NULL)
        message_applier_unpark(assigned->applier);
}

size_t intake_on_messages(void *context, int32_t number, rd_kafka_message_t **messages,
                          size_t count)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    ASSERT(assigned != NULL);
    if (assigned->state != ASSIGNED_APPLYING)
        return 0;
    if (intake->paused || intake->held) {
        assigned_enter(assigned, ASSIGNED_WAITING_PROCESS);
        return 0;
    }
    size_t taken = assigned_take(assigned, &intake->refusals, messages, count);
    if (taken > 0)
        assigned->last_message_ms = intake_now_ms(intake);
    if (shard_is_blocked(assigned->shard))
        intake->callbacks.rows_wanted(intake->callbacks.context);
    return taken;
}

void intake_resume(struct intake *intake)
{
    if (intake->paused || intake->held)
        return;
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        struct assigned *assigned = intake->assigned_set.items[i];
        if (assigned_resume(assigned) && assigned_offer_returned(assigned, &intake->refusals))
            consumer_resume(intake->consumer, assigned->number);
    }
}
