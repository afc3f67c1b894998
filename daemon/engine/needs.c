/*
 * needs.c - the memory and the series that a configuration asks for; see needs.h.
 */
#include "daemon/engine/needs.h"

#include <inttypes.h>
#include <math.h>

#include "base/durations.h"
#include "base/faults.h"
#include "base/limits.h"
#include "pipelines/ingest/batch.h"
#include "pipelines/metering/journal.h"
#include "pipelines/state/shard.h"

enum {
    PROGRAM_BYTES = 48 << 20, /* code, libraries, the threads of librdkafka */
    WINDOW_LENGTHS = 5,       /* bucket, hour, day, month, year */
    LETTER_HEAD_BYTES = 1024, /* per message under way: its headers, twice */
    SINK_BYTES = 8 << 20,     /* a block of rows, its text, and that compressed */
    SAVING_BYTES = 64 << 20   /* payloads that wait to be acknowledged, and one being made */
};

static int64_t journal_bytes(const struct registry *registry, const struct facility *facility)
{
    int64_t bytes = (int64_t)facility->meters_count * (int64_t)sizeof(struct journal);
    for (uint32_t i = 0; i < facility->meters_count; i++)
        bytes += (int64_t)registry->meters[facility->meters_first + i].readings_max *
                 (int64_t)sizeof(struct reading);
    return bytes;
}

static int64_t facility_bytes(const struct config *config, uint32_t facility)
{
    const struct shard_context context = {
        .registry = config->registry, .window = &config->window, .targets = config->targets};
    return (int64_t)shard_facility_size(&context, facility);
}

struct memory_estimate memory_estimate(const struct config *config)
{
    const struct registry *registry = config->registry;
    struct memory_estimate needs = {
        .program_bytes = PROGRAM_BYTES + (int64_t)sizeof(struct batch),
        .partition_bytes = config->kafka.partition_bytes_max,
        .parked_bytes =
            config->input.unknown_meter == UNKNOWN_PARK ? config->input.parked_bytes_max : 0,
        .rekeyed_bytes =
            config->input.rekey ? PRODUCER_BYTES_MAX + PRODUCER_RECORDS_MAX * LETTER_HEAD_BYTES : 0,
        .letters_bytes = config->kafka.dead_letter_topic != NULL || config->kafka.late_topic != NULL
                             ? PRODUCER_BYTES_MAX + PRODUCER_RECORDS_MAX * LETTER_HEAD_BYTES
                             : 0,
        .saving_bytes = SAVING_BYTES,
    };
    needs.sinks_bytes = (int64_t)config->sinks_count * SINK_BYTES;
    if (registry == NULL)
        return needs;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        int64_t journals = journal_bytes(registry, &registry->facilities[i]);
        needs.journal_bytes += journals;
        needs.panel_bytes += facility_bytes(config, i) - journals;
    }
    return needs;
}

int64_t memory_estimate_fixed(const struct memory_estimate *needs)
{
    return needs->parked_bytes + needs->rekeyed_bytes + needs->letters_bytes + needs->sinks_bytes +
           needs->saving_bytes + needs->program_bytes;
}

int64_t memory_estimate_min(const struct config *config)
{
    struct memory_estimate needs = memory_estimate(config);
    const struct registry *registry = config->registry;
    int64_t largest = 0;
    for (uint32_t i = 0; registry != NULL && i < registry->facilities_count; i++) {
        int64_t bytes = facility_bytes(config, i);
        largest = bytes > largest ? bytes : largest;
    }
    return memory_estimate_fixed(&needs) + needs.partition_bytes + largest;
}

/* Facilities that have rows of energy. */
static uint32_t count_electric(const struct registry *registry)
{
    uint32_t count = 0;
    for (uint32_t i = 0; registry != NULL && i < registry->facilities_count; i++)
        count += registry->facilities[i].flows != 0;
    return count;
}

struct series_estimate series_estimate(const struct config *config)
{
    const struct registry *registry = config->registry;
    if (registry == NULL)
        return (struct series_estimate){0, 0, 0};
    return (struct series_estimate){
        .energy = (int64_t)count_electric(registry) * WINDOW_LENGTHS,
        .emissions = (int64_t)registry->series_count * WINDOW_LENGTHS,
        .coverage = (int64_t)registry->facilities_count * WINDOW_LENGTHS,
    };
}

