/*
 * row_drain.h - the rows of a shard into sinks, one block after the other, for commands that end.
 *
 * Every sink gets a row once, and is waited for. Rows that are not wanted count as settled: the
 * shard is thrown away when its input has ended. One owner, on the loop's thread.
 */
#ifndef GHGD_ROW_DRAIN_H
#define GHGD_ROW_DRAIN_H

#include <uv.h>

#include "daemon/command_line.h"
#include "pipelines/sink/sink.h"
#include "pipelines/state/shard.h"

struct row_drain;

struct row_drain_conf {
    const char *command; /* its name, for complaints on standard error */
    const struct config *config;
    bool all_sinks;            /* every configured sink, but none that tells people of alerts; or */
    struct sink_choice chosen; /* these; or if no sink was chosen */
    const char *output_path; /* this file instead, written from its start; "-" is standard output */
};

/* Which rows are written: of windows that end after `after_ms`, begin at `begin_ms` or later, and
 * are final if `final_only`. */
struct row_drain_filter {
    int64_t after_ms, begin_ms;
    bool final_only;
};
#define ROW_DRAIN_EVERYTHING ((struct row_drain_filter){INT64_MIN, INT64_MIN, false})

/* Opens every sink. Returns 0, -ENOENT (no sink of that name), -ENOMEM or what the sink says;
 * the complaint was printed. After a failure the loop has run until nothing of it is left. */
int row_drain_open(struct row_drain **row_drain_out, uv_loop_t *loop,
                   const struct row_drain_conf *conf) MUST_CHECK;
/* Closes the sinks, and runs the loop until they are closed. */
void row_drain_close(struct row_drain **row_drain);
/* As many as row_drain_sinks_count() says. */
const struct sink_conf *row_drain_sinks(const struct row_drain *row_drain);
uint32_t row_drain_sinks_count(const struct row_drain *row_drain);
/* Rows written so far, to all sinks together. */
uint64_t row_drain_rows(const struct row_drain *row_drain);

/* Takes what the shard gives in that mode until no sink gets any more. Returns 0, or negative if a
 * sink takes no rows: that was printed. */
int row_drain_run(struct row_drain *row_drain, struct shard *shard, enum take_mode mode,
                  const struct row_drain_filter *filter) MUST_CHECK;

#endif
