/*
 * compatibility.h - whether state that was kept under one configuration can go on under another.
 *
 * For a reload: it is refused beforehand, and leaves no partition whose state cannot be read. The
 * readings of a facility's meters are not known here: a meter that never reported counts like any
 * other.
 */
#ifndef GHGD_COMPATIBILITY_H
#define GHGD_COMPATIBILITY_H

#include "config/config.h"

/* Returns 0; ERR_CONFIG, and `why` says for people what changed and what to do; or -ENOMEM. */
int compatibility_check(const struct config *before, const struct config *after,
                        struct buffer *why) MUST_CHECK;

#endif
