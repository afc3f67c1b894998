#include "daemon/replay/dips.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/ingest/resolve.h"

enum { NAMES_MAX = 10 };

struct dips {
    const struct registry *registry;
    struct decoder *decoder;
    int64_t *first_ms, *second_ms; /* by meter; INT64_MAX: no dip, or no second one, was read */
    bool *heard;                   /* by facility: some event of it was read */
};

static bool has_stock(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->meters_count; i++) {
        if (registry->meters[i].kind == KIND_STOCK)
            return true;
    }
    return false;
}

int dips_create(struct dips **dips_out, const struct config *config,
                const struct decode_conf *decode)
{
    *dips_out = NULL;
    if (!has_stock(config->registry))
        return 0;
    struct dips *dips = calloc(1, sizeof(*dips));
    if (dips == NULL)
        return -ENOMEM;
    dips->registry = config->registry;
    dips->first_ms = malloc(2 * sizeof(*dips->first_ms) * dips->registry->meters_count);
    dips->heard = malloc(dips->registry->facilities_count * sizeof(*dips->heard));
    bool made = dips->first_ms != NULL && dips->heard != NULL;
    int err = made ? decoder_create(&dips->decoder, decode) : -ENOMEM;
    if (err < 0) {
        dips_destroy(&dips);
        return err;
    }
    dips->second_ms = dips->first_ms + dips->registry->meters_count;
    dips_clear(dips);
    *dips_out = dips;
    return 0;
}

void dips_destroy(struct dips **dips)
{
    struct dips *gone = TAKE(*dips);
    if (gone == NULL)
        return;
    if (gone->decoder != NULL)
        decoder_destroy(&gone->decoder);
    free(gone->first_ms);
    free(gone->heard);
    free(gone);
}

void dips_clear(struct dips *dips)
{
    for (uint32_t i = 0; i < dips->registry->meters_count; i++)
        dips->first_ms[i] = dips->second_ms[i] = INT64_MAX;
    for (uint32_t i = 0; i < dips->registry->facilities_count; i++)
        dips->heard[i] = false;
}

static void note_dip(struct dips *dips, uint32_t meter, int64_t time_ms)
{
    int64_t *first_ms = &dips->first_ms[meter];
    int64_t *second_ms = &dips->second_ms[meter];
    if (time_ms < *first_ms) {
        *second_ms = *first_ms;
        *first_ms = time_ms;
    } else if (time_ms > *first_ms) {
        *second_ms = MIN(*second_ms, time_ms);
    }
}

static void on_event(void *context, const struct event *event)
{
    struct dips *dips = context;
    struct batch_event reading;
    if (resolve_event(&reading, dips->registry, event, &(struct place){0}) != OUTCOME_USED)
        return;
    dips->heard[dips->registry->meters[reading.meter].facility] = true;
    if (reading.role == ROLE_DIP)
        note_dip(dips, reading.meter, reading.start_ms);
}

void dips_read(struct dips *dips, const void *message, size_t size, bool native)
{
    decoder_decode(dips->decoder, message, size, native, on_event, dips);
}

static bool is_missing(const struct dips *dips, uint32_t meter, int64_t needed_ms)
{
    const struct meter *conf = &dips->registry->meters[meter];
    int64_t first_ms = dips->first_ms[meter];
    bool lacks_rate = conf->accrues && dips->second_ms[meter] == INT64_MAX;
    return first_ms != INT64_MAX && (first_ms > needed_ms || lacks_rate) &&
           conf->valid_from_ms <= needed_ms;
}

bool dips_lack_any(const struct dips *dips, int64_t needed_ms)
{
    for (uint32_t i = 0; i < dips->registry->meters_count; i++) {
        const struct meter *meter = &dips->registry->meters[i];
        bool goes_on = meter->accrues && dips->heard[meter->facility] &&
                       dips->first_ms[i] == INT64_MAX && meter->valid_from_ms <= needed_ms &&
                       meter->valid_to_ms > needed_ms;
        if (goes_on || is_missing(dips, i, needed_ms))
            return true;
    }
    return false;
}

uint32_t dips_count_missing(const struct dips *dips, int64_t needed_ms)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < dips->registry->meters_count; i++)
        count += is_missing(dips, i, needed_ms);
    return count;
}

int64_t dips_name_missing(const struct dips *dips, int64_t needed_ms, struct buffer *out)
{
    int64_t latest_ms = INT64_MIN;
    uint32_t named = 0;
    for (uint32_t i = 0; i < dips->registry->meters_count; i++) {
        if (!is_missing(dips, i, needed_ms))
            continue;
        latest_ms = MAX(latest_ms, dips->first_ms[i]);
        char time[TIMESTAMP_TEXT_SIZE];
        if (named++ < NAMES_MAX)
            buffer_printf(out, "%s\"%s\" (%s)", named > 1 ? ", " : "", dips->registry->meters[i].id,
                          timestamp_format(time, dips->first_ms[i]));
    }
    if (named > NAMES_MAX)
        buffer_printf(out, " and %u more", named - NAMES_MAX);
    return latest_ms;
}
