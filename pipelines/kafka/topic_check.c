#include "pipelines/kafka/topic_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/foreign.h"
#include "base/log.h"
#include "pipelines/kafka/client.h"

enum {
    METADATA_MS = 3000,
    SLICE_MS = 250, /* what hurrying has to wait for while no broker is there */
    ADMIN_MS = 10000,
    ADMIN_POLL_MS = 100,
    SETTLING_TRIES = 20,
    WHY_BYTES = 4096
};

struct topic_check {
    uv_work_t work;
    struct topic_check_conf conf;
    atomic_bool hurried; /* Thread: any */
    rd_kafka_t *client;
    rd_kafka_queue_t *events, *answers;
    bool has_controller;
    struct log_limit log_limit;
    struct buffer why;
    int err;
    int32_t partitions;
};

/* ---- Thread: of the pool, up to on_work() ---- */

static bool is_hurried(const struct topic_check *check)
{
    return atomic_load_explicit(&check->hurried, memory_order_relaxed);
}

static void drain_events(struct topic_check *check)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(check->events, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG)
            client_log(&check->log_limit, check->conf.name, event);
        rd_kafka_event_destroy(event);
    }
}

static int open_client(struct topic_check *check)
{
    int err =
        client_create(&check->client, &check->conf.config->kafka, CLIENT_READER, 0, &check->why);
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

const struct config *topic_check_config(const struct topic_check *check)
{
    return check->conf.config;
}

struct buffer *topic_check_why(struct topic_check *check)
{
    return &check->why;
}

bool topic_has_controller(const struct topic_check *check)
{
    return check->has_controller;
}

int topic_again(struct topic_check *check, const char *what, rd_kafka_resp_err_t code)
{
    buffer_printf(&check->why, "%s: %s", what, rd_kafka_err2str(code));
    return -EAGAIN;
}

/* Waits for a broker in slices, so that it can be hurried, and then for the answer of a slow one.
 */
static rd_kafka_resp_err_t get_metadata(struct topic_check *check, const char *name,
                                        const struct rd_kafka_metadata **metadata_out)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(check->client, name, NULL);
    if (topic == NULL)
        return RD_KAFKA_RESP_ERR__FAIL;
    int64_t until_ms = clock_steady_ms() + METADATA_MS;
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_metadata(check->client, 0, topic, metadata_out, SLICE_MS);
        drain_events(check);
    } while (code == RD_KAFKA_RESP_ERR__TRANSPORT && !is_hurried(check) &&
             clock_steady_ms() < until_ms);
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT && !is_hurried(check))
        code = rd_kafka_metadata(check->client, 0, topic, metadata_out, METADATA_MS);
    rd_kafka_topic_destroy(topic);
    return code;
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

int topic_count_partitions(struct topic_check *check, const char *name, int32_t *count_out)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = get_metadata(check, name, &metadata);
    *count_out = 0;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return topic_again(check, name, code);
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
        err = topic_again(check, name, code);
    }
    rd_kafka_metadata_destroy(metadata);
    return err;
}

/* ---- making it, and asking about it ---- */

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
    while (event == NULL && !is_hurried(check)) {
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
    char clean[CLIENT_ERROR_TEXT_SIZE];
    words = words != NULL ? words : rd_kafka_err2str(code);
    foreign_clean(clean, sizeof(clean), words, strlen(words));
    buffer_add_str(text, clean);
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

void topic_add_command(struct topic_check *check, const struct topic_spec *spec, const char *action,
                       int32_t partitions)
{
    bool creates = strcmp(action, "create") == 0;
    buffer_printf(&check->why, "kafka-topics --%s --topic %s --partitions %" PRId32, action,
                  spec->name, partitions);
    for (size_t i = 0; creates && i < spec->settings_count; i++)
        buffer_printf(&check->why, " --config %s=%s", spec->settings[i].name,
                      spec->settings[i].value);
    buffer_printf(&check->why, " --bootstrap-server %s", check->conf.config->kafka.brokers);
}

/* Judges an answer; 0 if the request is done, maybe by another process just before. */
static int judge_answer(struct topic_check *check, const struct topic_spec *spec,
                        const char *action, int32_t partitions)
{
    struct buffer text;
    buffer_init(&text, WHY_BYTES);
    rd_kafka_event_t *event = wait_answer(check);
    rd_kafka_resp_err_t code = read_topic_result(event, &text);
    int err = 0;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        LOG_INFO(spec->made_event, "topic=%s action=%s partitions=%" PRId32, spec->name, action,
                 partitions);
    } else if (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR) {
        /* Some may be away; one that has just come back says for a moment that there is no topic.
         */
        buffer_printf(&check->why, "topic %s: %.*s; ghgd waits for more brokers", spec->name,
                      (int)text.size, text.size > 0 ? text.data : "");
        err = -EAGAIN;
    } else if (may_pass(code)) {
        err = topic_again(check, spec->name, code);
    } else if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        buffer_printf(&check->why,
                      "topic %s: the brokers refuse to %s it: %.*s; give the "
                      "permission, or do it yourself: ",
                      spec->name, action, (int)text.size, text.size > 0 ? text.data : "");
        topic_add_command(check, spec, action, partitions);
        err = ERR_CONFIG;
    }
    buffer_fini(&text);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return err;
}

