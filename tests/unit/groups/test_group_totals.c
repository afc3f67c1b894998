/* A table of totals against plain sums over a list of the records that were put last. */
#include "tests/unit/failing_malloc.h"

#include <inttypes.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "tests/unit/groups/groups_bench.h"

enum { TABLE_BYTES_MAX = 16 << 20, WHY_BYTES = 1024 };

struct table {
    struct groups_bench bench;
    struct group_totals *totals;
};

static void open_table(struct table *table, size_t bytes_max)
{
    groups_bench_init(&table->bench);
    const struct group_totals_conf conf = {.registry = &table->bench.registry,
                                           .targets = &table->bench.targets,
                                           .bucket_ms = BENCH_BUCKET_MS,
                                           .bytes_max = bytes_max};
    assert_int_equal(group_totals_create(&table->totals, &conf), 0);
}

static void close_table(struct table *table)
{
    group_totals_check(table->totals);
    group_totals_destroy(&table->totals);
    assert_null(table->totals);
    groups_bench_fini(&table->bench);
}

static uint32_t draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 33) % below;
}

/* --- a plain calculation --- */

enum { YEAR_DAYS = 365 * 3 + 1 };

struct plain {
    int32_t first_day;
    bool there[BENCH_FACILITIES][YEAR_DAYS];
    uint32_t seed[BENCH_FACILITIES][YEAR_DAYS];
};

/* Shares in percent, and rounding by the remainder. */
static int64_t part(int64_t mass, int percent)
{
    int128 product = (int128)mass * percent;
    int64_t floor = (int64_t)(product / 100 - (product % 100 < 0));
    int64_t rest = (int64_t)(product - (int128)floor * 100);
    return floor + (rest > 50 || (rest == 50 && floor % 2 != 0));
}

static int equity_of(uint32_t facility, int32_t day)
{
    if (facility == 1)
        return 72;
    if (facility == 2)
        return day < civil_day(2025, 7, 1) ? 100 : 0;
    return 100;
}

static bool is_controlled(uint32_t facility, int32_t day)
{
    return facility != 3 && equity_of(facility, day) != 0;
}

static void own(struct groups_bench *bench)
{
    const struct ownership rows[] = {
        {1, INT32_MIN, INT32_MAX, {PART_ONE, 720000000}},
        {2, INT32_MIN, civil_day(2025, 7, 1), {PART_ONE, PART_ONE}},
        {3, INT32_MIN, INT32_MAX, {0, PART_ONE}},
    };
    memcpy(bench->ownerships, rows, sizeof(rows));
    bench->targets.ownerships_count = ARRAY_LEN(rows);
}

struct plain_sum {
    int128 co2e[3], ch4[3], equity[3], covered, expected, weight_total;
    uint64_t days, missing, open;
};

static void add_plain(struct plain_sum *sum, const struct plain *plain, uint32_t facility,
                      int32_t day)
{
    int32_t index = day - plain->first_day;
    if (!is_controlled(facility, day) && equity_of(facility, day) == 0)
        return;
    sum->days++;
    if (!plain->there[facility][index]) {
        sum->missing++;
        sum->expected += DAY_MS;
        return;
    }
    struct buffer series;
    buffer_init(&series, 1024);
    struct day_record record =
        groups_bench_record(facility, day, 0, plain->seed[facility][index], &series);
    buffer_fini(&series);
    sum->open += !record.figures.final;
    sum->covered += record.figures.coverage.value[FIGURE_COVERED];
    sum->expected += record.figures.coverage.value[FIGURE_EXPECTED];
    sum->weight_total += record.figures.weight_total;
    for (int scope = 1; scope <= 2; scope++) {
        const int64_t *value = record.figures.scope[scope].value;
        if (is_controlled(facility, day)) {
            sum->co2e[scope] += value[FIGURE_CO2E];
            sum->ch4[scope] += value[FIGURE_CH4];
        }
        sum->equity[scope] += part(value[FIGURE_CO2E], equity_of(facility, day));
    }
}

