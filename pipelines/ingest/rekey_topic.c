#include "pipelines/ingest/rekey_topic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipelines/ingest/client.h"

enum {
    WAIT_MS = 10000,
    AGAIN_MS = 100, /* between two looks at a topic that is being made */
    TEXT_BYTES = 512
};

/* What decides for how long messages are kept: as the input topic has it. */
static const char *const kept_settings[] = {"retention.ms", "retention.bytes"};

struct ensuring {
    const struct config *config;
    rd_kafka_t *client;
    rd_kafka_queue_t *replies;
    int64_t until_ms;
    char kept[ARRAY_LEN(kept_settings)][32]; /* values, "" for those unknown */
    struct buffer *why;
};

static int left_ms(const struct ensuring *ensuring)
{
    int64_t left = ensuring->until_ms - clock_steady_ms();
    return left < 1 ? 1 : (int)left;
}

static int count_of(const rd_kafka_metadata_topic_t *topic)
{
    if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return 0;
    bool led = topic->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; led && i < topic->partition_cnt; i++)
        led = topic->partitions[i].leader >= 0;
    return led ? topic->partition_cnt : -EAGAIN;
}

/* The partitions of a topic; 0 if there is none; -EAGAIN while it has no leaders; or -EIO. */
static int count_partitions(struct ensuring *ensuring, const char *name)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(ensuring->client, name, NULL);
    if (topic == NULL)
        return -ENOMEM;
    const struct rd_kafka_metadata *metadata;
    int count = -EIO;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(ensuring->client, 0, topic, &metadata, left_ms(ensuring));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_resp_err_t topic_code =
            metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
        count = metadata->topic_cnt == 1 ? count_of(&metadata->topics[0]) : -EIO;
        if (count < 0)
            code = topic_code;
        rd_kafka_metadata_destroy(metadata);
    }
    if (count < 0 && code != RD_KAFKA_RESP_ERR_NO_ERROR)
        buffer_printf(ensuring->why, "kafka: topic \"%s\": %s\n", name, rd_kafka_err2str(code));
    rd_kafka_topic_destroy(topic);
    return count;
}

/* ---- what the input topic says ---- */

static void keep_settings(struct ensuring *ensuring, rd_kafka_event_t *event)
{
    size_t count;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    size_t entries_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        count == 1 ? rd_kafka_ConfigResource_configs(resources[0], &entries_count) : NULL;
    for (size_t i = 0; i < entries_count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        for (size_t k = 0; value != NULL && k < ARRAY_LEN(kept_settings); k++)
            if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), kept_settings[k]) == 0)
                (void)snprintf(ensuring->kept[k], sizeof(ensuring->kept[k]), "%s", value);
    }
}

static rd_kafka_AdminOptions_t *make_options(struct ensuring *ensuring, rd_kafka_admin_op_t op)
{
    char text[TEXT_BYTES];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(ensuring->client, op);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, left_ms(ensuring), text, sizeof(text));
    return options;
}

/* Without the permission, or from a broker that cannot tell, the brokers' defaults are in force. */
static void read_settings(struct ensuring *ensuring)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, ensuring->config->input.topic);
    if (resource == NULL)
        return;
    rd_kafka_AdminOptions_t *options = make_options(ensuring, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(ensuring->client, &resource, 1, options, ensuring->replies);
    rd_kafka_event_t *event = rd_kafka_queue_poll(ensuring->replies, left_ms(ensuring));
    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
        keep_settings(ensuring, event);
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
}

/* ---- making it ---- */

static rd_kafka_resp_err_t created_code(rd_kafka_event_t *event, const char **text_out)
{
    *text_out = rd_kafka_event_error_string(event);
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error(event);
    size_t count;
    const rd_kafka_topic_result_t **topics =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    if (count != 1)
        return RD_KAFKA_RESP_ERR__BAD_MSG;
    *text_out = rd_kafka_topic_result_error_string(topics[0]);
    return rd_kafka_topic_result_error(topics[0]);
}

