/*
 * label.h - a name from outside, made fit to be the key or value of a tag.
 *
 * U+FFFD replaces everything that no store can carry. That is control characters (a newline would
 * begin a new line), bytes that are not UTF-8, and a backslash at the end (it would swallow the
 * separator that follows). Comma, equals sign and space are escaped by a backslash. A backslash
 * elsewhere is literal to InfluxDB; VictoriaMetrics takes two for one. Pure. Thread: any.
 */
#ifndef GHGD_LABEL_H
#define GHGD_LABEL_H

#include "base/buffer.h"
#include "base/limits.h"

enum label_style {
    LABEL_PLAIN,   /* valid UTF-8 without controls, nothing escaped */
    LABEL_INFLUX,  /* a tag of line protocol */
    LABEL_VICTORIA /* the same as VictoriaMetrics reads it */
};

enum { LABEL_BYTES_MAX = 4 * NAME_BYTES_MAX }; /* every byte escaped or replaced, and more */

void label_add(struct buffer *out, const char *text, enum label_style style);

#endif
