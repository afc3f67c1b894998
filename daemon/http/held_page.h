/*
 * held_page.h - the answer to GET /held: the meters of this process that have something held or
 * overdue, and the main meters whose rest is negative.
 *
 * For people: it looks at every reading, in pieces between which the loop goes on. A meter that
 * changes meanwhile is told as it is when its turn comes.
 */
#ifndef GHGD_HELD_PAGE_H
#define GHGD_HELD_PAGE_H

#include "base/buffer.h"
#include "daemon/engine/intake.h"

/* Lines, of all kinds together; the rest is counted. At their longest they stay below
 * HTTP_PIECE_BYTES_MAX. */
enum { HELD_METERS_MAX = 100 };

/* Appends the next piece. Begin with *cursor 0. False: it was the last one. */
bool held_page_add(const struct intake *intake, const struct registry *registry, uint64_t *cursor,
                   struct buffer *body);

#endif
