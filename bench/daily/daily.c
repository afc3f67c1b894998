#include "bench/daily/daily.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512, DAYS_MAX = 40 * 366, DAYS_OFF_MAX = 4096, SITES_MAX = 4096 };

#define MG_OF_KG 1e6
#define NONWORKING 0.3 /* of a working day, as a table of days off would say */

double daily_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t bits = *seed;
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    bits ^= bits >> 31;
    return (double)(bits >> 11) * 0x1p-53;
}

static double random_between(uint64_t *seed, double low, double high)
{
    return low + (high - low) * daily_random(seed);
}

/* A number with deviation 1: twelve of [0, 1) less six. */
static double random_normal(uint64_t *seed)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += daily_random(seed);
    return sum;
}

static void *taken(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        (void)fputs("out of memory\n", stderr);
        _exit(1);
    }
    return memory;
}

static void daily_init(struct daily *daily, int32_t first_day, uint32_t days)
{
    *daily = (struct daily){.first_day = first_day,
                            .kg = taken(days, sizeof(double)),
                            .production = taken(days, sizeof(double)),
                            .factor = taken(days, sizeof(double))};
}

void daily_free(struct daily *daily)
{
    free(daily->kg);
    free(daily->production);
    free(daily->factor);
}

void dailies_free(struct dailies *dailies)
{
    for (uint32_t i = 0; i < dailies->count; i++)
        daily_free(&dailies->sites[i]);
    free(dailies->sites);
}

void daily_options(struct daily_options *options_out, int argc, char **argv)
{
    static const char shipped[] = "tests/data/daily";
    *options_out = (struct daily_options){.seed = 1, .sites = 200, .simulate = true};
    for (int i = 1; i < argc; i++) {
        bool last = i + 1 == argc;
        char *end = "";
        if (strcmp(argv[i], "--seed") == 0 && !last)
            options_out->seed = strtoull(argv[++i], &end, 10);
        else if (strcmp(argv[i], "--sites") == 0 && !last)
            options_out->sites = (uint32_t)strtoul(argv[++i], &end, 10);
        else if (strcmp(argv[i], "--days-off") == 0 && !last)
            options_out->days_off = argv[++i];
        else if (argv[i][0] != '-' && options_out->folder == NULL)
            options_out->folder = argv[i];
        else
            end = argv[i];
        if (*end != '\0' || options_out->sites == 0 || options_out->sites > SITES_MAX) {
            (void)fprintf(stderr, "%s [--seed N] [--sites N] [--days-off FILE] [DIR]\n", argv[0]);
            _exit(2);
        }
    }
    options_out->simulate = options_out->folder == NULL;
    if (options_out->folder == NULL && access(shipped, R_OK) == 0)
        options_out->folder = shipped;
}

/* ---- files */

__attribute__((noreturn)) static void bad_line(const char *path, int line, const char *why)
{
    (void)fprintf(stderr, "%s:%d: %s; expected site,date,kg,production\n", path, line, why);
    _exit(1);
}

/* The next field of a line, or NULL; fields have no quotes. */
static char *next_field(char **rest)
{
    char *field = *rest;
    if (field == NULL)
        return NULL;
    char *comma = strchr(field, ',');
    *rest = comma == NULL ? NULL : comma + 1;
    if (comma != NULL)
        *comma = '\0';
    return field;
}

/* Empty: not a number. False: neither empty nor a number of 0 or more. */
static bool number_field(double *number_out, const char *field)
{
    *number_out = NAN;
    if (field == NULL || *field == '\0')
        return true;
    char *end = NULL;
    *number_out = strtod(field, &end);
    return *end == '\0' && *number_out >= 0 && isfinite(*number_out);
}

