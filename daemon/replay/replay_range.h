/*
 * replay_range.h - which part of a log a replay has to read, for the windows that it is to write.
 *
 * The user asks for the windows that end after `from_ms` and are final where the reading ends. The
 * longest window around `from_ms` that can be over by then decides. A year that still runs is left
 * to the running daemon, and need not be read.
 *
 * An event touches a window only if it ends after the window's start. An event that arrived more
 * than the early tolerance before its own end was refused. So all of a window's events have Kafka
 * timestamps from its start less the tolerance on. Before them comes a lead of horizon and delay:
 * there the clock of the log and the readings before the window are learned. The lead is two
 * readings of the slowest meter if that is longer, because a register needs the reading before.
 * Stocks need the dip before: dips.h.
 * Pure.
 */
#ifndef GHGD_REPLAY_RANGE_H
#define GHGD_REPLAY_RANGE_H

#include "config/config.h"

struct replay_range {
    int64_t from_ms;      /* windows that end after it are asked for */
    int64_t until_ms;     /* messages that arrived before it are read */
    int64_t over_ms;      /* no window that ends later can be final */
    int64_t lead_ms;      /* how long before a window the log is needed */
    int64_t read_from_ms; /* Kafka timestamps from here on are read */
};

/* Returns 0, or what calendar_create() says of the registry's zones. */
int replay_range_plan(struct replay_range *replay_range_out, const struct config *config,
                      int64_t from_ms, int64_t until_ms) MUST_CHECK;

/* Windows that begin at or after it are right if the log begins with a message of first_ms. */
int64_t replay_range_right_ms(const struct replay_range *range, int64_t first_ms);

/* Names the months and years that are asked for and begin before right_ms ("month 2026-03, year
 * from 2026-01"), or the days if no month does. Appends nothing if no window does. Returns 0 or
 * what calendar_create() says. */
int replay_range_name_lost(const struct replay_range *range, const struct config *config,
                           int64_t right_ms, struct buffer *out) MUST_CHECK;

#endif