static void expect_equal(const struct group_sum *sum, const struct plain_sum *want)
{
    for (int scope = 1; scope <= 2; scope++) {
        assert_true(sum->scope[scope].value[FIGURE_CO2E] == want->co2e[scope]);
        assert_true(sum->scope[scope].value[FIGURE_CH4] == want->ch4[scope]);
        assert_true(sum->equity_mg[scope] == want->equity[scope]);
    }
    assert_true(sum->coverage.value[FIGURE_COVERED] == want->covered);
    assert_true(sum->coverage.value[FIGURE_EXPECTED] == want->expected);
    assert_true(sum->weight_total == want->weight_total);
    assert_int_equal(sum->days, want->days);
    assert_int_equal(sum->days_missing, want->missing);
    assert_int_equal(sum->days_open, want->open);
    assert_int_equal(group_sum_is_final(sum),
                     want->days > 0 && want->missing == 0 && want->open == 0);
}

/* Facilities whose bit is set are the group. */
static void compare(const struct table *table, const struct plain *plain, uint32_t group,
                    int32_t first_day, int32_t end_day)
{
    struct group_sum sum = {0};
    struct plain_sum want = {0};
    uint32_t members = 0;
    for (uint32_t i = 0; i < BENCH_FACILITIES; i++) {
        if ((group >> i & 1U) == 0)
            continue;
        group_totals_add(table->totals, i, first_day, end_day, &sum);
        uint64_t before = want.days;
        for (int32_t day = first_day; day < end_day; day++)
            add_plain(&want, plain, i, day);
        members += want.days > before;
    }
    expect_equal(&sum, &want);
    assert_int_equal(sum.facilities, members);
}

static void compare_all(const struct table *table, const struct plain *plain, uint64_t *random)
{
    for (int i = 0; i < 200; i++) {
        int32_t day = plain->first_day + (int32_t)draw(random, YEAR_DAYS);
        uint32_t group = draw(random, 1U << BENCH_FACILITIES);
        if (day >= group_totals_first_kept(table->totals))
            compare(table, plain, group, day, day + 1);
        struct date date = civil_date(day);
        compare(table, plain, group, civil_day(date.year, date.month, 1),
                date.month == 12 ? civil_day(date.year + 1, 1, 1)
                                 : civil_day(date.year, date.month + 1, 1));
        compare(table, plain, group, civil_day(date.year, 1, 1), civil_day(date.year + 1, 1, 1));
    }
}

/* Records in random order, again and again; each day's last one counts. Then old days go into
 * months, and nothing changes; other days change after that. */
static void run_at_random(uint64_t seed)
{
    struct table table;
    struct plain *plain = calloc(1, sizeof(*plain));
    assert_non_null(plain);
    print_message("seed %" PRIu64 "\n", seed);
    open_table(&table, TABLE_BYTES_MAX);
    own(&table.bench);
    plain->first_day = civil_day(2024, 1, 1);
    uint64_t random = seed;
    for (int n = 0; n < 12000; n++) {
        uint32_t facility = draw(&random, BENCH_FACILITIES - 1); /* the last is never heard of */
        int32_t index = (int32_t)draw(&random, YEAR_DAYS);
        uint32_t figures = draw(&random, 1000) + 1;
        uint32_t version = draw(&random, 4); /* also older ones: the topic's order decides */
        groups_bench_put(table.totals, facility, plain->first_day + index, version, figures);
        plain->there[facility][index] = true;
        plain->seed[facility][index] = figures;
        if (draw(&random, 20) == 0) { /* the same once more */
            uint64_t repeated = group_totals_get_stats(table.totals)->repeated;
            groups_bench_put(table.totals, facility, plain->first_day + index, version, figures);
            assert_int_equal(group_totals_get_stats(table.totals)->repeated, repeated + 1);
        }
    }
    group_totals_check(table.totals);
    compare_all(&table, plain, &random);
    size_t before = group_totals_bytes(table.totals);
    assert_int_equal(group_totals_fold(table.totals, civil_day(2025, 1, 1)), 0);
    assert_int_equal(group_totals_first_kept(table.totals), civil_day(2025, 1, 1));
    assert_int_equal(group_totals_get_stats(table.totals)->months, 12 * (BENCH_FACILITIES - 1));
    group_totals_check(table.totals);
    assert_true(group_totals_bytes(table.totals) < before);
    compare_all(&table, plain, &random);
    groups_bench_put(table.totals, 0, civil_day(2024, 12, 31), 9, 5); /* closed */
    assert_int_equal(group_totals_get_stats(table.totals)->closed, 1);
    groups_bench_put(table.totals, 0, civil_day(2025, 1, 1), 9, 5);
    plain->there[0][366] = true;
    plain->seed[0][366] = 5;
    compare_all(&table, plain, &random);
    assert_int_equal(group_totals_fold(table.totals, civil_day(2025, 8, 1)), 0); /* once more */
    compare_all(&table, plain, &random);
    close_table(&table);
    free(plain);
}

