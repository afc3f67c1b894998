#include "pipelines/notice/alert_body.h"

#include "base/decimal.h"
#include "base/foreign.h"
#include "base/timestamp.h"

#include <string.h>
#include <xxhash.h>

enum { TEXT_BYTES_MAX = 16 << 10, KG_DECIMALS = 6, SLIP_DECIMALS = 2, MISS_DECIMALS = 3 };
#define ALERT_NAME "GhgdTargetSlip"
#define NOT_ENDED "0001-01-01T00:00:00Z"

static void add_key(struct buffer *out, const char *key)
{
    if (out->size > 0 && out->data[out->size - 1] != '{')
        buffer_add_char(out, ',');
    foreign_add_quoted(out, key, strlen(key));
    buffer_add_char(out, ':');
}

static void add_text(struct buffer *out, const char *key, const char *text)
{
    add_key(out, key);
    foreign_add_quoted(out, text, strlen(text));
}

static void add_time(struct buffer *out, const char *key, int64_t time_ms)
{
    char text[TIMESTAMP_TEXT_SIZE];
    add_text(out, key, timestamp_format(text, time_ms));
}

/* A number as text; nothing if it is not known. */
static void add_number(struct buffer *out, const char *key, int64_t value, unsigned decimals)
{
    if (value == NOTICE_UNKNOWN)
        return;
    add_key(out, key);
    buffer_add_char(out, '"');
    buffer_add_fixed(out, value, decimals);
    buffer_add_char(out, '"');
}

static void add_labels(struct buffer *out, const struct alert_notice *notice, uint8_t level)
{
    static const char *const kinds[] = {
        [TARGET_FACILITY] = "facility", [TARGET_GROUP] = "group", [TARGET_ALL] = "all"};
    add_key(out, "labels");
    buffer_add_char(out, '{');
    add_text(out, "alertname", ALERT_NAME);
    add_text(out, "target", notice->target);
    add_text(out, "subject", notice->subject);
    ASSERT(notice->where < ARRAY_LEN(kinds));
    add_text(out, "subject_kind", kinds[notice->where]);
    add_text(out, "severity", notice_level_name(level));
    if (notice->test)
        add_text(out, "test", "true");
    buffer_add_char(out, '}');
}

typedef void (*text_adder)(struct buffer *out, const struct alert_notice *notice,
                           enum language language);

static void add_words(struct buffer *out, const char *key, const struct alert_notice *notice,
                      text_adder add, enum language language)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    add(&text, notice, language);
    add_key(out, key);
    foreign_add_quoted(out, text.size > 0 ? text.data : "", text.size);
    out->failed |= buffer_failed(&text);
    buffer_fini(&text);
}

static void add_id(struct buffer *out, const struct alert_notice *notice, enum language language)
{
    (void)language;
    notice_add_id(out, notice);
}

static void add_annotations(struct buffer *out, const struct alert_notice *notice,
                            enum language language)
{
    add_key(out, "annotations");
    buffer_add_char(out, '{');
    add_words(out, "summary", notice, notice_add_title, language);
    add_words(out, "description", notice, notice_add_body, language);
    add_words(out, "id", notice, add_id, language);
    add_text(out, "event", notice_event_name(notice->event));
    add_text(out, "level", notice_level_name(notice->to));
    add_text(out, "level_before", notice_level_name(notice->from));
    add_number(out, "base_version", notice->base_version, 0);
    add_number(out, "year", notice->year, 0);
    add_number(out, "slip_percent", notice->slip, SLIP_DECIMALS);
    add_number(out, "ytd_kg", notice->ytd_mg, KG_DECIMALS);
    add_number(out, "due_kg", notice->due_mg, KG_DECIMALS);
    add_number(out, "budget_kg", notice->budget_mg, KG_DECIMALS);
    add_number(out, "forecast_kg", notice->forecast_mg, KG_DECIMALS);
    add_number(out, "forecast_low_kg", notice->low_mg, KG_DECIMALS);
    add_number(out, "forecast_high_kg", notice->high_mg, KG_DECIMALS);
    add_number(out, "miss_probability", notice->miss, MISS_DECIMALS);
    add_number(out, "coverage", notice->coverage, PART_DECIMALS);
    buffer_add_char(out, '}');
}

static bool is_over(const struct alert_notice *notice)
{
    return notice->to == ALERT_OK;
}

/* ---- the body of a webhook */

static void add_fingerprint(struct buffer *out, const struct alert_notice *notice)
{
    XXH64_hash_t hash = XXH64(notice->target, strlen(notice->target), notice->test);
    add_key(out, "fingerprint");
    buffer_printf(out, "\"%016llx\"", (unsigned long long)hash);
}

void alert_object_add(struct buffer *out, const struct alert_notice *notice, enum language language)
{
    bool over = is_over(notice);
    buffer_add_char(out, '{');
    add_text(out, "status", over ? "resolved" : "firing");
    add_labels(out, notice, over ? notice->from : notice->to);
    add_annotations(out, notice, language);
    add_time(out, "startsAt", notice->start_ms);
    if (over)
        add_time(out, "endsAt", notice->end_ms);
    else
        add_text(out, "endsAt", NOT_ENDED);
    add_text(out, "generatorURL", "");
    add_fingerprint(out, notice);
    buffer_add_char(out, '}');
}

static const char *status_of(const struct alert_notice *notices, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_over(&notices[i]))
            return "firing";
    return "resolved";
}

void webhook_body_add(struct buffer *out, const char *receiver, const struct alert_notice *notices,
                      uint32_t count, enum language language)
{
    buffer_add_char(out, '{');
    add_text(out, "version", "4");
    add_text(out, "groupKey", "{}:{alertname=\"" ALERT_NAME "\"}");
    add_key(out, "truncatedAlerts");
    buffer_add_char(out, '0');
    add_text(out, "status", status_of(notices, count));
    add_text(out, "receiver", receiver);
    add_key(out, "groupLabels");
    buffer_add_str(out, "{\"alertname\":\"" ALERT_NAME "\"}");
    add_key(out, "commonLabels");
    buffer_add_str(out, "{\"alertname\":\"" ALERT_NAME "\"}");
    add_key(out, "commonAnnotations");
    buffer_add_str(out, "{}");
    add_text(out, "externalURL", "");
    add_key(out, "alerts");
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        alert_object_add(out, &notices[i], language);
    }
    buffer_add_str(out, "]}");
}

/* ---- an alert of API v2 */

void standing_alert_add(struct buffer *out, const struct alert_notice *notice, uint8_t level,
                        enum language language)
{
    ASSERT(level > ALERT_OK && level < ALERT_LEVELS);
    buffer_add_char(out, '{');
    add_labels(out, notice, level);
    add_annotations(out, notice, language);
}

void standing_times_add(struct buffer *out, int64_t start_ms, int64_t end_ms)
{
    add_time(out, "startsAt", start_ms);
    add_time(out, "endsAt", end_ms);
    buffer_add_char(out, '}');
}
