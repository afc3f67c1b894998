#include "daemon/replay/as_of.h"

#include <sys/param.h>

void as_of_init(struct as_of *as_of, int64_t horizon_ms)
{
    *as_of =
        (struct as_of){.horizon_ms = horizon_ms, .confirmed_ms = INT64_MIN, .newest_ms = INT64_MIN};
}

static bool are_near(const struct as_of *as_of, int64_t a_ms, int64_t b_ms)
{
    return a_ms - b_ms <= as_of->horizon_ms && b_ms - a_ms <= as_of->horizon_ms;
}

/* A confirmed time confirms those that are near it, and so on. */
static void confirm(struct as_of *as_of, int64_t end_ms)
{
    as_of->confirmed_ms = MAX(as_of->confirmed_ms, end_ms);
    bool more = true;
    while (more) {
        more = false;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < as_of->alone_count; i++) {
            int64_t alone_ms = as_of->alone[i].end_ms;
            if (alone_ms > as_of->confirmed_ms && are_near(as_of, alone_ms, as_of->confirmed_ms)) {
                as_of->confirmed_ms = alone_ms;
                more = true;
            } else if (alone_ms > as_of->confirmed_ms) {
                as_of->alone[kept++] = as_of->alone[i];
            }
        }
        as_of->alone_count = kept;
    }
}

/* The oldest makes room. */
static void add_alone(struct as_of *as_of, uint32_t meter, int64_t end_ms)
{
    uint32_t at = 0;
    if (as_of->alone_count < AS_OF_ALONE_MAX) {
        at = as_of->alone_count++;
    } else {
        for (uint32_t i = 1; i < AS_OF_ALONE_MAX; i++)
            at = as_of->alone[i].end_ms < as_of->alone[at].end_ms ? i : at;
        if (as_of->alone[at].end_ms > end_ms)
            return;
    }
    as_of->alone[at].meter = meter;
    as_of->alone[at].end_ms = end_ms;
}

void as_of_add(struct as_of *as_of, uint32_t meter, int64_t end_ms)
{
    as_of->newest_ms = MAX(as_of->newest_ms, end_ms);
    if (end_ms <= as_of->confirmed_ms)
        return;
    if (as_of->confirmed_ms != INT64_MIN && are_near(as_of, end_ms, as_of->confirmed_ms)) {
        confirm(as_of, end_ms);
        return;
    }
    for (uint32_t i = 0; i < as_of->alone_count; i++) {
        int64_t alone_ms = as_of->alone[i].end_ms;
        if (alone_ms == end_ms && as_of->alone[i].meter == meter)
            return; /* the same reading once more confirms nothing */
        if (are_near(as_of, end_ms, alone_ms)) {
            confirm(as_of, MAX(end_ms, alone_ms));
            return;
        }
    }
    add_alone(as_of, meter, end_ms);
}

int64_t as_of_get(const struct as_of *as_of)
{
    return as_of_is_confirmed(as_of) ? as_of->confirmed_ms : as_of->newest_ms;
}

bool as_of_is_confirmed(const struct as_of *as_of)
{
    return as_of->confirmed_ms != INT64_MIN;
}
