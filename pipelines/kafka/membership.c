#include "pipelines/kafka/membership.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/limits.h"
#include "pipelines/kafka/client.h"

enum {
    OFFSETS_RETRY_MS = 1000,
    START_RETRY_MS = 1000,   /* of the commit that says where a group begins */
    RELEASE_MS = 10000,      /* what a hand-over waits for the handler's last words */
    REVOKE_COMMITS_MS = 3000 /* and then for the answers to its last commits */
};

static void fail(struct membership *membership, const char *why)
{
    if (membership->failure == NULL)
        membership->failure = why;
}

/* The first partition with this id or a larger one. */
static uint32_t find_index(const struct membership *membership, int32_t id)
{
    uint32_t first = 0;
    uint32_t end = membership->partitions_count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (membership->partitions[middle]->id < id)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

struct partition *membership_find(const struct membership *membership, int32_t id)
{
    uint32_t index = find_index(membership, id);
    bool found = index < membership->partitions_count && membership->partitions[index]->id == id;
    return found ? membership->partitions[index] : NULL;
}

static void drop_given(struct membership *membership)
{
    if (membership->given != NULL)
        rd_kafka_topic_partition_list_destroy(TAKE(membership->given));
}

/* Frees what is left of an assignment, without a word to the group. */
static void end_assignment(struct membership *membership)
{
    drop_given(membership);
    for (uint32_t i = 0; i < membership->partitions_count; i++)
        partition_destroy(&membership->partitions[i]);
    free(TAKE(membership->partitions));
    membership->partitions_count = 0;
    membership->stats->assigned = 0;
    membership->stats->offsets_refused = NULL;
    membership->state = MEMBER_NONE;
    membership->rewind = membership->lost = membership->all_released = false;
}

void membership_fini(struct membership *membership)
{
    end_assignment(membership);
    free(TAKE(membership->known_offsets));
    membership->known_count = 0;
}

/* If memory is short, the offset stays unknown. It is needed rarely: when a group forgets it. */
static void remember_offset(struct membership *membership, int32_t id, int64_t offset)
{
    if ((uint32_t)id >= membership->known_count) {
        uint32_t count = (uint32_t)id + 1;
        int64_t *offsets = reallocarray(membership->known_offsets, count, sizeof(*offsets));
        if (offsets == NULL)
            return;
        for (uint32_t i = membership->known_count; i < count; i++)
            offsets[i] = -1;
        membership->known_offsets = offsets;
        membership->known_count = count;
    }
    membership->known_offsets[id] = offset;
}

/* ---- commits ---- */

static void add_commit(const struct membership *membership, struct partition *partition,
                       rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, membership->topic, partition->id);
    entry->offset = partition->commit_offset;
    free(partition->granted_metadata); /* until the answer tells, nothing is known */
    partition->granted_metadata = strdup(partition->commit_metadata);
    partition->granted_offset = -1;
    entry->metadata_size = strlen(partition->commit_metadata);
    entry->metadata = TAKE(partition->commit_metadata); /* freed with the list */
    partition->under_way = partition->waiting;
    partition->waiting = COMMIT_NONE;
}

/* Where it began is due to be said, for the first time or again, and nothing says more. */
static void put_start(const struct membership *membership, struct partition *partition)
{
    if (membership->state != MEMBER_ASSIGNED || partition->start_commit != START_DUE ||
        partition->waiting != COMMIT_NONE || partition->under_way != COMMIT_NONE ||
        uv_now(membership->loop) < partition->start_due_at_ms)
        return;
    int err = partition_put_commit(partition, partition->start_offset, CONSUMER_START_METADATA,
                                   COMMIT_OURS);
    if (err < 0)
        partition->start_due_at_ms = uv_now(membership->loop) + START_RETRY_MS;
}

/* All commits that wait, in one request. A partition has one under way at most, so that an older
 * offset can never overtake a newer one. */