/* 1536 KiB is "1.5 MiB", and a byte more "1.6 MiB": what is printed is not exceeded either. */
static void print_bytes(struct buffer *out, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double number = (double)bytes;
    size_t unit = 0;
    for (; number >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
        number /= 1024;
    buffer_printf(out, unit == 0 ? "%6.0f %s" : "%6.1f %s", ceil(number * 10) / 10, units[unit]);
}

static void print_line(struct buffer *out, const char *name, int64_t bytes)
{
    buffer_printf(out, "  %-24s", name);
    print_bytes(out, bytes);
}

/* Versions of one id are one meter to a reader. */
static uint32_t count_meters(const struct registry *registry)
{
    uint32_t count = 0;
    for (uint32_t i = 0; registry != NULL && i < registry->meters_count; i++)
        count += registry->meters[i].next_version == REGISTRY_NONE;
    return count;
}

static void print_memory(const struct config *config, struct buffer *out)
{
    const struct registry *registry = config->registry;
    struct memory_estimate needs = memory_estimate(config);
    buffer_add_str(out, "memory, about\n");
    print_line(out, "journal of readings", needs.journal_bytes);
    buffer_printf(out, ", for %u meters over ", count_meters(registry));
    duration_print(out, config->window.horizon_ms);
    buffer_add_char(out, '\n');
    print_line(out, "windows of activity", needs.panel_bytes);
    buffer_printf(out, ", for %u facilities in buckets of ",
                  registry == NULL ? 0 : registry->facilities_count);
    duration_print(out, config->window.bucket_ms);
    buffer_add_char(out, '\n');
    if (needs.parked_bytes > 0) {
        print_line(out, "parked events", needs.parked_bytes);
        buffer_add_str(out, ", at most\n");
    }
    if (needs.rekeyed_bytes > 0) {
        print_line(out, "events being re-keyed", needs.rekeyed_bytes);
        buffer_add_str(out, ", at most\n");
    }
    if (needs.letters_bytes > 0) {
        print_line(out, "refused events", needs.letters_bytes);
        buffer_add_str(out, " under way, at most\n");
    }
    print_line(out, "rows and requests", needs.sinks_bytes);
    buffer_printf(out, " under way to %u sinks, at most\n", config->sinks_count);
    print_line(out, "checkpoints", needs.saving_bytes);
    buffer_add_str(out, " under way\n");
    print_line(out, "the program", needs.program_bytes);
    buffer_add_char(out, '\n');
    print_line(out, "together",
               needs.journal_bytes + needs.panel_bytes + memory_estimate_fixed(&needs));
    buffer_add_str(out, ", and ");
    size_print(out, needs.partition_bytes);
    buffer_add_str(out, config->input.rekey ? " for each assigned partition of either topic\n"
                                            : " for each assigned partition\n");
}

/* Events may lack an id; only the producers know. */
static void print_documents(const struct registry *registry, struct buffer *out)
{
    uint32_t meters = 0;
    for (uint32_t i = 0; registry != NULL && i < registry->meters_count; i++)
        meters +=
            registry->meters[i].kind == KIND_DELIVERY || registry->meters[i].kind == KIND_STOCK;
    if (meters > 0)
        buffer_printf(
            out,
            "deliveries, of meters: %u\n"
            "  an id (invoice, delivery note) in each event tells them apart; without ids "
            "equal amounts of one time count once\n",
            meters);
}

void needs_print(const struct config *config, struct buffer *out)
{
    const struct registry *registry = config->registry;
    struct series_estimate series = series_estimate(config);
    print_memory(config, out);
    buffer_add_str(out, "series in each database\n");
    buffer_printf(out, "  emissions %" PRId64 ", of %u sources in %d window lengths\n",
                  series.emissions, registry == NULL ? 0 : registry->series_count, WINDOW_LENGTHS);
    buffer_printf(out, "  coverage  %" PRId64 ", of %u facilities in %d window lengths\n",
                  series.coverage, registry == NULL ? 0 : registry->facilities_count,
                  WINDOW_LENGTHS);
    buffer_printf(
        out, "  energy    %" PRId64 ", of %u facilities with electricity in %d window lengths\n",
        series.energy, count_electric(registry), WINDOW_LENGTHS);
    buffer_printf(out, "  together  %" PRId64 "\n",
                  series.emissions + series.coverage + series.energy);
    print_documents(registry, out);
}

int needs_check(const struct config *config, struct buffer *text)
{
    int64_t least = memory_estimate_min(config);
    if (config->memory_bytes_max == 0 || config->memory_bytes_max >= least)
        return 0;
    struct faults faults = {.text = text, .errors_max = UINT32_MAX};
    faults_error(&faults, config->file, 0, 0,
                 "memory_max: %" PRId64 " bytes are too little; one partition and the largest "
                 "facility need %" PRId64,
                 config->memory_bytes_max, least);
    return ERR_CONFIG;
}
