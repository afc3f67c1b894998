#include "daemon/engine/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/param.h>

#include "base/clock.h"
#include "base/log.h"
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
    struct rekey *rekey; /* NULL: the input topic is keyed by facility */
    struct intake *intake;
    struct row_writer *row_writer;
    struct write_fence fence;
    uv_timer_t emit_timer, drain_timer;
    uv_idle_t kick; /* rows are wanted: as soon as the callback that said so has returned */
    uint32_t handles_open;
    uint64_t drain_deadline_ms;
    int64_t close_timeout_ms; /* of the parts that read from Kafka */
};

/* --- rows --- */

static uint32_t on_take(void *context, uint32_t sink, bool due, struct block *block)
{
    struct process *process = context;
    if (process->intake == NULL)
        return 0;
    return intake_take_rows(process->intake, sink, due, block);
}

static void on_settled(void *context, const struct block *block)
{
    struct process *process = context;
    if (process->intake != NULL)
        intake_rows_settled(process->intake, block);
    if (process->callbacks.written != NULL)
        process->callbacks.written(process->callbacks.context, block);
}

static void on_abandoned(void *context, const struct block *block)
{
    struct process *process = context;
    if (process->intake != NULL)
        intake_rows_abandoned(process->intake, block);
}

static void on_proven(void *context, uint32_t sink, int64_t before_ms)
{
    struct process *process = context;
    if (process->intake != NULL)
        intake_rows_proven(process->intake, sink, before_ms);
}

static void on_rows_lost(void *context, uint32_t sink)
{
    struct process *process = context;
    if (process->intake != NULL)
        intake_rows_lost(process->intake, sink);
}

static void on_moved(void *context)
{
    struct process *process = context;
    if (process->intake != NULL)
        intake_resume(process->intake);
}

static void on_kick(uv_idle_t *idle)
{
    struct process *process = idle->data;
    uv_idle_stop(idle);
    row_writer_kick(process->row_writer);
}

static void on_rows_wanted(void *context)
{
    struct process *process = context;
    if (process->state == PROCESS_RUNNING || process->state == PROCESS_DRAINING)
        uv_idle_start(&process->kick, on_kick);
}

static void on_emit(uv_timer_t *timer)
{
    struct process *process = timer->data;
    intake_check_idle(process->intake, (int64_t)uv_now(process->loop), clock_wall_ms());
    row_writer_emit(process->row_writer);
    intake_resume(process->intake); /* a facility that found no memory may find some now */
}

/* --- may we write? --- */

/* Thread: any. */
static bool on_may_write(void *context)
{
    struct process *process = context;
    return !write_fence_is_up(&process->fence);
}

static void on_fence(void *context)
{
    struct process *process = context;
    if (process->intake == NULL)
        return;
    intake_hold(process->intake);
    row_writer_withdraw(process->row_writer);
}

static void on_confirmed(void *context)
{
    struct process *process = context;
    write_fence_lower(&process->fence);
    intake_release(process->intake);
    on_rows_wanted(process);
}

static void on_lost(void *context)
{
    struct process *process = context;
    write_fence_raise(&process->fence);
}

static void on_revoked(void *context)
{
    struct process *process = context;
    row_writer_forget(process->row_writer);
}

/* --- the end: in the reverse order of the beginning --- */

static void process_free(struct process *process)
{
    struct process_callbacks callbacks = process->callbacks;
    free(process);
    if (callbacks.ended != NULL)
        callbacks.ended(callbacks.context);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct process *process = handle->data;
    if (--process->handles_open == 0)
        process_free(process);
}

static void on_fence_closed(uv_handle_t *handle)
{
    handle->data = ((struct write_fence *)handle->data)->context;
    on_handle_closed(handle);
}

static void close_handles(struct process *process)
{
    uv_close((uv_handle_t *)&process->kick, on_handle_closed);
    uv_close((uv_handle_t *)&process->drain_timer, on_handle_closed);
    uv_close((uv_handle_t *)&process->fence.tick, on_fence_closed);
    uv_close((uv_handle_t *)&process->emit_timer, on_handle_closed);
}

static void on_pump_closed(void *context)
{
    struct process *process = context;
    process->row_writer = NULL;
    close_handles(process);
}

static void on_intake_closed(void *context)
{
    struct process *process = context;
    process->intake = NULL;
    row_writer_close(process->row_writer);
}

static void on_rekey_closed(void *context)
{
    struct process *process = context;
    process->rekey = NULL;
    intake_close(process->intake, process->close_timeout_ms / 2);
}

/* The rekeying stage, if there is one, and then the intake. */
static void close_readers(struct process *process, int64_t timeout_ms)
{
    process->close_timeout_ms = timeout_ms;
    if (process->rekey != NULL)
        rekey_close(process->rekey, timeout_ms / 2);
    else
        intake_close(process->intake, timeout_ms);
}

static void stop_timers(struct process *process)
{
    uv_timer_stop(&process->emit_timer);
    uv_timer_stop(&process->drain_timer);
    uv_idle_stop(&process->kick);
}

void process_close(struct process *process)
{
    ASSERT(process->state == PROCESS_DRAINED);
    process->state = PROCESS_CLOSING;
    close_readers(process, process->config->shutdown_timeout_ms / 2);
}

