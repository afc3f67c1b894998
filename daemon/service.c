#include "daemon/service.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { STATUS_TEXT_SIZE = 256, SIGNALS_COUNT = 3 };

static const int signals_caught[SIGNALS_COUNT] = {SIGTERM, SIGINT, SIGHUP};

struct service {
    uv_signal_t signals[SIGNALS_COUNT];
    uv_timer_t watchdog;
    int64_t end_ms; /* from the request to stop to the hard end */
    bool stopping;
    int handles_open;
    struct service_callbacks callbacks;
    void (*closed)(void *context);
    void *closed_context;
};

/* Tells the service manager, if there is one. That it does not listen is no reason to fail. */
static void tell(const char *text)
{
    int sent = sd_notify(0, text);
    if (sent < 0)
        LOG_LIMITED(LOG_LEVEL_WARN, "service.notify_failed", "error=\"%s\"", err_str(sent));
}

static void on_hard_end(int number)
{
    static const char text[] = "ghgd: the process did not stop in time, and ends now\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

/* SIGALRM is delivered even if the loop hangs, and to whichever thread can take it. */
static void arm_hard_end(int64_t after_ms)
{
    struct sigaction action = {.sa_handler = on_hard_end};
    (void)sigemptyset(&action.sa_mask);
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)(after_ms / 1000),
                                           .tv_usec = (suseconds_t)(after_ms % 1000 * 1000)}};
    if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0)
        LOG_ERROR("service.no_hard_end", "error=\"%s\"", err_str(-errno));
}

void service_stopping(struct service *service)
{
    if (service->stopping)
        return;
    service->stopping = true;
    arm_hard_end(service->end_ms);
    tell("STOPPING=1");
}

static void on_stop_signal(struct service *service, int number)
{
    if (!service->stopping) {
        LOG_INFO("service.stop", "signal=%s", number == SIGINT ? "SIGINT" : "SIGTERM");
        service_stopping(service);
        service->callbacks.stop(service->callbacks.context);
        return;
    }
    if (number == SIGINT) { /* a person who does not want to wait */
        LOG_WARN("service.stop_at_once", "signal=SIGINT");
        _exit(EXIT_FAILURE);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct service *service = handle->data;
    if (number != SIGHUP) {
        on_stop_signal(service, number);
    } else if (!service->stopping) {
        LOG_INFO("service.reload", "signal=SIGHUP");
        service->callbacks.reload(service->callbacks.context);
    }
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    tell("WATCHDOG=1");
}

void service_ready(struct service *service)
{
    if (!service->stopping) /* a manager that has been told the end would be confused */
        tell("READY=1");
}

void service_reloading(struct service *service)
{
    struct timespec now;
    if (service->stopping || clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        return;
    char text[64];
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tell(text);
}

void service_status(struct service *service, const char *format, ...)
{
    (void)service;
    char text[STATUS_TEXT_SIZE] = "STATUS=";
    size_t prefix = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + prefix, sizeof(text) - prefix, format, args);
    va_end(args);
    for (char *c = text + prefix; *c != '\0'; c++) {
        if (*c == '\n')
            *c = ' '; /* another line would be another assignment */
    }
    tell(text);
}

/* Half of what systemd waits for, so that one late turn is no reason to be killed. */
static void start_watchdog(struct service *service)
{
    uint64_t limit_us = 0;
    int enabled = sd_watchdog_enabled(0, &limit_us);
    if (enabled < 0)
        LOG_WARN("service.watchdog_invalid", "error=\"%s\"", err_str(enabled));
    if (enabled <= 0)
        return;
    uint64_t every_ms = limit_us / 2000;
    if (every_ms == 0)
        every_ms = 1;
    int err = uv_timer_start(&service->watchdog, on_watchdog, 0, every_ms);
    ASSERT(err == 0);
}

/* A failure here is one of the kernel's, before anything depends on the loop. */
static int catch_signals(struct service *service, uv_loop_t *loop)
{
    for (int i = 0; i < SIGNALS_COUNT; i++) {
        int err = uv_signal_init(loop, &service->signals[i]);
        if (err < 0)
            return err;
        service->signals[i].data = service;
        service->handles_open++;
        err = uv_signal_start(&service->signals[i], on_signal, signals_caught[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

int service_create(struct service **service_out, uv_loop_t *loop, int64_t shutdown_timeout_ms,
                   const struct service_callbacks *callbacks)
{
    struct service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return -ENOMEM;
    service->callbacks = *callbacks;
    service->end_ms = shutdown_timeout_ms + SERVICE_MARGIN_MS;
    int err = uv_timer_init(loop, &service->watchdog);
    ASSERT(err == 0);
    service->watchdog.data = service;
    service->handles_open = 1;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) /* a peer that hangs up is an error of that socket */
        err = -errno;
    if (err == 0)
        err = catch_signals(service, loop);
    if (err < 0) {
        service_close(service, NULL, NULL);
        return err;
    }
    start_watchdog(service);
    *service_out = service;
    return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct service *service = handle->data;
    if (--service->handles_open > 0)
        return;
    void (*closed)(void *) = service->closed;
    void *context = service->closed_context;
    free(service);
    if (closed != NULL)
        closed(context);
}

void service_close(struct service *service, void (*closed)(void *context), void *context)
{
    service->closed = closed;
    service->closed_context = context;
    int signals_open = service->handles_open - 1;
    for (int i = 0; i < signals_open; i++)
        uv_close((uv_handle_t *)&service->signals[i], on_handle_closed);
    uv_close((uv_handle_t *)&service->watchdog, on_handle_closed);
}
