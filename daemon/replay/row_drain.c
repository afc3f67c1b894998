#include "daemon/replay/row_drain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SINK_DEADLINE_MS = 300000 /* a sink that takes no row for so long ends the command */ };

struct row_drain {
    struct row_drain_conf conf;
    uv_loop_t *loop;
    struct sink_conf output; /* the file, as a sink */
    struct sink *sinks[SINKS_MAX];
    struct sink_conf sink_confs[SINKS_MAX]; /* of those */
    uint32_t sinks_count, open_count;
    struct block *block;
    uint64_t rows;
    bool lost; /* some database was away, and may not have what it had acknowledged */
};

/* --- opening and closing --- */

static void on_closed(void *context)
{
    ((struct row_drain *)context)->open_count--;
}

static bool is_to_file(const struct row_drain_conf *conf)
{
    return !conf->all_sinks && conf->chosen.count == 0;
}

/* Servers close connections of their own accord, too: in a command that writes for minutes another
 * one alone says little. */
static void on_lost(void *context, bool outage)
{
    struct row_drain *row_drain = context;
    row_drain->lost |= outage;
}

/* A database that is only made now has lost nothing yet. */
static void on_emptied(void *context)
{
    struct row_drain *row_drain = context;
    row_drain->lost |= row_drain->rows > 0;
}

/* People are told of old alerts only if their sink is named. */
static bool is_wanted(const struct row_drain_conf *conf, const struct sink_conf *sink)
{
    return conf->all_sinks ? !sink_conf_tells_people(sink)
                           : sink_choice_has(&conf->chosen, sink->name);
}

static bool has_sinks(const struct row_drain_conf *conf)
{
    for (uint32_t i = 0; i < conf->config->sinks_count; i++)
        if (is_wanted(conf, &conf->config->sinks[i]))
            return true;
    return false;
}

static int check_names(const struct row_drain_conf *conf)
{
    int err = sink_choice_check(&conf->chosen, conf->command, conf->config);
    if (err < 0)
        return err;
    if (is_to_file(conf) || has_sinks(conf))
        return 0;
    (void)fprintf(stderr, "ghgd %s: the configuration has no sink\n", conf->command);
    return -ENOENT;
}

/* Results of an earlier run go: the sink appends. Pipes and devices have nothing to lose. */
static int empty_output(const struct row_drain_conf *conf)
{
    if (strcmp(conf->output_path, "-") == 0)
        return 0;
    if (truncate(conf->output_path, 0) == 0 || errno == ENOENT || errno == EINVAL)
        return 0;
    int err = -errno;
    (void)fprintf(stderr, "ghgd %s: %s: %s\n", conf->command, conf->output_path, err_str(err));
    return err;
}

static int open_sink(struct row_drain *row_drain, const struct sink_conf *conf)
{
    struct sink_callbacks callbacks = {
        .closed = on_closed, .lost = on_lost, .emptied = on_emptied, .context = row_drain};
    int err = sink_create(&row_drain->sinks[row_drain->sinks_count], row_drain->loop, conf,
                          row_drain->conf.config->window.bucket_ms, &callbacks);
    if (err < 0) {
        (void)fprintf(stderr, "ghgd %s: sink \"%s\" cannot be opened: %s\n",
                      row_drain->conf.command, conf->name, err_str(err));
        return err;
    }
    row_drain->sink_confs[row_drain->sinks_count++] = *conf;
    row_drain->open_count++;
    return 0;
}

static int open_sinks(struct row_drain *row_drain)
{
    const struct row_drain_conf *conf = &row_drain->conf;
    int err = check_names(conf);
    if (err == 0 && is_to_file(conf)) {
        err = empty_output(conf);
        row_drain->output =
            (struct sink_conf){.name = "output", .type = SINK_FILE, .path = conf->output_path};
        return err < 0 ? err : open_sink(row_drain, &row_drain->output);
    }
    for (uint32_t i = 0; i < conf->config->sinks_count && err == 0; i++) {
        if (is_wanted(conf, &conf->config->sinks[i]))
            err = open_sink(row_drain, &conf->config->sinks[i]);
    }
    return err;
}

