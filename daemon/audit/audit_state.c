/* audit_state.c - partitions as they were saved last, loaded beside the running daemon. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/audit/audit.h"
#include "daemon/engine/assigned.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/kafka/consumer.h"
#include "pipelines/kafka/log_reader.h"

enum {
    WORDS_BYTES_MAX = 64 << 10,
    METADATA_BYTES_MAX = 64 << 10,
    LINES_BYTES_MAX = 64 << 20,
    RESTORE_TRIES = 3, /* the daemon may begin a new chain while the old one is read */
    POLL_US = 500000,
    SETTLE_MIN_MS = 5000, /* some databases show only later what they have taken */
    CLOSE_TIMEOUT_MS = 5000
};

struct saved {
    struct audit *audit;
    struct config config; /* a copy: no topic is made */
    struct shard_context context;
    uint32_t *homes; /* by facility: the first partition whose state has it, or UINT32_MAX */
    struct message_applier_conf applier;
    struct batch batch;
    struct decode_conf decode;
    uv_loop_t loop;
    struct log_reader *reader;
    struct checkpoint *checkpoint;
    struct assigned *part;  /* being restored */
    struct buffer metadata; /* of the committed offset: which checkpoint is in force */
    int64_t committed;
    struct log_position at;
    bool restored, failed, closed;
    int result;
    struct buffer *why;
};

/* --- restoring --- */

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    (void)partition;
    struct saved *saved = context;
    return assigned_load(saved->part, bytes, size, why);
}

static void on_restored(void *context, int32_t partition, int err, const struct log_position *at,
                        const char *why)
{
    struct saved *saved = context;
    saved->restored = true;
    saved->result = err;
    if (err < 0)
        buffer_printf(saved->why, "partition %" PRId32 ": %s", partition,
                      why != NULL ? why : err_str(err));
    else
        saved->at = *at;
}

static void on_failed(void *context, const char *why)
{
    struct saved *saved = context;
    saved->failed = true;
    buffer_add_str(saved->why, why);
}

static void on_closed(void *context)
{
    ((struct saved *)context)->closed = true;
}

static void on_refused(void *context, const struct refusal *refusal)
{
    (void)context; /* nothing is fed */
    (void)refusal;
}

static int get_committed(struct saved *saved, int32_t partition)
{
    buffer_clear(&saved->metadata);
    int err = log_reader_get_committed(saved->reader, partition, &saved->committed,
                                       &saved->metadata, saved->why);
    return err == 0 && buffer_text(&saved->metadata) == NULL ? -ENOMEM : err;
}

static int restore_once(struct saved *saved, int32_t partition)
{
    const struct assigned_conf conf = {.context = &saved->context, .applier = &saved->applier};
    int err = assigned_create(&saved->part, partition, &conf);
    if (err < 0)
        return err;
    saved->restored = false;
    err = checkpoint_restore(saved->checkpoint, partition, saved->committed,
                             buffer_text(&saved->metadata));
    while (err == 0 && !saved->restored && !saved->failed)
        uv_run(&saved->loop, UV_RUN_ONCE);
    checkpoint_forget(saved->checkpoint, partition);
    if (err == 0)
        err = saved->failed ? -EIO : saved->result;
    if (err == 0)
        err = assigned_load_end(saved->part, &saved->at, saved->why);
    if (err < 0)
        assigned_destroy(&saved->part);
    return err;
}

/* Whether a checkpoint is in force. Without one the group may have said where it began. */
static bool has_pointer(struct saved *saved)
{
    return saved->committed >= 0 && saved->metadata.size > 0 &&
           strcmp(buffer_text(&saved->metadata), CONSUMER_START_METADATA) != 0;
}

/* 0, and the part is there; or nothing is saved of it: it is NULL; or negative, with words. */
static int restore(struct saved *saved, int32_t partition)
{
    int err = 0;
    for (int i = 0; i < RESTORE_TRIES; i++) {
        buffer_clear(saved->why);
        err = get_committed(saved, partition);
        if (err < 0 || !has_pointer(saved))
            return err;
        err = restore_once(saved, partition);
        if (err != ERR_PROTOCOL)
            return err;
    }
    return err;
}

/* --- one partition --- */

