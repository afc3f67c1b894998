#include "pipelines/sink/lineproto.h"

#include <stdio.h>
#include <string.h>

enum {
    KEYS_BYTES_MAX = TAG_MAX * (LABEL_BYTES_MAX + 2),
    GENERATION_NONE = 0 /* registries count from 1 */
};

void lineproto_init(struct lineproto *lineproto, enum sink_dialect dialect, int64_t bucket_ms)
{
    *lineproto = (struct lineproto){.dialect = dialect};
    lineproto->style = dialect == DIALECT_VICTORIA ? LABEL_VICTORIA : LABEL_INFLUX;
    for (int kind = 0; kind < ROW_WINDOW_KINDS; kind++)
        for (int level = 0; level < LEVEL_COUNT; level++)
            measurement_name(lineproto->names[kind][level], (enum row_kind)kind, (enum level)level,
                             bucket_ms);
    buffer_init(&lineproto->keys, KEYS_BYTES_MAX);
}

void lineproto_fini(struct lineproto *lineproto)
{
    buffer_fini(&lineproto->keys);
}

/* The stores sort tags by key themselves where we do not; sorted lines are cheaper for them. */
static void sort_tags(struct lineproto *lineproto, const struct registry *registry)
{
    lineproto->tags_count = TAG_GROUP + registry->group_levels_count;
    ASSERT(lineproto->tags_count <= TAG_MAX);
    for (uint32_t i = 0; i < lineproto->tags_count; i++) {
        const char *key = tag_key((enum tag)i, registry);
        uint32_t at = i;
        for (; at > 0; at--) {
            if (strcmp(tag_key((enum tag)lineproto->tags[at - 1], registry), key) <= 0)
                break;
            lineproto->tags[at] = lineproto->tags[at - 1];
        }
        lineproto->tags[at] = (uint8_t)i;
    }
}

static void learn_tags(struct lineproto *lineproto, const struct registry *registry)
{
    sort_tags(lineproto, registry);
    buffer_clear(&lineproto->keys);
    for (uint32_t i = 0; i < lineproto->tags_count; i++) {
        buffer_add_char(&lineproto->keys, ',');
        label_add(&lineproto->keys, tag_key((enum tag)lineproto->tags[i], registry),
                  lineproto->style);
        buffer_add_char(&lineproto->keys, '=');
        lineproto->key_end[i] = (uint32_t)lineproto->keys.size;
    }
    lineproto->generation = registry->generation;
}

static void add_tags(struct lineproto *lineproto, struct buffer *out,
                     const struct registry *registry, const struct row *row)
{
    char scratch[4];
    for (uint32_t i = 0; i < lineproto->tags_count; i++) {
        const char *value = tag_value((enum tag)lineproto->tags[i], registry, row, scratch);
        if (value == NULL || value[0] == '\0')
            continue;
        uint32_t begin = i == 0 ? 0 : lineproto->key_end[i - 1];
        buffer_add(out, lineproto->keys.data + begin, lineproto->key_end[i] - begin);
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
    if (lineproto->dialect != DIALECT_VICTORIA)
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
    ASSERT(row->kind < ROW_WINDOW_KINDS && row->level < LEVEL_COUNT);
    ASSERT(registry->generation != GENERATION_NONE);
    if (lineproto->generation != registry->generation)
        learn_tags(lineproto, registry);
    if (buffer_failed(&lineproto->keys)) {
        lineproto->generation = GENERATION_NONE;
        out->failed = true;
        return;
    }
    buffer_add_str(out, lineproto->names[row->kind][row->level]);
    add_tags(lineproto, out, registry, row);
    add_fields(out, &measurements[row->kind], row);
    buffer_add_char(out, ' ');
    buffer_add_int(out, timestamp_ms(lineproto, row));
    buffer_add_char(out, '\n');
}
