/* test_service.c - what a service manager hears, and that the process ends whatever hangs. */
#include "daemon/service.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    uv_loop_t loop;
    struct service *service;
    int manager; /* the end of the notify socket that systemd would hold */
    int stops, reloads;
    bool closed;
};

static void on_stop(void *context)
{
    ((struct fixture *)context)->stops++;
}

static void on_reload(void *context)
{
    ((struct fixture *)context)->reloads++;
}

static void on_closed(void *context)
{
    ((struct fixture *)context)->closed = true;
}

/* An abstract socket: no file, and gone with its owner. */
static int open_manager(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "ghgd-test-%d", getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    socklen_t size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    address.sun_path[0] = '@';
    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    return fd;
}

static void create(struct fixture *fixture, int64_t shutdown_timeout_ms)
{
    const struct service_callbacks callbacks = {on_stop, on_reload, fixture};
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(
        service_create(&fixture->service, &fixture->loop, shutdown_timeout_ms, &callbacks), 0);
}

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    fixture.manager = open_manager();
    create(&fixture, 3600000);
    *state = &fixture;
    return 0;
}

static void close_service(struct fixture *fixture)
{
    service_close(TAKE(fixture->service), on_closed, fixture);
    assert_false(fixture->closed);
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->closed);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    struct itimerval none = {0};
    (void)setitimer(ITIMER_REAL, &none, NULL); /* the tests go on */
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    close_service(fixture);
    (void)close(fixture->manager);
    return 0;
}

/* The next message, or "" if no message waits. */
static const char *heard(const struct fixture *fixture)
{
    static char text[1024];
    ssize_t size = recv(fixture->manager, text, sizeof(text) - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static void raise_signal(struct fixture *fixture, int number)
{
    assert_int_equal(raise(number), 0);
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

static void test_life(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(heard(fixture), ""); /* not ready before the daemon says so */
    service_ready(fixture->service);
    assert_string_equal(heard(fixture), "READY=1");
    service_status(fixture->service, "%d partitions, %s", 3, "lag 17\nREADY=0");
    assert_string_equal(heard(fixture), "STATUS=3 partitions, lag 17 READY=0");

    raise_signal(fixture, SIGHUP);
    assert_int_equal(fixture->reloads, 1);
    service_reloading(fixture->service);
    assert_true(strncmp(heard(fixture), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
    service_ready(fixture->service);
    assert_string_equal(heard(fixture), "READY=1");

    raise_signal(fixture, SIGTERM);
    assert_int_equal(fixture->stops, 1);
    assert_string_equal(heard(fixture), "STOPPING=1");
}

static void test_signals(void **state)
{
    struct fixture *fixture = *state;
    raise_signal(fixture, SIGPIPE); /* ignored */
    raise_signal(fixture, SIGHUP);
    raise_signal(fixture, SIGHUP);
    assert_int_equal(fixture->reloads, 2);
    raise_signal(fixture, SIGINT);
    assert_int_equal(fixture->stops, 1);
    raise_signal(fixture, SIGTERM); /* a manager may repeat itself */
    raise_signal(fixture, SIGHUP);
    service_stopping(fixture->service);
    service_ready(fixture->service);
    service_reloading(fixture->service);
    assert_int_equal(fixture->stops, 1);
    assert_int_equal(fixture->reloads, 2);
    assert_string_equal(heard(fixture), "STOPPING=1");
    assert_string_equal(heard(fixture), ""); /* once, and nothing after it */
}

static void test_status_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    service_status(fixture->service, "%s", text);
    assert_int_equal(strlen(heard(fixture)), 255);
}

static void test_without_manager(void **state)
{
    struct fixture *fixture = *state;
    (void)unsetenv("NOTIFY_SOCKET");
    service_ready(fixture->service);
    service_status(fixture->service, "nobody listens");
    assert_string_equal(heard(fixture), "");
    (void)setenv("NOTIFY_SOCKET", "@ghgd-nobody", 1);
    service_ready(fixture->service); /* logged, no more */
}

static void test_watchdog(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *usec, *pid; /* NULL: ours */
        bool fed;
    } cases[] = {
        {"20000", NULL, true},
        {"20000", "1", false},
        {"0", NULL, false},
        {"soon", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char pid[16];
        (void)snprintf(pid, sizeof(pid), "%d", getpid());
        (void)setenv("WATCHDOG_USEC", cases[i].usec, 1);
        (void)setenv("WATCHDOG_PID", cases[i].pid == NULL ? pid : cases[i].pid, 1);
        static struct fixture watched;
        memset(&watched, 0, sizeof(watched));
        create(&watched, 1000);
        int count = 0;
        for (int turns = 0; turns < 3; turns++) {
            (void)uv_run(&watched.loop, UV_RUN_NOWAIT);
            while (strcmp(heard(fixture), "WATCHDOG=1") == 0)
                count++;
            uv_update_time(&watched.loop);
            (void)poll(NULL, 0, 11); /* half of WATCHDOG_USEC, and a little */
        }
        if ((count >= 2) != cases[i].fed || count > 3)
            fail_msg("WATCHDOG_USEC=%s: fed %d times", cases[i].usec, count);
        close_service(&watched);
    }
}

/* Runs `child` in a process of its own; returns its wait status. */
static int run_child(void (*child)(struct fixture *fixture))
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static struct fixture fixture;
        (void)alarm(120);
        create(&fixture, 50 - SERVICE_MARGIN_MS); /* the hard end 50 ms after the request */
        child(&fixture);
        _exit(77);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void hang_after_stop(struct fixture *fixture)
{
    raise_signal(fixture, SIGTERM);
    if (fixture->stops != 1)
        _exit(78);
    for (;;) /* the loop never turns again */
        (void)pause();
}

static void hang_after_close(struct fixture *fixture)
{
    service_stopping(fixture->service);
    service_close(fixture->service, NULL, NULL);
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    for (;;) /* a library that does not return */
        (void)pause();
}

static void interrupt_twice(struct fixture *fixture)
{
    struct itimerval none = {0};
    raise_signal(fixture, SIGINT);
    (void)setitimer(ITIMER_REAL, &none, NULL);
    raise_signal(fixture, SIGINT);
}

static void stop_in_time(struct fixture *fixture)
{
    raise_signal(fixture, SIGTERM);
    service_close(fixture->service, NULL, NULL);
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    _exit(uv_loop_close(&fixture->loop) == 0 ? 0 : 79);
}

static void test_end(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*child)(struct fixture *fixture);
        int want;
    } cases[] = {
        {"the loop hangs", hang_after_stop, 1},
        {"a library hangs at the end", hang_after_close, 1},
        {"a second SIGINT", interrupt_twice, 1},
        {"in time", stop_in_time, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = run_child(cases[i].child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].want)
            fail_msg("%s: wait status 0x%x", cases[i].name, (unsigned)status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end), /* first: libuv's signals do not survive a fork */
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_status_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_manager, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watchdog, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
