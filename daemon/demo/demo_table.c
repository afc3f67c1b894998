#include "daemon/demo/demo_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "config/targets/targets.h"
#include "pipelines/trajectory/slip.h"

enum { BUCKETS_PER_HOUR = 4, NAME_COLUMNS = 24, STALE_MS = 2 * HOUR_MS };

/* The two newest windows of one level: [0] is the newest. */
struct recent {
    struct window window[2];
    int64_t co2e_mg[2];
    int64_t covered_ms[2], expected_ms[2];
};

/* A target of a facility: its newest row, and the newest change of its level. */
struct on_course {
    const struct target *target; /* NULL: there is no row yet */
    int64_t row_ms, alert_ms;
    int64_t row[COURSE_NUMBERS], alert[COURSE_NUMBERS];
};

struct demo_table {
    const struct registry *registry;
    struct calendar **calendars;   /* by facility */
    struct recent *buckets, *days; /* by series */
    struct recent *coverage;       /* by facility: days */
    struct on_course *courses;     /* by facility */
    uint32_t lines;                /* that the last drawing took */
    struct demo_table_counts counts;
};

/* One facility's line. */
struct demo_line {
    double rate_kg_h, today_kg, scope_kg[2], yesterday_kg, covered;
};

static int open_calendars(struct demo_table *table)
{
    const struct registry *registry = table->registry;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        int err = calendar_create(&table->calendars[i], registry->facilities[i].time_zone,
                                  15 * MINUTE_MS, 1);
        if (err < 0)
            return err;
    }
    return 0;
}

int demo_table_create(struct demo_table **table_out, const struct registry *registry)
{
    struct demo_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return -ENOMEM;
    table->registry = registry;
    table->calendars = calloc(registry->facilities_count, sizeof(struct calendar *));
    table->coverage = calloc(registry->facilities_count, sizeof(struct recent));
    table->courses = calloc(registry->facilities_count, sizeof(struct on_course));
    table->buckets = calloc(registry->series_count, sizeof(struct recent));
    table->days = calloc(registry->series_count, sizeof(struct recent));
    bool complete = table->calendars != NULL && table->coverage != NULL && table->buckets != NULL &&
                    table->days != NULL && table->courses != NULL;
    int err = complete ? open_calendars(table) : -ENOMEM;
    if (err < 0) {
        demo_table_destroy(&table);
        return err;
    }
    *table_out = table;
    return 0;
}

void demo_table_destroy(struct demo_table **table)
{
    struct demo_table *gone = TAKE(*table);
    if (gone == NULL)
        return;
    for (uint32_t i = 0; gone->calendars != NULL && i < gone->registry->facilities_count; i++)
        calendar_destroy(&gone->calendars[i]);
    free(gone->calendars);
    free(gone->courses);
    free(gone->coverage);
    free(gone->buckets);
    free(gone->days);
    free(gone);
}

/* ---- rows ---- */

static void remember(struct recent *recent, const struct row *row)
{
    uint32_t slot = 0;
    if (row->window.start_ms < recent->window[0].start_ms) {
        if (row->window.start_ms < recent->window[1].start_ms)
            return;
        slot = 1;
    } else if (row->window.start_ms > recent->window[0].start_ms) {
        recent->window[1] = recent->window[0];
        recent->co2e_mg[1] = recent->co2e_mg[0];
        recent->covered_ms[1] = recent->covered_ms[0];
        recent->expected_ms[1] = recent->expected_ms[0];
    }
    recent->window[slot] = row->window;
    recent->co2e_mg[slot] = (int64_t)row->figures.value[FIGURE_CO2E];
    recent->covered_ms[slot] = (int64_t)row->figures.value[FIGURE_COVERED];
    recent->expected_ms[slot] = (int64_t)row->figures.value[FIGURE_EXPECTED];
}

