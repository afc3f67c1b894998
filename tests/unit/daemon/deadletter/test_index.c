/* Letters as they are counted, judged, printed and taken apart. */
#include "tests/unit/failing_malloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/deadletter/index.h"
#include "daemon/deadletter/print.h"
#include "daemon/deadletter/reader.h"
#include "tests/unit/ingest/tables.h"

static struct config config = {.input.format = FORMAT_AUTO};
static const char *const boxes[] = {"dead", "late"};

static int build(void **state)
{
    (void)state;
    config.registry = tables_read("tests/data/events", INT64_C(172800000));
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    registry_destroy(&config.registry);
    return 0;
}

#define GOOD "{\"meter\":\"register\",\"time\":\"2024-03-01T00:15:00Z\",\"value\":1}"
#define STRANGER "{\"meter\":\"x\\\"y\",\"time\":\"2024-03-01T00:15:00Z\",\"value\":1}"

static struct deadletter_headers letter_of(int32_t partition, int64_t offset, const char *reason)
{
    return (struct deadletter_headers){.topic = "meters",
                                       .reason = reason,
                                       .help = "",
                                       .retry_of = "",
                                       .partition = partition,
                                       .offset = offset,
                                       .full_size = -1,
                                       .retried_at = -1};
}

static int add(struct letter_index *letters, const struct deadletter_headers *letter_headers,
               int64_t offset, const char *body)
{
    const struct letter_message message = {.box = 0,
                                           .partition = 1,
                                           .offset = offset,
                                           .key = "hz",
                                           .key_size = 2,
                                           .body = body,
                                           .body_size = strlen(body),
                                           .timestamp_ms = 1700000000000};
    return letter_index_add(letters, letter_headers, &message);
}

static struct letter_index *make(const struct letters_filter *filter, size_t count_max)
{
    struct letter_index *letters;
    assert_int_equal(letter_index_create(&letters, &config, filter, count_max), 0);
    return letters;
}

static void test_an_event_counts_once(void **state)
{
    (void)state;
    const struct letters_filter all = LETTERS_FILTER_ALL;
    struct letter_index *letters = make(&all, 100);
    const struct deadletter_headers first = letter_of(3, 7, "unknown");
    struct deadletter_headers other = letter_of(3, 7, "unknown");
    other.index = 1;
    struct deadletter_headers mark = letter_of(3, 7, "");
    mark.retried_at = 99;
    assert_int_equal(add(letters, &first, 0, GOOD), 0);
    assert_int_equal(add(letters, &other, 1, STRANGER), 0);
    assert_int_equal(add(letters, &first, 2, GOOD), 0);
    assert_int_equal(letters_count(letters), 2);
    assert_int_equal(letter_index_find(letters, &first)->copies, 2);
    assert_int_equal(letter_index_find(letters, &first)->box_offset, 2);
    assert_int_equal(letter_state(letter_index_find(letters, &first)), LETTER_READY);
    assert_int_equal(letter_state(letter_index_find(letters, &other)), LETTER_REFUSED);
    assert_int_equal(add(letters, &mark, 3, ""), 0);
    assert_int_equal(letter_state(letter_index_find(letters, &first)), LETTER_RETRIED);
    assert_int_equal(letter_state(letter_index_find(letters, &other)), LETTER_REFUSED);
    mark.offset = 8; /* of a letter that is not here */
    assert_int_equal(add(letters, &mark, 4, ""), 0);
    assert_int_equal(add(letters, NULL, 5, "somebody else's"), 0);
    const struct letters_stats *stats = letter_index_get_stats(letters);
    assert_int_equal(stats->letters, 3);
    assert_int_equal(stats->marks, 2);
    assert_int_equal(stats->foreign, 1);
    letter_index_destroy(&letters);
}

