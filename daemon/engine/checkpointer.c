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
#include "daemon/engine/assigned_rows.h"
#include "pipelines/kafka/consumer.h"

enum {
    RETRY_COMMIT_MS = 1000,
    SPREAD = 16 /* partitions that came together are saved apart */
};

struct checkpointer {
    struct checkpointer_conf conf;
    void (*closed)(void *context);
    void *closed_context;
    struct checkpoint *checkpoint;
    uint32_t first; /* the partition that the next step begins with */
    struct log_limit commit_limit;
};

static int64_t now_ms(const struct checkpointer *checkpointer)
{
    return (int64_t)uv_now(checkpointer->conf.loop);
}

/* --- saving --- */

static void step_leaving(struct checkpointer *checkpointer, struct assigned *assigned);

/* Returns false, with the reason logged, if there is nothing under way then. */
static bool begin_save(struct checkpointer *checkpointer, struct assigned *assigned)
{
    struct log_position at = assigned->position;
    bool full = checkpoint_wants_full(checkpointer->checkpoint, assigned->number);
    struct buffer payload;
    buffer_init(&payload, CHECKPOINT_BYTES_MAX);
    int64_t began_us = clock_cpu_us();
    const struct refusals *refusals = &checkpointer->conf.assigned_set->refusals;
    const struct parking *parking = refusals->parking;
    producer_check(refusals->letters.producer); /* its counts say what a commit has to wait for */
    int err = assigned_save(assigned, parking, full, &payload);
    int64_t took_us = clock_cpu_us() - began_us;
    size_t size = payload.size;
    if (err == 0)
        err = checkpoint_write(checkpointer->checkpoint, assigned->number, &at, full, &payload);
    checkpoint_add_time(checkpointer->checkpoint, took_us);
    assigned->stats.save_cpu_us = took_us;
    assigned->next_save_ms =
        now_ms(checkpointer) + MAX(checkpointer->conf.config->checkpoint.interval_ms,
                                   took_us * CHECKPOINTER_CPU_FACTOR / 1000);
    buffer_fini(&payload);
    if (err < 0) {
        assigned->stats.save_failures++;
        LOG_ERROR("checkpoint.not_saved", "partition=%" PRId32 " bytes=%zu error=\"%s\"",
                  assigned->number, size, err_str(err));
        return false;
    }
    assigned_saved(assigned, parking);
    assigned->saving = SAVE_WRITING;
    assigned->saving_at = at;
    assigned->saving_bytes = size;
    assigned->save_began_ms = now_ms(checkpointer);
    LOG_DEBUG("checkpoint.begun",
              "partition=%" PRId32 " offset=%" PRId64 " skip=%" PRIu32 " full=%d bytes=%zu",
              assigned->number, at.offset, at.skip, full, size);
    return true;
}

/* Dead letters of events before the position have to be safe: those events are not read again. */
static bool has_letters_below(const struct checkpointer *checkpointer,
                              const struct assigned *assigned)
{
    const struct refusals *refusals = &checkpointer->conf.assigned_set->refusals;
    int64_t low = producer_low_offset(refusals->letters.producer, assigned->number);
    return low < assigned->saving_at.offset + (assigned->saving_at.skip > 0);
}

static void try_commit(struct checkpointer *checkpointer, struct assigned *assigned)
{
    ASSERT(assigned->saving == SAVE_WRITTEN && assigned->pointer != NULL);
    if (now_ms(checkpointer) < assigned->retry_commit_at_ms ||
        has_letters_below(checkpointer, assigned))
        return;
    int err = consumer_commit(checkpointer->conf.assigned_set->consumer, assigned->number,
                              assigned->saving_at.offset, assigned->pointer);
    if (err < 0)
        assigned->retry_commit_at_ms = now_ms(checkpointer) + RETRY_COMMIT_MS;
    else
        assigned->saving = SAVE_COMMITTING;
}

static void end_save(struct checkpointer *checkpointer, struct assigned *assigned)
{
    ASSERT(assigned->saving != SAVE_NONE);
    assigned->saving = SAVE_NONE;
    assigned->retry_commit_at_ms = 0;
    free(TAKE(assigned->pointer));
    if (assigned->state == ASSIGNED_LEAVING)
        step_leaving(checkpointer, assigned);
}