static void flush_commits(struct membership *membership)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    for (uint32_t i = 0; i < membership->partitions_count; i++) {
        struct partition *partition = membership->partitions[i];
        put_start(membership, partition);
        if (partition->waiting == COMMIT_NONE || partition->under_way != COMMIT_NONE)
            continue;
        if (list == NULL)
            list = rd_kafka_topic_partition_list_new((int)membership->partitions_count);
        add_commit(membership, partition, list);
    }
    if (list == NULL)
        return;
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(
        membership->client, list, membership->replies, NULL,
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number that comes back with the answer */
        (void *)membership->token);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* it only posts the request: there is a group */
    rd_kafka_topic_partition_list_destroy(list);
}

static bool commits_are_open(const struct membership *membership)
{
    for (uint32_t i = 0; i < membership->partitions_count; i++)
        if (membership->partitions[i]->under_way != COMMIT_NONE ||
            membership->partitions[i]->waiting != COMMIT_NONE)
            return true;
    return false;
}

static void count_commit(struct membership *membership, const rd_kafka_topic_partition_t *entry,
                         rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        membership->stats->commits++;
        return;
    }
    membership->stats->commit_failures++;
    log_limited(&membership->limit, LOG_LEVEL_WARN, "kafka.commit_refused",
                "partition=%" PRId32 " offset=%" PRId64 " error=%s", entry->partition,
                entry->offset, rd_kafka_err2name(code));
}

static void confirm(struct membership *membership)
{
    if (!membership->confirm_wanted)
        return;
    membership->confirm_wanted = membership->confirm_sent = false;
    membership->callbacks->confirmed(membership->callbacks->context);
}

static void note_offset(struct membership *membership, struct partition *partition, int64_t offset)
{
    const struct consumer_callbacks *callbacks = membership->callbacks;
    remember_offset(membership, partition->id, offset);
    membership->began = true;
    partition->start_commit = START_NEEDLESS;
    if (partition->granted_metadata != NULL)
        partition->granted_offset = offset;
    bool is_first = !partition->has_offset;
    partition->has_offset = true;
    if (is_first && callbacks->started != NULL)
        callbacks->started(callbacks->context, partition->id);
}

/* Takes the answer of this assignment for one partition. */
static void on_answer(struct membership *membership, struct partition *partition, int64_t offset,
                      bool accepted)
{
    const struct consumer_callbacks *callbacks = membership->callbacks;
    enum commit_owner owner = partition->under_way;
    partition->under_way = COMMIT_NONE;
    partition->start_due_at_ms = uv_now(membership->loop) + START_RETRY_MS;
    if (accepted)
        note_offset(membership, partition, offset);
    if (owner == COMMIT_HANDLERS && callbacks->committed != NULL)
        callbacks->committed(callbacks->context, partition->id, offset, accepted);
}

/* A refused commit is not mended here: another member has the partition by now, or the handler asks
 * again. An answer may be of an earlier assignment: then it is passed over. */
void membership_on_commit(struct membership *membership, rd_kafka_event_t *event)
{
    uintptr_t token = (uintptr_t)rd_kafka_event_opaque(event);
    bool stale = token < membership->assignment_token;
    bool confirmed = false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = &list->elems[i];
        rd_kafka_resp_err_t code =
            entry->err != RD_KAFKA_RESP_ERR_NO_ERROR ? entry->err : rd_kafka_event_error(event);
        bool accepted = code == RD_KAFKA_RESP_ERR_NO_ERROR;
        count_commit(membership, entry, code);
        struct partition *partition = membership_find(membership, entry->partition);
        if (partition == NULL || stale)
            continue;
        on_answer(membership, partition, entry->offset, accepted);
        confirmed |= accepted;
    }
    if (token < membership->confirm_token)
        return;
    membership->confirm_sent = false;
    if (confirmed)
        confirm(membership);
}

