/*
 * target_bases.c - the emissions of base years, as far as the history has them; see
 * target_loader.h.
 *
 * A facility is part of a base year on the days on which it belongs to the group (valid_from,
 * valid_to) and its share is not 0. The history has to have each scope of these days: all of their
 * months, or the calendar year if the target's year is one. If it lacks some, the base is measured,
 * provided that meters of the facility are expected to report from the year's first day on.
 *
 * A row of a whole year gives a base, and tells no seasons: there is a warning if these lack.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "config/targets/civil.h"
#include "config/targets/past.h"
#include "config/targets/target_loader.h"

/* The first gap of a target's base year. */
struct gap {
    uint32_t facilities;            /* that lack something */
    uint32_t facility;              /* the first of them */
    int scope, year, month, months; /* the first month, and how many lack of that scope */
};

struct base_search {
    const struct target_loader *loader;
    const struct target *target;
    struct civil_year year;
    int128 mg;
    uint32_t members;         /* facilities that are part of the base year */
    struct gap gap, measured; /* the second: those that are measured */
};

static bool is_measured(const struct base_search *search, uint32_t index, struct member_days days)
{
    const struct registry *registry = search->loader->registry;
    const struct facility *facility = &registry->facilities[index];
    for (uint32_t i = 0; i < facility->meters_count; i++) {
        const struct meter *meter = &registry->meters[facility->meters_first + i];
        int scope = registry->series[meter->series].scope;
        if ((search->target->scopes >> scope & 1) != 0 && meter->expected_from_ms != INT64_MIN &&
            past_local_day(registry, facility->zone, meter->expected_from_ms) <= days.first)
            return true;
    }
    return false;
}

/* Adds the scope's emissions of the base year, or notes the months that lack. */
static void add_scope(struct base_search *search, uint32_t facility, int scope, struct gap *gap)
{
    const struct past_subject subject = {search->loader->targets, search->loader->registry,
                                         search->target};
    unsigned lacking = past_add_scope(&search->mg, &subject, facility, scope, &search->year);
    if (lacking == 0)
        return;
    if (gap->months == 0) {
        struct date month = civil_date(search->year.month_first[__builtin_ctz(lacking)]);
        *gap = (struct gap){gap->facilities, facility, scope, month.year, month.month, 0};
    }
    if (gap->scope == scope)
        gap->months += __builtin_popcount(lacking);
}

static void note(struct gap *all, const struct gap *gap)
{
    uint32_t facilities = all->facilities + 1;
    if (all->facilities == 0)
        *all = *gap;
    all->facilities = facilities;
}

static void add_facility(struct base_search *search, uint32_t facility)
{
    struct gap gap = {0};
    struct member_days days = past_member_days(
        search->loader->registry, facility, search->year.first_day, search->year.month_first[12]);
    for (int scope = 1; scope <= 3; scope++)
        if ((search->target->scopes >> scope & 1) != 0)
            add_scope(search, facility, scope, &gap);
    if (gap.months == 0)
        return;
    note(is_measured(search, facility, days) ? &search->measured : &search->gap, &gap);
}

enum { GAP_SIZE = 400 };

static const char *describe(char text[GAP_SIZE], const struct base_search *search,
                            const struct gap *gap)
{
    const char *id = search->loader->registry->facilities[gap->facility].id;
    char others[64] = "";
    char months[64] = "";
    char whole[80] = "";
    if (gap->facilities > 1)
        (void)snprintf(others, sizeof(others), "; others lack some too (facilities: %u)",
                       gap->facilities);
    if (gap->months > 1)
        (void)snprintf(months, sizeof(months), " and %d more months", gap->months - 1);
    if (targets_history(search->loader->targets, gap->facility, gap->scope, gap->year, 0) != NULL)
        (void)snprintf(whole, sizeof(whole), " (it has %d as one row, which has no months)",
                       gap->year);
    (void)snprintf(text, GAP_SIZE, "facility \"%s\" has no history of scope %d in %d-%02d%s%s%s",
                   id, gap->scope, gap->year, gap->month, months, whole, others);
    return text;
}

static void report(const struct base_search *search)
{
    const struct target *target = search->target;
    struct faults *faults = search->loader->faults;
    struct date first = civil_date(search->year.first_day);
    char text[GAP_SIZE];
    const char *facility = search->loader->registry->facilities[search->gap.facility].id;
    faults_error(
        faults, target->file, target->line, 0,
        "target \"%s\" has no base: %s; give base_t, or add rows to tables.history, such "
        "as \"%s,%d-%02d,%d,12345.678\" (facility,period,scope,kg). It is measured only if "
        "windows.reporting_from, or valid_from of the facility, is %d-%02d-%02d or earlier",
        target->id, describe(text, search, &search->gap), facility, search->gap.year,
        search->gap.month, search->gap.scope, first.year, first.month, first.day);
}

/* The base stays above 0 with every change. The sum alone is checked if the base is yet to be
 * measured. */
