#include "daemon/demo/demo_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "daemon/demo/factories.h"

/* The clock of the factory farthest in the east is so much ahead of UTC, the whole year. */
#define FIRST_CLOCK_MS (8 * HOUR_MS)

int32_t demo_first_day(int64_t now_ms)
{
    enum { MONTHS_AGO = 10 };
    struct date date = civil_date((int32_t)(now_ms / DAY_MS));
    int month = date.month - MONTHS_AGO;
    return month > 0 ? civil_day(date.year, month, 1) : civil_day(date.year - 1, month + 12, 1);
}

int64_t demo_begin_ms(int32_t first_day)
{
    return first_day * DAY_MS - FIRST_CLOCK_MS;
}

/* The windows are short, as a second of the demonstration is five minutes. A mock's groups take 3 s
 * to form, and its sessions more. */
static const char yaml[] = "# What ghgd demo runs. The brokers are gone when it ends.\n"
                           "input:\n"
                           "  topic: " DEMO_TOPIC "\n"
                           "kafka:\n"
                           "  brokers: [%s]\n"
                           "  group: ghgd-demo\n"
                           "  dead_letter_topic: " DEMO_TOPIC "-refused\n"
                           "  late_topic: " DEMO_TOPIC "-late\n"
                           "  start: earliest\n"
                           "  properties:\n"
                           "    session.timeout.ms: 6000\n"
                           "    heartbeat.interval.ms: 200\n"
                           "    fetch.wait.max.ms: 20\n"
                           "tables:\n"
                           "  facilities: facilities.csv\n"
                           "  meters: meters.csv\n"
                           "  groups: [region, division]\n"
                           "  targets: targets.csv\n"
                           "  history: history.csv\n"
                           "windows:\n"
                           "  bucket: 15m\n"
                           "  allowed_delay: 5m\n"
                           "  grace: 1h\n"
                           "  horizon: 2d\n"
                           "  emit_interval: 500ms\n"
                           "  reporting_from: %.10s\n"
                           "  fiscal_year_start: %d\n"
                           "trajectory:\n"
                           "  days_off: [Sun]\n"
                           "emissions:\n"
                           "  gwp: AR5\n"
                           "sinks:\n"
                           "  - name: demo\n"
                           "    type: sqlite\n"
                           "    path: demo.sqlite\n"
                           "http:\n"
                           "  listen: off\n"
                           "log:\n"
                           "  level: error\n"
                           "state_directory: %s\n"
                           "shutdown_timeout: 5s\n";

static const char facilities[] =
    "id,name,region,division,time_zone,country,grid_region\n"
    "dongguan,Dongguan Knitting,asia,textile,Asia/Shanghai,CN,\n"
    "binh-duong,Bình Dương Garments,asia,apparel,Asia/Ho_Chi_Minh,VN,\n"
    "gazipur,Gazipur Denim,asia,textile,Asia/Dhaka,BD,\n"
    "bursa,Bursa Boyahane,europe,textile,Europe/Istanbul,TR,\n"
    "guimaraes,Guimarães Têxteis,europe,apparel,Europe/Lisbon,PT,\n";

static const char meters[] =
    "id,facility,kind,quantity,unit,multiplier,digits,decimals,max_rate,interval,stamp,scope,"
    "category,source,factor,basis,negative,valid_from,valid_to\n"
    "dongguan-grid,dongguan,interval,energy,kWh,,,,4 MW,15m,,,purchased_electricity,grid,auto,,,,\n"
    "dongguan-boiler,dongguan,register,gas_volume,Nm3,,6,1,900 Nm3/h,15m,,,"
    "stationary_combustion,gas_boiler,ipcc2006.natural_gas,,,,\n"
    "dongguan-pv,dongguan,gauge,energy,kW,,,,1.2 MW,5m,,,onsite_generation,rooftop_pv,"
    "onsite.solar,,,,\n"
    "binh-duong-grid,binh-duong,register,energy,kWh,120,7,1,3 MW,30m,,,purchased_electricity,"
    "grid,auto,,,,\n"
    "binh-duong-diesel,binh-duong,delivery,volume,L,,,,,,,,stationary_combustion,"
    "diesel_generator,ipcc2006.gas_diesel_oil,,,,\n"
    "gazipur-grid,gazipur,interval,energy,kWh,,,,2500 kW,30m,,,purchased_electricity,grid,"
    "auto,,,,\n"
    "gazipur-boiler,gazipur,register,gas_volume,Sm3,,9,2,1500 Sm3/h,15m,,,"
    "stationary_combustion,gas_boiler,ipcc2006.natural_gas_15c,,,,\n"
    "gazipur-diesel,gazipur,gauge,volume,L/h,,,,600 L/h,5m,,,stationary_combustion,"
    "diesel_generator,ipcc2006.gas_diesel_oil,,,,\n"
    "bursa-grid,bursa,interval,energy,MWh,,,,6 MW,1h,,,purchased_electricity,grid,auto,,,,\n"
    "bursa-boiler,bursa,register,gas_volume,Sm3,10,8,3,2000 Sm3/h,15m,,,"
    "stationary_combustion,gas_boiler,ipcc2006.natural_gas_15c,,,,\n"
    "guimaraes-grid,guimaraes,interval,energy,kWh,,,,1500 kW,15m,,,purchased_electricity,grid,"
    "auto,,,,\n"
    "guimaraes-export,guimaraes,interval,energy,kWh,,,,400 kW,15m,,,exported_electricity,grid,"
    "none,,,,\n"
    "guimaraes-pv,guimaraes,register,energy,kWh,,8,1,400 kW,15m,,,onsite_generation,rooftop_pv,"
    "onsite.solar,,,,\n";