/* A commit that says more than where the partition began. The latter must not be executed later. */
int membership_commit(struct membership *membership, int32_t partition, int64_t offset,
                      const char *metadata)
{
    struct partition *target = membership_find(membership, partition);
    if (target == NULL)
        return 0;
    int err = partition_put_commit(target, offset, metadata, COMMIT_HANDLERS);
    if (err == 0)
        target->start_commit = START_NEEDLESS;
    return err;
}

/* A commit of the handler's that waits will tell as well; else what the group has is committed once
 * more, for any partition that has nothing under way. */
void membership_confirm(struct membership *membership)
{
    if (!membership->confirm_wanted)
        membership->confirm_token = ++membership->token;
    membership->confirm_wanted = true;
    if (membership->state != MEMBER_ASSIGNED || membership->confirm_sent)
        return;
    for (uint32_t i = 0; i < membership->partitions_count; i++) {
        struct partition *partition = membership->partitions[i];
        if (partition->under_way != COMMIT_NONE)
            continue;
        if (partition->waiting == COMMIT_NONE && partition->granted_offset < 0)
            continue;
        int err = 0;
        if (partition->waiting == COMMIT_NONE)
            err = partition_put_commit(partition, partition->granted_offset,
                                       partition->granted_metadata, COMMIT_OURS);
        membership->confirm_sent = err == 0;
        return;
    }
}

/* ---- assignment ---- */

/* Tells librdkafka all our partitions and where each goes on; of one that is halted nothing is
 * fetched. */
static void assign_all(struct membership *membership)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)membership->partitions_count);
    for (uint32_t i = 0; i < membership->partitions_count; i++) {
        const struct partition *partition = membership->partitions[i];
        if (partition->state == PARTITION_HALTED)
            continue;
        rd_kafka_topic_partition_list_add(list, membership->topic, partition->id)->offset =
            partition->received >= 0 ? partition->received : partition->start;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(membership->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail(membership, rd_kafka_err2str(code));
}

static void assign_nothing(struct membership *membership)
{
    membership->assignment_token = ++membership->token;
    membership->confirm_sent = false;
    end_assignment(membership); /* queues first: librdkafka must hold no queue */
    rd_kafka_resp_err_t code = rd_kafka_assign(membership->client, NULL);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && !membership->leaving)
        fail(membership, rd_kafka_err2str(code));
}

/* While one of an earlier assignment is under way, its answer will have this one sent. */
static void request_offsets(struct membership *membership)
{
    membership->retry_at_ms = 0;
    if (membership->offsets.under_way)
        return;
    membership->asked_number = membership->given_number;
    group_offsets_ask(&membership->offsets, membership->loop, membership->client,
                      membership->given);
}

/* A group that no longer has the offset it had: the topic was deleted and made again. */
static bool is_forgotten(const struct membership *membership, const struct partition *partition,
                         int64_t committed)
{
    return committed < 0 && (uint32_t)partition->id < membership->known_count &&
           membership->known_offsets[partition->id] > 0;
}

static void set_start(struct membership *membership, struct partition *partition, int64_t committed)
{
    bool latest = membership->start_policy == START_LATEST;
    if (is_forgotten(membership, partition, committed))
        partition->lost_from = membership->known_offsets[partition->id];
    if (membership->began)
        latest = false; /* the partition is new, and no member has read any of it */
    if (committed >= 0)
        partition_rewind(partition, committed);
    else
        partition_rewind(partition, latest ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING);
    partition->start_commit = committed < 0 ? START_SOUGHT : START_NEEDLESS;
    if (committed >= 0)
        remember_offset(membership, partition->id, committed);
}

