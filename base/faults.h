/*
 * faults.h - what is wrong with a configuration: collected, in order, told as a compiler would.
 *
 *     ghgd.yaml:12:11: error: windows.bucket: "15" has no unit; write 15m or 15s
 *        12 |   bucket: 15
 *           |           ^
 *
 * Every fault names file, line, key, what was found and what would be accepted. Lines that may
 * hold a secret are not shown. The caller sets `text` and `errors_max` and leaves the rest zero.
 */
#ifndef GHGD_FAULTS_H
#define GHGD_FAULTS_H

#include "base/buffer.h"

enum { FAULTS_SORTED_MAX = 128 }; /* faults that faults_sort() can put in order */

struct fault_place {
    size_t offset, size; /* of the fault's text */
    int line, column;
};

struct faults {
    struct buffer *text;
    uint32_t errors, warnings;
    uint32_t errors_max; /* further errors are counted, not printed: a bad table has thousands */
    const char *source_file, *source; /* see faults_show_source() */
    size_t source_size;
    struct fault_place places[FAULTS_SORTED_MAX];
    uint32_t places_count, sorted_count;
};

/* column 0 and line 0 are left out. Columns count bytes, from 1. */
void faults_error(struct faults *faults, const char *file, int line, int column, const char *format,
                  ...) PRINTF_LIKE(5, 6);
void faults_warn(struct faults *faults, const char *file, int line, int column, const char *format,
                 ...) PRINTF_LIKE(5, 6);

/* From now on faults of this file show their source line and a caret under the column. The text is
 * borrowed until the next call, which replaces it; NULL for none. */
void faults_show_source(struct faults *faults, const char *file, const char *source, size_t size);

/* Orders what was reported since the last call by line and column, for checks that jump about in
 * one file. */
void faults_sort(struct faults *faults);

/* Says how many errors were counted and not printed, if any. */
void faults_end(struct faults *faults);

/* The word of the list that is nearest to what was found, or NULL if no word is near. A word is
 * near if its Damerau-Levenshtein distance is at most a third of the length; case does not count.
 * For "did you mean". */
const char *faults_suggest(const char *found, const char *const *words, size_t count);

#endif
