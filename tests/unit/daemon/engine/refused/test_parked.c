/* Parked events through checkpoints: what comes back is what went in, and damage is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/engine/refused/dead_letter.h"
#include "daemon/engine/refused/parked.h"

enum { PARTITION = 3 };

static struct outgoing *make_letter(uint64_t sequence, const char *key, const char *body)
{
    size_t key_size = key != NULL ? strlen(key) : 0;
    size_t size = strlen(body);
    struct outgoing *letter = calloc(1, sizeof(*letter) + key_size + size);
    assert_non_null(letter);
    letter->sequence = sequence;
    letter->offset = 1000 + (int64_t)sequence;
    letter->partition = PARTITION;
    letter->timestamp_ms = 1700000000123;
    letter->has_key = key != NULL;
    letter->key_size = key_size;
    letter->size = size;
    for (size_t i = 0; i < key_size; i++)
        letter->bytes[i] = key[i];
    for (size_t i = 0; i < size; i++)
        letter->bytes[key_size + i] = body[i];
    letter->headers = rd_kafka_headers_new(4);
    rd_kafka_header_add(letter->headers, "ghgd-index", -1, "7", -1);
    rd_kafka_header_add(letter->headers, "empty", -1, "", 0);
    rd_kafka_header_add(letter->headers, "null", -1, NULL, 0);
    return letter;
}

/* A section of the letters first .. last; those from `left` on are still there. */
static void save(struct buffer *out, uint64_t left, uint64_t first, uint64_t last)
{
    buffer_init(out, 1 << 20);
    parked_save_begin(out, left, (uint32_t)(last + 1 - first));
    for (uint64_t i = first; i <= last; i++) {
        struct outgoing *letter = make_letter(i, i % 2 == 0 ? "hz" : NULL, "{\"meter\": \"new\"}");
        parked_save(out, letter);
        outgoing_destroy(letter);
    }
    assert_false(buffer_failed(out));
}

static int load(struct parked *parked, const struct buffer *section)
{
    return parked_load(parked, PARTITION, section->data, section->size);
}

static void test_comes_back_as_it_went(void **state)
{
    (void)state;
    struct buffer section;
    struct parked parked = {0};
    save(&section, 1, 1, 2);
    assert_int_equal(load(&parked, &section), 0);
    assert_int_equal(parked.count, 2);
    struct outgoing *odd = parked_take(&parked);
    struct outgoing *even = parked_take(&parked);
    assert_null(parked_take(&parked));
    assert_false(odd->has_key);
    assert_true(even->has_key);
    assert_int_equal(odd->sequence, 1);
    assert_int_equal(odd->offset, 1001);
    assert_int_equal(odd->partition, PARTITION);
    assert_int_equal(odd->timestamp_ms, 1700000000123);
    assert_int_equal(even->size, strlen("{\"meter\": \"new\"}"));
    assert_memory_equal(even->bytes, "hz{\"meter\": \"new\"}", even->key_size + even->size);
    const void *value;
    size_t size;
    assert_int_equal(rd_kafka_header_cnt(even->headers), 3);
    assert_int_equal(rd_kafka_header_get_last(even->headers, "ghgd-index", &value, &size), 0);
    assert_memory_equal(value, "7", size);
    assert_int_equal(rd_kafka_header_get_last(even->headers, "empty", &value, &size), 0);
    assert_non_null(value);
    assert_int_equal(size, 0);
    assert_int_equal(rd_kafka_header_get_last(even->headers, "null", &value, &size), 0);
    assert_null(value);
    outgoing_destroy(odd);
    outgoing_destroy(even);
    buffer_fini(&section);
}

/* A chain of sections: what is new is appended, what has left is dropped. */
static void test_chain(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t left, first, last; /* of the second section; the first has 1 .. 4 */
        uint32_t count;
        uint64_t oldest, newest;
    } cases[] = {
        {"nothing new, nothing gone", 1, 5, 4, 4, 1, 4},
        {"two new", 1, 5, 6, 6, 1, 6},
        {"two gone", 3, 5, 4, 2, 3, 4},
        {"all gone", UINT64_MAX, 5, 4, 0, 0, 0},
        {"all gone but new ones", 5, 5, 6, 2, 5, 6},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer sections[2];
        struct parked parked = {0};
        save(&sections[0], 1, 1, 4);
        save(&sections[1], cases[i].left, cases[i].first, cases[i].last);
        if (load(&parked, &sections[0]) != 0 || load(&parked, &sections[1]) != 0)
            fail_msg("%s: refused", cases[i].name);
        uint64_t oldest = parked.oldest != NULL ? parked.oldest->sequence : 0;
        uint64_t newest = parked.newest != NULL ? parked.newest->sequence : 0;
        if (parked.count != cases[i].count || oldest != cases[i].oldest ||
            newest != cases[i].newest)
            fail_msg("%s: %u letters, %d to %d", cases[i].name, parked.count, (int)oldest,
                     (int)newest);
        parked_fini(&parked);
        buffer_fini(&sections[0]);
        buffer_fini(&sections[1]);
    }
}

static void test_damage_is_told(void **state)
{
    (void)state;
    struct buffer section;
    save(&section, 1, 1, 3);
    for (size_t size = 0; size < section.size; size++) {
        struct parked parked = {0};
        char *cut = malloc(size + 1); /* so that a read beyond it is found */
        assert_non_null(cut);
        memcpy(cut, section.data, size);
        if (parked_load(&parked, PARTITION, cut, size) != ERR_SYNTAX)
            fail_msg("%zu bytes of %zu are accepted", size, section.size);
        parked_fini(&parked);
        free(cut);
    }
    struct parked parked = {0};
    buffer_add_char(&section, 'x');
    assert_int_equal(load(&parked, &section), ERR_SYNTAX);
    parked_fini(&parked);
    section.size--;
    assert_int_equal(load(&parked, &section), 0);
    assert_int_equal(load(&parked, &section), ERR_SYNTAX); /* a section twice */
    parked_fini(&parked);
    buffer_fini(&section);
}

static void test_refused_anew(void **state)
{
    (void)state;
    struct outgoing *letter = make_letter(1, NULL, "{}");
    rd_kafka_header_add(letter->headers, "ghgd-reason", -1, "unknown", -1);
    rd_kafka_header_add(letter->headers, "ghgd-help", -1, "old", -1);
    dead_letter_refuse(letter, &(struct refusal){.outcome = OUTCOME_LATE});
    const void *value;
    size_t size;
    assert_int_equal(letter->kind, OUTGOING_LATE_LETTER);
    assert_int_equal(rd_kafka_header_get(letter->headers, 0, "ghgd-reason", &value, &size), 0);
    assert_string_equal(value, "late");
    assert_int_not_equal(rd_kafka_header_get(letter->headers, 1, "ghgd-reason", &value, &size), 0);
    dead_letter_refuse(letter,
                       &(struct refusal){.outcome = REJECT_UNIT_UNKNOWN, .detail = "words"});
    assert_int_equal(rd_kafka_header_get(letter->headers, 0, "ghgd-help", &value, &size), 0);
    assert_string_equal(value, "words");
    assert_int_not_equal(rd_kafka_header_get(letter->headers, 1, "ghgd-help", &value, &size), 0);
    assert_int_equal(letter->kind, OUTGOING_DEAD_LETTER);
    assert_int_equal(rd_kafka_header_get(letter->headers, 0, "ghgd-reason", &value, &size), 0);
    assert_string_equal(value, "unit_unknown");
    outgoing_destroy(letter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back_as_it_went),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_damage_is_told),
        cmocka_unit_test(test_refused_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
