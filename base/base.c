#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assert_failed(const char *file, int line, const char *fact)
{
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, fact);
    abort();
}

static const struct {
    int err;
    const char *text;
} texts[] = {
    {ERR_FULL, "full"},
    {ERR_SYNTAX, "does not follow its grammar"},
    {ERR_RANGE, "out of range"},
    {ERR_CONFIG, "the configuration has faults"},
    {ERR_PROTOCOL, "the peer broke its protocol"},
    /* libuv's own; the rest of its codes are -errno on every system with errno. Their numbers are
     * part of its ABI, so base need not see uv.h. */
    {-3000, "address family not supported"},
    {-3001, "temporary failure of name resolution"},
    {-3002, "bad flags for name resolution"},
    {-3003, "name resolution was cancelled"},
    {-3004, "permanent failure of name resolution"},
    {-3005, "address family not supported by name resolution"},
    {-3006, "out of memory in name resolution"},
    {-3007, "no address for this name"},
    {-3008, "unknown node or service"},
    {-3009, "name resolution: argument buffer overflow"},
    {-3010, "service not available for this socket type"},
    {-3011, "socket type not supported"},
    {-3013, "invalid hints for name resolution"},
    {-3014, "unknown resolved protocol"},
    {-4080, "invalid character"},
    {-4094, "unknown error"},
    {-4095, "end of file"},
};

const char *err_str(int err)
{
    if (err >= 0)
        return "no error";
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].err == err)
            return texts[i].text;
    /* Unlike strerror(), static storage for every number, so any thread may ask. */
    const char *text = err > -1000 ? strerrordesc_np(-err) : NULL;
    return text != NULL ? text : "unknown error";
}
