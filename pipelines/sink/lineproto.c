#include "pipelines/sink/lineproto.h"

#include <stdio.h>
#include <string.h>

enum {
    KEYS_BYTES_MAX = TAG_MAX * (LABEL_BYTES_MAX + 2),
    TEXT_BYTES_MAX = 4 * FIELD_TEXT_SIZE, /* every byte replaced, and more */
    GENERATION_NONE = 0                   /* registries count from 1 */
};

void lineproto_init(struct lineproto *lineproto, enum sink_dialect dialect, int64_t bucket_ms)
{
    *lineproto = (struct lineproto){.dialect = dialect};
    lineproto->style = dialect == DIALECT_VICTORIA ? LABEL_VICTORIA : LABEL_INFLUX;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        for (int level = 0; level < LEVEL_COUNT; level++)
            measurement_name(lineproto->names[kind][level], (enum row_kind)kind, (enum level)level,
                             bucket_ms);
        buffer_init(&lineproto->tags[kind].keys, KEYS_BYTES_MAX);
    }
    buffer_init(&lineproto->text, TEXT_BYTES_MAX);
}

void lineproto_fini(struct lineproto *lineproto)
{
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        buffer_fini(&lineproto->tags[kind].keys);
    buffer_fini(&lineproto->text);
}

/* The stores sort tags by key themselves where we do not; sorted lines are cheaper for them. */
static void sort_tags(struct lineproto_tags *tags, const struct measurement *measurement,
                      const struct registry *registry)
{
    uint32_t all = TAG_GROUP + registry->group_levels_count;
    ASSERT(all <= TAG_MAX);
    tags->count = 0;
    for (uint32_t i = 0; i < all; i++) {
        if (!measurement_has_tag(measurement, (enum tag)i, registry))
            continue;
        const char *key = tag_key((enum tag)i, registry);
        uint32_t at = tags->count++;
        for (; at > 0; at--) {
            if (strcmp(tag_key((enum tag)tags->tags[at - 1], registry), key) <= 0)
                break;
            tags->tags[at] = tags->tags[at - 1];
        }
        tags->tags[at] = (uint8_t)i;
    }
}

static bool learn_tags(struct lineproto *lineproto, const struct registry *registry)
{
    lineproto->generation = GENERATION_NONE;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        struct lineproto_tags *tags = &lineproto->tags[kind];
        sort_tags(tags, &measurements[kind], registry);
        buffer_clear(&tags->keys);
        for (uint32_t i = 0; i < tags->count; i++) {
            buffer_add_char(&tags->keys, ',');
            label_add(&tags->keys, tag_key((enum tag)tags->tags[i], registry), lineproto->style);
            buffer_add_char(&tags->keys, '=');
            tags->key_end[i] = (uint32_t)tags->keys.size;
        }
        if (buffer_failed(&tags->keys))
            return false;
    }
    lineproto->generation = registry->generation;
    return true;
}

static void add_tags(struct lineproto *lineproto, struct buffer *out,
                     const struct registry *registry, const struct row *row)
{
    char scratch[TAG_SCRATCH_SIZE];
    const struct lineproto_tags *tags = &lineproto->tags[row->kind];
    for (uint32_t i = 0; i < tags->count; i++) {
        const char *value = tag_value((enum tag)tags->tags[i], registry, row, scratch);
        if (value == NULL || value[0] == '\0')
            continue;
        uint32_t begin = i == 0 ? 0 : tags->key_end[i - 1];
        buffer_add(out, tags->keys.data + begin, tags->key_end[i] - begin);
        label_add(out, value, lineproto->style);
    }
}

/* The shortest text that reads back as the same double. */
static void add_ratio(struct buffer *out, double ratio)
{
    struct decimal decimal = {0};
    if (decimal_from_double(&decimal, ratio) == 0 && decimal.scale >= 0)
        buffer_add_fixed(out, decimal.digits, (unsigned)decimal.scale);
    else
        buffer_printf(out, "%.17g", ratio);
}

/* A quoted string. Quotes and backslashes in it are escaped, and it has no controls. */
static void add_text(struct lineproto *lineproto, struct buffer *out, const char *words)
{
    struct buffer *text = &lineproto->text;
    buffer_clear(text);
    label_add(text, words, LABEL_PLAIN);
    out->failed |= buffer_failed(text);
    buffer_add_char(out, '"');
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] == '"' || text->data[i] == '\\')
            buffer_add_char(out, '\\');
        buffer_add_char(out, text->data[i]);
    }
    buffer_add_char(out, '"');
}