/* Lines of `words`, as differences in the state. */
static void tell_state(struct saved *saved, int32_t partition, struct buffer *words)
{
    const char *text = buffer_text(words);
    while (text != NULL && *text != '\0') {
        size_t size = strcspn(text, "\n");
        buffer_printf(&saved->audit->lines, "state partition=%" PRId32 " %.*s\n", partition,
                      (int)size, text);
        text += size + (text[size] == '\n');
    }
    audit_print(saved->audit, NULL);
}

static void check_read(struct saved *saved, struct buffer *words)
{
    struct event_account account;
    message_applier_get_account(saved->part->applier, &account);
    const struct shard_stats *stats = shard_get_stats(saved->part->shard);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        sum += account.outcomes[i] + stats->outcomes[i] + stats->earlier.outcomes[i];
    if (sum != account.read)
        buffer_printf(words, "read %" PRIu64 " events, and accounts for %" PRIu64 "\n",
                      account.read, sum);
}

/* Outcomes that are decided when the facility is known. */
static bool is_of_facility(enum outcome outcome)
{
    return outcome == OUTCOME_USED || outcome == OUTCOME_DUPLICATE ||
           outcome == OUTCOME_CORRECTED || outcome == REJECT_CONFLICT ||
           outcome == REJECT_JOURNAL_FULL;
}

/* The readings of facilities are among the partition's, which may know some that the tables no
 * longer have. */
static void check_facilities(const struct saved *saved, struct buffer *words)
{
    const struct shard_stats *stats = shard_get_stats(saved->part->shard);
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
        uint64_t whole = stats->outcomes[i] + stats->earlier.outcomes[i];
        uint64_t parts = 0;
        for (uint32_t f = 0; f < saved->config.registry->facilities_count; f++) {
            const uint64_t *counts = shard_get_outcomes(saved->part->shard, f);
            parts += counts != NULL ? counts[i] : 0;
        }
        if (is_of_facility(i) && parts > whole)
            buffer_printf(words,
                          "facilities have %" PRIu64 " readings %s %s, the partition %" PRIu64 "\n",
                          parts, outcome_class(i), outcome_reason(i), whole);
    }
}

/* Facilities on two partitions: a process that has only one of them cannot see it. */
static void check_homes(struct saved *saved, int32_t partition, struct buffer *words)
{
    const struct registry *registry = saved->context.registry;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        if (shard_get_outcomes(saved->part->shard, i) == NULL)
            continue;
        if (saved->homes[i] == UINT32_MAX)
            saved->homes[i] = (uint32_t)partition;
        else
            buffer_printf(words, "facility \"%s\": partition %" PRIu32 " has it too\n",
                          registry->facilities[i].id, saved->homes[i]);
    }
}

static void check_state(struct saved *saved, int32_t partition)
{
    struct buffer words;
    buffer_init(&words, WORDS_BYTES_MAX);
    check_read(saved, &words);
    check_facilities(saved, &words);
    check_homes(saved, partition, &words);
    (void)shard_audit(saved->part->shard, &words);
    tell_state(saved, partition, &words);
    buffer_fini(&words);
}

static void note_extent(struct saved *saved)
{
    struct audit *audit = saved->audit;
    audit->facilities += shard_get_stats(saved->part->shard)->facilities;
    int64_t open_ms = shard_open_ms(saved->part->shard);
    if (open_ms != INT64_MIN)
        audit->until_ms = MIN(audit->until_ms, open_ms);
}

/* Waits until another checkpoint is in force, as long as two should take. A daemon that has
 * nothing to save makes no checkpoint. */
static int wait_for_next(struct saved *saved, int32_t partition)
{
    struct buffer before;
    buffer_init(&before, METADATA_BYTES_MAX);
    buffer_add(&before, saved->metadata.data, saved->metadata.size);
    int64_t began_ms = clock_steady_ms();
    int64_t until_ms = began_ms + MAX(2 * saved->config.checkpoint.interval_ms, SETTLE_MIN_MS);
    int err = 0;
    bool is_there = false;
    while (err == 0 && clock_steady_ms() < (is_there ? began_ms + SETTLE_MIN_MS : until_ms)) {
        (void)usleep(POLL_US);
        err = get_committed(saved, partition);
        is_there = saved->metadata.size != before.size ||
                   memcmp(saved->metadata.data, before.data, before.size) != 0;
    }
    buffer_fini(&before);
    return err;
}

