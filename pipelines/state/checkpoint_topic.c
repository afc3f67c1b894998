#include "pipelines/state/checkpoint_topic.h"

#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pipelines/ingest/client.h"

enum {
    METADATA_MS = 3000, /* what hurrying has to wait for */
    ADMIN_MS = 10000,
    ADMIN_POLL_MS = 100,
    SETTLING_TRIES = 20,
    WHY_BYTES = 4096
};

/* Compaction leaves the segment alone that is written to: a smaller one lets it begin sooner. */
static const struct {
    const char *name, *value;
} settings[] = {{"cleanup.policy", "compact"}, {"segment.bytes", "67108864"}};

struct topic_check {
    uv_work_t work;
    const struct config *config;
    atomic_bool hurried; /* Thread: any */
    rd_kafka_t *client;
    rd_kafka_queue_t *events, *answers;
    bool has_controller;
    struct log_limit log_limit;
    struct buffer why;
    int err;
    int32_t partitions;
    void (*done)(void *context, const struct topic_verdict *verdict);
    void *context;
};

/* ---- Thread: of the pool, up to on_work() ---- */

static void drain_events(struct topic_check *check)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(check->events, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG)
            client_log(&check->log_limit, "checkpoint", event);
        rd_kafka_event_destroy(event);
    }
}

static int open_client(struct topic_check *check)
{
    int err = client_create(&check->client, &check->config->kafka, CLIENT_READER, 0, &check->why);
    if (err < 0)
        return err;
    check->events = rd_kafka_queue_get_main(check->client);
    check->answers = rd_kafka_queue_new(check->client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(check->client, check->events);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* log.queue is ours to set */
    return 0;
}

static void close_client(struct topic_check *check)
{
    drain_events(check);
    rd_kafka_queue_destroy(check->answers);
    rd_kafka_queue_destroy(check->events);
    rd_kafka_destroy(TAKE(check->client));
}

static int again(struct topic_check *check, const char *what, rd_kafka_resp_err_t code)
{
    buffer_printf(&check->why, "%s: %s", what, rd_kafka_err2str(code));
    return -EAGAIN;
}

/* A cluster whose controller is none of its brokers (librdkafka's mock) answers no questions about
 * itself: asking would only wait. */
static bool has_controller(const struct topic_check *check,
                           const struct rd_kafka_metadata *metadata)
{
    int32_t controller = rd_kafka_controllerid(check->client, 0); /* known from the metadata */
    for (int i = 0; i < metadata->broker_cnt; i++)
        if (metadata->brokers[i].id == controller)
            return true;
    return false;
}

/* Partitions of a topic; 0: there is no such topic. */
static int count_partitions(struct topic_check *check, const char *name, int32_t *count_out)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(check->client, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(check->client, 0, topic, &metadata, METADATA_MS);
    rd_kafka_topic_destroy(topic);
    *count_out = 0;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return again(check, name, code);
    check->has_controller = has_controller(check, metadata);
    int err = 0;
    code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        buffer_printf(&check->why,
                      "topic %s: no permission to describe it; ghgd needs Describe, "
                      "DescribeConfigs, Read and Write on it",
                      name);
        err = ERR_CONFIG;
    } else if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *count_out = metadata->topics[0].partition_cnt;
    } else if (code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        err = again(check, name, code);
    }
    rd_kafka_metadata_destroy(metadata);
    return err;
}

static rd_kafka_AdminOptions_t *make_options(struct topic_check *check)
{
    char text[256];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(check->client, RD_KAFKA_ADMIN_OP_ANY);
    rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_MS, text, sizeof(text));
    rd_kafka_AdminOptions_set_operation_timeout(options, ADMIN_MS, text, sizeof(text));
    return options;
}

/* The answer to the request that was sent; NULL if hurried. */
static rd_kafka_event_t *wait_answer(struct topic_check *check)
{
    rd_kafka_event_t *event = NULL;
    while (event == NULL && !atomic_load_explicit(&check->hurried, memory_order_relaxed)) {
        event = rd_kafka_queue_poll(check->answers, ADMIN_POLL_MS);
        drain_events(check);
    }
    return event;
}

