#include "daemon/demo/factories.h"

#define MINUTES(n) ((n)*MINUTE_MS)
#define UNITS(n) ((n)*INT64_C(1000))

enum { DONGGUAN, BINH_DUONG, GAZIPUR, BURSA, GUIMARAES };

const struct factory_facility factory_facilities[FACTORY_FACILITIES] = {
    [DONGGUAN] = {"dongguan", "Asia/Shanghai", true},
    [BINH_DUONG] = {"binh-duong", "Asia/Ho_Chi_Minh", false},
    [GAZIPUR] = {"gazipur", "Asia/Dhaka", false},
    [BURSA] = {"bursa", "Europe/Istanbul", true},
    [GUIMARAES] = {"guimaraes", "Europe/Lisbon", false},
};

/* The boiler of Dongguan shows 99400 of 100000: it wraps in the first hours. */
const struct factory_meter factory_meters[] = {
    {"dongguan-grid", DONGGUAN, READING_INTERVAL, LOAD_THREE_SHIFTS, MINUTES(15), UNITS(420),
     UNITS(2300), 0, 0, 1},
    {"dongguan-boiler", DONGGUAN, READING_REGISTER, LOAD_THREE_SHIFTS, MINUTES(15), UNITS(60),
     UNITS(420), UNITS(99400), UNITS(100000), 100},
    {"dongguan-pv", DONGGUAN, READING_GAUGE, LOAD_SUN, MINUTES(5), 0, UNITS(900), 0, 0, 1},
    {"binh-duong-grid", BINH_DUONG, READING_REGISTER, LOAD_TWO_SHIFTS, MINUTES(30), 1500, 8300,
     UNITS(41877), UNITS(1000000), 100},
    {"binh-duong-diesel", BINH_DUONG, READING_DELIVERY, LOAD_DELIVERY, MINUTES(5), 0, UNITS(3200),
     0, 0, 1},
    {"gazipur-grid", GAZIPUR, READING_INTERVAL, LOAD_FRIDAY_OFF, MINUTES(30), UNITS(150),
     UNITS(1450), 0, 0, 1},
    {"gazipur-boiler", GAZIPUR, READING_REGISTER, LOAD_FRIDAY_OFF, MINUTES(15), UNITS(40),
     UNITS(610), UNITS(730215), UNITS(10000000), 10},
    {"gazipur-diesel", GAZIPUR, READING_GAUGE, LOAD_BACKUP, MINUTES(5), 0, UNITS(310), 0, 0, 1},
    {"bursa-grid", BURSA, READING_INTERVAL, LOAD_TWO_SHIFTS, MINUTES(60), 310, 2900, 0, 0, 1},
    {"bursa-boiler", BURSA, READING_REGISTER, LOAD_TWO_SHIFTS, MINUTES(15), UNITS(9), UNITS(71),
     UNITS(20481), UNITS(100000), 1},
    {"guimaraes-grid", GUIMARAES, READING_INTERVAL, LOAD_OFFICE_DAY, MINUTES(15), UNITS(70),
     UNITS(640), 0, 0, 1},
    {"guimaraes-pv", GUIMARAES, READING_REGISTER, LOAD_SUN, MINUTES(15), 0, UNITS(280),
     UNITS(511904), UNITS(10000000), 100},
    {"guimaraes-export", GUIMARAES, READING_INTERVAL, LOAD_SUN, MINUTES(15), 0, UNITS(35), 0, 0, 1},
};
const uint32_t factory_meters_count = ARRAY_LEN(factory_meters);

/* splitmix64's finaliser over the three numbers. */
uint64_t factory_dice(uint64_t seed, uint64_t which, uint64_t when)
{
    uint64_t x = seed + which * 0x9e3779b97f4a7c15U + when * 0xd1b54a32d192ed03U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static bool is_between(int32_t minute, int32_t from_hour, int32_t to_hour)
{
    return minute >= from_hour * 60 && minute < to_hour * 60;
}

/* How much of a machine hall runs, in thousandths: in a shift, in its break, and else. */
static int64_t hall_load(const struct factory_clock *clock, int32_t from, int32_t to, int32_t pause,
                         int32_t pause_minutes)
{
    if (clock->minute < from || clock->minute >= to)
        return 60;
    return clock->minute >= pause && clock->minute < pause + pause_minutes ? 550 : 1000;
}

static int64_t shift_load(enum factory_load load, const struct factory_clock *clock)
{
    bool sunday = clock->weekday == 0;
    switch (load) {
    case LOAD_THREE_SHIFTS:
        if (sunday)
            return 120;
        if (clock->minute % 480 >= 360 && clock->minute % 480 < 375) /* 06:00, 14:00, 22:00 */
            return 500;
        return is_between(clock->minute, 6, 22) ? 1000 : 780;
    case LOAD_TWO_SHIFTS:
        return sunday ? 60 : hall_load(clock, 6 * 60, 22 * 60, 12 * 60, 45);
    case LOAD_FRIDAY_OFF:
        return clock->weekday == 5 ? 70 : hall_load(clock, 8 * 60, 20 * 60, 13 * 60, 60);
    default:
        return sunday || clock->weekday == 6 ? 40
                                             : hall_load(clock, 8 * 60, 17 * 60 + 30, 12 * 60, 60);
    }
}

/* A parabola from 06:00 to 18:00, under clouds that change every quarter of an hour. */
static int64_t sun_load(const struct factory_clock *clock, uint64_t dice)
{
    int64_t x = clock->minute - 6 * 60;
    if (x < 0 || x > 720)
        return 0;
    int64_t clear = 4000 * x * (720 - x) / (INT64_C(720) * 720);
    return clear * (550 + (int64_t)(dice % 450)) / 1000;
}

int64_t factory_rate(const struct factory_meter *meter, const struct factory_clock *clock,
                     uint64_t seed)
{
    uint64_t which = (uint64_t)(meter - factory_meters);
    uint64_t quarter = (uint64_t)clock->day * 96 + (uint64_t)clock->minute / 15;
    uint64_t dice = factory_dice(seed, which, quarter);
    int64_t load;
    switch (meter->load) {
    case LOAD_SUN:
        load = sun_load(clock, dice);
        break;
    case LOAD_BACKUP: /* some hours of the working day, all of such an hour */
        dice = factory_dice(seed, which, (uint64_t)clock->day * 24 + (uint64_t)clock->minute / 60);
        load = is_between(clock->minute, 8, 20) && dice % 5 == 0 ? 1000 : 0;
        break;
    case LOAD_DELIVERY:
        load = clock->minute == 9 * 60 + 10 && clock->weekday != 0 ? 1000 : 0;
        break;
    default: /* five per cent more or less */
        load = shift_load(meter->load, clock) * (int64_t)(950 + dice % 101) / 1000;
    }
    return meter->base_milli + meter->load_milli * load / 1000;
}
