/*
 * json_index stands on an internal interface of simdjson: what the decoder takes for granted of it
 * is held here to a plain scanner, byte by byte. If this program fails after simdjson was upgraded,
 * the interface has moved: see the gate in json_index.cc.
 */
#include "pipelines/ingest/json_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE_MAX_BYTES = 4096 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the string that begins at `at` ends; 0 if it is open or holds a control character. */
static size_t string_end(const char *text, size_t size, size_t at)
{
    for (size_t i = at + 1; i < size; i++) {
        if (text[i] == '"')
            return i;
        if ((unsigned char)text[i] < 0x20)
            return 0;
        i += text[i] == '\\' && i + 1 < size && (unsigned char)text[i + 1] >= 0x20;
    }
    return 0;
}

/* The plain scanner: tokens are operators, and the first byte of anything else. A string that
 * touches the word before it belongs to that word. A quotation mark behind a backslash does not
 * count, outside of strings too. Returns their number, or ERR_SYNTAX for a bad string or no token.
 */
static int64_t scan_plainly(const char *text, size_t size, uint32_t *tokens)
{
    int64_t count = 0;
    bool in_word = false;
    bool escaped = false;
    for (size_t i = 0; i < size; i++) {
        bool is_operator = strchr("{}[]:,", text[i]) != NULL && text[i] != '\0';
        bool is_string = text[i] == '"' && !escaped;
        if (is_operator || (!in_word && !is_space(text[i])))
            tokens[count++] = (uint32_t)i;
        in_word = !is_operator && !is_space(text[i]) && !is_string;
        escaped = text[i] == '\\' && !escaped;
        if (is_string)
            i = string_end(text, size, i);
        if (is_string && i == 0)
            return ERR_SYNTAX;
    }
    return count > 0 ? count : ERR_SYNTAX;
}

/* The text ends where the page does, behind which nothing may be read. */
static char *at_end_of_page(char *pages, const char *text, size_t size)
{
    char *at = pages + SIZE_MAX_BYTES - size;
    if (size > 0)
        memcpy(at, text, size);
    return at;
}

static char *make_pages(void)
{
    assert_int_equal(sysconf(_SC_PAGESIZE), SIZE_MAX_BYTES);
    char *pages =
        mmap(NULL, 2L * SIZE_MAX_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_return_code(mprotect(pages + SIZE_MAX_BYTES, SIZE_MAX_BYTES, PROT_NONE), 0);
    return pages;
}

static void check(struct json_index *index, char *pages, const char *text, size_t size)
{
    static uint32_t want[SIZE_MAX_BYTES + 1];
    const uint32_t *got = NULL;
    int64_t count = scan_plainly(text, size, want);
    int64_t found = json_index_scan(index, at_end_of_page(pages, text, size), size, &got);
    if (found != count)
        fail_msg("%.*s: got %lld tokens, want %lld", (int)size, text, (long long)found,
                 (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (got[i] != want[i])
            fail_msg("%.*s: token %lld at %u, want %u", (int)size, text, (long long)i, got[i],
                     want[i]);
}

static void test_tokens(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "[1,2.5e3,-0,\"\",true,null]",
        " {\"meter\" : \"a\" , \"value\":\"1.250\"}\r\n",
        "{\"a\":{\"b\":[{\"c\":[[]]}]}}",
        "\"a \\\" quote\"",
        "[\"\\\\\",\"\\\\\\\"\",\"{[:,\"]",
        "\"\\u00e9 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8d\"",
        "1",
        "x y", /* words are judged by the caller */
        "[tru e,]",
        "",
        "   ",
        "\"open",
        "\"ends with a backslash\\\"",
        "[\"a\nb\"]",
        "[\"a\tb\"]",
    };
    struct json_index *index;
    char *pages = make_pages();
    assert_int_equal(json_index_create(&index, SIZE_MAX_BYTES), 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check(index, pages, texts[i], strlen(texts[i]));
    json_index_destroy(&index);
    assert_return_code(munmap(pages, 2L * SIZE_MAX_BYTES), 0);
}

static void test_not_utf8(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[\"\x80\"]",
        "[\"\xc3\"]",
        "[\"\xc0\x80\"]",
        "[\"\xed\xa0\x80\"]",
        "[\"\xf4\x90\x80\x80\"]",
        "\xff",
        "[1]\xc3",
        "[\"\xfc\"]",
    };
    struct json_index *index;
    char *pages = make_pages();
    assert_int_equal(json_index_create(&index, SIZE_MAX_BYTES), 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const uint32_t *tokens;
        size_t size = strlen(texts[i]);
        if (json_index_scan(index, at_end_of_page(pages, texts[i], size), size, &tokens) !=
            ERR_SYNTAX)
            fail_msg("row %zu", i);
    }
    json_index_destroy(&index);
    assert_return_code(munmap(pages, 2L * SIZE_MAX_BYTES), 0);
}

/* Texts of every length around the 64 bytes that are looked at together, and beyond. */
static void test_random(void **state)
{
    (void)state;
    static const char letters[] = "{}[]:,\"\"\\  \n1a-.e";
    struct json_index *index;
    char *pages = make_pages();
    uint64_t random = 88172645463325252;
    assert_int_equal(json_index_create(&index, SIZE_MAX_BYTES), 0);
    for (int i = 0; i < 200000; i++) {
        char text[300];
        size_t size = (size_t)i % sizeof(text);
        for (size_t at = 0; at < size; at++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text[at] = letters[random % (sizeof(letters) - 1)];
        }
        check(index, pages, text, size);
    }
    json_index_destroy(&index);
    assert_return_code(munmap(pages, 2L * SIZE_MAX_BYTES), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
