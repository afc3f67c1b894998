/*
 * deadletter_job.h - what `ghgd deadletter` was asked to do, and its four actions.
 *
 * Each action returns the exit status of the command and has said what went wrong.
 */
#ifndef GHGD_DEADLETTER_JOB_H
#define GHGD_DEADLETTER_JOB_H

#include "daemon/deadletter/reader.h"
#include "pipelines/ingest/event.h"

struct deadletter_job {
    const char *config_file;
    const char *place; /* show: which letter */
    struct letters_filter filter;
    int64_t limit; /* records kept in memory */
    int format;    /* export: enum event_format */
    bool json, raw, dry_run, yes;
    bool late_chosen;                /* retry: late events were asked for */
    bool with_retried, with_refused; /* those too */
    /* Opened for the action. */
    struct config *config;
    struct letter_reader *letter_reader;
    struct letter_index *letters;
};

int deadletter_list(struct deadletter_job *job);
int deadletter_show(struct deadletter_job *job);
int deadletter_retry(struct deadletter_job *job);
int deadletter_export(struct deadletter_job *job);

/* Reads every letter that the filter wants into job->letters, sorted. Returns 0, ERR_FULL (said;
 * those that fit are there), or negative (said). */
int deadletter_read(struct deadletter_job *job) MUST_CHECK;

#endif
