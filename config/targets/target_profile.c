/*
 * target_profile.c - the profile mcap-sat: what targets are expected to be like; see
 * target_loader.h.
 *
 * The programme's own numbers are not public. These are the criteria of SBTi near-term targets, on
 * which it says that it is modelled: so they are warnings, and say where they come from.
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/param.h>

#include "base/durations.h"
#include "config/targets/target_loader.h"

enum {
    BASE_YEAR_MIN = 2015,
    WINDOW_MIN = 5, /* years from the submission on */
    WINDOW_MAX = 10,
    RATE_MIN = PART_ONE / 1000 * 42, /* a year, of the base: 1.5 C */
    RATE_WB2C = PART_ONE / 1000 * 25 /* well below 2 C */
};

/* A rise beyond a billion times the base, as a cut, tells no more: and its printed steps fit. */
#define CUT_MIN (-INT64_C(1000000000000000000))

PRINTF_LIKE(3, 4)
static void warn(const struct target_loader *loader, const struct target *target,
                 const char *format, ...)
{
    char words[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    faults_warn(loader->faults, target->file, target->line, 0,
                "target \"%s\": %s; inferred from SBTi near-term criteria", target->id, words);
}

static void check_window(const struct target_loader *loader, const struct target *target)
{
    bool given = target->submitted != 0;
    int years = target->target_year - (given ? target->submitted : target->base_year);
    if (target->base_year < BASE_YEAR_MIN)
        warn(loader, target, "base_year %d is before %d", target->base_year, BASE_YEAR_MIN);
    if (years < WINDOW_MIN || years > WINDOW_MAX)
        warn(
            loader, target,
            "target_year %d is %d years from %s, expected are %d to %d years from the submission%s",
            target->target_year, years, given ? "the submission" : "base_year", WINDOW_MIN,
            WINDOW_MAX, given ? "" : " (column submitted)");
}

/* The cut by the target year, parts of the base. False: it is not known. */
static bool find_cut(int64_t *cut_out, const struct target *target)
{
    *cut_out = target->cut;
    if (target->form == TARGET_LINEAR)
        return true;
    if (target->form != TARGET_PATH || target->base_mg <= 0)
        return false;
    int64_t end_mg = target->path[target->path_count - 1].value;
    int128 cut = div_floor(((int128)target->base_mg - end_mg) * PART_ONE, target->base_mg);
    *cut_out = (int64_t)MAX(cut, CUT_MIN);
    return true;
}

static void check_ambition(const struct target_loader *loader, const struct target *target)
{
    int years = target->target_year - target->base_year;
    int64_t cut;
    if (!find_cut(&cut, target) || cut >= (int64_t)RATE_MIN * years)
        return;
    struct buffer text;
    buffer_init(&text, 64);
    percent_print(&text, (int64_t)div_floor(cut, (int128)years * 1000) * 1000);
    const char *rate = buffer_text(&text) == NULL ? "" : buffer_text(&text);
    if (cut >= (int64_t)RATE_WB2C * years)
        warn(loader, target, "%s of the base a year is WB2C (well below 2 C), expected are 4.2%%",
             rate);
    else
        warn(loader, target, "%s of the base a year, expected are 4.2%%", rate);
    buffer_fini(&text);
}

static bool is_beside(const struct target *absolute, const struct target *intensity)
{
    return absolute->form != TARGET_INTENSITY && absolute->level == intensity->level &&
           absolute->scopes == intensity->scopes;
}

static void check_form(const struct target_loader *loader, const struct target *target)
{
    enum { SCOPES_1_2 = 1 << 1 | 1 << 2 };
    const struct target *rows = loader->rows.items;
    if (target->scopes != SCOPES_1_2)
        warn(loader, target, "expected are scopes 1+2 together");
    if (target->level != TARGET_ALL)
        warn(loader, target, "it is about %s, expected is the whole (level all)", target->name);
    if (target->form != TARGET_INTENSITY)
        return;
    for (uint32_t i = 0; i < loader->rows.count; i++)
        if (is_beside(&rows[i], target))
            return;
    warn(loader, target,
         "an intensity is expected beside a target in t of the same level and scopes");
}

void target_profile_check(const struct target_loader *loader)
{
    const struct target *rows = loader->rows.items;
    for (uint32_t i = 0; i < loader->rows.count; i++) {
        check_window(loader, &rows[i]);
        check_ambition(loader, &rows[i]);
        check_form(loader, &rows[i]);
    }
}
