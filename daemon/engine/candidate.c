#include "daemon/engine/candidate.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/engine/rekey/rekey_topic.h"

struct candidate {
    struct config *config; /* NULL: taken */
    struct rekey_topic *topic;
    bool is_judged;
    void (*judged)(void *context, int err, const char *why);
    void *context;
};

static void on_told(void *context, int err, const char *why)
{
    struct candidate *candidate = context;
    candidate->is_judged = true;
    candidate->judged(candidate->context, err, why);
}

int candidate_create(struct candidate **candidate_out, uv_loop_t *loop, struct config **config,
                     void (*judged)(void *context, int err, const char *why), void *context)
{
    ASSERT((*config)->input.rekey);
    struct candidate *candidate = calloc(1, sizeof(*candidate));
    if (candidate == NULL)
        return -ENOMEM;
    candidate->judged = judged;
    candidate->context = context;
    int err = rekey_topic_create(&candidate->topic, loop, *config, on_told, candidate);
    if (err < 0) {
        free(candidate);
        return err;
    }
    candidate->config = TAKE(*config);
    *candidate_out = candidate;
    return 0;
}

static void on_closed(void *context)
{
    struct candidate *candidate = context;
    if (candidate->config != NULL)
        config_destroy(&candidate->config);
    free(candidate);
}

struct config *candidate_take(struct candidate **candidate)
{
    ASSERT((*candidate)->is_judged); /* nobody asks on its behalf any more */
    struct config *config = TAKE((*candidate)->config);
    candidate_drop(candidate);
    return config;
}

void candidate_drop(struct candidate **candidate)
{
    struct candidate *gone = TAKE(*candidate);
    rekey_topic_close(gone->topic, on_closed, gone);
}