static void add_line(struct dailies *dailies, char *line, const char *path, int number)
{
    char *rest = line;
    const char *name = next_field(&rest);
    const char *date = next_field(&rest);
    double kg = NAN;
    double production = NAN;
    int year = 0;
    int month = 0;
    int day = 0;
    int end = 0;
    if (name == NULL || *name == '\0' || strlen(name) >= sizeof(dailies->sites->name))
        bad_line(path, number, "no site");
    /* NOLINTNEXTLINE(cert-err34-c): the ranges are checked below */
    if (date == NULL || sscanf(date, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 ||
        date[end] != '\0' || year < 1900 || month < 1 || month > 12 || day < 1 || day > 31)
        bad_line(path, number, "no date");
    if (!number_field(&kg, next_field(&rest)) || !number_field(&production, next_field(&rest)))
        bad_line(path, number, "no number");
    int32_t at = civil_day(year, month, day);
    struct daily *site = dailies->count > 0 ? &dailies->sites[dailies->count - 1] : NULL;
    if (site == NULL || strcmp(site->name, name) != 0) {
        if (dailies->count == SITES_MAX)
            bad_line(path, number, "too many sites");
        site = &dailies->sites[dailies->count++];
        daily_init(site, at, DAYS_MAX);
        (void)snprintf(site->name, sizeof(site->name), "%s", name);
    }
    int32_t index = at - site->first_day;
    if (index < (int32_t)site->count || index >= DAYS_MAX)
        bad_line(path, number, "days are not in their order");
    while ((int32_t)site->count < index) {
        site->kg[site->count] = NAN;
        site->production[site->count++] = NAN;
    }
    site->kg[site->count] = kg;
    site->production[site->count++] = production;
}

static void read_file(struct dailies *dailies, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        _exit(1);
    }
    char line[LINE_MAX_BYTES];
    for (int number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
        line[strcspn(line, "\r\n")] = '\0';
        if (number == 1 && strcmp(line, "site,date,kg,production") != 0)
            bad_line(path, number, "no header line");
        if (number > 1 && line[0] != '\0' && line[0] != '#')
            add_line(dailies, line, path, number);
    }
    (void)fclose(file);
}

/* Dates of a table of days off. */
struct days_off {
    int32_t days[DAYS_OFF_MAX];
    uint32_t count;
};

static void read_days_off(struct days_off *off, const char *path)
{
    char line[LINE_MAX_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        _exit(1);
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        struct date date;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (date_parse(&date, line, strlen(line)) < 0 || off->count == DAYS_OFF_MAX) {
            (void)fprintf(stderr, "%s: \"%s\": expected a date a line, %d at most\n", path, line,
                          DAYS_OFF_MAX);
            _exit(1);
        }
        off->days[off->count++] = civil_day(date.year, date.month, date.day);
    }
    (void)fclose(file);
}

static bool is_off(const struct days_off *off, int32_t day)
{
    for (uint32_t i = 0; i < off->count; i++)
        if (off->days[i] == day)
            return true;
    return civil_weekday(day) >= 5;
}

/* Weekends are days off, as far as they are lower than other days; and dates of the table. */
static void guess_factors(struct daily *daily, const struct days_off *off)
{
    double sum[2] = {0};
    double days[2] = {0};
    for (uint32_t i = 0; i < daily->count; i++) {
        int weekend = civil_weekday(daily->first_day + (int32_t)i) >= 5;
        if (isnan(daily->kg[i]))
            continue;
        sum[weekend] += daily->kg[i];
        days[weekend]++;
    }
    double part = 1;
    if (sum[0] > 0 && days[1] > 0)
        part = sum[1] / days[1] / (sum[0] / days[0]);
    for (uint32_t i = 0; i < daily->count; i++)
        daily->factor[i] = is_off(off, daily->first_day + (int32_t)i) && part < 1 ? part : 1;
}

static int is_csv(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 4 && strcmp(entry->d_name + size - 4, ".csv") == 0;
}

void dailies_read(struct dailies *dailies_out, const char *folder, const char *days_off)
{
    static struct days_off off;
    off.count = 0;
    if (days_off != NULL)
        read_days_off(&off, days_off);
    *dailies_out = (struct dailies){.sites = taken(SITES_MAX, sizeof(struct daily))};
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_csv, alphasort);
    if (count < 0) {
        perror(folder);
        _exit(1);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        read_file(dailies_out, path);
        free(names[i]);
    }
    free((void *)names);
    for (uint32_t i = 0; i < dailies_out->count; i++)
        guess_factors(&dailies_out->sites[i], &off);
}

