#include "pipelines/sink/resend.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

_Static_assert((RESEND_BODIES_MAX & (RESEND_BODIES_MAX - 1)) == 0, "a ring index is a mask");

int resend_init(struct resend *resend)
{
    *resend = (struct resend){.bodies = calloc(RESEND_BODIES_MAX, sizeof(*resend->bodies))};
    return resend->bodies == NULL ? -ENOMEM : 0;
}

static struct resend_body *body_at(const struct resend *resend, uint32_t index)
{
    return &resend->bodies[(resend->first + index) & (RESEND_BODIES_MAX - 1)];
}

static struct resend_body *oldest(const struct resend *resend)
{
    ASSERT(resend->count > 0);
    return body_at(resend, 0);
}

/* Takes the oldest off the ring; its bytes are the caller's. */
static struct resend_body take_oldest(struct resend *resend)
{
    struct resend_body body = *oldest(resend);
    *oldest(resend) = (struct resend_body){0};
    resend->first = (resend->first + 1) & (RESEND_BODIES_MAX - 1);
    resend->count--;
    return body;
}

static void put_newest(struct resend *resend, struct resend_body body)
{
    ASSERT(resend->count < RESEND_BODIES_MAX);
    *body_at(resend, resend->count) = body;
    resend->count++;
}

void resend_fini(struct resend *resend)
{
    while (resend->count > 0)
        free(take_oldest(resend).data);
    free(resend->bodies);
    *resend = (struct resend){0};
}

bool resend_is_full(const struct resend *resend)
{
    return resend->count == RESEND_BODIES_MAX || resend->bytes >= RESEND_BYTES_MAX;
}

void resend_add(struct resend *resend, struct buffer *body, int64_t now_ms)
{
    ASSERT(!resend_is_full(resend));
    struct resend_body kept = {.size = body->size, .first_acked_ms = now_ms, .acked_ms = now_ms};
    kept.data = TAKE(body->data);
    put_newest(resend, kept);
    resend->bytes += kept.size;
    buffer_init(body, body->limit);
}

void resend_all(struct resend *resend)
{
    resend->due = resend->count;
}

const struct resend_body *resend_next(const struct resend *resend)
{
    return resend->due > 0 ? oldest(resend) : NULL;
}

void resend_acked(struct resend *resend, int64_t now_ms)
{
    ASSERT(resend->due > 0);
    struct resend_body body = take_oldest(resend);
    body.acked_ms = now_ms;
    put_newest(resend, body);
    resend->due--;
}

void resend_confirm(struct resend *resend, int64_t now_ms)
{
    while (resend->count > 0 && resend->due == 0 &&
           oldest(resend)->acked_ms + RESEND_KEEP_MS <= now_ms) {
        struct resend_body body = take_oldest(resend);
        resend->bytes -= body.size;
        free(body.data);
    }
}

int64_t resend_since_ms(const struct resend *resend)
{
    int64_t since_ms = INT64_MAX; /* what was sent again has left the order of the first time */
    for (uint32_t i = 0; i < resend->count; i++)
        since_ms = MIN(since_ms, body_at(resend, i)->first_acked_ms);
    return since_ms;
}

int64_t resend_safe_at_ms(const struct resend *resend)
{
    return resend->count == 0 ? INT64_MAX : oldest(resend)->acked_ms + RESEND_KEEP_MS;
}