/* Rows of one target come in the order of stamps; some may come once more. */
static void remember_course(struct demo_table *table, const struct row *row)
{
    if (row->facility == REGISTRY_NONE)
        return;
    struct on_course *course = &table->courses[row->facility];
    bool alert = row->kind == ROW_ALERT;
    int64_t *newest_ms = alert ? &course->alert_ms : &course->row_ms;
    if (course->target != NULL && row->window.start_ms < *newest_ms)
        return;
    *newest_ms = row->window.start_ms;
    course->target = row->target;
    memcpy(alert ? course->alert : course->row, row->course, sizeof(row->course));
}

void demo_table_add(struct demo_table *table, const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        table->counts.rows++;
        table->counts.final += row->final;
        table->counts.revised += row->revision > 0;
        if (row->kind == ROW_TRAJECTORY || row->kind == ROW_ALERT)
            remember_course(table, row);
        if (row->kind == ROW_COVERAGE && row->level == LEVEL_DAY)
            remember(&table->coverage[row->facility], row);
        if (row->kind == ROW_EMISSIONS && row->level == LEVEL_DAY)
            remember(&table->days[row->series], row);
        if (row->kind == ROW_EMISSIONS && row->level == LEVEL_BUCKET)
            remember(&table->buckets[row->series], row);
    }
}

const struct demo_table_counts *demo_table_get_counts(const struct demo_table *table)
{
    return &table->counts;
}

static int64_t facility_reached(const struct demo_table *table, const struct facility *facility)
{
    int64_t reached_ms = INT64_MIN;
    for (uint32_t i = 0; i < facility->series_count; i++) {
        struct window window = table->buckets[facility->series_first + i].window[0];
        if (window.end_ms > 0)
            reached_ms = MAX(reached_ms, window.end_ms);
    }
    return reached_ms;
}

int64_t demo_table_get_reached(const struct demo_table *table)
{
    int64_t reached_ms = INT64_MAX;
    for (uint32_t i = 0; i < table->registry->facilities_count; i++)
        reached_ms = MIN(reached_ms, facility_reached(table, &table->registry->facilities[i]));
    return reached_ms;
}

/* ---- drawing ---- */

static double in_kg(int64_t mass_mg)
{
    return (double)mass_mg / 1e6;
}

/* The figure of a series in the window that begins then; 0 if it has no row there. */
static int64_t mass_of(const struct recent *recent, int64_t start_ms)
{
    for (size_t i = 0; i < ARRAY_LEN(recent->window); i++)
        if (recent->window[i].start_ms == start_ms)
            return recent->co2e_mg[i];
    return 0;
}

static struct demo_line make_line(struct demo_table *table, uint32_t index, int64_t now_ms)
{
    const struct facility *facility = &table->registry->facilities[index];
    struct window today = calendar_window(table->calendars[index], LEVEL_DAY, now_ms);
    struct window yesterday =
        calendar_window(table->calendars[index], LEVEL_DAY, today.start_ms - 1);
    struct demo_line line = {0};
    for (uint32_t i = 0; i < facility->series_count; i++) {
        uint32_t id = facility->series_first + i;
        double today_kg = in_kg(mass_of(&table->days[id], today.start_ms));
        uint8_t scope = table->registry->series[id].scope;
        line.today_kg += today_kg;
        line.yesterday_kg += in_kg(mass_of(&table->days[id], yesterday.start_ms));
        if (scope == 1 || scope == 2)
            line.scope_kg[scope - 1] += today_kg;
        /* The newest bucket may still be growing: the one before it tells the pace. */
        if (table->buckets[id].window[1].end_ms + STALE_MS > now_ms)
            line.rate_kg_h += in_kg(table->buckets[id].co2e_mg[1]) * BUCKETS_PER_HOUR;
    }
    const struct recent *coverage = &table->coverage[index];
    if (coverage->expected_ms[0] > 0)
        line.covered = 100.0 * (double)coverage->covered_ms[0] / (double)coverage->expected_ms[0];
    return line;
}

