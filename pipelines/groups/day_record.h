/*
 * day_record.h - the totals of a facility's local day, as a record of the totals topic.
 *
 *     key      YYYY-MM-DD/FACILITY
 *     value    who and when, the order among records of the day, the figures by name
 *
 * A record is the whole of its day: it takes the place of every earlier one. Figures are named,
 * with the decimals of their units, so that a later version may have more of them, or finer ones.
 * A reader leaves out what it does not know, and counts it. Sums over sources have no common unit
 * of activity, so a record has activity only of sources that are outside the scopes: production.
 *
 * Records come from outside: nothing of them is trusted before it was checked. Pure.
 */
#ifndef GHGD_DAY_RECORD_H
#define GHGD_DAY_RECORD_H

#include "base/limits.h"
#include "pipelines/emissions/figures.h"
#include "pipelines/state/packed.h"

enum {
    DAY_SCOPES = 4, /* 0 is outside the scopes */
    DAY_RECORD_FORMAT = 1,
    DAY_FIGURES_MAX = 64, /* that a record may name */
    DAY_DATE_SIZE = 11,
    DAY_KEY_SIZE = DAY_DATE_SIZE + NAME_BYTES_MAX + 1,
    DAY_RECORD_BYTES_MAX = 768 << 10, /* brokers take a MiB */
    DAY_UNIT_SIZE = 32
};

/* Figures of a day fit 64 bits; 0 where the record has none. */
struct day_values {
    int64_t value[FIGURE_COUNT];
};

struct day_figures {
    uint64_t epoch, version; /* a higher epoch is newer; see group_totals.h */
    uint32_t revision, meters_expected, meters_reporting;
    bool final;
    uint8_t scopes; /* a bit for each that has a reading */
    struct day_values scope[DAY_SCOPES];
    struct day_values coverage;          /* of all sources; its masses are 0 */
    int128 weight_covered, weight_total; /* site_weights.h */
};

struct day_record {
    char facility[NAME_BYTES_MAX + 1];
    int32_t day; /* civil.h */
    struct day_figures figures;
    uint32_t figures_unknown; /* names that this version does not know */
    uint32_t series_count;
    const void *series; /* packed, borrowed: day_series_take() */
    size_t series_size;
};

/* The activity of a source outside the scopes, in micro-units. */
struct day_series {
    char category[NAME_BYTES_MAX + 1], source[NAME_BYTES_MAX + 1], unit[DAY_UNIT_SIZE];
    int64_t activity;
};

/* Writes the key and returns its size. */
size_t day_key_print(char out[DAY_KEY_SIZE], const char *facility, int32_t day);
/* Returns 0, or ERR_SYNTAX for what is no key of a day. */
int day_key_parse(char facility_out[NAME_BYTES_MAX + 1], int32_t *day_out, const void *key,
                  size_t size) MUST_CHECK;

/* Appends a source to the series of a record that is being made. */
void day_series_add(struct buffer *series, const char *category, const char *source,
                    const char *unit, int64_t activity);
/* The next source of a decoded record; `packed` begins with its series. */
void day_series_take(struct packed *packed, struct day_series *series_out);

/* Appends the record's value. */
void day_record_encode(const struct day_record *record, struct buffer *out);
/* Reads a value; the record's series lead into `bytes`. Returns 0; or ERR_PROTOCOL and `why`, to
 * follow "the record at offset 7" in a sentence. */
int day_record_decode(struct day_record *record_out, const void *bytes, size_t size,
                      struct buffer *why) MUST_CHECK;

#endif
