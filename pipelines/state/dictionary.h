/*
 * dictionary.h - what a payload says of a facility once, by name, and what the registry makes of
 * it.
 *
 * A chain of payloads names a facility, its series and its meters when it first speaks of them, and
 * counts them from then on. So a registry that has other meters, facilities or factors by then can
 * still take the state: dictionary_take() tells which column or series each number means now.
 */
#ifndef GHGD_DICTIONARY_H
#define GHGD_DICTIONARY_H

#include "config/registry/registry.h"
#include "pipelines/state/packed.h"

/* The facility, its series, its meters and how they convert readings; a hash of how it is rated. */
void dictionary_add(struct buffer *out, const struct registry *registry, uint32_t facility);

struct dictionary {
    char *id;          /* of the facility, as it was */
    uint32_t facility; /* REGISTRY_NONE: there is none of this name any more, or it has no meters */
    bool same;         /* meters, series, factors and tags are what they were */
    uint32_t meters_count, series_count;
    uint32_t meters_gone, series_gone;
    uint32_t *meters; /* by number: the column within the facility, or REGISTRY_NONE */
    uint32_t *series; /* by number: the index within the facility, or REGISTRY_NONE */
};

/* Returns 0; ERR_SYNTAX if the bytes are damaged; -ENOMEM; or ERR_CONFIG, with words in `why`, if
 * a meter converts readings otherwise now, or the facility has another time zone. */
int dictionary_take(struct dictionary **dictionary_out, struct packed *packed,
                    const struct registry *registry, struct buffer *why) MUST_CHECK;
void dictionary_destroy(struct dictionary **dictionary);

#endif