int topic_create(struct topic_check *check, const struct topic_spec *spec, int32_t partitions)
{
    char text[256];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(spec->name, partitions, spec->replication, text, sizeof(text));
    if (topic == NULL) {
        buffer_printf(&check->why, "topic %s: %s", spec->name, text);
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < spec->settings_count; i++)
        (void)rd_kafka_NewTopic_set_config(topic, spec->settings[i].name, spec->settings[i].value);
    rd_kafka_AdminOptions_t *options = make_options(check);
    rd_kafka_CreateTopics(check->client, &topic, 1, options, check->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(topic);
    return judge_answer(check, spec, "create", partitions);
}

int topic_add_partitions(struct topic_check *check, const struct topic_spec *spec, int32_t wanted)
{
    char text[256];
    rd_kafka_NewPartitions_t *more =
        rd_kafka_NewPartitions_new(spec->name, (size_t)wanted, text, sizeof(text));
    if (more == NULL) {
        buffer_printf(&check->why, "topic %s: %s", spec->name, text);
        return ERR_CONFIG;
    }
    rd_kafka_AdminOptions_t *options = make_options(check);
    rd_kafka_CreatePartitions(check->client, &more, 1, options, check->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewPartitions_destroy(more);
    return judge_answer(check, spec, "alter", wanted);
}

int topic_wait_partitions(struct topic_check *check, const char *name, int32_t wanted,
                          int32_t *count_out)
{
    for (int i = 0; i < SETTLING_TRIES && !is_hurried(check); i++) {
        uv_sleep(ADMIN_POLL_MS);
        int err = topic_count_partitions(check, name, count_out);
        if (err < 0 || *count_out >= wanted)
            return err;
    }
    return topic_again(check, name, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

/* The settings of an answer's one topic. */
static rd_kafka_resp_err_t read_configs(rd_kafka_event_t *event, topic_visitor *visit,
                                        void *context)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = count == 1 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR__FAIL;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    size_t entries_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resources[0], &entries_count);
    for (size_t i = 0; i < entries_count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (value != NULL)
            visit(context, rd_kafka_ConfigEntry_name(entries[i]), value);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

int topic_read_settings(struct topic_check *check, const char *name, topic_visitor *visit,
                        void *context, rd_kafka_resp_err_t *code_out)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_AdminOptions_t *options = make_options(check);
    rd_kafka_DescribeConfigs(check->client, &resource, 1, options, check->answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_event_t *event = wait_answer(check);
    *code_out = event != NULL ? read_configs(event, visit, context) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return may_pass(*code_out) ? topic_again(check, name, *code_out) : 0;
}

struct policy {
    char text[64]; /* empty: not told */
};

static void find_policy(void *context, const char *name, const char *value)
{
    struct policy *policy = context;
    if (strcmp(name, "cleanup.policy") == 0)
        strncpy(policy->text, value, sizeof(policy->text) - 1);
}

/* Brokers that do not say, or not to us, leave it to the operator. */
int topic_require_compact(struct topic_check *check, const char *name, const char *option,
                          const char *unverified)
{
    if (!topic_has_controller(check)) {
        LOG_DEBUG(unverified, "topic=%s error=no_controller", name);
        return 0;
    }
    struct policy policy = {""};
    rd_kafka_resp_err_t code;
    int err = topic_read_settings(check, name, find_policy, &policy, &code);
    if (err < 0)
        return err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        LOG_WARN(unverified, "topic=%s error=%s needs=\"cleanup.policy=compact\"", name,
                 rd_kafka_err2name(code));
    if (policy.text[0] == '\0' || strcmp(policy.text, "compact") == 0)
        return 0;
    buffer_printf(&check->why,
                  "topic %s has cleanup.policy=%s and would lose state; it has to be compact "
                  "alone: give another %s, or run kafka-configs --alter --topic %s "
                  "--add-config cleanup.policy=compact --bootstrap-server %s",
                  name, policy.text, option, name, check->conf.config->kafka.brokers);
    return ERR_CONFIG;
}

/* Thread: of the pool. */
static void on_work(uv_work_t *work)
{
    struct topic_check *check = work->data;
    check->err = open_client(check);
    if (check->err < 0)
        return;
    check->err = check->conf.recipe(check, &check->partitions);
    close_client(check);
}

/* ---- on the loop ---- */

static void on_worked(uv_work_t *work, int status)
{
    struct topic_check *check = work->data;
    ASSERT(status == 0 || status == UV_ECANCELED);
    const char *why = buffer_text(&check->why);
    struct topic_verdict verdict = {
        .err = status == UV_ECANCELED ? -EAGAIN : check->err,
        .partitions = check->partitions,
        .why = why != NULL ? why : "",
    };
    check->conf.done(check->conf.context, &verdict);
    buffer_fini(&check->why);
    free(check);
}

int topic_check_start(struct topic_check **check_out, uv_loop_t *loop,
                      const struct topic_check_conf *conf)
{
    struct topic_check *check = calloc(1, sizeof(*check));
    if (check == NULL)
        return -ENOMEM;
    check->conf = *conf;
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