/* Its owner hears nothing more of it. */
static void detach(struct process *process)
{
    process->state = PROCESS_CLOSING;
    process->callbacks = (struct process_callbacks){0};
}

void process_discard(struct process **process)
{
    struct process *gone = TAKE(*process);
    ASSERT(gone->state == PROCESS_RUNNING);
    detach(gone);
    stop_timers(gone);
    close_readers(gone, 0);
}

static void end_draining(struct process *process)
{
    process->state = PROCESS_DRAINED;
    stop_timers(process);
    LOG_INFO("process.closing", "failed=%d", process->has_failed);
    process->callbacks.drained(process->callbacks.context);
}

static void on_drain(uv_timer_t *timer)
{
    struct process *process = timer->data;
    bool drained = intake_is_drained(process->intake);
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

static void on_failed(void *context, const char *why)
{
    struct process *process = context;
    LOG_ERROR("process.failed", "why=\"%s\"", why);
    process->has_failed = true;
    if (process->callbacks.failed != NULL)
        process->callbacks.failed(process->callbacks.context, why);
    process_stop(process);
}

/* --- the beginning --- */

static void init_handles(struct process *process)
{
    uv_timer_init(process->loop, &process->emit_timer);
    uv_timer_init(process->loop, &process->drain_timer);
    uv_idle_init(process->loop, &process->kick);
    write_fence_init(&process->fence, process->loop, on_fence, process);
    process->emit_timer.data = process->drain_timer.data = process;
    process->kick.data = process;
    process->handles_open = 4;
}

static int report_kafka(int err, struct buffer *why)
{
    if (err < 0)
        LOG_ERROR("process.kafka_failed", "error=\"%s\" why=\"%s\"", err_str(err),
                  buffer_text(why));
    buffer_fini(why);
    return err;
}

static int create_intake(struct process *process)
{
    struct intake_callbacks callbacks = {.rows_wanted = on_rows_wanted,
                                         .failed = on_failed,
                                         .revoked = on_revoked,
                                         .lost = on_lost,
                                         .confirmed = on_confirmed,
                                         .closed = on_intake_closed,
                                         .context = process};
    struct buffer why;
    buffer_init(&why, 4096);
    return report_kafka(intake_create(&process->intake, process->loop, process->config,
                                      process->kernels, &callbacks, &why),
                        &why);
}

static int start_intake(struct process *process)
{
    struct buffer why;
    buffer_init(&why, 4096);
    return report_kafka(intake_start(process->intake, &why), &why);
}

static void on_rekey_ready(void *context)
{
    struct process *process = context;
    if (process->state == PROCESS_RUNNING && start_intake(process) < 0)
        on_failed(process, "the keyed topic cannot be read");
}

static int create_rekey(struct process *process)
{
    struct rekey_callbacks callbacks = {.ready = on_rekey_ready,
                                        .failed = on_failed,
                                        .closed = on_rekey_closed,
                                        .context = process};
    struct buffer why;
    buffer_init(&why, 4096);
    return report_kafka(
        rekey_create(&process->rekey, process->loop, process->config, &callbacks, &why), &why);
}

static int create_parts(struct process *process)
{
    const struct config *config = process->config;
    process->kernels = kernels_find(config->simd);
    if (process->kernels == NULL) {
        LOG_ERROR("process.no_kernels", "simd=%s", config->simd);
        return -ENOTSUP;
    }
    struct row_writer_callbacks callbacks = {.take = on_take,
                                             .settled = on_settled,
                                             .abandoned = on_abandoned,
                                             .may_write = on_may_write,
                                             .proven = on_proven,
                                             .lost = on_rows_lost,
                                             .moved = on_moved,
                                             .closed = on_pump_closed,
                                             .context = process};
    int err = row_writer_create(&process->row_writer, process->loop, config, &callbacks);
    if (err < 0)
        return err;
    err = create_intake(process);
    if (err < 0)
        goto fail_intake;
    write_fence_set_gap(&process->fence, MAX(intake_get_session_ms(process->intake) / 2,
                                             INT64_C(4) * WRITE_FENCE_TICK_MS));
    err = config->input.rekey ? create_rekey(process) : start_intake(process);
    if (err < 0)
        goto fail_rekey;
    return 0;

    /* What is open closes on the loop; each end begins the next: intake, row writer, handles. */
fail_rekey:
    detach(process);
    close_readers(process, 0);
    return err;
fail_intake:
    detach(process);
    row_writer_close(process->row_writer);
    return err;
}

int process_create(struct process **process_out, uv_loop_t *loop, const struct config *config,
                   const struct process_callbacks *callbacks)
{
    struct process *process = calloc(1, sizeof(*process));
    if (process == NULL)
        return -ENOMEM;
    process->loop = loop;
    process->callbacks = *callbacks;
    process->config = config;
    init_handles(process);
    int err = create_parts(process);
    if (err < 0) {
        if (process->row_writer == NULL) {
            detach(process);
            close_handles(process);
        }
        return err;
    }
    uint64_t emit_ms = (uint64_t)config->window.emit_interval_ms;
    uv_timer_start(&process->emit_timer, on_emit, emit_ms, emit_ms);
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
