#include "pipelines/checkpoint/checkpoint_topic.h"

#include <errno.h>
#include <inttypes.h>

/* Compaction leaves the segment alone that is written to: a smaller one lets it begin sooner. */
static const struct topic_setting settings[] = {{"cleanup.policy", "compact"},
                                                {"segment.bytes", "67108864"}};

static struct topic_spec spec_of(const struct config *config)
{
    return (struct topic_spec){.name = config->checkpoint.topic,
                               .made_event = "checkpoint.topic_made",
                               .replication = config->checkpoint.replication,
                               .settings = settings,
                               .settings_count = ARRAY_LEN(settings)};
}

static int create_topic(struct topic_check *check, int32_t partitions)
{
    const struct config *config = topic_check_config(check);
    struct topic_spec spec = spec_of(config);
    if (config->checkpoint.create)
        return topic_create(check, &spec, partitions);
    buffer_printf(topic_check_why(check),
                  "topic %s does not exist, and checkpoint.create is false; make it: ", spec.name);
    topic_add_command(check, &spec, "create", partitions);
    return ERR_CONFIG;
}

static int add_partitions(struct topic_check *check, int32_t count, int32_t wanted)
{
    const struct config *config = topic_check_config(check);
    struct topic_spec spec = spec_of(config);
    if (config->checkpoint.create)
        return topic_add_partitions(check, &spec, wanted);
    buffer_printf(topic_check_why(check),
                  "topic %s has %" PRId32 " partitions, and %s has %" PRId32
                  "; each of those needs one here; add them: ",
                  spec.name, count, config_log_topic(config), wanted);
    topic_add_command(check, &spec, "alter", wanted);
    return ERR_CONFIG;
}

static int check_partitions(struct topic_check *check, int32_t wanted, int32_t *count)
{
    if (*count >= wanted)
        return 0;
    const char *topic = topic_check_config(check)->checkpoint.topic;
    if (!topic_has_controller(check)) {
        buffer_printf(topic_check_why(check), "topic %s has %" PRId32 " partitions, not %" PRId32,
                      topic, *count, wanted);
        return ERR_CONFIG;
    }
    int err = *count == 0 ? create_topic(check, wanted) : add_partitions(check, *count, wanted);
    return err < 0 ? err : topic_wait_partitions(check, topic, wanted, count);
}

/* ---- all of it ---- */

static int check_topic(struct topic_check *check, int32_t *partitions_out)
{
    const struct config *config = topic_check_config(check);
    const char *input = config_log_topic(config);
    int32_t wanted = 0;
    int err = topic_count_partitions(check, input, &wanted);
    if (err == 0 && wanted == 0)
        err = topic_again(check, input, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    if (err < 0)
        return err;
    err = topic_count_partitions(check, config->checkpoint.topic, partitions_out);
    if (err == 0)
        err = check_partitions(check, wanted, partitions_out);
    if (err < 0)
        return err;
    return topic_require_compact(check, config->checkpoint.topic, "checkpoint.topic",
                                 "checkpoint.topic_unverified");
}

int checkpoint_topic_check(struct topic_check **check_out, uv_loop_t *loop,
                           const struct config *config,
                           void (*done)(void *context, const struct topic_verdict *verdict),
                           void *context)
{
    struct topic_check_conf conf = {.config = config,
                                    .name = "checkpoint",
                                    .recipe = check_topic,
                                    .done = done,
                                    .context = context};
    return topic_check_start(check_out, loop, &conf);
}
