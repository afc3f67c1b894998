#include "daemon/engine/message_applier.h"

#include <errno.h>
#include <stdlib.h>

#include "pipelines/ingest/bound.h"
#include "pipelines/ingest/resolve.h"

enum { DETAIL_BYTES_MAX = 1024 };

struct message_applier {
    struct message_applier_conf conf;
    struct decoder *decoder;
    struct event_account counts;
    struct event_account earlier; /* and what has changed of it since: the account is their sum */

    struct buffer detail; /* words on the event that is being refused */

    const struct raw_message *messages; /* during message_applier_take() */
    uint32_t now_message, now_index;    /* being decoded: message, and event within it */
    uint32_t skip;                      /* events of the message that were done before */
    bool stopped, again;                /* again: every message is one parked event */
    uint32_t stop_message, stop_index;  /* the first event that is not done */
};

int message_applier_create(struct message_applier **applier_out,
                           const struct message_applier_conf *conf)
{
    struct message_applier *applier = calloc(1, sizeof(*applier));
    if (applier == NULL)
        return -ENOMEM;
    applier->conf = *conf;
    buffer_init(&applier->detail, DETAIL_BYTES_MAX);
    int err = decoder_create(&applier->decoder, conf->decode);
    if (err < 0) {
        free(applier);
        return err;
    }
    *applier_out = applier;
    return 0;
}

void message_applier_destroy(struct message_applier **applier)
{
    struct message_applier *gone = TAKE(*applier);
    if (gone == NULL)
        return;
    decoder_destroy(&gone->decoder);
    buffer_fini(&gone->detail);
    free(gone);
}

/* The event never became a reading, so the shard does not count it. */
static enum outcome count_refused(struct message_applier *applier, enum outcome outcome)
{
    if (outcome == OUTCOME_UNKNOWN && applier->conf.parks_unknown)
        outcome = OUTCOME_PARKED;
    applier->counts.outcomes[outcome]++;
    return outcome;
}

/* Words that the help of the outcome cannot have; NULL: no such words, or no memory for them. */
static const char *explain(struct message_applier *applier, const struct batch_event *event)
{
    if (event->refused_by == REGISTRY_NONE)
        return NULL;
    ASSERT(event->refused_by < applier->conf.registry->meters_count);
    buffer_clear(&applier->detail);
    const struct meter *meter = &applier->conf.registry->meters[event->refused_by];
    if (event->outcome != REJECT_IMPLAUSIBLE)
        buffer_printf(&applier->detail, "%s; the unit of meter \"%s\" is %s, of %s",
                      outcome_help((enum outcome)event->outcome), meter->id, meter->own.unit,
                      quantity_name((enum quantity)meter->quantity));
    else if (meter->kind == KIND_DELIVERY || meter->kind == KIND_STOCK)
        bound_explain_amount(&applier->detail, meter, event->role, event->value);
    else
        bound_explain(&applier->detail, meter, event->value, event->end_ms - event->start_ms);
    return buffer_text(&applier->detail);
}

/* Hands over what was refused before the event at which the shard stopped, in order. */
static void hand_over_refused(struct message_applier *applier, uint32_t applied)
{
    for (uint32_t i = 0; i < applied; i++) {
        const struct batch_event *event = &applier->conf.batch->events[i];
        bool refused = !batch_event_is_reading(event);
        enum outcome outcome = (enum outcome)event->outcome;
        if (refused)
            outcome = count_refused(applier, outcome);
        applier->counts.read++;
        if (!refused && !outcome_is_kept_apart(outcome))
            continue;
        const struct refusal refusal = {event->origin, event->offset, outcome,
                                        explain(applier, event)};
        applier->conf.refused(applier->conf.context, &refusal);
    }
}