/* The one topic of an answer to CreateTopics or CreatePartitions. */
static rd_kafka_resp_err_t read_topic_result(rd_kafka_event_t *event, struct buffer *text)
{
    if (event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    buffer_add_str(text,
                   code != RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_event_error_string(event) : "");
    size_t count = 0;
    const rd_kafka_topic_result_t **topics =
        rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT
            ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
            : rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event),
                                                      &count);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || count != 1)
        return code != RD_KAFKA_RESP_ERR_NO_ERROR ? code : RD_KAFKA_RESP_ERR__BAD_MSG;
    code = rd_kafka_topic_result_error(topics[0]);
    const char *words = rd_kafka_topic_result_error_string(topics[0]);
    buffer_add_str(text, words != NULL ? words : rd_kafka_err2str(code));
    return code;
}

static bool may_pass(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__DESTROY:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
    case RD_KAFKA_RESP_ERR_REASSIGNMENT_IN_PROGRESS:
        return true;
    default:
        return false;
    }
}

/* What the operator can do instead. */
static void add_command(struct topic_check *check, const char *action, int32_t partitions)
{
    buffer_printf(&check->why, "kafka-topics --%s --topic %s --partitions %" PRId32, action,
                  check->config->checkpoint.topic, partitions);
    if (strcmp(action, "create") != 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        buffer_printf(&check->why, " --config %s=%s", settings[i].name, settings[i].value);
}

/* Judges an answer; 0 if what was asked for is done, maybe by somebody else just before. */
static int judge_answer(struct topic_check *check, const char *action, int32_t partitions)
{
    struct buffer text;
    buffer_init(&text, WHY_BYTES);
    rd_kafka_event_t *event = wait_answer(check);
    rd_kafka_resp_err_t code = read_topic_result(event, &text);
    int err = 0;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        LOG_INFO("checkpoint.topic_made", "topic=%s action=%s partitions=%" PRId32,
                 check->config->checkpoint.topic, action, partitions);
    } else if (may_pass(code)) {
        err = again(check, check->config->checkpoint.topic, code);
    } else if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        buffer_printf(&check->why,
                      "topic %s: the brokers refuse to %s it: %.*s; give the "
                      "permission, or do it yourself: ",
                      check->config->checkpoint.topic, action, (int)text.size,
                      text.size > 0 ? text.data : "");
        add_command(check, action, partitions);
        err = ERR_CONFIG;
    }
    buffer_fini(&text);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return err;
}

static int create_topic(struct topic_check *check, int32_t partitions)
{
    const struct checkpoint_conf *conf = &check->config->checkpoint;
    if (!conf->create) {
        buffer_printf(&check->why,
                      "topic %s does not exist, and checkpoint.create is false; make "
                      "it: ",
                      conf->topic);
        add_command(check, "create", partitions);
        return ERR_CONFIG;
    }
    char text[256];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(conf->topic, partitions, conf->replication, text, sizeof(text));
    if (topic == NULL) {
        buffer_printf(&check->why, "topic %s: %s", conf->topic, text);
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        (void)rd_kafka_NewTopic_set_config(topic, settings[i].name, settings[i].value);
    rd_kafka_AdminOptions_t *options = make_options(check);
    rd_kafka_CreateTopics(check->client, &topic, 1, options, check->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(topic);
    return judge_answer(check, "create", partitions);
}

static int add_partitions(struct topic_check *check, int32_t count, int32_t wanted)
{
    const struct checkpoint_conf *conf = &check->config->checkpoint;
    if (!conf->create) {
        buffer_printf(&check->why,
                      "topic %s has %" PRId32 " partitions, and %s has %" PRId32
                      ", each of which needs one; add them: ",
                      conf->topic, count, config_log_topic(check->config), wanted);
        add_command(check, "alter", wanted);
        return ERR_CONFIG;
    }
    char text[256];
    rd_kafka_NewPartitions_t *more =
        rd_kafka_NewPartitions_new(conf->topic, (size_t)wanted, text, sizeof(text));
    if (more == NULL) {
        buffer_printf(&check->why, "topic %s: %s", conf->topic, text);
        return ERR_CONFIG;
    }
    rd_kafka_AdminOptions_t *options = make_options(check);
    rd_kafka_CreatePartitions(check->client, &more, 1, options, check->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewPartitions_destroy(more);
    return judge_answer(check, "alter", wanted);
}

static int check_policy(struct topic_check *check, const char *policy)
{
    if (strcmp(policy, "compact") == 0)
        return 0;
    const char *topic = check->config->checkpoint.topic;
    buffer_printf(&check->why,
                  "topic %s has cleanup.policy=%s and would lose state; it has to be compact "
                  "alone: kafka-configs --alter --topic %s --add-config cleanup.policy=compact, or "
                  "give another checkpoint.topic",
                  topic, policy, topic);
    return ERR_CONFIG;
}

/* Brokers that do not say, or not to us, leave it to the operator. */
static int judge_configs(struct topic_check *check, rd_kafka_event_t *event)
{
    if (event == NULL)
        return again(check, check->config->checkpoint.topic, RD_KAFKA_RESP_ERR__TIMED_OUT);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && count == 1)
        code = rd_kafka_ConfigResource_error(resources[0]);
    if (may_pass(code))
        return again(check, check->config->checkpoint.topic, code);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || count != 1) {
        LOG_WARN("checkpoint.topic_unverified",
                 "topic=%s error=%s needs=\"cleanup.policy=compact\"",
                 check->config->checkpoint.topic, rd_kafka_err2name(code));
        return 0;
    }
    size_t entries_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resources[0], &entries_count);
    for (size_t i = 0; i < entries_count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") == 0 && value != NULL)
            return check_policy(check, value);
    }
    return 0;
}

