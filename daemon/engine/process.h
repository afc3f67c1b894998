/*
 * process.h - the assembled daemon: intake, shards, row writer, sinks, in one visible list.
 *
 * Everything happens on the loop that the caller runs. A process is running, then draining (no more
 * messages, rows are still written), then closing (parts are taken down in the reverse order), and
 * at the end `ended` is called and nothing is left on the loop.
 */
#ifndef GHGD_PROCESS_H
#define GHGD_PROCESS_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/rollup/row.h"

struct process;

struct process_conf {
    const struct config *config;         /* borrowed until `ended` */
    uint64_t reloads_ok, reloads_failed; /* so far, for metrics */
};

struct process_callbacks {
    /* The process is gone; status is the exit status. */
    void (*ended)(void *context, int status);
    /* Rows that a sink has acknowledged, for a live display; may be NULL. */
    void (*written)(void *context, const struct block *block);
    void *context;
};

/* Makes every part and starts. Returns 0; or negative, with the reason logged: then the loop has to
 * be run until what was made has closed, and `ended` is not called. */
int process_create(struct process **process_out, uv_loop_t *loop, const struct process_conf *conf,
                   const struct process_callbacks *callbacks) MUST_CHECK;
void process_count_reload_failed(struct process *process);
/* Drains for at most half of the configured shutdown timeout, then closes within the other half. */
void process_stop(struct process *process);

#endif
