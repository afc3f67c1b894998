#include "daemon/decide/decision.h"

#include <string.h>

#include "base/foreign.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "pipelines/ingest/decoder.h"
#include "pipelines/ingest/event_builder.h"
#include "pipelines/ingest/resolve.h"

const char *decision_text_fault(const char *text, size_t bytes_max)
{
    size_t size = strlen(text);
    if (size == 0)
        return "is empty";
    if (size > bytes_max)
        return "is too long";
    for (size_t i = 0; i < size;) {
        uint32_t character;
        size_t step = utf8_read(text + i, size - i, &character);
        if (step == 0)
            return "is not UTF-8";
        if (utf8_is_control(character))
            return "has control characters or line breaks";
        i += step;
    }
    return NULL;
}

static void add_text(struct buffer *out, const char *name, const char *text)
{
    if (text == NULL)
        return;
    buffer_printf(out, "%s\"%s\":", out->size > 1 ? "," : "", name);
    foreign_add_quoted(out, text, strlen(text));
}

static void add_time(struct buffer *out, const char *name, int64_t time_ms)
{
    char text[TIMESTAMP_TEXT_SIZE];
    add_text(out, name, timestamp_format(text, time_ms));
}

void decision_write(struct buffer *out, const struct decision *decision)
{
    bool exchange = decision->kind == EVENT_EXCHANGE;
    buffer_add_char(out, '{');
    add_text(out, "meter", decision->meter);
    add_time(out, decision->end_ms == INT64_MIN ? "time" : "start", decision->time_ms);
    if (decision->end_ms != INT64_MIN)
        add_time(out, "end", decision->end_ms);
    add_text(out, "event", event_kind_word(decision->kind));
    if (exchange) {
        add_text(out, "final", decision->final);
        add_text(out, "initial", decision->initial);
        add_text(out, "unit", decision->unit);
    } else {
        add_text(out, "of", event_kind_word(decision->of));
        add_text(out, "id", decision->id);
        add_text(out, "quality", quality_name(decision->quality));
        buffer_printf(out, ",\"revision\":%u", (unsigned)decision->revision);
    }
    add_text(out, "by", decision->by);
    add_time(out, "at", decision->at_ms);
    add_text(out, "note", decision->note);
    buffer_add_char(out, '}');
}

struct judging {
    const struct registry *registry;
    enum outcome outcome;
};

static void judge_event(void *context, const struct event *event)
{
    struct judging *judging = context;
    struct batch_event ignored;
    judging->outcome = resolve_event(&ignored, judging->registry, event, &(const struct place){0});
}

int decision_judge(enum outcome *outcome_out, const struct buffer *event,
                   const struct registry *registry)
{
    const struct decode_conf conf = {.format = FORMAT_JSON};
    struct judging judging = {registry, REJECT_UNDECODABLE};
    struct decoder *decoder;
    int err = decoder_create(&decoder, &conf);
    if (err < 0)
        return err;
    decoder_decode(decoder, event->data, event->size, true, judge_event, &judging);
    decoder_destroy(&decoder);
    *outcome_out = judging.outcome;
    return 0;
}
