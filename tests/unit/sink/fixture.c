#include "tests/unit/sink/fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/targets/targets.h"
#include "pipelines/trajectory/course.h"

const struct registry *fixture_registry(void)
{
    static struct series series[FIXTURE_SERIES] = {
        {.scope = 2,
         .quantity = QUANTITY_ENERGY,
         .category = "purchased electricity",
         .source = "grid"},
        {.scope = 1,
         .quantity = QUANTITY_GAS_VOLUME,
         .category = "stationary combustion",
         .source = ""},
    };
    static const char *zones[] = {"Asia/Dhaka", "Europe/Berlin"};
    static struct facility facilities[FIXTURE_FACILITIES] = {
        {.id = "dhaka-1",
         .name = "Dhaka One",
         .groups = {"Asia", "north wing"},
         .time_zone = "Asia/Dhaka",
         .country = "BD",
         .series_count = FIXTURE_SERIES},
        {.id = "a, b=c\\",
         .name = "Awkward \"A\"",
         .groups = {"Asia", ""},
         .time_zone = "Asia/Dhaka",
         .country = "BD"},
        {.id = "berlin", .name = "Berlin", .time_zone = "Europe/Berlin", .zone = 1},
    };
    static struct registry registry = {.generation = 1,
                                       .series = series,
                                       .facilities = facilities,
                                       .zones = zones,
                                       .group_levels = {"region", "site"},
                                       .series_count = FIXTURE_SERIES,
                                       .facilities_count = FIXTURE_FACILITIES,
                                       .zones_count = 2,
                                       .group_levels_count = 2,
                                       .gwp_set = "AR5"};
    return &registry;
}

struct row fixture_row(uint32_t facility, uint32_t series, int64_t start_ms)
{
    struct row row = {
        .kind = series == REGISTRY_NONE ? ROW_COVERAGE : ROW_EMISSIONS,
        .level = LEVEL_BUCKET,
        .final = true,
        .facility = facility,
        .series = series,
        .window = {start_ms, start_ms + FIXTURE_BUCKET_MS},
        .revision = 1,
        .version = 7,
        .meters_expected = 4,
        .meters_reporting = 3,
        .figures.noted = true,
        .figures.value = {[FIGURE_ACTIVITY] = 12500000,
                          [FIGURE_CO2] = 1250001,
                          [FIGURE_CH4] = 20000,
                          [FIGURE_N2O] = 0,
                          [FIGURE_BIOGENIC_CO2] = 3000000,
                          [FIGURE_CO2E] = 8000000,
                          [FIGURE_CO2E_UNSPLIT] = 1000000,
                          [FIGURE_CO2E_ESTIMATED] = 2000000,
                          [FIGURE_ENERGY] = 45000,
                          [FIGURE_COVERED] = 600500,
                          [FIGURE_ESTIMATED] = 60001,
                          [FIGURE_EXPECTED] = 900000,
                          [FIGURE_SPREAD] = 300000,
                          [FIGURE_HELD] = 125,
                          [FIGURE_MOVED] = 86400000,
                          [FIGURE_CONFLICTS] = 2,
                          [FIGURE_GLITCHES] = 5,
                          [FIGURE_CELLS] = 1},
    };
    return row;
}

struct row fixture_energy_row(uint32_t facility, int64_t start_ms)
{
    struct row row = fixture_row(facility, REGISTRY_NONE, start_ms);
    static const int128 energies[BALANCE_COUNT] = {
        [BALANCE_IMPORT] = INT64_C(8200000000),
        [BALANCE_EXPORT] = 200000000,
        [BALANCE_GENERATION] = 0,
        [BALANCE_OWN_USE] = -200000000,
        [BALANCE_CONSUMPTION] = INT64_C(8000000000),
        [BALANCE_IMPORT_COVERED] = 900000,
        [BALANCE_IMPORT_EXPECTED] = 900000,
        [BALANCE_GENERATION_EXPECTED] = 900000,
    };
    row.kind = ROW_ENERGY;
    row.unknown = 1U << BALANCE_GENERATION | 1U << BALANCE_OWN_USE | 1U << BALANCE_CONSUMPTION;
    row.flows_unknown = 1;
    memcpy(row.figures.value, energies, sizeof(energies));
    return row;
}

static const struct target *fixture_target(uint32_t facility)
{
    static const struct target dhaka = {.id = "dhaka-2030",
                                        .name = "dhaka-1",
                                        .level = TARGET_FACILITY,
                                        .scopes = 1U << 1 | 1U << 2,
                                        .facility = 0};
    static const struct target awkward = {.id = "say \"no\", 5 %\\",
                                          .name = "a, b=c\\",
                                          .level = TARGET_FACILITY,
                                          .scopes = 1U << 1,
                                          .facility = 1};
    static const struct target asia = {.id = "asia-2030",
                                       .name = "Asia",
                                       .level = TARGET_GROUP,
                                       .group_level = 0,
                                       .scopes = 1U << 1 | 1U << 2 | 1U << 3,
                                       .facility = REGISTRY_NONE};
    static const struct target all = {.id = "all-2030",
                                      .name = "all",
                                      .level = TARGET_ALL,
                                      .scopes = 1U << 2,
                                      .facility = REGISTRY_NONE};
    if (facility < FIXTURE_FACILITIES)
        return facility == 0 ? &dhaka : &awkward;
    return facility == FIXTURE_GROUP ? &asia : &all;
}

