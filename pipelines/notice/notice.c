#include "pipelines/notice/notice.h"

#include "base/decimal.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "config/targets/civil.h"
#include "pipelines/notice/catalogue.h"
#include "pipelines/notice/numerals.h"

#include <inttypes.h>
#include <string.h>

enum { PERCENT_DECIMALS = 2, PART_OF_PERCENT_STEP = PART_ONE / 10000, MISS_DECIMALS = 1 };
#define REPLACEMENT "\xef\xbf\xbd"
#define CUT "..."

/* A notice that is being written. */
struct writing {
    struct buffer *out;
    const struct alert_notice *notice;
    enum language language;
};

struct notice_way notice_way_back(const struct alert_notice *notice)
{
    struct notice_way way = {0};
    if (notice->intensity || notice->budget_mg == NOTICE_UNKNOWN ||
        notice->ytd_mg == NOTICE_UNKNOWN)
        return way;
    way.used_up = notice->ytd_mg >= notice->budget_mg;
    way.over_mg = way.used_up ? notice->ytd_mg - notice->budget_mg : 0;
    int64_t days = (int64_t)notice->year_end_day - notice->day;
    if (way.used_up || days <= 0 || notice->forecast_mg == NOTICE_UNKNOWN ||
        notice->forecast_mg <= notice->budget_mg)
        return way;
    int128 excess_mg = (int128)notice->forecast_mg - notice->budget_mg;
    way.week_mg = -(int64_t)div_round_even(excess_mg * WEEKDAYS, days);
    return way;
}

/* ---- what stands for the words in braces */

