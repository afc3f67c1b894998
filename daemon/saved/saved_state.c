#include "daemon/saved/saved_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "base/clock.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/kafka/consumer.h"
#include "pipelines/kafka/log_reader.h"

enum {
    METADATA_BYTES_MAX = 64 << 10,
    RESTORE_TRIES = 3, /* the daemon may begin a new chain while the old one is read */
    POLL_US = 500000,
    SETTLE_MIN_MS = 5000, /* some databases show only later what they have taken */
    CLOSE_TIMEOUT_MS = 5000
};

struct saved_state {
    struct config config; /* a copy: no topic is made */
    struct shard_context context;
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
    struct saved_state *state = context;
    return assigned_load(state->part, bytes, size, why);
}

static void on_restored(void *context, int32_t partition, int err, const struct log_position *at,
                        const char *why)
{
    struct saved_state *state = context;
    state->restored = true;
    state->result = err;
    if (err < 0)
        buffer_printf(state->why, "partition %" PRId32 ": %s", partition,
                      why != NULL ? why : err_str(err));
    else
        state->at = *at;
}

static void on_failed(void *context, const char *why)
{
    struct saved_state *state = context;
    state->failed = true;
    buffer_add_str(state->why, why);
}

static void on_closed(void *context)
{
    ((struct saved_state *)context)->closed = true;
}

static void on_refused(void *context, const struct refusal *refusal)
{
    (void)context; /* nothing is fed */
    (void)refusal;
}

static int get_committed(struct saved_state *state, int32_t partition)
{
    buffer_clear(&state->metadata);
    int err = log_reader_get_committed(state->reader, partition, &state->committed,
                                       &state->metadata, state->why);
    return err == 0 && buffer_text(&state->metadata) == NULL ? -ENOMEM : err;
}

static int restore_once(struct saved_state *state, int32_t partition)
{
    const struct assigned_conf conf = {.context = &state->context, .applier = &state->applier};
    int err = assigned_create(&state->part, partition, &conf);
    if (err < 0)
        return err;
    state->restored = false;
    err = checkpoint_restore(state->checkpoint, partition, state->committed,
                             buffer_text(&state->metadata));
    while (err == 0 && !state->restored && !state->failed)
        uv_run(&state->loop, UV_RUN_ONCE);
    checkpoint_forget(state->checkpoint, partition);
    if (err == 0)
        err = state->failed ? -EIO : state->result;
    if (err == 0)
        err = assigned_load_end(state->part, &state->at, state->why);
    if (err < 0)
        assigned_destroy(&state->part);
    return err;
}

/* Whether a checkpoint is in force. Without one the group may have said where it began. */
static bool has_pointer(struct saved_state *state)
{
    return state->committed >= 0 && state->metadata.size > 0 &&
           strcmp(buffer_text(&state->metadata), CONSUMER_START_METADATA) != 0;
}

int saved_state_load(struct saved_state *state, int32_t partition, struct assigned **part_out)
{
    *part_out = NULL;
    int err = 0;
    for (int i = 0; i < RESTORE_TRIES; i++) {
        buffer_clear(state->why);
        err = get_committed(state, partition);
        if (err < 0 || !has_pointer(state))
            return err;
        err = restore_once(state, partition);
        if (err != ERR_PROTOCOL)
            break;
    }
    if (err == 0)
        *part_out = TAKE(state->part);
    return err;
}

int saved_state_wait_for_next(struct saved_state *state, int32_t partition)
{
    struct buffer before;
    buffer_init(&before, METADATA_BYTES_MAX);
    buffer_add(&before, state->metadata.data, state->metadata.size);
    int64_t began_ms = clock_steady_ms();
    int64_t until_ms = began_ms + MAX(2 * state->config.checkpoint.interval_ms, SETTLE_MIN_MS);
    int err = 0;
    bool is_there = false;
    while (err == 0 && clock_steady_ms() < (is_there ? began_ms + SETTLE_MIN_MS : until_ms)) {
        (void)usleep(POLL_US);
        err = get_committed(state, partition);
        is_there = state->metadata.size != before.size ||
                   memcmp(state->metadata.data, before.data, before.size) != 0;
    }
    buffer_fini(&before);
    return err;
}

/* --- beginning and end --- */

static int prepare(struct saved_state *state, const struct config *config)
{
    state->config = *config;
    state->config.checkpoint.create = false;
    state->decode = (struct decode_conf){.format = (enum event_format)config->input.format,
                                         .time_unit = (uint8_t)config->input.time_unit};
    memcpy(state->decode.fields, config->input.fields, sizeof(state->decode.fields));
    state->applier = (struct message_applier_conf){.decode = &state->decode,
                                                   .registry = config->registry,
                                                   .batch = &state->batch,
                                                   .refused = on_refused};
    state->context = (struct shard_context){.registry = config->registry,
                                            .window = &config->window,
                                            .targets = config->targets,
                                            .trajectory = &config->trajectory,
                                            .kernels = kernels_find(config->simd),
                                            .sinks_count = config->sinks_count,
                                            .sinks = config->sinks};
    return state->context.kernels == NULL ? -ENOTSUP : 0;
}

static int open_checkpoint(struct saved_state *state)
{
    const struct checkpoint_callbacks callbacks = {.payload = on_payload,
                                                   .restored = on_restored,
                                                   .failed = on_failed,
                                                   .closed = on_closed,
                                                   .context = state};
    return checkpoint_create(&state->checkpoint, &state->loop, &state->config, &callbacks,
                             state->why);
}

int saved_state_open(struct saved_state **state_out, const struct config *config,
                     struct buffer *why)
{
    *state_out = NULL;
    struct saved_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    state->why = why;
    buffer_init(&state->metadata, METADATA_BYTES_MAX);
    uv_loop_init(&state->loop);
    int err = prepare(state, config);
    if (err == 0)
        err = log_reader_open(&state->reader, &config->kafka, config_log_topic(config), why);
    if (err == 0)
        err = open_checkpoint(state);
    if (err < 0)
        saved_state_close(&state);
    *state_out = state;
    return err;
}

void saved_state_close(struct saved_state **state)
{
    if (*state == NULL)
        return;
    struct saved_state *gone = TAKE(*state);
    if (gone->checkpoint != NULL)
        checkpoint_close(gone->checkpoint, CLOSE_TIMEOUT_MS);
    uv_run(&gone->loop, UV_RUN_DEFAULT);
    ASSERT(gone->checkpoint == NULL || gone->closed);
    ASSERT(uv_loop_close(&gone->loop) == 0);
    log_reader_close(&gone->reader);
    buffer_fini(&gone->metadata);
    free(gone);
}

int32_t saved_state_partitions(const struct saved_state *state)
{
    return log_reader_partitions(state->reader);
}
