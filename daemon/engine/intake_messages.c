/* The intake: messages into the shards, and parked events again. */
#include "daemon/engine/intake_state.h"

#include <sys/param.h>

enum { SLICE_MESSAGES_MAX = 512 };

void intake_on_pushed_out(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    if (assigned != NULL)
        message_applier_unpark(assigned->applier);
}

/* --- messages --- */

bool intake_offer_returned(struct intake *intake, struct assigned *assigned)
{
    while (assigned->returned.count > 0) {
        struct outgoing *letter = assigned->returned.oldest;
        if (!refusals_can_offer(&intake->refusals, letter))
            return false;
        intake->refusals.letter = parked_take(&assigned->returned);
        const struct raw_message message = {
            .bytes = outgoing_value(letter),
            .size = letter->size,
            .offset = letter->offset,
            .arrived_ms = letter->timestamp_ms > 0 ? letter->timestamp_ms : INT64_MIN};
        size_t taken = message_applier_take_again(assigned->applier, &message, 1);
        letter = TAKE(intake->refusals.letter);
        if (taken == 0) {
            parked_put_back(&assigned->returned, &letter);
            return false;
        }
        if (letter != NULL)
            outgoing_destroy(letter); /* nobody had to keep it */
        assigned->changed = true;
    }
    return true;
}

static size_t apply_messages(struct intake *intake, struct assigned *assigned,
                             rd_kafka_message_t **messages, size_t count)
{
    struct raw_message slice[SLICE_MESSAGES_MAX];
    for (size_t i = 0; i < count; i++) {
        rd_kafka_timestamp_type_t type;
        int64_t arrived_ms = rd_kafka_message_timestamp(messages[i], &type);
        slice[i] = (struct raw_message){
            .bytes = messages[i]->payload,
            .size = messages[i]->len,
            .offset = messages[i]->offset,
            .arrived_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? INT64_MIN : arrived_ms};
    }
    intake->refusals.messages = messages;
    size_t taken = message_applier_take(assigned->applier, slice, count);
    intake->refusals.messages = NULL;
    return taken;
}

size_t intake_on_messages(void *context, int32_t number, rd_kafka_message_t **messages,
                          size_t count)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    ASSERT(assigned != NULL);
    assigned->stopped = true;
    if (intake->paused || intake->held || assigned->state != ASSIGNED_RUNNING ||
        !intake_offer_returned(intake, assigned))
        return 0;
    if (message_applier_get_skip(assigned->applier) > 0 &&
        messages[0]->offset != assigned->next_offset)
        message_applier_set_skip(assigned->applier,
                                 0); /* the message that was done in part is gone */
    size_t n = refusals_count_affordable(&intake->refusals, messages,
                                         MIN(count, (size_t)SLICE_MESSAGES_MAX));
    size_t taken = apply_messages(intake, assigned, messages, n);
    assigned->stopped = taken < count;
    if (taken > 0) {
        assigned->next_offset = messages[taken - 1]->offset + 1;
        assigned->last_message_ms = intake_now_ms(intake);
    }
    if (message_applier_get_skip(assigned->applier) > 0)
        assigned->next_offset = messages[taken]->offset; /* the one that is done in part */
    assigned->changed |= taken > 0 || message_applier_get_skip(assigned->applier) > 0;
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
        if (!assigned->stopped || assigned->state != ASSIGNED_RUNNING ||
            shard_is_blocked(assigned->shard))
            continue;
        assigned->stopped = false;
        consumer_resume(intake->consumer, assigned->number);
    }
}
