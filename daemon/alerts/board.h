/*
 * board.h - targets of facilities as the daemon judged them last: from its saved state, for
 * `ghgd alerts list` and `ghgd alerts show`.
 *
 * The daemon goes on undisturbed. Its state has the newest row of each target and the newest change
 * of its level. One thread; calls block.
 */
#ifndef GHGD_BOARD_H
#define GHGD_BOARD_H

#include "config/config.h"
#include "pipelines/trajectory/courses.h"

enum board_format { BOARD_TABLE, BOARD_CSV, BOARD_JSON, BOARD_FORMAT_COUNT };
/* table, csv, json; -1: there is no such format. */
int board_format_find(const char *name);

/* One target as it was judged last. */
struct board_entry {
    struct course_told now;    /* its target is NULL: it has not been judged */
    struct course_told change; /* its target is NULL: the level has always been ok */
    int64_t watermark_ms;      /* stamps up to it were judged */
};

struct board {
    const struct config *config;
    struct board_entry *entries; /* by target of config->targets */
    uint32_t partitions;         /* with a saved state */
};

/* Reads the saved state. Returns 0; or negative, with words in `why` if there are any. */
int board_read(struct board *board_out, const struct config *config, struct buffer *why) MUST_CHECK;
void board_fini(struct board *board);

/* Lines of the targets of facilities; without `all` only of those above ok. Returns their number.
 */
uint32_t board_add_list(const struct board *board, struct buffer *out, enum board_format format,
                        bool all);
/* The notice of the target as it is now. False: it has not been judged. */
bool board_add_notice(const struct board *board, struct buffer *out, uint32_t target,
                      enum language language);

#endif