static void test_states(void **state)
{
    (void)state;
    const struct letters_filter all = LETTERS_FILTER_ALL;
    static const struct {
        const char *reason, *body;
        int64_t full_size;
        enum letter_state want;
        bool whole;
    } cases[] = {
        {"unknown", GOOD, -1, LETTER_READY, false},
        {"unknown", STRANGER, -1, LETTER_REFUSED, false},
        {"undecodable", "garbage", -1, LETTER_REFUSED, false},
        {"undecodable", "", -1, LETTER_REFUSED, false},
        {"late", GOOD, -1, LETTER_LATE, false},
        {"late", STRANGER, -1, LETTER_LATE, false},
        {"unknown", "{\"meter\":\"reg", 5000, LETTER_READY, false},
        {"unknown", "[" STRANGER "," STRANGER "," GOOD "]", -1, LETTER_READY, true},
        {"unknown", "[" GOOD "," STRANGER "," STRANGER "]", -1, LETTER_REFUSED, true},
        {"reason of a later version", GOOD, -1, LETTER_READY, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct letter_index *letters = make(&all, 10);
        struct deadletter_headers letter_headers = letter_of(0, 0, cases[i].reason);
        letter_headers.index = cases[i].whole ? 1 : 0;
        letter_headers.whole = cases[i].whole;
        letter_headers.full_size = cases[i].full_size;
        assert_int_equal(add(letters, &letter_headers, 0, cases[i].body), 0);
        if (letter_state(letter_index_get(letters, 0)) != cases[i].want)
            fail_msg("row %zu: %s", i,
                     letter_state_name(letter_state(letter_index_get(letters, 0))));
        letter_index_destroy(&letters);
    }
}

static void test_filters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct letters_filter filter;
        size_t want;
    } cases[] = {
        {"all", {true, true, NULL, NULL, -1, -1, -1, INT64_MIN, INT64_MAX}, 3},
        {"dead", {true, false, NULL, NULL, -1, -1, -1, INT64_MIN, INT64_MAX}, 2},
        {"late", {false, true, NULL, NULL, -1, -1, -1, INT64_MIN, INT64_MAX}, 1},
        {"reason", {true, true, "unknown", NULL, -1, -1, -1, INT64_MIN, INT64_MAX}, 2},
        {"no such reason", {true, true, "unknow", NULL, -1, -1, -1, INT64_MIN, INT64_MAX}, 0},
        {"meter", {true, true, NULL, "register", -1, -1, -1, INT64_MIN, INT64_MAX}, 2},
        {"beginning of a meter", {true, true, NULL, "reg", -1, -1, -1, INT64_MIN, INT64_MAX}, 0},
        {"partition", {true, true, NULL, NULL, 1, -1, -1, INT64_MIN, INT64_MAX}, 1},
        {"offset", {true, true, NULL, NULL, 0, 5, -1, INT64_MIN, INT64_MAX}, 1},
        {"index", {true, true, NULL, NULL, 0, 5, 1, INT64_MIN, INT64_MAX}, 0},
        {"from then on", {true, true, NULL, NULL, -1, -1, -1, 1700000000000, INT64_MAX}, 3},
        {"later", {true, true, NULL, NULL, -1, -1, -1, 1700000000001, INT64_MAX}, 0},
        {"before", {true, true, NULL, NULL, -1, -1, -1, INT64_MIN, 1700000000000}, 0},
    };
    const struct deadletter_headers a = letter_of(0, 5, "unknown");
    const struct deadletter_headers b = letter_of(0, 6, "unknown");
    const struct deadletter_headers c = letter_of(1, 5, "late");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct letter_index *letters = make(&cases[i].filter, 10);
        assert_int_equal(add(letters, &a, 0, GOOD), 0);
        assert_int_equal(add(letters, &b, 1, STRANGER), 0);
        assert_int_equal(add(letters, &c, 2, GOOD), 0);
        if (letters_count(letters) != cases[i].want ||
            letter_index_get_stats(letters)->left_out != 3 - cases[i].want)
            fail_msg("%s: %zu", cases[i].name, letters_count(letters));
        letter_index_destroy(&letters);
    }
}

static void test_more_than_the_limit(void **state)
{
    (void)state;
    const struct letters_filter all = LETTERS_FILTER_ALL;
    struct letter_index *letters = make(&all, 3000);
    for (int64_t i = 0; i < 3000; i++) {
        const struct deadletter_headers letter_headers = letter_of(0, 2999 - i, "unknown");
        assert_int_equal(add(letters, &letter_headers, i, GOOD), 0);
    }
    const struct deadletter_headers one_more = letter_of(0, 3000, "unknown");
    assert_int_equal(add(letters, &one_more, 3000, GOOD), ERR_FULL);
    const struct deadletter_headers known = letter_of(0, 17, "unknown");
    assert_int_equal(add(letters, &known, 3001, GOOD), 0);
    letter_index_sort(letters);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(letter_index_get(letters, i)->offset, (int64_t)i);
    assert_ptr_equal(letter_index_find(letters, &known), letter_index_get(letters, 17));
    letter_index_destroy(&letters);
}

