#include "pipelines/kafka/client_threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

/* ---- processor time ---- */

struct thread {
    struct thread *next;
    pthread_t id;
    clockid_t clock;
};

struct cpu_account {
    struct thread *threads;
    uint64_t ended_us;
};

static struct cpu_account accounts[CLIENT_KINDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t read_us(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now); /* of a thread that lives: under the lock none ends */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Thread: the one that has started. Without memory it is not counted. */
static rd_kafka_resp_err_t on_thread_start(rd_kafka_t *client, rd_kafka_thread_type_t type,
                                           const char *name, void *context)
{
    (void)client;
    (void)type;
    (void)name;
    struct cpu_account *account = context;
    struct thread *thread = malloc(sizeof(*thread));
    if (thread == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    thread->id = pthread_self();
    if (pthread_getcpuclockid(thread->id, &thread->clock) != 0) {
        free(thread);
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    pthread_mutex_lock(&lock);
    thread->next = account->threads;
    account->threads = thread;
    pthread_mutex_unlock(&lock);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Thread: the one that ends. */
static rd_kafka_resp_err_t on_thread_exit(rd_kafka_t *client, rd_kafka_thread_type_t type,
                                          const char *name, void *context)
{
    (void)client;
    (void)type;
    (void)name;
    struct cpu_account *account = context;
    pthread_mutex_lock(&lock);
    struct thread **at = &account->threads;
    while (*at != NULL && !pthread_equal((*at)->id, pthread_self()))
        at = &(*at)->next;
    struct thread *thread = *at;
    if (thread != NULL) {
        *at = thread->next;
        account->ended_us += read_us(thread->clock);
    }
    pthread_mutex_unlock(&lock);
    free(thread);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *settings,
                                  void *context, char *text, size_t text_size)
{
    (void)settings;
    (void)text;
    (void)text_size;
    rd_kafka_resp_err_t code =
        rd_kafka_interceptor_add_on_thread_start(client, "client_time", on_thread_start, context);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code =
            rd_kafka_interceptor_add_on_thread_exit(client, "client_time", on_thread_exit, context);
    return code;
}

int client_time_watch(rd_kafka_conf_t *settings, enum client_kind kind)
{
    rd_kafka_resp_err_t code =
        rd_kafka_conf_interceptor_add_on_new(settings, "client_time", on_new, &accounts[kind]);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -ENOMEM;
}

uint64_t client_time_us(enum client_kind kind)
{
    const struct cpu_account *account = &accounts[kind];
    pthread_mutex_lock(&lock);
    uint64_t sum_us = account->ended_us;
    for (const struct thread *thread = account->threads; thread != NULL; thread = thread->next)
        sum_us += read_us(thread->clock);
    pthread_mutex_unlock(&lock);
    return sum_us;
}

/* ---- timer slack ---- */

enum { SLACK_NS = 1000000 }; /* the rest is less than that */

/* Thread: the one that has started. Where the kernel refuses, it spins as before. */
static rd_kafka_resp_err_t on_slack_thread(rd_kafka_t *client, rd_kafka_thread_type_t type,
                                           const char *name, void *context)
{
    (void)client;
    (void)type;
    (void)name;
    (void)context;
    (void)prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_slack_client(rd_kafka_t *client, const rd_kafka_conf_t *settings,
                                           void *context, char *text, size_t text_size)
{
    (void)settings;
    (void)context;
    (void)text;
    (void)text_size;
    return rd_kafka_interceptor_add_on_thread_start(client, "client_slack", on_slack_thread, NULL);
}

int client_slack_set(rd_kafka_conf_t *settings)
{
    rd_kafka_resp_err_t code =
        rd_kafka_conf_interceptor_add_on_new(settings, "client_slack", on_slack_client, NULL);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -ENOMEM;
}
