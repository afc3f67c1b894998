/* Totals of days as records: there and back, of other versions, and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/targets/civil.h"
#include "tests/unit/groups/groups_bench.h"

enum { BYTES_MAX = 1 << 20 };

static void assert_why(struct buffer *why, const char *name, const char *want)
{
    const char *text = buffer_text(why);
    if (text == NULL || strstr(text, want) == NULL)
        fail_msg("%s: \"%s\" instead of \"%s\"", name, text, want);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct buffer series;
    struct buffer value;
    struct buffer again;
    struct buffer why;
    buffer_init(&series, BYTES_MAX);
    buffer_init(&value, BYTES_MAX);
    buffer_init(&again, BYTES_MAX);
    buffer_init(&why, BYTES_MAX);
    struct day_record record = groups_bench_record(3, civil_day(2026, 3, 1), 8, 77, &series);
    record.figures.epoch = UINT64_MAX;
    record.figures.scope[1].value[FIGURE_CO2E] = INT64_MAX;
    record.figures.scope[2].value[FIGURE_CO2E] = -INT64_MAX;
    day_record_encode(&record, &value);
    assert_true(value.size < 1200);
    struct day_record read;
    assert_int_equal(day_record_decode(&read, value.data, value.size, &why), 0);
    assert_int_equal(why.size, 0);
    assert_string_equal(read.facility, "site-3");
    assert_int_equal(read.day, civil_day(2026, 3, 1));
    assert_memory_equal(&read.figures, &record.figures, sizeof(read.figures));
    assert_int_equal(read.figures_unknown, 0);
    struct packed packed;
    struct day_series source;
    packed_init(&packed, read.series, read.series_size);
    day_series_take(&packed, &source);
    assert_string_equal(source.category, "production");
    assert_string_equal(source.source, "yarn");
    assert_string_equal(source.unit, "kg");
    assert_int_equal(source.activity, 77000);
    assert_true(packed_is_at_end(&packed) && !packed.damaged);
    day_record_encode(&read, &again);
    assert_int_equal(again.size, value.size);
    assert_memory_equal(again.data, value.data, value.size);
    buffer_fini(&series);
    buffer_fini(&value);
    buffer_fini(&again);
    buffer_fini(&why);
}

static void flip(struct buffer *value, size_t bit)
{
    unsigned char *byte = (unsigned char *)value->data + bit / 8;
    *byte ^= (unsigned char)(1U << bit % 8);
}

/* A record that ends anywhere is refused with words; one with any bit turned is refused, or read.
 */
static void test_damage(void **state)
{
    (void)state;
    struct buffer series;
    struct buffer value;
    struct buffer why;
    buffer_init(&series, BYTES_MAX);
    buffer_init(&value, BYTES_MAX);
    buffer_init(&why, BYTES_MAX);
    struct day_record record = groups_bench_record(0, civil_day(2026, 3, 1), 8, 5, &series);
    struct day_record read;
    day_record_encode(&record, &value);
    for (size_t size = 0; size < value.size; size++) {
        char *cut = malloc(size + 1);
        assert_non_null(cut);
        memcpy(cut, value.data, size);
        buffer_clear(&why);
        assert_int_equal(day_record_decode(&read, cut, size, &why), ERR_PROTOCOL);
        assert_true(why.size > 0);
        free(cut);
    }
    for (size_t bit = 0; bit < value.size * 8; bit++) {
        flip(&value, bit);
        buffer_clear(&why);
        int err = day_record_decode(&read, value.data, value.size, &why);
        assert_true(err == 0 || err == ERR_PROTOCOL);
        assert_int_equal(err == 0, why.size == 0);
        flip(&value, bit);
    }
    buffer_add_char(&value, 0);
    buffer_clear(&why);
    assert_int_equal(day_record_decode(&read, value.data, value.size, &why), ERR_PROTOCOL);
    assert_why(&why, "a byte more", "goes on behind its last source");
    buffer_fini(&series);
    buffer_fini(&value);
    buffer_fini(&why);
}

/* The head of a record, for those that are written by hand. */
static void add_head(struct buffer *out, uint64_t format, const char *facility, int64_t day)
{
    buffer_add(out, "GD", 2);
    packed_add_uint(out, format);
    packed_add_uint(out, 1);
    packed_add_uint(out, 2);
    packed_add_text(out, facility);
    packed_add_int(out, day);
    for (int i = 0; i < 4; i++) /* final, revision, meters */
        packed_add_uint(out, 0);
    packed_add_wide(out, 0);
    packed_add_wide(out, 0);
}

