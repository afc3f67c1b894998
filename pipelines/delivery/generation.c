#include "pipelines/delivery/generation.h"

bool generation_ends(struct generation *generation, uint64_t young, uint64_t old, int64_t before_ms,
                     int64_t now_ms)
{
    bool ends = old > 0 ? generation->end_ms <= before_ms : young > 0;
    if (ends)
        generation->end_ms = now_ms;
    return ends;
}
