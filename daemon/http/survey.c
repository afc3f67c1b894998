#include "daemon/http/survey.h"

#include <string.h>

#include "pipelines/metering/fates.h"

enum { READINGS_PER_STEP = 200000 }; /* one journal more at most */

static struct survey_meter *find_line(struct survey_round *round, const char *meter,
                                      const char *facility)
{
    for (uint32_t i = 0; i < round->listed; i++) {
        struct survey_meter *line = &round->meters[i];
        if (strcmp(line->meter, meter) == 0 && strcmp(line->facility, facility) == 0)
            return line;
    }
    return NULL;
}

static struct survey_meter *add_line(struct survey_round *round, const struct registry *registry,
                                     const struct meter *meter)
{
    const char *facility = registry->facilities[meter->facility].id;
    struct survey_meter *line = find_line(round, meter->id, facility);
    if (line != NULL)
        return line;
    if (round->listed == SURVEY_METERS_MAX) {
        round->unlisted++;
        return NULL;
    }
    line = &round->meters[round->listed++];
    *line = (struct survey_meter){
        .meter = meter->id, .facility = facility, .reason = held_reason(meter)};
    return line;
}

void survey_add(struct survey_round *round, const struct registry *registry, uint32_t meter,
                const struct meter_standing *standing)
{
    const struct chain_counts *chain = &standing->chain;
    round->rollovers += chain->rollovers;
    round->breaks += chain->breaks;
    round->left_aside += chain->left_aside;
    round->stretches += standing->held.count;
    if (standing->held.count == 0 && chain->left_aside == 0 && standing->overdue.time_ms == 0)
        return;
    struct survey_meter *line = add_line(round, registry, &registry->meters[meter]);
    if (line == NULL)
        return;
    line->held_ms += (uint64_t)standing->held.held_ms;
    line->left_aside += chain->left_aside;
    line->overdue_ms += (uint64_t)standing->overdue.time_ms; /* of the version that holds now */
}

const struct survey_round *survey_step(struct survey_walk *survey, const struct intake *intake,
                                       const struct registry *registry)
{
    uint64_t looked_at = 0;
    while (survey->next_meter < registry->meters_count && looked_at < READINGS_PER_STEP) {
        struct meter_standing standing;
        uint32_t meter = survey->next_meter++;
        looked_at++;
        if (!intake_find_standing(intake, meter, &standing))
            continue;
        looked_at += standing.readings;
        survey_add(&survey->round, registry, meter, &standing);
    }
    if (survey->next_meter == registry->meters_count) {
        survey->last = survey->round;
        survey->round = (struct survey_round){0};
        survey->next_meter = 0;
        survey->has_last = true;
    }
    return survey->has_last ? &survey->last : NULL;
}
