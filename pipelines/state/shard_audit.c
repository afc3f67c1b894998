/* Two accounts of one thing: what readings have moved, meter by meter, and what windows hold. */
#include <inttypes.h>

#include "pipelines/state/shard_state.h"

/* Activity that has left the panel, as the years and as the meters have it. */
static int128 closed_difference(const struct site *site, const struct series *series,
                                uint32_t index)
{
    int128 difference = -site->balance[index];
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        if (site->periods[i].used && site->periods[i].level == LEVEL_YEAR)
            difference += site->periods[i].closed[index].value[FIGURE_ACTIVITY];
    }
    uint32_t first = series->meters_first - site->facility->meters_first;
    for (uint32_t i = 0; i < series->meters_count; i++)
        difference -= site->panel->left[first + i];
    return difference;
}

static uint32_t audit_site(const struct site *site, struct buffer *why)
{
    const struct registry *registry = site->conf.registry;
    uint32_t faults = 0;
    uint32_t column = panel_audit(site->panel);
    if (column != UINT32_MAX) {
        faults++;
        buffer_printf(why, "facility \"%s\": the cells of meter \"%s\" are not what it has moved\n",
                      site->facility->id, site->panel->meters[column].id);
    }
    for (uint32_t i = 0; i < site->facility->series_count; i++) {
        const struct series *series = &registry->series[site->facility->series_first + i];
        int128 difference = closed_difference(site, series, i);
        if (difference == 0)
            continue;
        faults++;
        buffer_printf(why, "facility \"%s\": closed years of %s/%s are off by ", site->facility->id,
                      series->category, series->source);
        buffer_add_fixed(why, difference, 6);
        buffer_add_str(why, "\n");
    }
    return faults;
}

uint32_t shard_audit(const struct shard *shard, struct buffer *why)
{
    uint32_t faults = 0;
    for (uint32_t i = 0; i < shard->own_count; i++)
        faults += audit_site(shard->own[i], why);
    return faults;
}