static void test_at_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        run_at_random(seed);
}

/* --- single facts --- */

/* A site of 1 t a day that was sold on 1 July counts on 181 days of 365. */
static void test_sold_site(void **state)
{
    (void)state;
    const int64_t ton_mg = 1000000000;
    struct table table;
    open_table(&table, TABLE_BYTES_MAX);
    table.bench.ownerships[0] =
        (struct ownership){0, INT32_MIN, civil_day(2025, 7, 1), {PART_ONE, 500000001}};
    table.bench.targets.ownerships_count = 1;
    for (int32_t day = civil_day(2025, 1, 1); day < civil_day(2026, 1, 1); day++) {
        struct buffer value;
        struct buffer why;
        char key[DAY_KEY_SIZE];
        buffer_init(&value, 1 << 16);
        buffer_init(&why, WHY_BYTES);
        struct day_record record = {
            .facility = "site-0", .day = day, .figures = {.final = true, .scopes = 1 << 1}};
        record.figures.scope[1].value[FIGURE_CO2E] = ton_mg;
        day_record_encode(&record, &value);
        size_t size = day_key_print(key, "site-0", day);
        assert_int_equal(group_totals_put(table.totals, key, size, value.data, value.size, &why),
                         0);
        buffer_fini(&value);
        buffer_fini(&why);
    }
    struct group_sum sum = {0};
    group_totals_add(table.totals, 0, civil_day(2025, 1, 1), civil_day(2026, 1, 1), &sum);
    assert_int_equal((int64_t)sum.scope[1].value[FIGURE_CO2E], 181 * ton_mg);
    assert_int_equal((int64_t)sum.equity_mg[1], 181 * (ton_mg / 2 + 1));
    assert_int_equal(sum.days, 181);
    assert_int_equal(sum.facilities, 1);
    assert_true(group_sum_is_final(&sum));
    close_table(&table);
}

/* A facility belongs to the group on its days alone, and one that nothing is known of is missing.
 */
static void test_members(void **state)
{
    (void)state;
    struct table table;
    open_table(&table, TABLE_BYTES_MAX);
    table.bench.facilities[1].valid_from_ms = civil_day(2025, 3, 11) * (int64_t)DAY_MS;
    table.bench.facilities[1].valid_to_ms = civil_day(2025, 3, 13) * (int64_t)DAY_MS;
    struct group_sum sum = {0};
    group_totals_add(table.totals, 0, civil_day(2025, 3, 1), civil_day(2025, 4, 1), &sum);
    group_totals_add(table.totals, 1, civil_day(2025, 3, 1), civil_day(2025, 4, 1), &sum);
    group_totals_add(table.totals, 1, civil_day(2025, 4, 1), civil_day(2025, 5, 1), &sum);
    assert_int_equal(sum.days, 31 + 2);
    assert_int_equal(sum.days_missing, 31 + 2);
    assert_int_equal(sum.facilities, 2);
    assert_int_equal(sum.facilities_missing, 2);
    assert_true(sum.coverage.value[FIGURE_EXPECTED] == (31 + 2) * (int128)DAY_MS);
    sum = (struct group_sum){0};
    group_totals_add(table.totals, 0, civil_day(2019, 12, 31), civil_day(2020, 1, 2), &sum);
    assert_true(sum.coverage.value[FIGURE_EXPECTED] == DAY_MS); /* expected from 2020 on */
    close_table(&table);
}

static void test_order(void **state)
{
    (void)state;
    struct table table;
    struct day_figures figures;
    const int32_t day = civil_day(2026, 3, 1);
    open_table(&table, TABLE_BYTES_MAX);
    const struct group_totals_stats *stats = group_totals_get_stats(table.totals);
    groups_bench_put(table.totals, 2, day, 6, 1);
    groups_bench_put(table.totals, 2, day, 6, 1);
    assert_int_equal(stats->repeated, 1);
    groups_bench_put(table.totals, 2, day, 6, 2); /* its pair is equal, and it is not */
    assert_int_equal(stats->differing, 1);
    assert_int_equal(stats->differing_facility, 2);
    assert_int_equal(stats->differing_day, day);
    groups_bench_put(table.totals, 2, day, 4, 3);
    assert_int_equal(stats->went_back, 1);
    assert_true(group_totals_get(table.totals, 2, day, &figures));
    assert_int_equal(figures.version, 4);
    assert_int_equal(stats->replaced, 2);
    assert_int_equal(stats->days, 1);
    int64_t activity = 0;
    assert_true(group_totals_get_activity(table.totals, 2, day, 2 * BENCH_SERIES + 2, &activity));
    assert_int_equal(activity, 3000);
    assert_false(group_totals_get_activity(table.totals, 2, day, 2 * BENCH_SERIES, &activity));
    assert_false(group_totals_get_activity(table.totals, 1, day, BENCH_SERIES + 2, &activity));
    close_table(&table);
}

