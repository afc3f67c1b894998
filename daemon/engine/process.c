#include "daemon/engine/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/param.h>

#include "base/log.h"
#include "daemon/engine/assigned_rows.h"
#include "daemon/engine/assigned_set.h"
#include "daemon/engine/intake.h"
#include "daemon/engine/rekey/rekey.h"
#include "daemon/engine/row_writer.h"
#include "daemon/engine/write_fence.h"
#include "pipelines/emissions/kernels.h"

enum { DRAIN_CHECK_MS = 50 };

enum process_state { PROCESS_RUNNING, PROCESS_DRAINING, PROCESS_DRAINED, PROCESS_CLOSING };

struct process {
    uv_loop_t *loop;
    struct process_callbacks callbacks;
    enum process_state state;
    bool has_failed;
    const struct config *config;
    const struct kernels *kernels;
    uint32_t stages_open;
    int64_t close_timeout_ms; /* of the stages that read from Kafka */
    uv_timer_t drain_timer;
    uint64_t drain_deadline_ms;
    struct write_fence fence;
    struct assigned_set assigned_set;
    struct row_writer *row_writer;
    struct intake *intake;
    struct rekey *rekey; /* NULL: the input topic is keyed by facility */
};

static void on_failed(void *context, const char *why)
{
    struct process *process = context;
    LOG_ERROR("process.failed", "why=\"%s\"", why);
    process->has_failed = true;
    if (process->callbacks.failed != NULL)
        process->callbacks.failed(process->callbacks.context, why);
    process_stop(process);
}

static int report_kafka(int err, struct buffer *why)
{
    if (err < 0)
        LOG_ERROR("process.kafka_failed", "error=\"%s\" why=\"%s\"", err_str(err),
                  buffer_text(why));
    buffer_fini(why);
    return err;
}

/* --- stages --- */

static void on_stage_closed(void *context);

static void on_handle_closed(uv_handle_t *handle)
{
    on_stage_closed(handle->data);
}

static int start_timer(struct process *process)
{
    uv_timer_init(process->loop, &process->drain_timer); /* cannot fail */
    process->drain_timer.data = process;
    return 0;
}

static void close_timer(struct process *process)
{
    uv_close((uv_handle_t *)&process->drain_timer, on_handle_closed);
}

static int start_fence(struct process *process)
{
    write_fence_init(&process->fence, process->loop);
    return 0;
}

static void close_fence(struct process *process)
{
    write_fence_close(&process->fence, on_stage_closed, process);
}

static int start_set(struct process *process)
{
    process->kernels = kernels_find(process->config->simd);
    if (process->kernels == NULL) {
        LOG_ERROR("process.no_kernels", "simd=%s", process->config->simd);
        return -ENOTSUP;
    }
    return assigned_set_init(&process->assigned_set, process->config, process->kernels,
                             &process->fence);
}

static void close_set(struct process *process)
{
    assigned_set_fini(&process->assigned_set);
    on_stage_closed(process);
}

static int start_row_writer(struct process *process)
{
    const struct row_writer_conf conf = {.loop = process->loop,
                                         .config = process->config,
                                         .assigned_set = &process->assigned_set,
                                         .written = process->callbacks.written,
                                         .context = process->callbacks.context};
    return row_writer_create(&process->row_writer, &conf);
}

static void close_row_writer(struct process *process)
{
    if (process->row_writer != NULL)
        row_writer_close(TAKE(process->row_writer), on_stage_closed, process);
    else
        on_stage_closed(process);
}

static int start_intake(struct process *process)
{
    const struct intake_conf conf = {.loop = process->loop,
                                     .config = process->config,
                                     .assigned_set = &process->assigned_set,
                                     .row_writer = process->row_writer,
                                     .failed = on_failed,
                                     .context = process};
    struct buffer why;
    buffer_init(&why, 4096);
    int err = report_kafka(intake_create(&process->intake, &conf, &why), &why);
    if (err == 0)
        write_fence_set_gap(&process->fence, MAX(intake_get_session_ms(process->intake) / 2,
                                                 INT64_C(4) * WRITE_FENCE_TICK_MS));
    return err;
}

/* Half of the time is for the re-keying stage, if there is one. */
static void close_intake(struct process *process)
{
    int64_t timeout_ms = process->close_timeout_ms / (process->config->input.rekey ? 2 : 1);
    if (process->intake != NULL)
        intake_close(TAKE(process->intake), timeout_ms, on_stage_closed, process);
    else
        on_stage_closed(process);
}

static int read_topic(struct process *process)
{
    struct buffer why;
    buffer_init(&why, 4096);
    return report_kafka(intake_start(process->intake, &why), &why);
}

static void on_rekey_ready(void *context)
{
    struct process *process = context;
    if (process->state == PROCESS_RUNNING && read_topic(process) < 0)
        on_failed(process, "the keyed topic cannot be read");
}

/* The intake reads when there is a topic that is keyed by facility. */
static int start_reading(struct process *process)
{
    if (!process->config->input.rekey)
        return read_topic(process);
    struct rekey_callbacks callbacks = {.ready = on_rekey_ready,
                                        .failed = on_failed,
                                        .closed = on_stage_closed,
                                        .context = process};
    struct buffer why;
    buffer_init(&why, 4096);
    return report_kafka(
        rekey_create(&process->rekey, process->loop, process->config, &callbacks, &why), &why);
}

