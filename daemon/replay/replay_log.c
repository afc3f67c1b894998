/* replay_log.c - the input topic between two times, one partition after the other. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "daemon/replay/dips.h"
#include "daemon/replay/replay.h"
#include "daemon/replay/replay_range.h"
#include "pipelines/kafka/log_reader.h"
#include "pipelines/kafka/native_header.h"

enum {
    WORDS_BYTES_MAX = 64 << 10,
    MESSAGES_PER_DRAIN = 4096 /* where Kafka timestamps do not tell how time passes */
};

/* The part of a partition that is to be read. */
struct log_stretch {
    int64_t from, to;   /* offsets */
    int64_t right_ms;   /* windows that begin earlier cannot be right; INT64_MIN: all are */
    int64_t newest_ms;  /* of the Kafka timestamps read so far; INT64_MIN */
    int64_t drained_ms; /* the Kafka timestamp at which rows were taken last */
    uint64_t messages;
};

struct logs {
    struct replay *replay;
    struct log_reader *reader;
    struct replay_range range;
    struct dips *dips; /* NULL: the tables have no stock */
    struct log_stretch *stretches;
    int32_t count;
    int64_t offsets_total, offsets_done;
    struct buffer why;
};

static int complain(struct logs *logs, int err)
{
    const char *words = buffer_text(&logs->why);
    bool has_words = words != NULL && words[0] != '\0';
    (void)fprintf(stderr, "ghgd replay: %s\n", has_words ? words : err_str(err));
    return err;
}

/* --- the range to read --- */

/* The first message that is still there tells since when the log is whole. */
static int find_right(struct logs *logs, int32_t partition, struct log_stretch *stretch)
{
    stretch->right_ms = INT64_MAX; /* all of it has been deleted */
    if (stretch->from >= stretch->to)
        return 0;
    int err = log_reader_start(logs->reader, partition, stretch->from, stretch->to, &logs->why);
    rd_kafka_message_t **messages;
    int count = err < 0 ? err : log_reader_next(logs->reader, &messages, &logs->why);
    if (count <= 0)
        return count;
    int64_t first_ms = log_message_time_ms(messages[0]);
    if (first_ms == INT64_MIN) {
        buffer_add_str(&logs->why, "the messages carry no timestamps");
        return -ENODATA;
    }
    stretch->right_ms = replay_range_right_ms(&logs->range, first_ms);
    return 0;
}

static int find_end(struct logs *logs, int32_t partition, const struct log_bounds *bounds,
                    int64_t *to_out)
{
    int err =
        log_reader_find(logs->reader, partition, bounds, logs->range.until_ms, to_out, &logs->why);
    if (err <= 0)
        return err;
    char until[TIMESTAMP_TEXT_SIZE];
    buffer_printf(&logs->why,
                  "partition %" PRId32
                  ": the broker finds no message of %s or later, but the newest one is; try again",
                  partition, timestamp_format(until, logs->range.until_ms));
    return -EIO;
}

static int read_dips(struct logs *logs, int32_t partition, int64_t from, int64_t to)
{
    int err = log_reader_start(logs->reader, partition, from, to, &logs->why);
    if (err < 0)
        return err;
    rd_kafka_message_t **messages;
    int count;
    while ((count = log_reader_next(logs->reader, &messages, &logs->why)) > 0) {
        for (int i = 0; i < count; i++) {
            if (messages[i]->payload != NULL)
                dips_read(logs->dips, messages[i]->payload, messages[i]->len,
                          message_is_native(messages[i]));
        }
    }
    return count;
}

/* A balance may begin with a dip that is older than all else that is needed. Moves the beginning of
 * the stretch back, in steps that double, until every dip in it has the one before, and stocks that
 * accrue have two, or the log begins. */
static int reach_dips(struct logs *logs, int32_t partition, const struct log_bounds *bounds)
{
    struct log_stretch *stretch = &logs->stretches[partition];
    if (logs->dips == NULL || stretch->from >= stretch->to)
        return 0;
    int64_t needed_ms = logs->range.read_from_ms + logs->range.lead_ms;
    int64_t time_ms = logs->range.read_from_ms;
    int64_t step_ms = logs->range.lead_ms;
    dips_clear(logs->dips);
    int err = read_dips(logs, partition, stretch->from, stretch->to);
    while (err == 0 && stretch->from > bounds->low && dips_lack_any(logs->dips, needed_ms)) {
        int64_t from = bounds->low;
        time_ms = MAX(time_ms - step_ms, 0);
        step_ms = MIN(step_ms * 2, TIME_MAX_MS);
        err = log_reader_find(logs->reader, partition, bounds, time_ms, &from, &logs->why);
        if (err < 0)
            return err;
        from = MAX(MIN(from, stretch->from), bounds->low);
        err = read_dips(logs, partition, from, stretch->from);
        stretch->from = from;
    }
    return err;
}

