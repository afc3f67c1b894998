#include "daemon/http/unheard.h"

#include <sys/param.h>

enum { FACILITIES_PER_STEP = 20000 };

bool unheard_is_due(const struct registry *registry, uint32_t facility, int64_t time_ms)
{
    const struct facility *conf = &registry->facilities[facility];
    for (uint32_t i = 0; i < conf->meters_count; i++) {
        const struct meter *meter = &registry->meters[conf->meters_first + i];
        if (time_ms >= meter->valid_from_ms && time_ms < meter->valid_to_ms)
            return true;
    }
    return false;
}

bool unheard_find_time(const struct intake *intake, int64_t now_ms, int64_t *time_ms_out)
{
    if (!intake_find_newest(intake, time_ms_out))
        return false;
    if (*time_ms_out == INT64_MIN)
        *time_ms_out = now_ms;
    return true;
}

void unheard_add(struct unheard_round *round, const struct registry *registry, uint32_t facility,
                 bool heard)
{
    if (heard) {
        round->heard++;
        return;
    }
    round->unheard++;
    if (round->named < UNHEARD_NAMES_MAX)
        round->names[round->named++] = registry->facilities[facility].id;
}

const struct unheard_round *unheard_step(struct unheard_walk *walk, const struct intake *intake,
                                         const struct registry *registry, int64_t now_ms)
{
    int64_t time_ms;
    if (!unheard_find_time(intake, now_ms, &time_ms)) {
        *walk = (struct unheard_walk){0};
        return NULL;
    }
    uint32_t end = MIN(walk->next_facility + FACILITIES_PER_STEP, registry->facilities_count);
    for (; walk->next_facility < end; walk->next_facility++) {
        uint32_t facility = walk->next_facility;
        if (unheard_is_due(registry, facility, time_ms))
            unheard_add(&walk->round, registry, facility, intake_has_heard(intake, facility));
    }
    if (walk->next_facility == registry->facilities_count) {
        walk->last = walk->round;
        walk->round = (struct unheard_round){0};
        walk->next_facility = 0;
        walk->has_last = true;
    }
    return walk->has_last ? &walk->last : NULL;
}
