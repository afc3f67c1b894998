/*
 * sqlite_files.h - the files of an open SQLite database: whether its path still leads to them.
 *
 * If the file of an open database is deleted or moved, its writer goes on, and writes to nothing.
 * Device and inode tell, of the database, of its log (-wal) and of the log's index (-shm).
 * A file that is written over in place keeps its inode. Thread: any.
 */
#ifndef GHGD_SQLITE_FILES_H
#define GHGD_SQLITE_FILES_H

#include "base/base.h"

enum { SQLITE_FILES_COUNT = 3 };

struct sqlite_files {
    uint64_t device[SQLITE_FILES_COUNT], inode[SQLITE_FILES_COUNT]; /* 0: it is not there */
};

/* Reads the files that the path leads to now. */
void sqlite_files_read(struct sqlite_files *files_out, const char *path);
/* The database itself is another file, or gone; `before` is zero if it was never read. */
bool sqlite_files_is_other(const struct sqlite_files *before, const struct sqlite_files *now);
/* The same of any file that was there before. */
bool sqlite_files_have_moved(const struct sqlite_files *before, const struct sqlite_files *now);

#endif
