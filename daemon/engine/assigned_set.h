/*
 * assigned_set.h - the partitions that are assigned to a process, in a list and by their number.
 *
 * Finding one takes the same time however many there are: every row that is settled asks. The loop
 * thread only.
 */
#ifndef GHGD_ASSIGNED_SET_H
#define GHGD_ASSIGNED_SET_H

#include "daemon/engine/assigned.h"

enum { ASSIGNED_SLOTS = 2 * PARTITIONS_MAX };
_Static_assert((ASSIGNED_SLOTS & (ASSIGNED_SLOTS - 1)) == 0, "a slot is a mask of the number");

struct assigned_set {
    struct assigned *items[PARTITIONS_MAX];
    uint32_t count;
    struct assigned *slots[ASSIGNED_SLOTS]; /* the items again, from the slot of their number on */
};

/* NULL: it is not assigned. */
struct assigned *assigned_set_find(const struct assigned_set *set, int32_t number);
/* ERR_FULL if there are too many. */
int assigned_set_add(struct assigned_set *set, struct assigned *assigned) MUST_CHECK;
void assigned_set_remove(struct assigned_set *set, const struct assigned *assigned);

#endif