/* ---- simulator */

/* New Year of the Chinese calendar, 2010 to 2031. */
static const struct {
    int year, month, day;
} lunar_years[] = {{2010, 2, 14}, {2011, 2, 3},  {2012, 1, 23}, {2013, 2, 10}, {2014, 1, 31},
                   {2015, 2, 19}, {2016, 2, 8},  {2017, 1, 28}, {2018, 2, 16}, {2019, 2, 5},
                   {2020, 1, 25}, {2021, 2, 12}, {2022, 2, 1},  {2023, 1, 22}, {2024, 2, 10},
                   {2025, 1, 29}, {2026, 2, 17}, {2027, 2, 6},  {2028, 1, 26}, {2029, 2, 13},
                   {2030, 2, 3},  {2031, 1, 23}};

/* The habits of a site; parts of its usual day. */
struct habits {
    double kg, base_load, idle; /* idle: production of a day off */
    double season, season_day, half_season;
    double swing, swing_keep;     /* production of weeks */
    double weather, weather_keep; /* mass, not told by production */
    double noise, noise_keep;
    double year_step, year_noise;
    int lunar_days, autumn_days; /* closed */
    bool saturdays;
};

static struct habits habits_of(uint64_t *seed)
{
    struct habits habits = {
        .kg = random_between(seed, 2000, 60000),
        .base_load = random_between(seed, 0.2, 0.6),
        .idle = random_between(seed, 0.05, 0.35),
        .season = random_between(seed, 0.02, 0.15),
        .season_day = random_between(seed, 0, 365),
        .half_season = random_between(seed, 0, 0.04),
        .swing = random_between(seed, 0.03, 0.12),
        .swing_keep = random_between(seed, 0.9, 0.985),
        .weather = random_between(seed, 0.005, 0.03),
        .weather_keep = random_between(seed, 0.6, 0.9),
        .noise = random_between(seed, 0.02, 0.06),
        .noise_keep = random_between(seed, 0, 0.5),
        .year_step = random_between(seed, -0.04, 0.01),
        .year_noise = random_between(seed, 0, 0.01),
        .lunar_days = (int)random_between(seed, 4, 16),
        .autumn_days = (int)random_between(seed, 0, 8),
    };
    habits.saturdays = daily_random(seed) < 0.5;
    return habits;
}

static bool is_day_off(const struct habits *habits, int32_t day)
{
    int weekday = civil_weekday(day);
    if (weekday == 6 || (weekday == 5 && !habits->saturdays))
        return true;
    struct date date = civil_date(day);
    if (date.month == 10 && date.day <= habits->autumn_days)
        return true;
    if (date.month == 5 && date.day <= 2)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(lunar_years); i++) {
        int32_t first =
            civil_day(lunar_years[i].year, lunar_years[i].month, lunar_years[i].day) - 2;
        if (day >= first && day < first + habits->lunar_days)
            return true;
    }
    return false;
}

/* A value that keeps part of yesterday's, of deviation 1. */
static void wander(double *value, double keep, uint64_t *seed)
{
    *value = keep * *value + sqrt(1 - keep * keep) * random_normal(seed);
}

