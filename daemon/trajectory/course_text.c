#include "daemon/trajectory/course_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/decimal.h"
#include "pipelines/trajectory/slip.h"

const char *level_text(int64_t level)
{
    static const char *const words[ALERT_LEVELS] = {"ok", "watch", "warning", "critical"};
    ASSERT(level >= 0 && level < ALERT_LEVELS);
    return words[level];
}

const char *tonnes_text(char text[COURSE_TEXT_SIZE], int64_t mg)
{
    enum { MG_PER_KG = 1000000, KG_PER_T = 1000 };
    int64_t kg = (int64_t)div_round_even(mg, MG_PER_KG);
    int64_t size = kg < 0 ? -kg : kg;
    if (mg == NULL_NUMBER)
        (void)snprintf(text, COURSE_TEXT_SIZE, "-");
    else
        (void)snprintf(text, COURSE_TEXT_SIZE, "%s%" PRId64 ".%03" PRId64, kg < 0 ? "-" : "",
                       size / KG_PER_T, size % KG_PER_T);
    return text;
}

const char *slip_text(char text[COURSE_TEXT_SIZE], int64_t slip)
{
    enum { HUNDRED = 100 };
    if (slip == NULL_NUMBER) {
        (void)snprintf(text, COURSE_TEXT_SIZE, "-");
        return text;
    }
    int64_t size = slip < 0 ? -slip : slip;
    (void)snprintf(text, COURSE_TEXT_SIZE, "%s%" PRId64 ".%02" PRId64 " %%", slip < 0 ? "-" : "+",
                   size / HUNDRED, size % HUNDRED);
    return text;
}
