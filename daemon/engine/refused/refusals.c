#include "daemon/engine/refused/refusals.h"

#include <inttypes.h>

#include "pipelines/kafka/deadletter_headers.h"

size_t refusals_count_affordable(const struct refusals *refusals,
                                 rd_kafka_message_t *const *messages, size_t count)
{
    size_t n = 0;
    size_t bytes = 0;
    for (; n < count; n++) {
        bytes += messages[n]->len + messages[n]->key_len;
        if (!dead_letters_have_room(&refusals->letters, n + 1, bytes))
            break;
    }
    return n;
}

bool refusals_can_offer(const struct refusals *refusals, const struct outgoing *letter)
{
    return dead_letters_have_room(&refusals->letters, 1, outgoing_cost(letter)) &&
           producer_reserve(refusals->letters.producer, letter->partition, 0) == 0;
}

/* --- memory --- */

/* The letters that could become of events of a batch, message by message. */
struct letters_cost {
    rd_kafka_message_t *const *messages;
    uint32_t message; /* of the event before; UINT32_MAX: this is the first */
    size_t key_size, bytes;
};

static void add_cost(struct letters_cost *cost, const struct origin *origin)
{
    const rd_kafka_message_t *message = cost->messages[origin->message];
    if (cost->message != origin->message) {
        cost->message = origin->message;
        cost->key_size = message_place_of(message).key_size;
        cost->bytes += outgoing_reserved_size(cost->key_size, message->len); /* it may go whole */
    }
    cost->bytes += outgoing_reserved_size(cost->key_size, origin->size);
}

bool refusals_make_sure(void *context, const struct batch *batch)
{
    struct refusals *refusals = context;
    refusals->short_of_memory = false;
    if (refusals->letter != NULL)
        return true; /* the event has its letter */
    struct letters_cost cost = {.messages = refusals->messages, .message = UINT32_MAX};
    for (uint32_t i = 0; i < batch->count; i++)
        add_cost(&cost, &batch->events[i].origin);
    int32_t partition = refusals->messages[0]->partition;
    if (dead_letters_reserve(&refusals->letters, partition, cost.bytes) == 0)
        return true;
    refusals->short_of_memory = true;
    log_limited(&refusals->memory_limit, LOG_LEVEL_WARN, "intake.memory",
                "partition=%" PRId32 " bytes=%zu hint=\"its messages wait until there is memory "
                "for dead letters of them\"",
                partition, cost.bytes);
    return false;
}

/* --- letters --- */

static int take_letter(struct refusals *refusals, const struct refusal *refusal)
{
    struct outgoing *letter = TAKE(refusals->letter);
    if (refusal->outcome == OUTCOME_PARKED) {
        parking_put(refusals->parking, &letter);
        return 0;
    }
    dead_letter_refuse(letter, refusal);
    return producer_send(refusals->letters.producer, &letter);
}

static int take_event(struct refusals *refusals, const struct refusal *refusal)
{
    const rd_kafka_message_t *message = refusals->messages[refusal->origin.message];
    if (refusal->outcome != OUTCOME_PARKED)
        return dead_letters_send(&refusals->letters, message, refusal);
    struct refusal unknown = *refusal;
    unknown.outcome = OUTCOME_UNKNOWN; /* what it is if it has to leave */
    return parking_add(refusals->parking, message, &unknown);
}

void refusals_take(void *context, const struct refusal *refusal)
{
    struct refusals *refusals = context;
    int err =
        refusals->letter != NULL ? take_letter(refusals, refusal) : take_event(refusals, refusal);
    ASSERT(err == 0); /* room and memory were made sure of */
}
