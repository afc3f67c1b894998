#include "daemon/check_targets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/durations.h"
#include "pipelines/trajectory/target_line.h"

enum { ROWS_SHOWN_MAX = 20 };

/* Milligrams in t: both shares and these have nine decimals. */
static void print_tonnes(struct buffer *out, int64_t mg)
{
    share_print(out, mg);
    buffer_add_str(out, " t");
}

static void print_day(struct buffer *out, int32_t day)
{
    struct date date = civil_date(day);
    buffer_printf(out, "%d-%02d-%02d", date.year, date.month, date.day);
}

/* ---- one target ---- */

static void print_subject(const struct config *config, const struct target *target,
                          struct buffer *out)
{
    buffer_printf(out, "  %s: ", target->id);
    if (target->level == TARGET_ALL)
        buffer_add_str(out, "all facilities");
    else
        buffer_printf(out, "%s %s",
                      target->level == TARGET_FACILITY
                          ? "facility"
                          : config->registry->group_levels[target->group_level],
                      target->name);
    const char *before = ", scopes ";
    for (int scope = 1; scope <= 3; scope++) {
        if ((target->scopes >> scope & 1) == 0)
            continue;
        buffer_printf(out, "%s%d", before, scope);
        before = "+";
    }
    buffer_printf(out, ", %s, location-based, years from month %d\n",
                  target->approach == APPROACH_EQUITY ? "equity" : "control", target->year_start);
}

static const char *production_unit(const struct config *config, const struct target *target)
{
    return quantity_unit((enum quantity)config->registry->meters[target->meter].quantity);
}

static void print_form(const struct config *config, const struct target *target, struct buffer *out)
{
    buffer_add_str(out, "    ");
    if (target->form == TARGET_LINEAR) {
        percent_print(out, target->cut);
        buffer_printf(out, " less in %d than in %d, in equal steps\n", target->target_year,
                      target->base_year);
    } else if (target->form == TARGET_PATH) {
        buffer_printf(out, "a path from %d to %d\n", target->base_year, target->target_year);
    } else {
        buffer_printf(out, "t CO2e per %s of %s, %s %d\n", production_unit(config, target),
                      config->registry->meters[target->meter].id,
                      target->path != NULL ? "a path to" : "in", target->target_year);
    }
}

static void print_base(const struct target *target, const struct target_line *line,
                       struct buffer *out)
{
    static const char *const words[] = {
        [BASE_VALIDATED] = "as in the table",
        [BASE_HISTORY] = "from history",
    };
    if (target->base_from == BASE_NONE)
        return;
    buffer_printf(out, "    base year %d: ", target->base_year);
    if (target->base_mg < 0) {
        buffer_add_str(out, "to be measured\n");
        return;
    }
    print_tonnes(out, target->base_mg);
    buffer_printf(out, ", %s\n", words[target->base_from]);
    for (uint32_t i = 1; i < line->versions_count; i++) {
        const struct base_version *version = &line->versions[i];
        buffer_printf(out, "    base version %u: ", version->number);
        print_tonnes(out, version->base_mg);
        buffer_add_str(out, ", from ");
        print_day(out, version->from_day);
        buffer_add_str(out, " on\n");
    }
    int64_t pending_mg = line->versions[line->versions_count - 1].pending_mg;
    if (pending_mg == 0)
        return;
    buffer_add_str(out, "    changes that are not yet a new base: ");
    print_tonnes(out, pending_mg);
    buffer_add_char(out, '\n');
}

/* The line of a target whose base is known; an intensity needs none. */
static bool make_line(struct target_line *line, const struct config *config,
                      const struct target *target)
{
    bool intensity = target->form == TARGET_INTENSITY;
    if (target->base_mg < 0 && !intensity)
        return false;
    bool made = target_line_make(line, target, intensity ? 0 : target->base_mg,
                                 config->trajectory.base_change_min);
    ASSERT(made); /* the tables were checked */
    return true;
}

static bool allowed_in(int64_t *allowed_out, const struct target_line *line, int year)
{
    struct civil_year civil = civil_year_named(year, line->target->year_start);
    const struct base_version *version =
        target_line_version(line, &civil, civil.month_first[12] - 1);
    return target_line_allowed(allowed_out, line, version, year);
}

