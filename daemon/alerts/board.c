#include "daemon/alerts/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cells.h"
#include "base/decimal.h"
#include "base/timestamp.h"
#include "daemon/saved/saved_state.h"
#include "daemon/trajectory/course_text.h"
#include "pipelines/notice/notice_row.h"

enum { SLIP_DECIMALS = 2 };

int board_format_find(const char *name)
{
    static const char *const names[BOARD_FORMAT_COUNT] = {"table", "csv", "json"};
    for (int i = 0; i < BOARD_FORMAT_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* --- reading --- */

static const struct course_told *newest(const struct course *course)
{
    const struct course_told *found = &course->now[0].told;
    for (int i = 1; i < COURSE_NOW_ROWS; i++) {
        const struct course_told *other = &course->now[i].told;
        if (found->target == NULL ||
            (other->target != NULL && other->row.stamp_ms > found->row.stamp_ms))
            found = other;
    }
    return found;
}

static void read_partition(struct board *board, const struct assigned *part)
{
    const struct targets *targets = board->config->targets;
    board->partitions++;
    for (uint32_t i = 0; i < targets->targets_count; i++) {
        const struct target *target = &targets->targets[i];
        const struct courses *courses = target->level == TARGET_FACILITY
                                            ? shard_get_courses(part->shard, target->facility)
                                            : NULL;
        const struct course *course = courses != NULL ? courses_find(courses, target->id) : NULL;
        if (course == NULL)
            continue;
        board->entries[i] = (struct board_entry){.now = *newest(course),
                                                 .change = course->change.told,
                                                 .watermark_ms = courses->judged_ms};
    }
}

int board_read(struct board *board_out, const struct config *config, struct buffer *why)
{
    struct saved_state *state = NULL;
    uint32_t count = config->targets == NULL ? 0 : config->targets->targets_count;
    *board_out =
        (struct board){.config = config, .entries = calloc(count + 1, sizeof(*board_out->entries))};
    int err = board_out->entries == NULL ? -ENOMEM : saved_state_open(&state, config, why);
    for (int32_t i = 0; err == 0 && i < saved_state_partitions(state); i++) {
        struct assigned *part;
        err = saved_state_load(state, i, &part);
        if (err == 0 && part != NULL && count > 0)
            read_partition(board_out, part);
        assigned_destroy(&part);
    }
    saved_state_close(&state);
    if (err < 0)
        board_fini(board_out);
    return err;
}

void board_fini(struct board *board)
{
    free(board->entries);
    *board = (struct board){.entries = NULL};
}

/* --- the newest row, with the newest change of level --- */

static struct row row_of(const struct board_entry *entry)
{
    struct course_told told = entry->now;
    struct row row;
    told.transition = entry->change.transition;
    course_put_row(&row, &told, entry->change.target != NULL ? ROW_ALERT : ROW_TRAJECTORY);
    return row;
}

bool board_add_notice(const struct board *board, struct buffer *out, uint32_t target,
                      enum language language)
{
    const struct board_entry *entry = &board->entries[target];
    if (entry->now.target == NULL)
        return false;
    struct board_entry copy = *entry;
    if (copy.change.target == NULL) /* the level has always been ok */
        copy.change = (struct course_told){.target = copy.now.target,
                                           .transition = {.event = COURSE_LEFT,
                                                          .base_version = copy.now.row.base_version,
                                                          .day_end_ms = copy.now.row.stamp_ms,
                                                          .since_ms = NULL_NUMBER}};
    const struct row row = row_of(&copy);
    const struct alert_notice notice = notice_of_row(&row, board->config->registry);
    notice_add_title(out, &notice, language);
    buffer_add_char(out, '\n');
    notice_add_body(out, &notice, language);
    buffer_add_char(out, '\n');
    return true;
}

/* --- lists --- */

static const char *date_text(char text[COURSE_TEXT_SIZE], int64_t ms)
{
    char time[TIMESTAMP_TEXT_SIZE];
    if (ms == NULL_NUMBER)
        (void)snprintf(text, COURSE_TEXT_SIZE, "-");
    else
        (void)snprintf(text, COURSE_TEXT_SIZE, "%.10s", timestamp_format(time, ms));
    return text;
}

/* The date of the local day that ended then: that whose end in UTC is nearest. */
static int64_t day_before(int64_t end_ms)
{
    return end_ms == NULL_NUMBER ? end_ms
                                 : (int64_t)(div_floor(end_ms + DAY_MS / 2, DAY_MS) - 1) * DAY_MS;
}

static int64_t level_of(const struct board_entry *entry)
{
    return entry->change.target != NULL ? entry->change.transition.to : ALERT_OK;
}

static void add_line(struct buffer *out, const struct board_entry *entry)
{
    const struct row row = row_of(entry);
    const int64_t *course = row.course;
    char since[COURSE_TEXT_SIZE];
    char day[COURSE_TEXT_SIZE];
    char slip[COURSE_TEXT_SIZE];
    char mass[4][COURSE_TEXT_SIZE];
    int64_t level = level_of(entry);
    buffer_printf(
        out, "%-24s %-9s %-10s %-10s %10s %14s %14s %14s %14s\n", row.target->id, level_text(level),
        date_text(since, level > ALERT_OK ? day_before(course[COURSE_STARTED]) : NULL_NUMBER),
        date_text(day, course[COURSE_DAY]), slip_text(slip, course[COURSE_SLIP]),
        tonnes_text(mass[0], course[COURSE_YTD]), tonnes_text(mass[1], course[COURSE_DUE]),
        tonnes_text(mass[2], course[COURSE_FORECAST]), tonnes_text(mass[3], course[COURSE_BUDGET]));
}

static void add_kg(struct cells *cells, const char *name, int64_t mg)
{
    enum { KG_DECIMALS = 6 };
    cells_add_fixed(cells, name, mg, KG_DECIMALS, mg != NULL_NUMBER);
}

static void add_date(struct cells *cells, const char *name, int64_t ms)
{
    char date[COURSE_TEXT_SIZE];
    cells_add_text(cells, name, ms == NULL_NUMBER ? NULL : date_text(date, ms));
}

static void add_cells(struct cells *cells, const struct board_entry *entry)
{
    enum { PROBABILITY_DECIMALS = 3 };
    const struct row row = row_of(entry);
    const int64_t *course = row.course;
    int64_t level = level_of(entry);
    cells_add_text(cells, "target", row.target->id);
    cells_add_text(cells, "facility", row.target->name);
    cells_add_text(cells, "level", level_text(level));
    add_date(cells, "since", level > ALERT_OK ? day_before(course[COURSE_STARTED]) : NULL_NUMBER);
    add_date(cells, "day", course[COURSE_DAY]);
    cells_add_fixed(cells, "slip_percent", course[COURSE_SLIP], SLIP_DECIMALS,
                    course[COURSE_SLIP] != NULL_NUMBER);
    add_kg(cells, "ytd_kg", course[COURSE_YTD]);
    add_kg(cells, "due_kg", course[COURSE_DUE]);
    add_kg(cells, "forecast_kg", course[COURSE_FORECAST]);
    add_kg(cells, "budget_kg", course[COURSE_BUDGET]);
    cells_add_fixed(cells, "miss_probability", course[COURSE_MISS_PROBABILITY],
                    PROBABILITY_DECIMALS, course[COURSE_MISS_PROBABILITY] != NULL_NUMBER);
    cells_add_fixed(cells, "coverage", course[COURSE_COVERAGE], PART_DECIMALS,
                    course[COURSE_COVERAGE] != NULL_NUMBER);
    cells_add_fixed(cells, "base_version", course[COURSE_BASE_VERSION], 0, true);
    cells_add_fixed(cells, "number", entry->change.transition.number, 0,
                    entry->change.target != NULL);
}

static void add_heads(struct buffer *out, enum board_format format)
{
    static const struct target none = {
        .id = "", .name = "", .facility = REGISTRY_NONE, .year_start = 1};
    if (format == BOARD_TABLE)
        buffer_printf(out, "%-24s %-9s %-10s %-10s %10s %14s %14s %14s %14s\n", "target", "level",
                      "since", "up to", "off by", "emitted t", "due t", "forecast t", "allowed t");
    if (format != BOARD_CSV)
        return;
    const struct board_entry blank = {.now = {.target = &none}};
    struct cells cells = cells_begin(out, CELLS_HEADS);
    add_cells(&cells, &blank);
    cells_end(&cells);
}

uint32_t board_add_list(const struct board *board, struct buffer *out, enum board_format format,
                        bool all)
{
    const struct targets *targets = board->config->targets;
    uint32_t lines = 0;
    add_heads(out, format);
    for (uint32_t i = 0; targets != NULL && i < targets->targets_count; i++) {
        const struct board_entry *entry = &board->entries[i];
        if (entry->now.target == NULL || (!all && level_of(entry) == ALERT_OK))
            continue;
        lines++;
        if (format == BOARD_TABLE) {
            add_line(out, entry);
            continue;
        }
        struct cells cells = cells_begin(out, format == BOARD_CSV ? CELLS_CSV : CELLS_JSON);
        add_cells(&cells, entry);
        cells_end(&cells);
    }
    return lines;
}