int row_drain_open(struct row_drain **row_drain_out, uv_loop_t *loop,
                   const struct row_drain_conf *conf)
{
    struct row_drain *row_drain = calloc(1, sizeof(*row_drain));
    if (row_drain == NULL)
        return -ENOMEM;
    row_drain->conf = *conf;
    row_drain->loop = loop;
    int err = block_create(&row_drain->block, ROWS_PER_BLOCK_MAX);
    if (err == 0)
        err = open_sinks(row_drain);
    if (err < 0)
        row_drain_close(&row_drain);
    else
        *row_drain_out = row_drain;
    return err;
}

void row_drain_close(struct row_drain **row_drain)
{
    struct row_drain *gone = TAKE(*row_drain);
    if (gone == NULL)
        return;
    for (uint32_t i = 0; i < gone->sinks_count; i++)
        sink_close(gone->sinks[i]);
    while (gone->open_count > 0)
        uv_run(gone->loop, UV_RUN_ONCE);
    uv_run(gone->loop, UV_RUN_DEFAULT);
    block_destroy(&gone->block);
    free(gone);
}

const struct sink_conf *row_drain_sinks(const struct row_drain *row_drain)
{
    return row_drain->sink_confs;
}

uint32_t row_drain_sinks_count(const struct row_drain *row_drain)
{
    return row_drain->sinks_count;
}

uint64_t row_drain_rows(const struct row_drain *row_drain)
{
    return row_drain->rows;
}

/* --- rows --- */

static bool is_written(const struct row_drain_filter *filter, const struct row *row)
{
    return row->window.end_ms > filter->after_ms && row->window.start_ms >= filter->begin_ms &&
           (row->final || !filter->final_only);
}

/* Rows that are not wanted leave the block, and the shard has no more to do with them. */
static void sift(struct block *block, struct shard *shard, const struct row_drain_filter *filter)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        if (is_written(filter, &block->rows[i]))
            block->rows[kept++] = block->rows[i];
        else
            shard_end_row(shard, block->sink, &block->rows[i], BLOCK_DURABLE);
    }
    block->count = kept;
}

static int write_block(struct row_drain *row_drain, struct shard *shard, uint32_t sink)
{
    if (row_drain->block->count == 0)
        return 0;
    int err = sink_write_sync(row_drain->sinks[sink], row_drain->loop, &row_drain->block,
                              SINK_DEADLINE_MS);
    if (err < 0) {
        (void)fprintf(stderr, "ghgd %s: a sink takes no rows: %s (%s)\n", row_drain->conf.command,
                      err_str(err), sink_get_stats(row_drain->sinks[sink])->last_error);
        return err;
    }
    if (row_drain->lost) {
        (void)fprintf(stderr,
                      "ghgd %s: a database went away, and may have lost what it had acknowledged; "
                      "run the command again\n",
                      row_drain->conf.command);
        return -EIO;
    }
    struct block *block = row_drain->block;
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(shard, block->sink, &block->rows[i], BLOCK_DURABLE);
    row_drain->rows += block->count;
    return 0;
}

/* Returns whether the sink got any, or negative. */
static int drain_sink(struct row_drain *row_drain, struct shard *shard, uint32_t sink,
                      enum take_mode mode, const struct row_drain_filter *filter)
{
    bool any = false;
    for (;;) {
        struct block *block = row_drain->block;
        block->count = 0;
        block->sink = sink;
        block->registry = row_drain->conf.config->registry;
        if (shard_take_rows(shard, sink, mode, block) == 0)
            return any;
        any = true;
        sift(block, shard, filter);
        int err = write_block(row_drain, shard, sink);
        if (err < 0)
            return err;
    }
}

/* When one sink has settled a day, the next day may open for all sinks. So all sinks take turns
 * until no sink gets rows. */
int row_drain_run(struct row_drain *row_drain, struct shard *shard, enum take_mode mode,
                  const struct row_drain_filter *filter)
{
    bool more;
    do {
        more = false;
        for (uint32_t sink = 0; sink < row_drain->sinks_count; sink++) {
            int any = drain_sink(row_drain, shard, sink, mode, filter);
            if (any < 0)
                return any;
            more |= any > 0;
        }
    } while (more);
    return 0;
}
