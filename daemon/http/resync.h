/*
 * resync.h - an operator says that a sink has lost rows: POST /resync?sink=NAME&from=TIME.
 *
 * Every window of the state that ends after TIME becomes dirty for the sink, and is written once
 * more by the way of all rows. One request per sink is under way at a time. The answer has one word
 * and one value a line:
 *
 *     windows 1234              marked
 *     partitions 3              of this process
 *     waiting 1                 of them that have not caught up yet, and write nothing until then
 *     open 2026-11-13T16:00:00Z of windows that ended before this, not all are in the state
 */
#ifndef GHGD_RESYNC_H
#define GHGD_RESYNC_H

#include "daemon/engine/intake.h"
#include "daemon/engine/row_writer.h"
#include "daemon/http/http.h"

struct resync_page {
    const struct config *config;
    struct intake *intake; /* NULL: a process without shards */
    struct row_writer *row_writer;
    bool asked[SINKS_MAX];       /* and perhaps not all written yet */
    uint64_t windows[SINKS_MAX]; /* marked so far */
};

/* The handler of http.h; the context is a struct resync_page. */
unsigned resync_post(void *context, const struct http_query *query, struct buffer *body);

#endif
