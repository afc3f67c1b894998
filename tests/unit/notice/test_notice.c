/* Notices in words: what tests/data/notices.out has, in each language. GHGD_TEST_UPDATE=1 in the
 * environment writes that file again; a speaker of the language has to look at the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "config/targets/civil.h"
#include "pipelines/notice/catalogue.h"
#include "pipelines/notice/numerals.h"
#include "tests/unit/notice/notice_fixture.h"

#define GOLDEN "tests/data/notices.out"
enum { TEXT_MAX = 1 << 20, NAMES_MAX = 16, NAME_SIZE = 32 };

static const char *const languages[LANGUAGE_COUNT] = {"en", "zh", "vi"};

/* ---- the catalogue */

struct names {
    char text[NAMES_MAX][NAME_SIZE];
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The words in braces, in order of the alphabet. */
static struct names names_of(const char *text)
{
    struct names names = {0};
    for (const char *brace = strchr(text, '{'); brace != NULL; brace = strchr(brace + 1, '{')) {
        size_t size = strcspn(brace + 1, "{}");
        assert_true(brace[1 + size] == '}' && size > 0 && size < NAME_SIZE);
        assert_true(names.count < NAMES_MAX);
        memcpy(names.text[names.count++], brace + 1, size);
    }
    qsort(names.text, names.count, NAME_SIZE, compare_names);
    return names;
}

static void test_catalogue(void **state)
{
    (void)state;
    for (enum message message = 0; message < MESSAGE_COUNT; message++) {
        struct names english = names_of(catalogue_text(message, LANGUAGE_EN));
        for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
            const char *text = catalogue_text(message, language);
            assert_non_null(text);
            assert_true(text[0] != '\0');
            assert_int_equal(utf8_text_size(text, strlen(text)), strlen(text));
            struct names names = names_of(text);
            if (memcmp(&names, &english, sizeof(names)) != 0)
                fail_msg("%s: \"%s\" has other words in braces than \"%s\"", languages[language],
                         text, catalogue_text(message, LANGUAGE_EN));
        }
    }
}

/* ---- all notices */

static void add_notice(struct buffer *out, const char *name, const struct alert_notice *notice)
{
    for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
        buffer_printf(out, "== %s, %s\n", name, languages[language]);
        notice_add_title(out, notice, language);
        buffer_add_char(out, '\n');
        notice_add_body(out, notice, language);
        buffer_add_str(out, "\n\n");
    }
}

