/*
 * Any bytes as the YAML file: the loader must end, and load it or name a fault.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "config/options/checks.h"
#include "config/options/print.h"
#include "daemon/engine/needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(const char *path)
{
    struct buffer text;
    struct config *config = NULL;
    buffer_init(&text, 16 << 20);
    int err = config_load(&config, path, &text);
    ASSERT((err == 0) == (config != NULL));
    ASSERT(err == 0 || text.size > 0);
    if (err == 0) {
        config_print(config, &text);
        needs_print(config, &text);
        (void)config_check_run(config, &text);
        (void)needs_check(config, &text);
    }
    ASSERT(!buffer_failed(&text));
    config_destroy(&config);
    buffer_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int file = memfd_create("ghgd.yaml", MFD_CLOEXEC);
    ASSERT(file >= 0);
    ASSERT(write(file, data, size) == (ssize_t)size);
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    load(path);
    close(file);
    return 0;
}
