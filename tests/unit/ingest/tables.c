#include "tests/unit/ingest/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/registry/tables.h"

struct registry *tables_read(const char *folder, int64_t horizon_ms)
{
    char facilities[256];
    char meters[256];
    (void)snprintf(facilities, sizeof(facilities), "%s/facilities.csv", folder);
    (void)snprintf(meters, sizeof(meters), "%s/meters.csv", folder);
    const struct tables_conf conf = {
        .facilities = facilities,
        .meters = meters,
        .catalogue = "config/factors",
        .countries = "config/factors/countries.csv",
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = horizon_ms,
        .fiscal_year_start = 1,
    };
    struct registry *registry = NULL;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    int err = registry_build(&registry, &conf, &faults);
    if (err != 0)
        fail_msg("error %d:\n%s", err, buffer_text(&text));
    buffer_fini(&text);
    return registry;
}
