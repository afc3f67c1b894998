#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    int stderr_fd, file_fd;
    char text[16384];
} captured;

static void capture_begin(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    captured.stderr_fd = dup(STDERR_FILENO);
    captured.file_fd = dup(fileno(file));
    (void)fclose(file);
    assert_true(dup2(captured.file_fd, STDERR_FILENO) >= 0);
}

static const char *capture_end(void)
{
    assert_true(dup2(captured.stderr_fd, STDERR_FILENO) >= 0);
    close(captured.stderr_fd);
    ssize_t size = pread(captured.file_fd, captured.text, sizeof(captured.text) - 1, 0);
    assert_true(size >= 0);
    captured.text[size] = '\0';
    close(captured.file_fd);
    return captured.text;
}

static void test_line(void **state)
{
    (void)state;
    capture_begin();
    LOG_WARN("sink.write_refused", "sink=%s status=%d", "main", 400);
    const char *line = capture_end();
    assert_int_equal(strspn(line, "0123456789-T:.Z"), strcspn(line, " "));
    assert_non_null(strstr(line, "Z warn sink.write_refused sink=main status=400\n"));
}

static void test_levels(void **state)
{
    (void)state;
    static const struct {
        enum log_level set, used;
        bool want;
    } cases[] = {
        {LOG_LEVEL_INFO, LOG_LEVEL_INFO, true},   {LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, false},
        {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, false}, {LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, true},
        {LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        log_set_level(cases[i].set);
        capture_begin();
        log_line(cases[i].used, "x", "row=%zu", i);
        assert_int_equal(capture_end()[0] != '\0', cases[i].want);
    }
    log_set_level(LOG_LEVEL_INFO);
}

static void test_one_line_stays_one(void **state)
{
    (void)state;
    capture_begin();
    LOG_INFO("x", "id=\"%s\"", "a\n<3>forged\x1b[2J\x7f");
    const char *text = capture_end();
    assert_non_null(strstr(text, "id=\"a?<3>forged?[2J?\"\n"));
    assert_int_equal(strchr(text, '\n') - text + 1, strlen(text));

    static char longest[8000];
    memset(longest, 'm', sizeof(longest) - 1);
    capture_begin();
    LOG_INFO("x", "text=%s", longest);
    text = capture_end();
    assert_true(strlen(text) <= 4096);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_limited(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    capture_begin();
    for (int i = 0; i < 5; i++)
        log_limited(&limit, LOG_LEVEL_WARN, "x", "i=%d", i);
    const char *text = capture_end();
    assert_non_null(strstr(text, "x i=0\n"));
    assert_null(strstr(text, "i=1"));
    assert_int_equal(limit.swallowed, 4);
    limit.next_ms = 0; /* as after a second */
    capture_begin();
    log_limited(&limit, LOG_LEVEL_WARN, "x", "i=%d", 5);
    assert_non_null(strstr(capture_end(), "x swallowed=4 i=5\n"));
    assert_int_equal(limit.swallowed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_one_line_stays_one),
        cmocka_unit_test(test_limited),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