static void print_allowed(const struct config *config, const struct target_line *line,
                          struct buffer *out)
{
    const struct target *target = line->target;
    for (int year = target->base_year + 1; year <= target->target_year; year++) {
        int64_t allowed;
        if (!allowed_in(&allowed, line, year))
            continue;
        buffer_printf(out, "    %d: ", year);
        print_tonnes(out, allowed);
        if (target->form == TARGET_INTENSITY)
            buffer_printf(out, " per %s", production_unit(config, target));
        buffer_add_char(out, '\n');
    }
}

/* ---- headroom: what a group may emit, and no site's target has ---- */

static bool is_site_of(const struct config *config, const struct target *site,
                       const struct target *group)
{
    return site->level == TARGET_FACILITY && site->form != TARGET_INTENSITY &&
           site->scopes == group->scopes && site->approach == group->approach &&
           site->year_start == group->year_start &&
           target_has(group, config->registry, site->facility);
}

static void print_headroom(const struct config *config, const struct target_line *line,
                           struct target_line *site_line, struct buffer *out)
{
    const struct target *group = line->target;
    int64_t allowed;
    if (group->level == TARGET_FACILITY || group->form == TARGET_INTENSITY ||
        !allowed_in(&allowed, line, group->target_year))
        return;
    int128 rest = allowed;
    uint32_t sites = 0;
    for (uint32_t i = 0; i < config->targets->targets_count; i++) {
        const struct target *site = &config->targets->targets[i];
        int64_t site_allowed;
        if (!is_site_of(config, site, group) || !make_line(site_line, config, site) ||
            !allowed_in(&site_allowed, site_line, group->target_year))
            continue;
        rest -= site_allowed;
        sites++;
    }
    if (rest < INT64_MIN) /* a sum of thousands of bases: the least that can be said of it */
        rest = INT64_MIN;
    buffer_printf(out, "    headroom in %d: ", group->target_year);
    print_tonnes(out, (int64_t)rest);
    buffer_printf(out, " beside what targets of its facilities allow (targets: %u)\n", sites);
}

static void print_targets(const struct config *config, struct buffer *out)
{
    struct target_line *lines = calloc(2, sizeof(*lines)); /* of the target, and of one site */
    if (lines == NULL)
        return;
    const struct targets *targets = config->targets;
    for (uint32_t i = 0; i < targets->targets_count; i++) {
        const struct target *target = &targets->targets[i];
        bool known = make_line(&lines[0], config, target);
        if (i == 0)
            buffer_add_str(out, "targets\n");
        print_subject(config, target, out);
        print_form(config, target, out);
        print_base(target, &lines[0], out);
        if (target->weights != NULL)
            buffer_add_str(out, "    months by given weights\n");
        if (!known)
            continue;
        print_allowed(config, &lines[0], out);
        print_headroom(config, &lines[0], &lines[1], out);
    }
    free(lines);
}

/* ---- the other tables ---- */

static void print_ownership(const struct config *config, int32_t today, struct buffer *out)
{
    const struct targets *targets = config->targets;
    uint32_t in_force = 0;
    if (targets->ownerships_count == 0)
        return;
    buffer_add_str(out, "ownership in force today\n");
    for (uint32_t i = 0; i < targets->ownerships_count; i++) {
        const struct ownership *row = &targets->ownerships[i];
        if (today < row->from_day || today >= row->to_day || ++in_force > ROWS_SHOWN_MAX)
            continue;
        buffer_printf(out, "  %s: equity ", config->registry->facilities[row->facility].id);
        share_print(out, row->share[APPROACH_EQUITY]);
        buffer_add_str(out, ", control ");
        share_print(out, row->share[APPROACH_CONTROL]);
        buffer_add_char(out, '\n');
    }
    buffer_printf(out, "  rows in force: %u of %u\n", in_force, targets->ownerships_count);
}

static void print_history(const struct targets *targets, struct buffer *out)
{
    uint32_t months = 0;
    uint32_t facilities = 0;
    for (uint32_t i = 0; i < targets->history_count; i++) {
        const struct history_row *row = &targets->history[i];
        months += row->month != 0;
        facilities += i == 0 || row[-1].facility != row->facility;
    }
    if (targets->history_count > 0)
        buffer_printf(out, "history: months %u, years %u, of facilities %u\n", months,
                      targets->history_count - months, facilities);
}

enum { COUNTRIES_MAX = 256 };

struct holiday_count {
    const char *country; /* NULL: everywhere; "": of facilities */
    uint32_t off, worked;
};

