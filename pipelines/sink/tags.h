/*
 * tags.h - what rows are told apart by: which tags a measurement has, and a row's value of each.
 *
 * Pure. Thread: any.
 */
#ifndef GHGD_TAGS_H
#define GHGD_TAGS_H

#include "pipelines/sink/fields.h"

enum tag {
    TAG_FACILITY,
    TAG_SCOPE,
    TAG_CATEGORY,
    TAG_SOURCE,
    TAG_UNIT,
    TAG_TARGET,
    TAG_STAGE, /* "day": of a closed day; "hour": of a running one */
    TAG_LEVEL, /* "facility", the name of a group level, or "all" */
    TAG_NAME,  /* the facility's id, the group's name, or "all" */
    TAG_SCOPES,
    TAG_GROUP, /* and after it one for each group level of the registry */
    TAG_MAX = TAG_GROUP + GROUP_LEVELS_MAX
};

/* Whether rows of the measurement may have the tag. A group level that is
 * called like a tag of targets is left out of their rows. */
bool measurement_has_tag(const struct measurement *measurement, enum tag tag,
                         const struct registry *registry);
/* "facility", "scope", ...; a group level's name is the registry's. */
const char *tag_key(enum tag tag, const struct registry *registry);
/* The row's value of a tag that its measurement has, or NULL if it has none. `scratch` may hold the
 * text. */
enum { TAG_SCRATCH_SIZE = 8 };
const char *tag_value(enum tag tag, const struct registry *registry, const struct row *row,
                      char scratch[TAG_SCRATCH_SIZE]);

#endif