static void close_reading(struct process *process)
{
    if (process->rekey != NULL)
        rekey_close(TAKE(process->rekey), process->close_timeout_ms / 2);
    else
        on_stage_closed(process);
}

/* Started in this order, closed in the reverse. A stage that fails is closed too: it may have made
 * a part of itself. */
static const struct stage {
    const char *name;
    int (*start)(struct process *process);
    void (*close)(struct process *process);
} stages[] = {
    {"timer", start_timer, close_timer},    {"write fence", start_fence, close_fence},
    {"assigned set", start_set, close_set}, {"row writer", start_row_writer, close_row_writer},
    {"intake", start_intake, close_intake}, {"reading", start_reading, close_reading},
};

static int start_stages(struct process *process)
{
    int err = 0;
    while (process->stages_open < ARRAY_LEN(stages) && err == 0)
        err = stages[process->stages_open++].start(process);
    return err;
}

/* The stage that is closed next tells on_stage_closed() in turn. */
static void close_stages(struct process *process)
{
    if (process->stages_open > 0) {
        LOG_DEBUG("process.closes", "stage=\"%s\"", stages[process->stages_open - 1].name);
        stages[process->stages_open - 1].close(process);
        return;
    }
    struct process_callbacks callbacks = process->callbacks;
    free(process);
    if (callbacks.ended != NULL)
        callbacks.ended(callbacks.context);
}

static void on_stage_closed(void *context)
{
    struct process *process = context;
    ASSERT(process->state == PROCESS_CLOSING && process->stages_open > 0);
    process->stages_open--;
    close_stages(process);
}

/* --- the end --- */

void process_close(struct process *process)
{
    ASSERT(process->state == PROCESS_DRAINED);
    process->state = PROCESS_CLOSING;
    process->close_timeout_ms = process->config->shutdown_timeout_ms / 2;
    close_stages(process);
}

/* Its owner hears of it once more: when it is gone. */
static void discard(struct process *process)
{
    process->state = PROCESS_CLOSING;
    process->callbacks = (struct process_callbacks){.ended = process->callbacks.discarded,
                                                    .context = process->callbacks.context};
    close_stages(process);
}

void process_discard(struct process **process)
{
    struct process *gone = TAKE(*process);
    ASSERT(gone->state == PROCESS_RUNNING);
    row_writer_rest(gone->row_writer);
    discard(gone);
}

static void end_draining(struct process *process)
{
    process->state = PROCESS_DRAINED;
    uv_timer_stop(&process->drain_timer);
    row_writer_rest(process->row_writer);
    LOG_INFO("process.closing", "failed=%d", process->has_failed);
    process->callbacks.drained(process->callbacks.context);
}

static void on_drain(uv_timer_t *timer)
{
    struct process *process = timer->data;
    ASSERT(process->state == PROCESS_DRAINING);
    bool drained = assigned_rows_are_drained(&process->assigned_set);
    if (drained || uv_now(process->loop) >= process->drain_deadline_ms) {
        if (!drained)
            LOG_WARN("process.not_drained",
                     "hint=\"some sink did not take its rows in time; they are written after the "
                     "next start\"");
        end_draining(process);
        return;
    }
    row_writer_emit(process->row_writer);
}

void process_stop(struct process *process)
{
    if (process->state != PROCESS_RUNNING)
        return;
    process->state = PROCESS_DRAINING;
    LOG_INFO("process.draining", "timeout_ms=%" PRId64, process->config->shutdown_timeout_ms / 2);
    if (process->rekey != NULL)
        rekey_pause(process->rekey);
    intake_pause(process->intake);
    process->drain_deadline_ms =
        uv_now(process->loop) + (uint64_t)process->config->shutdown_timeout_ms / 2;
    row_writer_emit(process->row_writer);
    uv_timer_start(&process->drain_timer, on_drain, 0, DRAIN_CHECK_MS);
}

/* --- the beginning --- */

int process_create(struct process **process_out, uv_loop_t *loop, const struct config *config,
                   const struct process_callbacks *callbacks)
{
    struct process *process = calloc(1, sizeof(*process));
    if (process == NULL) {
        if (callbacks->discarded != NULL)
            callbacks->discarded(callbacks->context);
        return -ENOMEM;
    }
    process->loop = loop;
    process->callbacks = *callbacks;
    process->config = config;
    int err = start_stages(process);
    if (err < 0) {
        discard(process);
        return err;
    }
    LOG_INFO("process.started",
             "config=\"%s\" meters=%" PRIu32 " facilities=%" PRIu32 " sinks=%" PRIu32 " kernels=%s",
             config->file, config->registry->meters_count, config->registry->facilities_count,
             config->sinks_count, process->kernels->name);
    *process_out = process;
    return 0;
}

struct process_parts process_get_parts(const struct process *process)
{
    return (struct process_parts){.intake = process->intake,
                                  .rekey = process->rekey,
                                  .row_writer = process->row_writer,
                                  .standstills = &process->fence.raises};
}
