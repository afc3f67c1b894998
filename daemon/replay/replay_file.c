/* replay_file.c - a file, as if it were one partition: no Kafka, no network, no clock. */
#include <errno.h>

#include "daemon/replay/replay.h"
#include "pipelines/ingest/reader.h"

enum { MESSAGES_PER_DRAIN = 4096 /* rows that may go are written this often, progress is shown */ };

static int drain(struct replay *replay)
{
    return row_drain_run(replay->row_drain, replay->shard, TAKE_CLOSING, &replay->filter);
}

static void show_progress(struct replay *replay, const struct reader *reader)
{
    int64_t size = reader_size(reader);
    replay_show_progress(replay, size > 0 ? (double)reader_position(reader) / (double)size : -1.0);
}

static int read_events(struct replay *replay, struct reader *reader)
{
    struct raw_message message = {.arrived_ms = replay->as_of_ms};
    int64_t messages = 0;
    int more;
    while ((more = reader_next(reader, &message.bytes, &message.size)) > 0) {
        message.offset = messages++;
        int err = replay_take(replay, &message);
        if (err == 0 && messages % MESSAGES_PER_DRAIN == 0) {
            err = drain(replay);
            show_progress(replay, reader);
        }
        if (err < 0)
            return err;
    }
    if (more < 0) {
        (void)fprintf(stderr, "ghgd replay: %s: %s\n", replay->events_path, err_str(more));
        return more;
    }
    shard_finish(replay->shard);
    int err = drain(replay);
    ASSERT(err < 0 || shard_is_drained(replay->shard));
    return err;
}

int replay_file(struct replay *replay)
{
    struct reader *reader;
    int err =
        reader_open(&reader, replay->events_path, (enum event_format)replay->config->input.format);
    if (err < 0) {
        (void)fprintf(stderr, "ghgd replay: %s: %s\n", replay->events_path, err_str(err));
        return err;
    }
    replay->filter = ROW_DRAIN_EVERYTHING;
    err = row_drain_open(&replay->row_drain, &replay->loop, &replay->output);
    if (err == 0)
        err = replay_open_pipeline(replay, -1);
    if (err == 0)
        err = read_events(replay, reader);
    replay_close_pipeline(replay);
    reader_close(&reader);
    return err;
}
