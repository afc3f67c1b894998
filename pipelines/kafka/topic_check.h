/*
 * topic_check.h - is a topic that ghgd owns there, and as it has to be? Makes it if not.
 *
 * One check is one object, with a Kafka client of its own. It works in a thread of libuv's pool,
 * because librdkafka asks for metadata by waiting; done() comes on the loop, then it is gone. The
 * recipe says how the topic has to be: checkpoint_topic.h, rekey_topic.h.
 */
#ifndef GHGD_TOPIC_CHECK_H
#define GHGD_TOPIC_CHECK_H

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include "config/config.h"

struct topic_check;

/* err: 0, the topic is good, and has so many partitions; ERR_CONFIG, it cannot serve, and `why`
 * says what to do; -EAGAIN, brokers were away or did not say. */
struct topic_verdict {
    int err;
    int32_t partitions;
    const char *why;
};

struct topic_check_conf {
    const struct config *config; /* outlives the check */
    const char *name;            /* of the client, in its log lines */
    /* Thread: of the pool. Returns what the verdict is to say; of the topic, so many partitions. */
    int (*recipe)(struct topic_check *check, int32_t *partitions_out);
    void (*done)(void *context, const struct topic_verdict *verdict);
    void *context;
};

/* Returns 0, -ENOMEM or a code of libuv. */
int topic_check_start(struct topic_check **check_out, uv_loop_t *loop,
                      const struct topic_check_conf *conf) MUST_CHECK;
/* Makes done() come soon: at once if no broker is there, within seconds of one that is slow. */
void topic_check_hurry(struct topic_check *check);

/* ---- what a recipe is made of. Thread: of the pool. Functions that return int return a verdict,
 * and leave the reason in `why`. ---- */

/* A topic as it is to be made. */
struct topic_setting {
    const char *name, *value;
};
struct topic_spec {
    const char *name, *made_event; /* the latter in the log */
    int replication;               /* -1: the brokers' default */
    const struct topic_setting *settings;
    size_t settings_count;
};
typedef void topic_visitor(void *context, const char *name, const char *value);

const struct config *topic_check_config(const struct topic_check *check);
struct buffer *topic_check_why(struct topic_check *check);
/* It may pass: says so of what was asked about, and returns -EAGAIN. */
int topic_again(struct topic_check *check, const char *what, rd_kafka_resp_err_t code);
/* 0 partitions: there is no such topic. */
int topic_count_partitions(struct topic_check *check, const char *name,
                           int32_t *count_out) MUST_CHECK;
/* Whether the cluster that has been asked can make topics, and speak of their settings. */
bool topic_has_controller(const struct topic_check *check);
/* The command that the operator can run instead: action is "create" or "alter". */
void topic_add_command(struct topic_check *check, const struct topic_spec *spec, const char *action,
                       int32_t partitions);
/* 0 also if another process was quicker. */
int topic_create(struct topic_check *check, const struct topic_spec *spec,
                 int32_t partitions) MUST_CHECK;
int topic_add_partitions(struct topic_check *check, const struct topic_spec *spec,
                         int32_t wanted) MUST_CHECK;
/* A topic that was just made takes a moment to be known everywhere. */
int topic_wait_partitions(struct topic_check *check, const char *name, int32_t wanted,
                          int32_t *count_out) MUST_CHECK;
/* Visits what is set. *code_out: why nothing was told although brokers answered, permissions say;
 * that is no error here. */
int topic_read_settings(struct topic_check *check, const char *name, topic_visitor *visit,
                        void *context, rd_kafka_resp_err_t *code_out) MUST_CHECK;
/* It has to be compacted alone, or records that are still needed would go. `option` names it in the
 * configuration; `unverified` is the line of the log if the brokers do not tell. */
int topic_require_compact(struct topic_check *check, const char *name, const char *option,
                          const char *unverified) MUST_CHECK;

#endif
