#include "pipelines/groups/kept_bytes.h"

_Static_assert((int)FIGURE_COUNT <= 64, "a bit for each");
#define SUM_MAX ((int128)(~(uint128)0 >> 2))

/* --- days --- */

static void add_values(struct buffer *out, const struct day_values *values)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        mask |= (uint64_t)(values->value[i] != 0) << i;
    packed_add_uint(out, mask);
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        if (values->value[i] != 0)
            packed_add_int(out, values->value[i]);
}

static void take_values(struct packed *packed, struct day_values *values)
{
    uint64_t mask = packed_take_uint(packed, UINT64_MAX);
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        values->value[i] =
            (mask >> i & 1) != 0 ? packed_take_int(packed, -INT64_MAX, INT64_MAX) : 0;
}

void kept_add_day(struct buffer *out, const struct day_figures *day)
{
    packed_add_uint(out, day->epoch);
    packed_add_uint(out, day->version);
    packed_add_uint(out, day->revision);
    packed_add_uint(out, day->meters_expected);
    packed_add_uint(out, day->meters_reporting);
    packed_add_uint(out, (uint64_t)day->scopes << 1 | day->final);
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++)
        if ((day->scopes >> scope & 1U) != 0)
            add_values(out, &day->scope[scope]);
    add_values(out, &day->coverage);
    packed_add_wide(out, day->weight_covered);
    packed_add_wide(out, day->weight_total);
}

void kept_take_day(struct packed *packed, struct day_figures *day_out)
{
    *day_out = (struct day_figures){.epoch = packed_take_uint(packed, UINT64_MAX)};
    day_out->version = packed_take_uint(packed, UINT64_MAX);
    day_out->revision = (uint32_t)packed_take_uint(packed, UINT32_MAX);
    day_out->meters_expected = (uint32_t)packed_take_uint(packed, UINT32_MAX);
    day_out->meters_reporting = (uint32_t)packed_take_uint(packed, UINT32_MAX);
    uint64_t bits = packed_take_uint(packed, UINT64_MAX);
    day_out->final = (bits & 1) != 0;
    day_out->scopes = (uint8_t)(bits >> 1);
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++)
        if (((uint32_t)day_out->scopes >> scope & 1U) != 0)
            take_values(packed, &day_out->scope[scope]);
    take_values(packed, &day_out->coverage);
    day_out->weight_covered = packed_take_wide(packed, SUM_MAX);
    day_out->weight_total = packed_take_wide(packed, SUM_MAX);
}

/* --- months --- */

static void add_figures(struct buffer *out, const struct figures *figures)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        mask |= (uint64_t)(figures->value[i] != 0) << i;
    packed_add_uint(out, mask);
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        if (figures->value[i] != 0)
            packed_add_wide(out, figures->value[i]);
}

static void take_figures(struct packed *packed, struct figures *figures)
{
    uint64_t mask = packed_take_uint(packed, UINT64_MAX);
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        figures->value[i] = (mask >> i & 1) != 0 ? packed_take_wide(packed, SUM_MAX) : 0;
    figures_note(figures);
}

void kept_add_sum(struct buffer *out, const struct group_sum *sum)
{
    packed_add_uint(out, sum->scopes);
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++) {
        if ((sum->scopes >> scope & 1U) == 0)
            continue;
        add_figures(out, &sum->scope[scope]);
        packed_add_wide(out, sum->equity_mg[scope]);
    }
    add_figures(out, &sum->coverage);
    packed_add_wide(out, sum->weight_covered);
    packed_add_wide(out, sum->weight_total);
    packed_add_uint(out, sum->days);
    packed_add_uint(out, sum->days_missing);
    packed_add_uint(out, sum->days_open);
    packed_add_uint(out, sum->facilities);
    packed_add_uint(out, sum->facilities_missing);
    packed_add_uint(out, sum->revisions);
}

void kept_take_sum(struct packed *packed, struct group_sum *sum_out)
{
    *sum_out = (struct group_sum){.scopes = (uint8_t)packed_take_uint(packed, UINT8_MAX)};
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++) {
        if (((uint32_t)sum_out->scopes >> scope & 1U) == 0)
            continue;
        take_figures(packed, &sum_out->scope[scope]);
        sum_out->equity_mg[scope] = packed_take_wide(packed, SUM_MAX);
    }
    take_figures(packed, &sum_out->coverage);
    sum_out->weight_covered = packed_take_wide(packed, SUM_MAX);
    sum_out->weight_total = packed_take_wide(packed, SUM_MAX);
    sum_out->days = packed_take_uint(packed, UINT64_MAX);
    sum_out->days_missing = packed_take_uint(packed, UINT64_MAX);
    sum_out->days_open = packed_take_uint(packed, UINT64_MAX);
    sum_out->facilities = (uint32_t)packed_take_uint(packed, UINT32_MAX);
    sum_out->facilities_missing = (uint32_t)packed_take_uint(packed, UINT32_MAX);
    sum_out->revisions = packed_take_uint(packed, UINT64_MAX);
}
