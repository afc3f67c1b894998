#include "daemon/engine/reload_check.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/engine/rekey/rekey_topic.h"

struct reload_check {
    struct config *config; /* NULL: taken */
    struct rekey_topic *topic;
    bool is_judged;
    void (*judged)(void *context, int err, const char *why);
    void *context;
};

static void on_told(void *context, int err, const char *why)
{
    struct reload_check *reload_check = context;
    reload_check->is_judged = true;
    reload_check->judged(reload_check->context, err, why);
}

int reload_check_create(struct reload_check **reload_check_out, uv_loop_t *loop,
                        struct config **config,
                        void (*judged)(void *context, int err, const char *why), void *context)
{
    ASSERT((*config)->input.rekey);
    struct reload_check *reload_check = calloc(1, sizeof(*reload_check));
    if (reload_check == NULL)
        return -ENOMEM;
    reload_check->judged = judged;
    reload_check->context = context;
    int err = rekey_topic_create(&reload_check->topic, loop, *config, on_told, reload_check);
    if (err < 0) {
        free(reload_check);
        return err;
    }
    reload_check->config = TAKE(*config);
    *reload_check_out = reload_check;
    return 0;
}

static void on_closed(void *context)
{
    struct reload_check *reload_check = context;
    if (reload_check->config != NULL)
        config_destroy(&reload_check->config);
    free(reload_check);
}

struct config *reload_check_take(struct reload_check **reload_check)
{
    ASSERT((*reload_check)->is_judged); /* no question on its behalf is under way */
    struct config *config = TAKE((*reload_check)->config);
    reload_check_drop(reload_check);
    return config;
}

void reload_check_drop(struct reload_check **reload_check)
{
    struct reload_check *gone = TAKE(*reload_check);
    rekey_topic_close(gone->topic, on_closed, gone);
}