static void check_changes(const struct target_loader *loader, const struct target *target)
{
    bool known = target->base_mg > 0;
    int128 base = MAX(target->base_mg, 0);
    for (uint32_t i = 0; i < target->changes_count; i++) {
        base += target->changes[i].delta_mg;
        struct date date = civil_date(target->changes[i].day);
        if (base > (known ? 0 : -BASE_MG_MAX - 1) && base <= BASE_MG_MAX)
            continue;
        const struct change_entry *entry = (const struct change_entry *)loader->changes.items +
                                           (target->changes - loader->changes_kept) + i;
        if (!known) {
            faults_error(
                loader->faults, loader->conf->base_changes, entry->line, 0,
                "the changes of target \"%s\" up to %d-%02d-%02d sum to %.3f t; accepted: up "
                "to 1000000000 t, up or down",
                target->id, date.year, date.month, date.day, (double)base / 1e9);
            return;
        }
        faults_error(
            loader->faults, loader->conf->base_changes, entry->line, 0,
            "the change of target \"%s\" on %d-%02d-%02d leaves a base of %.3f t; accepted: "
            "changes that leave one above 0, up to 1000000000 t",
            target->id, date.year, date.month, date.day, (double)base / 1e9);
        return;
    }
}

static void find(const struct target_loader *loader, struct target *target)
{
    struct base_search search = {.loader = loader, .target = target};
    search.year = civil_year_named(target->base_year, target->year_start);
    for (uint32_t i = 0; i < loader->registry->facilities_count; i++)
        if (target_has(target, loader->registry, i))
            add_facility(&search, i);
    if (search.gap.facilities > 0) {
        report(&search);
        return;
    }
    if (search.measured.facilities > 0) {
        char text[GAP_SIZE];
        faults_warn(loader->faults, target->file, target->line, 0,
                    "the base of target \"%s\" will be measured: %s", target->id,
                    describe(text, &search, &search.measured));
        return;
    }
    if (search.mg <= 0 || search.mg > BASE_MG_MAX) {
        faults_error(loader->faults, target->file, target->line, 0,
                     "target \"%s\" has a base of %.3f t by its history; accepted: one above 0, up "
                     "to 1000000000 t",
                     target->id, (double)search.mg / 1e9);
        return;
    }
    target->base_from = BASE_HISTORY;
    target->base_mg = (int64_t)search.mg;
}

/* --- seasons --- */

/* Calendar years of the history. */
struct history_years {
    int first, last; /* none: the last is before the first */
    bool whole;      /* there are rows of whole years */
};

static struct history_years find_years(const struct targets *targets)
{
    struct history_years years = {TARGET_YEAR_MAX, TARGET_YEAR_MIN, false};
    for (uint32_t i = 0; i < targets->history_count; i++) {
        years.first = MIN(years.first, targets->history[i].year);
        years.last = MAX(years.last, targets->history[i].year);
        years.whole = years.whole || targets->history[i].month == 0;
    }
    return years;
}

/* A row of that whole year which is about the target. NULL: there is no such row. */
static const struct history_row *find_whole(const struct target_loader *loader,
                                            const struct target *target, int year)
{
    for (uint32_t i = 0; i < loader->registry->facilities_count; i++) {
        if (!target_has(target, loader->registry, i))
            continue;
        for (int scope = 1; scope <= 3; scope++) {
            const struct history_row *row = targets_history(loader->targets, i, scope, year, 0);
            if (row != NULL && (target->scopes >> scope & 1) != 0)
                return row;
        }
    }
    return NULL;
}

static bool has_months(const struct target_loader *loader, const struct target *target, int year)
{
    int64_t mg;
    for (int month = 1; month <= 12; month++) {
        if (!past_month(&mg, loader->targets, loader->registry, target, year, month))
            return false;
    }
    return true;
}

/* Years that the history has as a whole only, if it does not tell seasons otherwise: by months of
 * two years, or of the base year. */
static void check_seasons(const struct target_loader *loader, const struct target *target,
                          const struct history_years *years)
{
    const struct history_row *first = NULL;
    uint32_t whole = 0;
    uint32_t by_months = 0;
    if (target->form == TARGET_INTENSITY || target->weights != NULL || target->year_start != 1)
        return;
    const struct past_subject subject = {loader->targets, loader->registry, target};
    int oldest = MAX(years->first, target->base_year - PAST_YEARS_BEFORE_BASE);
    for (int year = oldest; year <= years->last; year++) {
        struct civil_year civil = civil_year_named(year, 1);
        int64_t mg;
        if (!past_year_total(&mg, &subject, &civil))
            continue;
        const struct history_row *row = find_whole(loader, target, year);
        if (has_months(loader, target, year)) {
            by_months += year == target->base_year ? 2 : 1; /* it serves alone */
        } else if (row != NULL) {
            whole++;
            first = first == NULL ? row : first;
        }
    }
    if (first == NULL || by_months > 1)
        return;
    faults_warn(loader->faults, target->file, target->line, 0,
                "target \"%s\": the history has %d as a whole year (such years: %" PRIu32
                "), which tells no seasons; each day counts alike until years are known by "
                "months; add rows such as \"%s,%d-01,%d,12345.678\" in its place, or weights to "
                "tables.weights",
                target->id, first->year, whole, loader->registry->facilities[first->facility].id,
                first->year, first->scope);
}

void target_bases_find(struct target_loader *loader)
{
    struct target *rows = loader->rows.items;
    const struct history_years years = find_years(loader->targets);
    for (uint32_t i = 0; i < loader->rows.count; i++) {
        if (rows[i].base_from == BASE_MEASURED)
            find(loader, &rows[i]);
        check_changes(loader, &rows[i]);
        if (years.whole && rows[i].base_mg > 0)
            check_seasons(loader, &rows[i], &years);
    }
}
