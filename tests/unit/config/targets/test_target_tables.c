/*
 * Tables of targets and the exact words that people get about them: each KIND_*.csv in
 * tests/data/targets stands beside a .out with the faults, and for good tables what was understood.
 * Kinds are targets, weights, ownership, history, base_changes and holidays; own_*.csv are the
 * tables beside them. GHGD_TEST_UPDATE=1 writes the .out files again.
 */
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/durations.h"
#include "config/registry/tables.h"
#include "config/targets/civil.h"
#include "config/targets/target_tables.h"

#define FOLDER "tests/data/targets/"

enum { TEXT_MAX = 1 << 20, CASES_MIN = 15 };

static struct registry *load_registry(void)
{
    static const struct tables_conf conf = {
        .facilities = FOLDER "sites.csv",
        .meters = FOLDER "site_meters.csv",
        .catalogue = "config/factors",
        .countries = "config/factors/countries.csv",
        .group_levels = {"region", "division"},
        .group_levels_count = 2,
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
    };
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    struct faults faults = {.text = &text, .errors_max = 1000};
    struct registry *registry = NULL;
    if (registry_build(&registry, &conf, &faults) != 0)
        fail_msg("%s", buffer_text(&text));
    buffer_fini(&text);
    return registry;
}

/* ---- what was understood ---- */

static const char *date_text(char text[16], int32_t day)
{
    if (day == INT32_MIN || day == INT32_MAX)
        return "open";
    struct date date = civil_date(day);
    (void)snprintf(text, 16, "%04d-%02d-%02d", date.year, date.month, date.day);
    return text;
}

static void print_target(struct buffer *out, const struct target *target)
{
    static const char *const forms[] = {"linear", "path", "intensity"};
    static const char *const bases[] = {"validated", "history", "measured", "none"};
    buffer_printf(out,
                  "%s: level %d %s, scopes %x, approach %d, %s, year from month %d, base %d %s "
                  "%" PRId64 " mg, cut %" PRId64 ", %d, intensity %" PRId64 ", submitted %d\n",
                  target->id, target->level, target->name, target->scopes, target->approach,
                  forms[target->form], target->year_start, target->base_year,
                  bases[target->base_from], target->base_mg, target->cut, target->target_year,
                  target->intensity, target->submitted);
    for (uint32_t i = 0; i < target->path_count; i++)
        buffer_printf(out, "  %d: %" PRId64 "\n", target->path[i].year, target->path[i].value);
    for (uint32_t i = 0; i < target->changes_count; i++) {
        char day[16];
        const struct base_change *change = &target->changes[i];
        buffer_printf(out, "  %s: %" PRId64 " mg, %s, %s%s\n", date_text(day, change->day),
                      change->delta_mg, change->cause, change->evidence,
                      change->at_once ? ", at once" : "");
    }
    for (int i = 0; target->weights != NULL && i < 12; i++)
        buffer_printf(out, "%s%" PRId64, i == 0 ? "  weights " : " ", target->weights[i]);
    buffer_add_str(out, target->weights == NULL ? "" : "\n");
}

static void print(struct buffer *out, const struct targets *targets,
                  const struct registry *registry, const char *kind)
{
    char days[2][16];
    for (uint32_t i = 0; i < targets->targets_count && strcmp(kind, "history") != 0; i++)
        print_target(out, &targets->targets[i]);
    for (uint32_t i = 0; i < targets->ownerships_count && strcmp(kind, "ownership") == 0; i++) {
        const struct ownership *row = &targets->ownerships[i];
        buffer_printf(out, "%s: control %" PRId64 ", equity %" PRId64 ", %s to %s\n",
                      registry->facilities[row->facility].id, row->share[APPROACH_CONTROL],
                      row->share[APPROACH_EQUITY], date_text(days[0], row->from_day),
                      date_text(days[1], row->to_day));
    }
    for (uint32_t i = 0; i < targets->history_count && strcmp(kind, "history") == 0; i++) {
        const struct history_row *row = &targets->history[i];
        buffer_printf(out, "%s: %d-%02d scope %d %" PRId64 " mg, \"%s\", \"%s\"\n",
                      registry->facilities[row->facility].id, row->year, row->month, row->scope,
                      row->mg, row->evidence, row->note);
    }
    for (uint32_t i = 0; i < targets->holidays_count; i++) {
        const struct holiday *row = &targets->holidays[i];
        buffer_printf(out, "%s: %s, %s %s\n", date_text(days[0], row->day),
                      row->facility != REGISTRY_NONE ? registry->facilities[row->facility].id
                      : row->country != NULL         ? row->country
                                                     : "everywhere",
                      row->works ? "works" : "off", row->name);
    }
    for (uint32_t i = 0; i < registry->facilities_count && targets->weekends != NULL; i++)
        buffer_printf(out, "%s: weekdays %d %02x\n", registry->facilities[i].id,
                      targets->weekends[i].of, targets->weekends[i].days_off);
}

/* ---- one table ---- */

static void compare(const char *path, struct buffer *got)
{
    char *want = calloc(1, TEXT_MAX);
    assert_non_null(want);
    bool update = getenv("GHGD_TEST_UPDATE") != NULL;
    FILE *file = fopen(path, update ? "w" : "r");
    if (file == NULL)
        fail_msg("%s is missing; got:\n%s", path, buffer_text(got));
    if (update)
        (void)fwrite(got->data, 1, got->size, file);
    else
        (void)fread(want, 1, TEXT_MAX - 1, file);
    (void)fclose(file);
    if (!update && strcmp(want, buffer_text(got)) != 0)
        fail_msg("%s: want\n%sgot\n%s", path, want, buffer_text(got));
    free(want);
}

