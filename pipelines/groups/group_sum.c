#include "pipelines/groups/group_sum.h"

bool group_sum_counts(const int64_t share[APPROACH_COUNT])
{
    return share[APPROACH_CONTROL] != 0 || share[APPROACH_EQUITY] != 0;
}

static void add_values(struct figures *sum, const struct day_values *values, int64_t share)
{
    if (share == 0)
        return;
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        sum->value[i] += share == PART_ONE ? values->value[i] : share_of(values->value[i], share);
    figures_note(sum);
}

void group_sum_add_day(struct group_sum *sum, const struct day_figures *day,
                       const int64_t share[APPROACH_COUNT])
{
    ASSERT(group_sum_counts(share));
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++) {
        if ((day->scopes >> scope & 1U) == 0)
            continue;
        sum->scopes |= (uint8_t)(1U << scope);
        add_values(&sum->scope[scope], &day->scope[scope], share[APPROACH_CONTROL]);
        sum->equity_mg[scope] +=
            share_of(day->scope[scope].value[FIGURE_CO2E], share[APPROACH_EQUITY]);
    }
    add_values(&sum->coverage, &day->coverage, PART_ONE);
    sum->weight_covered += day->weight_covered;
    sum->weight_total += day->weight_total;
    sum->days++;
    sum->days_open += !day->final;
    sum->revisions += day->revision;
}

void group_sum_add_missing(struct group_sum *sum, int64_t expected_ms)
{
    sum->coverage.value[FIGURE_EXPECTED] += expected_ms;
    sum->days++;
    sum->days_missing++;
}

void group_sum_add(struct group_sum *sum, const struct group_sum *term)
{
    sum->scopes |= term->scopes;
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++) {
        figures_add(&sum->scope[scope], &term->scope[scope]);
        sum->equity_mg[scope] += term->equity_mg[scope];
    }
    figures_add(&sum->coverage, &term->coverage);
    sum->weight_covered += term->weight_covered;
    sum->weight_total += term->weight_total;
    sum->days += term->days;
    sum->days_missing += term->days_missing;
    sum->days_open += term->days_open;
    sum->facilities += term->facilities;
    sum->facilities_missing += term->facilities_missing;
    sum->revisions += term->revisions;
}

bool group_sum_is_final(const struct group_sum *sum)
{
    return sum->days > 0 && sum->days_missing == 0 && sum->days_open == 0;
}
