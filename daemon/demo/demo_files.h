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

/* The target year of the demonstration began on this day, the first one of a month. It is ten
 * months old and more at that time. */
int32_t demo_first_day(int64_t now_ms);
/* When the first factory's clock showed the beginning of that day. */
int64_t demo_begin_ms(int32_t first_day);

/* Makes the folder and writes the files: configuration, facilities, meters, targets, and the
 * history of the three years before. All meters are expected from the day of `begin_ms` on. Returns
 * 0 or -errno, and then nothing is left. */
int demo_files_write(struct demo_files *files_out, const char *brokers,
                     int64_t begin_ms) MUST_CHECK;
/* Removes the folder with all that is in it. */
void demo_files_remove(const struct demo_files *files);

#endif
