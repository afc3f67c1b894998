/* The intake: messages into the shards, and what becomes of events that are refused. */
#include "daemon/engine/intake_state.h"

#include "pipelines/kafka/letter.h"

enum { SLICE_MESSAGES_MAX = 512 };

/* --- what is refused --- */

static int refuse_letter(struct intake *intake, enum outcome outcome)
{
    struct letter *letter = TAKE(intake->letter);
    if (outcome == OUTCOME_PARKED) {
        parking_put(intake->parking, &letter);
        return 0;
    }
    letter_refuse(letter, outcome);
    return deadletter_post(intake->deadletter, &letter);
}

static int refuse_event(struct intake *intake, const struct refusal *refusal)
{
    const rd_kafka_message_t *message = intake->messages[refusal->origin.message];
    if (refusal->outcome != OUTCOME_PARKED)
        return deadletter_send(intake->deadletter, message, refusal);
    struct refusal unknown = *refusal;
    unknown.outcome = OUTCOME_UNKNOWN; /* what it is if it has to leave */
    return parking_add(intake->parking, message, &unknown);
}

void intake_on_refused(void *context, const struct refusal *refusal)
{
    struct intake *intake = context;
    int err = intake->letter != NULL ? refuse_letter(intake, refusal->outcome)
                                     : refuse_event(intake, refusal);
    ASSERT(err == 0); /* room was made sure of; without memory the log is read again */
}

void intake_on_pushed_out(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    if (assigned != NULL)
        feed_unpark(assigned->feed);
}

/* --- messages --- */

bool intake_offer_returned(struct intake *intake, struct assigned *assigned)
{
    while (assigned->returned.count > 0) {
        struct letter *letter = assigned->returned.oldest;
        if (!deadletter_has_room(intake->deadletter, 1, letter->key_size + letter->size))
            return false;
        intake->letter = parked_take(&assigned->returned);
        const struct feed_message message = {
            .bytes = letter->bytes + letter->key_size,
            .size = letter->size,
            .offset = letter->offset,
            .arrived_ms = letter->timestamp_ms > 0 ? letter->timestamp_ms : INT64_MIN};
        size_t taken = feed_take_again(assigned->feed, &message, 1);
        letter = TAKE(intake->letter);
        if (taken == 0) {
            parked_put_back(&assigned->returned, &letter);
            return false;
        }
        if (letter != NULL)
            letter_destroy(letter); /* nobody had to keep it */
        assigned->changed = true;
    }
    return true;
}

/* How many of the messages the dead-letter queue could take whole, if every event were bad. */
static size_t affordable(const struct intake *intake, rd_kafka_message_t **messages, size_t count)
{
    size_t n = 0;
    size_t bytes = 0;
    for (; n < count && n < SLICE_MESSAGES_MAX; n++) {
        bytes += messages[n]->len + messages[n]->key_len;
        if (!deadletter_has_room(intake->deadletter, n + 1, bytes))
            break;
    }
    return n;
}

static size_t feed_messages(struct intake *intake, struct assigned *assigned,
                            rd_kafka_message_t **messages, size_t count)
{
    struct feed_message slice[SLICE_MESSAGES_MAX];
    for (size_t i = 0; i < count; i++) {
        rd_kafka_timestamp_type_t type;
        int64_t arrived_ms = rd_kafka_message_timestamp(messages[i], &type);
        slice[i] = (struct feed_message){
            .bytes = messages[i]->payload,
            .size = messages[i]->len,
            .offset = messages[i]->offset,
            .arrived_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? INT64_MIN : arrived_ms};
    }
    intake->messages = messages;
    size_t taken = feed_take(assigned->feed, slice, count);
    intake->messages = NULL;
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
    if (feed_get_skip(assigned->feed) > 0 && messages[0]->offset != assigned->next_offset)
        feed_set_skip(assigned->feed, 0); /* the message that was done in part is gone */
    size_t n = affordable(intake, messages, count);
    size_t taken = feed_messages(intake, assigned, messages, n);
    assigned->stopped = taken < count;
    if (taken > 0) {
        assigned->next_offset = messages[taken - 1]->offset + 1;
        assigned->last_message_ms = intake_now_ms(intake);
    }
    if (feed_get_skip(assigned->feed) > 0)
        assigned->next_offset = messages[taken]->offset; /* the one that is done in part */
    assigned->changed |= taken > 0 || feed_get_skip(assigned->feed) > 0;
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
