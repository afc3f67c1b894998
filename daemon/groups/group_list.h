/*
 * group_list.h - the groups of a registry: the whole, and those of each level by name.
 *
 * A facility is in the whole, and in at most one group of each level. Names are the registry's.
 */
#ifndef GHGD_GROUP_LIST_H
#define GHGD_GROUP_LIST_H

#include "config/registry/registry.h"

enum { GROUPS_OF_FACILITY = 1 + GROUP_LEVELS_MAX };

struct group_entry {
    const char *level, *name; /* of the whole both are "all" */
    uint32_t members;         /* facilities in it */
};

struct group_list {
    struct group_entry *entries; /* the whole, then by level, then by name */
    uint32_t count;
    uint32_t *places; /* entries of each facility, GROUPS_OF_FACILITY each; or REGISTRY_NONE */
};

/* Returns 0 or -ENOMEM. */
int group_list_make(struct group_list *list, const struct registry *registry) MUST_CHECK;
void group_list_fini(struct group_list *list);
/* The facility's entry of the whole (0) or of a level (1 and on); REGISTRY_NONE: it is in no group
 * of that level. */
uint32_t group_list_place(const struct group_list *list, uint32_t facility, uint32_t index);
/* Whether the word means the entry: "all", "LEVEL", or "LEVEL=NAME". */
bool group_entry_is(const struct group_entry *entry, const char *word);

#endif
