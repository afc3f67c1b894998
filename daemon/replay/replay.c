#include "daemon/replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "pipelines/emissions/kernels.h"

enum { PROGRESS_MS = 200 };

/* Where the event stood: its line in a file, or its partition and offset; and which it was there.
 */
static void on_refused(void *context, const struct refusal *refusal)
{
    struct replay *replay = context;
    if (replay->rejects == NULL)
        return;
    if (replay->partition < 0)
        (void)fprintf(replay->rejects, "%" PRId64, refusal->offset + 1);
    else
        (void)fprintf(replay->rejects, "%" PRId32 ":%" PRId64, replay->partition, refusal->offset);
    (void)fprintf(replay->rejects, "\t%" PRIu32 "\t%s\t%s\t%s\n", refusal->origin.index + 1,
                  outcome_class(refusal->outcome), outcome_reason(refusal->outcome),
                  refusal_help(refusal));
}

static int open_shard(struct replay *replay, int32_t partition)
{
    const struct config *config = replay->config;
    const struct kernels *kernels = kernels_find(config->simd);
    if (kernels == NULL) {
        (void)fprintf(stderr, "ghgd replay: this machine has no kernels \"%s\"\n", config->simd);
        return -ENOTSUP;
    }
    struct shard_context context = {.registry = config->registry,
                                    .window = &config->window,
                                    .targets = config->targets,
                                    .trajectory = &config->trajectory,
                                    .kernels = kernels,
                                    .sinks_count = row_drain_sinks_count(replay->row_drain),
                                    .sinks = row_drain_sinks(replay->row_drain),
                                    .facility_partition = replay->owners,
                                    .known_from_ms = replay->known_from_ms,
                                    .first_floor_ms = &replay->first_floor_ms};
    return shard_create(&replay->shard, &context, partition < 0 ? 0 : (uint32_t)partition);
}

struct decode_conf replay_decode_conf(const struct config *config)
{
    struct decode_conf decode = {.format = (enum event_format)config->input.format,
                                 .time_unit = (uint8_t)config->input.time_unit};
    memcpy(decode.fields, config->input.fields, sizeof(decode.fields));
    return decode;
}

int replay_open_pipeline(struct replay *replay, int32_t partition)
{
    const struct config *config = replay->config;
    replay->partition = partition;
    replay->position = (struct log_position){.offset = -1};
    int err = open_shard(replay, partition);
    if (err < 0)
        return err;
    const struct decode_conf decode = replay_decode_conf(config);
    struct message_applier_conf applier = {.decode = &decode,
                                           .registry = config->registry,
                                           .shard = replay->shard,
                                           .batch = &replay->batch,
                                           .refused = on_refused,
                                           .context = replay};
    err = message_applier_create(&replay->applier, &applier);
    if (err < 0)
        shard_destroy(&replay->shard);
    return err;
}

/* A shard that goes gives its facilities up; those of an earlier partition stay that one's. */
static void destroy_shard(struct replay *replay)
{
    size_t size = replay->config->registry->facilities_count * sizeof(*replay->owners);
    if (replay->owners != NULL)
        memcpy(replay->claims, replay->owners, size);
    shard_destroy(&replay->shard);
    if (replay->owners != NULL)
        memcpy(replay->owners, replay->claims, size);
}

void replay_close_pipeline(struct replay *replay)
{
    if (replay->applier == NULL)
        return;
    struct account *account = &replay->account;
    const struct shard_stats *stats = shard_get_stats(replay->shard);
    account->read += message_applier_events_read(replay->applier);
    message_applier_add_outcomes(replay->applier, account->counts);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        account->counts[i] += stats->outcomes[i];
    shard_add_chains(replay->shard, &account->chains);
    account->overlaps += stats->overlaps;
    account->facilities += stats->facilities;
    account->negative_rests += stats->negative_rests + stats->left_negative_rests;
    account->check_differences += stats->check_differences + stats->left_check_differences;
    message_applier_destroy(&replay->applier);
    destroy_shard(replay);
}

int replay_take(struct replay *replay, const struct raw_message *message)
{
    while (message_applier_take(replay->applier, &replay->position, message, 1) == 0) {
        if (!shard_is_blocked(replay->shard))
            continue;
        if (shard_get_block(replay->shard) == SHARD_WAITS_FOR_MEMORY)
            return -ENOMEM; /* which was logged */
        int err = row_drain_run(replay->row_drain, replay->shard, TAKE_CLOSING, &replay->filter);
        if (err < 0)
            return err;
        ASSERT(!shard_is_blocked(replay->shard)); /* everything that may go has gone */
    }
    return 0;
}

void replay_show_progress(struct replay *replay, double share)
{
    int64_t time_ms = clock_steady_ms();
    if (replay->quiet || !isatty(STDERR_FILENO) || time_ms - replay->shown_ms < PROGRESS_MS)
        return;
    replay->shown_ms = time_ms;
    uint64_t events = replay->account.read + message_applier_events_read(replay->applier);
    double rate = (double)events * 1000.0 / (double)(time_ms - replay->started_ms + 1);
    (void)fprintf(stderr, "\r%" PRIu64 " events, %.0f a second, %" PRIu64 " rows", events, rate,
                  row_drain_rows(replay->row_drain));
    if (share >= 0)
        (void)fprintf(stderr, ", %.0f %% of the %s ", share * 100,
                      replay->from_kafka ? "log" : "file");
}
