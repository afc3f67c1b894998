/*
 * faults.h - what is wrong with a configuration: collected, in order, told as a compiler would.
 *
 *     facilities.csv:17:5: error: time_zone: "Asia/Pekin" is not an IANA time zone;
 *         did you mean "Asia/Shanghai"?
 *
 * Every fault names file, line, key, what was found and what would be accepted.
 */
#ifndef GHGD_FAULTS_H
#define GHGD_FAULTS_H

#include "base/buffer.h"

struct faults {
    struct buffer *text;
    uint32_t errors, warnings;
    uint32_t errors_max; /* further errors are counted, not printed: a bad table has thousands */
};

/* column 0 and line 0 are left out. */
void faults_error(struct faults *faults, const char *file, int line, int column,
                  const char *format, ...) PRINTF_LIKE(5, 6);
void faults_warn(struct faults *faults, const char *file, int line, int column,
                 const char *format, ...) PRINTF_LIKE(5, 6);

/* The word of the list that is nearest to what was found, or NULL if none is near (Damerau-
 * Levenshtein distance up to a third of the length). For "did you mean". */
const char *faults_suggest(const char *found, const char *const *words, size_t count);

#endif
