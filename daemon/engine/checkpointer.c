#include "daemon/engine/checkpointer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "pipelines/kafka/consumer.h"

enum {
    RETRY_COMMIT_MS = 1000,
    SPREAD = 16 /* partitions that came together are saved apart */
};

struct checkpointer {
    struct checkpointer_conf conf;
    struct checkpointer_callbacks callbacks;
    struct checkpoint *checkpoint;
    uint32_t first; /* the part that the next step begins with */
    struct log_limit commit_limit;
};

static int64_t now_ms(const struct checkpointer *checkpointer)
{
    return (int64_t)uv_now(checkpointer->conf.loop);
}

/* --- saving --- */

static void step_leaving(struct checkpointer *checkpointer, struct part *part);

/* Returns false, with the reason logged, if there is nothing under way then. */
static bool begin_save(struct checkpointer *checkpointer, struct part *part)
{
    struct log_position at = part_position(part);
    bool full = checkpoint_wants_full(checkpointer->checkpoint, part->number);
    struct buffer payload;
    buffer_init(&payload, CHECKPOINT_BYTES_MAX);
    int64_t began_us = clock_cpu_us();
    int err = part_save(part, checkpointer->conf.parking, full, &payload);
    int64_t took_us = clock_cpu_us() - began_us;
    size_t size = payload.size;
    if (err == 0)
        err = checkpoint_write(checkpointer->checkpoint, part->number, &at, full, &payload);
    checkpoint_add_time(checkpointer->checkpoint, took_us);
    part->stats.save_cpu_us = took_us;
    part->next_save_ms =
        now_ms(checkpointer) + MAX(checkpointer->conf.config->checkpoint.interval_ms,
                                   took_us * CHECKPOINTER_CPU_FACTOR / 1000);
    buffer_fini(&payload);
    if (err < 0) {
        part->stats.save_failures++;
        LOG_ERROR("checkpoint.not_saved", "partition=%" PRId32 " bytes=%zu error=\"%s\"",
                  part->number, size, err_str(err));
        return false;
    }
    part_saved(part, checkpointer->conf.parking);
    part->saving = SAVE_WRITING;
    part->saving_at = at;
    part->saving_bytes = size;
    part->save_began_ms = now_ms(checkpointer);
    LOG_DEBUG("checkpoint.begun",
              "partition=%" PRId32 " offset=%" PRId64 " skip=%" PRIu32 " full=%d bytes=%zu",
              part->number, at.offset, at.skip, full, size);
    return true;
}

/* Dead letters of events before the position have to be safe: nobody will read those again. */
static bool has_letters_below(const struct checkpointer *checkpointer, const struct part *part)
{
    int64_t low = deadletter_low_offset(checkpointer->conf.deadletter, part->number);
    return low < part->saving_at.offset + (part->saving_at.skip > 0);
}

static void try_commit(struct checkpointer *checkpointer, struct part *part)
{
    if (now_ms(checkpointer) < part->retry_commit_at_ms || has_letters_below(checkpointer, part))
        return;
    part->saving = SAVE_COMMITTING;
    checkpointer->callbacks.commit(checkpointer->callbacks.context, part->number,
                                   part->saving_at.offset, part->pointer);
}

static void end_save(struct checkpointer *checkpointer, struct part *part)
{
    part->saving = SAVE_NONE;
    part->retry_commit_at_ms = 0;
    free(TAKE(part->pointer));
    if (part->state == PART_LEAVING)
        step_leaving(checkpointer, part);
}

static void on_written(void *context, int32_t partition, const struct log_position *at,
                       const char *pointer)
{
    struct checkpointer *checkpointer = context;
    struct part *part = parts_find(checkpointer->conf.parts, partition);
    if (part == NULL)
        return;
    ASSERT(part->saving == SAVE_WRITING && at->offset == part->saving_at.offset);
    part->pointer = strdup(pointer);
    if (part->pointer == NULL) { /* the next one says more */
        part->changed = true;
        end_save(checkpointer, part);
        return;
    }
    part->saving = SAVE_WRITTEN;
    try_commit(checkpointer, part);
}

static void on_write_failed(void *context, int32_t partition)
{
    struct checkpointer *checkpointer = context;
    struct part *part = parts_find(checkpointer->conf.parts, partition);
    if (part == NULL)
        return;
    part->stats.save_failures++;
    bool leaving = part->state == PART_LEAVING;
    part->changed = !leaving; /* the next one has to be full; here there is none */
    end_save(checkpointer, part);
}

/* The commit of this position and no other was under way: the consumer answers for nothing else. */
void checkpointer_committed(struct checkpointer *checkpointer, int32_t partition, int64_t offset,
                            bool accepted)
{
    struct part *part = parts_find(checkpointer->conf.parts, partition);
    if (part == NULL || part->saving != SAVE_COMMITTING || offset != part->saving_at.offset)
        return;
    if (!accepted) {
        part->saving = SAVE_WRITTEN;
        part->retry_commit_at_ms = now_ms(checkpointer) + RETRY_COMMIT_MS;
        return;
    }
    checkpoint_committed(checkpointer->checkpoint, partition, offset);
    struct part_stats *stats = &part->stats;
    stats->saves++;
    stats->saved_bytes += part->saving_bytes;
    stats->saved_at_ms = now_ms(checkpointer);
    stats->save_ms = stats->saved_at_ms - part->save_began_ms;
    end_save(checkpointer, part);
}

