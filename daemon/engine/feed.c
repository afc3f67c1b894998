#include "daemon/engine/feed.h"

#include <errno.h>
#include <stdlib.h>

#include "pipelines/ingest/resolve.h"

struct feed {
    struct feed_conf conf;
    struct decoder *decoder;
    struct batch *batch;
    struct feed_counts counts;
    struct feed_counts earlier; /* and what has changed of it since: the account is their sum */

    const struct feed_message *messages; /* during feed_take() */
    uint32_t now_message, now_index;     /* being decoded: message, and event within it */
    uint32_t skip;                       /* events of the next message that are done already */
    bool stopped, again;                 /* again: every message is one parked event */
    uint32_t stop_message, stop_index;   /* the first event that is not done */
};

int feed_create(struct feed **feed_out, const struct feed_conf *conf)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    if (feed == NULL)
        return -ENOMEM;
    feed->conf = *conf;
    int err = -ENOMEM;
    feed->batch = calloc(1, sizeof(*feed->batch));
    if (feed->batch == NULL)
        goto fail_batch;
    err = decoder_create(&feed->decoder, conf->decode);
    if (err < 0)
        goto fail_decoder;
    *feed_out = feed;
    return 0;

fail_decoder:
    free(feed->batch);
fail_batch:
    free(feed);
    return err;
}

void feed_destroy(struct feed **feed)
{
    struct feed *gone = TAKE(*feed);
    if (gone == NULL)
        return;
    decoder_destroy(&gone->decoder);
    free(gone->batch);
    free(gone);
}

static bool is_before(const struct origin *origin, uint32_t message, uint32_t index)
{
    return origin->message < message || (origin->message == message && origin->index < index);
}

static void hand_over_early(struct feed *feed, const struct refusal *refusal)
{
    struct refusal handed = *refusal;
    if (handed.outcome == OUTCOME_UNKNOWN && feed->conf.parks_unknown)
        handed.outcome = OUTCOME_PARKED;
    feed->counts.outcomes[handed.outcome]++;
    feed->counts.read++;
    feed->conf.refused(feed->conf.context, &handed);
}

/* Hands over what was refused before the event at which the shard stopped, in order: the list of
 * early refusals and the columns are both in order, so this is a merge. */
static void hand_over_refused(struct feed *feed, uint32_t applied)
{
    const struct batch *batch = feed->batch;
    uint32_t early = 0;
    for (uint32_t i = 0; i <= applied; i++) {
        uint32_t message = i < batch->count ? batch->origin[i].message : UINT32_MAX;
        uint32_t index = i < batch->count ? batch->origin[i].index : UINT32_MAX;
        while (early < batch->refused_count &&
               is_before(&batch->refused[early].origin, message, index)) {
            hand_over_early(feed, &batch->refused[early++]);
        }
        if (i == applied)
            break;
        feed->counts.read++;
        enum outcome outcome = (enum outcome)batch->outcome[i];
        if (outcome_is_kept_apart(outcome)) {
            struct refusal refusal = {batch->origin[i], batch->offset[i], outcome};
            feed->conf.refused(feed->conf.context, &refusal);
        }
    }
}

static void stop_at(struct feed *feed, const struct origin *origin)
{
    feed->stopped = true;
    feed->stop_message = origin->message;
    feed->stop_index = origin->index;
}

/* Nothing of the batch is done. */
static void stop_before(struct feed *feed)
{
    const struct batch *batch = feed->batch;
    const struct origin *first = batch->count > 0 ? &batch->origin[0] : &batch->refused[0].origin;
    if (batch->refused_count > 0 &&
        is_before(&batch->refused[0].origin, first->message, first->index))
        first = &batch->refused[0].origin;
    stop_at(feed, first);
}

/* Applies the batch. If that stops, notes the first event that is not done. */
static void flush(struct feed *feed)
{
    struct batch *batch = feed->batch;
    if (batch->count + batch->refused_count == 0)
        return;
    if (feed->conf.make_sure != NULL && !feed->conf.make_sure(feed->conf.context, batch)) {
        stop_before(feed);
    } else {
        uint32_t applied = shard_apply(feed->conf.shard, batch, 0);
        hand_over_refused(feed, applied);
        if (applied < batch->count)
            stop_at(feed, &batch->origin[applied]);
    }
    batch_clear(batch);
}

static void on_event(void *context, const struct event *event)
{
    struct feed *feed = context;
    uint32_t index = feed->now_index++;
    if (feed->stopped || index < feed->skip || (feed->again && index > 0))
        return;
    if (batch_is_full(feed->batch)) {
        flush(feed);
        if (feed->stopped)
            return;
    }
    const struct feed_message *message = &feed->messages[feed->now_message];
    const struct place place = {feed->now_message, index, message->offset, message->arrived_ms};
    (void)resolve_event(feed->batch, feed->conf.registry, event, &place);
}

size_t feed_take(struct feed *feed, const struct feed_message *messages, size_t count)
{
    if (shard_is_blocked(feed->conf.shard))
        return 0;
    feed->messages = messages;
    feed->stopped = false;
    for (size_t i = 0; i < count && !feed->stopped; i++) {
        feed->now_message = (uint32_t)i;
        feed->now_index = 0;
        decoder_decode(feed->decoder, messages[i].bytes, messages[i].size, on_event, feed);
        feed->skip = 0; /* it concerned the first message only */
    }
    if (!feed->stopped)
        flush(feed);
    feed->messages = NULL;
    if (!feed->stopped)
        return count;
    feed->skip = feed->stop_index;
    return feed->stop_message;
}

size_t feed_take_again(struct feed *feed, const struct feed_message *messages, size_t count)
{
    uint32_t skip = feed->skip;
    feed->skip = 0;
    feed->again = true;
    size_t taken = feed_take(feed, messages, count);
    feed->again = false;
    ASSERT(feed->skip == 0); /* there is one event in each */
    feed->skip = skip;
    feed->earlier.outcomes[OUTCOME_PARKED] -= taken;
    feed->earlier.read -= taken;
    return taken;
}

uint32_t feed_get_skip(const struct feed *feed)
{
    return feed->skip;
}

void feed_set_skip(struct feed *feed, uint32_t skip)
{
    feed->skip = skip;
}

void feed_unpark(struct feed *feed)
{
    feed->earlier.outcomes[OUTCOME_PARKED]--;
    feed->counts.outcomes[OUTCOME_UNKNOWN]++;
}

void feed_get_account(const struct feed *feed, struct feed_counts *account_out)
{
    account_out->read = feed->earlier.read + feed->counts.read;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        account_out->outcomes[i] = feed->earlier.outcomes[i] + feed->counts.outcomes[i];
}

void feed_set_earlier(struct feed *feed, const struct feed_counts *earlier)
{
    feed->earlier = *earlier;
}

uint64_t feed_events_read(const struct feed *feed)
{
    return feed->counts.read;
}

void feed_add_outcomes(const struct feed *feed, uint64_t counts[OUTCOME_COUNT])
{
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        counts[i] += feed->counts.outcomes[i];
}
