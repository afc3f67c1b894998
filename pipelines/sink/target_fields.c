/* The fields of targets, and the words of those that are text. */
#include "pipelines/sink/target_fields.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/targets/targets.h"
#include "pipelines/trajectory/course.h"

/* A number of a target's row. None of them may be summed: it is of a span that goes on, or of a
 * target that may share facilities with another one. */
#define OF_TARGET(name, unit, type, decimals, words, id, optional, help)                           \
    {                                                                                              \
        name, unit, type, decimals, words, offsetof(struct row, course[COURSE_##id]), 0,           \
            FIGURE_NONE, 0, optional, help, "never"                                                \
    }
#define MASS(id, name, help)                                                                       \
    OF_TARGET(name, "kg CO2e", FIELD_NUMBER, 6, WORDS_NONE, id, false, help)
#define MASS_OR_NULL(id, name, help)                                                               \
    OF_TARGET(name, "kg CO2e", FIELD_NUMBER, 6, WORDS_NONE, id, true, help)
#define PART(id, name, decimals, help)                                                             \
    OF_TARGET(name, "1", FIELD_NUMBER, decimals, WORDS_NONE, id, false, help)
#define PART_OR_NULL(id, name, decimals, help)                                                     \
    OF_TARGET(name, "1", FIELD_NUMBER, decimals, WORDS_NONE, id, true, help)
#define WHOLE(id, name, help) OF_TARGET(name, "", FIELD_WHOLE, 0, WORDS_NONE, id, false, help)
#define INSTANT(id, name, help) OF_TARGET(name, "ms", FIELD_WHOLE, 0, WORDS_NONE, id, false, help)
#define INSTANT_OR_NULL(id, name, help)                                                            \
    OF_TARGET(name, "ms", FIELD_WHOLE, 0, WORDS_NONE, id, true, help)
#define YES(id, name, help) OF_TARGET(name, "", FIELD_YES, 0, WORDS_NONE, id, false, help)
#define TEXT(id, name, words, help) OF_TARGET(name, "", FIELD_TEXT, 0, words, id, false, help)
#define TEXT_OR_NULL(id, name, words, help)                                                        \
    OF_TARGET(name, "", FIELD_TEXT, 0, words, id, true, help)

#define LEVELS "0 ok, 1 watch, 2 warning, 3 critical"

/* Fields of trajectory and trajectory_now. */
#define FIELDS_OF_COURSE                                                                           \
    INSTANT(DAY, "day", "the local date, as 00:00 UTC of it"),                                     \
        WHOLE(BASE_VERSION, "base_version", "the version of the base in force: 1, 2 ..."),         \
        MASS_OR_NULL(BASE, "base_kg", "the base in force; null of an intensity without one"),      \
        MASS(BUDGET, "budget_kg", "allowed in the target year; of an intensity: due_kg"),          \
        PART(SHARE, "share", 9, "W: the part of the year's budget that is due by then"),           \
        MASS(DUE, "due_kg",                                                                        \
             "budget_kg * share; of an intensity: what the production to date may emit"),          \
        MASS(YTD, "ytd_kg", "emitted since the target year began"),                                \
        MASS(YTD_ESTIMATED, "ytd_estimated_kg",                                                    \
             "the part of ytd_kg that rests on estimated readings"),                               \
        MASS(OVER, "over_kg", "ytd_kg - due_kg; below 0: under budget"),                           \
        PART_OR_NULL(COVERAGE, "coverage", 9,                                                      \
                     "covered by expected time of the year to date; null if none is expected"),    \
        PART_OR_NULL(SLIP, "slip", 4,                                                              \
                     "g: ytd_kg / due_kg - 1, or of the forecast if that is larger and "           \
                     "`trajectory.forecast` is `model`; null if nothing is due"),                  \
        MASS_OR_NULL(FORECAST, "forecast_kg",                                                      \
                     "the model's year end; null before share is 0.1, and of an intensity"),       \
        MASS_OR_NULL(FORECAST_LOW, "forecast_low_kg",                                              \
                     "80 % of years end between it and forecast_high_kg; null with less than 24 "  \
                     "months of history"),                                                         \
        MASS_OR_NULL(FORECAST_HIGH, "forecast_high_kg", "see forecast_low_kg"),                    \
        MASS_OR_NULL(FORECAST_RATIO, "forecast_ratio_kg", "ytd_kg / share; null as forecast_kg"),  \
        PART_OR_NULL(MISS_PROBABILITY, "miss_probability", 3,                                      \
                     "the probability that the year ends above its budget; null as "               \
                     "forecast_low_kg"),                                                           \
        INSTANT_OR_NULL(USED_UP_DAY, "used_up_day",                                                \
                        "the date on which the budget is used up, as 00:00 UTC of it; null if it " \
                        "lasts, or there is no forecast"),                                         \
        MASS_OR_NULL(TRAILING, "trailing_12mo_kg",                                                 \
                     "the last twelve complete months; null if one lacks a day"),                  \
        PART_OR_NULL(NEEDED_TO_END, "needed_to_end", 9,                                            \
                     "the yearly cut, as a part of the year last closed, that ends at the "        \
                     "target; null if that year is not known"),                                    \
        PART_OR_NULL(NEEDED_CUMULATIVE, "needed_cumulative", 9,                                    \
                     "... that keeps the budget of all years together; null if one is not known"), \
        PART_OR_NULL(ACHIEVED, "achieved", 9,                                                      \
                     "of the way from base to target, by the year last closed; below 0 if "        \
                     "emissions rose"),                                                            \
        MASS_OR_NULL(OVERSHOOT, "overshoot_kg",                                                    \
                     "what closed years since the base year emitted beyond their budgets"),        \
        WHOLE(LEVEL, "alert_level", LEVELS),                                                       \
        YES(RESTATED, "restated", "earlier days have changed since the row before"),               \
        YES(COUNTED, "counted", "a closed day that counts for levels")

#define SOURCE(number, words)                                                                      \
    TEXT_OR_NULL(SOURCE_##number, "source_" #number, WORDS_SOURCE, words),                         \
        MASS_OR_NULL(SOURCE_##number##_YTD, "source_" #number "_kg",                               \
                     "what it emitted since the target year began")
#define SOURCES                                                                                    \
    SOURCE(1, "the source (of a group: the facility) that emitted most"),                          \
        SOURCE(2, "the one after it"), SOURCE(3, "the one after that")

const struct field trajectory_fields[] = {FIELDS_OF_COURSE};

const struct field trajectory_now_fields[] = {
    INSTANT(STAMP, "stamp", "the instant that the figures are of"),
    FIELDS_OF_COURSE,
    YES(FORECAST_KNOWN, "forecast_known",
        "false: forecast_kg and forecast_ratio_kg are null, whatever the store has"),
    YES(INTERVAL_KNOWN, "interval_known",
        "false: forecast_low_kg, forecast_high_kg and miss_probability are null"),
    YES(USED_UP, "used_up", "false: used_up_day is null"),
    SOURCES,
};

const struct field alert_fields[] = {
    TEXT(NUMBER, "id", WORDS_ALERT, "target, version of the base, number: target/1/7"),
    WHOLE(NUMBER, "number", "of the target's changes of level: 1, 2 ..."),
    WHOLE(BASE_VERSION, "base_version", "the version of the base in force: 1, 2 ..."),
    TEXT(EVENT, "event", WORDS_EVENT,
         "`entered` a higher level, `left` to a lower one, `retracted`: earlier days have changed"),
    WHOLE(LEVEL_FROM, "from_level", LEVELS),
    WHOLE(LEVEL, "to_level", LEVELS),
    TEXT(LEVEL_FROM, "from_name", WORDS_LEVEL, "from_level as a word"),
    TEXT(LEVEL, "to_name", WORDS_LEVEL, "to_level as a word"),
    INSTANT_OR_NULL(STARTED, "started", "the end of the day on which the level left ok"),
    INSTANT_OR_NULL(ENDED, "ended",
                    "the end of the day on which the level is ok again; null while it is not"),
    INSTANT(DAY, "day", "the local date, as 00:00 UTC of it"),
    PART_OR_NULL(SLIP, "slip", 4, "g, as in `trajectory`"),
    MASS(BUDGET, "budget_kg", "as in `trajectory`"),
    MASS(DUE, "due_kg", "as in `trajectory`"),
    MASS(YTD, "ytd_kg", "as in `trajectory`"),
    MASS(OVER, "over_kg", "ytd_kg - due_kg"),
    MASS_OR_NULL(FORECAST, "forecast_kg", "as in `trajectory`"),
    MASS_OR_NULL(FORECAST_LOW, "forecast_low_kg", "as in `trajectory`"),
    MASS_OR_NULL(FORECAST_HIGH, "forecast_high_kg", "as in `trajectory`"),
    PART_OR_NULL(MISS_PROBABILITY, "miss_probability", 3, "as in `trajectory`"),
    PART_OR_NULL(COVERAGE, "coverage", 9, "as in `trajectory`"),
    SOURCES,
};

_Static_assert(ARRAY_LEN(trajectory_fields) == TRAJECTORY_FIELDS, "as the header says");
_Static_assert(ARRAY_LEN(trajectory_now_fields) == TRAJECTORY_NOW_FIELDS, "as the header says");
_Static_assert(ARRAY_LEN(alert_fields) == ALERT_FIELDS, "as the header says");

static const char *level_word(int64_t level)
{
    static const char *const words[ALERT_LEVELS] = {
        [ALERT_OK] = "ok",
        [ALERT_WATCH] = "watch",
        [ALERT_WARNING] = "warning",
        [ALERT_CRITICAL] = "critical",
    };
    ASSERT(level >= 0 && level < ALERT_LEVELS);
    return words[level];
}

static const char *event_word(int64_t event)
{
    static const char *const words[] = {
        [COURSE_NOTHING] = "",
        [COURSE_ENTERED] = "entered",
        [COURSE_LEFT] = "left",
        [COURSE_RETRACTED] = "retracted",
    };
    ASSERT(event >= 0 && event < (int64_t)ARRAY_LEN(words));
    return words[event];
}

/* A facility by its name; a source by its own, or by its category if it has none. */
static const char *source_words(const struct registry *registry, const struct row *row,
                                int64_t index, char text[FIELD_TEXT_SIZE])
{
    if (row->target->level != TARGET_FACILITY) {
        ASSERT(index >= 0 && index < registry->facilities_count);
        return registry->facilities[index].name;
    }
    ASSERT(index >= 0 && index < registry->series_count);
    const struct series *series = &registry->series[index];
    bool named = series->source != NULL && series->source[0] != '\0';
    (void)snprintf(text, FIELD_TEXT_SIZE, "%s%s%s, scope %u", named ? series->source : "",
                   named ? ", " : "", series->category, series->scope);
    return text;
}

const char *field_text(const struct field *field, const struct registry *registry,
                       const struct row *row, char text[FIELD_TEXT_SIZE])
{
    int64_t number = field_number(field, row);
    ASSERT(number != NULL_NUMBER);
    switch ((enum field_words)field->words) {
    case WORDS_ALERT:
        (void)snprintf(text, FIELD_TEXT_SIZE, "%s/%" PRId64 "/%" PRId64, row->target->id,
                       row->course[COURSE_BASE_VERSION], number);
        return text;
    case WORDS_LEVEL:
        return level_word(number);
    case WORDS_EVENT:
        return event_word(number);
    case WORDS_SOURCE:
        return source_words(registry, row, number, text);
    case WORDS_NONE:
    default:
        ASSERT(field->type == FIELD_TEXT);
        return "";
    }
}
