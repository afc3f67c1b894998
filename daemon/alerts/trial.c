#include "daemon/alerts/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "pipelines/kafka/record_writer.h"
#include "pipelines/notice/alert_body.h"
#include "pipelines/sink/hook.h"

enum { BODY_BYTES_MAX = 256 << 10, TOPIC_TIMEOUT_MS = 20000, WORDS_BYTES_MAX = 4 << 10 };

struct trial_run {
    struct trial *trial;
    int64_t started_ms;
    bool answered, closed;
};

/* Alertmanager takes the alert for over a minute later. */
static void add_body(struct buffer *body, const struct sink_conf *conf, int64_t now_ms)
{
    const struct alert_notice notice = notice_sample(now_ms);
    enum language language = (enum language)conf->language;
    if (conf->type == SINK_WEBHOOK) {
        webhook_body_add(body, conf->name, &notice, 1, language);
        return;
    }
    buffer_add_char(body, '[');
    standing_alert_add(body, &notice, notice.to, language);
    standing_times_add(body, notice.start_ms, now_ms + MINUTE_MS);
    buffer_add_char(body, ']');
}

static void on_answered(void *context, const struct http_answer *answer)
{
    struct trial_run *run = context;
    struct influx_answer judged;
    hook_judge(&judged, answer);
    run->answered = true;
    run->trial->taken = judged.verdict == VERDICT_DONE;
    run->trial->status = answer->status;
    run->trial->took_ms = clock_steady_ms() - run->started_ms;
    (void)snprintf(run->trial->words, sizeof(run->trial->words), "%s", judged.words);
}

static void on_closed(void *context)
{
    struct trial_run *run = context;
    run->closed = true;
}

static int post(struct trial_run *run, uv_loop_t *loop, const struct sink_conf *conf,
                const struct buffer *body)
{
    const struct hook_callbacks callbacks = {.answered = on_answered, .context = run};
    bool is_webhook = conf->type == SINK_WEBHOOK;
    struct http_client *client = NULL;
    int err = hook_open(&client, loop, conf,
                        is_webhook ? HOOK_WEBHOOK_PATH : HOOK_ALERTMANAGER_PATH, &callbacks);
    if (err < 0)
        return err;
    err = hook_post(client, conf, body);
    while (err == 0 && !run->answered)
        uv_run(loop, UV_RUN_ONCE);
    http_client_close(&client, on_closed);
    while (!run->closed)
        uv_run(loop, UV_RUN_ONCE);
    return err;
}

/* ---- a topic */

struct topic_trial {
    struct trial_run *run;
    struct record_writer *writer;
    uv_async_t wake;
    uv_timer_t deadline;
};

static void end_run(struct trial_run *run, const char *words)
{
    run->answered = true;
    run->trial->took_ms = clock_steady_ms() - run->started_ms;
    (void)snprintf(run->trial->words, sizeof(run->trial->words), "%s", words);
}

static void on_shipped(void *context, const struct shipment *shipment)
{
    struct topic_trial *topic = context;
    topic->run->trial->taken = shipment->code == RD_KAFKA_RESP_ERR_NO_ERROR;
    end_run(topic->run, topic->run->trial->taken ? "" : rd_kafka_err2str(shipment->code));
}

static void on_wake(uv_async_t *wake)
{
    struct topic_trial *topic = wake->data;
    record_writer_turn(topic->writer, uv_now(wake->loop), on_shipped, topic);
}

static void on_deadline(uv_timer_t *timer)
{
    struct topic_trial *topic = timer->data;
    end_run(topic->run, "no broker has answered");
}

static int send_record(struct topic_trial *topic, const struct sink_conf *conf, int64_t now_ms)
{
    const struct alert_notice notice = notice_sample(now_ms);
    struct buffer key;
    struct buffer value;
    buffer_init(&key, BODY_BYTES_MAX);
    buffer_init(&value, BODY_BYTES_MAX);
    notice_add_id(&key, &notice);
    alert_object_add(&value, &notice, (enum language)conf->language);
    struct shipment *shipment = NULL;
    if (!buffer_failed(&key) && !buffer_failed(&value))
        shipment = shipment_create(key.size, value.size);
    bool made = shipment != NULL;
    if (made) {
        memcpy(shipment->bytes, key.data, key.size);
        memcpy(shipment->bytes + key.size, value.data, value.size);
        shipment->partition = RD_KAFKA_PARTITION_UA;
        shipment->number = 1;
        record_writer_send(topic->writer, &shipment);
    }
    buffer_fini(&key);
    buffer_fini(&value);
    return made ? 0 : -ENOMEM;
}

static int run_topic(struct trial_run *run, uv_loop_t *loop, const struct sink_conf *conf,
                     int64_t now_ms)
{
    struct topic_trial topic = {.run = run};
    struct buffer why;
    buffer_init(&why, WORDS_BYTES_MAX);
    const struct record_writer_conf writer = {.kafka = conf->kafka,
                                              .topic = conf->topic,
                                              .kind = CLIENT_WRITER,
                                              .name = "alerts",
                                              .error_event = "alerts.error",
                                              .wake = &topic.wake};
    int err = record_writer_create(&topic.writer, &writer, &why);
    if (err < 0)
        end_run(run, why.size > 0 ? buffer_text(&why) : err_str(err));
    buffer_fini(&why);
    if (err < 0)
        return err;
    uv_timer_init(loop, &topic.deadline); /* these two cannot fail here: the loop is new */
    uv_async_init(loop, &topic.wake, on_wake);
    topic.wake.data = topic.deadline.data = &topic;
    uv_timer_start(&topic.deadline, on_deadline, TOPIC_TIMEOUT_MS, 0);
    record_writer_listen(topic.writer);
    err = send_record(&topic, conf, now_ms);
    while (err == 0 && !run->answered)
        uv_run(loop, UV_RUN_ONCE);
    record_writer_destroy(&topic.writer);
    uv_close((uv_handle_t *)&topic.deadline, NULL);
    uv_close((uv_handle_t *)&topic.wake, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    return err;
}

/* ---- */

static int run_hook(struct trial_run *run, uv_loop_t *loop, const struct sink_conf *conf,
                    int64_t now_ms)
{
    struct buffer body;
    buffer_init(&body, BODY_BYTES_MAX);
    add_body(&body, conf, now_ms);
    int err = buffer_failed(&body) ? -ENOMEM : post(run, loop, conf, &body);
    buffer_fini(&body);
    return err;
}

int trial_run(struct trial *trial_out, const struct sink_conf *conf, int64_t now_ms)
{
    ASSERT(sink_conf_tells_people(conf));
    *trial_out = (struct trial){0};
    struct trial_run run = {.trial = trial_out, .started_ms = clock_steady_ms()};
    uv_loop_t loop;
    int err = uv_loop_init(&loop);
    if (err < 0)
        return err;
    err = conf->type == SINK_TOPIC ? run_topic(&run, &loop, conf, now_ms)
                                   : run_hook(&run, &loop, conf, now_ms);
    (void)uv_loop_close(&loop); /* every handle is closed */
    return err;
}
