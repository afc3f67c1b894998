/*
 * dips.h - the first dip of each stock in a part of a log, to tell where a replay has to begin.
 *
 * A dip books all that was used since the dip before it. So a part of a log that has the second one
 * only cannot give the windows between the two. A stock that accrues goes on behind its last dip,
 * at a rate for which it needs two. One owner.
 */
#ifndef GHGD_DIPS_H
#define GHGD_DIPS_H

#include "config/config.h"
#include "pipelines/ingest/decoder.h"

struct dips;

/* No dip was read. *dips_out is NULL if the tables have no stock. Returns 0, -ENOMEM or what
 * decoder_create() says. */
int dips_create(struct dips **dips_out, const struct config *config,
                const struct decode_conf *decode) MUST_CHECK;
void dips_destroy(struct dips **dips);
/* Forgets all that was read: another partition begins. */
void dips_clear(struct dips *dips);
/* Takes a message; others than those of the log's order may have come before it. */
void dips_read(struct dips *dips, const void *message, size_t size, bool native);

/* How many stocks have their first dip after needed_ms: what it books is not known, as the dip
 * before it was not read; or accrue, and have one dip. A stock that is valid from a later time only
 * needs none before. */
uint32_t dips_count_missing(const struct dips *dips, int64_t needed_ms);
/* Whether there are such stocks, or one of a facility that was read that accrues and has no dip:
 * earlier messages may have them. */
bool dips_lack_any(const struct dips *dips, int64_t needed_ms);
/* Appends their names, ten at most, each with the time of that dip. Returns the latest of those
 * times. */
int64_t dips_name_missing(const struct dips *dips, int64_t needed_ms, struct buffer *out);

#endif