/* A record by hand, of an epoch. */
static int put_epoch(struct table *table, const char *key, uint64_t epoch, const char *facility,
                     int32_t day, struct buffer *why)
{
    struct buffer value;
    buffer_init(&value, 1 << 16);
    struct day_record record = {.day = day, .figures = {.epoch = epoch, .version = 9 - epoch}};
    memcpy(record.facility, facility, strlen(facility) + 1);
    struct buffer series;
    buffer_init(&series, 1024);
    day_series_add(&series, "production", "wool", "kg", 1);
    record.series = series.data;
    record.series_size = series.size;
    record.series_count = 1;
    day_record_encode(&record, &value);
    int err = group_totals_put(table->totals, key, strlen(key), value.data, value.size, why);
    buffer_fini(&series);
    buffer_fini(&value);
    return err;
}

static void test_epochs_and_strangers(void **state)
{
    (void)state;
    struct table table;
    struct buffer why;
    struct day_figures figures;
    const int32_t day = civil_day(2026, 3, 1);
    buffer_init(&why, WHY_BYTES);
    open_table(&table, TABLE_BYTES_MAX);
    const struct group_totals_stats *stats = group_totals_get_stats(table.totals);
    assert_int_equal(put_epoch(&table, "2026-03-01/site-1", 5, "site-1", day, &why), 0);
    assert_int_equal(put_epoch(&table, "2026-03-01/site-1", 4, "site-1", day, &why), 0);
    assert_int_equal(stats->outdated, 1);
    assert_int_equal(put_epoch(&table, "2026-03-01/site-1", 6, "site-1", day, &why), 0);
    assert_true(group_totals_get(table.totals, 1, day, &figures));
    assert_int_equal(figures.epoch, 6);
    assert_int_equal(stats->went_back, 0);
    assert_int_equal(stats->series_unknown, 3);
    assert_int_equal(put_epoch(&table, "2026-03-01/else", 1, "else", day, &why), 0);
    assert_int_equal(stats->strangers, 1);
    assert_int_equal(put_epoch(&table, "2026-03-01/site-2", 1, "site-1", day, &why), ERR_PROTOCOL);
    assert_non_null(strstr(buffer_text(&why), "is of another facility or day than its key says"));
    buffer_clear(&why);
    assert_int_equal(put_epoch(&table, "2026-03-02/site-1", 1, "site-1", day, &why), ERR_PROTOCOL);
    buffer_clear(&why);
    assert_int_equal(put_epoch(&table, "site-1", 1, "site-1", day, &why), ERR_PROTOCOL);
    assert_non_null(strstr(buffer_text(&why), "has a key that is not YYYY-MM-DD/FACILITY"));
    buffer_clear(&why);
    const char *key = "2026-03-01/site-1";
    assert_int_equal(group_totals_put(table.totals, key, strlen(key), "x", 1, &why), ERR_PROTOCOL);
    assert_non_null(strstr(buffer_text(&why), "is no total of a day"));
    buffer_clear(&why);
    assert_true(group_totals_get(table.totals, 1, day, &figures));
    assert_int_equal(group_totals_put(table.totals, key, strlen(key), NULL, 0, &why), 0);
    assert_false(group_totals_get(table.totals, 1, day, &figures));
    assert_int_equal(group_totals_put(table.totals, key, strlen(key), NULL, 0, &why), 0);
    assert_int_equal(stats->tombstones, 2);
    assert_int_equal(stats->days, 0);
    close_table(&table);
    buffer_fini(&why);
}