/* Returns whether the log has lost a dip that is needed, and names the stocks. A log that has lost
 * nothing never had it: the windows are as the daemon wrote them. */
static bool tell_lost_dips(struct logs *logs, int32_t partition, const struct log_bounds *bounds)
{
    struct log_stretch *stretch = &logs->stretches[partition];
    int64_t needed_ms = logs->range.read_from_ms + logs->range.lead_ms;
    if (logs->dips == NULL || bounds->low == 0 || stretch->from >= stretch->to ||
        dips_count_missing(logs->dips, needed_ms) == 0)
        return false;
    struct buffer names;
    buffer_init(&names, WORDS_BYTES_MAX);
    int64_t latest_ms = dips_name_missing(logs->dips, needed_ms, &names);
    stretch->right_ms = MAX(stretch->right_ms, latest_ms);
    const char *text = buffer_text(&names);
    (void)fprintf(stderr,
                  "ghgd replay: partition %" PRId32
                  ": the log no longer has the dip before the first one of these stocks: %s\n",
                  partition, text != NULL ? text : "?");
    buffer_fini(&names);
    return true;
}

/* Returns negative, or whether stocks lack a dip. */
static int plan_stretch(struct logs *logs, int32_t partition)
{
    struct log_stretch *stretch = &logs->stretches[partition];
    *stretch = (struct log_stretch){.newest_ms = INT64_MIN, .right_ms = INT64_MIN};
    struct log_bounds bounds;
    int64_t from = 0;
    int64_t to = INT64_MAX;
    int err = log_reader_get_bounds(logs->reader, partition, &bounds, &logs->why);
    if (err == 0)
        err = log_reader_find(logs->reader, partition, &bounds, logs->range.read_from_ms, &from,
                              &logs->why);
    if (err >= 0 && logs->replay->to_ms != INT64_MIN)
        err = find_end(logs, partition, &bounds, &to);
    if (err < 0)
        return err;
    stretch->to = MIN(to, bounds.high);
    stretch->from = MIN(MAX(from, bounds.low), stretch->to);
    /* An earlier message is there, or there never was one. */
    bool whole = bounds.low == 0 || (from > bounds.low && bounds.low < bounds.high);
    err = whole ? 0 : find_right(logs, partition, stretch);
    if (err >= 0)
        err = reach_dips(logs, partition, &bounds);
    logs->offsets_total += stretch->to - stretch->from;
    return err < 0 ? err : tell_lost_dips(logs, partition, &bounds);
}

/* Returns whether there are windows of the partition that cannot be right, and names them. */
static int tell_lost(struct logs *logs, int32_t partition)
{
    int64_t right_ms = logs->stretches[partition].right_ms;
    if (right_ms == INT64_MIN)
        return 0;
    struct buffer names;
    buffer_init(&names, WORDS_BYTES_MAX);
    int err = replay_range_name_lost(&logs->range, logs->replay->config, right_ms, &names);
    bool lost = err == 0 && names.size > 0;
    char right[TIMESTAMP_TEXT_SIZE] = "";
    if (lost && right_ms == INT64_MAX)
        (void)fprintf(stderr,
                      "ghgd replay: partition %" PRId32
                      ": all its messages have been deleted; nothing of it can be written\n",
                      partition);
    else if (lost)
        (void)fprintf(stderr,
                      "ghgd replay: partition %" PRId32
                      ": the log no longer reaches back far enough; only windows that begin at %s "
                      "or later can be right. Not right: %s\n",
                      partition, timestamp_format(right, right_ms), buffer_text(&names));
    buffer_fini(&names);
    return err < 0 ? err : lost;
}

static int plan(struct logs *logs)
{
    logs->count = log_reader_partitions(logs->reader);
    logs->stretches = calloc((size_t)logs->count, sizeof(*logs->stretches));
    if (logs->stretches == NULL)
        return -ENOMEM;
    bool lost = false;
    for (int32_t i = 0; i < logs->count; i++) {
        int err = plan_stretch(logs, i);
        if (err < 0)
            return err;
        lost |= err > 0;
        err = tell_lost(logs, i);
        if (err < 0)
            return err;
        lost |= err > 0;
    }
    if (!lost || logs->replay->partial)
        return 0;
    buffer_add_str(&logs->why, "nothing was written; --partial writes the windows that are right");
    return -ENODATA;
}

/* --- reading --- */

/* Windows close as they did in the daemon, which writes every few seconds: each time the Kafka
 * timestamps have passed a bucket. */
static bool is_drain_due(const struct logs *logs, const struct log_stretch *stretch,
                         int64_t time_ms)
{
    if (time_ms == INT64_MIN)
        return stretch->messages % MESSAGES_PER_DRAIN == 0;
    return time_ms - stretch->drained_ms >= logs->replay->config->window.bucket_ms;
}