static void test_heads_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *facility;
        uint64_t format;
        int64_t day;
        const char *why;
    } cases[] = {
        {"a later format", "a", 2, 0, "has format 2 of a later ghgd; this one reads up to 1"},
        {"no format", "a", 0, 0, "has no format"},
        {"no facility", "", 1, 0, "is damaged before its figures"},
        {"before calendars", "a", 1, -25568, "is damaged before its figures"},
        {"after calendars", "a", 1, 84006, "is damaged before its figures"},
        {"no figures", "a", 1, 0, "is damaged in its figures"},
    };
    struct buffer value;
    struct buffer why;
    struct day_record read;
    buffer_init(&value, BYTES_MAX);
    buffer_init(&why, BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&value);
        buffer_clear(&why);
        add_head(&value, cases[i].format, cases[i].facility, cases[i].day);
        assert_int_equal(day_record_decode(&read, value.data, value.size, &why), ERR_PROTOCOL);
        assert_why(&why, cases[i].name, cases[i].why);
    }
    buffer_clear(&why);
    assert_int_equal(day_record_decode(&read, "GX", 2, &why), ERR_PROTOCOL);
    assert_why(&why, "magic", "is no total of a day");
    char *large = calloc(1, DAY_RECORD_BYTES_MAX + 1);
    assert_non_null(large);
    buffer_clear(&why);
    assert_int_equal(day_record_decode(&read, large, DAY_RECORD_BYTES_MAX + 1, &why), ERR_PROTOCOL);
    assert_why(&why, "large", "has 786433 bytes; a day has at most 786432");
    free(large);
    buffer_fini(&value);
    buffer_fini(&why);
}

/* A record of another version names fewer figures, coarser ones, and some that are not known here.
 */
static void test_other_versions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned decimals;
        int64_t value;
    } figures[] = {{"cells", 0, 3},        {"co2e_kg", 6, 5},       {"ch4_kg", 6, 7},
                   {"of_tomorrow", 2, 11}, {"n2o_kg", 10, 13},      {"co2e_kg", 6, 17},
                   {"activity", 6, 19},    {"energy_unknown", 0, 1}};
    struct buffer value;
    struct buffer why;
    struct day_record read;
    buffer_init(&value, BYTES_MAX);
    buffer_init(&why, BYTES_MAX);
    add_head(&value, 1, "a", 0);
    packed_add_uint(&value, ARRAY_LEN(figures));
    for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
        packed_add_text(&value, figures[i].name);
        packed_add_uint(&value, figures[i].decimals);
    }
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        packed_add_int(&value, 0);
    packed_add_uint(&value, 1 << 1);
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        packed_add_int(&value, figures[i].value);
    packed_add_uint(&value, 0);
    assert_int_equal(day_record_decode(&read, value.data, value.size, &why), 0);
    assert_int_equal(read.figures_unknown, 4); /* of tomorrow, finer, twice, and activity */
    const int64_t *masses = read.figures.scope[1].value;
    assert_int_equal(masses[FIGURE_CO2E], 5);
    assert_int_equal(masses[FIGURE_CH4], 7000);
    assert_int_equal(masses[FIGURE_N2O], 0);
    assert_int_equal(masses[FIGURE_ACTIVITY], 0);
    assert_int_equal(masses[FIGURE_ENERGY_UNKNOWN], 3); /* energy_gj is not named */
    buffer_fini(&value);
    buffer_fini(&why);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name, *key;
        size_t size; /* 0: of the text */
        bool good;
    } cases[] = {
        {"a day", "2026-03-01/site", 0, true},
        {"a slash in the name", "2026-03-01/a/b", 0, true},
        {"no name", "2026-03-01/", 0, false},
        {"no slash", "2026-03-01 site", 0, false},
        {"no such day", "2026-02-29/site", 0, false},
        {"no date", "partition 7/site", 0, false},
        {"a NUL", "2026-03-01/si\0te", 16, false},
        {"empty", "", 0, false},
    };
    char facility[NAME_BYTES_MAX + 1];
    char key[DAY_KEY_SIZE + 1];
    int32_t day;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t size = cases[i].size > 0 ? cases[i].size : strlen(cases[i].key);
        int err = day_key_parse(facility, &day, cases[i].key, size);
        if ((err == 0) != cases[i].good)
            fail_msg("%s: %s", cases[i].name, err_str(err));
        if (err < 0)
            continue;
        assert_int_equal(day, civil_day(2026, 3, 1));
        assert_int_equal(day_key_print(key, facility, day), size);
        assert_string_equal(key, cases[i].key);
    }
    memset(facility, 'x', NAME_BYTES_MAX);
    facility[NAME_BYTES_MAX] = '\0';
    size_t size = day_key_print(key, facility, 0);
    assert_int_equal(size, DAY_KEY_SIZE - 1);
    key[size] = 'y';
    assert_int_equal(day_key_parse(facility, &day, key, size), 0);
    assert_int_equal(day_key_parse(facility, &day, key, size + 1), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_heads_that_are_refused),
        cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
