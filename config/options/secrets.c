/*
 * secrets.c - passwords and tokens from files and credentials; see secrets.h.
 */
#include "config/options/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 64 << 10 }; /* a chain of certificates with its key has about 10 KiB */

static const char *read_whole(int file, char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(file, bytes + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return strerrordesc_np(errno);
        if (got == 0)
            return "changed while it was read";
        at += (size_t)got;
    }
    return NULL;
}

static const char *read_secret(int file, const char **secret_out, struct arena *arena,
                               bool *exposed_out)
{
    struct stat status;
    if (fstat(file, &status) < 0)
        return strerrordesc_np(errno);
    if (!S_ISREG(status.st_mode))
        return "is not a regular file";
    if (status.st_size == 0)
        return "is empty";
    if (status.st_size > SECRET_BYTES_MAX)
        return "is larger than 64KiB";
    size_t size = (size_t)status.st_size;
    char *bytes = arena_alloc(arena, size + 1);
    if (bytes == NULL)
        return strerrordesc_np(ENOMEM);
    const char *fault = read_whole(file, bytes, size);
    if (fault != NULL)
        return fault;
    if (memchr(bytes, '\0', size) != NULL)
        return "has a NUL byte in it";
    if (bytes[size - 1] == '\n')
        bytes[--size] = '\0';
    if (size > 0 && bytes[size - 1] == '\r')
        bytes[--size] = '\0';
    if (size == 0)
        return "holds nothing but a newline";
    *exposed_out = (status.st_mode & S_IROTH) != 0;
    *secret_out = bytes;
    return NULL;
}

const char *secret_read(const char **secret_out, const char *path, struct arena *arena,
                        bool *exposed_out)
{
    /* O_NONBLOCK: a FIFO must not hold up a reload. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0)
        return strerrordesc_np(errno);
    const char *fault = read_secret(file, secret_out, arena, exposed_out);
    close(file);
    return fault;
}

const char *secret_credential_path(const char **path_out, const char *name, struct arena *arena)
{
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return "has a name that no credential has";
    const char *folder = getenv("CREDENTIALS_DIRECTORY"); /* NOLINT(concurrency-mt-unsafe) */
    if (folder == NULL || folder[0] == '\0')
        return "is not there: this process has no credentials; start it as a systemd unit with "
               "LoadCredential=, or set CREDENTIALS_DIRECTORY";
    size_t size = strlen(folder) + 1 + strlen(name) + 1;
    char *path = arena_alloc(arena, size);
    if (path == NULL)
        return strerrordesc_np(ENOMEM);
    (void)snprintf(path, size, "%s/%s", folder, name);
    *path_out = path;
    return NULL;
}
