/*
 * zone_names.h - which time zone was meant by a name that is none.
 *
 * Reads the lists that tzdata installs beside its zones, when a name is wrong and only then.
 */
#ifndef GHGD_ZONE_NAMES_H
#define GHGD_ZONE_NAMES_H

#include <stddef.h>

enum { ZONE_NAME_SIZE = 64 };

/* The name that is nearest to what was found; else the first of the country (ISO 3166 code, or "").
 * Returns `name`, or NULL if nothing is near or the lists are not installed. */
const char *zone_suggest(char name[ZONE_NAME_SIZE], const char *found, const char *country);

#endif
