#include "tests/unit/notice/notice_fixture.h"

#include "base/decimal.h"
#include "base/timestamp.h"
#include "config/targets/civil.h"

#define KG(mass) (INT64_C(mass) * 1000000)

const char *fixture_notice_name(enum fixture_notice which)
{
    static const char *const names[] = {"slip",      "eased",   "over",
                                        "retracted", "used up", "intensity"};
    return names[which];
}

static void be_over(struct alert_notice *notice)
{
    notice->event = COURSE_LEFT;
    notice->from = ALERT_WATCH;
    notice->to = ALERT_OK;
    notice->slip = -112;
    notice->ytd_mg = KG(10463387);
    notice->forecast_mg = KG(15178000);
}

static void be_intensity(struct alert_notice *notice)
{
    notice->intensity = true;
    notice->where = TARGET_ALL;
    notice->scopes = 1 << 3;
    notice->forecast_mg = notice->low_mg = notice->high_mg = NOTICE_UNKNOWN;
    notice->miss = notice->coverage = NOTICE_UNKNOWN;
    notice->sources[0] = (struct notice_source){0};
}

struct alert_notice fixture_notice(enum fixture_notice which)
{
    struct alert_notice notice = {
        .target = "hz-2030",
        .subject = "hz",
        .name = "Hangzhou mill",
        .where = TARGET_FACILITY,
        .scopes = 1 << 1 | 1 << 2,
        .event = COURSE_ENTERED,
        .from = ALERT_WARNING,
        .to = ALERT_CRITICAL,
        .base_version = 1,
        .number = 7,
        .year = 2026,
        .day = civil_day(2026, 9, 14),
        .since_day = civil_day(2026, 2, 2),
        .year_end_day = civil_day(2026, 12, 31),
        .start_ms = (civil_day(2026, 2, 3) * DAY_MS) - 8 * HOUR_MS,
        .end_ms = (civil_day(2026, 9, 15) * DAY_MS) - 8 * HOUR_MS,
        .budget_mg = KG(15350148),
        .due_mg = KG(10581903),
        .ytd_mg = KG(10990006),
        .slip = 386,
        .coverage = PART_ONE,
        .forecast_mg = KG(15927747),
        .low_mg = KG(15839367),
        .high_mg = KG(16016127),
        .miss = 1000,
        .sources = {{"grid", KG(8100250)}, {"boiler 2", KG(2790000)}, {"trucks", KG(99756)}},
    };
    switch (which) {
    case FIXTURE_EASED:
        notice.event = COURSE_LEFT;
        notice.from = ALERT_CRITICAL;
        notice.to = ALERT_WATCH;
        notice.where = TARGET_GROUP;
        notice.subject = notice.name = "Asia";
        notice.slip = 31;
        break;
    case FIXTURE_OVER:
        be_over(&notice);
        break;
    case FIXTURE_RETRACTED:
        be_over(&notice);
        notice.event = COURSE_RETRACTED;
        break;
    case FIXTURE_USED_UP:
        notice.ytd_mg = notice.forecast_mg = notice.low_mg = notice.high_mg = KG(15350149);
        break;
    case FIXTURE_INTENSITY:
        be_intensity(&notice);
        break;
    default:
        break;
    }
    return notice;
}
