/* Notices as JSON, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/notice/alert_body.h"
#include "tests/unit/notice/notice_fixture.h"

enum { TEXT_MAX = 1 << 20 };

static struct buffer out;

static int make_buffer(void **state)
{
    (void)state;
    buffer_init(&out, TEXT_MAX);
    return 0;
}

static int free_buffer(void **state)
{
    (void)state;
    buffer_fini(&out);
    return 0;
}

/* The text goes on like that behind the key. */
static void expect_after(const char *key, const char *want)
{
    const char *text = buffer_text(&out);
    assert_non_null(text);
    const char *found = strstr(text, key);
    if (found == NULL || strncmp(found + strlen(key), want, strlen(want)) != 0)
        fail_msg("%s is not followed by %s in\n%s", key, want, text);
}

static void test_webhook(void **state)
{
    (void)state;
    struct alert_notice notices[] = {fixture_notice(FIXTURE_OVER), fixture_notice(FIXTURE_SLIP)};
    webhook_body_add(&out, "pager", notices, 2, LANGUAGE_EN);
    const char *text = buffer_text(&out);
    static const char head[] =
        "{\"version\":\"4\",\"groupKey\":\"{}:{alertname=\\\"GhgdTargetSlip\\\"}\","
        "\"truncatedAlerts\":0,\"status\":\"firing\",\"receiver\":\"pager\","
        "\"groupLabels\":{\"alertname\":\"GhgdTargetSlip\"},"
        "\"commonLabels\":{\"alertname\":\"GhgdTargetSlip\"},\"commonAnnotations\":{},"
        "\"externalURL\":\"\",\"alerts\":[{\"status\":\"resolved\","
        "\"labels\":{\"alertname\":\"GhgdTargetSlip\",\"target\":\"hz-2030\",\"subject\":\"hz\","
        "\"subject_kind\":\"facility\",\"severity\":\"watch\"},"
        "\"annotations\":{\"summary\":\"Over: Hangzhou mill is back on course (-1.12 "
        "%)\",\"description\":\"";
    assert_memory_equal(text, head, strlen(head));
    expect_after("\"id\":",
                 "\"hz-2030/1/7\",\"event\":\"left\",\"level\":\"ok\",\"level_before\":\"watch\","
                 "\"base_version\":\"1\",\"year\":\"2026\",\"slip_percent\":\"-1.12\","
                 "\"ytd_kg\":\"10463387\",\"due_kg\":\"10581903\",\"budget_kg\":\"15350148\","
                 "\"forecast_kg\":\"15178000\",\"forecast_low_kg\":\"15839367\","
                 "\"forecast_high_kg\":\"16016127\",\"miss_probability\":\"1\",\"coverage\":\"1\"},"
                 "\"startsAt\":\"2026-02-02T16:00:00Z\",\"endsAt\":\"2026-09-14T16:00:00Z\","
                 "\"generatorURL\":\"\",\"fingerprint\":\"");
    expect_after("},{\"status\":", "\"firing\",\"labels\":{\"alertname\":\"GhgdTargetSlip\","
                                   "\"target\":\"hz-2030\",\"subject\":\"hz\","
                                   "\"subject_kind\":\"facility\",\"severity\":\"critical\"},");
    expect_after("\"endsAt\":\"0001-01-01T00:00:00Z\"", ",\"generatorURL\":\"\"");
    assert_string_equal(text + strlen(text) - 4, "\"}]}");
}

/* A receiver that goes by the fingerprint knows the alert again, whatever its level. */
static void test_fingerprint(void **state)
{
    (void)state;
    struct alert_notice notices[] = {fixture_notice(FIXTURE_SLIP), fixture_notice(FIXTURE_OVER),
                                     fixture_notice(FIXTURE_SLIP)};
    notices[2].target = "sz-2030";
    const char *prints[3];
    webhook_body_add(&out, "pager", notices, 3, LANGUAGE_EN);
    const char *at = buffer_text(&out);
    for (size_t i = 0; i < 3; i++) {
        at = strstr(at, "\"fingerprint\":\"");
        assert_non_null(at);
        prints[i] = at += strlen("\"fingerprint\":\"");
    }
    assert_memory_equal(prints[0], prints[1], 16);
    assert_memory_not_equal(prints[0], prints[2], 16);
}

static void test_resolved(void **state)
{
    (void)state;
    struct alert_notice notice = fixture_notice(FIXTURE_RETRACTED);
    webhook_body_add(&out, "pager", &notice, 1, LANGUAGE_VI);
    expect_after("\"truncatedAlerts\":0,\"status\":", "\"resolved\"");
    expect_after("\"summary\":", "\"Rút lại: Hangzhou mill; mức hiện nay: Đúng lộ trình\"");
    expect_after("\"event\":", "\"retracted\"");
}

static void test_names(void **state)
{
    (void)state;
    struct alert_notice notice = fixture_notice(FIXTURE_INTENSITY);
    notice.subject = "a \"b\" \\ \n \xff";
    notice.test = true;
    webhook_body_add(&out, "p\"q", &notice, 1, LANGUAGE_ZH);
    expect_after("\"receiver\":", "\"p\\\"q\"");
    expect_after("\"subject\":", "\"a \\\"b\\\" \\\\ \\");
    expect_after("\"severity\":", "\"critical\",\"test\":\"true\"}");
    assert_null(strstr(buffer_text(&out), "forecast_kg"));
    assert_null(strchr(buffer_text(&out), '\n'));
}

static void test_standing(void **state)
{
    (void)state;
    struct alert_notice notice = fixture_notice(FIXTURE_EASED);
    standing_alert_add(&out, &notice, ALERT_WATCH, LANGUAGE_EN);
    standing_times_add(&out, notice.start_ms, INT64_C(1789430400000));
    const char *text = buffer_text(&out);
    static const char head[] =
        "{\"labels\":{\"alertname\":\"GhgdTargetSlip\",\"target\":\"hz-2030\","
        "\"subject\":\"Asia\",\"subject_kind\":\"group\",\"severity\":\"watch\"},\"annotations\":{";
    static const char tail[] =
        "},\"startsAt\":\"2026-02-02T16:00:00Z\",\"endsAt\":\"2026-09-15T00:00:00Z\"}";
    assert_memory_equal(text, head, strlen(head));
    assert_string_equal(text + strlen(text) - strlen(tail), tail);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, make_buffer, free_buffer)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_webhook), CASE(test_fingerprint),
                                       CASE(test_resolved), CASE(test_names), CASE(test_standing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