static void on_written(void *context, int32_t partition, const struct log_position *at,
                       const char *pointer)
{
    struct checkpointer *checkpointer = context;
    struct assigned *assigned = assigned_set_find(checkpointer->conf.assigned_set, partition);
    if (assigned == NULL)
        return;
    ASSERT(assigned->saving == SAVE_WRITING && at->offset == assigned->saving_at.offset);
    assigned->pointer = strdup(pointer);
    if (assigned->pointer == NULL) { /* the next one says more */
        assigned->changed = true;
        end_save(checkpointer, assigned);
        return;
    }
    assigned->saving = SAVE_WRITTEN;
    try_commit(checkpointer, assigned);
}

static void on_write_failed(void *context, int32_t partition)
{
    struct checkpointer *checkpointer = context;
    struct assigned *assigned = assigned_set_find(checkpointer->conf.assigned_set, partition);
    if (assigned == NULL)
        return;
    ASSERT(assigned->saving == SAVE_WRITING);
    assigned->stats.save_failures++;
    bool leaving = assigned->state == ASSIGNED_LEAVING;
    assigned->changed =
        !leaving; /* the next save has to be full; a leaving partition has no next save */
    end_save(checkpointer, assigned);
}

/* The commit of this position and no other was under way: the consumer answers for nothing else. */
void checkpointer_committed(struct checkpointer *checkpointer, int32_t partition, int64_t offset,
                            bool accepted)
{
    struct assigned *assigned = assigned_set_find(checkpointer->conf.assigned_set, partition);
    if (assigned == NULL || assigned->saving != SAVE_COMMITTING ||
        offset != assigned->saving_at.offset)
        return;
    if (!accepted) {
        assigned->saving = SAVE_WRITTEN;
        assigned->retry_commit_at_ms = now_ms(checkpointer) + RETRY_COMMIT_MS;
        return;
    }
    checkpoint_committed(checkpointer->checkpoint, partition, offset);
    struct assigned_stats *stats = &assigned->stats;
    stats->saves++;
    stats->saved_bytes += assigned->saving_bytes;
    stats->saved_at_ms = now_ms(checkpointer);
    stats->save_ms = stats->saved_at_ms - assigned->save_began_ms;
    end_save(checkpointer, assigned);
}

/* Parked events that were not offered again yet are not saved: the state in force has them. */
static bool may_save(const struct assigned *assigned)
{
    return assigned->changed && assigned->started && assigned->position.offset >= 0 &&
           assigned->returned.count == 0;
}

static bool is_due(const struct checkpointer *checkpointer, const struct assigned *assigned)
{
    return assigned_is_running(assigned) && assigned->saving == SAVE_NONE && may_save(assigned) &&
           now_ms(checkpointer) >= assigned->next_save_ms;
}

/* One state at most is taken out of its shard in a turn of the loop. */
void checkpointer_step(struct checkpointer *checkpointer)
{
    const struct assigned_set *assigned_set = checkpointer->conf.assigned_set;
    bool begun = false;
    for (uint32_t i = 0; i < assigned_set->count; i++) {
        struct assigned *assigned =
            assigned_set->items[(checkpointer->first + i) % assigned_set->count];
        if (assigned->saving == SAVE_WRITTEN)
            try_commit(checkpointer, assigned);
        if (!begun && is_due(checkpointer, assigned) &&
            checkpoint_has_room(checkpointer->checkpoint)) {
            (void)begin_save(checkpointer, assigned); /* its failure was logged */
            begun = true;
        }
    }
    checkpointer->first++;
}

static void step_leaving(struct checkpointer *checkpointer, struct assigned *assigned)
{
    ASSERT(assigned->state == ASSIGNED_LEAVING);
    if (assigned->saving != SAVE_NONE)
        return;
    bool wants = may_save(assigned);
    assigned->changed = false;
    if (wants && begin_save(checkpointer, assigned))
        return;
    consumer_release(checkpointer->conf.assigned_set->consumer, assigned->number);
}

bool checkpointer_leave(struct checkpointer *checkpointer, struct assigned *assigned)
{
    if (!assigned_is_running(assigned))
        return false;
    assigned_enter(assigned, ASSIGNED_LEAVING);
    step_leaving(checkpointer, assigned);
    return true;
}

