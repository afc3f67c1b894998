#include "pipelines/rollup/day_ledger.h"

#include <errno.h>
#include <stdlib.h>

struct day_ledger {
    uint32_t days_max;
    int32_t newest; /* if `begun`: the ring holds the days_max days up to it */
    bool begun;
    struct day_total days[]; /* of a day: at day modulo days_max */
};

size_t day_ledger_size(uint32_t days_max)
{
    return sizeof(struct day_ledger) + (size_t)days_max * sizeof(struct day_total);
}

int day_ledger_create(struct day_ledger **ledger_out, uint32_t days_max)
{
    ASSERT(days_max > 0 && days_max <= LEDGER_DAYS_MAX);
    struct day_ledger *ledger = calloc(1, day_ledger_size(days_max));
    if (ledger == NULL)
        return -ENOMEM;
    ledger->days_max = days_max;
    *ledger_out = ledger;
    return 0;
}

void day_ledger_destroy(struct day_ledger **ledger)
{
    free(*ledger);
    *ledger = NULL;
}

static uint32_t slot_of(const struct day_ledger *ledger, int32_t day)
{
    int32_t days_max = (int32_t)ledger->days_max; /* narrow: 64-bit division is slow */
    int32_t rest = day % days_max;
    return (uint32_t)(rest < 0 ? rest + days_max : rest);
}

static bool is_forgotten(const struct day_ledger *ledger, int32_t day)
{
    return ledger->newest - (int64_t)day >= ledger->days_max;
}

/* The ring's slots of days between the newest and this one are empty from here on. */
static void advance(struct day_ledger *ledger, int32_t day)
{
    int64_t fresh = ledger->begun ? (int64_t)day - ledger->newest : 1;
    if (fresh > ledger->days_max)
        fresh = ledger->days_max;
    for (int64_t i = 0; i < fresh; i++)
        ledger->days[slot_of(ledger, (int32_t)(day - i))] = (struct day_total){0};
    ledger->newest = day;
    ledger->begun = true;
}

bool day_ledger_set(struct day_ledger *ledger, int32_t day, const struct day_total *total)
{
    if (ledger->begun && is_forgotten(ledger, day))
        return false;
    if (!ledger->begun || day > ledger->newest)
        advance(ledger, day);
    ledger->days[slot_of(ledger, day)] = *total;
    return true;
}

const struct day_total *day_ledger_get(const struct day_ledger *ledger, int32_t day)
{
    if (!ledger->begun || day > ledger->newest || is_forgotten(ledger, day))
        return NULL;
    const struct day_total *total = &ledger->days[slot_of(ledger, day)];
    return total->known ? total : NULL;
}

bool day_ledger_span(const struct day_ledger *ledger, int32_t *first_out, int32_t *last_out)
{
    bool found = false;
    for (int64_t i = 0; ledger->begun && i < ledger->days_max; i++) {
        int64_t day = ledger->newest - i;
        if (!ledger->days[slot_of(ledger, (int32_t)day)].known)
            continue;
        if (!found)
            *last_out = (int32_t)day;
        *first_out = (int32_t)day;
        found = true;
    }
    return found;
}

bool day_ledger_add(const struct day_ledger *ledger, int32_t day, uint32_t scopes,
                    struct days_sum *sum)
{
    const struct day_total *total = day_ledger_get(ledger, day);
    if (total == NULL)
        return false;
    for (uint32_t scope = 0; scope < LEDGER_SCOPES; scope++) {
        if ((scopes >> scope & 1U) == 0)
            continue;
        sum->mg += total->mg[scope];
        sum->estimated_mg += total->estimated_mg[scope];
    }
    sum->production_micro += total->production_micro;
    sum->covered_ms += total->covered_ms;
    sum->expected_ms += total->expected_ms;
    return true;
}
