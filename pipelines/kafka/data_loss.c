#include "pipelines/kafka/data_loss.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/timestamp.h"

enum { WORDS_BYTES_MAX = 1024 };

uint64_t data_loss_count(const struct data_loss *loss)
{
    return loss->to > loss->from ? (uint64_t)(loss->to - loss->from) : 0;
}

static void print_time(struct buffer *out, const char *words, int64_t time_ms)
{
    char text[TIMESTAMP_TEXT_SIZE];
    if (time_ms >= 0 && time_ms <= TIME_MAX_MS)
        buffer_printf(out, "%s%s", words, timestamp_format(text, time_ms));
}

void data_loss_print(const struct data_loss *loss, struct buffer *out)
{
    if (loss->to > loss->from)
        buffer_printf(out,
                      "offsets %" PRId64 " to %" PRId64
                      " are gone from the topic before they were read; the oldest left is %" PRId64,
                      loss->from, loss->to - 1, loss->to);
    else if (loss->forgotten)
        buffer_printf(out,
                      "the group has no offset any more, though offset %" PRId64
                      " came next: its offsets have expired or were deleted, or the topic was "
                      "created again; the oldest message left is %" PRId64,
                      loss->from, loss->to);
    else
        buffer_printf(out,
                      "offset %" PRId64
                      " came next, but the topic was created again, or its log was cut off: it "
                      "now begins at %" PRId64,
                      loss->from, loss->to);
    if (loss->forgotten)
        print_time(out, "; its state was saved last at ", loss->saved_ms);
    print_time(out, "; the last one read had arrived at ", loss->taken_ms);
    print_time(out, "; the oldest left arrived at ", loss->to_ms);
}

void data_loss_log(const char *event, int32_t partition, const struct data_loss *loss, bool halts)
{
    struct buffer words;
    buffer_init(&words, WORDS_BYTES_MAX);
    data_loss_print(loss, &words);
    const char *text = buffer_text(&words);
    LOG_ERROR(event,
              "partition=%" PRId32 " from_offset=%" PRId64 " to_offset=%" PRId64
              " consumption=%s what=\"%s\" hint=\"%s\"",
              partition, loss->from, loss->to, halts ? "stopped" : "continues",
              text != NULL ? text : "",
              halts ? "the other partitions go on; to go on with what is left, set "
                      "kafka.on_data_loss: continue and reload"
                    : "figures of these times are incomplete");
    buffer_fini(&words);
}