static void test_lines(void **state)
{
    (void)state;
    const struct letters_filter all = LETTERS_FILTER_ALL;
    struct letter_index *letters = make(&all, 10);
    const struct deadletter_headers letter_headers = letter_of(3, 1204, "unit_unknown");
    assert_int_equal(add(letters, &letter_headers, 9, STRANGER), 0);
    static const char *const wants[] = {
        [LETTER_TABLE] = "3:1204:0         2023-11-14T22:13:20Z     refused unit_unknown>unknown   "
                         "  x\\\"y                     hz               56       dead:1:9\n",
        [LETTER_TABS] =
            "3:1204:0\t2023-11-14T22:13:20Z\trefused\tunit_unknown>unknown\tx\\\"y\thz\t"
            "56\tdead:1:9\n",
        [LETTER_JSON] =
            "{\"topic\":\"meters\",\"partition\":3,\"offset\":1204,\"index\":0,\"arrived\":"
            "\"2023-11-14T22:13:20Z\",\"state\":\"refused\",\"reason\":\"unit_unknown\",\"now\":"
            "\"unknown\",\"meter\":\"x\\\"y\",\"key\":\"hz\",\"bytes\":56,\"copies\":1,\"whole\":"
            "false,\"truncated\":false,\"letter\":{\"topic\":\"dead\",\"partition\":1,\"offset\":9}"
            "}"
            "\n",
    };
    for (enum letter_format format = LETTER_TABLE; format <= LETTER_JSON; format++) {
        struct buffer out;
        buffer_init(&out, 4096);
        letter_print(&out, format, letters, letter_index_get(letters, 0), boxes);
        assert_string_equal(buffer_text(&out), wants[format]);
        buffer_fini(&out);
    }
    letter_index_destroy(&letters);
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t size;
        const char *want;
    } cases[] = {
        {"{\"a\":\n\t\"\\u001b\"}", 16, "{\"a\":\n\t\"\\u001b\"}\n"},
        {"[\"\xff\xc2\x9b\"]", 7, "[\"\\ufffd\\u009b\"]\n"},
        {"\x81\xa1z\x01", 4, "{\"z\": 1}\n"},
        {"{\x1b", 2, "00000000  7b 1b                                             |{.|\n"},
        {"\xc1", 1, "00000000  c1                                                |.|\n"},
        {"", 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        letter_print_body(&out, cases[i].body, cases[i].size);
        if (strcmp(buffer_text(&out), cases[i].want) != 0)
            fail_msg("row %zu: %s", i, buffer_text(&out));
        buffer_fini(&out);
    }
}

static void test_one_event_of_a_message(void **state)
{
    (void)state;
    struct decoder *decoder;
    const struct decode_conf conf = {.format = FORMAT_AUTO};
    assert_int_equal(decoder_create(&decoder, &conf), 0);
    static const char message[] = "[" GOOD ", 17, " STRANGER "]";
    struct letter_original got;
    assert_true(letter_original_find(&got, decoder, message, strlen(message), false, 0));
    assert_int_equal(got.size, strlen(GOOD));
    assert_memory_equal(got.bytes, GOOD, got.size);
    assert_true(letter_original_find(&got, decoder, message, strlen(message), false, 1));
    assert_memory_equal(got.bytes, "17", 2);
    assert_true(letter_original_find(&got, decoder, message, strlen(message), false, 2));
    assert_memory_equal(got.bytes, STRANGER, got.size);
    assert_false(letter_original_find(&got, decoder, message, strlen(message), false, 3));
    assert_false(letter_original_find(&got, decoder, "[]", 2, false, 0));
    decoder_destroy(&decoder);
}

static int run_without_memory(void)
{
    const struct letters_filter all = LETTERS_FILTER_ALL;
    struct letter_index *letters;
    int err = letter_index_create(&letters, &config, &all, 2000);
    if (err < 0)
        return err;
    for (int64_t i = 0; i < 600 && err == 0; i++) {
        const struct deadletter_headers letter_headers = letter_of(0, i, "unknown");
        err = add(letters, &letter_headers, i, GOOD);
    }
    assert_true(err < 0 || letters_count(letters) == 600);
    letter_index_destroy(&letters);
    return err;
}

static void test_without_memory(void **state)
{
    (void)state;
    fail_each_allocation(run_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_counts_once),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_more_than_the_limit),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_one_event_of_a_message),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, build, destroy);
}
