#include "pipelines/state/compatibility.h"

#include <errno.h>

#include "pipelines/emissions/kernels.h"
#include "pipelines/state/dictionary.h"
#include "pipelines/state/shard.h"

enum { DICTIONARY_BYTES_MAX = 64 << 20 };

static int create_shard(struct shard **shard_out, const struct config *config)
{
    const struct shard_context context = {.registry = config->registry,
                                          .window = &config->window,
                                          .kernels = kernels_find("scalar"),
                                          .sinks_count = config->sinks_count,
                                          .sinks = config->sinks};
    return shard_create(shard_out, &context, 0);
}

/* Judges a whole partition: a state without a facility is taken, or is not. */
static int check_partition(const struct config *before, const struct config *after,
                           struct buffer *payload, struct buffer *why)
{
    struct shard *former = NULL;
    struct shard *heir = NULL;
    int err = create_shard(&former, before);
    if (err == 0)
        err = create_shard(&heir, after);
    if (err == 0)
        err = shard_save(former, true, payload);
    if (err == 0)
        err = shard_load(heir, payload->data, payload->size, why);
    shard_destroy(&heir);
    shard_destroy(&former);
    return err;
}

static int check_facility(const struct registry *before, uint32_t facility,
                          const struct registry *after, struct buffer *bytes, struct buffer *why)
{
    buffer_clear(bytes);
    dictionary_add(bytes, before, facility);
    if (buffer_failed(bytes))
        return -ENOMEM;
    struct packed packed;
    struct dictionary *dictionary = NULL;
    packed_init(&packed, bytes->data, bytes->size);
    int err = dictionary_take(&dictionary, &packed, after, why);
    if (err == 0)
        dictionary_destroy(&dictionary);
    return err;
}

int compatibility_check(const struct config *before, const struct config *after, struct buffer *why)
{
    struct buffer bytes;
    buffer_init(&bytes, DICTIONARY_BYTES_MAX);
    int err = check_partition(before, after, &bytes, why);
    const struct registry *registry = before->registry;
    for (uint32_t i = 0; i < registry->facilities_count && err == 0; i++) {
        if (registry->facilities[i].meters_count > 0)
            err = check_facility(registry, i, after->registry, &bytes, why);
    }
    buffer_fini(&bytes);
    return err;
}
