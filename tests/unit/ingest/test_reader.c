#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "pipelines/ingest/reader.h"

enum { MESSAGES_MAX = 8 };

struct text {
    const char *bytes;
    size_t size;
};
#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* A file of these bytes, open for a reader; the path is in `path`. */
static struct reader *open_bytes(char path[32], const void *bytes, size_t size,
                                 enum event_format format)
{
    (void)snprintf(path, 32, "/tmp/ghgd-reader-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(fd, (const char *)bytes + done, size - done);
        assert_true(wrote > 0);
        done += (size_t)wrote;
    }
    close(fd);
    struct reader *reader;
    assert_int_equal(reader_open(&reader, path, format), 0);
    return reader;
}

static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct text file, messages[MESSAGES_MAX];
        enum event_format format;
        int end; /* what follows the last message */
    } cases[] = {
        {"lines", T("{1}\n{2}\n"), {T("{1}"), T("{2}")}, FORMAT_AUTO, 0},
        {"no newline at the end", T("{1}\n{2}"), {T("{1}"), T("{2}")}, FORMAT_AUTO, 0},
        {"lines of Windows", T("{1}\r\n{2}\r\n"), {T("{1}\r"), T("{2}\r")}, FORMAT_JSON, 0},
        {"empty lines", T("\n \n{1}\n\n\r\n {2}\n\n"), {T("{1}"), T("{2}")}, FORMAT_AUTO, 0},
        {"an array a line", T("[1]\n[]\n"), {T("[1]"), T("[]")}, FORMAT_AUTO, 0},
        {"a line that is no JSON", T("x\n{1}\n"), {T("x"), T("{1}")}, FORMAT_AUTO, 0},
        {"a byte order mark", T("\xef\xbb\xbf{1}\n"), {T("\xef\xbb\xbf{1}")}, FORMAT_AUTO, 0},
        {"empty", T(""), {{0}}, FORMAT_AUTO, 0},
        {"only space", T(" \n\n "), {{0}}, FORMAT_AUTO, 0},
        {"empty, MessagePack", T(""), {{0}}, FORMAT_MSGPACK, 0},
        {"maps",
         T("\x81\x01\x02\x80\x81\x01\xa1x"),
         {T("\x81\x01\x02"), T("\x80"), T("\x81\x01\xa1x")},
         FORMAT_AUTO,
         0},
        {"arrays",
         T("\x92\x81\x01\x02\x80\x90"),
         {T("\x92\x81\x01\x02\x80"), T("\x90")},
         FORMAT_AUTO,
         0},
        {"map 16",
         T("\xde\x00\x01\x01\x0a\x80"),
         {T("\xde\x00\x01\x01\x0a"), T("\x80")},
         FORMAT_AUTO,
         0},
        {"anything, declared",
         T("\xc0\n{\x81\x01\x02"),
         {T("\xc0"), T("\n"), T("{"), T("\x81\x01\x02")},
         FORMAT_MSGPACK,
         0},
        {"an end that is missing", T("\x80\x81\x01"), {T("\x80"), T("\x81\x01")}, FORMAT_AUTO, 0},
        {"text that is missing",
         T("\x81\x01\xda\x01\x00x"),
         {T("\x81\x01\xda\x01\x00x")},
         FORMAT_AUTO,
         0},
        {"damage", T("\x80\x81\xc1\x80"), {T("\x80"), T("\x81\xc1\x80")}, FORMAT_AUTO, ERR_SYNTAX},
        {"MessagePack as lines", T("\x80\n\x80"), {T("\x80"), T("\x80")}, FORMAT_JSON, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[32];
        struct reader *reader =
            open_bytes(path, cases[i].file.bytes, cases[i].file.size, cases[i].format);
        assert_int_equal(reader_size(reader), cases[i].file.size);
        const void *message;
        size_t size;
        for (size_t k = 0; cases[i].messages[k].size > 0; k++) {
            const struct text *want = &cases[i].messages[k];
            int got = reader_next(reader, &message, &size);
            if (got != 1 || size != want->size || memcmp(message, want->bytes, size) != 0)
                fail_msg("%s: message %zu: %d, %zu bytes", cases[i].name, k, got, size);
        }
        int end = reader_next(reader, &message, &size);
        if (end != cases[i].end || reader_next(reader, &message, &size) != end)
            fail_msg("%s: %d at the end", cases[i].name, end);
        assert_int_equal(reader_position(reader), cases[i].file.size);
        reader_close(&reader);
        assert_null(reader);
        unlink(path);
    }
}

/* Messages of many sizes around those of the buffers, each with its number at both ends. */
static void fill_line(char *out, size_t size, unsigned number)
{
    memset(out, 'x', size);
    out[0] = out[size - 1] = (char)('0' + number % 10);
}

