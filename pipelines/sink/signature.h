/*
 * signature.h - the header by which a receiver knows that a request is ours, and how old it is.
 *
 *     X-Ghgd-Signature: t=1764547200,v1=5257a869...
 *
 * v1 is HMAC-SHA256 in hex, under the secret that both sides have, of the time t in seconds, a full
 * stop, and the body as it is sent. A receiver computes the same, and refuses what is old.
 * Thread: any.
 */
#ifndef GHGD_SIGNATURE_H
#define GHGD_SIGNATURE_H

#include "base/buffer.h"

/* Appends the header as one line without its end. Returns 0, or -ENOMEM if the library has failed
 * or `out` is full. */
int signature_add(struct buffer *out, const char *secret, int64_t time_s, const void *body,
                  size_t size) MUST_CHECK;

#endif