void checkpointer_forget(struct checkpointer *checkpointer, const struct assigned *assigned)
{
    checkpoint_forget(checkpointer->checkpoint, assigned->number);
}

/* --- restoring --- */

static void run(struct checkpointer *checkpointer, struct assigned *assigned)
{
    int64_t interval_ms = checkpointer->conf.config->checkpoint.interval_ms;
    assigned_enter(assigned, ASSIGNED_APPLYING);
    assigned_rows_mark_owed(assigned);
    assigned->next_save_ms =
        now_ms(checkpointer) + interval_ms * (1 + assigned->number % SPREAD) / SPREAD;
    assigned->stats.restore_ms = now_ms(checkpointer) - assigned->assigned_ms;
    free(TAKE(assigned->metadata));
}

static void stop(struct checkpointer *checkpointer, struct assigned *assigned, const char *why)
{
    const struct config *config = checkpointer->conf.config;
    checkpoint_forget(checkpointer->checkpoint, assigned->number);
    assigned_enter(assigned, ASSIGNED_UNREADABLE);
    (void)snprintf(assigned->why, sizeof(assigned->why), "%s", why);
    LOG_ERROR("checkpoint.unreadable",
              "partition=%" PRId32 " offset=%" PRId64 " why=\"%s\" hint=\"to derive it again, set "
              "checkpoint.on_unreadable: rebuild, or stop the processes of the group and run "
              "kafka-consumer-groups --bootstrap-server %s --group %s --topic %s:%" PRId32
              " --reset-offsets --to-earliest --execute\"",
              assigned->number, assigned->committed, assigned->why, config->kafka.brokers,
              config->kafka.group, config_log_topic(config), assigned->number);
}

static void rebuild(struct checkpointer *checkpointer, struct assigned *assigned, const char *why)
{
    LOG_WARN("checkpoint.rebuild",
             "partition=%" PRId32 " offset=%" PRId64 " why=\"%s\" from=\"the oldest message\"",
             assigned->number, assigned->committed, why);
    checkpoint_forget(checkpointer->checkpoint, assigned->number);
    int err = checkpoint_open(checkpointer->checkpoint, assigned->number);
    if (err < 0) {
        stop(checkpointer, assigned, err_str(err));
        return;
    }
    assigned->caught_up = false;
    assigned->changed = false;
    run(checkpointer, assigned);
    consumer_rewind(checkpointer->conf.assigned_set->consumer, assigned->number);
    checkpointer->conf.began(checkpointer->conf.context, assigned);
}

/* Without an offset of the group's, whether there is a state. */
static int ask_for_state(struct checkpointer *checkpointer, struct assigned *assigned)
{
    assigned_enter(assigned, ASSIGNED_RESTORING);
    if (assigned->committed < 0)
        return checkpoint_search(checkpointer->checkpoint, assigned->number);
    return checkpoint_restore(checkpointer->checkpoint, assigned->number, assigned->committed,
                              assigned->metadata);
}

static void restore_again(struct checkpointer *checkpointer, struct assigned *assigned,
                          const char *why)
{
    LOG_WARN("checkpoint.restore_again", "partition=%" PRId32 " why=\"%s\"", assigned->number, why);
    int err = ask_for_state(checkpointer, assigned);
    if (err < 0)
        stop(checkpointer, assigned, err_str(err));
}

/* The part that was loaded is worth nothing. */
static void on_unreadable(struct checkpointer *checkpointer, struct assigned *assigned, int err,
                          const char *why)
{
    char words[sizeof(assigned->why)]; /* `why` may belong to what is reset */
    (void)snprintf(words, sizeof(words), "%s", why != NULL ? why : err_str(err));
    bool rebuilds = checkpointer->conf.config->checkpoint.on_unreadable == UNREADABLE_REBUILD;
    int reset = assigned_set_reset(checkpointer->conf.assigned_set, assigned, now_ms(checkpointer));
    if (reset < 0)
        stop(checkpointer, assigned, err_str(reset));
    else if (err == -ETIMEDOUT)
        restore_again(checkpointer, assigned, words);
    else if (rebuilds && err != -ENOMEM)
        rebuild(checkpointer, assigned, words);
    else
        stop(checkpointer, assigned, words);
}

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    struct checkpointer *checkpointer = context;
    struct assigned *assigned = assigned_set_find(checkpointer->conf.assigned_set, partition);
    ASSERT(assigned != NULL && assigned->state == ASSIGNED_RESTORING);
    assigned->stats.restored_bytes += size;
    return assigned_load(assigned, bytes, size, why);
}

