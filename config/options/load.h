/*
 * load.h - the YAML file into the settings, along the table of options; and what the parts of the
 * loader share meanwhile.
 *
 * A loading lives on the stack of config_load(); nothing of it outlives the call.
 */
#ifndef GHGD_LOAD_H
#define GHGD_LOAD_H

#include "base/faults.h"
#include "base/limits.h"
#include "config/options/options.h"
#include "config/options/settings.h"

/* 20 000 lines: facilities, meters and factors are in tables. */
enum { CONFIG_FILE_BYTES_MAX = 1 << 20 };

struct file_place {
    int line, column; /* from 1; line 0: nowhere, because it was not given */
};

struct loading {
    struct config *config;
    struct faults *faults;
    const char *file, *folder; /* folder: of the file, "" for the working directory */
    struct file_place places[1 + SINKS_MAX]
                            [OPTIONS_MAX]; /* where options stand: [0] global, [1 + sink] */
    struct file_place sinks[SINKS_MAX];
    bool sinks_unsure[SINKS_MAX]; /* its type or dialect is not known, nor what it needs */
    bool tables_unsure; /* what the tables are read with is wrong: they would be blamed for it */
    bool failed_memory;
};

/* Where the option stands; sink is -1 for those outside of sinks. */
struct file_place loading_place(const struct loading *loading, int sink, const char *path);

/* Memory of the configuration; the loading remembers if memory was short. */
void *loading_alloc(struct loading *loading, size_t size);
/* Texts: NUL-terminated copies; "" when out of memory, so that checks can go on. */
const char *loading_text(struct loading *loading, const char *text, size_t size);
/* The three texts as one. */
const char *loading_join(struct loading *loading, const char *first, const char *between,
                         const char *last);
/* The path as seen from the working directory: relative ones begin at `folder`. */
const char *loading_path(struct loading *loading, const char *folder, const char *path);

#define LOADING_ERROR(loading, place, ...)                                                         \
    faults_error((loading)->faults, (loading)->file, (place).line, (place).column, __VA_ARGS__)
#define LOADING_WARN(loading, place, ...)                                                          \
    faults_warn((loading)->faults, (loading)->file, (place).line, (place).column, __VA_ARGS__)

/* Reads the file along the table of options, and checks what stands in it; `text` keeps what is
 * shown of the file with each fault. Faults go to loading->faults, also after others, as far as
 * they do not depend on what was wrong. */
void options_load(struct loading *loading, struct buffer *text);

#endif
