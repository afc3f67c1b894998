/*
 * The totals topic may hold anything. A record that is accepted is written as it was read, and a
 * table that takes it agrees with itself, before and after its days have gone into months.
 *
 * The first byte says what the rest is: a key, or the value of a record of "a" on 2026-03-01.
 */
#include "base/id_index.h"
#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "pipelines/groups/group_totals.h"

#include <stdlib.h>

enum { WHY_BYTES = 4096, TABLE_BYTES_MAX = 1 << 20 };
#define KEY "2026-03-01/a"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(const void *data, size_t size)
{
    char facility[NAME_BYTES_MAX + 1];
    char again[DAY_KEY_SIZE];
    int32_t day;
    if (day_key_parse(facility, &day, data, size) < 0)
        return;
    ASSERT(day_key_print(again, facility, day) == size);
    ASSERT(memcmp(again, data, size) == 0);
}

static void check_equal(const struct day_figures *one, const struct day_figures *other)
{
    ASSERT(one->epoch == other->epoch && one->version == other->version);
    ASSERT(one->final == other->final && one->scopes == other->scopes);
    ASSERT(memcmp(one->scope, other->scope, sizeof(one->scope)) == 0);
    ASSERT(memcmp(&one->coverage, &other->coverage, sizeof(one->coverage)) == 0);
    ASSERT(one->weight_covered == other->weight_covered);
    ASSERT(one->weight_total == other->weight_total);
}

static void check_sums(const struct group_sum *one, const struct group_sum *other)
{
    for (int scope = 0; scope < DAY_SCOPES; scope++) {
        for (size_t i = 0; i < FIGURE_COUNT; i++)
            ASSERT(one->scope[scope].value[i] == other->scope[scope].value[i]);
        ASSERT(one->equity_mg[scope] == other->equity_mg[scope]);
    }
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        ASSERT(one->coverage.value[i] == other->coverage.value[i]);
    ASSERT(one->scopes == other->scopes && one->days == other->days);
    ASSERT(one->days_missing == other->days_missing && one->days_open == other->days_open);
    ASSERT(one->weight_total == other->weight_total && one->revisions == other->revisions);
}

/* Written again, by the names of this version, it is read as the same. */
static void check_again(const struct day_record *record, struct buffer *why)
{
    struct buffer value;
    struct day_record again;
    buffer_init(&value, (size_t)2 * DAY_RECORD_BYTES_MAX);
    day_record_encode(record, &value);
    if (!buffer_failed(&value) && value.size <= DAY_RECORD_BYTES_MAX) {
        int err = day_record_decode(&again, value.data, value.size, why);
        ASSERT(err == 0 && again.figures_unknown == 0);
        check_equal(&again.figures, &record->figures);
        ASSERT(again.series_size == record->series_size);
    }
    buffer_fini(&value);
}

static void check_table(const void *data, size_t size, struct buffer *why)
{
    static const struct local_time utc[] = {{NULL, 0}};
    static const char *zones[] = {"UTC"};
    static struct series series[] = {{.category = "production", .source = "yarn"}};
    static struct facility facilities[] = {{.id = "a",
                                            .time_zone = "UTC",
                                            .valid_from_ms = INT64_MIN,
                                            .valid_to_ms = INT64_MAX,
                                            .series_count = 1}};
    static struct id_index ids;
    if (ids.count == 0 && id_index_set(&ids, "a", 0) < 0)
        return;
    const struct registry registry = {.facilities = facilities,
                                      .facilities_count = 1,
                                      .series = series,
                                      .series_count = 1,
                                      .zones = zones,
                                      .zones_count = 1,
                                      .local_times = utc,
                                      .facility_ids = &ids};
    const struct group_totals_conf conf = {
        .registry = &registry, .bucket_ms = HOUR_MS, .bytes_max = TABLE_BYTES_MAX};
    struct group_totals *totals;
    if (group_totals_create(&totals, &conf) < 0)
        return;
    struct group_sum days = {0};
    struct group_sum month = {0};
    const int32_t first = civil_day(2026, 3, 1);
    const int32_t end = civil_day(2026, 4, 1);
    if (group_totals_put(totals, KEY, strlen(KEY), data, size, why) == 0) {
        group_totals_check(totals);
        group_totals_add(totals, 0, first, end, &days);
        int err = group_totals_fold(totals, end);
        ASSERT(err == 0);
        group_totals_add(totals, 0, first, end, &month);
        check_sums(&days, &month);
    }
    group_totals_check(totals);
    group_totals_destroy(&totals);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    /* Exactly this size, so that the sanitizer sees a step too far. */
    uint8_t *bytes = malloc(size - 1 + (size == 1));
    ASSERT(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    struct buffer why;
    buffer_init(&why, WHY_BYTES);
    if (data[0] == 'k') {
        check_key(bytes, size - 1);
    } else {
        struct day_record record;
        int err = day_record_decode(&record, bytes, size - 1, &why);
        ASSERT((err == 0) == (why.size == 0));
        if (err == 0)
            check_again(&record, &why);
        check_table(bytes, size - 1, &why);
    }
    buffer_fini(&why);
    free(bytes);
    return 0;
}
