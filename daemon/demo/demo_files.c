#include "daemon/demo/demo_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"

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
                           "windows:\n"
                           "  bucket: 15m\n"
                           "  allowed_delay: 5m\n"
                           "  grace: 1h\n"
                           "  horizon: 2d\n"
                           "  emit_interval: 500ms\n"
                           "  reporting_from: %.10s\n"
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

static int write_yaml(const char *folder, const char *brokers, int64_t begin_ms)
{
    char begin[TIMESTAMP_TEXT_SIZE];
    FILE *file = open_file(folder, "ghgd.yaml");
    if (file == NULL)
        return -errno;
    int written = fprintf(file, yaml, brokers, timestamp_format(begin, begin_ms), folder);
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
    int err = write_yaml(files->folder, brokers, begin_ms);
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
