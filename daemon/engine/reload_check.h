/*
 * reload_check.h - a configuration that is to take over, while the brokers are asked for what it
 * needs.
 *
 * A fault that can be found before the running process makes way must not be found after it. The
 * topic that is keyed by facility has to be there, or be made. While no broker answers, the
 * candidate waits, and the running process goes on. The loop thread owns it.
 */
#ifndef GHGD_RELOAD_CHECK_H
#define GHGD_RELOAD_CHECK_H

#include <uv.h>

#include "config/config.h"

struct reload_check;

/* Takes *config, which has input.rekey, and sets it to NULL. judged() is called once, on the loop,
 * unless the candidate is dropped before. err 0: it can take over. Negative: it cannot, and `why`
 * says what to do. Returns 0; or -ENOMEM, and the caller still owns *config. */
int reload_check_create(struct reload_check **reload_check_out, uv_loop_t *loop,
                        struct config **config,
                        void (*judged)(void *context, int err, const char *why),
                        void *context) MUST_CHECK;
/* Gives its configuration away and is gone; once it was judged. */
struct config *reload_check_take(struct reload_check **reload_check);
/* It is gone, with its configuration; what is under way ends on the loop. */
void reload_check_drop(struct reload_check **reload_check);

#endif