/* Applies the batch. If that stops, notes the first event that is not done. */
static void flush(struct message_applier *applier)
{
    struct batch *batch = applier->conf.batch;
    if (batch->count == 0)
        return;
    uint32_t applied = 0;
    if (applier->conf.make_sure == NULL || applier->conf.make_sure(applier->conf.context, batch)) {
        applied = shard_apply(applier->conf.shard, batch, 0);
        hand_over_refused(applier, applied);
    }
    if (applied < batch->count) {
        applier->stopped = true;
        applier->stop_message = batch->events[applied].origin.message;
        applier->stop_index = batch->events[applied].origin.index;
    }
    batch_clear(batch);
}

static void on_event(void *context, const struct event *event)
{
    struct message_applier *applier = context;
    uint32_t index = applier->now_index++;
    if (applier->stopped || index < applier->skip || (applier->again && index > 0))
        return;
    if (batch_is_full(applier->conf.batch)) {
        flush(applier);
        if (applier->stopped)
            return;
    }
    const struct raw_message *message = &applier->messages[applier->now_message];
    const struct place place = {applier->now_message, index, message->offset, message->arrived_ms};
    (void)resolve_event(batch_add(applier->conf.batch), applier->conf.registry, event, &place);
}

/* The message that was done in part may be gone since: then the next one is taken whole. */
static uint32_t done_of(const struct log_position *at, const struct raw_message *message)
{
    return at->offset == message->offset ? at->skip : 0;
}

static void move_along(struct log_position *at, const struct raw_message *messages, size_t taken,
                       uint32_t skip)
{
    if (skip > 0)
        *at = (struct log_position){.offset = messages[taken].offset, .skip = skip};
    else if (taken > 0)
        *at = (struct log_position){.offset = messages[taken - 1].offset + 1};
}

size_t message_applier_take(struct message_applier *applier, struct log_position *at,
                            const struct raw_message *messages, size_t count)
{
    if (count == 0 || shard_is_blocked(applier->conf.shard))
        return 0;
    ASSERT(applier->conf.batch->count == 0); /* the applier before has left it empty */
    applier->messages = messages;
    applier->stopped = false;
    applier->skip = done_of(at, &messages[0]);
    for (size_t i = 0; i < count && !applier->stopped; i++) {
        applier->now_message = (uint32_t)i;
        applier->now_index = 0;
        decoder_decode(applier->decoder, messages[i].bytes, messages[i].size, messages[i].native,
                       on_event, applier);
        applier->skip = 0; /* it concerned the first message only */
    }
    if (!applier->stopped)
        flush(applier);
    applier->messages = NULL;
    size_t taken = applier->stopped ? applier->stop_message : count;
    move_along(at, messages, taken, applier->stopped ? applier->stop_index : 0);
    return taken;
}

size_t message_applier_take_again(struct message_applier *applier,
                                  const struct raw_message *messages, size_t count)
{
    struct log_position nowhere = {.offset = -1};
    applier->again = true;
    size_t taken = message_applier_take(applier, &nowhere, messages, count);
    applier->again = false;
    ASSERT(nowhere.skip == 0); /* there is one event in each */
    applier->earlier.outcomes[OUTCOME_PARKED] -= taken;
    applier->earlier.read -= taken;
    return taken;
}

void message_applier_unpark(struct message_applier *applier)
{
    applier->earlier.outcomes[OUTCOME_PARKED]--;
    applier->counts.outcomes[OUTCOME_UNKNOWN]++;
}

void message_applier_get_account(const struct message_applier *applier,
                                 struct event_account *account_out)
{
    account_out->read = applier->earlier.read + applier->counts.read;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        account_out->outcomes[i] = applier->earlier.outcomes[i] + applier->counts.outcomes[i];
}

void message_applier_set_earlier(struct message_applier *applier,
                                 const struct event_account *earlier)
{
    applier->earlier = *earlier;
}

uint64_t message_applier_events_read(const struct message_applier *applier)
{
    return applier->counts.read;
}

void message_applier_add_outcomes(const struct message_applier *applier,
                                  uint64_t counts[OUTCOME_COUNT])
{
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        counts[i] += applier->counts.outcomes[i];
}
