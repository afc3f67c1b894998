/*
 * status.h - what the process shows of itself over HTTP: /metrics, /metrics/facilities, /healthz,
 * /readyz; and the one thing that it can be told: /resync.
 *
 * Asks the parts when it is asked; keeps nothing but when each sink was last well, and how far two
 * walks are (survey.h, unheard.h). The loop thread owns it.
 */
#ifndef GHGD_STATUS_H
#define GHGD_STATUS_H

#include "daemon/engine/intake.h"
#include "daemon/engine/rekey/rekey.h"
#include "daemon/engine/row_writer.h"
#include "daemon/http/http.h"

struct status;

struct status_conf {
    uv_loop_t *loop;
    const struct config *config;
    struct intake *intake;
    const struct rekey *rekey; /* NULL: there is no such stage */
    struct row_writer *row_writer;
    const uint64_t *standstills;
    uint64_t reloads_ok, reloads_failed; /* before this process was made */
};

/* Listens if the configuration says so; without http.listen it does nothing, and that is 0 too.
 * Returns 0 or what http_create says. */
int status_create(struct status **status_out, const struct status_conf *conf) MUST_CHECK;
/* Something fatal has happened: /healthz and /readyz say so from now on. `why` is kept. */
void status_set_fatal(struct status *status, const char *why);
void status_count_reload_failed(struct status *status);
/* Drops every connection, frees everything, then calls `closed`. */
void status_close(struct status *status, void (*closed)(void *context), void *context);

#endif
