#include "pipelines/sink/totals_topic.h"

#include <errno.h>
#include <inttypes.h>

/* Compaction leaves the segment alone that is written to: a smaller one lets it begin sooner. */
static const struct topic_setting settings[] = {{"cleanup.policy", "compact"},
                                                {"segment.bytes", "67108864"}};

static const struct sink_conf *sink_of(const struct config *config)
{
    uint32_t i = 0;
    while (config->sinks[i].type != SINK_TOTALS) {
        i++;
        ASSERT(i < config->sinks_count);
    }
    return &config->sinks[i];
}

/* Thread: of the pool. */
static int make_topic(struct topic_check *check, const struct sink_conf *sink, int32_t *count)
{
    const struct topic_spec spec = {.name = sink->topic,
                                    .made_event = "sink.topic_made",
                                    .replication = sink->replication,
                                    .settings = settings,
                                    .settings_count = ARRAY_LEN(settings)};
    if (!topic_has_controller(check)) {
        buffer_printf(topic_check_why(check), "topic %s does not exist (sinks.topic)", sink->topic);
        return ERR_CONFIG;
    }
    if (!sink->create) {
        buffer_printf(topic_check_why(check),
                      "topic %s does not exist, and sinks.create is false; make it: ", sink->topic);
        topic_add_command(check, &spec, "create", 1);
        return ERR_CONFIG;
    }
    int err = topic_create(check, &spec, 1);
    return err < 0 ? err : topic_wait_partitions(check, sink->topic, 1, count);
}

/* Thread: of the pool. */
static int check_topic(struct topic_check *check, int32_t *partitions_out)
{
    const struct sink_conf *sink = sink_of(topic_check_config(check));
    int err = topic_count_partitions(check, sink->topic, partitions_out);
    if (err == 0 && *partitions_out == 0)
        err = make_topic(check, sink, partitions_out);
    if (err < 0)
        return err;
    if (*partitions_out > 1) {
        buffer_printf(topic_check_why(check),
                      "topic %s has %" PRId32 " partitions, and its records need the order of one; "
                      "give another sinks.topic",
                      sink->topic, *partitions_out);
        return ERR_CONFIG;
    }
    return topic_require_compact(check, sink->topic, "sinks.topic", "sink.topic_unverified");
}

int totals_topic_check(struct topic_check **check_out, uv_loop_t *loop, const struct config *config,
                       void (*done)(void *context, const struct topic_verdict *verdict),
                       void *context)
{
    struct topic_check_conf conf = {.config = config,
                                    .name = "totals",
                                    .recipe = check_topic,
                                    .done = done,
                                    .context = context};
    return topic_check_start(check_out, loop, &conf);
}
