/*
 * process.h - the assembled daemon: intake, shards, row writer, sinks, in one visible list.
 *
 * Everything happens on the loop that the caller runs. A process is running, then draining (no more
 * messages, rows are still written), then drained until its owner has let go of the parts. Then it
 * is closing: parts are taken down in the reverse order. At the end it calls `ended`, and nothing
 * is left on the loop.
 */
#ifndef GHGD_PROCESS_H
#define GHGD_PROCESS_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/rollup/row.h"

struct process;

struct process_callbacks {
    /* The process cannot go on and drains by itself; `why` is valid during the call. */
    void (*failed)(void *context, const char *why);
    /* The process has drained. Its owner lets go of the parts and then calls process_close(). */
    void (*drained)(void *context);
    /* The process is gone. */
    void (*ended)(void *context);
    /* A process that was not made, or was discarded, is gone; perhaps while it is being made. May
     * be NULL. */
    void (*discarded)(void *context);
    /* Rows that a sink has acknowledged, for a live display; may be NULL. */
    void (*written)(void *context, const struct block *block);
    void *context;
};

/* Makes every part and starts. config is borrowed until `ended` or `discarded`. Returns 0; or
 * negative, with the reason logged: then the loop has to be run until what was made has closed, and
 * `discarded` is called instead of `ended`. */
int process_create(struct process **process_out, uv_loop_t *loop, const struct config *config,
                   const struct process_callbacks *callbacks) MUST_CHECK;

/* The state for a display or a command; borrowed until process_close(). */
struct process_parts {
    struct intake *intake;
    struct rekey *rekey; /* NULL: the input topic is keyed by facility */
    struct row_writer *row_writer;
    const uint64_t *standstills; /* how often the write fence was raised */
};

struct process_parts process_get_parts(const struct process *process);
/* Drains for at most half of the configured shutdown timeout. */
void process_stop(struct process *process);
/* Only when drained: closes within the other half. */
void process_close(struct process *process);
/* Takes a process that has only just been made, and closes it undrained; calls `discarded` only. */
void process_discard(struct process **process);

#endif
