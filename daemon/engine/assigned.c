#include "daemon/engine/assigned.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/kafka/native_header.h"
#include "pipelines/kafka/partition.h"
#include "pipelines/state/packed.h"

/* A payload: format, account of the applier, parked events, and then what the shard says. */
#define PAYLOAD_MAGIC "ghgp"
enum { PAYLOAD_FORMAT = 1, OUTCOME_NAME_SIZE = 64 };

int assigned_create(struct assigned **assigned_out, int32_t number,
                    const struct assigned_conf *conf)
{
    struct assigned *assigned = calloc(1, sizeof(*assigned));
    if (assigned == NULL)
        return -ENOMEM;
    *assigned = (struct assigned){.number = number,
                                  .committed = -1,
                                  .forgotten = {.offset = -1},
                                  .last_message_ms = conf->now_ms,
                                  .assigned_ms = conf->now_ms,
                                  .stats = {.saved_at_ms = -1}};
    int err = assigned_reset(assigned, conf);
    if (err < 0) {
        free(assigned);
        return err;
    }
    *assigned_out = assigned;
    return 0;
}

static void drop_state(struct assigned *assigned)
{
    message_applier_destroy(&assigned->applier);
    shard_destroy(&assigned->shard);
    parked_fini(&assigned->returned);
}

int assigned_reset(struct assigned *assigned, const struct assigned_conf *conf)
{
    struct shard *shard = NULL;
    struct message_applier *applier = NULL;
    int err = shard_create(&shard, conf->context, (uint32_t)assigned->number);
    if (err < 0)
        return err;
    struct message_applier_conf applier_conf = *conf->applier;
    applier_conf.shard = shard;
    err = message_applier_create(&applier, &applier_conf);
    if (err < 0) {
        shard_destroy(&shard);
        return err;
    }
    drop_state(assigned);
    assigned->shard = shard;
    assigned->applier = applier;
    memset(assigned->takeovers, 0, sizeof(assigned->takeovers));
    assigned->parked_since = 0;
    assigned->position = (struct log_position){.offset = -1};
    return 0;
}

void assigned_destroy(struct assigned **assigned)
{
    struct assigned *gone = TAKE(*assigned);
    if (gone == NULL)
        return;
    drop_state(gone);
    free(gone->pointer);
    free(gone->metadata);
    free(gone);
}

/* --- states --- */

#define BIT(state) (1U << (state))
enum {
    WAITING = BIT(ASSIGNED_WAITING_SINKS) | BIT(ASSIGNED_WAITING_MEMORY) |
              BIT(ASSIGNED_WAITING_LETTERS) | BIT(ASSIGNED_WAITING_PROCESS),
    RUNNING = WAITING | BIT(ASSIGNED_APPLYING)
};

static bool is_in(const struct assigned *assigned, unsigned states)
{
    return (BIT(assigned->state) & states) != 0;
}

void assigned_enter(struct assigned *assigned, enum assigned_state state)
{
    static const unsigned from[] = {
        [ASSIGNED_RESTORING] = BIT(ASSIGNED_RESTORING), /* tried again */
        [ASSIGNED_APPLYING] = BIT(ASSIGNED_RESTORING) | WAITING,
        [ASSIGNED_WAITING_SINKS] = BIT(ASSIGNED_APPLYING),
        [ASSIGNED_WAITING_MEMORY] = BIT(ASSIGNED_APPLYING),
        [ASSIGNED_WAITING_LETTERS] = BIT(ASSIGNED_APPLYING),
        [ASSIGNED_WAITING_PROCESS] = BIT(ASSIGNED_APPLYING),
        [ASSIGNED_LEAVING] = RUNNING,
        [ASSIGNED_UNREADABLE] = BIT(ASSIGNED_RESTORING),
    };
    ASSERT(is_in(assigned, from[state]));
    assigned->state = state;
}

bool assigned_is_running(const struct assigned *assigned)
{
    return is_in(assigned, RUNNING);
}

bool assigned_resume(struct assigned *assigned)
{
    if (!is_in(assigned, WAITING) || shard_is_blocked(assigned->shard))
        return false;
    assigned_enter(assigned, ASSIGNED_APPLYING);
    return true;
}

bool assigned_may_write(const struct assigned *assigned)
{
    return assigned_is_running(assigned) && assigned->started;
}