/* What was parked and not offered again yet is not saved: the state that is in force has it. */
static bool may_save(const struct part *part)
{
    return part->changed && part->started && part->next_offset >= 0 && part->returned.count == 0;
}

static bool is_due(const struct checkpointer *checkpointer, const struct part *part)
{
    return part->state == PART_RUNNING && part->saving == SAVE_NONE && may_save(part) &&
           now_ms(checkpointer) >= part->next_save_ms;
}

/* One state at most is taken out of its shard in a turn of the loop. */
void checkpointer_step(struct checkpointer *checkpointer)
{
    const struct parts *parts = checkpointer->conf.parts;
    bool begun = false;
    for (uint32_t i = 0; i < parts->count; i++) {
        struct part *part = parts->items[(checkpointer->first + i) % parts->count];
        if (part->saving == SAVE_WRITTEN)
            try_commit(checkpointer, part);
        if (!begun && is_due(checkpointer, part) && checkpoint_has_room(checkpointer->checkpoint)) {
            (void)begin_save(checkpointer, part); /* its failure was logged */
            begun = true;
        }
    }
    checkpointer->first++;
}

static void step_leaving(struct checkpointer *checkpointer, struct part *part)
{
    if (part->saving != SAVE_NONE)
        return;
    bool wants = may_save(part);
    part->changed = false;
    if (wants && begin_save(checkpointer, part))
        return;
    checkpointer->callbacks.released(checkpointer->callbacks.context, part);
}

bool checkpointer_leave(struct checkpointer *checkpointer, struct part *part)
{
    if (part->state != PART_RUNNING)
        return false;
    part->state = PART_LEAVING;
    step_leaving(checkpointer, part);
    return true;
}

void checkpointer_forget(struct checkpointer *checkpointer, const struct part *part)
{
    checkpoint_forget(checkpointer->checkpoint, part->number);
}

/* --- restoring --- */

static void run(struct checkpointer *checkpointer, struct part *part)
{
    int64_t interval_ms = checkpointer->conf.config->checkpoint.interval_ms;
    part->state = PART_RUNNING;
    part->next_save_ms = now_ms(checkpointer) + interval_ms * (1 + part->number % SPREAD) / SPREAD;
    part->stats.restore_ms = now_ms(checkpointer) - part->assigned_ms;
    free(TAKE(part->metadata));
}

static void stop(struct checkpointer *checkpointer, struct part *part, const char *why)
{
    const struct config *config = checkpointer->conf.config;
    checkpoint_forget(checkpointer->checkpoint, part->number);
    part->state = PART_STOPPED;
    (void)snprintf(part->why, sizeof(part->why), "%s", why);
    LOG_ERROR(
        "checkpoint.unreadable",
        "partition=%" PRId32 " offset=%" PRId64 " why=\"%s\" hint=\"to derive it anew, stop the "
        "processes of the group and run kafka-consumer-groups --group %s --topic %s:%" PRId32
        " --reset-offsets --to-earliest --execute, or set checkpoint.on_unreadable: rebuild\"",
        part->number, part->committed, part->why, config->kafka.group, config_log_topic(config),
        part->number);
}

static void rebuild(struct checkpointer *checkpointer, struct part *part, const char *why)
{
    LOG_WARN("checkpoint.rebuild",
             "partition=%" PRId32 " offset=%" PRId64 " why=\"%s\" from=\"the oldest message\"",
             part->number, part->committed, why);
    checkpoint_forget(checkpointer->checkpoint, part->number);
    int err = checkpoint_open(checkpointer->checkpoint, part->number);
    if (err < 0) {
        stop(checkpointer, part, err_str(err));
        return;
    }
    part->next_offset = -1;
    part->caught_up = false;
    part->changed = false;
    run(checkpointer, part);
    checkpointer->callbacks.rebuilds(checkpointer->callbacks.context, part);
}

/* Without an offset of the group's, whether there is a state. */
static int ask_for_state(struct checkpointer *checkpointer, struct part *part)
{
    part->state = PART_RESTORING;
    if (part->committed < 0)
        return checkpoint_search(checkpointer->checkpoint, part->number);
    return checkpoint_restore(checkpointer->checkpoint, part->number, part->committed,
                              part->metadata);
}

static void restore_again(struct checkpointer *checkpointer, struct part *part, const char *why)
{
    LOG_WARN("checkpoint.restore_again", "partition=%" PRId32 " why=\"%s\"", part->number, why);
    int err = ask_for_state(checkpointer, part);
    if (err < 0)
        stop(checkpointer, part, err_str(err));
}