static int check_configs(struct topic_check *check)
{
    if (!check->has_controller) {
        LOG_DEBUG("checkpoint.topic_unverified", "topic=%s error=no_controller",
                  check->config->checkpoint.topic);
        return 0;
    }
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, check->config->checkpoint.topic);
    rd_kafka_AdminOptions_t *options = make_options(check);
    rd_kafka_DescribeConfigs(check->client, &resource, 1, options, check->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_event_t *event = wait_answer(check);
    int err = judge_configs(check, event);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return err;
}

/* What was just made takes a moment to be known everywhere. */
static int wait_partitions(struct topic_check *check, int32_t wanted)
{
    const char *topic = check->config->checkpoint.topic;
    for (int i = 0; i < SETTLING_TRIES; i++) {
        uv_sleep(ADMIN_POLL_MS);
        int err = count_partitions(check, topic, &check->partitions);
        if (err < 0 || check->partitions >= wanted)
            return err;
    }
    return again(check, topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

static int check_partitions(struct topic_check *check, int32_t wanted)
{
    int32_t count = check->partitions;
    if (count >= wanted)
        return 0;
    if (!check->has_controller) {
        buffer_printf(&check->why, "topic %s has %" PRId32 " partitions, not %" PRId32,
                      check->config->checkpoint.topic, count, wanted);
        return ERR_CONFIG;
    }
    int err = count == 0 ? create_topic(check, wanted) : add_partitions(check, count, wanted);
    return err < 0 ? err : wait_partitions(check, wanted);
}

static int check_all(struct topic_check *check)
{
    const char *input = config_log_topic(check->config);
    int32_t wanted = 0;
    int err = count_partitions(check, input, &wanted);
    if (err == 0 && wanted == 0)
        err = again(check, input, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    if (err < 0)
        return err;
    err = count_partitions(check, check->config->checkpoint.topic, &check->partitions);
    if (err == 0)
        err = check_partitions(check, wanted);
    return err < 0 ? err : check_configs(check);
}

/* Thread: of the pool. */
static void on_work(uv_work_t *work)
{
    struct topic_check *check = work->data;
    check->err = open_client(check);
    if (check->err < 0)
        return;
    check->err = check_all(check);
    close_client(check);
}

/* ---- on the loop ---- */

static void on_worked(uv_work_t *work, int status)
{
    struct topic_check *check = work->data;
    const char *why = buffer_text(&check->why);
    struct topic_verdict verdict = {
        .err = status == UV_ECANCELED ? -EAGAIN : check->err,
        .partitions = check->partitions,
        .why = why != NULL ? why : "",
    };
    check->done(check->context, &verdict);
    buffer_fini(&check->why);
    free(check);
}

int topic_check_start(struct topic_check **check_out, uv_loop_t *loop, const struct config *config,
                      void (*done)(void *context, const struct topic_verdict *verdict),
                      void *context)
{
    struct topic_check *check = calloc(1, sizeof(*check));
    if (check == NULL)
        return -ENOMEM;
    check->config = config;
    check->done = done;
    check->context = context;
    check->work.data = check;
    buffer_init(&check->why, WHY_BYTES);
    int err = uv_queue_work(loop, &check->work, on_work, on_worked);
    if (err < 0) {
        free(check);
        return err;
    }
    *check_out = check;
    return 0;
}

void topic_check_hurry(struct topic_check *check)
{
    atomic_store_explicit(&check->hurried, true, memory_order_relaxed);
    (void)uv_cancel((uv_req_t *)&check->work); /* if it has not begun */
}