bool assigned_is_live(const struct assigned *assigned)
{
    return assigned_may_write(assigned) && assigned->caught_up;
}

bool assigned_is_taking_over(const struct assigned *assigned, int64_t now_ms)
{
    for (uint32_t sink = 0; sink < SINKS_MAX; sink++) {
        const struct takeover *takeover = &assigned->takeovers[sink];
        if (!takeover_is_under_way(takeover))
            continue;
        if (takeover->state != TAKEOVER_LEASE || now_ms < takeover->at_ms ||
            shard_has_rows(assigned->shard, sink))
            return true;
    }
    return false;
}

void assigned_get_account(const struct assigned *assigned, uint64_t *read_out,
                          uint64_t outcomes[OUTCOME_COUNT])
{
    struct event_account account;
    message_applier_get_account(assigned->applier, &account);
    const struct shard_stats *stats = shard_get_stats(assigned->shard);
    *read_out = account.read;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        outcomes[i] = account.outcomes[i] + stats->outcomes[i] + stats->earlier.outcomes[i];
}

/* --- messages --- */

static void wait_for(struct assigned *assigned, const struct refusals *refusals)
{
    static const enum assigned_state blocked[] = {
        [SHARD_GOES_ON] = ASSIGNED_WAITING_LETTERS,
        [SHARD_WAITS_FOR_SINKS] = ASSIGNED_WAITING_SINKS,
        [SHARD_WAITS_FOR_MEMORY] = ASSIGNED_WAITING_MEMORY,
    };
    assigned_enter(assigned, refusals->short_of_memory ? ASSIGNED_WAITING_MEMORY
                                                       : blocked[shard_get_block(assigned->shard)]);
}

static struct raw_message view_letter(struct outgoing *letter)
{
    return (struct raw_message){.bytes = outgoing_value(letter),
                                .size = letter->size,
                                .native = native_header_is_set(letter->headers),
                                .offset = letter->offset,
                                .arrived_ms =
                                    letter->timestamp_ms > 0 ? letter->timestamp_ms : INT64_MIN};
}

bool assigned_offer_returned(struct assigned *assigned, struct refusals *refusals)
{
    ASSERT(assigned->state == ASSIGNED_APPLYING);
    refusals->short_of_memory = false;
    size_t taken = 1;
    while (assigned->returned.count > 0 && taken > 0 &&
           refusals_can_offer(refusals, assigned->returned.oldest)) {
        struct outgoing *letter = parked_take(&assigned->returned);
        const struct raw_message message = view_letter(letter);
        refusals->letter = letter;
        taken = message_applier_take_again(assigned->applier, &message, 1);
        letter = TAKE(refusals->letter);
        if (taken == 0)
            parked_put_back(&assigned->returned, &letter);
        else if (letter != NULL)
            outgoing_destroy(letter); /* it was used, or needs no letter any more */
        assigned->changed |= taken > 0;
    }
    if (assigned->returned.count == 0)
        return true;
    wait_for(assigned, refusals);
    return false;
}

static struct raw_message view_message(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t arrived_ms = rd_kafka_message_timestamp(message, &type);
    return (struct raw_message){
        .bytes = message->payload,
        .size = message->len,
        .native = message_is_native(message),
        .offset = message->offset,
        .arrived_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? INT64_MIN : arrived_ms};
}

size_t assigned_take(struct assigned *assigned, struct refusals *refusals,
                     rd_kafka_message_t **messages, size_t count)
{
    ASSERT(assigned->state == ASSIGNED_APPLYING && count <= PARTITION_HELD_MAX);
    if (!assigned_offer_returned(assigned, refusals))
        return 0;
    struct raw_message slice[PARTITION_HELD_MAX];
    size_t n = refusals_count_affordable(refusals, messages, count);
    for (size_t i = 0; i < n; i++)
        slice[i] = view_message(messages[i]);
    uint32_t skip = assigned->position.skip;
    refusals->messages = messages;
    size_t taken = message_applier_take(assigned->applier, &assigned->position, slice, n);
    refusals->messages = NULL;
    assigned->changed |= taken > 0 || assigned->position.skip != skip;
    if (taken < count)
        wait_for(assigned, refusals);
    return taken;
}

/* --- saving --- */

