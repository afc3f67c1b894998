/* Days on which the rest of a main meter is negative: by name, in the log and for people. */
#include <inttypes.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/state/shard_state.h"

static bool is_negative(const struct day *day)
{
    return day->judgement.negative_rests > 0;
}

static uint32_t worst_meter(const struct site *site, const struct day *day)
{
    return site->facility->meters_first + day->judgement.worst;
}

static void tell(const struct shard *shard, const struct site *site, const struct day *day)
{
    enum { AMOUNTS_BYTES_MAX = 128, MICRO_DECIMALS = 6 };
    const struct meter *meter = &shard->context.registry->meters[worst_meter(site, day)];
    char from[TIMESTAMP_TEXT_SIZE];
    char to[TIMESTAMP_TEXT_SIZE];
    struct buffer amounts;
    buffer_init(&amounts, AMOUNTS_BYTES_MAX);
    buffer_add_str(&amounts, "rest=");
    buffer_add_fixed(&amounts, day->judgement.worst_rest, MICRO_DECIMALS);
    buffer_add_str(&amounts, " shown=");
    buffer_add_fixed(&amounts, day->judgement.worst_shown, MICRO_DECIMALS);
    const char *text = buffer_text(&amounts);
    LOG_LIMITED(LOG_LEVEL_WARN, "shard.negative_rest",
                "partition=%" PRIu32 " facility=\"%s\" main_meter=\"%s\" from=%s to=%s %s "
                "unit=%s main_meters=%" PRIu32,
                shard->partition, site->facility->id, meter->id,
                timestamp_format(from, day->window.start_ms),
                timestamp_format(to, day->window.end_ms), text != NULL ? text : "rest=?",
                quantity_unit((enum quantity)meter->quantity), day->judgement.negative_rests);
    buffer_fini(&amounts);
}

void shard_tell_rests(const struct shard *shard, struct site *site)
{
    if (!site->rests_untold)
        return;
    site->rests_untold = false;
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (!is_negative(day) || day->rest_told)
            continue;
        day->rest_told = day->window.end_ms <= shard->clock.final_ms;
        site->rests_untold |= !day->rest_told;
        if (day->rest_told)
            tell(shard, site, day);
    }
}

bool shard_find_rest(const struct shard *shard, uint32_t facility, struct negative_rest *rest_out)
{
    const struct site *site = shard->sites[facility];
    *rest_out = (struct negative_rest){.days = 0};
    for (uint32_t i = 0; site != NULL && i < site->days_count; i++) {
        const struct day *day = site_day(site, i);
        if (!is_negative(day))
            continue;
        rest_out->day = day->window;
        rest_out->meter = worst_meter(site, day);
        rest_out->shown = day->judgement.worst_shown;
        rest_out->rest = day->judgement.worst_rest;
        rest_out->days++;
    }
    return rest_out->days > 0;
}