/* What was loaded of it is worth nothing. */
static void on_unreadable(struct checkpointer *checkpointer, struct part *part, int err,
                          const char *why)
{
    char words[sizeof(part->why)]; /* `why` may belong to what is reset */
    (void)snprintf(words, sizeof(words), "%s", why != NULL ? why : err_str(err));
    bool rebuilds = checkpointer->conf.config->checkpoint.on_unreadable == UNREADABLE_REBUILD;
    int reset = checkpointer->callbacks.reset(checkpointer->callbacks.context, part);
    if (reset < 0)
        stop(checkpointer, part, err_str(reset));
    else if (err == -ETIMEDOUT)
        restore_again(checkpointer, part, words);
    else if (rebuilds && err != -ENOMEM)
        rebuild(checkpointer, part, words);
    else
        stop(checkpointer, part, words);
}

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    struct checkpointer *checkpointer = context;
    struct part *part = parts_find(checkpointer->conf.parts, partition);
    ASSERT(part != NULL && part->state == PART_RESTORING);
    part->stats.restored_bytes += size;
    return part_load(part, bytes, size, why);
}

static void on_restored(void *context, int32_t partition, int err, const struct log_position *at,
                        const char *why)
{
    struct checkpointer *checkpointer = context;
    struct part *part = parts_find(checkpointer->conf.parts, partition);
    ASSERT(part != NULL && part->state == PART_RESTORING);
    struct buffer words;
    buffer_init(&words, sizeof(part->why));
    if (err == 0) {
        err = part_load_end(part, at, &words);
        why = words.size > 0 ? buffer_text(&words) : NULL;
    }
    if (err < 0) {
        on_unreadable(checkpointer, part, err, why);
    } else {
        run(checkpointer, part);
        LOG_INFO("intake.restored",
                 "partition=%" PRId32 " offset=%" PRId64 " skip=%" PRIu32 " bytes=%" PRIu64
                 " parked=%" PRIu32 " duration_ms=%" PRId64,
                 partition, at->offset, at->skip, part->stats.restored_bytes, part->returned.count,
                 part->stats.restore_ms);
        checkpointer->callbacks.began(checkpointer->callbacks.context, part);
    }
    buffer_fini(&words);
}

static void begin_afresh(struct checkpointer *checkpointer, struct part *part)
{
    part->next_offset = part->committed;
    run(checkpointer, part);
    LOG_INFO("intake.begins", "partition=%" PRId32 " offset=%" PRId64, part->number,
             part->committed);
    checkpointer->callbacks.began(checkpointer->callbacks.context, part);
}

static void on_searched(void *context, int32_t partition, int err,
                        const struct checkpoint_find *found, const char *why)
{
    struct checkpointer *checkpointer = context;
    struct part *part = parts_find(checkpointer->conf.parts, partition);
    ASSERT(part != NULL && part->state == PART_RESTORING);
    if (err < 0) {
        on_unreadable(checkpointer, part, err, why);
        return;
    }
    part->forgotten = *found;
    begin_afresh(checkpointer, part);
}

int checkpointer_begin(struct checkpointer *checkpointer, struct part *part, int64_t committed,
                       const char *metadata)
{
    part->committed = committed;
    bool has_state = metadata[0] != '\0' && strcmp(metadata, CONSUMER_START_METADATA) != 0;
    if (committed >= 0 && !has_state) {
        int err = checkpoint_open(checkpointer->checkpoint, part->number);
        if (err == 0)
            begin_afresh(checkpointer, part);
        return err;
    }
    part->metadata = strdup(metadata);
    if (part->metadata == NULL)
        return -ENOMEM;
    return ask_for_state(checkpointer, part);
}

/* --- beginning and end --- */

static void on_failed(void *context, const char *why)
{
    struct checkpointer *checkpointer = context;
    checkpointer->callbacks.failed(checkpointer->callbacks.context, why);
}

static void on_closed(void *context)
{
    struct checkpointer *checkpointer = context;
    struct checkpointer_callbacks callbacks = checkpointer->callbacks;
    free(checkpointer);
    callbacks.closed(callbacks.context);
}

int checkpointer_create(struct checkpointer **checkpointer_out,
                        const struct checkpointer_conf *conf,
                        const struct checkpointer_callbacks *callbacks, struct buffer *why)
{
    struct checkpointer *checkpointer = calloc(1, sizeof(*checkpointer));
    if (checkpointer == NULL)
        return -ENOMEM;
    checkpointer->conf = *conf;
    checkpointer->callbacks = *callbacks;
    const struct checkpoint_callbacks checkpoint = {.written = on_written,
                                                    .write_failed = on_write_failed,
                                                    .payload = on_payload,
                                                    .restored = on_restored,
                                                    .searched = on_searched,
                                                    .failed = on_failed,
                                                    .closed = on_closed,
                                                    .context = checkpointer};
    int err =
        checkpoint_create(&checkpointer->checkpoint, conf->loop, conf->config, &checkpoint, why);
    if (err < 0) {
        free(checkpointer);
        return err;
    }
    *checkpointer_out = checkpointer;
    return 0;
}

const struct checkpoint_stats *checkpointer_get_stats(const struct checkpointer *checkpointer)
{
    return checkpoint_get_stats(checkpointer->checkpoint);
}

void checkpointer_close(struct checkpointer *checkpointer, int64_t timeout_ms)
{
    checkpoint_close(checkpointer->checkpoint, timeout_ms);
}