/* By name: numbers of outcomes may be others in the next version. */
static void name_outcome(enum outcome outcome, char name_out[OUTCOME_NAME_SIZE])
{
    (void)snprintf(name_out, OUTCOME_NAME_SIZE, "%s/%s", outcome_class(outcome),
                   outcome_reason(outcome));
}

static void save_account(const struct message_applier *applier, struct buffer *payload)
{
    struct event_account account;
    message_applier_get_account(applier, &account);
    packed_add_uint(payload, account.read);
    packed_add_uint(payload, OUTCOME_COUNT);
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
        char name[OUTCOME_NAME_SIZE];
        name_outcome(i, name);
        packed_add_text(payload, name);
        packed_add_uint(payload, account.outcomes[i]);
    }
}

int assigned_save(struct assigned *assigned, const struct parking *parking, bool full,
                  struct buffer *payload)
{
    ASSERT(assigned->returned.count ==
           0); /* they belong to no shard until they were offered again */
    buffer_add(payload, PAYLOAD_MAGIC, strlen(PAYLOAD_MAGIC));
    packed_add_uint(payload, PAYLOAD_FORMAT);
    size_t at = packed_begin_part(payload);
    save_account(assigned->applier, payload);
    packed_end_part(payload, at);
    at = packed_begin_part(payload);
    parking_save(parking, assigned->number, full ? 0 : assigned->parked_since, payload);
    packed_end_part(payload, at);
    if (buffer_failed(payload))
        return -ENOMEM;
    return shard_save(assigned->shard, full, payload);
}

void assigned_saved(struct assigned *assigned, const struct parking *parking)
{
    shard_saved(assigned->shard);
    assigned->parked_since = parking_next_sequence(parking);
    assigned->changed = false;
}

/* --- loading --- */

static void load_account(struct packed *packed, struct message_applier *applier)
{
    struct event_account earlier = {.read = packed_take_uint(packed, INT64_MAX)};
    uint32_t count = packed_take_count(packed, UINT16_MAX);
    for (uint32_t n = 0; n < count && !packed->damaged; n++) {
        char found[OUTCOME_NAME_SIZE];
        char name[OUTCOME_NAME_SIZE];
        packed_take_text(packed, found, sizeof(found));
        uint64_t events = packed_take_uint(packed, INT64_MAX);
        for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
            name_outcome(i, name);
            if (strcmp(found, name) == 0)
                earlier.outcomes[i] = events;
        }
    }
    message_applier_set_earlier(applier, &earlier);
}

static int load_parts(struct assigned *assigned, struct packed *packed, struct buffer *why)
{
    struct packed account;
    struct packed parked;
    packed_take_part(packed, &account);
    packed_take_part(packed, &parked);
    load_account(&account, assigned->applier);
    if (packed->damaged || account.damaged || !packed_is_at_end(&account)) {
        buffer_add_str(why, "the saved account of events is damaged");
        return ERR_PROTOCOL;
    }
    int err = parked_load(&assigned->returned, assigned->number, parked.at,
                          (size_t)(parked.end - parked.at));
    if (err < 0)
        buffer_printf(why, "the saved parked events are damaged (%s)", err_str(err));
    return err;
}

int assigned_load(struct assigned *assigned, const void *payload, size_t size, struct buffer *why)
{
    size_t magic_size = strlen(PAYLOAD_MAGIC);
    if (size < magic_size || memcmp(payload, PAYLOAD_MAGIC, magic_size) != 0) {
        buffer_add_str(why, "what is saved is not the state of a partition");
        return ERR_PROTOCOL;
    }
    struct packed packed;
    packed_init(&packed, (const char *)payload + magic_size, size - magic_size);
    uint64_t format = packed_take_uint(&packed, UINT32_MAX);
    if (packed.damaged || format != PAYLOAD_FORMAT) {
        buffer_printf(why, "the saved state is of format %" PRIu64 ", this ghgd reads %d", format,
                      PAYLOAD_FORMAT);
        return ERR_PROTOCOL;
    }
    int err = load_parts(assigned, &packed, why);
    if (err < 0)
        return err;
    return shard_load(assigned->shard, packed.at, (size_t)(packed.end - packed.at), why);
}

int assigned_load_end(struct assigned *assigned, const struct log_position *at, struct buffer *why)
{
    int err = shard_load_end(assigned->shard, why);
    if (err < 0)
        return err;
    assigned->position = *at;
    return 0;
}
