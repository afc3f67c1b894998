#include "daemon/engine/row_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/engine/assigned_rows.h"

enum writer_state { WRITER_EMITS, WRITER_RESTS, WRITER_CLOSES };

enum slot_state {
    SLOT_IDLE,   /* has its block */
    SLOT_SENT,   /* the sink has the block */
    SLOT_ORPHAN, /* and the partitions of its rows have gone */
};

struct sink_slot { /* one sink */
    struct row_writer *row_writer;
    uint32_t index;
    enum slot_state state;
    struct sink *sink;
    struct block *block; /* IDLE */
    bool due;            /* everything dirty, not only what has to go */
};

struct row_writer {
    struct row_writer_conf conf;
    uv_timer_t emit_timer;
    uv_idle_t wanted; /* rows are: as soon as the callback that said so has returned */
    struct sink_slot slots[SINKS_MAX];
    uint32_t slots_count, open_count; /* open: sinks and handles */
    enum writer_state state;
    void (*closed)(void *context);
    void *closed_context;
};

static int64_t now_ms(const struct row_writer *row_writer)
{
    return (int64_t)uv_now(row_writer->conf.loop);
}

/* --- to the sinks --- */

static void fill_slot(struct sink_slot *slot)
{
    struct row_writer *row_writer = slot->row_writer;
    if (row_writer->state == WRITER_CLOSES || slot->state != SLOT_IDLE)
        return;
    slot->block->sink = slot->index;
    slot->block->registry = row_writer->conf.config->registry;
    slot->block->taken_ms = now_ms(row_writer);
    if (assigned_rows_take(row_writer->conf.assigned_set, slot->index, slot->due, slot->block) ==
        0) {
        slot->due = false;
        return;
    }
    slot->state = SLOT_SENT;
    int err = sink_submit(slot->sink, &slot->block);
    ASSERT(err == 0); /* we had its block, so none is under way */
}

/* Tries every idle sink. */
static void fill_slots(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->slots_count; i++)
        fill_slot(&row_writer->slots[i]);
    assigned_set_resume(row_writer->conf.assigned_set);
}

static void on_wanted(uv_idle_t *wanted)
{
    struct row_writer *row_writer = wanted->data;
    ASSERT(row_writer->state == WRITER_EMITS);
    uv_idle_stop(wanted);
    fill_slots(row_writer);
}

void row_writer_want(struct row_writer *row_writer)
{
    if (row_writer->state == WRITER_EMITS)
        uv_idle_start(&row_writer->wanted, on_wanted);
}

void row_writer_emit(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->slots_count; i++)
        row_writer->slots[i].due = true;
    fill_slots(row_writer);
}

static void on_emit(uv_timer_t *timer)
{
    struct row_writer *row_writer = timer->data;
    ASSERT(row_writer->state == WRITER_EMITS);
    assigned_rows_check_idle(row_writer->conf.assigned_set, now_ms(row_writer), clock_wall_ms());
    row_writer_emit(row_writer);
}

/* --- from the sinks --- */

static void take_back(struct sink_slot *slot, struct block **block)
{
    ASSERT(slot->state != SLOT_IDLE && slot->block == NULL);
    (*block)->count = 0;
    slot->state = SLOT_IDLE;
    slot->block = TAKE(*block);
}

static void on_done(void *context, struct block **block)
{
    struct sink_slot *slot = context;
    struct row_writer *row_writer = slot->row_writer;
    const struct row_writer_conf *conf = &row_writer->conf;
    ASSERT(slot->state != SLOT_IDLE);
    if (slot->state == SLOT_SENT) {
        if (assigned_rows_ended(conf->assigned_set, *block, now_ms(row_writer)))
            row_writer_want(row_writer);
        if (conf->written != NULL)
            conf->written(conf->context, *block);
    }
    take_back(slot, block);
    fill_slot(slot);
    assigned_set_resume(conf->assigned_set);
}

static void on_abandoned(void *context, struct block **block)
{
    struct sink_slot *slot = context;
    ASSERT(slot->state != SLOT_IDLE);
    if (slot->state == SLOT_SENT)
        (void)assigned_rows_ended(slot->row_writer->conf.assigned_set, *block,
                                  now_ms(slot->row_writer));
    take_back(slot, block);
}

/* Thread: any. */
static bool may_write(void *context)
{
    const struct sink_slot *slot = context;
    return !write_fence_is_up(slot->row_writer->conf.assigned_set->fence);
}

static void on_proven(void *context, int64_t before_ms)
{
    const struct sink_slot *slot = context;
    struct row_writer *row_writer = slot->row_writer;
    if (assigned_rows_proven(row_writer->conf.assigned_set, slot->index, before_ms,
                             now_ms(row_writer)))
        row_writer_want(row_writer);
}

static void on_lost(void *context, bool outage)
{
    (void)outage;
    const struct sink_slot *slot = context;
    assigned_rows_lost(slot->row_writer->conf.assigned_set, slot->index);
    row_writer_want(slot->row_writer);
}

/* Windows that the state no longer has are in the log alone: the operator is told of them. */
static void on_emptied(void *context)
{
    const struct sink_slot *slot = context;
    const struct config *config = slot->row_writer->conf.config;
    const char *name = config->sinks[slot->index].name;
    struct assigned_rows_marked marked;
    assigned_rows_mark_dirty(slot->row_writer->conf.assigned_set, slot->index, INT64_MIN, &marked);
    row_writer_want(slot->row_writer);
    if (marked.open_ms == INT64_MIN) {
        LOG_WARN("sink.emptied", "sink=%s windows=%" PRIu64, name, marked.windows);
        return;
    }
    char open[TIMESTAMP_TEXT_SIZE];
    LOG_WARN("sink.emptied",
             "sink=%s windows=%" PRIu64 " partitions=%" PRIu32
             " why=\"the database has lost what it had: all windows of the state are written once "
             "more\" older_than=%s hint=\"what ended before that is in the log alone: ghgd replay "
             "--kafka --from TIME --sink %s, then ghgd resync --sink %s\"",
             name, marked.windows, marked.partitions, timestamp_format(open, marked.open_ms), name,
             name);
}

