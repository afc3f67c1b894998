#include "daemon/saved/meter_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/faults.h"

static void refuse(const struct registry *registry, const char *command, const char *id)
{
    (void)fprintf(stderr, "ghgd %s: the tables have no meter \"%s\"", command, id);
    const char **ids = calloc(registry->meters_count + 1, sizeof(*ids));
    for (uint32_t i = 0; ids != NULL && i < registry->meters_count; i++)
        ids[i] = registry->meters[i].id;
    const char *near = ids != NULL ? faults_suggest(id, ids, registry->meters_count) : NULL;
    if (near != NULL)
        (void)fprintf(stderr, "; did you mean \"%s\"?", near);
    (void)fputs("\n", stderr);
    free(ids);
}

uint32_t meter_choose(const struct registry *registry, const char *command, const char *id)
{
    uint32_t meter = registry_find_meter(registry, id, strlen(id));
    if (meter == REGISTRY_NONE)
        refuse(registry, command, id);
    return meter;
}