/* Opens one partition at its committed offset, if the handler wants it. */
static int start_partition(struct membership *membership, const rd_kafka_topic_partition_t *entry)
{
    const char *stored = entry->metadata_size > 0 ? entry->metadata : "";
    char *metadata = strndup(stored, entry->metadata_size);
    if (metadata == NULL)
        return -ENOMEM;
    struct partition *partition;
    int err = partition_create(&partition, membership->client, membership->topic, entry->partition,
                               membership->wake);
    if (err < 0)
        goto done;
    int64_t committed = entry->offset >= 0 ? entry->offset : -1;
    set_start(membership, partition, committed);
    partition->has_offset = committed >= 0;
    partition->granted_offset = committed;
    partition->granted_metadata = strdup(metadata);
    if (partition->granted_metadata == NULL)
        partition->granted_offset = -1;
    membership->partitions[membership->partitions_count++] = partition;
    int answer = membership->callbacks->assigned(membership->callbacks->context, entry->partition,
                                                 committed, metadata);
    ASSERT(answer <= 0 || committed < 0);
    if (answer > 0)
        partition->state = PARTITION_UNDECIDED;
    if (answer < 0)
        partition_destroy(&membership->partitions[--membership->partitions_count]);
done:
    free(metadata);
    return err;
}

/* A group that has begun has an offset for every partition that there was then. */
static bool has_begun(const struct membership *membership,
                      const rd_kafka_topic_partition_list_t *offsets)
{
    bool began = membership->began;
    for (int i = 0; i < offsets->cnt; i++)
        began |= offsets->elems[i].offset >= 0;
    return began;
}

/* The offsets are known: opens every partition and lets the messages come. */
static void start_all(struct membership *membership, rd_kafka_topic_partition_list_t *offsets)
{
    if (offsets->cnt > PARTITIONS_MAX) {
        fail(membership, "the group gave this process more partitions than it can hold (1024)");
        return;
    }
    rd_kafka_topic_partition_list_sort(offsets, NULL, NULL);
    membership->began = has_begun(membership, offsets);
    ASSERT(offsets->cnt >= 0);
    membership->partitions = calloc((size_t)offsets->cnt, sizeof(struct partition *));
    int err = membership->partitions == NULL ? -ENOMEM : 0;
    for (int i = 0; i < offsets->cnt && err == 0; i++)
        err = start_partition(membership, &offsets->elems[i]);
    if (err < 0) {
        fail(membership, err_str(err));
        return;
    }
    drop_given(membership);
    membership->assignment_token = ++membership->token;
    membership->state = MEMBER_ASSIGNED;
    membership->stats->assigned = membership->partitions_count;
    membership->stats->offsets_refused = NULL;
    LOG_DEBUG("kafka.assigned", "topic=%s partitions=%" PRIu32, membership->topic,
              membership->partitions_count);
    assign_all(membership);
    confirm(membership); /* the group has just let us in */
}

void membership_on_offsets(struct membership *membership, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t *offsets)
{
    if (membership->state != MEMBER_STARTING)
        return;
    if (membership->asked_number != membership->given_number) {
        request_offsets(membership);
        return;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        membership->stats->errors++;
        membership->stats->offset_refusals++;
        membership->stats->offsets_refused = rd_kafka_err2name(code);
        membership->retry_at_ms = uv_now(membership->loop) + OFFSETS_RETRY_MS;
        log_limited(&membership->limit, LOG_LEVEL_WARN, "kafka.offsets_failed",
                    "group=\"%s\" error=%s retry_ms=%d", membership->group, rd_kafka_err2name(code),
                    OFFSETS_RETRY_MS);
        return;
    }
    start_all(membership, offsets);
}

/* The answer to the group may come late: heartbeats go on while the offsets are asked for. */
static void on_given(struct membership *membership, const rd_kafka_topic_partition_list_t *list)
{
    ASSERT(membership->partitions_count == 0); /* eager: everything was revoked before */
    drop_given(membership);
    if (list->cnt == 0 || membership->leaving) {
        assign_nothing(membership);
        return;
    }
    membership->given = rd_kafka_topic_partition_list_copy(list);
    membership->given_number++;
    membership->state = MEMBER_STARTING;
    membership->stats->assigned = (uint32_t)list->cnt;
    request_offsets(membership);
}

