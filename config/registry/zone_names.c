#include "config/registry/zone_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/faults.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum { ZONES_MAX = 1024 }; /* tzdata has about 600, links included */

/* zone.tab: country, coordinates, zone, separated by tabs. */
static const char *find_by_country(char name[ZONE_NAME_SIZE], const char *country)
{
    FILE *file = fopen(ZONE_FOLDER "/zone.tab", "re");
    const char *found = NULL;
    char line[512];
    while (file != NULL && found == NULL && fgets(line, sizeof(line), file) != NULL)
        if (strlen(country) == 2 && strncmp(line, country, 2) == 0 && line[2] == '\t' &&
            sscanf(line + 3, "%*s %63s", name) == 1)
            found = name;
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* tzdata.zi: "Z name ..." begins a zone, "L target name" is a link. */
static size_t read_names(char **names)
{
    FILE *file = fopen(ZONE_FOLDER "/tzdata.zi", "re");
    size_t count = 0;
    char line[512];
    char name[ZONE_NAME_SIZE];
    while (file != NULL && count < ZONES_MAX && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Z %63s", name) != 1 && sscanf(line, "L %*s %63s", name) != 1)
            continue;
        names[count] = strdup(name);
        if (names[count] == NULL)
            break;
        count++;
    }
    if (file != NULL)
        (void)fclose(file);
    return count;
}

const char *zone_suggest(char name[ZONE_NAME_SIZE], const char *found, const char *country)
{
    char **names = calloc(ZONES_MAX, sizeof(*names));
    if (names == NULL)
        return NULL;
    size_t count = read_names(names);
    const char *near = faults_suggest(found, (const char *const *)names, count);
    if (near != NULL) {
        (void)snprintf(name, ZONE_NAME_SIZE, "%s", near);
        near = name;
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return near != NULL ? near : find_by_country(name, country);
}
