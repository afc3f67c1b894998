#include "daemon/audit/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"

static void add_series(struct buffer *out, const struct audit *audit,
                       const struct audit_place *place)
{
    const struct registry *registry = audit->config->registry;
    buffer_printf(out, " facility=%s", registry->facilities[place->facility].id);
    if (place->tags != NULL)
        buffer_printf(out, " %s", place->tags);
    if (place->series == REGISTRY_NONE)
        return;
    const struct series *series = &registry->series[place->series];
    buffer_printf(out, " scope=%u category=%s source=%s unit=%s", series->scope, series->category,
                  series->source, quantity_unit((enum quantity)series->quantity));
}

void audit_tell(struct audit *audit, const struct audit_place *place, const char *field,
                const char *expected, const char *found)
{
    struct buffer *out = &audit->lines;
    char name[MEASUREMENT_NAME_SIZE];
    char start[TIMESTAMP_TEXT_SIZE];
    buffer_printf(
        out, "%s %s", audit->config->sinks[place->sink].name,
        measurement_name(name, place->kind, place->level, audit->config->window.bucket_ms));
    add_series(out, audit, place);
    buffer_printf(out, " %s", timestamp_format(start, place->start_ms));
    if (field != NULL)
        buffer_printf(out, " %s", field);
    buffer_printf(out, ": expected %s, found %s\n", expected, found);
}

/* Whether the text, or a part of it that begins and ends with a line's ends, is this line. */
static bool has_line(const char *text, const char *line, size_t size)
{
    for (const char *at = text; (at = strstr(at, "\n")) != NULL; at++) {
        if (strncmp(at + 1, line, size) == 0)
            return true;
    }
    return strncmp(text, line, size) == 0;
}

void audit_print(struct audit *audit, struct buffer *only)
{
    const char *text = buffer_text(&audit->lines);
    const char *kept = only != NULL ? buffer_text(only) : NULL;
    while (text != NULL && *text != '\0') {
        size_t size = strcspn(text, "\n") + 1;
        if (only == NULL || (kept != NULL && has_line(kept, text, size))) {
            audit->differences++;
            if (!audit->quiet)
                (void)fwrite(text, 1, size, stdout);
        }
        text += size;
    }
    if (buffer_failed(&audit->lines)) {
        audit->differences++;
        (void)puts("and more differences, which are not listed");
    }
    buffer_clear(&audit->lines);
}
