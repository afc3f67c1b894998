/*
 * yaml.c - one YAML document as nodes with places; see yaml.h.
 */
#include "config/options/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { KEYS_MAX = 1000 }; /* of one mapping: each is compared with those before it */

struct yaml {
    struct loading *loading;
    const char *text;
    size_t size;
    struct fy_diag *diag;
    struct fy_parser *parser;
    struct fy_document *document;
};

static void ignore_output(struct fy_diag *diag, void *user, const char *buf, size_t len)
{
    (void)diag;
    (void)user;
    (void)buf;
    (void)len; /* the collected errors are reported in our own form */
}

/* The library counts columns in characters, from 0; a place counts bytes, from 1. */
static struct file_place place_of_column(const struct yaml *yaml, int line, int column)
{
    const char *at = yaml->text;
    const char *end = yaml->text + yaml->size;
    for (int i = 0; i < line && at < end; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline == NULL ? end : newline + 1;
    }
    const char *start = at;
    for (int i = 0; i < column && at < end && *at != '\n'; i++) {
        at++;
        while (at < end && ((unsigned char)*at & 0xc0U) == 0x80U)
            at++;
    }
    return (struct file_place){line + 1, (int)(at - start) + 1};
}

static struct file_place place_of_token(const struct yaml *yaml, struct fy_token *token,
                                        struct file_place otherwise)
{
    const struct fy_mark *mark = token == NULL ? NULL : fy_token_start_mark(token);
    return mark == NULL ? otherwise : place_of_column(yaml, mark->line, mark->column);
}

static void report_errors(struct yaml *yaml)
{
    struct loading *loading = yaml->loading;
    void *cursor = NULL;
    bool any = false;
    struct fy_diag_error *error;
    while ((error = fy_diag_errors_iterate(yaml->diag, &cursor)) != NULL) {
        /* The library gives lines and columns from 1 here, from 0 in marks. */
        struct file_place place = place_of_column(yaml, error->line > 0 ? error->line - 1 : 0,
                                                  error->column > 0 ? error->column - 1 : 0);
        LOADING_ERROR(loading, place, "not valid YAML: %s", error->msg == NULL ? "" : error->msg);
        any = true;
    }
    if (!any)
        LOADING_ERROR(loading, ((struct file_place){1, 0}), "not valid YAML");
}

/* Refuses bytes that are no text, and directives, which no configuration needs. libfyaml before
 * October 2023, such as the 0.7.12 of Debian 12, scans a damaged directive for ever:
 * https://github.com/pantoniou/libfyaml/issues/101 */
static bool is_sane(const struct yaml *yaml)
{
    const char *end = yaml->text + yaml->size;
    const char *bad = NULL;
    const char *what = NULL;
    size_t text_size = utf8_text_size(yaml->text, yaml->size);
    if (text_size < yaml->size) {
        bad = yaml->text + text_size;
        what = "a byte that is no UTF-8 text";
    }
    for (const char *at = yaml->text; what == NULL && at < end; at++) {
        bad = at;
        if ((iscntrl((unsigned char)*at) && strchr("\t\n\r", *at) == NULL) || *at == '\0')
            what = "a control character";
        else if (*at == '%' && (at == yaml->text || at[-1] == '\n' || at[-1] == '\r'))
            what = "directives (%) are not used here";
    }
    if (what == NULL)
        return true;
    int line = 1;
    const char *start = yaml->text;
    for (const char *at = yaml->text; at < bad; at++) {
        if (*at == '\n') {
            line++;
            start = at + 1;
        }
    }
    LOADING_ERROR(yaml->loading, ((struct file_place){line, (int)(bad - start) + 1}), "%s", what);
    return false;
}

static int make_parser(struct yaml *yaml)
{
    const struct fy_diag_cfg diag_conf = {
        .output_fn = ignore_output, .level = FYET_ERROR, .module_mask = ~0U};
    yaml->diag = fy_diag_create(&diag_conf);
    if (yaml->diag == NULL)
        return -ENOMEM;
    fy_diag_set_collect_errors(yaml->diag, true);
    const struct fy_parse_cfg conf = {
        .search_path = "", .flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS, .diag = yaml->diag};
    yaml->parser = fy_parser_create(&conf);
    if (yaml->parser == NULL || fy_parser_set_string(yaml->parser, yaml->text, yaml->size) != 0)
        return -ENOMEM;
    return 0;
}

