/*
 * fields.h - the one table of what we write: measurements, their tags, their fields.
 *
 * Line protocol, the SQLite schema and docs/series.md are made from it, so they cannot disagree.
 * A field is found in a row by offset. Masses and durations are whole numbers inside and leave as
 * exact decimals; ratios are formed here, by one division. Pure. Thread: any.
 */
#ifndef GHGD_FIELDS_H
#define GHGD_FIELDS_H

#include "base/buffer.h"
#include "pipelines/rollup/row.h"

enum field_type {
    FIELD_FIXED, /* a figure: an int128 of `decimals` decimals; a float in the stores */
    /* The quotient of two int128; a float. Where nothing is below the line it is null if the field
     * is optional, else 0. */
    FIELD_RATIO,
    FIELD_INTEGER, /* a uint32_t; an integer */
    FIELD_FLAG     /* a bool; a boolean */
};

struct field {
    const char *name, *unit;
    enum field_type type;
    uint8_t decimals;
    uint16_t offset, offset_below; /* in struct row; the latter of a ratio's denominator */
    uint8_t figure;   /* enum figure, or the one whose kind it is; FIGURE_NONE if not FIELD_FIXED */
    uint8_t nullable; /* the bit of row->unknown that makes it null; 0: none does */
    bool optional;    /* rows may lack it: it is null there, or they are older */
    const char *help;
    const char *sums; /* over what the field may be summed, for people */
};

enum tag {
    TAG_FACILITY,
    TAG_SCOPE,
    TAG_CATEGORY,
    TAG_SOURCE,
    TAG_UNIT,
    TAG_GROUP, /* and after it one for each group level of the registry */
    TAG_MAX = TAG_GROUP + GROUP_LEVELS_MAX
};

struct measurement {
    const char *stem; /* "emissions": the level's suffix follows, as in emissions_15m */
    const char *help;
    bool is_series; /* has the tags scope, category, source and unit */
    const struct field *fields;
    size_t fields_count;
};

/* By enum row_kind. */
extern const struct measurement measurements[ROW_WINDOW_KINDS];

enum { MEASUREMENT_NAME_SIZE = 32 };
/* "emissions_15m", "coverage_1mo", ... Returns `name`. */
const char *measurement_name(char name[MEASUREMENT_NAME_SIZE], enum row_kind kind, enum level level,
                             int64_t bucket_ms);

/* False: the field is null. It is left out, or NULL. */
bool field_is_known(const struct field *field, const struct row *row);
int128 field_fixed(const struct field *field, const struct row *row);
uint32_t field_count(const struct field *field, const struct row *row);
bool field_flag(const struct field *field, const struct row *row);
/* Never infinite or not a number. */
double field_ratio(const struct field *field, const struct row *row);

/* "facility", "scope", ...; a group level's name is the registry's. */
const char *tag_key(enum tag tag, const struct registry *registry);
/* The row's value of a tag, or NULL if it has none. `scratch` may hold the text. */
const char *tag_value(enum tag tag, const struct registry *registry, const struct row *row,
                      char scratch[4]);

/* The tables of docs/series.md, as Markdown. */
void fields_print_reference(struct buffer *out);

#endif
