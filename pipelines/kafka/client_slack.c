#include "pipelines/kafka/client_slack.h"

#include <errno.h>
#include <sys/prctl.h>

enum { SLACK_NS = 1000000 }; /* the rest is less than that */

/* Thread: the one that has started. Where the kernel refuses, it spins as before. */
static rd_kafka_resp_err_t on_thread_start(rd_kafka_t *client, rd_kafka_thread_type_t type,
                                           const char *name, void *context)
{
    (void)client;
    (void)type;
    (void)name;
    (void)context;
    (void)prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *settings,
                                  void *context, char *text, size_t text_size)
{
    (void)settings;
    (void)context;
    (void)text;
    (void)text_size;
    return rd_kafka_interceptor_add_on_thread_start(client, "client_slack", on_thread_start, NULL);
}

int client_slack_set(rd_kafka_conf_t *settings)
{
    rd_kafka_resp_err_t code =
        rd_kafka_conf_interceptor_add_on_new(settings, "client_slack", on_new, NULL);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -ENOMEM;
}
