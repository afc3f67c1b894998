/*
 * options.h - the one table of every option: it parses, checks, prints and documents them.
 *
 * An option is a path of keys from the root of the YAML file ("windows.bucket") and a member of
 * struct config. Below "sinks", a list, the member is of struct sink_conf. Rows are in the order in
 * which they are printed. The table is constant.
 */
#ifndef GHGD_OPTIONS_H
#define GHGD_OPTIONS_H

#include "base/buffer.h"

enum option_type {
    OPTION_TEXT,        /* const char *, min to max bytes */
    OPTION_IDENTIFIER,  /* const char *, of a-z 0-9 _ -, as it becomes part of names elsewhere */
    OPTION_TOPIC,       /* const char *, a Kafka topic name */
    OPTION_BROKERS,     /* const char *, host:port joined by commas; a list or one text */
    OPTION_FIELD,       /* const char *, a dotted path into an event */
    OPTION_WORD,        /* const char *, one of the choices */
    OPTION_CHOICE,      /* int, the value of one of the choices */
    OPTION_INTEGER,     /* int or int64_t, by the member's size */
    OPTION_BOOLEAN,     /* bool */
    OPTION_DATE,        /* const char *, YYYY-MM-DD, local to whatever it is applied to */
    OPTION_DURATION,    /* int64_t in ms */
    OPTION_SIZE,        /* int64_t in bytes */
    OPTION_PERCENT,     /* int64_t, parts of PART_ONE; written with its sign: 5% */
    OPTION_SHARE,       /* int64_t, parts of PART_ONE; written as a decimal: 0.5 */
    OPTION_WEEKDAYS,    /* struct weekdays; a list, or one text with commas, or "none" */
    OPTION_URL,         /* const char *, http or https, without credentials and query */
    OPTION_LISTEN,      /* const char *, HOST:PORT, or "off" for NULL */
    OPTION_INPUT_PATH,  /* const char *, relative to the folder of the YAML file */
    OPTION_OUTPUT_PATH, /* const char *, relative to state_directory */
    OPTION_IDENTIFIERS, /* struct text_list, up to max */
    OPTION_INPUT_PATHS, /* struct text_list, up to max */
    OPTION_SECRET_FILE, /* const char *, what the named file holds */
    OPTION_CREDENTIAL,  /* const char *, what the service manager's credential holds */
    OPTION_SECRET,      /* const char *, refused in the YAML file; printed as "<set>" */
    OPTION_PROPERTIES,  /* struct conf_property * */
    OPTION_TYPE_COUNT
};

struct choice {
    const char *word;
    int value;
};

struct option {
    const char *path;
    enum option_type type;
    size_t offset, size;          /* of the member */
    int64_t min, max;             /* in ms, bytes, text bytes, items, parts, or the number itself */
    const char *standard;         /* the default as it would be written; NULL: none */
    const struct choice *choices; /* up to a NULL word */
    const char *unit;             /* of an integer; else the type tells */
    const char *help;             /* one sentence, or a few */
};

enum { OPTIONS_MAX = 128 }; /* rows in the table, checked where it stands */

extern const struct option options[];
extern const size_t options_count;

#define SINKS_PATH "sinks" /* the only list of mappings */

/* The option with this path of `size` bytes, or NULL. */
const struct option *option_find(const char *path, size_t size);
size_t option_index(const struct option *option);
/* Whether some option lies below this path ("windows" does, "windows.bucket" does not). */
bool option_is_section(const char *path, size_t size);
/* Whether the option is a member of struct sink_conf. */
bool option_is_of_sink(const struct option *option);
/* The last key of its path. */
const char *option_key(const struct option *option);
/* The keys that may stand in a section ("" for the root), each once; returns their number. They
 * are written to `text` one after the other, each with its NUL. */
size_t option_keys(const char *section, const char **keys_out, size_t keys_max,
                   struct buffer *text);

#endif
