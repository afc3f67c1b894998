/*
 * arena.h - memory that is taken piece by piece and given back all at once.
 *
 * For data that is built once and then only read: a configuration, a registry.
 */
#ifndef GHGD_ARENA_H
#define GHGD_ARENA_H

#include "base/base.h"

struct arena;

int arena_create(struct arena **arena_out) MUST_CHECK;
void arena_destroy(struct arena **arena);
/* Zeroed, aligned to 16 bytes; NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* A NUL-terminated copy of `size` bytes of text; NULL when out of memory. */
char *arena_text(struct arena *arena, const char *text, size_t size);

#endif
