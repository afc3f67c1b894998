#include "daemon/moment.h"

#include <stdio.h>
#include <string.h>

#include "base/durations.h"
#include "base/timestamp.h"

enum { DATE_SIZE = sizeof("2026-03-01") - 1 };

int moment_parse(int64_t *ms_out, const char *text, int64_t now_ms)
{
    size_t size = strlen(text);
    int64_t duration_ms;
    int err = duration_parse(&duration_ms, text, size);
    if (err == 0) {
        if (duration_ms > now_ms - TIME_MIN_MS)
            return ERR_RANGE;
        *ms_out = now_ms - duration_ms;
        return 0;
    }
    if (err == ERR_RANGE || size != DATE_SIZE)
        return err == ERR_RANGE ? err : timestamp_parse(ms_out, text, size);
    char whole[DATE_SIZE + sizeof("T00:00:00Z")];
    (void)snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
    return timestamp_parse(ms_out, whole, sizeof(whole) - 1);
}
