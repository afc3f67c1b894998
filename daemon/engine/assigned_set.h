/*
 * assigned_set.h - the partitions that are assigned to a process, by their number, and what they
 * share: the memory, the queue of refused events, the consumer that fetches for them.
 *
 * Finding one takes the same time however many there are: every row that is settled asks. The loop
 * thread only.
 */
#ifndef GHGD_ASSIGNED_SET_H
#define GHGD_ASSIGNED_SET_H

#include "config/config.h"
#include "daemon/engine/assigned.h"
#include "daemon/engine/write_fence.h"
#include "pipelines/kafka/consumer.h"

enum { ASSIGNED_SLOTS = 2 * PARTITIONS_MAX };
_Static_assert((ASSIGNED_SLOTS & (ASSIGNED_SLOTS - 1)) == 0, "a slot is a mask of the number");

struct assigned_set {
    const struct config *config;
    struct shard_context context;
    size_t memory_used; /* sites, and what partitions and queues may take */
    struct refusals refusals;
    struct batch *batch;       /* of the partition that applies */
    struct write_fence *fence; /* borrowed */
    struct consumer *consumer; /* NULL: not made yet, or gone */
    bool paused;               /* no message is taken any more */
    uint32_t first;            /* the partition whose rows are taken first */

    struct assigned *items[PARTITIONS_MAX];
    uint32_t count;
    struct assigned *slots[ASSIGNED_SLOTS]; /* the items again, from the slot of their number on */
};

struct kernels;

/* All but the refusals and the consumer, which come when they are there. config and fence outlive
 * it. Returns 0 or -ENOMEM. */
int assigned_set_init(struct assigned_set *set, const struct config *config,
                      const struct kernels *kernels, struct write_fence *fence) MUST_CHECK;
/* There are no partitions left. */
void assigned_set_fini(struct assigned_set *set);

/* Makes a partition, and adds it. Returns 0, ERR_FULL or -ENOMEM. */
int assigned_set_open(struct assigned_set *set, int32_t number, int64_t now_ms,
                      struct assigned **assigned_out) MUST_CHECK;
/* As assigned_reset(). */
int assigned_set_reset(struct assigned_set *set, struct assigned *assigned,
                       int64_t now_ms) MUST_CHECK;
/* Removes it, and destroys it. */
void assigned_set_close(struct assigned_set *set, struct assigned **assigned);
/* NULL: it is not assigned. */
struct assigned *assigned_set_find(const struct assigned_set *set, int32_t number);

/* Whether messages may be taken now: neither is the process paused nor its membership in doubt. */
bool assigned_set_may_apply(const struct assigned_set *set);
/* Whether rows may be written: the group has not given the partitions away, as far as we know. */
bool assigned_set_may_write(const struct assigned_set *set);
/* Goes on with the partitions that wait and can take more. */
void assigned_set_resume(struct assigned_set *set);

/* ERR_FULL if there are too many. */
int assigned_set_add(struct assigned_set *set, struct assigned *assigned) MUST_CHECK;
void assigned_set_remove(struct assigned_set *set, const struct assigned *assigned);

#endif
