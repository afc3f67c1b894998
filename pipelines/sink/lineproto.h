/*
 * lineproto.h - rows as InfluxDB's line protocol, timestamps in milliseconds.
 *
 *     emissions_15m,category=energy,facility=dhaka-1,scope=2,source=grid,unit=kWh activity=12.5,...
 *
 * Tags are sorted by key, empty ones left out. Fields stand in the order of fields.h, and always
 * all of them: InfluxDB merges fields, so a field left out of a revision would keep its old value.
 * Equal rows give equal bytes.
 *
 * The stores differ in what overwriting means. For InfluxDB a row stands at its window's start and
 * overwrites in place. VictoriaMetrics keeps every sample, and deduplication keeps the newest: so a
 * row stands at start + 1 ms + version ms. It must not leave its window: there the version
 * saturates, and that is counted. A row that stands for an instant stands exactly there in both: it
 * is written again with the same content only. VictoriaMetrics has no text, so fields of text are
 * left out for it.
 *
 * Owner: one sink. It may be used on another thread while its sink waits for that thread.
 */
#ifndef GHGD_LINEPROTO_H
#define GHGD_LINEPROTO_H

#include "config/config.h"
#include "pipelines/sink/label.h"
#include "pipelines/sink/tags.h"

/* The tags of some measurements under the registry last seen, sorted by key, each as ",key=". */
struct lineproto_tags {
    uint32_t count;
    uint8_t tags[TAG_MAX];
    uint32_t key_end[TAG_MAX]; /* where the key of tags[i] ends in `keys` */
    struct buffer keys;
};

struct lineproto {
    enum sink_dialect dialect;
    enum label_style style;
    uint64_t versions_saturated;
    char names[ROW_KIND_COUNT][LEVEL_COUNT][MEASUREMENT_NAME_SIZE];
    uint64_t generation; /* of that registry */
    struct lineproto_tags tags[ROW_KIND_COUNT];
    struct buffer text; /* of a field */
};

void lineproto_init(struct lineproto *lineproto, enum sink_dialect dialect, int64_t bucket_ms);
void lineproto_fini(struct lineproto *lineproto);

/* Appends the row as one line with its newline; `out` remembers a failure. */
void lineproto_add(struct lineproto *lineproto, struct buffer *out, const struct registry *registry,
                   const struct row *row);

#endif
