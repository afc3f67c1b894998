/*
 * parked.h - the parked events of one partition on their way through a checkpoint: as bytes, and as
 * a list again, oldest first. They are offered once more to a registry that may know them now.
 *
 * A section holds the events that were parked since an earlier section. It says which of the
 * earlier events are left. Sections of a chain are loaded in the order in which they were saved.
 * The loop thread owns a list.
 */
#ifndef GHGD_PARKED_H
#define GHGD_PARKED_H

#include "base/buffer.h"
#include "pipelines/kafka/outgoing.h"

struct parked {
    struct outgoing *oldest, *newest; /* linked by `newer`, their sequence numbers rise */
    uint32_t count;
};

/* Begins a section: `left`, the lowest sequence number that is still parked (UINT64_MAX: none), and
 * so many letters that follow. */
void parked_save_begin(struct buffer *out, uint64_t left, uint32_t letters_count);
void parked_save(struct buffer *out, const struct outgoing *letter);
/* Drops what the section no longer has, and appends what it holds. Returns 0, -ENOMEM, or
 * ERR_SYNTAX: damaged, and the list is only good to be freed. */
int parked_load(struct parked *parked, int32_t partition, const void *section,
                size_t size) MUST_CHECK;
/* Takes the oldest off the list; NULL if the list is empty. */
struct outgoing *parked_take(struct parked *parked);
/* Puts it back where it was. */
void parked_put_back(struct parked *parked, struct outgoing **letter);
void parked_fini(struct parked *parked);

#endif