static void on_restored(void *context, int32_t partition, int err, const struct log_position *at,
                        const char *why)
{
    struct checkpointer *checkpointer = context;
    struct assigned *assigned = assigned_set_find(checkpointer->conf.assigned_set, partition);
    ASSERT(assigned != NULL && assigned->state == ASSIGNED_RESTORING);
    struct buffer words;
    buffer_init(&words, sizeof(assigned->why));
    if (err == 0) {
        err = assigned_load_end(assigned, at, &words);
        why = words.size > 0 ? buffer_text(&words) : NULL;
    }
    if (err < 0) {
        on_unreadable(checkpointer, assigned, err, why);
    } else {
        run(checkpointer, assigned);
        LOG_INFO("intake.restored",
                 "partition=%" PRId32 " offset=%" PRId64 " skip=%" PRIu32 " bytes=%" PRIu64
                 " parked=%" PRIu32 " duration_ms=%" PRId64,
                 partition, at->offset, at->skip, assigned->stats.restored_bytes,
                 assigned->returned.count, assigned->stats.restore_ms);
        checkpointer->conf.began(checkpointer->conf.context, assigned);
    }
    buffer_fini(&words);
}

static void begin_afresh(struct checkpointer *checkpointer, struct assigned *assigned)
{
    assigned->position = (struct log_position){.offset = assigned->committed};
    run(checkpointer, assigned);
    LOG_INFO("intake.begins", "partition=%" PRId32 " offset=%" PRId64, assigned->number,
             assigned->committed);
    checkpointer->conf.began(checkpointer->conf.context, assigned);
}

static void on_searched(void *context, int32_t partition, int err,
                        const struct checkpoint_find *found, const char *why)
{
    struct checkpointer *checkpointer = context;
    struct assigned *assigned = assigned_set_find(checkpointer->conf.assigned_set, partition);
    ASSERT(assigned != NULL && assigned->state == ASSIGNED_RESTORING);
    if (err < 0) {
        on_unreadable(checkpointer, assigned, err, why);
        return;
    }
    assigned->forgotten = *found;
    begin_afresh(checkpointer, assigned);
}

int checkpointer_begin(struct checkpointer *checkpointer, struct assigned *assigned,
                       int64_t committed, const char *metadata)
{
    assigned->committed = committed;
    bool has_state = metadata[0] != '\0' && strcmp(metadata, CONSUMER_START_METADATA) != 0;
    if (committed >= 0 && !has_state) {
        int err = checkpoint_open(checkpointer->checkpoint, assigned->number);
        if (err == 0)
            begin_afresh(checkpointer, assigned);
        return err;
    }
    assigned->metadata = strdup(metadata);
    if (assigned->metadata == NULL)
        return -ENOMEM;
    return ask_for_state(checkpointer, assigned);
}

/* --- beginning and end --- */

static void on_failed(void *context, const char *why)
{
    struct checkpointer *checkpointer = context;
    checkpointer->conf.failed(checkpointer->conf.context, why);
}

static void on_closed(void *context)
{
    struct checkpointer *checkpointer = context;
    ASSERT(checkpointer->closed != NULL);
    void (*closed)(void *context) = checkpointer->closed;
    void *closed_context = checkpointer->closed_context;
    free(checkpointer);
    closed(closed_context);
}

int checkpointer_create(struct checkpointer **checkpointer_out,
                        const struct checkpointer_conf *conf, struct buffer *why)
{
    struct checkpointer *checkpointer = calloc(1, sizeof(*checkpointer));
    if (checkpointer == NULL)
        return -ENOMEM;
    checkpointer->conf = *conf;
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

void checkpointer_close(struct checkpointer *checkpointer, int64_t timeout_ms,
                        void (*closed)(void *context), void *context)
{
    ASSERT(checkpointer->closed == NULL && checkpointer->conf.assigned_set->count == 0);
    checkpointer->closed = closed;
    checkpointer->closed_context = context;
    checkpoint_close(checkpointer->checkpoint, timeout_ms);
}