static int load(struct yaml *yaml)
{
    struct loading *loading = yaml->loading;
    yaml->document = fy_parse_load_document(yaml->parser);
    if (yaml->document == NULL && !fy_diag_got_error(yaml->diag)) {
        LOADING_ERROR(loading, ((struct file_place){1, 0}), "the file is empty");
        return ERR_CONFIG;
    }
    struct fy_document *second =
        yaml->document == NULL ? NULL : fy_parse_load_document(yaml->parser);
    if (second != NULL) {
        fy_parse_document_destroy(yaml->parser, second);
        LOADING_ERROR(loading, ((struct file_place){1, 0}),
                      "the file has several documents (\"---\"); expected one");
        return ERR_CONFIG;
    }
    if (yaml->document == NULL || fy_diag_got_error(yaml->diag)) {
        report_errors(yaml);
        return ERR_CONFIG;
    }
    return 0;
}

int yaml_parse(struct yaml **yaml_out, struct loading *loading, const char *text, size_t size)
{
    struct yaml *yaml = calloc(1, sizeof(*yaml));
    if (yaml == NULL)
        return -ENOMEM;
    yaml->loading = loading;
    yaml->text = text;
    yaml->size = size;
    int err = is_sane(yaml) ? make_parser(yaml) : ERR_CONFIG;
    if (err == 0)
        err = load(yaml);
    if (err < 0) {
        yaml_destroy(&yaml);
        return err;
    }
    *yaml_out = yaml;
    return 0;
}

void yaml_destroy(struct yaml **yaml)
{
    struct yaml *gone = TAKE(*yaml);
    if (gone == NULL)
        return;
    if (gone->document != NULL)
        fy_parse_document_destroy(gone->parser, gone->document);
    if (gone->parser != NULL)
        fy_parser_destroy(gone->parser);
    if (gone->diag != NULL)
        fy_diag_destroy(gone->diag);
    free(gone);
}

static bool is_nothing(struct fy_node *node, const char *text, size_t size)
{
    if (fy_node_get_style(node) != FYNS_PLAIN)
        return false;
    return size == 0 || (size == 1 && text[0] == '~') ||
           (size == 4 && memcmp(text, "null", size) == 0);
}

static bool is_refused(const struct yaml *yaml, struct fy_node *node, struct file_place place)
{
    const char *what = NULL;
    if (fy_node_is_alias(node) || fy_node_get_anchor(node) != NULL)
        what = "anchors and aliases (& and *) are not used here; write the value out";
    else if (fy_node_get_tag(node, &(size_t){0}) != NULL)
        what = "tags (!) are not used here";
    if (what != NULL)
        LOADING_ERROR(yaml->loading, place, "%s", what);
    return what != NULL;
}

/* A value that is not text has the place of the key, or the best place that the caller knows. */
static bool read_value(const struct yaml *yaml, struct fy_node *node, struct file_place otherwise,
                       struct yaml_value *value_out)
{
    *value_out = (struct yaml_value){.kind = YAML_NOTHING, .place = otherwise};
    if (node == NULL)
        return true;
    if (is_refused(yaml, node, otherwise))
        return false;
    value_out->node = node;
    if (fy_node_is_mapping(node) && fy_node_mapping_item_count(node) > KEYS_MAX) {
        LOADING_ERROR(yaml->loading, otherwise, "more than %d keys", KEYS_MAX);
        return false;
    }
    if (!fy_node_is_scalar(node)) {
        value_out->kind = fy_node_is_mapping(node) ? YAML_MAPPING : YAML_SEQUENCE;
        return true;
    }
    size_t size = 0;
    const char *text = fy_node_get_scalar(node, &size);
    if (text == NULL || is_nothing(node, text, size))
        return true;
    value_out->kind = YAML_TEXT;
    value_out->place = place_of_token(yaml, fy_node_get_scalar_token(node), otherwise);
    if (memchr(text, '\0', size) != NULL) {
        LOADING_ERROR(yaml->loading, value_out->place, "a NUL character in a text");
        return false;
    }
    value_out->text = loading_text(yaml->loading, text, size);
    return true;
}

