/* replay_file.c - a file, as if it were one partition: no Kafka, no network, no clock.
 *
 * A file is read twice: first for its as-of time, then for its rows.
 */
#include <errno.h>
#include <string.h>

#include "daemon/replay/as_of.h"
#include "daemon/replay/replay.h"
#include "pipelines/ingest/reader.h"
#include "pipelines/ingest/resolve.h"

enum { MESSAGES_PER_DRAIN = 4096 /* rows that may go are written this often, progress is shown */ };

/* --- the file's as-of time --- */

struct survey {
    const struct replay *replay;
    struct as_of as_of;
};

static void on_event(void *context, const struct event *event)
{
    struct survey *survey = context;
    const struct config *config = survey->replay->config;
    struct batch_event reading;
    if (resolve_event(&reading, config->registry, event, &(struct place){0}) == OUTCOME_USED &&
        reading.end_ms <= survey->replay->as_of_ms + config->window.early_tolerance_ms)
        as_of_add(&survey->as_of, reading.meter, reading.end_ms);
}

/* A message that cannot be read is reported by the pass that follows. */
static void read_survey(struct survey *survey, struct decoder *decoder)
{
    const struct replay *replay = survey->replay;
    struct reader *reader;
    if (reader_open(&reader, replay->events_path, (enum event_format)replay->config->input.format) <
        0)
        return;
    const void *message;
    size_t size;
    while (reader_next(reader, &message, &size) > 0)
        decoder_decode(decoder, message, size, false, on_event, survey);
    reader_close(&reader);
}

static int survey_file(struct replay *replay)
{
    struct survey survey = {.replay = replay};
    as_of_init(&survey.as_of, replay->config->window.horizon_ms);
    const struct decode_conf conf = replay_decode_conf(replay->config);
    struct decoder *decoder;
    int err = decoder_create(&decoder, &conf);
    if (err < 0)
        return err;
    read_survey(&survey, decoder);
    decoder_destroy(&decoder);
    if (as_of_get(&survey.as_of) != INT64_MIN) {
        replay->stands_at_ms = as_of_get(&survey.as_of);
        replay->stands_by = as_of_is_confirmed(&survey.as_of)
                                ? "the newest time in the file that another reading confirms"
                                : "the newest time in the file";
    }
    return 0;
}

/* Sets the time before which nothing can be the first reading. `can_be_read_twice`: it is a file,
 * no pipe. */
static int find_first_floor(struct replay *replay, bool can_be_read_twice)
{
    bool given = replay->as_of_ms != replay->now_ms;
    replay->stands_at_ms = replay->as_of_ms;
    replay->stands_by = given ? "--as-of" : "the clock";
    int err = can_be_read_twice && !given ? survey_file(replay) : 0;
    replay->first_floor_ms = replay->floor_ms != INT64_MIN
                                 ? replay->floor_ms
                                 : replay->stands_at_ms - replay->config->window.backfill_max_ms;
    return err;
}

/* --- its rows --- */

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
    bool can_be_read_twice = strcmp(replay->events_path, "-") != 0 && reader_size(reader) >= 0;
    err = find_first_floor(replay, can_be_read_twice);
    if (err == 0)
        err = row_drain_open(&replay->row_drain, &replay->loop, &replay->output);
    if (err == 0)
        err = replay_open_pipeline(replay, -1);
    if (err == 0)
        err = read_events(replay, reader);
    replay_close_pipeline(replay);
    reader_close(&reader);
    return err;
}
