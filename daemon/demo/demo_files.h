/*
 * demo_files.h - the configuration of the demonstration, compiled in, as files in a folder of its
 * own under TMPDIR.
 */
#ifndef GHGD_DEMO_FILES_H
#define GHGD_DEMO_FILES_H

#include "base/base.h"

#define DEMO_TOPIC "meter-readings"

enum { DEMO_PATH_MAX = 512 };

struct demo_files {
    char folder[DEMO_PATH_MAX];
    char config[DEMO_PATH_MAX + 16]; /* the YAML file */
};

/* Makes the folder and writes the files. All meters are expected from the day of `begin_ms` on.
 * Returns 0 or -errno, and then nothing is left. */
int demo_files_write(struct demo_files *files_out, const char *brokers,
                     int64_t begin_ms) MUST_CHECK;
/* Removes the folder with all that is in it. */
void demo_files_remove(const struct demo_files *files);

#endif
