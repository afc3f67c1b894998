/*
 * service.h - the process as a service: signals, what the service manager is told, and the end.
 *
 * systemd is told only if it asks (NOTIFY_SOCKET, WATCHDOG_USEC); nothing else changes without it.
 * The watchdog is fed from a timer on the loop, so that it tells whether the loop turns.
 *
 * After the first request to stop, the process ends within a bounded time, whatever hangs. A timer
 * of the kernel ends it with status 1, also when the loop no longer turns or a library does not
 * return. That timer outlives the service, until the process has ended.
 */
#ifndef GHGD_SERVICE_H
#define GHGD_SERVICE_H

#include <uv.h>

#include "base/base.h"

struct service;

struct service_callbacks {
    void (*stop)(void *context);   /* SIGTERM, SIGINT: once; a second SIGINT ends the process */
    void (*reload)(void *context); /* SIGHUP: each time, and never after stop */
    void *context;
};

/* Catches the signals, ignores SIGPIPE, begins to feed the watchdog. shutdown_timeout_ms is how
 * long stopping may take; the hard end comes SERVICE_MARGIN_MS later. Keeps the loop alive until
 * service_close(). Returns 0 or negative. */
int service_create(struct service **service_out, uv_loop_t *loop, int64_t shutdown_timeout_ms,
                   const struct service_callbacks *callbacks) MUST_CHECK;

/* The process does its work (now, or again after a reload). */
void service_ready(struct service *service);
/* A reload begins; service_ready() ends it, also if it was refused. */
void service_reloading(struct service *service);
/* One line for people, shown by `systemctl status`. */
void service_status(struct service *service, const char *format, ...) PRINTF_LIKE(2, 3);
/* The process ends, for a reason other than a signal; does not call back. Arms the hard end. */
void service_stopping(struct service *service);

/* Lets go of the signals and the loop, then calls `closed`. The hard end stays armed. */
void service_close(struct service *service, void (*closed)(void *context), void *context);

/* Between the time that stopping may take and the hard end. */
enum { SERVICE_MARGIN_MS = 5000 };

#endif
