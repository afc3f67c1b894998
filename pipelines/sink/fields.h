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
    FIELD_FLAG,    /* a bool; a boolean */
    /* A number of row->course, of a target. */
    FIELD_NUMBER, /* of `decimals` decimals; a float */
    FIELD_WHOLE,  /* an integer */
    FIELD_YES,    /* 0 or 1; a boolean */
    FIELD_TEXT    /* what the number stands for; a string */
};

/* The words of a FIELD_TEXT. */
enum field_words {
    WORDS_NONE,
    WORDS_ALERT, /* "TARGET/BASE VERSION/NUMBER" */
    WORDS_LEVEL, /* ok, watch, warning, critical */
    WORDS_EVENT, /* entered, left, retracted */
    WORDS_SOURCE /* a source of the facility, or a facility */
};

struct field {
    const char *name, *unit;
    enum field_type type;
    uint8_t decimals;
    uint8_t words;                 /* enum field_words, of FIELD_TEXT */
    uint16_t offset, offset_below; /* in struct row; the latter of a ratio's denominator */
    uint8_t figure;   /* enum figure, or the one whose kind it is; FIGURE_NONE if not FIELD_FIXED */
    uint8_t nullable; /* the bit of row->unknown that makes it null; 0: none does */
    bool optional;    /* rows may lack it: it is null there, or they are older */
    const char *help;
    const char *sums; /* over what the field may be summed, for people */
};

struct measurement {
    const char *stem; /* "emissions": the level's suffix follows, as in emissions_15m. Those
                         of targets have no suffix */
    const char *help;
    bool is_series;  /* has the tags scope, category, source and unit */
    bool is_target;  /* has the tags target, level, name and scopes */
    bool is_stamped; /* ... and stage: a row stands for an instant, and is not written again */
    const struct field *fields;
    size_t fields_count;
};

/* By enum row_kind. */
extern const struct measurement measurements[ROW_KIND_COUNT];

/* How many names it has: one, or one for each level. */
static inline int measurement_levels(enum row_kind kind)
{
    return measurements[kind].is_target ? 1 : LEVEL_COUNT;
}

enum { MEASUREMENT_NAME_SIZE = 32 };
/* "emissions_15m", "coverage_1mo", "alerts", ... Returns `name`. */
const char *measurement_name(char name[MEASUREMENT_NAME_SIZE], enum row_kind kind, enum level level,
                             int64_t bucket_ms);

/* False: the field is null. It is left out, or NULL. */
bool field_is_known(const struct field *field, const struct row *row);
int128 field_fixed(const struct field *field, const struct row *row);
uint32_t field_count(const struct field *field, const struct row *row);
bool field_flag(const struct field *field, const struct row *row);
/* Never infinite or not a number. */
double field_ratio(const struct field *field, const struct row *row);
/* FIELD_NUMBER, FIELD_WHOLE, FIELD_YES. */
int64_t field_number(const struct field *field, const struct row *row);
/* FIELD_TEXT, as tables and registry have it. `text` may hold it. */
enum { FIELD_TEXT_SIZE = 3 * (NAME_BYTES_MAX + 1) + 64 };
const char *field_text(const struct field *field, const struct registry *registry,
                       const struct row *row, char text[FIELD_TEXT_SIZE]);

/* The tables of docs/series.md, as Markdown. */
void fields_print_reference(struct buffer *out);

#endif