static void test_long_lines(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,       100,     262143, 262144,   262145,  3, 1000000, 8388607,
                                   8388608, 8388609, 5,      20000000, 8388609, 7, 30000000};
    size_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        total += sizes[i] + 1;
    char *file = malloc(total);
    assert_non_null(file);
    for (size_t i = 0, at = 0; i < ARRAY_LEN(sizes); at += sizes[i++] + 1) {
        fill_line(file + at, sizes[i], (unsigned)i);
        file[at + sizes[i]] = '\n';
    }
    char path[32];
    struct reader *reader = open_bytes(path, file, total, FORMAT_AUTO);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *message;
        size_t size;
        size_t want = sizes[i] > MESSAGE_BYTES_MAX ? MESSAGE_BYTES_MAX + 1 : sizes[i];
        assert_int_equal(reader_next(reader, (const void **)&message, &size), 1);
        assert_int_equal(size, want);
        assert_int_equal(message[0], '0' + i % 10);
        assert_int_equal(message[size - 1], size == sizes[i] ? '0' + i % 10 : 'x');
    }
    const void *message;
    size_t size;
    assert_int_equal(reader_next(reader, &message, &size), 0);
    assert_int_equal(reader_position(reader), total);
    reader_close(&reader);
    unlink(path);
    free(file);
}

/* The heads of an array and of a text inside it. */
static void put_head(char *out, char array, size_t text)
{
    out[0] = array;
    out[1] = '\xdb';
    for (int i = 0; i < 4; i++)
        out[2 + i] = (char)(text >> (24 - 8 * i));
}

/* An array of one text, so that it has `size` bytes. */
static void fill_item(char *out, size_t size, unsigned number)
{
    size_t text = size - 6;
    put_head(out, '\x91', text);
    fill_line(out + 6, text, number);
}

static void test_long_items(void **state)
{
    (void)state;
    static const size_t sizes[] = {8,  100,      262143,  262144,  262145,
                                   9,  1000000,  8388607, 8388608, 8388609,
                                   10, 20000000, 8388609, 11,      30000000};
    size_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        total += sizes[i];
    char *file = malloc(total);
    assert_non_null(file);
    for (size_t i = 0, at = 0; i < ARRAY_LEN(sizes); at += sizes[i++])
        fill_item(file + at, sizes[i], (unsigned)i);
    char path[32];
    struct reader *reader = open_bytes(path, file, total, FORMAT_AUTO);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *message;
        size_t size;
        size_t want = sizes[i] > MESSAGE_BYTES_MAX ? MESSAGE_BYTES_MAX + 1 : sizes[i];
        assert_int_equal(reader_next(reader, (const void **)&message, &size), 1);
        assert_int_equal(size, want);
        assert_int_equal(message[6], '0' + i % 10);
        assert_int_equal(message[size - 1], size == sizes[i] ? '0' + i % 10 : 'x');
    }
    const void *message;
    size_t size;
    assert_int_equal(reader_next(reader, &message, &size), 0);
    reader_close(&reader);
    unlink(path);
    free(file);
}

static void test_damage_behind_a_large_item(void **state)
{
    (void)state;
    size_t large = MESSAGE_BYTES_MAX + 100000;
    size_t text = large - 6;
    char *file = calloc(1, large + 2);
    assert_non_null(file);
    put_head(file, '\x92', text);
    file[large] = '\xc1';
    char path[32];
    struct reader *reader = open_bytes(path, file, large + 2, FORMAT_AUTO);
    const void *message;
    size_t size;
    assert_int_equal(reader_next(reader, &message, &size), 1);
    assert_int_equal(size, MESSAGE_BYTES_MAX + 1);
    assert_int_equal(reader_next(reader, &message, &size), ERR_SYNTAX);
    reader_close(&reader);
    unlink(path);
    free(file);
}

/* From a pipe, a message is given as soon as it is whole. */
static void test_standard_input(void **state)
{
    (void)state;
    int ends[2];
    int saved = dup(STDIN_FILENO);
    assert_true(saved >= 0);
    assert_return_code(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    struct reader *reader;
    const void *message;
    size_t size;
    assert_int_equal(reader_open(&reader, "-", FORMAT_AUTO), 0);
    assert_int_equal(reader_size(reader), -1);
    assert_int_equal(write(ends[1], "{1}\n{2", 6), 6);
    assert_int_equal(reader_next(reader, &message, &size), 1);
    assert_memory_equal(message, "{1}", 3);
    assert_int_equal(reader_position(reader), 4);
    assert_int_equal(write(ends[1], "}\n", 2), 2);
    close(ends[1]);
    assert_int_equal(reader_next(reader, &message, &size), 1);
    assert_int_equal(size, 3);
    assert_memory_equal(message, "{2}", 3);
    assert_int_equal(reader_next(reader, &message, &size), 0);
    reader_close(&reader);
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    close(saved);
}

static void test_what_cannot_be_opened(void **state)
{
    (void)state;
    struct reader *reader;
    assert_int_equal(reader_open(&reader, "/nonexistent/file", FORMAT_AUTO), -ENOENT);
    assert_int_equal(reader_open(&reader, "/tmp", FORMAT_AUTO), -EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),       cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_long_items),     cmocka_unit_test(test_damage_behind_a_large_item),
        cmocka_unit_test(test_standard_input), cmocka_unit_test(test_what_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
