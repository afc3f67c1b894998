/*
 * local_clock.h - instants as people at a facility write them: "2026-03-01T06:00:00+06:00".
 *
 * Holds the time zones of one registry. One owner; may be used on any thread, one at a time.
 */
#ifndef GHGD_LOCAL_CLOCK_H
#define GHGD_LOCAL_CLOCK_H

#include "config/registry/registry.h"

struct local_clock;

/* The registry's zones, opened. A zone that tzdata has lost since the registry was built shows as
 * UTC. Returns 0 or -ENOMEM. */
int local_clock_create(struct local_clock **clock_out, const struct registry *registry) MUST_CHECK;
void local_clock_destroy(struct local_clock **clock);

enum { LOCAL_TEXT_SIZE = 48 };
/* `zone` as in registry->zones. Returns `text`. */
char *local_clock_format(const struct local_clock *clock, uint32_t zone, int64_t time_ms,
                         char text[LOCAL_TEXT_SIZE]);

#endif
