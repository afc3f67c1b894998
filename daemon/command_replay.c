/* command_replay.c - the same pipeline over a file: no Kafka, no network, no clock. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/timestamp.h"
#include "daemon/command.h"
#include "daemon/feed.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/ingest/reader.h"
#include "pipelines/sink/sink.h"

enum {
    MESSAGES_PER_DRAIN = 4096, /* rows that may go are written this often, and progress shown */
    SINK_DEADLINE_MS = 300000  /* a sink that takes no row for so long ends the replay */
};

static const char usage[] =
    "ghgd replay [-c FILE] [OPTIONS] [EVENTS]\n"
    "\n"
    "Reads events from the file EVENTS, or from standard input (- or nothing): one JSON object or\n"
    "array a line, or concatenated MessagePack. Takes them through the same pipeline as the "
    "daemon\n"
    "and writes each final row once. The figures do not depend on the order of the events, as "
    "long\n"
    "as it stays within the horizon. A summary on standard error accounts for every event.\n"
    "\n"
    "  -c, --config FILE   the configuration (default " CONFIG_FILE_DEFAULT ")\n"
    "  -o, --output FILE   rows as line protocol to FILE, or - for standard output (the default)\n"
    "  -s, --sinks         rows to the configured sinks instead\n"
    "      --sink NAME     rows to this configured sink instead\n"
    "  -r, --rejects FILE  one line for every event that was not used: where it stood, and why\n"
    "      --as-of TIME    judge events as if they had all arrived at TIME (RFC 3339; now by\n"
    "                      default): what is further ahead than windows.early_tolerance is early\n"
    "  -q, --quiet         no progress, no summary\n"
    "  -h, --help          this text\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"output", required_argument, NULL, 'o'},
    {"sinks", no_argument, NULL, 's'},
    {"sink", required_argument, NULL, 'S'},
    {"rejects", required_argument, NULL, 'r'},
    {"as-of", required_argument, NULL, 'A'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct replay {
    const char *config_file, *events_path, *output_path, *sink_name, *rejects_path;
    bool to_sinks, quiet;
    int64_t as_of_ms;

    struct config *config;
    uv_loop_t loop;
    struct sink_conf output;
    struct sink *sinks[SINKS_MAX];
    uint32_t sinks_count, sinks_open;
    struct block *block;
    struct shard *shard;
    struct feed *feed;
    struct reader *reader;
    FILE *rejects;
    int64_t messages;
    uint64_t rows;
    int64_t started_ms, shown_ms;
};

/* --- rows to sinks --- */

static void settle_rows(struct replay *replay)
{
    const struct block *block = replay->block;
    for (uint32_t i = 0; i < block->count; i++)
        shard_row_settled(replay->shard, block->sink, &block->rows[i]);
    replay->rows += block->count;
    replay->block->count = 0;
}

static void on_closed(void *context)
{
    ((struct replay *)context)->sinks_open--;
}

/* Writes what may go to one sink. Returns the number of rows, or negative. */
static int drain_sink(struct replay *replay, uint32_t sink)
{
    int rows = 0;
    for (;;) {
        replay->block->sink = sink;
        replay->block->registry = replay->config->registry;
        uint32_t taken = shard_take_rows(replay->shard, sink, TAKE_CLOSING, replay->block);
        if (taken == 0)
            return rows;
        int err =
            sink_write_sync(replay->sinks[sink], &replay->loop, &replay->block, SINK_DEADLINE_MS);
        if (err < 0) {
            (void)fprintf(stderr, "ghgd replay: a sink takes no rows: %s (%s)\n", err_str(err),
                          sink_get_stats(replay->sinks[sink])->last_error);
            return err;
        }
        settle_rows(replay);
        rows += (int)taken;
    }
}

/* Until no sink gets any: where one has settled a day, the next one may open for all. */
static int drain(struct replay *replay)
{
    int total;
    do {
        total = 0;
        for (uint32_t sink = 0; sink < replay->sinks_count; sink++) {
            int rows = drain_sink(replay, sink);
            if (rows < 0)
                return rows;
            total += rows;
        }
    } while (total > 0);
    return 0;
}

static const struct sink_conf *sink_conf_at(const struct replay *replay, uint32_t index)
{
    if (!replay->to_sinks && replay->sink_name == NULL)
        return index == 0 ? &replay->output : NULL;
    const struct config *config = replay->config;
    uint32_t found = 0;
    for (uint32_t i = 0; i < config->sinks_count; i++) {
        if (replay->sink_name != NULL && strcmp(config->sinks[i].name, replay->sink_name) != 0)
            continue;
        if (found++ == index)
            return &config->sinks[i];
    }
    return NULL;
}

/* Results of an earlier replay go: the sink appends. Pipes and devices have nothing to lose. */
static int empty_output(const struct replay *replay)
{
    if (sink_conf_at(replay, 0) != &replay->output || strcmp(replay->output_path, "-") == 0)
        return 0;
    if (truncate(replay->output_path, 0) == 0 || errno == ENOENT || errno == EINVAL)
        return 0;
    int err = -errno;
    (void)fprintf(stderr, "ghgd replay: %s: %s\n", replay->output_path, err_str(err));
    return err;
}

static int open_sinks(struct replay *replay)
{
    struct sink_callbacks callbacks = {.closed = on_closed, .context = replay};
    replay->output =
        (struct sink_conf){.name = "output", .type = SINK_FILE, .path = replay->output_path};
    int err = empty_output(replay);
    if (err < 0)
        return err;
    const struct sink_conf *conf;
    while ((conf = sink_conf_at(replay, replay->sinks_count)) != NULL) {
        err = sink_create(&replay->sinks[replay->sinks_count], &replay->loop, conf,
                          replay->config->window.bucket_ms, &callbacks);
        if (err < 0) {
            (void)fprintf(stderr, "ghgd replay: sink \"%s\" cannot be opened: %s\n", conf->name,
                          err_str(err));
            return err;
        }
        replay->sinks_count++;
        replay->sinks_open++;
    }
    if (replay->sinks_count > 0)
        return 0;
    (void)fprintf(stderr, "ghgd replay: the configuration has no such sink\n");
    return -ENOENT;
}

static void close_sinks(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->sinks_count; i++)
        sink_close(replay->sinks[i]);
    while (replay->sinks_open > 0)
        uv_run(&replay->loop, UV_RUN_ONCE);
    uv_run(&replay->loop, UV_RUN_DEFAULT);
}