/* Columns are characters, not bytes. */
static void print_name(FILE *out, const char *name)
{
    int columns = 0;
    for (const char *c = name; *c != '\0'; c++)
        columns += ((unsigned char)*c & 0xc0U) != 0x80;
    (void)fprintf(out, "  %s%*s", name, columns < NAME_COLUMNS ? NAME_COLUMNS - columns : 1, "");
}

static void print_line(FILE *out, const char *name, const char *clock, const struct demo_line *line)
{
    print_name(out, name);
    (void)fprintf(out, "%5s %11.1f %12.1f %11.1f %11.1f %13.1f", clock, line->rate_kg_h,
                  line->today_kg, line->scope_kg[0], line->scope_kg[1], line->yesterday_kg);
    if (line->covered > 0)
        (void)fprintf(out, " %8.1f%%", line->covered);
    (void)fputs("\033[K\n", out);
}

static const char *const level_names[ALERT_LEVELS] = {"on course", "watch", "warning", "critical"};

/* Tonnes; "-" for what is not known. */
static void print_tonnes(FILE *out, int64_t mass_mg)
{
    if (mass_mg == NULL_NUMBER)
        (void)fprintf(out, " %11s", "-");
    else
        (void)fprintf(out, " %11.0f", in_kg(mass_mg) / 1e3);
}

static double in_percent(int64_t slip)
{
    return slip == NULL_NUMBER ? 0 : (double)slip / 100.0;
}

static void print_course(FILE *out, const char *name, const struct on_course *course)
{
    const int64_t *row = course->row;
    int64_t level = row[COURSE_LEVEL];
    print_name(out, name);
    (void)fputs("     ", out);
    print_tonnes(out, row[COURSE_YTD]);
    (void)fputc(' ', out);
    print_tonnes(out, row[COURSE_DUE]);
    (void)fprintf(out, " %+10.1f%%", in_percent(row[COURSE_SLIP]));
    print_tonnes(out, row[COURSE_FORECAST]);
    print_tonnes(out, row[COURSE_BUDGET]);
    (void)fprintf(out, "     %s\033[K\n", level_names[level]);
}

/* Why, and what would bring it back; for the largest level only one sentence each. */
static void print_reason(const struct demo_table *table, FILE *out, const char *name,
                         const struct on_course *course)
{
    const int64_t *row = course->row;
    const int64_t *alert = course->alert;
    char since[TIMESTAMP_TEXT_SIZE];
    (void)fprintf(out, "  %s has been off its course since %.10s: %.0f t above what was due", name,
                  timestamp_format(since, alert[COURSE_STARTED]), in_kg(row[COURSE_OVER]) / 1e3);
    if (alert[COURSE_SOURCE_1] != NULL_NUMBER)
        (void)fprintf(out, "; most of it comes from %s",
                      table->registry->series[alert[COURSE_SOURCE_1]].source);
    (void)fputs(".\033[K\n", out);
}

static uint32_t draw_courses(const struct demo_table *table, FILE *out)
{
    uint32_t lines = 2;
    (void)fputs("\033[K\n", out);
    (void)fprintf(out, "\033[1m  %-*s%5s %11s %12s %11s %11s %11s     %s\033[0m\033[K\n",
                  NAME_COLUMNS, "t CO2e against the target", "", "this year", "due", "off by",
                  "forecast", "allowed", "level");
    for (uint32_t i = 0; i < table->registry->facilities_count; i++) {
        if (table->courses[i].target == NULL)
            continue;
        print_course(out, table->registry->facilities[i].name, &table->courses[i]);
        lines++;
    }
    for (uint32_t i = 0; i < table->registry->facilities_count; i++) {
        const struct on_course *course = &table->courses[i];
        if (course->target == NULL || course->alert_ms == 0 || course->row[COURSE_LEVEL] == 0)
            continue;
        print_reason(table, out, table->registry->facilities[i].name, course);
        lines++;
    }
    return lines;
}