/* --- the beginning and the end --- */

static void row_writer_free(struct row_writer *row_writer)
{
    void (*closed)(void *context) = row_writer->closed;
    void *context = row_writer->closed_context;
    for (uint32_t i = 0; i < row_writer->slots_count; i++)
        block_destroy(&row_writer->slots[i].block);
    free(row_writer);
    if (closed != NULL)
        closed(context);
}

static void count_closed(struct row_writer *row_writer)
{
    ASSERT(row_writer->state == WRITER_CLOSES && row_writer->open_count > 0);
    if (--row_writer->open_count == 0)
        row_writer_free(row_writer);
}

static void on_sink_closed(void *context)
{
    count_closed(((struct sink_slot *)context)->row_writer);
}

static void on_handle_closed(uv_handle_t *handle)
{
    count_closed(handle->data);
}

void row_writer_close(struct row_writer *row_writer, void (*closed)(void *context), void *context)
{
    ASSERT(row_writer->state != WRITER_CLOSES);
    row_writer->state = WRITER_CLOSES;
    row_writer->closed = closed;
    row_writer->closed_context = context;
    uv_close((uv_handle_t *)&row_writer->emit_timer, on_handle_closed);
    uv_close((uv_handle_t *)&row_writer->wanted, on_handle_closed);
    for (uint32_t i = 0; i < row_writer->slots_count; i++)
        sink_close(row_writer->slots[i].sink);
}

static int open_slot(struct row_writer *row_writer)
{
    const struct config *config = row_writer->conf.config;
    struct sink_slot *slot = &row_writer->slots[row_writer->slots_count];
    *slot = (struct sink_slot){.row_writer = row_writer, .index = row_writer->slots_count};
    struct sink_callbacks callbacks = {.done = on_done,
                                       .closed = on_sink_closed,
                                       .abandoned = on_abandoned,
                                       .may_write = may_write,
                                       .proven = on_proven,
                                       .lost = on_lost,
                                       .emptied = on_emptied,
                                       .context = slot};
    int err = block_create(&slot->block, ROWS_PER_BLOCK_MAX);
    if (err < 0)
        return err;
    const struct sink_conf *conf = &config->sinks[slot->index];
    err =
        sink_create(&slot->sink, row_writer->conf.loop, conf, config->window.bucket_ms, &callbacks);
    if (err < 0) {
        LOG_ERROR("row_writer.sink_failed", "sink=%s error=\"%s\"", conf->name, err_str(err));
        block_destroy(&slot->block);
        return err;
    }
    row_writer->slots_count++;
    row_writer->open_count++;
    return 0;
}

int row_writer_create(struct row_writer **row_writer_out, const struct row_writer_conf *conf)
{
    const struct config *config = conf->config;
    ASSERT(config->sinks_count > 0 && config->sinks_count <= SINKS_MAX);
    struct row_writer *row_writer = calloc(1, sizeof(*row_writer));
    if (row_writer == NULL)
        return -ENOMEM;
    row_writer->conf = *conf;
    uv_timer_init(conf->loop, &row_writer->emit_timer); /* these two cannot fail */
    uv_idle_init(conf->loop, &row_writer->wanted);
    row_writer->emit_timer.data = row_writer->wanted.data = row_writer;
    row_writer->open_count = 2;
    int err = 0;
    for (uint32_t i = 0; i < config->sinks_count && err == 0; i++)
        err = open_slot(row_writer);
    if (err < 0) {
        row_writer_close(row_writer, NULL, NULL);
        return err;
    }
    uint64_t emit_ms = (uint64_t)config->window.emit_interval_ms;
    uv_timer_start(&row_writer->emit_timer, on_emit, emit_ms, emit_ms);
    *row_writer_out = row_writer;
    return 0;
}

void row_writer_rest(struct row_writer *row_writer)
{
    ASSERT(row_writer->state == WRITER_EMITS);
    row_writer->state = WRITER_RESTS;
    uv_timer_stop(&row_writer->emit_timer);
    uv_idle_stop(&row_writer->wanted);
}

void row_writer_withdraw(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->slots_count; i++)
        sink_withdraw(row_writer->slots[i].sink);
}

void row_writer_forget(struct row_writer *row_writer, uint32_t partition)
{
    for (uint32_t i = 0; i < row_writer->slots_count; i++) {
        struct sink_slot *slot = &row_writer->slots[i];
        if (slot->state == SLOT_SENT)
            slot->state = SLOT_ORPHAN;
    }
    row_writer_withdraw(row_writer);
    for (uint32_t i = 0; i < row_writer->slots_count; i++)
        sink_forget(row_writer->slots[i].sink, partition);
}

bool row_writer_is_due(const struct row_writer *row_writer, uint32_t sink)
{
    return row_writer->slots[sink].due;
}

uint32_t row_writer_get_sinks_count(const struct row_writer *row_writer)
{
    return row_writer->slots_count;
}

const struct sink_stats *row_writer_get_stats(const struct row_writer *row_writer, uint32_t sink)
{
    return sink_get_stats(row_writer->slots[sink].sink);
}
