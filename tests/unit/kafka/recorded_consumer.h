/* recorded_consumer.h - a consumer on a mock cluster, and everything that it tells. */
#ifndef GHGD_TESTS_INGEST_SEEN_H
#define GHGD_TESTS_INGEST_SEEN_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "pipelines/kafka/consumer.h"
#include "tests/unit/forked.h"

#define TOPIC "events"
enum { PARTITIONS = 4 };

/* A broker of our own, or several, and a producer on it. */
struct cluster {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *mock;
};

void cluster_open(struct cluster *cluster);
void cluster_open_brokers(struct cluster *cluster, int count);
void cluster_close(struct cluster *cluster);
/* Message `number` of a partition is its decimal text. */
void cluster_produce(struct cluster *cluster, int32_t partition, int first, int count, size_t pad);
/* Commits as an operator would with a tool, while the group has no member. */
void cluster_commit(struct cluster *cluster, int32_t partition, int64_t offset,
                    const char *metadata);
struct kafka_conf cluster_conf(const struct cluster *cluster);
/* Closes the loop and the cluster: nothing is left of either. */
void cluster_end(struct cluster *cluster, uv_loop_t *loop);

/* The calls that one consumer got, by partition. */
struct recorded_consumer {
    uv_loop_t *loop;
    struct consumer *consumer;
    const char *commit_on_revoke; /* metadata of a last commit at `next` */
    uint64_t release_after_ms;    /* of being asked; 0: nothing to wait for */
    bool never_releases;
    size_t take_max; /* of each slice; then stop until resumed */
    uint64_t messages;
    int64_t lost_from, lost_to, lost_to_ms;
    int64_t committed[PARTITIONS], first[PARTITIONS], next[PARTITIONS];
    char metadata[PARTITIONS][64];
    int assigned_calls, refused_calls, revoking_calls, revoked_calls, lost_calls, stops;
    int accepted_calls, rejected_calls; /* commits */
    int confirmed_calls, started_calls;
    int64_t accepted[PARTITIONS]; /* the offset that the group has, as far as we were told */
    uv_timer_t release;           /* closed when it has fired */
    int32_t refuse;
    bool undecided; /* of partitions without an offset: the test says how they begin */
    bool owned[PARTITIONS], leaving[PARTITIONS], lost[PARTITIONS], caught_up[PARTITIONS];
    bool disordered, failed, closed, releasing;
};

void recorded_start(struct recorded_consumer *recorded, uv_loop_t *loop,
                    const struct kafka_conf *conf);
void recorded_stop(struct recorded_consumer *recorded, uv_loop_t *loop);

bool all_caught_up(const struct recorded_consumer *recorded);

/* Runs the loop until the condition holds, for a quarter of a minute at most. */
void wait_until(uv_loop_t *loop, bool (*holds)(const struct recorded_consumer *recorded),
                const struct recorded_consumer *recorded, const char *name);
#define WAIT_UNTIL(loop, holds, recorded) wait_until(loop, holds, recorded, #holds)

#endif
