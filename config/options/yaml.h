/*
 * yaml.h - one YAML document as nodes with places; the only user of the YAML library.
 *
 * A configuration has no use for some parts of YAML. They are faults here: several documents,
 * anchors, aliases, tags, keys that are no plain text, keys that come twice.
 */
#ifndef GHGD_YAML_H
#define GHGD_YAML_H

#include "config/options/load.h"

struct yaml;
struct fy_node;

enum yaml_kind {
    YAML_NOTHING, /* no value, null or ~ */
    YAML_TEXT,
    YAML_MAPPING,
    YAML_SEQUENCE
};

/* A value with the place to report for it. */
struct yaml_value {
    enum yaml_kind kind;
    struct fy_node *node;
    struct file_place place;
    const char *text; /* YAML_TEXT: NUL-terminated, in the configuration's arena */
};

struct yaml_pair {
    const char *key;
    struct file_place place; /* of the key */
    struct yaml_value value;
};

/* Parses the text, which outlives the document. Returns 0, or ERR_CONFIG: reported. */
int yaml_parse(struct yaml **yaml_out, struct loading *loading, const char *text,
               size_t size) MUST_CHECK;
void yaml_destroy(struct yaml **yaml);

struct yaml_value yaml_root(const struct yaml *yaml);

/* The next pair of a mapping, or item of a sequence; `cursor` begins as NULL. Pairs and items that
 * are faults are reported and passed over. false at the end. */
bool yaml_next_pair(const struct yaml *yaml, struct yaml_value mapping, void **cursor,
                    struct yaml_pair *pair_out);
bool yaml_next_item(const struct yaml *yaml, struct yaml_value sequence, void **cursor,
                    struct yaml_value *item_out);

/* "a list", "keys with values", ...: for what was found. */
const char *yaml_kind_name(enum yaml_kind kind);

#endif