/* A field of targets. */
static void add_number(struct lineproto *lineproto, struct buffer *out, const struct field *field,
                       const struct registry *registry, const struct row *row)
{
    char words[FIELD_TEXT_SIZE];
    switch (field->type) {
    case FIELD_NUMBER:
        buffer_add_fixed(out, field_number(field, row), field->decimals);
        break;
    case FIELD_WHOLE:
        buffer_add_int(out, field_number(field, row));
        buffer_add_char(out, 'i');
        break;
    case FIELD_YES:
        buffer_add_str(out, field_number(field, row) != 0 ? "true" : "false");
        break;
    default:
        add_text(lineproto, out, field_text(field, registry, row, words));
        break;
    }
}

static void add_numbers(struct lineproto *lineproto, struct buffer *out,
                        const struct registry *registry, const struct row *row)
{
    const struct measurement *measurement = &measurements[row->kind];
    char before = ' ';
    for (size_t i = 0; i < measurement->fields_count; i++) {
        const struct field *field = &measurement->fields[i];
        if (!field_is_known(field, row) ||
            (field->type == FIELD_TEXT && lineproto->dialect == DIALECT_VICTORIA))
            continue;
        buffer_add_char(out, before);
        buffer_add_str(out, field->name);
        buffer_add_char(out, '=');
        add_number(lineproto, out, field, registry, row);
        before = ',';
    }
}

static void add_field(struct buffer *out, const struct field *field, const struct row *row)
{
    buffer_add_str(out, field->name);
    buffer_add_char(out, '=');
    switch (field->type) {
    case FIELD_FIXED:
        buffer_add_fixed(out, field_fixed(field, row), field->decimals);
        break;
    case FIELD_RATIO:
        add_ratio(out, field_ratio(field, row));
        break;
    case FIELD_INTEGER:
        buffer_add_int(out, field_count(field, row));
        buffer_add_char(out, 'i');
        break;
    case FIELD_FLAG:
    default:
        buffer_add_str(out, field_flag(field, row) ? "true" : "false");
        break;
    }
}

/* Most rows have no notes: their text is the same then. */
#define EMPTY_NOTE(id, name, ...) "," name "=0"
static const char empty_notes[] = FIGURES_OF_NOTES(EMPTY_NOTE);

static void add_fields(struct buffer *out, const struct measurement *measurement,
                       const struct row *row)
{
    char before = ' ';
    for (size_t i = 0; i < measurement->fields_count; i++) {
        const struct field *field = &measurement->fields[i];
        if (field->figure == FIGURES_NOTED && !row->figures.noted) {
            ASSERT(before == ',');
            buffer_add(out, empty_notes, sizeof(empty_notes) - 1);
            i += FIGURE_COUNT - FIGURES_NOTED - 1; /* the other notes follow */
            continue;
        }
        if (!field_is_known(field, row))
            continue;
        buffer_add_char(out, before);
        add_field(out, field, row);
        before = ',';
    }
}

static int64_t timestamp_ms(struct lineproto *lineproto, const struct row *row)
{
    if (lineproto->dialect != DIALECT_VICTORIA || measurements[row->kind].is_stamped)
        return row->window.start_ms;
    int64_t offset_ms = INT64_C(1) + row->version;
    int64_t offset_max_ms = row->window.end_ms - row->window.start_ms - 1;
    if (offset_ms > offset_max_ms) {
        offset_ms = offset_max_ms;
        lineproto->versions_saturated++;
    }
    return row->window.start_ms + offset_ms;
}

void lineproto_add(struct lineproto *lineproto, struct buffer *out, const struct registry *registry,
                   const struct row *row)
{
    ASSERT(row->kind < ROW_KIND_COUNT && row->level < LEVEL_COUNT);
    ASSERT(registry->generation != GENERATION_NONE);
    if (lineproto->generation != registry->generation && !learn_tags(lineproto, registry)) {
        out->failed = true;
        return;
    }
    buffer_add_str(out, lineproto->names[row->kind][row->level]);
    add_tags(lineproto, out, registry, row);
    if (measurements[row->kind].is_target)
        add_numbers(lineproto, out, registry, row);
    else
        add_fields(out, &measurements[row->kind], row);
    buffer_add_char(out, ' ');
    buffer_add_int(out, timestamp_ms(lineproto, row));
    buffer_add_char(out, '\n');
}
