/*
 * totals_reader.h - reads the topic of a sink of totals once, up to where it ends now.
 */
#ifndef GHGD_TOTALS_READER_H
#define GHGD_TOTALS_READER_H

#include "config/config.h"
#include "pipelines/groups/group_totals.h"

/* Puts every record into the table. A damaged record is left out: *damaged_out counts them, and
 * words for the first few go to `faults`, a line each. Returns 0; or what log_reader.h or
 * group_totals_put() says, with words in `why`. Calls block. */
int totals_read(struct group_totals *totals, const struct kafka_conf *kafka, const char *topic,
                uint64_t *damaged_out, struct buffer *faults, struct buffer *why) MUST_CHECK;

#endif
