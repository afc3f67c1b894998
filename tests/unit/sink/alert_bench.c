#include "tests/unit/sink/alert_bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/targets/civil.h"
#include "pipelines/trajectory/course_rows.h"
#include "tests/unit/sink/fixture.h"

#define T INT64_C(1000000000)
#define DAY_MS INT64_C(86400000)

static const struct target *bench_target(uint32_t index)
{
    static struct target *targets; /* they live as long as the program */
    static char ids[ALERT_BENCH_TARGETS][8];
    if (targets == NULL)
        targets = calloc(ALERT_BENCH_TARGETS, sizeof(*targets));
    if (targets == NULL || index >= ALERT_BENCH_TARGETS)
        abort();
    (void)snprintf(ids[index], sizeof(ids[index]), "t%u", index);
    targets[index] = (struct target){.id = ids[index],
                                     .name = "dhaka-1",
                                     .level = TARGET_FACILITY,
                                     .scopes = 6,
                                     .year_start = 1,
                                     .facility = 0};
    return &targets[index];
}

struct row alert_row(struct alert_change change)
{
    int32_t day = civil_day(2026, 6, 30);
    int64_t end_ms = (day + 1) * DAY_MS;
    const struct course_told told = {
        .target = bench_target(change.target),
        .row = {.stamp_ms = end_ms + 3600000,
                .day = day,
                .closed = true,
                .base_version = 1,
                .base_mg = 1000 * T,
                .budget_mg = 900 * T,
                .due_mg = 450 * T,
                .ytd_mg = 470 * T,
                .covered_ms = 1,
                .expected_ms = 1,
                .slip = 444,
                .level = change.to},
        .transition = {.event = change.to > change.from ? COURSE_ENTERED : COURSE_LEFT,
                       .from = change.from,
                       .to = change.to,
                       .base_version = 1,
                       .number = change.number,
                       .day_end_ms = end_ms,
                       .since_ms = end_ms - 3 * DAY_MS},
        .sources = {{0, 400 * T}, {REGISTRY_NONE, 0}, {REGISTRY_NONE, 0}}};
    struct row row;
    course_put_row(&row, &told, ROW_ALERT);
    row.partition = change.target;
    return row;
}

struct block *alert_block(const struct alert_change *changes, uint32_t count)
{
    struct block *block = NULL;
    if (block_create(&block, count) < 0)
        abort();
    block->registry = fixture_registry();
    for (uint32_t i = 0; i < count; i++)
        block->rows[block->count++] = alert_row(changes[i]);
    return block;
}
