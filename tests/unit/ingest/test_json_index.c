/*
 * json_index stands on an internal interface of simdjson: what the decoder takes for granted of it
 * is held here to json_scan(), which looks at each byte. If this program fails after simdjson was
 * upgraded, the interface has moved: see the gate in json_index.cc.
 */
#include "pipelines/ingest/json_index.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipelines/ingest/json_scan.h"

enum { SIZE_MAX_BYTES = 4096 };

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
    int64_t count = json_scan(text, size, want);
    int64_t found = json_index_scan(index, at_end_of_page(pages, text, size), size, &got);
    if (found != count)
        fail_msg("%.*s: got %lld tokens, want %lld", (int)size, text, (long long)found,
                 (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (got[i] != want[i])
            fail_msg("%.*s: token %lld at %u, want %u", (int)size, text, (long long)i, got[i],
                     want[i]);
}

/* `want` has a '^' below each token; NULL for what must be refused. */
static void test_definition(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"[1, {\"a\":-2.5}]", "^^^ ^^  ^^   ^^"},
        {"{\"a\":\"b\"}", "^^  ^^  ^"},
        {" tru e ", " ^   ^ "},
        {"\"a\"b", "^  ^"},
        {"a\"b\"c", "^   ^"},
        {"\"a\"\"b\"", "^  ^  "},
        {"\\\"a", "^  "},
        {"\"\\\"\"1", "^   ^"},
        {"\"\\\\\"1", "^   ^"},
        {"\"\xc3\xa9\",1", "^   ^^"},
        {"\xc3\xa9 1", "^  ^"},
        {"", NULL},
        {" \t\r\n", NULL},
        {"\"", NULL},
        {"a\"", NULL},
        {"\"\\\"", NULL},
        {"\"\x1f\"", NULL},
        {"\"\\\x1f\"", NULL},
        {"\"\\\x80\"", NULL},
        {"1 \x80", NULL},
        {"[1]\xc3", NULL},
        {"\"\xc3", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t tokens[32];
        char got[32] = "";
        size_t size = strlen(cases[i].text);
        int64_t count = json_scan(cases[i].text, size, tokens);
        memset(got, ' ', size);
        for (int64_t at = 0; at < count; at++)
            got[tokens[at]] = '^';
        if ((count < 0) != (cases[i].want == NULL) ||
            (count > 0 && strcmp(got, cases[i].want) != 0))
            fail_msg("row %zu: %s\n%s", i, cases[i].text, count < 0 ? "refused" : got);
    }
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
        "[\"\xc3",
        "[\"\xe2\x82",
        "[\"\xf0\x9f\x8c",
        "[1\x80]",
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
    enum { NOT_ASCII = 2 }; /* only in every fourth text: they are good UTF-8 in this order alone */
    static const char letters[] = "{}[]:,\"\"\\  \n1a-.e\xc3\xa9";
    const size_t ascii = sizeof(letters) - 1 - NOT_ASCII;
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
            text[at] = letters[random % (i % 4 == 0 ? sizeof(letters) - 1 : ascii)];
        }
        check(index, pages, text, size);
    }
    json_index_destroy(&index);
    assert_return_code(munmap(pages, 2L * SIZE_MAX_BYTES), 0);
}

/* Where simdjson has only its fallback, a process of its own: the library chooses once. */
static void test_without_simd(void **state)
{
    char *const arguments[] = {*state, "alone", NULL};
    pid_t child = fork();
    assert_return_code(child, errno);
    if (child == 0) {
        (void)setenv("SIMDJSON_FORCE_IMPLEMENTATION", "fallback", 1);
        execv(arguments[0], arguments); /* under valgrind /proc/self/exe would be valgrind */
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_random),
        cmocka_unit_test_prestate(test_without_simd, argv[0]),
    };
    /* The child runs all but the last, which made it. */
    return argc > 1
               ? _cmocka_run_group_tests("without SIMD", tests, ARRAY_LEN(tests) - 1, NULL, NULL)
               : cmocka_run_group_tests(tests, NULL, NULL);
}