/* The daemon goes on while we read, and a database may not show yet what it has acknowledged. So a
 * difference counts if it is still there after a while, under the state of that time. */
static int confirm(struct saved *saved, int32_t partition)
{
    struct audit *audit = saved->audit;
    int err = wait_for_next(saved, partition);
    if (err < 0) {
        audit_print(audit, NULL);
        return err;
    }
    struct buffer first = audit->lines;
    buffer_init(&audit->lines, LINES_BYTES_MAX);
    err = restore(saved, partition);
    if (err == 0 && saved->part != NULL) {
        uint64_t windows = audit->windows;
        uint64_t newer = audit->newer;
        err = audit_rows(audit, saved->part->shard, saved->why);
        audit->windows = windows; /* they were counted before */
        audit->newer = newer;
    }
    assigned_destroy(&saved->part);
    audit_print(audit, &first);
    buffer_fini(&first);
    return err;
}

static int audit_partition(struct saved *saved, int32_t partition)
{
    int err = restore(saved, partition);
    if (err < 0)
        return err;
    if (saved->part == NULL) {
        (void)fprintf(stderr, "ghgd audit: partition %" PRId32 ": no state of it is saved\n",
                      partition);
        return 0;
    }
    saved->audit->partitions++;
    check_state(saved, partition);
    note_extent(saved);
    err = audit_rows(saved->audit, saved->part->shard, saved->why);
    assigned_destroy(&saved->part);
    if (err == 0 && saved->audit->lines.size > 0)
        err = confirm(saved, partition);
    return err;
}

/* --- beginning and end --- */

static int prepare(struct saved *saved)
{
    const struct config *config = saved->audit->config;
    saved->config = *config;
    saved->config.checkpoint.create = false;
    saved->decode = (struct decode_conf){.format = (enum event_format)config->input.format,
                                         .time_unit = (uint8_t)config->input.time_unit};
    memcpy(saved->decode.fields, config->input.fields, sizeof(saved->decode.fields));
    saved->applier = (struct message_applier_conf){.decode = &saved->decode,
                                                   .registry = config->registry,
                                                   .batch = &saved->batch,
                                                   .refused = on_refused};
    saved->context = (struct shard_context){.registry = config->registry,
                                            .window = &config->window,
                                            .kernels = kernels_find(config->simd),
                                            .sinks_count = config->sinks_count,
                                            .sinks = config->sinks};
    if (saved->context.kernels == NULL)
        return -ENOTSUP;
    size_t size = config->registry->facilities_count * sizeof(*saved->homes);
    saved->homes = malloc(size + 1);
    if (saved->homes == NULL)
        return -ENOMEM;
    memset(saved->homes, 0xff, size);
    return 0;
}

static int open_checkpoint(struct saved *saved)
{
    const struct checkpoint_callbacks callbacks = {.payload = on_payload,
                                                   .restored = on_restored,
                                                   .failed = on_failed,
                                                   .closed = on_closed,
                                                   .context = saved};
    return checkpoint_create(&saved->checkpoint, &saved->loop, &saved->config, &callbacks,
                             saved->why);
}

static void close_all(struct saved *saved)
{
    if (saved->checkpoint != NULL)
        checkpoint_close(saved->checkpoint, CLOSE_TIMEOUT_MS);
    uv_run(&saved->loop, UV_RUN_DEFAULT);
    ASSERT(saved->checkpoint == NULL || saved->closed);
    ASSERT(uv_loop_close(&saved->loop) == 0);
    log_reader_close(&saved->reader);
    buffer_fini(&saved->metadata);
    free(saved->homes);
}

int audit_state(struct audit *audit, struct buffer *why)
{
    struct saved saved = {.audit = audit, .why = why};
    buffer_init(&saved.metadata, METADATA_BYTES_MAX);
    uv_loop_init(&saved.loop);
    const struct config *config = audit->config;
    int err = prepare(&saved);
    if (err == 0)
        err = log_reader_open(&saved.reader, &config->kafka, config_log_topic(config), why);
    if (err == 0)
        err = open_checkpoint(&saved);
    for (int32_t i = 0; err == 0 && i < log_reader_partitions(saved.reader); i++)
        err = audit_partition(&saved, i);
    close_all(&saved);
    return err;
}