static void expect_golden(const char *got)
{
    if (getenv("GHGD_TEST_UPDATE") != NULL) {
        FILE *file = fopen(GOLDEN, "w");
        assert_non_null(file);
        assert_true(fputs(got, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    char *want = calloc(1, TEXT_MAX);
    assert_non_null(want);
    FILE *file = fopen(GOLDEN, "r");
    assert_non_null(file);
    assert_true(fread(want, 1, TEXT_MAX - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(got, want);
    free(want);
}

static void test_words(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    for (enum fixture_notice which = 0; which < FIXTURE_NOTICES; which++) {
        struct alert_notice notice = fixture_notice(which);
        add_notice(&out, fixture_notice_name(which), &notice);
    }
    struct alert_notice sample = notice_sample(civil_day(2026, 12, 1) * DAY_MS);
    add_notice(&out, "sample", &sample);
    expect_golden(buffer_text(&out));
    buffer_fini(&out);
}

static void test_way_back(void **state)
{
    (void)state;
    struct alert_notice notice = fixture_notice(FIXTURE_SLIP);
    struct notice_way way = notice_way_back(&notice);
    /* 577.599 t over, and 108 days are left */
    assert_false(way.used_up);
    assert_int_equal(way.week_mg, -37436972222);
    notice.day = notice.year_end_day;
    assert_int_equal(notice_way_back(&notice).week_mg, 0);
    notice = fixture_notice(FIXTURE_SLIP);
    notice.forecast_mg = notice.budget_mg;
    assert_int_equal(notice_way_back(&notice).week_mg, 0);
    notice.ytd_mg = notice.budget_mg - 1;
    assert_false(notice_way_back(&notice).used_up);
    notice.ytd_mg = notice.budget_mg;
    assert_true(notice_way_back(&notice).used_up);
    notice = fixture_notice(FIXTURE_OVER);
    assert_int_equal(notice_way_back(&notice).week_mg, 0);
    notice = fixture_notice(FIXTURE_INTENSITY);
    notice.ytd_mg = 2 * notice.budget_mg;
    assert_false(notice_way_back(&notice).used_up);
}

/* The longest and strangest names, and the largest numbers. */
static void test_bounds(void **state)
{
    (void)state;
    char name[NAME_BYTES_MAX + 1];
    for (int shift = 0; shift < 4; shift++) {
        memset(name, 'x', sizeof(name));
        for (size_t i = (size_t)shift; i + 4 < sizeof(name); i += 4)
            memcpy(name + i, "\xf0\x9f\x8f\xad", 4);
        name[NAME_BYTES_MAX] = '\0';
        name[0] = shift == 0 ? '\xff' : '\n';
        for (enum fixture_notice which = 0; which < FIXTURE_NOTICES; which++) {
            struct alert_notice notice = fixture_notice(which);
            notice.target = notice.name = name;
            notice.test = true;
            notice.number = UINT32_MAX;
            notice.base_version = UINT16_MAX;
            notice.scopes = UINT8_MAX;
            notice.budget_mg = notice.due_mg = INT64_MAX;
            notice.ytd_mg = -1;
            notice.forecast_mg = notice.low_mg = notice.high_mg = INT64_MAX;
            notice.coverage = notice.miss = INT64_MAX;
            notice.slip = INT32_MIN;
            for (size_t i = 0; i < NOTICE_SOURCES; i++)
                notice.sources[i] = (struct notice_source){name, INT64_MAX};
            for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
                struct buffer title;
                struct buffer body;
                buffer_init(&title, NOTICE_TITLE_BYTES_MAX);
                buffer_init(&body, NOTICE_BODY_BYTES_MAX);
                notice_add_title(&title, &notice, language);
                notice_add_body(&body, &notice, language);
                assert_false(buffer_failed(&title));
                assert_false(buffer_failed(&body));
                assert_int_equal(utf8_text_size(title.data, title.size), title.size);
                assert_int_equal(utf8_text_size(body.data, body.size), body.size);
                assert_null(memchr(title.data, '\n', title.size));
                buffer_fini(&title);
                buffer_fini(&body);
            }
        }
    }
}

/* Each line goes away with what it tells. */
static void test_unknown(void **state)
{
    (void)state;
    struct alert_notice notice = fixture_notice(FIXTURE_SLIP);
    notice.budget_mg = notice.due_mg = notice.ytd_mg = notice.slip = NOTICE_UNKNOWN;
    notice.coverage = notice.forecast_mg = notice.low_mg = notice.miss = NOTICE_UNKNOWN;
    notice.since_day = INT32_MIN;
    notice.sources[0].name = NULL;
    struct buffer out;
    buffer_init(&out, NOTICE_BODY_BYTES_MAX);
    notice_add_title(&out, &notice, LANGUAGE_EN);
    buffer_add_char(&out, '\n');
    notice_add_body(&out, &notice, LANGUAGE_EN);
    assert_string_equal(buffer_text(&out),
                        "Critical: Hangzhou mill is off its emissions budget by ?\n"
                        "Level: Critical; before: Warning.\n"
                        "Facility Hangzhou mill, scope 1+2; target hz-2030, base version 1.\n"
                        "Alert hz-2030/1/7.");
    buffer_fini(&out);
}

/* ---- numbers and dates */

static void test_numerals(void **state)
{
    (void)state;
    static const struct {
        int64_t mass_mg;
        bool sign;
        const char *want[LANGUAGE_COUNT];
    } cases[] = {
        {0, false, {"0.000", "0.000", "0,000"}},
        {0, true, {"0.000", "0.000", "0,000"}},
        {1, true, {"0.000", "0.000", "0,000"}},
        {500000, false, {"0.000", "0.000", "0,000"}}, /* half to even */
        {1500000, false, {"0.002", "0.002", "0,002"}},
        {-1234567890, false, {"-1.235", "-1.235", "-1,235"}},
        {99999499999, true, {"+99.999", "+99.999", "+99,999"}},
        {100000000000, true, {"+100.0", "+100.0", "+100,0"}},
        {999949999999, false, {"999.9", "999.9", "999,9"}},
        {999950000001, false, {"1,000.0", "1,000.0", "1.000,0"}},
        {-1234567890123456, false, {"-1,234,567.9", "-1,234,567.9", "-1.234.567,9"}},
        {INT64_MAX, true, {"+9,223,372,036.9", "+9,223,372,036.9", "+9.223.372.036,9"}},
        {INT64_MIN, true, {"-9,223,372,036.9", "-9,223,372,036.9", "-9.223.372.036,9"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
            struct buffer out;
            buffer_init(&out, TEXT_MAX);
            numerals_add_tonnes(&out, language, cases[i].mass_mg, cases[i].sign);
            assert_string_equal(buffer_text(&out), cases[i].want[language]);
            buffer_fini(&out);
        }
    }
}

static void test_percent_and_dates(void **state)
{
    (void)state;
    static const struct {
        int32_t day;
        const char *want[LANGUAGE_COUNT];
    } cases[] = {
        {0, {"-0.05 % 1 January 1970", "-0.05% 1970年1月1日", "-0,05% 01/01/1970"}},
        {20787, {"-0.05 % 30 November 2026", "-0.05% 2026年11月30日", "-0,05% 30/11/2026"}},
        {-1, {"-0.05 % 31 December 1969", "-0.05% 1969年12月31日", "-0,05% 31/12/1969"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
            struct buffer out;
            buffer_init(&out, TEXT_MAX);
            numerals_add_percent(&out, language, -5, 2, true);
            buffer_add_char(&out, ' ');
            numerals_add_date(&out, language, cases[i].day);
            assert_string_equal(buffer_text(&out), cases[i].want[language]);
            buffer_fini(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalogue),         cmocka_unit_test(test_words),
        cmocka_unit_test(test_way_back),          cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_unknown),           cmocka_unit_test(test_numerals),
        cmocka_unit_test(test_percent_and_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