struct yaml_value yaml_root(const struct yaml *yaml)
{
    struct yaml_value root;
    struct file_place first = {1, 1};
    if (!read_value(yaml, fy_document_root(yaml->document), first, &root))
        root = (struct yaml_value){.kind = YAML_NOTHING, .place = first};
    return root;
}

/* The place of the pair before this one with the same key; line 0 if there is no such pair. */
static struct file_place find_earlier(const struct yaml *yaml, struct fy_node *mapping,
                                      const struct fy_node_pair *until, const char *key,
                                      size_t key_size)
{
    void *cursor = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(mapping, &cursor)) != NULL && pair != until) {
        size_t size = 0;
        struct fy_node *node = fy_node_pair_key(pair);
        const char *text = node == NULL || !fy_node_is_scalar(node) || fy_node_is_alias(node)
                               ? NULL
                               : fy_node_get_scalar(node, &size);
        if (text != NULL && size == key_size && memcmp(text, key, size) == 0)
            return place_of_token(yaml, fy_node_get_scalar_token(node), (struct file_place){0, 0});
    }
    return (struct file_place){0, 0};
}

static bool read_pair(const struct yaml *yaml, struct yaml_value mapping, struct fy_node_pair *pair,
                      struct yaml_pair *pair_out)
{
    struct fy_node *node = fy_node_pair_key(pair);
    struct yaml_value key;
    if (!read_value(yaml, node, mapping.place, &key))
        return false;
    if (key.kind != YAML_TEXT) {
        LOADING_ERROR(yaml->loading, key.place, "a key that is no text");
        return false;
    }
    struct file_place earlier = find_earlier(yaml, mapping.node, pair, key.text, strlen(key.text));
    if (earlier.line > 0) {
        LOADING_ERROR(yaml->loading, key.place, "%.80s: this key already stands in line %d",
                      key.text, earlier.line);
        return false;
    }
    pair_out->key = key.text;
    pair_out->place = key.place;
    return read_value(yaml, fy_node_pair_value(pair), key.place, &pair_out->value);
}

bool yaml_next_pair(const struct yaml *yaml, struct yaml_value mapping, void **cursor,
                    struct yaml_pair *pair_out)
{
    ASSERT(mapping.kind == YAML_MAPPING);
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(mapping.node, cursor)) != NULL)
        if (read_pair(yaml, mapping, pair, pair_out))
            return true;
    return false;
}

/* A mapping in a list is best reported where its first key stands. */
static struct file_place place_of_item(const struct yaml *yaml, struct fy_node *item,
                                       struct file_place otherwise)
{
    if (!fy_node_is_mapping(item))
        return otherwise;
    void *cursor = NULL;
    struct fy_node_pair *pair = fy_node_mapping_iterate(item, &cursor);
    struct fy_node *key = pair == NULL ? NULL : fy_node_pair_key(pair);
    if (key == NULL || !fy_node_is_scalar(key))
        return otherwise;
    return place_of_token(yaml, fy_node_get_scalar_token(key), otherwise);
}

bool yaml_next_item(const struct yaml *yaml, struct yaml_value sequence, void **cursor,
                    struct yaml_value *item_out)
{
    ASSERT(sequence.kind == YAML_SEQUENCE);
    struct fy_node *item;
    while ((item = fy_node_sequence_iterate(sequence.node, cursor)) != NULL)
        if (read_value(yaml, item, place_of_item(yaml, item, sequence.place), item_out))
            return true;
    return false;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {
        [YAML_NOTHING] = "nothing",
        [YAML_TEXT] = "a text",
        [YAML_MAPPING] = "keys with values",
        [YAML_SEQUENCE] = "a list",
    };
    return names[kind];
}
