/*
 * group_offsets.h - what our group has committed, and the metadata, asked of its coordinator.
 *
 * rd_kafka_committed() asks the coordinator that our heartbeats go to, and has it looked up again
 * when the broker says that it is not the one. It blocks, so it runs on a thread of the pool. The
 * request that would not block, ListConsumerGroupOffsets, has a memory of coordinators of its own
 * in librdkafka (2.0 to 2.8 at least). No such answer clears that memory, and every use makes it
 * last. After the coordinator has moved off a broker that is up, or comes back, it asks that broker
 * for ever. A member that has not taken its assignment then holds up the whole group.
 *
 * Embedded; zeroed memory asks nothing. One request at a time. The loop thread owns it.
 */
#ifndef GHGD_GROUP_OFFSETS_H
#define GHGD_GROUP_OFFSETS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <uv.h>

struct group_offsets {
    uv_work_t work;
    rd_kafka_t *client;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;
    bool under_way;
    /* offsets: an entry for every partition; borrowed, and without meaning if code is an error. */
    void (*answered)(void *context, rd_kafka_resp_err_t code,
                     rd_kafka_topic_partition_list_t *offsets);
    void *context;
};

/* Asks for what the group of the client has committed of these partitions, which are copied.
 * `answered` is called from the loop, within 5 s if the pool is free. Client and *offsets stay
 * until then. Not while a request is under way. */
void group_offsets_ask(struct group_offsets *offsets, uv_loop_t *loop, rd_kafka_t *client,
                       const rd_kafka_topic_partition_list_t *partitions);

#endif
