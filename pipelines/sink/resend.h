/*
 * resend.h - what a server has acknowledged and might still lose.
 *
 * VictoriaMetrics answers before it writes: what it acknowledged in the last seconds is gone when
 * it is killed. So bodies are kept until an answer on the same connection, RESEND_KEEP_MS or more
 * after theirs, shows that the server lived on. After a new connection or a failure all that is
 * kept is due again; it does no harm, because a row has the same timestamp each time. Bounded: when
 * it is full, new rows wait.
 */
#ifndef GHGD_RESEND_H
#define GHGD_RESEND_H

#include "base/buffer.h"

enum {
    RESEND_KEEP_MS = 15000, /* measured: up to 8 s are lost */
    RESEND_BODIES_MAX = 1024,
    RESEND_BYTES_MAX = 32 << 20 /* 15 s at the rate of the store, compressed */
};

struct resend_body {
    char *data;
    size_t size;
    int64_t first_acked_ms, acked_ms; /* acked_ms: for the last time */
};

struct resend {
    struct resend_body *bodies; /* a ring, the oldest first */
    uint32_t first, count;
    uint32_t due; /* so many of the oldest have to be sent again */
    size_t bytes;
};

int resend_init(struct resend *resend) MUST_CHECK;
void resend_fini(struct resend *resend);
bool resend_is_full(const struct resend *resend);
/* Takes the bytes of *body, which begins anew with the same limit. Not when it is full. */
void resend_add(struct resend *resend, struct buffer *body, int64_t now_ms);
/* The server may be another one, or have lost what it knew. */
void resend_all(struct resend *resend);
/* The next body that is due, or NULL. */
const struct resend_body *resend_next(const struct resend *resend);
/* It has been acknowledged again. */
void resend_acked(struct resend *resend, int64_t now_ms);
/* An answer came on the connection of all that is kept: what is old enough is safe. */
void resend_confirm(struct resend *resend, int64_t now_ms);
/* What was acknowledged before then is safe; INT64_MAX if nothing is kept. */
int64_t resend_since_ms(const struct resend *resend);
/* When the oldest will be old enough; INT64_MAX if nothing is kept. */
int64_t resend_safe_at_ms(const struct resend *resend);

#endif
