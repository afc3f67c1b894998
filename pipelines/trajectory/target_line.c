#include "pipelines/trajectory/target_line.h"

#include "base/decimal.h"

/* |delta| is the threshold's part of the base, or more. */
static bool reaches(int64_t delta_mg, int64_t base_mg, int64_t threshold)
{
    int128 size = delta_mg < 0 ? -(int128)delta_mg : delta_mg;
    return size * PART_ONE >= (int128)base_mg * threshold;
}

static int32_t begins(const struct target *target, const struct base_change *change)
{
    if (change->at_once)
        return change->day;
    struct civil_year year = civil_year_of(change->day, target->year_start);
    return change->day == year.first_day ? change->day : year.first_day + year.days;
}

bool target_line_make(struct target_line *line_out, const struct target *target, int64_t base_mg,
                      int64_t threshold)
{
    ASSERT(base_mg > 0 || (base_mg == 0 && target->form == TARGET_INTENSITY));
    ASSERT(threshold > 0 && target->changes_count <= BASE_CHANGES_MAX);
    if (base_mg > BASE_MG_MAX)
        return false;
    *line_out = (struct target_line){.target = target, .versions_count = 1};
    line_out->versions[0] =
        (struct base_version){.number = 1, .from_day = INT32_MIN, .base_mg = base_mg};
    for (uint32_t i = 0; base_mg > 0 && i < target->changes_count; i++) {
        const struct base_change *change = &target->changes[i];
        struct base_version *last = &line_out->versions[line_out->versions_count - 1];
        ASSERT(i == 0 || change[-1].day <= change->day);
        int128 pending_mg = (int128)last->pending_mg + change->delta_mg;
        if (pending_mg < -BASE_MG_MAX || pending_mg > BASE_MG_MAX)
            return false;
        last->pending_mg = (int64_t)pending_mg;
        if (!reaches(change->delta_mg, last->base_mg, threshold) &&
            !reaches(last->pending_mg, last->base_mg, threshold))
            continue;
        int128 next_mg = pending_mg + last->base_mg;
        if (next_mg < 1 || next_mg > BASE_MG_MAX)
            return false;
        line_out->versions[line_out->versions_count++] =
            (struct base_version){.number = (uint16_t)(last->number + 1),
                                  .from_day = begins(target, change),
                                  .base_mg = (int64_t)next_mg};
    }
    return true;
}

const struct base_version *target_line_version(const struct target_line *line,
                                               const struct civil_year *year, int32_t day)
{
    int32_t last_day = year->first_day + year->days - 1;
    int32_t known = day < last_day ? day : last_day;
    uint32_t i = line->versions_count - 1;
    while (line->versions[i].from_day > known)
        i--;
    return &line->versions[i];
}

static const struct path_year *path_find(const struct target *target, int year)
{
    for (uint32_t i = 0; i < target->path_count; i++) {
        if (target->path[i].year == year)
            return &target->path[i];
    }
    return NULL;
}

static bool linear_allowed(int64_t *allowed_out, const struct target *target, int64_t base_mg,
                           int year)
{
    int64_t years = target->target_year - target->base_year;
    int128 kept = (int128)PART_ONE * years - (int128)target->cut * (year - target->base_year);
    *allowed_out = (int64_t)div_round_even(base_mg * kept, (int128)PART_ONE * years);
    return true;
}

static bool path_allowed(int64_t *allowed_out, const struct target_line *line, int64_t base_mg,
                         int year)
{
    const struct path_year *value = path_find(line->target, year);
    if (value == NULL)
        return false;
    /* A base of next to nothing, which became a large one, scales a path beyond 64 bits. */
    int128 scaled = div_round_even((int128)value->value * base_mg, line->versions[0].base_mg);
    *allowed_out = scaled > INT64_MAX ? INT64_MAX : (int64_t)scaled;
    return true;
}

static bool intensity_allowed(int64_t *allowed_out, const struct target *target, int year)
{
    const struct path_year *value = path_find(target, year);
    if (value == NULL && (target->path_count > 0 || year != target->target_year))
        return false;
    *allowed_out = value != NULL ? value->value : target->intensity;
    return true;
}

bool target_line_allowed(int64_t *allowed_out, const struct target_line *line,
                         const struct base_version *version, int year)
{
    const struct target *target = line->target;
    if (year <= target->base_year || year > target->target_year)
        return false;
    if (target->form == TARGET_LINEAR)
        return linear_allowed(allowed_out, target, version->base_mg, year);
    if (target->form == TARGET_PATH)
        return path_allowed(allowed_out, line, version->base_mg, year);
    return intensity_allowed(allowed_out, target, year);
}

bool target_line_end(int64_t *allowed_out, const struct target_line *line,
                     const struct base_version *version)
{
    return target_line_allowed(allowed_out, line, version, line->target->target_year);
}