static struct holiday_count *find_count(struct holiday_count counts[COUNTRIES_MAX], uint32_t *count,
                                        const struct holiday *holiday)
{
    const char *country = holiday->facility != REGISTRY_NONE ? "" : holiday->country;
    for (uint32_t i = 0; i < *count; i++) {
        const char *known = counts[i].country;
        if (known == country || (known != NULL && country != NULL && strcmp(known, country) == 0))
            return &counts[i];
    }
    if (*count == COUNTRIES_MAX)
        return NULL;
    counts[*count] = (struct holiday_count){.country = country};
    return &counts[(*count)++];
}

static bool same_day(const struct holiday *a, const struct holiday *b)
{
    return a->day == b->day && a->facility == b->facility && a->works == b->works &&
           strcmp(a->country == NULL ? "" : a->country, b->country == NULL ? "" : b->country) == 0;
}

static int compare_counts(const void *left, const void *right)
{
    const struct holiday_count *a = left;
    const struct holiday_count *b = right;
    return strcmp(a->country == NULL ? "" : a->country, b->country == NULL ? "" : b->country);
}

static void print_holiday_year(int year, struct holiday_count counts[COUNTRIES_MAX], uint32_t count,
                               struct buffer *out)
{
    qsort(counts, count, sizeof(*counts), compare_counts);
    buffer_printf(out, "  %d:", year);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = counts[i].country == NULL      ? "everywhere"
                           : counts[i].country[0] == '\0' ? "facilities"
                                                          : counts[i].country;
        buffer_printf(out, "%s %s %u", i == 0 ? "" : ",", name, counts[i].off);
        if (counts[i].worked > 0)
            buffer_printf(out, " (worked %u)", counts[i].worked);
    }
    buffer_add_char(out, '\n');
}

static void print_holidays(const struct targets *targets, struct buffer *out)
{
    struct holiday_count counts[COUNTRIES_MAX];
    uint32_t count = 0;
    if (targets->holidays_count > 0)
        buffer_add_str(out, "holidays\n");
    for (uint32_t i = 0; i < targets->holidays_count; i++) {
        const struct holiday *holiday = &targets->holidays[i];
        int year = civil_date(holiday->day).year;
        if (i == 0 || !same_day(holiday, holiday - 1)) { /* a day with two names is one day */
            struct holiday_count *of = find_count(counts, &count, holiday);
            if (of != NULL && holiday->works)
                of->worked++;
            else if (of != NULL)
                of->off++;
        }
        if (i + 1 < targets->holidays_count && civil_date(holiday[1].day).year == year)
            continue;
        print_holiday_year(year, counts, count, out);
        count = 0;
    }
}

/* ---- weekdays off, if a table gives some ---- */

static void print_weekdays(uint8_t days_off, struct buffer *out)
{
    const char *before = "  ";
    for (int i = 0; i < WEEKDAYS; i++) {
        if ((days_off >> i & 1) == 0)
            continue;
        buffer_printf(out, "%s%s", before, date_weekday_name(i));
        before = ", ";
    }
    buffer_add_str(out, days_off == 0 ? "  none:" : ":");
}

static void print_weekend(const struct config *config, uint8_t days_off, struct buffer *out)
{
    const struct registry *registry = config->registry;
    uint32_t count = 0;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        if (targets_days_off(config->targets, i, config->trajectory.days_off.days) != days_off)
            continue;
        if (count == 0)
            print_weekdays(days_off, out);
        if (count++ < ROWS_SHOWN_MAX)
            buffer_printf(out, "%s %s", count == 1 ? "" : ",", registry->facilities[i].id);
    }
    if (count > ROWS_SHOWN_MAX)
        buffer_printf(out, " and %" PRIu32 " more", count - ROWS_SHOWN_MAX);
    if (count > 0)
        buffer_add_char(out, '\n');
}

static void print_weekends(const struct config *config, struct buffer *out)
{
    if (config->targets->weekends == NULL)
        return;
    buffer_add_str(out, "weekdays off of facilities\n");
    for (unsigned days_off = 0; days_off < 1U << WEEKDAYS; days_off++)
        print_weekend(config, (uint8_t)days_off, out);
}

void check_targets_print(const struct config *config, int32_t today, struct buffer *out)
{
    if (config->targets == NULL)
        return;
    print_targets(config, out);
    print_ownership(config, today, out);
    print_history(config->targets, out);
    print_holidays(config->targets, out);
    print_weekends(config, out);
}
