/*
 * countries.h - ISO 3166-1: two letters, three letters, and an English name; also EU for EU-27.
 */
#ifndef GHGD_COUNTRIES_H
#define GHGD_COUNTRIES_H

#include <stddef.h>

struct country {
    const char *code, *code3, *name;
};

/* By any of the three, or a usual other name ("Vietnam", "UK"); letter case does not count. */
const struct country *country_find(const char *text);
/* Every country in turn, then NULL. */
const struct country *country_at(size_t index);

#endif
