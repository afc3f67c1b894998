#include "pipelines/sink/tags.h"

#include <stdio.h>
#include <string.h>

#include "config/targets/targets.h"

static const char *const tag_keys[TAG_GROUP] = {
    [TAG_FACILITY] = "facility", [TAG_SCOPE] = "scope", [TAG_CATEGORY] = "category",
    [TAG_SOURCE] = "source",     [TAG_UNIT] = "unit",   [TAG_TARGET] = "target",
    [TAG_STAGE] = "stage",       [TAG_LEVEL] = "level", [TAG_NAME] = "name",
    [TAG_SCOPES] = "scopes",
};

const char *tag_key(enum tag tag, const struct registry *registry)
{
    if (tag < TAG_GROUP)
        return tag_keys[tag];
    ASSERT(tag - TAG_GROUP < registry->group_levels_count);
    return registry->group_levels[tag - TAG_GROUP];
}

static bool is_tag_of_targets(const char *key)
{
    for (int tag = TAG_TARGET; tag <= TAG_SCOPES; tag++)
        if (strcmp(tag_keys[tag], key) == 0)
            return true;
    return false;
}

bool measurement_has_tag(const struct measurement *measurement, enum tag tag,
                         const struct registry *registry)
{
    switch (tag) {
    case TAG_FACILITY:
        return true;
    case TAG_SCOPE:
    case TAG_CATEGORY:
    case TAG_SOURCE:
    case TAG_UNIT:
        return measurement->is_series;
    case TAG_STAGE:
        return measurement->is_stamped;
    case TAG_TARGET:
    case TAG_LEVEL:
    case TAG_NAME:
    case TAG_SCOPES:
        return measurement->is_target;
    case TAG_GROUP:
    case TAG_MAX:
    default:
        return !measurement->is_target || !is_tag_of_targets(tag_key(tag, registry));
    }
}

static const char *scope_text(const struct series *series, char scratch[TAG_SCRATCH_SIZE])
{
    (void)snprintf(scratch, TAG_SCRATCH_SIZE, "%u", series->scope);
    return scratch;
}

/* "1+2" */
static const char *scopes_text(const struct target *target, char scratch[TAG_SCRATCH_SIZE])
{
    size_t size = 0;
    for (unsigned scope = 1; scope <= 3; scope++) {
        if ((target->scopes >> scope & 1) == 0)
            continue;
        if (size > 0)
            scratch[size++] = '+';
        scratch[size++] = (char)('0' + scope);
    }
    scratch[size] = '\0';
    return scratch;
}

/* A group of a target: that of its facility, or the one that the target is about. */
static const char *group_of_target(const struct target *target, const struct registry *registry,
                                   uint32_t level)
{
    if (target->level == TARGET_FACILITY)
        return registry->facilities[target->facility].groups[level];
    return target->level == TARGET_GROUP && target->group_level == level ? target->name : NULL;
}

static const char *level_of_target(const struct target *target, const struct registry *registry)
{
    if (target->level == TARGET_FACILITY)
        return "facility";
    return target->level == TARGET_GROUP ? registry->group_levels[target->group_level] : "all";
}

static const char *tag_of_target(enum tag tag, const struct registry *registry,
                                 const struct row *row, char scratch[TAG_SCRATCH_SIZE])
{
    const struct target *target = row->target;
    switch (tag) {
    case TAG_FACILITY:
        return target->level == TARGET_FACILITY ? registry->facilities[target->facility].id : NULL;
    case TAG_TARGET:
        return target->id;
    case TAG_STAGE:
        return row->level == LEVEL_DAY ? "day" : "hour";
    case TAG_LEVEL:
        return level_of_target(target, registry);
    case TAG_NAME:
        return target->name;
    case TAG_SCOPES:
        return scopes_text(target, scratch);
    case TAG_SCOPE:
    case TAG_CATEGORY:
    case TAG_SOURCE:
    case TAG_UNIT:
    case TAG_GROUP:
    case TAG_MAX:
    default:
        return tag < TAG_GROUP ? NULL : group_of_target(target, registry, tag - TAG_GROUP);
    }
}

const char *tag_value(enum tag tag, const struct registry *registry, const struct row *row,
                      char scratch[TAG_SCRATCH_SIZE])
{
    if (row->kind >= ROW_WINDOW_KINDS)
        return tag_of_target(tag, registry, row, scratch);
    ASSERT(row->facility < registry->facilities_count);
    const struct facility *facility = &registry->facilities[row->facility];
    if (tag == TAG_FACILITY)
        return facility->id;
    if (tag >= TAG_GROUP)
        return facility->groups[tag - TAG_GROUP];
    if (row->series == REGISTRY_NONE)
        return NULL;
    ASSERT(row->series < registry->series_count);
    const struct series *series = &registry->series[row->series];
    switch (tag) {
    case TAG_SCOPE:
        return scope_text(series, scratch);
    case TAG_CATEGORY:
        return series->category;
    case TAG_SOURCE:
        return series->source;
    case TAG_UNIT:
        return quantity_unit((enum quantity)series->quantity);
    default:
        return NULL;
    }
}