struct row fixture_target_row(enum row_kind kind, uint32_t facility)
{
    static const int64_t numbers[COURSE_NUMBERS] = {
        [COURSE_STAMP] = FIXTURE_START_MS,
        [COURSE_DAY] = FIXTURE_START_MS - INT64_C(86400000),
        [COURSE_BASE_VERSION] = 2,
        [COURSE_BASE] = INT64_C(94000000000000),
        [COURSE_BUDGET] = INT64_C(74800000000000),
        [COURSE_SHARE] = 375000000,
        [COURSE_DUE] = INT64_C(28050000000000),
        [COURSE_YTD] = INT64_C(29000000000001),
        [COURSE_YTD_ESTIMATED] = 2500000,
        [COURSE_OVER] = INT64_C(950000000001),
        [COURSE_COVERAGE] = 999999999,
        [COURSE_SLIP] = 339,
        [COURSE_FORECAST] = INT64_C(76000000000000),
        [COURSE_FORECAST_LOW] = INT64_C(75000000000000),
        [COURSE_FORECAST_HIGH] = INT64_C(77000000000000),
        [COURSE_FORECAST_RATIO] = INT64_C(77333333333336),
        [COURSE_MISS_PROBABILITY] = 905,
        [COURSE_USED_UP_DAY] = INT64_C(1797724800000),
        [COURSE_TRAILING] = INT64_C(80000000000000),
        [COURSE_NEEDED_TO_END] = 65500000,
        [COURSE_NEEDED_CUMULATIVE] = 93500000,
        [COURSE_ACHIEVED] = -476190476,
        [COURSE_OVERSHOOT] = -1,
        [COURSE_LEVEL] = ALERT_CRITICAL,
        [COURSE_RESTATED] = 1,
        [COURSE_COUNTED] = 1,
        [COURSE_FORECAST_KNOWN] = 1,
        [COURSE_INTERVAL_KNOWN] = 1,
        [COURSE_USED_UP] = 1,
        [COURSE_SOURCE_1] = 0,
        [COURSE_SOURCE_2] = 1,
        [COURSE_SOURCE_3] = NULL_NUMBER,
        [COURSE_SOURCE_1_YTD] = INT64_C(20000000000000),
        [COURSE_SOURCE_2_YTD] = INT64_C(9000000000001),
        [COURSE_SOURCE_3_YTD] = NULL_NUMBER,
        [COURSE_EVENT] = COURSE_ENTERED,
        [COURSE_NUMBER] = 7,
        [COURSE_LEVEL_FROM] = ALERT_OK,
        [COURSE_STARTED] = FIXTURE_START_MS - 3600000,
        [COURSE_ENDED] = NULL_NUMBER,
    };
    struct row row = {.kind = (uint8_t)kind,
                      .level = kind == ROW_TRAJECTORY_NOW ? LEVEL_YEAR : LEVEL_DAY,
                      .final = kind != ROW_TRAJECTORY_NOW,
                      .series = REGISTRY_NONE,
                      .window = {FIXTURE_START_MS, FIXTURE_START_MS},
                      .target = fixture_target(facility)};
    row.facility = row.target->facility;
    if (kind == ROW_TRAJECTORY_NOW) {
        row.window.start_ms -= INT64_C(59) * 86400000;
        row.window.end_ms = row.window.start_ms + INT64_C(365) * 86400000;
        row.version = 12;
    }
    memcpy(row.course, numbers, sizeof(numbers));
    return row;
}

struct block *fixture_block(uint32_t count)
{
    struct block *block = NULL;
    if (block_create(&block, count) < 0)
        abort();
    block->registry = fixture_registry();
    for (uint32_t i = 0; i < count; i++)
        block->rows[block->count++] =
            fixture_row(0, 0, FIXTURE_START_MS + (int64_t)i * FIXTURE_BUCKET_MS);
    return block;
}

static void on_done(void *context, struct block **block)
{
    struct fixture_report *report = context;
    report->done++;
    if (report->sink != NULL && !sink_is_idle(report->sink))
        abort(); /* the receiver may submit the next one */
    report->end = (*block)->end;
    block_destroy(block);
}

static void on_abandoned(void *context, struct block **block)
{
    struct fixture_report *report = context;
    report->abandoned++;
    report->end = (*block)->end;
    block_destroy(block);
}

static void on_closed(void *context)
{
    struct fixture_report *report = context;
    report->closed++;
}

static void on_proven(void *context, int64_t before_ms)
{
    struct fixture_report *report = context;
    report->proofs++;
    report->proves_all = before_ms == INT64_MAX;
}

static void on_lost(void *context, bool outage)
{
    struct fixture_report *report = context;
    report->losses++;
    report->outages += outage;
}

static void on_emptied(void *context)
{
    ((struct fixture_report *)context)->emptied++;
}

static bool may_write(void *context)
{
    const struct fixture_report *report = context;
    return !report->forbids;
}

struct sink_callbacks fixture_callbacks(struct fixture_report *report)
{
    return (struct sink_callbacks){.done = on_done,
                                   .closed = on_closed,
                                   .abandoned = on_abandoned,
                                   .may_write = may_write,
                                   .proven = on_proven,
                                   .lost = on_lost,
                                   .emptied = on_emptied,
                                   .context = report};
}

void fixture_make_folder(char path[64])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, 64, "%.40s/ghgd-sink-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(path) == NULL)
        abort();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void fixture_remove_folder(const char *path)
{
    enum { DESCRIPTORS_MAX = 8 };
    (void)nftw(path, remove_entry, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS);
}

char *fixture_read(const char *path)
{
    enum { BYTES_MAX = 16 << 20 };
    char *text = calloc(1, BYTES_MAX);
    FILE *file = fopen(path, "re");
    if (text == NULL)
        abort();
    if (file != NULL) {
        size_t size = fread(text, 1, BYTES_MAX - 1, file);
        text[size] = '\0';
        (void)fclose(file);
    }
    return text;
}
