#include "pipelines/sink/standing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 64 << 10 };
#define STANDS INT64_MAX

/* An alert of one level. */
struct standing_level {
    char *text;       /* of its object, up to its times; NULL: there is no such alert */
    int64_t start_ms; /* it began */
    int64_t end_ms;   /* STANDS, or we heard of its end then */
};

struct standing_course {
    char *target;
    uint32_t number; /* of the last change */
    uint32_t partition;
    struct standing_level levels[ALERT_LEVELS];
};

struct standing_table {
    enum language language;
    uint32_t count, capacity;
    struct standing_course *courses;
};

int standing_create(struct standing_table **table_out, enum language language)
{
    struct standing_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return -ENOMEM;
    table->language = language;
    *table_out = table;
    return 0;
}

static void course_fini(struct standing_course *course)
{
    free(course->target);
    for (int level = 0; level < ALERT_LEVELS; level++)
        free(course->levels[level].text);
}

void standing_destroy(struct standing_table **table)
{
    struct standing_table *taken = TAKE(*table);
    for (uint32_t i = 0; i < taken->count; i++)
        course_fini(&taken->courses[i]);
    free(taken->courses);
    free(taken);
}

static struct standing_course *find(struct standing_table *table, const char *target)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (strcmp(table->courses[i].target, target) == 0)
            return &table->courses[i];
    return NULL;
}

static int grow(struct standing_table *table)
{
    if (table->count < table->capacity)
        return 0;
    uint32_t capacity = table->capacity == 0 ? 16 : table->capacity * 2;
    struct standing_course *courses = realloc(table->courses, capacity * sizeof(*courses));
    if (courses == NULL)
        return -ENOMEM;
    table->courses = courses;
    table->capacity = capacity;
    return 0;
}

static struct standing_course *add(struct standing_table *table, const char *target)
{
    ASSERT(table->count < TARGETS_MAX); /* one for each target of the configuration */
    if (grow(table) < 0)
        return NULL;
    struct standing_course course = {.target = strdup(target)};
    if (course.target == NULL)
        return NULL;
    table->courses[table->count] = course;
    return &table->courses[table->count++];
}

static void take_off(struct standing_table *table, uint32_t index)
{
    course_fini(&table->courses[index]);
    table->courses[index] = table->courses[--table->count];
}

/* The object of that level, without its end; NULL if there is no memory. */
static char *text_of(const struct standing_table *table, const struct alert_notice *notice,
                     uint8_t level)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    standing_alert_add(&text, notice, level, table->language);
    const char *whole = buffer_text(&text);
    char *copy = whole == NULL ? NULL : strdup(whole);
    buffer_fini(&text);
    return copy;
}

static void set_level(struct standing_level *level, char *text, int64_t start_ms, int64_t end_ms)
{
    free(level->text);
    *level = (struct standing_level){text, start_ms, end_ms};
}

/* Every level that stood, and is not the new one, has ended. Below the first change that we hear of
 * stood the level that it left. */
static void end_others(struct standing_course *course, const struct alert_notice *notice,
                       int64_t now_ms)
{
    for (int level = ALERT_WATCH; level < ALERT_LEVELS; level++)
        if (level != notice->to && course->levels[level].end_ms == STANDS)
            course->levels[level].end_ms = now_ms;
}

static int take(struct standing_table *table, struct standing_course *course,
                const struct alert_notice *notice, int64_t now_ms)
{
    char *left = NULL;
    char *entered = NULL;
    bool leaves = notice->from != ALERT_OK && notice->from != notice->to;
    if (leaves)
        left = text_of(table, notice, notice->from);
    if (notice->to != ALERT_OK)
        entered = text_of(table, notice, notice->to);
    if ((leaves && left == NULL) || (notice->to != ALERT_OK && entered == NULL)) {
        free(left);
        free(entered);
        return -ENOMEM;
    }
    end_others(course, notice, now_ms);
    if (leaves)
        set_level(&course->levels[notice->from], left, notice->start_ms, now_ms);
    if (entered != NULL)
        set_level(&course->levels[notice->to], entered, notice->start_ms, STANDS);
    course->number = notice->number;
    return 0;
}

int standing_take(struct standing_table *table, const struct alert_notice *notice,
                  uint32_t partition, int64_t now_ms)
{
    struct standing_course *course = find(table, notice->target);
    bool is_new = course == NULL;
    if (!is_new && notice->number <= course->number) {
        course->partition = partition;
        return 0;
    }
    if (is_new)
        course = add(table, notice->target);
    if (course == NULL)
        return -ENOMEM;
    course->partition = partition;
    int err = take(table, course, notice, now_ms);
    if (err < 0 && is_new)
        take_off(table, table->count - 1);
    return err;
}

void standing_forget(struct standing_table *table, uint32_t partition)
{
    for (uint32_t i = table->count; i-- > 0;)
        if (table->courses[i].partition == partition)
            take_off(table, i);
}

/* The course stays: its number tells what has come before. */
void standing_expire(struct standing_table *table, int64_t now_ms)
{
    for (uint32_t i = 0; i < table->count; i++) {
        for (int level = 0; level < ALERT_LEVELS; level++) {
            struct standing_level *alert = &table->courses[i].levels[level];
            if (alert->text != NULL && alert->end_ms != STANDS &&
                now_ms - alert->end_ms >= STANDING_ENDED_MS)
                set_level(alert, NULL, 0, 0);
        }
    }
}

uint32_t standing_count(const struct standing_table *table)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->count; i++)
        for (int level = 0; level < ALERT_LEVELS; level++)
            count += table->courses[i].levels[level].text != NULL;
    return count;
}

static void add_level(struct buffer *out, const struct standing_level *alert, int64_t now_ms,
                      int64_t until_ms)
{
    if (out->size > 1)
        buffer_add_char(out, ',');
    int64_t end_ms = alert->end_ms == STANDS ? until_ms : alert->end_ms;
    /* Alertmanager takes no alert that begins after its end, or after now. */
    int64_t start_ms = alert->start_ms < now_ms ? alert->start_ms : now_ms;
    buffer_add_str(out, alert->text);
    standing_times_add(out, start_ms < end_ms ? start_ms : end_ms - 1, end_ms);
}

void standing_add(const struct standing_table *table, struct buffer *out, int64_t now_ms,
                  int64_t until_ms)
{
    ASSERT(out->size == 0);
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < table->count; i++)
        for (int level = 0; level < ALERT_LEVELS; level++)
            if (table->courses[i].levels[level].text != NULL)
                add_level(out, &table->courses[i].levels[level], now_ms, until_ms);
    buffer_add_char(out, ']');
}
