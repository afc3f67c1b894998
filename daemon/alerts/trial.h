/*
 * trial.h - a sample alert through one output, and what came back.
 */
#ifndef GHGD_TRIAL_H
#define GHGD_TRIAL_H

#include "config/config.h"

struct trial {
    bool taken;      /* the output has it */
    int status;      /* of HTTP; 0: there was no answer, or it is a topic */
    int64_t took_ms; /* up to the answer */
    char words[256]; /* of the receiver or the library; empty if taken */
};

/* The sink tells people. Sends the sample once, as the sink would, and waits for the answer, no
 * longer than the sink's timeout, 20 s for a topic. Returns 0, or negative if nothing could be
 * sent. */
int trial_run(struct trial *trial_out, const struct sink_conf *conf, int64_t now_ms) MUST_CHECK;

#endif
