/*
 * listing.h - the rows of `ghgd readings`: a table for people, CSV, or a JSON object a line.
 */
#ifndef GHGD_LISTING_H
#define GHGD_LISTING_H

#include "daemon/readings/journal_view.h"

enum listing_format { LISTING_TABLE, LISTING_CSV, LISTING_JSON, LISTING_FORMAT_COUNT };

/* Finds a format by its name: table, csv, json. Returns -1 if there is no such format. */
int listing_format_find(const char *name);
/* The names of columns; nothing in JSON. */
void listing_add_heads(struct buffer *out, enum listing_format format);
/* The row of one reading. */
void listing_add(struct buffer *out, enum listing_format format, const struct journal_view *view,
                 uint32_t index);

#endif