static void simulate_site(struct daily *daily, const struct habits *habits, uint64_t *seed)
{
    double swing = random_normal(seed);
    double weather = random_normal(seed);
    double noise = random_normal(seed);
    double level = 1;
    for (uint32_t i = 0; i < daily->count; i++) {
        int32_t day = daily->first_day + (int32_t)i;
        struct date date = civil_date(day);
        if (i > 0 && date.month == 1 && date.day == 1)
            level *= 1 + habits->year_step + habits->year_noise * random_normal(seed);
        wander(&swing, habits->swing_keep, seed);
        wander(&weather, habits->weather_keep, seed);
        wander(&noise, habits->noise_keep, seed);
        bool off = is_day_off(habits, day);
        double angle = 2 * 3.14159265358979 * (day - habits->season_day) / 365.2425;
        double made = (off ? habits->idle : 1) * (1 + habits->swing * swing);
        made = made > 0.01 ? made : 0.01;
        double mass = habits->base_load + (1 - habits->base_load) * made +
                      habits->season * sin(angle) + habits->half_season * sin(2 * angle) +
                      habits->weather * weather;
        mass *= level * (1 + habits->noise * noise);
        daily->kg[i] = habits->kg * (mass > 0.01 ? mass : 0.01);
        daily->production[i] = 100 * made;
        daily->factor[i] = off ? NONWORKING : 1;
    }
}

void dailies_simulate(struct dailies *dailies_out, uint32_t sites, int first_year, int years,
                      uint64_t seed)
{
    *dailies_out = (struct dailies){taken(sites, sizeof(struct daily)), sites};
    int32_t first = civil_day(first_year, 1, 1);
    uint32_t count = (uint32_t)(civil_day(first_year + years, 1, 1) - first);
    for (uint32_t i = 0; i < sites; i++) {
        struct daily *daily = &dailies_out->sites[i];
        daily_init(daily, first, count);
        daily->count = count;
        (void)snprintf(daily->name, sizeof(daily->name), "simulated-%03" PRIu32, i);
        struct habits habits = habits_of(&seed);
        simulate_site(daily, &habits, &seed);
    }
}

/* ---- years */

void daily_drift(struct daily *copy_out, const struct daily *daily, int32_t day, double times)
{
    daily_init(copy_out, daily->first_day, daily->count);
    copy_out->count = daily->count;
    (void)snprintf(copy_out->name, sizeof(copy_out->name), "%s", daily->name);
    for (uint32_t i = 0; i < daily->count; i++) {
        bool later = daily->first_day + (int32_t)i >= day;
        copy_out->kg[i] = later ? daily->kg[i] * times : daily->kg[i];
        copy_out->production[i] = daily->production[i];
        copy_out->factor[i] = daily->factor[i];
    }
}

bool daily_has_year(const struct daily *daily, int year)
{
    int32_t first = civil_day(year, 1, 1) - daily->first_day;
    int32_t end = civil_day(year + 1, 1, 1) - daily->first_day;
    if (first < 0 || end > (int32_t)daily->count)
        return false;
    int known = 0;
    for (int32_t i = first; i < end; i++)
        known += !isnan(daily->kg[i]);
    return known * 20 >= (end - first) * 19;
}

int64_t daily_mg(const struct daily *daily, int32_t day)
{
    int32_t index = day - daily->first_day;
    double kg = daily->kg[index];
    if (isnan(kg)) {
        double sum = 0;
        int known = 0;
        for (int32_t i = index - 15; i <= index + 15; i++) {
            if (i < 0 || i >= (int32_t)daily->count || isnan(daily->kg[i]))
                continue;
            sum += daily->kg[i];
            known++;
        }
        kg = known > 0 ? sum / known : 0;
    }
    return llrint(kg * MG_OF_KG);
}

void daily_past(struct past_year *past_out, const struct daily *daily, int year)
{
    struct civil_year at = civil_year_named(year, 1);
    *past_out = (struct past_year){0};
    for (int month = 0; month < YEAR_MONTHS; month++)
        for (int32_t day = at.month_first[month]; day < at.month_first[month + 1]; day++) {
            past_out->mg[month] += daily_mg(daily, day);
            past_out->working[month] += llrint(daily->factor[day - daily->first_day] * PART_ONE);
        }
}

void daily_factors(int64_t factors_out[YEAR_DAYS_MAX], const struct daily *daily,
                   const struct civil_year *year)
{
    for (int32_t i = 0; i < year->days; i++)
        factors_out[i] = llrint(daily->factor[year->first_day + i - daily->first_day] * PART_ONE);
}
