#include "daemon/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "config/options/checks.h"
#include "daemon/engine/needs.h"
#include "pipelines/kafka/client.h"

enum { FAULTS_BYTES_MAX = 1 << 20 };

static void print_faults(struct buffer *faults)
{
    if (faults->size > 0)
        (void)fwrite(faults->data, 1, faults->size, stderr);
    buffer_fini(faults);
}

int command_load_config(struct config **config_out, const char *file)
{
    struct buffer faults;
    buffer_init(&faults, FAULTS_BYTES_MAX);
    int err = config_load(config_out, file, &faults);
    print_faults(&faults);
    if (err == 0)
        log_set_level((enum log_level)(*config_out)->log_level);
    return err;
}

int command_load_config_briefly(struct config **config_out, const char *file, const char *command)
{
    struct buffer faults;
    buffer_init(&faults, FAULTS_BYTES_MAX);
    int err = config_load(config_out, file, &faults);
    if (err == 0 && (*config_out)->warnings > 0) {
        buffer_clear(&faults);
        buffer_printf(&faults,
                      "ghgd %s: the configuration has warnings (%" PRIu32
                      "); ghgd check -c %s prints them\n",
                      command, (*config_out)->warnings, file);
    }
    print_faults(&faults);
    if (err == 0)
        log_set_level((enum log_level)(*config_out)->log_level);
    return err;
}

int command_load_run_config(struct config **config_out, const char *file)
{
    int err = command_load_config(config_out, file);
    if (err < 0)
        return err;
    struct buffer faults;
    buffer_init(&faults, FAULTS_BYTES_MAX);
    err = config_check_run(*config_out, &faults);
    if (err == 0)
        err = needs_check(*config_out, &faults);
    if (err == 0)
        err = client_check(&(*config_out)->kafka, &faults);
    print_faults(&faults);
    if (err < 0)
        config_destroy(config_out);
    return err;
}

void command_make_state_directory(const struct config *config)
{
    const char *path = config->state_directory;
    if (mkdir(path, 0700) == 0)
        LOG_INFO("state_directory.made", "path=\"%s\"", path);
    else if (errno != EEXIST)
        LOG_WARN("state_directory.missing", "path=\"%s\" error=\"%s\"", path, err_str(-errno));
    else if (access(path, W_OK | X_OK) != 0)
        LOG_WARN(
            "state_directory.not_writable",
            "path=\"%s\" uid=%u error=\"%s\" help=\"let this user write there, or name another "
            "state_directory\"",
            path, (unsigned)geteuid(), err_str(-errno));
}

int command_misused(const char *command, const char *what, const char *found)
{
    (void)fprintf(stderr, "ghgd %s: %s \"%s\"\nSee ghgd %s --help.\n", command, what, found,
                  command);
    return EXIT_MISUSED;
}
