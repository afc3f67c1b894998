#include "daemon/engine/rekey/rekey_topic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pipelines/kafka/topic_check.h"

enum {
    AGAIN_MS = 1000,     /* from one answer to the next question */
    SAY_AGAIN_MS = 60000 /* between two lines of the log while the reason stays the same */
};

struct rekey_topic {
    uv_timer_t again;
    const struct config *config;
    struct topic_check *check; /* under way */
    void (*told)(void *context, int err, const char *why);
    void *context;
    void (*closed)(void *context); /* not NULL: closing */
    void *closed_context;
    char *waits; /* why; NULL if it does not */
    uint64_t said_ms;
};

/* ---- the recipe. Thread: of the pool ---- */

/* The settings of retention, as the input topic has them. */
static const char *const kept_settings[] = {"retention.ms", "retention.bytes"};

struct kept {
    char values[ARRAY_LEN(kept_settings)][32]; /* "" for those unknown */
};

static void keep_setting(void *context, const char *name, const char *value)
{
    struct kept *kept = context;
    for (size_t i = 0; i < ARRAY_LEN(kept_settings); i++)
        if (strcmp(name, kept_settings[i]) == 0)
            (void)snprintf(kept->values[i], sizeof(kept->values[i]), "%s", value);
}

static int make_topic(struct topic_check *check, int32_t partitions)
{
    const struct config *config = topic_check_config(check);
    struct kept kept = {{""}};
    rd_kafka_resp_err_t ignored; /* not told: the brokers' defaults are in force */
    int err = topic_read_settings(check, config->input.topic, keep_setting, &kept, &ignored);
    if (err < 0)
        return err;
    struct topic_setting settings[2 + ARRAY_LEN(kept_settings)] = {
        {"cleanup.policy", "delete"}, {"message.timestamp.type", "CreateTime"}};
    size_t count = 2;
    for (size_t i = 0; i < ARRAY_LEN(kept_settings); i++)
        if (kept.values[i][0] != '\0')
            settings[count++] = (struct topic_setting){kept_settings[i], kept.values[i]};
    struct topic_spec spec = {.name = config->input.rekey_topic,
                              .made_event = "rekey.topic_made",
                              .replication = config->checkpoint.replication,
                              .settings = settings,
                              .settings_count = count};
    return topic_create(check, &spec, partitions);
}

static int find_partitions(struct topic_check *check, int32_t *partitions_out)
{
    const struct input_conf *input = &topic_check_config(check)->input;
    *partitions_out = input->rekey_partitions;
    if (input->rekey_partitions > 0)
        return 0;
    int err = topic_count_partitions(check, input->topic, partitions_out);
    if (err == 0 && *partitions_out == 0)
        err = topic_again(check, input->topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    return err;
}

static int ensure(struct topic_check *check, int32_t *partitions_out)
{
    const char *topic = topic_check_config(check)->input.rekey_topic;
    int err = topic_count_partitions(check, topic, partitions_out);
    if (err < 0 || *partitions_out > 0)
        return err;
    if (!topic_has_controller(check)) {
        buffer_printf(topic_check_why(check), "topic %s does not exist (input.rekey_topic)", topic);
        return ERR_CONFIG;
    }
    int32_t partitions;
    err = find_partitions(check, &partitions);
    if (err == 0)
        err = make_topic(check, partitions);
    return err < 0 ? err : topic_wait_partitions(check, topic, partitions, partitions_out);
}

/* ---- on the loop ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct rekey_topic *topic = handle->data;
    void (*closed)(void *) = topic->closed;
    void *context = topic->closed_context;
    free(topic->waits);
    free(topic);
    closed(context);
}

static void say(struct rekey_topic *topic, const char *why)
{
    uint64_t now_ms = uv_now(topic->again.loop);
    bool same = topic->waits != NULL && strcmp(topic->waits, why) == 0;
    if (same && now_ms < topic->said_ms + SAY_AGAIN_MS)
        return;
    topic->said_ms = now_ms;
    LOG_WARN("rekey.topic_unknown", "topic=%s retry_ms=%d text=\"%s\"",
             topic->config->input.rekey_topic, AGAIN_MS, why);
    free(topic->waits);
    topic->waits = strdup(why); /* without memory it is only said more often */
}

static void on_again(uv_timer_t *timer);

static void on_checked(void *context, const struct topic_verdict *verdict)
{
    struct rekey_topic *topic = context;
    topic->check = NULL;
    if (topic->closed != NULL) {
        uv_close((uv_handle_t *)&topic->again, on_timer_closed);
        return;
    }
    if (verdict->err == -EAGAIN || verdict->err == -ENOMEM) {
        say(topic, verdict->why);
        uv_timer_start(&topic->again, on_again, AGAIN_MS, 0);
        return;
    }
    free(TAKE(topic->waits));
    topic->told(topic->context, verdict->err, verdict->why);
}

static int start_check(struct rekey_topic *topic)
{
    struct topic_check_conf conf = {.config = topic->config,
                                    .name = "rekey",
                                    .recipe = ensure,
                                    .done = on_checked,
                                    .context = topic};
    return topic_check_start(&topic->check, topic->again.loop, &conf);
}

static void on_again(uv_timer_t *timer)
{
    if (start_check(timer->data) < 0)
        uv_timer_start(timer, on_again, AGAIN_MS, 0);
}

int rekey_topic_create(struct rekey_topic **topic_out, uv_loop_t *loop, const struct config *config,
                       void (*told)(void *context, int err, const char *why), void *context)
{
    struct rekey_topic *topic = calloc(1, sizeof(*topic));
    if (topic == NULL)
        return -ENOMEM;
    topic->config = config;
    topic->told = told;
    topic->context = context;
    uv_timer_init(loop, &topic->again); /* cannot fail */
    topic->again.data = topic;
    on_again(&topic->again);
    *topic_out = topic;
    return 0;
}

const char *rekey_topic_get_wait(const struct rekey_topic *topic)
{
    return topic->waits;
}

void rekey_topic_close(struct rekey_topic *topic, void (*closed)(void *context), void *context)
{
    topic->closed = closed;
    topic->closed_context = context;
    uv_timer_stop(&topic->again);
    if (topic->check != NULL)
        topic_check_hurry(topic->check);
    else
        uv_close((uv_handle_t *)&topic->again, on_timer_closed);
}