static int request_topic(struct ensuring *ensuring, rd_kafka_NewTopic_t *topic)
{
    rd_kafka_AdminOptions_t *options = make_options(ensuring, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(ensuring->client, &topic, 1, options, ensuring->replies);
    rd_kafka_event_t *event = rd_kafka_queue_poll(ensuring->replies, left_ms(ensuring));
    const char *text = NULL;
    rd_kafka_resp_err_t code =
        event != NULL ? created_code(event, &text) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    bool made = code == RD_KAFKA_RESP_ERR_NO_ERROR ||
                code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS; /* by another process */
    if (!made)
        buffer_printf(ensuring->why, "kafka: topic \"%s\" cannot be made: %s\n",
                      ensuring->config->input.rekey_topic,
                      text != NULL ? text : rd_kafka_err2str(code));
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    return made ? 0 : -EIO;
}

static int make_topic(struct ensuring *ensuring, int partitions)
{
    const struct input_conf *input = &ensuring->config->input;
    char text[TEXT_BYTES] = "";
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(input->rekey_topic, partitions,
                              ensuring->config->checkpoint.replication, text, sizeof(text));
    if (topic == NULL) {
        buffer_printf(ensuring->why, "kafka: topic \"%s\" cannot be made: %s\n", input->rekey_topic,
                      text);
        return ERR_CONFIG;
    }
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    rd_kafka_NewTopic_set_config(topic, "message.timestamp.type", "CreateTime");
    for (size_t i = 0; i < ARRAY_LEN(kept_settings); i++)
        if (ensuring->kept[i][0] != '\0')
            rd_kafka_NewTopic_set_config(topic, kept_settings[i], ensuring->kept[i]);
    int err = request_topic(ensuring, topic);
    rd_kafka_NewTopic_destroy(topic);
    if (err == 0)
        LOG_INFO("rekey.topic_made", "topic=\"%s\" partitions=%d retention_ms=\"%s\"",
                 input->rekey_topic, partitions, ensuring->kept[0]);
    return err;
}

static int wait_for_leaders(struct ensuring *ensuring)
{
    for (;;) {
        buffer_clear(ensuring->why);
        int count = count_partitions(ensuring, ensuring->config->input.rekey_topic);
        if (count > 0)
            return 0;
        if (clock_steady_ms() + AGAIN_MS >= ensuring->until_ms)
            return -ETIMEDOUT;
        rd_kafka_event_destroy(rd_kafka_queue_poll(ensuring->replies, AGAIN_MS)); /* none comes */
    }
}

static int ensure(struct ensuring *ensuring)
{
    const struct input_conf *input = &ensuring->config->input;
    int count = count_partitions(ensuring, input->rekey_topic);
    if (count > 0)
        return 0;
    if (count < 0 && count != -EAGAIN)
        return count;
    if (count == 0) {
        int partitions = input->rekey_partitions;
        if (partitions == 0)
            partitions = count_partitions(ensuring, input->topic);
        if (partitions == 0)
            buffer_printf(ensuring->why, "kafka: there is no topic \"%s\" (input.topic)\n",
                          input->topic);
        if (partitions <= 0)
            return partitions < 0 ? partitions : -ENOENT;
        read_settings(ensuring);
        int err = make_topic(ensuring, partitions);
        if (err < 0)
            return err;
    }
    return wait_for_leaders(ensuring);
}

/* A reader, because asking for a topic as a producer may make it. */
int rekey_topic_ensure(const struct config *config, struct buffer *why)
{
    struct ensuring ensuring = {
        .config = config, .until_ms = clock_steady_ms() + WAIT_MS, .why = why};
    int err = client_create(&ensuring.client, &config->kafka, CLIENT_READER, 0, why);
    if (err < 0)
        return err;
    ensuring.replies = rd_kafka_queue_new(ensuring.client);
    err = ensure(&ensuring);
    rd_kafka_queue_destroy(ensuring.replies);
    rd_kafka_destroy_flags(ensuring.client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return err;
}