/* Bytes of the name that stand in a text. */
static size_t kept_size(const char *name)
{
    size_t size = strlen(name);
    if (size <= NOTICE_NAME_BYTES_MAX)
        return size;
    size = NOTICE_NAME_BYTES_MAX - strlen(CUT);
    while (size > 0 && ((unsigned char)name[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static void add_name(struct buffer *out, const char *name)
{
    size_t size = kept_size(name);
    for (size_t i = 0; i < size;) {
        uint32_t character = 0;
        size_t step = utf8_read(name + i, size - i, &character);
        if (step == 0 || utf8_is_control(character))
            buffer_add_str(out, REPLACEMENT);
        else
            buffer_add(out, name + i, step);
        i += step == 0 ? 1 : step;
    }
    if (name[size] != '\0')
        buffer_add_str(out, CUT);
}

static const char *word(const struct writing *writing, enum message message)
{
    return catalogue_text(message, writing->language);
}

static void add_target(const struct writing *writing)
{
    add_name(writing->out, writing->notice->target);
}

static void add_subject(const struct writing *writing)
{
    add_name(writing->out, writing->notice->name);
}

static void add_where(const struct writing *writing)
{
    static const enum message kinds[] = {[TARGET_FACILITY] = MESSAGE_FACILITY,
                                         [TARGET_GROUP] = MESSAGE_GROUP,
                                         [TARGET_ALL] = MESSAGE_ALL};
    ASSERT(writing->notice->where < ARRAY_LEN(kinds));
    buffer_add_str(writing->out, word(writing, kinds[writing->notice->where]));
    if (writing->notice->where == TARGET_ALL)
        return;
    buffer_add_char(writing->out, ' ');
    add_subject(writing);
}

static void add_scopes(const struct writing *writing)
{
    const char *between = "";
    for (int scope = 1; scope <= 3; scope++) {
        if ((writing->notice->scopes >> scope & 1) == 0)
            continue;
        buffer_printf(writing->out, "%s%d", between, scope);
        between = "+";
    }
}

static void add_level_word(const struct writing *writing, uint8_t level)
{
    ASSERT(level < ALERT_LEVELS);
    buffer_add_str(writing->out, word(writing, (enum message)(MESSAGE_OK + level)));
}

static void add_level(const struct writing *writing)
{
    add_level_word(writing, writing->notice->to);
}

static void add_before(const struct writing *writing)
{
    add_level_word(writing, writing->notice->from);
}

static void add_version(const struct writing *writing)
{
    buffer_add_int(writing->out, writing->notice->base_version);
}

static void add_year(const struct writing *writing)
{
    buffer_add_int(writing->out, writing->notice->year);
}

static void add_id(const struct writing *writing)
{
    add_target(writing);
    buffer_printf(writing->out, "/%u/%" PRIu32, writing->notice->base_version,
                  writing->notice->number);
}

static void add_day(const struct writing *writing)
{
    numerals_add_date(writing->out, writing->language, writing->notice->day);
}

static void add_since(const struct writing *writing)
{
    numerals_add_date(writing->out, writing->language, writing->notice->since_day);
}

static void add_end(const struct writing *writing)
{
    numerals_add_date(writing->out, writing->language, writing->notice->year_end_day);
}

static void add_tonnes(const struct writing *writing, int64_t mass_mg)
{
    numerals_add_tonnes(writing->out, writing->language, mass_mg, false);
}

static void add_budget(const struct writing *writing)
{
    add_tonnes(writing, writing->notice->budget_mg);
}

static void add_due(const struct writing *writing)
{
    add_tonnes(writing, writing->notice->due_mg);
}

static void add_ytd(const struct writing *writing)
{
    add_tonnes(writing, writing->notice->ytd_mg);
}

static void add_forecast(const struct writing *writing)
{
    add_tonnes(writing, writing->notice->forecast_mg);
}

static void add_low(const struct writing *writing)
{
    add_tonnes(writing, writing->notice->low_mg);
}

static void add_high(const struct writing *writing)
{
    add_tonnes(writing, writing->notice->high_mg);
}

static void add_excess(const struct writing *writing)
{
    numerals_add_tonnes(writing->out, writing->language,
                        writing->notice->ytd_mg - writing->notice->due_mg, true);
}

static void add_week(const struct writing *writing)
{
    add_tonnes(writing, notice_way_back(writing->notice).week_mg);
}

static void add_over(const struct writing *writing)
{
    numerals_add_tonnes(writing->out, writing->language, notice_way_back(writing->notice).over_mg,
                        true);
}

static void add_slip(const struct writing *writing)
{
    if (writing->notice->slip == NOTICE_UNKNOWN)
        buffer_add_char(writing->out, '?');
    else
        numerals_add_percent(writing->out, writing->language, writing->notice->slip,
                             PERCENT_DECIMALS, true);
}

static void add_miss(const struct writing *writing)
{
    numerals_add_percent(writing->out, writing->language, writing->notice->miss, MISS_DECIMALS,
                         false);
}

static void add_coverage(const struct writing *writing)
{
    int64_t steps = (int64_t)div_round_even(writing->notice->coverage, PART_OF_PERCENT_STEP);
    numerals_add_percent(writing->out, writing->language, steps, PERCENT_DECIMALS, false);
}

static void add_sources(const struct writing *writing)
{
    for (size_t i = 0; i < NOTICE_SOURCES; i++) {
        const struct notice_source *source = &writing->notice->sources[i];
        if (source->name == NULL)
            continue;
        if (i > 0)
            buffer_add_str(writing->out, word(writing, MESSAGE_SEPARATOR));
        add_name(writing->out, source->name);
        buffer_add_char(writing->out, ' ');
        add_tonnes(writing, source->ytd_mg);
        buffer_add_str(writing->out, word(writing, MESSAGE_TONNES));
    }
}

static const struct placeholder {
    const char *name;
    void (*add)(const struct writing *writing);
} placeholders[] = {
    {"before", add_before},   {"budget", add_budget},     {"coverage", add_coverage},
    {"day", add_day},         {"due", add_due},           {"end", add_end},
    {"excess", add_excess},   {"forecast", add_forecast}, {"high", add_high},
    {"id", add_id},           {"level", add_level},       {"low", add_low},
    {"miss", add_miss},       {"name", add_subject},      {"over", add_over},
    {"scopes", add_scopes},   {"since", add_since},       {"slip", add_slip},
    {"sources", add_sources}, {"target", add_target},     {"version", add_version},
    {"week", add_week},       {"where", add_where},       {"year", add_year},
    {"ytd", add_ytd},
};

static const struct placeholder *find_placeholder(const char *name, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
        if (strlen(placeholders[i].name) == size && memcmp(placeholders[i].name, name, size) == 0)
            return &placeholders[i];
    return NULL;
}

static void add_message(const struct writing *writing, enum message message)
{
    const char *text = word(writing, message);
    for (const char *brace = strchr(text, '{'); brace != NULL; brace = strchr(text, '{')) {
        buffer_add(writing->out, text, (size_t)(brace - text));
        size_t size = strcspn(brace + 1, "}");
        const struct placeholder *placeholder = find_placeholder(brace + 1, size);
        ASSERT(placeholder != NULL && brace[1 + size] == '}'); /* of the catalogue */
        placeholder->add(writing);
        text = brace + size + 2;
    }
    buffer_add_str(writing->out, text);
}

/* ---- which texts there are */

static bool known(int64_t value)
{
    return value != NOTICE_UNKNOWN;
}

static bool has_since(const struct alert_notice *notice)
{
    return notice->since_day != INT32_MIN;
}

static bool is_said(const struct alert_notice *notice, enum message message)
{
    bool over = notice->to == ALERT_OK;
    switch (message) {
    case MESSAGE_TEST:
        return notice->test;
    case MESSAGE_SINCE:
        return !over && has_since(notice);
    case MESSAGE_ENDED:
        return over && notice->event == COURSE_LEFT && has_since(notice);
    case MESSAGE_RETRACTED:
        return notice->event == COURSE_RETRACTED;
    case MESSAGE_INTENSITY:
        return notice->intensity;
    case MESSAGE_TO_DATE:
        return known(notice->ytd_mg) && known(notice->due_mg);
    case MESSAGE_BUDGET:
        return known(notice->budget_mg) && !notice->intensity;
    case MESSAGE_SLIP:
        return known(notice->slip);
    case MESSAGE_FORECAST:
        return known(notice->forecast_mg);
    case MESSAGE_INTERVAL:
        return known(notice->low_mg) && known(notice->high_mg);
    case MESSAGE_MISS:
        return known(notice->miss);
    case MESSAGE_COVERAGE:
        return known(notice->coverage);
    case MESSAGE_SOURCES:
        return notice->sources[0].name != NULL;
    case MESSAGE_BACK:
        return !over && notice_way_back(notice).week_mg < 0;
    case MESSAGE_USED_UP:
        return notice_way_back(notice).used_up;
    default:
        return true;
    }
}

static enum message title_of(const struct alert_notice *notice)
{
    switch (notice->event) {
    case COURSE_RETRACTED:
        return MESSAGE_TITLE_RETRACTED;
    case COURSE_LEFT:
        return notice->to == ALERT_OK ? MESSAGE_TITLE_OVER : MESSAGE_TITLE_EASED;
    default:
        return MESSAGE_TITLE_ENTERED;
    }
}

void notice_add_title(struct buffer *out, const struct alert_notice *notice, enum language language)
{
    const struct writing writing = {out, notice, language};
    if (notice->test)
        add_message(&writing, MESSAGE_TITLE_TEST);
    add_message(&writing, title_of(notice));
}

void notice_add_body(struct buffer *out, const struct alert_notice *notice, enum language language)
{
    const struct writing writing = {out, notice, language};
    const char *between = "";
    for (enum message message = MESSAGE_TEST; message <= MESSAGE_ID; message++) {
        if (!is_said(notice, message))
            continue;
        buffer_add_str(out, between);
        add_message(&writing, message);
        between = "\n";
    }
}

void notice_add_id(struct buffer *out, const struct alert_notice *notice)
{
    buffer_printf(out, "%s/%u/%" PRIu32, notice->target, notice->base_version, notice->number);
}

const char *notice_level_name(uint8_t level)
{
    static const char *const names[ALERT_LEVELS] = {"ok", "watch", "warning", "critical"};
    ASSERT(level < ALERT_LEVELS);
    return names[level];
}

const char *notice_event_name(uint8_t event)
{
    static const char *const names[] = {[COURSE_NOTHING] = "",
                                        [COURSE_ENTERED] = "entered",
                                        [COURSE_LEFT] = "left",
                                        [COURSE_RETRACTED] = "retracted"};
    ASSERT(event < ARRAY_LEN(names));
    return names[event];
}

/* ---- the sample */

#define TONNES(mass) (INT64_C(mass) * 1000000000)

struct alert_notice notice_sample(int64_t now_ms)
{
    int64_t day = (int64_t)div_floor(now_ms, DAY_MS) - 1;
    int64_t end_ms = (day + 1) * DAY_MS;
    struct civil_year year = civil_year_of((int32_t)day, 1);
    return (struct alert_notice){
        .target = "ghgd-test",
        .subject = "ghgd-test",
        .name = "ghgd-test",
        .where = TARGET_FACILITY,
        .scopes = 1 << 1 | 1 << 2,
        .test = true,
        .event = COURSE_ENTERED,
        .from = ALERT_WATCH,
        .to = ALERT_WARNING,
        .base_version = 1,
        .number = (uint32_t)now_ms, /* another one each time */
        .year = year.year,
        .day = (int32_t)day,
        .since_day = (int32_t)day,
        .year_end_day = year.first_day + year.days - 1,
        .start_ms = end_ms,
        .end_ms = end_ms,
        .budget_mg = TONNES(74800),
        .due_mg = TONNES(28050),
        .ytd_mg = TONNES(28891),
        .slip = 300,
        .coverage = INT64_C(985) * (PART_ONE / 1000),
        .forecast_mg = TONNES(77043),
        .low_mg = TONNES(75210),
        .high_mg = TONNES(78876),
        .miss = 870,
        .sources = {{"ghgd-test-boiler", TONNES(14300)}, {"ghgd-test-grid", TONNES(11700)}},
    };
}