/* Emissions of the factories on a day three years ago, by scope 1 and 2, in kg CO2e. Since then
 * they have become better by 5 % of that each year, and their targets ask for 3.3 points: so all
 * would reach them, and gazipur, whose boiler gets worse, does not. */
static const struct {
    const char *facility;
    double kg[2];
} past[] = {
    {"dongguan", {22690, 32600}}, {"binh-duong", {8200, 13660}}, {"gazipur", {19380, 15490}},
    {"bursa", {27380, 25450}},    {"guimaraes", {0, 816}},
};
enum { PAST_YEARS = 3, YEARS_AHEAD = 7 };

static const char target_rate[] = "3.3";

/* Makes a file of the folder, which must not be there. NULL: errno says why. */
static FILE *open_file(const char *folder, const char *name)
{
    char path[DEMO_PATH_MAX + 32];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fopen(path, "wxe");
}

static int write_table(const char *folder, const char *name, const char *text)
{
    FILE *file = open_file(folder, name);
    if (file == NULL)
        return -errno;
    int written = fputs(text, file);
    int closed = fclose(file);
    return written < 0 || closed != 0 ? -EIO : 0;
}

static int write_yaml(const char *folder, const char *brokers, int32_t first_day)
{
    char begin[TIMESTAMP_TEXT_SIZE];
    FILE *file = open_file(folder, "ghgd.yaml");
    if (file == NULL)
        return -errno;
    int written = fprintf(file, yaml, brokers, timestamp_format(begin, first_day * DAY_MS),
                          civil_date(first_day).month, folder);
    int closed = fclose(file);
    return written < 0 || closed != 0 ? -EIO : 0;
}

static double level_of(int years_ago)
{
    enum { PER_CENT_A_YEAR = 5 };
    return 1.0 - (PAST_YEARS - years_ago) * PER_CENT_A_YEAR / 115.0;
}

/* One per cent more or less. */
static double luck_of(size_t facility, int scope, int32_t day)
{
    return 0.99 +
           (double)(factory_dice(3, facility * 2 + (size_t)scope, (uint64_t)day) % 201) / 1e4;
}

static int write_history(const char *folder, const struct civil_year *year)
{
    FILE *file = open_file(folder, "history.csv");
    if (file == NULL)
        return -errno;
    int written = fputs("facility,period,scope,kg,evidence\n", file);
    for (int ago = PAST_YEARS; ago > 0; ago--) {
        struct civil_year before =
            civil_year_named(year->year - ago, civil_date(year->first_day).month);
        for (int month = 0; month < 12; month++) {
            struct date date = civil_date(before.month_first[month]);
            int32_t days = before.month_first[month + 1] - before.month_first[month];
            for (size_t i = 0; i < 2 * ARRAY_LEN(past) && written >= 0; i++)
                written = fprintf(file, "%s,%04d-%02d,%d,%.3f,simulated\n", past[i / 2].facility,
                                  date.year, date.month, (int)(i % 2) + 1,
                                  past[i / 2].kg[i % 2] * days * level_of(ago) *
                                      luck_of(i / 2, (int)(i % 2), before.month_first[month]));
        }
    }
    int closed = fclose(file);
    return written < 0 || closed != 0 ? -EIO : 0;
}

static int write_targets(const char *folder, const struct civil_year *year)
{
    FILE *file = open_file(folder, "targets.csv");
    if (file == NULL)
        return -errno;
    int month = civil_date(year->first_day).month;
    int written = fputs("target,level,name,scopes,year_start,base_year,rate,target_year\n", file);
    for (size_t i = 0; i < ARRAY_LEN(past) && written >= 0; i++)
        written = fprintf(file, "%s,facility,%s,%s,%d,%d,%s,%d\n", past[i].facility,
                          past[i].facility, past[i].kg[0] > 0 ? "1+2" : "2", month,
                          year->year - PAST_YEARS, target_rate, year->year + YEARS_AHEAD);
    if (written >= 0)
        written = fprintf(file, "group,all,,1+2,%d,%d,%s,%d\n", month, year->year - PAST_YEARS,
                          target_rate, year->year + YEARS_AHEAD);
    int closed = fclose(file);
    return written < 0 || closed != 0 ? -EIO : 0;
}

int demo_files_write(struct demo_files *files_out, const char *brokers, int64_t begin_ms)
{
    const char *base =
        getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): this process never sets it */
    struct demo_files *files = files_out;
    (void)snprintf(files->folder, sizeof(files->folder), "%.400s/ghgd-demo-XXXXXX",
                   base != NULL && base[0] == '/' ? base : "/tmp");
    if (mkdtemp(files->folder) == NULL)
        return -errno;
    (void)snprintf(files->config, sizeof(files->config), "%s/ghgd.yaml", files->folder);
    int32_t first_day = (int32_t)((begin_ms + FIRST_CLOCK_MS) / DAY_MS);
    struct civil_year year = civil_year_of(first_day, civil_date(first_day).month);
    int err = write_yaml(files->folder, brokers, first_day);
    if (err == 0)
        err = write_history(files->folder, &year);
    if (err == 0)
        err = write_targets(files->folder, &year);
    if (err == 0)
        err = write_table(files->folder, "facilities.csv", facilities);
    if (err == 0)
        err = write_table(files->folder, "meters.csv", meters);
    if (err < 0)
        demo_files_remove(files);
    return err;
}

void demo_files_remove(const struct demo_files *files)
{
    DIR *folder = opendir(files->folder);
    if (folder == NULL)
        return;
    const struct dirent *entry;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own */
    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    (void)rmdir(files->folder);
}
