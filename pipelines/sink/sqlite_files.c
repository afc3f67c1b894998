#include "pipelines/sink/sqlite_files.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

void sqlite_files_read(struct sqlite_files *files_out, const char *path)
{
    static const char *const endings[SQLITE_FILES_COUNT] = {"", "-wal", "-shm"};
    *files_out = (struct sqlite_files){0};
    for (int i = 0; i < SQLITE_FILES_COUNT; i++) {
        char name[PATH_MAX];
        struct stat status;
        int size = snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        if (size < 0 || size >= (int)sizeof(name) || stat(name, &status) < 0)
            continue;
        files_out->device[i] = status.st_dev;
        files_out->inode[i] = status.st_ino;
    }
}

static bool has_moved(const struct sqlite_files *before, const struct sqlite_files *now, int i)
{
    return before->inode[i] != 0 &&
           (before->device[i] != now->device[i] || before->inode[i] != now->inode[i]);
}

bool sqlite_files_is_other(const struct sqlite_files *before, const struct sqlite_files *now)
{
    return has_moved(before, now, 0);
}

bool sqlite_files_have_moved(const struct sqlite_files *before, const struct sqlite_files *now)
{
    for (int i = 0; i < SQLITE_FILES_COUNT; i++)
        if (has_moved(before, now, i))
            return true;
    return false;
}
