/*
 * Rows to line protocol, beside one snprintf per line in the same run, which knows the names as
 * they must be escaped and prints numbers through doubles. Then what the rest of a request costs:
 * gzip.
 */
#include "pipelines/sink/influx_request.h"
#include "pipelines/sink/lineproto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    ROWS = 5000,
    ROUNDS = 40,
    BUCKET_MS = 900000,
    TEXT_BYTES_MAX = 8 << 20,
    LINE_BYTES_MAX = 1024
};

struct bench {
    struct registry registry;
    struct row rows[ROWS];
    struct lineproto lineproto;
    struct buffer text, packed;
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fill(struct bench *bench)
{
    static struct series series = {.scope = 2,
                                   .quantity = QUANTITY_ENERGY,
                                   .category = "purchased electricity",
                                   .source = "grid"};
    static struct facility facility = {.id = "dhaka-knit-07", .groups = {"Asia", "Bangladesh"}};
    bench->registry = (struct registry){.generation = 1,
                                        .series = &series,
                                        .facilities = &facility,
                                        .group_levels = {"region", "country"},
                                        .series_count = 1,
                                        .facilities_count = 1,
                                        .group_levels_count = 2};
    uint64_t random = 20260301;
    for (int64_t i = 0; i < ROWS; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t activity = (int64_t)(random >> 24); /* up to a million kWh */
        struct figures figures = {
            .value = {[FIGURE_ACTIVITY] = activity,
                      [FIGURE_CO2] = activity / 2,
                      [FIGURE_CH4] = activity,
                      [FIGURE_N2O] = activity / 5,
                      [FIGURE_CO2E] = activity / 2 + activity / 300,
                      [FIGURE_CO2E_ESTIMATED] = activity / 7,
                      [FIGURE_COVERED] = (int128)BUCKET_MS * (int64_t)(random % 9),
                      [FIGURE_EXPECTED] = (int128)BUCKET_MS * 8,
                      [FIGURE_CELLS] = 1}};
        bench->rows[i] = (struct row){
            .final = true, .window = {i * BUCKET_MS, (i + 1) * BUCKET_MS}, .figures = figures};
    }
}

static void ours(struct bench *bench)
{
    buffer_clear(&bench->text);
    for (size_t i = 0; i < ROWS; i++)
        lineproto_add(&bench->lineproto, &bench->text, &bench->registry, &bench->rows[i]);
}

static double value(const struct row *row, enum figure figure)
{
    static const double units[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    return (double)row->figures.value[figure] / units[figure_table[figure].decimals];
}

static void add_line(struct buffer *text, const struct row *row)
{
    double co2e_kg = value(row, FIGURE_CO2E);
    double estimated_kg = value(row, FIGURE_CO2E_ESTIMATED);
    double covered_s = value(row, FIGURE_COVERED);
    double expected_s = value(row, FIGURE_EXPECTED);
    char line[LINE_BYTES_MAX];
    int size = snprintf(
        line, sizeof(line),
        "emissions_15m,category=%s,country=%s,facility=%s,region=%s,scope=%d,source=%s,unit=%s "
        "activity=%.6f,co2_kg=%.6f,ch4_kg=%.9f,n2o_kg=%.9f,co2e_kg=%.6f,biogenic_co2_kg=%.6f,"
        "co2e_unsplit_kg=%.6f,co2e_estimated_kg=%.6f,estimated_share=%.17g,covered_s=%.3f,"
        "expected_s=%.3f,coverage=%.17g,revision=%ui,final=%s %" PRId64 "\n",
        "purchased\\ electricity", "Bangladesh", "dhaka-knit-07", "Asia", 2, "grid", "kWh",
        value(row, FIGURE_ACTIVITY), value(row, FIGURE_CO2), value(row, FIGURE_CH4),
        value(row, FIGURE_N2O), co2e_kg, value(row, FIGURE_BIOGENIC_CO2),
        value(row, FIGURE_CO2E_UNSPLIT), estimated_kg, co2e_kg == 0 ? 0 : estimated_kg / co2e_kg,
        covered_s, expected_s, covered_s / expected_s, row->revision, row->final ? "true" : "false",
        row->window.start_ms);
    buffer_add(text, line, (size_t)size);
}

static void theirs(struct bench *bench)
{
    buffer_clear(&bench->text);
    for (size_t i = 0; i < ROWS; i++)
        add_line(&bench->text, &bench->rows[i]);
}

static void pack(struct bench *bench)
{
    buffer_clear(&bench->packed);
    if (gzip_add(&bench->packed, bench->text.data, bench->text.size) < 0)
        puts("out of memory");
}

/* The best of some rounds: what disturbs a round only ever makes it slower. */
static double seconds_per_row(void (*run)(struct bench *bench), struct bench *bench)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        run(bench);
        double elapsed = seconds_now() - start;
        best = elapsed < best ? elapsed : best;
    }
    return best / ROWS;
}

int main(void)
{
    static struct bench bench;
    fill(&bench);
    lineproto_init(&bench.lineproto, DIALECT_INFLUX1, BUCKET_MS);
    buffer_init(&bench.text, TEXT_BYTES_MAX);
    buffer_init(&bench.packed, TEXT_BYTES_MAX);
    double peer = seconds_per_row(theirs, &bench);
    double own = seconds_per_row(ours, &bench);
    printf("lineproto_add    %8.0f ns a row, %9.0f rows/s, snprintf %8.0f ns, ratio %.2f\n",
           own * 1e9, 1 / own, peer * 1e9, peer / own);
    double packing = seconds_per_row(pack, &bench);
    printf("gzip_add         %8.0f ns a row, %zu bytes to %zu a row\n", packing * 1e9,
           bench.text.size / ROWS, bench.packed.size / ROWS);
    lineproto_fini(&bench.lineproto);
    buffer_fini(&bench.text);
    buffer_fini(&bench.packed);
    return 0;
}