/* --- events --- */

static void on_refused(void *context, const struct refusal *refusal)
{
    struct replay *replay = context;
    if (replay->rejects == NULL)
        return;
    (void)fprintf(replay->rejects, "%" PRId64 "\t%" PRIu32 "\t%s\t%s\t%s\n", refusal->offset + 1,
                  refusal->origin.index + 1, outcome_class(refusal->outcome),
                  outcome_reason(refusal->outcome), outcome_help(refusal->outcome));
}

static void show_progress(struct replay *replay)
{
    int64_t time_ms = clock_steady_ms();
    if (replay->quiet || !isatty(STDERR_FILENO) || time_ms - replay->shown_ms < 200)
        return;
    replay->shown_ms = time_ms;
    int64_t size = reader_size(replay->reader);
    int64_t position = reader_position(replay->reader);
    uint64_t events = feed_events_read(replay->feed);
    double rate = (double)events * 1000.0 / (double)(time_ms - replay->started_ms + 1);
    (void)fprintf(stderr, "\r%" PRIu64 " events, %.0f a second, %" PRIu64 " rows", events, rate,
                  replay->rows);
    if (size > 0)
        (void)fprintf(stderr, ", %d %% of the file ", (int)(position * 100 / size));
}

static int take_message(struct replay *replay, const struct feed_message *message)
{
    while (feed_take(replay->feed, message, 1) == 0) {
        if (!shard_is_blocked(replay->shard))
            continue;
        int err = drain(replay);
        if (err < 0)
            return err;
        ASSERT(!shard_is_blocked(replay->shard)); /* everything that may go has gone */
    }
    return 0;
}