static int take_message(struct logs *logs, struct log_stretch *stretch,
                        const rd_kafka_message_t *message)
{
    struct replay *replay = logs->replay;
    struct raw_message fed = {.bytes = message->payload,
                              .size = message->len,
                              .native = message_is_native(message),
                              .offset = message->offset,
                              .arrived_ms = log_message_time_ms(message)};
    int err = replay_take(replay, &fed);
    stretch->messages++;
    stretch->newest_ms = MAX(stretch->newest_ms, fed.arrived_ms);
    if (err < 0 || !is_drain_due(logs, stretch, fed.arrived_ms))
        return err;
    stretch->drained_ms = MAX(stretch->drained_ms, fed.arrived_ms);
    return row_drain_run(replay->row_drain, replay->shard, TAKE_CLOSING, &replay->filter);
}

static int read_stretch(struct logs *logs, int32_t partition)
{
    struct log_stretch *stretch = &logs->stretches[partition];
    int err = log_reader_start(logs->reader, partition, stretch->from, stretch->to, &logs->why);
    if (err < 0)
        return complain(logs, err);
    rd_kafka_message_t **messages;
    int count;
    while ((count = log_reader_next(logs->reader, &messages, &logs->why)) > 0) {
        for (int i = 0; i < count; i++) {
            err = take_message(logs, stretch, messages[i]);
            if (err < 0)
                return err;
        }
        int64_t done = logs->offsets_done + messages[count - 1]->offset - stretch->from;
        replay_show_progress(logs->replay, (double)done / (double)logs->offsets_total);
    }
    logs->offsets_done += stretch->to - stretch->from;
    return count < 0 ? complain(logs, count) : 0;
}

/* Windows that are final where the log ends. The running daemon writes the rest. */
static int write_rest(struct logs *logs, const struct log_stretch *stretch)
{
    struct replay *replay = logs->replay;
    int64_t idle_ms = logs->range.until_ms - replay->config->window.idle_timeout_ms;
    if (stretch->newest_ms != INT64_MIN && stretch->newest_ms <= idle_ms)
        shard_idle(replay->shard, logs->range.until_ms);
    int err = row_drain_run(replay->row_drain, replay->shard, TAKE_CLOSING, &replay->filter);
    return err < 0 ? err
                   : row_drain_run(replay->row_drain, replay->shard, TAKE_ALL, &replay->filter);
}

/* The windows that begin from then on are known whole; 0: all are. */
static int64_t known_from(const struct logs *logs, const struct log_stretch *stretch)
{
    if (stretch->from == 0)
        return 0;
    return MAX(logs->range.read_from_ms + logs->range.lead_ms, stretch->right_ms);
}

static int replay_partition(struct logs *logs, int32_t partition)
{
    struct replay *replay = logs->replay;
    const struct log_stretch *stretch = &logs->stretches[partition];
    if (stretch->from >= stretch->to)
        return 0;
    replay->filter = (struct row_drain_filter){
        .after_ms = logs->range.from_ms, .begin_ms = stretch->right_ms, .final_only = true};
    replay->known_from_ms = known_from(logs, stretch);
    int err = replay_open_pipeline(replay, partition);
    if (err < 0)
        return err;
    err = read_stretch(logs, partition);
    if (err == 0)
        err = write_rest(logs, stretch);
    replay_close_pipeline(replay);
    return err;
}

static int create_owners(struct replay *replay)
{
    size_t count = replay->config->registry->facilities_count;
    replay->owners = malloc((count + 1) * sizeof(*replay->owners));
    replay->claims = malloc((count + 1) * sizeof(*replay->claims));
    if (replay->owners == NULL || replay->claims == NULL)
        return -ENOMEM;
    memset(replay->owners, 0xff, count * sizeof(*replay->owners));
    return 0;
}

static int open_log(struct logs *logs)
{
    const struct config *config = logs->replay->config;
    int err = create_owners(logs->replay);
    if (err == 0)
        err = log_reader_open(&logs->reader, &config->kafka, config_log_topic(config), &logs->why);
    const struct decode_conf decode = replay_decode_conf(config);
    if (err == 0)
        err = dips_create(&logs->dips, config, &decode);
    if (err == 0)
        err = plan(logs);
    return err < 0 ? complain(logs, err) : 0;
}

int replay_log(struct replay *replay)
{
    struct logs logs = {.replay = replay};
    buffer_init(&logs.why, WORDS_BYTES_MAX);
    int64_t until_ms = replay->to_ms != INT64_MIN ? replay->to_ms : replay->now_ms;
    int err = replay_range_plan(&logs.range, replay->config, replay->from_ms, until_ms);
    if (err == 0)
        err = open_log(&logs);
    if (err == 0)
        err = row_drain_open(&replay->row_drain, &replay->loop, &replay->output);
    for (int32_t i = 0; err == 0 && i < logs.count; i++)
        err = replay_partition(&logs, i);
    log_reader_close(&logs.reader);
    dips_destroy(&logs.dips);
    free(logs.stretches);
    free(replay->owners);
    free(replay->claims);
    buffer_fini(&logs.why);
    return err;
}
