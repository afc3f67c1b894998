/*
 * checkpointer.h - the state of partitions is safe: saved in turn, in force once the group has
 * committed where it stands, and brought back when a partition is assigned.
 *
 *     save -> records acknowledged -> no dead letter below waits -> commit -> in force
 *
 * At most one save of a partition is under way. The next begins checkpoint.interval later, but no
 * sooner than CHECKPOINTER_CPU_FACTOR times the processor time that taking the last state took. So
 * saving stays a small part of the work, whatever the size of the state.
 *
 * A partition whose state cannot be read stops, or is rebuilt, by policy; the others go on. If the
 * group has no offset of a partition, the checkpointer looks whether the topic has its state. State
 * is saved only after the group has an offset, so such a state shows that there was one. The loop
 * thread owns it; the owner calls checkpointer_step() a few times a second.
 */
#ifndef GHGD_CHECKPOINTER_H
#define GHGD_CHECKPOINTER_H

#include <uv.h>

#include "config/config.h"
#include "daemon/engine/assigned_set.h"
#include "pipelines/checkpoint/checkpoint.h"

enum { CHECKPOINTER_CPU_FACTOR = 25 };

struct checkpointer;

/* All borrowed, and outlive it. */
struct checkpointer_conf {
    uv_loop_t *loop;
    const struct config *config;
    struct assigned_set *assigned_set; /* its consumer commits */

    /* Its state is back, or it begins with empty state (assigned->forgotten says whether for the
     * first time), or from the oldest message: it runs. */
    void (*began)(void *context, struct assigned *assigned);
    /* Nothing can be saved any more. */
    void (*failed)(void *context, const char *why);
    void *context;
};

/* Returns what checkpoint_create() says. */
int checkpointer_create(struct checkpointer **checkpointer_out,
                        const struct checkpointer_conf *conf, struct buffer *why) MUST_CHECK;

/* The partition is new: begins it where the group's offset says, with the state that its metadata
 * names. Returns 0, with `began` or the opposite to follow, or having been called if there is an
 * offset; or -ENOMEM. */
int checkpointer_begin(struct checkpointer *checkpointer, struct assigned *assigned,
                       int64_t committed, const char *metadata) MUST_CHECK;
/* A running partition has to go: it is saved a last time. True: the consumer is told when it has
 * been, or was told. */
bool checkpointer_leave(struct checkpointer *checkpointer, struct assigned *assigned);
/* The partition is gone; nothing is called for it any more. */
void checkpointer_forget(struct checkpointer *checkpointer, const struct assigned *assigned);
/* The group has answered a commit. */
void checkpointer_committed(struct checkpointer *checkpointer, int32_t partition, int64_t offset,
                            bool accepted);
/* Does what is due. */
void checkpointer_step(struct checkpointer *checkpointer);

const struct checkpoint_stats *checkpointer_get_stats(const struct checkpointer *checkpointer);
/* There are no partitions left. Frees everything, then calls `closed`. */
void checkpointer_close(struct checkpointer *checkpointer, int64_t timeout_ms,
                        void (*closed)(void *context), void *context);

#endif