/* Asks the handler for its last words; they are waited for in step_revoke(). */
static void begin_revoke(struct membership *membership, bool lost)
{
    const struct consumer_callbacks *callbacks = membership->callbacks;
    drop_given(membership);
    membership->rewind = false;
    membership->state = MEMBER_REVOKING;
    membership->lost = lost;
    membership->all_released = false;
    int64_t wait_ms = client_get_number(membership->client, "max.poll.interval.ms") / 3;
    if (wait_ms < 0 || wait_ms > RELEASE_MS)
        wait_ms = RELEASE_MS;
    membership->revoke_until_ms = uv_now(membership->loop) + (uint64_t)wait_ms;
    LOG_DEBUG("kafka.revoked", "topic=%s partitions=%" PRIu32 " lost=%d", membership->topic,
              membership->partitions_count, lost);
    for (uint32_t i = 0; i < membership->partitions_count; i++) {
        struct partition *partition = membership->partitions[i];
        partition_take(partition, partition->held_count);
        partition->released = false;
        if (lost || callbacks->revoking == NULL ||
            !callbacks->revoking(callbacks->context, partition->id))
            partition->released = true;
    }
}

static bool is_all_released(const struct membership *membership)
{
    for (uint32_t i = 0; i < membership->partitions_count; i++)
        if (!membership->partitions[i]->released)
            return false;
    return true;
}

bool membership_waits_for_handler(const struct membership *membership)
{
    return membership->state == MEMBER_REVOKING && !membership->all_released;
}

void membership_release(struct membership *membership, int32_t partition)
{
    struct partition *target = membership_find(membership, partition);
    if (target != NULL)
        target->released = true;
}

static void end_revoke(struct membership *membership)
{
    const struct consumer_callbacks *callbacks = membership->callbacks;
    for (uint32_t i = 0; i < membership->partitions_count; i++) {
        struct partition *partition = membership->partitions[i];
        callbacks->revoked(callbacks->context, partition->id,
                           membership->lost || !partition->released);
    }
}

/* The wait ends when all is said and answered, when time is up, or when the group has given the
 * partitions away. */
static void step_revoke(struct membership *membership)
{
    uint64_t now_ms = uv_now(membership->loop);
    membership->lost |= rd_kafka_assignment_lost(membership->client) != 0;
    if (!membership->lost) {
        flush_commits(membership);
        if (!membership->all_released && is_all_released(membership)) {
            membership->all_released = true;
            membership->revoke_until_ms =
                MIN(membership->revoke_until_ms, now_ms + REVOKE_COMMITS_MS);
        }
        bool done = membership->all_released && !commits_are_open(membership);
        if (!done && now_ms < membership->revoke_until_ms)
            return;
    }
    end_revoke(membership);
    assign_nothing(membership);
}

void membership_on_rebalance(struct membership *membership, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    membership->stats->rebalances++;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        on_given(membership, rd_kafka_event_topic_partition_list(event));
        return;
    }
    bool lost = rd_kafka_assignment_lost(membership->client) != 0;
    if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        LOG_WARN("kafka.rebalance_failed", "error=%s", rd_kafka_err2name(code));
        lost = true;
    }
    begin_revoke(membership, lost);
    step_revoke(membership);
}

void membership_step(struct membership *membership)
{
    switch (membership->state) {
    case MEMBER_NONE:
        break;
    case MEMBER_STARTING:
        if (membership->retry_at_ms > 0 && uv_now(membership->loop) >= membership->retry_at_ms)
            request_offsets(membership);
        break;
    case MEMBER_ASSIGNED:
        if (membership->rewind) {
            membership->rewind = false;
            assign_all(membership);
        }
        flush_commits(membership);
        break;
    case MEMBER_REVOKING:
        step_revoke(membership);
        break;
    }
}

void membership_leave(struct membership *membership)
{
    membership->leaving = true;
    if (membership->state == MEMBER_STARTING)
        assign_nothing(membership);
}

void membership_lose(struct membership *membership)
{
    if (membership->partitions_count > 0) {
        membership->lost = true;
        end_revoke(membership);
    }
    end_assignment(membership);
}
