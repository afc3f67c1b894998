#include "pipelines/sink/http_sink.h"

#include "base/log.h"

static void count_failure(struct sink *sink, enum verdict verdict, bool timed_out)
{
    if (verdict == VERDICT_STRANGE)
        return; /* its answers were counted one by one */
    if (timed_out)
        sink->stats.requests_timeout++;
    else if (verdict == VERDICT_HOLD)
        sink->stats.requests_refused++;
    else if (verdict == VERDICT_BUSY)
        sink->stats.requests_throttled++;
    else
        sink->stats.requests_failed++;
}

int64_t http_sink_failed(struct sink *sink, const struct influx_answer *judged,
                         const struct http_answer *answer)
{
    count_failure(sink, judged->verdict, answer->timed_out);
    sink_note_failure(sink, judged->words);
    bool hold = judged->verdict == VERDICT_HOLD;
    int64_t retry_ms = hold ? backoff_slow_ms(&sink->backoff) : backoff_next_ms(&sink->backoff);
    if (retry_ms < answer->retry_after_ms)
        retry_ms = answer->retry_after_ms;
    LOG_LIMITED(hold ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "sink.write_failed",
                "sink=%s verdict=%s status=%d retry_ms=%lld words=\"%s\"", sink->conf->name,
                verdict_name(judged->verdict), answer->status, (long long)retry_ms,
                sink->stats.last_error);
    return retry_ms;
}
