/* Text that parses as a time comes back as itself after it was formatted. */
#include "base/timestamp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_integer(const uint8_t *data, size_t size)
{
    int64_t value = 0;
    memcpy(&value, data, size < sizeof(value) ? size : sizeof(value));
    char text[TIMESTAMP_TEXT_SIZE];
    ASSERT(strlen(timestamp_format(text, value)) < sizeof(text));
    for (enum time_unit unit = TIME_UNIT_NONE; unit <= TIME_UNIT_NS; unit++) {
        int64_t ms = 0;
        if (timestamp_from_int(&ms, value, unit) == 0)
            ASSERT(ms >= TIME_MIN_MS && ms <= TIME_MAX_MS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_integer(data, size);
    int64_t ms = 0;
    if (timestamp_parse(&ms, (const char *)data, size) != 0)
        return 0;
    ASSERT(ms >= TIME_MIN_MS && ms <= TIME_MAX_MS);
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(text, ms);
    int64_t again_ms = 0;
    int err = timestamp_parse(&again_ms, text, strlen(text));
    ASSERT(err == 0);
    ASSERT(again_ms == ms);
    return 0;
}