static void draw_terminal(struct demo_table *table, FILE *out, int64_t now_ms, const char *status)
{
    (void)fputs("\033[?7l", out); /* a narrow terminal cuts lines off, or the count is wrong */
    if (table->lines > 0)
        (void)fprintf(out, "\033[%" PRIu32 "A", table->lines);
    (void)fprintf(out, "%s\033[K\n\033[K\n", status);
    (void)fprintf(out, "\033[1m  %-*s%5s %11s %12s %11s %11s %13s %9s\033[0m\033[K\n", NAME_COLUMNS,
                  "kg CO2e", "local", "per hour", "today", "scope 1", "scope 2", "yesterday",
                  "covered");
    struct demo_line total = {0};
    uint32_t count = table->registry->facilities_count;
    for (uint32_t i = 0; i < count; i++) {
        struct demo_line line = make_line(table, i, now_ms);
        int64_t start_ms = calendar_window(table->calendars[i], LEVEL_DAY, now_ms).start_ms;
        int minute = (int)((now_ms - start_ms) / MINUTE_MS);
        char clock[16];
        (void)snprintf(clock, sizeof(clock), "%02d:%02d", minute / 60 % 24, minute % 60);
        print_line(out, table->registry->facilities[i].name, clock, &line);
        total.rate_kg_h += line.rate_kg_h;
        total.today_kg += line.today_kg;
        total.yesterday_kg += line.yesterday_kg;
        for (size_t scope = 0; scope < ARRAY_LEN(total.scope_kg); scope++)
            total.scope_kg[scope] += line.scope_kg[scope];
    }
    print_line(out, "Group", "", &total);
    uint32_t lines = count + 4 + draw_courses(table, out);
    (void)fputs("\033[J\033[?7h", out);
    table->lines = lines;
}

static void draw_plain(struct demo_table *table, FILE *out, int64_t now_ms)
{
    char time[TIMESTAMP_TEXT_SIZE];
    timestamp_format(time, now_ms - now_ms % MINUTE_MS);
    for (uint32_t i = 0; i < table->registry->facilities_count; i++) {
        struct demo_line line = make_line(table, i, now_ms);
        (void)fprintf(
            out,
            "%s facility=%s co2e_kg_per_hour=%.1f today_kg=%.1f scope1_kg=%.1f scope2_kg=%.1f "
            "yesterday_kg=%.1f covered_percent=%.1f\n",
            time, table->registry->facilities[i].id, line.rate_kg_h, line.today_kg,
            line.scope_kg[0], line.scope_kg[1], line.yesterday_kg, line.covered);
    }
    for (uint32_t i = 0; i < table->registry->facilities_count; i++) {
        const struct on_course *course = &table->courses[i];
        if (course->target == NULL || course->row_ms == 0)
            continue;
        (void)fprintf(out, "%s target=%s year_to_date_t=%.1f due_t=%.1f off_percent=%.2f", time,
                      course->target->id, in_kg(course->row[COURSE_YTD]) / 1e3,
                      in_kg(course->row[COURSE_DUE]) / 1e3, in_percent(course->row[COURSE_SLIP]));
        if (course->row[COURSE_FORECAST] != NULL_NUMBER)
            (void)fprintf(out, " forecast_t=%.1f", in_kg(course->row[COURSE_FORECAST]) / 1e3);
        (void)fprintf(out, " allowed_t=%.1f level=\"%s\"\n",
                      in_kg(course->row[COURSE_BUDGET]) / 1e3,
                      level_names[course->row[COURSE_LEVEL]]);
    }
}

void demo_table_draw(struct demo_table *table, FILE *out, bool terminal, int64_t now_ms,
                     const char *status)
{
    if (terminal)
        draw_terminal(table, out, now_ms, status);
    else
        draw_plain(table, out, now_ms);
    (void)fflush(out);
}