static void test_span_and_nothing(void **state)
{
    (void)state;
    struct table table;
    int32_t first = 0;
    int32_t last = 0;
    open_table(&table, TABLE_BYTES_MAX);
    assert_false(group_totals_span(table.totals, &first, &last));
    assert_int_equal(group_totals_fold(table.totals, civil_day(2025, 1, 1)), 0);
    assert_int_equal(group_totals_first_kept(table.totals), INT32_MIN);
    groups_bench_put(table.totals, 0, civil_day(2026, 3, 1), 1, 1);
    groups_bench_put(table.totals, 1, civil_day(2024, 3, 1), 1, 1); /* earlier */
    groups_bench_put(table.totals, 1, civil_day(2025, 3, 1), 1, 1);
    assert_true(group_totals_span(table.totals, &first, &last));
    assert_int_equal(first, civil_day(2024, 3, 1));
    assert_int_equal(last, civil_day(2026, 3, 1));
    close_table(&table);
}

/* A record that does not fit below the ceiling is refused, and what was there stays. */
static void test_ceiling(void **state)
{
    (void)state;
    struct table table;
    struct buffer why;
    buffer_init(&why, WHY_BYTES);
    open_table(&table, 20000);
    int err = 0;
    uint32_t kept = 0;
    for (int32_t day = 0; day < 1000 && err == 0; day++) {
        char key[DAY_KEY_SIZE];
        size_t size = day_key_print(key, "site-4", day);
        key[size] = '\0';
        err = put_epoch(&table, key, 1, "site-4", day, &why);
        kept += err == 0;
        group_totals_check(table.totals);
    }
    assert_int_equal(err, ERR_FULL);
    assert_non_null(strstr(buffer_text(&why), "need more memory than is allowed"));
    assert_int_equal(group_totals_get_stats(table.totals)->days, kept);
    assert_true(kept > 50);
    assert_true(group_totals_bytes(table.totals) <= 20000);
    close_table(&table);
    buffer_fini(&why);
}

static int make_one(void)
{
    static struct groups_bench bench;
    static bool made;
    if (!made)
        groups_bench_init(&bench);
    made = true;
    const struct group_totals_conf conf = {
        .registry = &bench.registry, .bucket_ms = BENCH_BUCKET_MS, .bytes_max = TABLE_BYTES_MAX};
    struct group_totals *totals = NULL;
    int err = group_totals_create(&totals, &conf);
    if (err < 0)
        return err;
    struct buffer value;
    struct buffer why;
    buffer_init(&value, 1 << 16);
    buffer_init(&why, WHY_BYTES);
    struct day_record record = {.facility = "site-0", .day = 31};
    char key[DAY_KEY_SIZE];
    size_t size = day_key_print(key, "site-0", 31);
    day_record_encode(&record, &value);
    err = buffer_failed(&value) ? -ENOMEM : 0;
    if (err == 0)
        err = group_totals_put(totals, key, size, value.data, value.size, &why);
    if (err == 0)
        err = group_totals_fold(totals, 59);
    group_totals_check(totals);
    group_totals_destroy(&totals);
    buffer_fini(&value);
    buffer_fini(&why);
    return err;
}

static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(make_one);
}

/* Memory ends while days go into months: no sum changes, and the rest goes later. */
static void test_no_memory_for_months(void **state)
{
    (void)state;
    bool failed = true;
    for (long n = 0; failed; n++) {
        struct table table;
        struct group_sum before = {0};
        struct group_sum after = {0};
        struct group_sum again = {0};
        open_table(&table, TABLE_BYTES_MAX);
        for (uint32_t facility = 0; facility < 3; facility++)
            for (int32_t day = 0; day < 90; day += 7)
                groups_bench_put(table.totals, facility, day, 2, (uint32_t)day + facility + 1);
        if (!allocations_can_fail()) {
            close_table(&table);
            skip();
        }
        for (uint32_t facility = 0; facility < 3; facility++)
            group_totals_add(table.totals, facility, 0, 90, &before);
        fail_allocations(n, 1);
        int err = group_totals_fold(table.totals, 90);
        failed = end_failing();
        assert_int_equal(err, failed ? -ENOMEM : 0);
        group_totals_check(table.totals);
        for (uint32_t facility = 0; facility < 3; facility++)
            group_totals_add(table.totals, facility, 0, 90, &after);
        assert_memory_equal(&after, &before, sizeof(after));
        assert_int_equal(group_totals_fold(table.totals, 90), 0);
        for (uint32_t facility = 0; facility < 3; facility++)
            group_totals_add(table.totals, facility, 0, 90, &again);
        assert_memory_equal(&again, &before, sizeof(again));
        assert_int_equal(group_totals_get_stats(table.totals)->months, 9);
        close_table(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_sold_site),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_epochs_and_strangers),
        cmocka_unit_test(test_span_and_nothing),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_for_months),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