static int read_events(struct replay *replay)
{
    struct feed_message message = {.arrived_ms = replay->as_of_ms};
    int more;
    while ((more = reader_next(replay->reader, &message.bytes, &message.size)) > 0) {
        message.offset = replay->messages++;
        int err = take_message(replay, &message);
        if (err == 0 && replay->messages % MESSAGES_PER_DRAIN == 0) {
            err = drain(replay);
            show_progress(replay);
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

/* --- the account --- */

static void print_summary(const struct replay *replay)
{
    uint64_t counts[OUTCOME_COUNT] = {0};
    const struct shard_stats *stats = shard_get_stats(replay->shard);
    feed_add_outcomes(replay->feed, counts);
    uint64_t rejected = 0;
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
        counts[i] += stats->outcomes[i];
        rejected += i >= REJECT_UNDECODABLE ? counts[i] : 0;
    }
    int64_t elapsed_ms = clock_steady_ms() - replay->started_ms + 1;
    (void)fprintf(
        stderr,
        "%sread %" PRIu64 " = used %" PRIu64 " + duplicate %" PRIu64 " + corrected %" PRIu64
        " + late %" PRIu64 " + early %" PRIu64 " + unknown %" PRIu64 " + rejected %" PRIu64 "\n",
        !replay->quiet && isatty(STDERR_FILENO) ? "\r\033[K" : "", feed_events_read(replay->feed),
        counts[OUTCOME_USED], counts[OUTCOME_DUPLICATE], counts[OUTCOME_CORRECTED],
        counts[OUTCOME_LATE], counts[OUTCOME_EARLY], counts[OUTCOME_UNKNOWN], rejected);
    for (enum outcome i = REJECT_UNDECODABLE; i < OUTCOME_COUNT; i++) {
        if (counts[i] > 0)
            (void)fprintf(stderr, "  rejected %" PRIu64 " %s: %s\n", counts[i], outcome_reason(i),
                          outcome_help(i));
    }
    if (stats->discontinuities + stats->rollovers + stats->overlaps > 0)
        (void)fprintf(stderr,
                      "registers: %" PRIu64 " discontinuities held, %" PRIu64
                      " rollovers; intervals: %" PRIu64 " overlaps\n",
                      stats->discontinuities, stats->rollovers, stats->overlaps);
    (void)fprintf(stderr, "wrote %" PRIu64 " rows of %" PRIu64 " facilities in %.3f s\n",
                  replay->rows, stats->facilities, (double)elapsed_ms / 1000.0);
}

/* --- setting up and taking down --- */

static int parse_arguments(struct replay *replay, int argc, char **argv)
{
    int option;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet
    while ((option = getopt_long(argc, argv, "c:o:sr:qh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            replay->config_file = optarg;
            break;
        case 'o':
            replay->output_path = optarg;
            break;
        case 's':
            replay->to_sinks = true;
            break;
        case 'S':
            replay->sink_name = optarg;
            break;
        case 'r':
            replay->rejects_path = optarg;
            break;
        case 'A':
            if (timestamp_parse(&replay->as_of_ms, optarg, strlen(optarg)) < 0)
                return command_misused("replay", "--as-of wants a time with offset, not", optarg);
            break;
        case 'q':
            replay->quiet = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return -1;
        default:
            return EXIT_MISUSED;
        }
    }
    if (optind < argc)
        replay->events_path = argv[optind++];
    if (optind < argc)
        return command_misused("replay", "takes one file of events, not also", argv[optind]);
    return EXIT_GOOD;
}

static int open_events(struct replay *replay)
{
    int err = reader_open(&replay->reader, replay->events_path,
                          (enum event_format)replay->config->input.format);
    if (err < 0) {
        (void)fprintf(stderr, "ghgd replay: %s: %s\n", replay->events_path, err_str(err));
        return err;
    }
    if (replay->rejects_path == NULL)
        return 0;
    replay->rejects = fopen(replay->rejects_path, "w");
    if (replay->rejects != NULL)
        return 0;
    err = -errno;
    (void)fprintf(stderr, "ghgd replay: %s: %s\n", replay->rejects_path, err_str(err));
    return err;
}

static int open_pipeline(struct replay *replay)
{
    const struct config *config = replay->config;
    const struct kernels *kernels = kernels_find(config->simd);
    if (kernels == NULL) {
        (void)fprintf(stderr, "ghgd replay: this machine has no kernels \"%s\"\n", config->simd);
        return -ENOTSUP;
    }
    struct shard_context context = {.registry = config->registry,
                                    .window = &config->window,
                                    .kernels = kernels,
                                    .sinks_count = replay->sinks_count};
    int err = shard_create(&replay->shard, &context, 0);
    if (err < 0)
        return err;
    struct decode_conf decode = {.format = (enum event_format)config->input.format,
                                 .time_unit = (uint8_t)config->input.time_unit};
    memcpy(decode.fields, config->input.fields, sizeof(decode.fields));
    struct feed_conf feed = {.decode = &decode,
                             .registry = config->registry,
                             .shard = replay->shard,
                             .refused = on_refused,
                             .context = replay};
    err = feed_create(&replay->feed, &feed);
    return err < 0 ? err : block_create(&replay->block, ROWS_PER_BLOCK_MAX);
}

/* The parts, in the order in which they are made; taken down in reverse. */
static int replay_all(struct replay *replay)
{
    int err = command_load_config(&replay->config, replay->config_file);
    if (err < 0)
        return err;
    uv_loop_init(&replay->loop);
    replay->started_ms = clock_steady_ms();
    err = open_events(replay);
    if (err == 0)
        err = open_sinks(replay);
    if (err == 0)
        err = open_pipeline(replay);
    if (err == 0)
        err = read_events(replay);
    if (err == 0 && !replay->quiet)
        print_summary(replay);
    close_sinks(replay);
    block_destroy(&replay->block);
    feed_destroy(&replay->feed);
    shard_destroy(&replay->shard);
    if (replay->rejects != NULL && fclose(replay->rejects) != 0 && err == 0)
        err = -errno;
    if (replay->reader != NULL)
        reader_close(&replay->reader);
    ASSERT(uv_loop_close(&replay->loop) == 0);
    config_destroy(&replay->config);
    return err;
}

int command_replay(int argc, char **argv)
{
    struct replay replay = {.config_file = CONFIG_FILE_DEFAULT,
                            .events_path = "-",
                            .output_path = "-",
                            .as_of_ms = clock_wall_ms()};
    int status = parse_arguments(&replay, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    return replay_all(&replay) < 0 ? EXIT_FAILED : EXIT_GOOD;
}