static bool is_kind(const char *name, const char *kind)
{
    size_t size = strlen(kind);
    return strncmp(name, kind, size) == 0 && name[size] == '_';
}

static void check_table(const struct registry *registry, const char *name)
{
    static const char *const kinds[] = {"targets", "weights",      "ownership",
                                        "history", "base_changes", "holidays"};
    char path[512];
    char out[512];
    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    (void)snprintf(out, sizeof(out), FOLDER "%.*s.out", (int)(strlen(name) - 4), name);
    const char *kind = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (is_kind(name, kinds[i]))
            kind = kinds[i];
    if (kind == NULL)
        return;
    const char *const holidays[] = {path};
    bool bases = is_kind(name, "targets_base");
    struct targets_conf conf = {
        .targets = strcmp(kind, "targets") == 0 ? path : FOLDER "own_targets.csv",
        .weights = strcmp(kind, "weights") == 0 ? path : NULL,
        .ownership = strcmp(kind, "ownership") == 0 ? path : NULL,
        .history = strcmp(kind, "history") == 0 ? path : NULL,
        .base_changes = strcmp(kind, "base_changes") == 0 ? path : NULL,
        .holidays = holidays,
        .holidays_count = strcmp(kind, "holidays") == 0,
        .year_start = 1,
        .mcap_sat = is_kind(name, "targets_profile") || strcmp(name, "targets_profile.csv") == 0,
    };
    if (bases) {
        conf.history = FOLDER "own_history.csv";
        conf.ownership = FOLDER "own_ownership.csv";
    }
    if (strcmp(name, "base_changes_measured.csv") == 0)
        conf.targets = FOLDER "measured_targets.csv";
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    struct faults faults = {.text = &text, .errors_max = 1000};
    struct targets *targets = NULL;
    int err = targets_build(&targets, &conf, registry, &faults);
    assert_int_equal(err, faults.errors == 0 ? 0 : ERR_CONFIG);
    assert_true((targets == NULL) == (err != 0));
    if (targets != NULL)
        print(&text, targets, registry, kind);
    compare(out, &text);
    targets_destroy(&targets);
    buffer_fini(&text);
}

static void test_texts(void **state)
{
    struct registry *registry = *state;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    int cases = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size < 4 || strcmp(entry->d_name + size - 4, ".csv") != 0)
            continue;
        check_table(registry, entry->d_name);
        cases++;
    }
    (void)closedir(folder);
    assert_true(cases >= CASES_MIN);
}

/* The shipped tables, as one set: they load, no day is both off and worked, and some days that
 * everyone knows are right. */
static void test_shipped_holidays(void **state)
{
    static const char *const files[] = {"config/holidays/BD.csv", "config/holidays/CN.csv",
                                        "config/holidays/IN.csv", "config/holidays/TR.csv",
                                        "config/holidays/VN.csv"};
    static const struct targets_conf conf = {
        .holidays = files, .holidays_count = ARRAY_LEN(files), .year_start = 1};
    enum { DONGGUAN, BINH_DUONG, BURSA, LATE, SUNDAY = 1 << 6 };
    static const struct {
        const char *name;
        struct date date;
        uint32_t facility;
        bool want;
    } cases[] = {
        {"Spring Festival", {2026, 2, 17}, DONGGUAN, false},
        {"a Saturday that is worked for it", {2026, 2, 14}, DONGGUAN, true},
        {"a Sunday that is worked", {2019, 2, 3}, DONGGUAN, true},
        {"a Sunday", {2026, 3, 1}, DONGGUAN, false},
        {"Tet 2030 is a day before the Spring Festival", {2030, 2, 2}, BINH_DUONG, false},
        {"Tet of Viet Nam is not of Turkiye", {2026, 2, 17}, BURSA, true},
        {"Reunification Day", {2025, 4, 30}, BINH_DUONG, false},
        {"Kurban Bayrami", {2026, 5, 27}, BURSA, false},
        {"Republic Day", {2026, 10, 29}, BURSA, false},
        {"Eid al-Fitr", {2026, 3, 21}, LATE, false},
        {"the day after Eid al-Fitr's three", {2026, 3, 24}, LATE, true},
    };
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    struct faults faults = {.text = &text, .errors_max = 1000};
    struct targets *targets = NULL;
    int err = targets_build(&targets, &conf, *state, &faults);
    if (err != 0 || text.size > 0)
        fail_msg("%s", buffer_text(&text));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t day = civil_day(cases[i].date.year, cases[i].date.month, cases[i].date.day);
        if (targets_works(targets, *state, cases[i].facility, day, SUNDAY) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
    targets_destroy(&targets);
    buffer_fini(&text);
}

static void test_no_tables(void **state)
{
    static const struct targets_conf conf = {.year_start = 1};
    struct targets *targets = NULL;
    struct faults faults = {.errors_max = 1};
    assert_int_equal(targets_build(&targets, &conf, *state, &faults), 0);
    assert_null(targets);
    targets_destroy(&targets);
}

static int set_up(void **state)
{
    *state = load_registry();
    return 0;
}

static int tear_down(void **state)
{
    struct registry *registry = *state;
    registry_destroy(&registry);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_shipped_holidays),
        cmocka_unit_test(test_no_tables),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
