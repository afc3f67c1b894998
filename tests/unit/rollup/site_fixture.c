#include "tests/unit/rollup/site_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/timestamp.h"

static const struct built_meter grid[] = {{.facility = "plant",
                                           .id = "grid",
                                           .kind = KIND_INTERVAL,
                                           .category = "purchased_electricity",
                                           .source = "",
                                           .factor = 0.4}};

void site_fixture_init(struct site_fixture *fixture, const char *time_zone, int64_t bucket_ms,
                       int64_t floor_ms)
{
    plant_init(&fixture->plant, grid, ARRAY_LEN(grid));
    fixture->plant.facilities[0].time_zone = time_zone;
    fixture->window = (struct window_conf){.bucket_ms = bucket_ms,
                                           .horizon_ms = 2 * DAY_MS,
                                           .allowed_delay_ms = HOUR_MS,
                                           .fiscal_year_start = 1};
    assert_int_equal(rating_create(&fixture->rating, kernels_best(), 1), 0);
    const struct site_conf conf = {.registry = &fixture->plant.registry,
                                   .window = &fixture->window,
                                   .rating = fixture->rating,
                                   .sinks_count = SITE_SINKS};
    const struct site_clock clock = {
        .passed_ms = INT64_MIN, .floor_ms = floor_ms, .final_ms = INT64_MIN, .top_row = INT64_MIN};
    assert_int_equal(site_create(&fixture->site, &conf, &clock), 0);
}

void site_fixture_fini(struct site_fixture *fixture)
{
    site_destroy(&fixture->site);
    rating_destroy(&fixture->rating);
    plant_fini(&fixture->plant);
}
