#include "daemon/http/resync.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/engine/assigned_rows.h"

enum { STATUS_OK = 200, STATUS_BAD = 400, STATUS_NO_SINK = 404, STATUS_BUSY = 409 };

static uint32_t find_sink(const struct config *config, const char *name)
{
    for (uint32_t i = 0; i < config->sinks_count; i++) {
        if (strcmp(config->sinks[i].name, name) == 0)
            return i;
    }
    return UINT32_MAX;
}

static unsigned refuse_sink(const struct config *config, struct buffer *body)
{
    buffer_add_str(body, "There is no such sink. There is:\n");
    for (uint32_t i = 0; i < config->sinks_count; i++)
        buffer_printf(body, "  %s\n", config->sinks[i].name);
    return STATUS_NO_SINK;
}

static void mark(struct resync_page *resync, uint32_t sink, int64_t from_ms, struct buffer *body)
{
    struct assigned_rows_marked marked;
    assigned_rows_mark_dirty(intake_get_assigned_set(resync->intake), sink, from_ms, &marked);
    resync->asked[sink] = true;
    resync->windows[sink] += marked.windows;
    buffer_printf(body, "windows %" PRIu64 "\npartitions %" PRIu32 "\nwaiting %" PRIu32 "\n",
                  marked.windows, marked.partitions, marked.waiting);
    char open[TIMESTAMP_TEXT_SIZE];
    if (marked.open_ms != INT64_MIN)
        buffer_printf(body, "open %s\n", timestamp_format(open, marked.open_ms));
    LOG_INFO("resync.marked", "sink=%s windows=%" PRIu64 " partitions=%" PRIu32 " waiting=%" PRIu32,
             resync->config->sinks[sink].name, marked.windows, marked.partitions, marked.waiting);
    row_writer_emit(resync->row_writer);
}

unsigned resync_post(void *context, const struct http_query *query, struct buffer *body)
{
    struct resync_page *resync = context;
    const char *name = http_query_get(query, "sink");
    const char *from = http_query_get(query, "from");
    if (name == NULL) {
        buffer_add_str(body, "Name the sink: /resync?sink=NAME, and &from=TIME if you like.\n");
        return STATUS_BAD;
    }
    uint32_t sink = find_sink(resync->config, name);
    if (sink == UINT32_MAX || resync->intake == NULL)
        return refuse_sink(resync->config, body);
    int64_t from_ms = INT64_MIN;
    if (from != NULL && timestamp_parse(&from_ms, from, strlen(from)) < 0) {
        buffer_add_str(body, "from= wants a time with offset, such as 2026-03-01T10:15:00Z.\n");
        return STATUS_BAD;
    }
    if (resync->asked[sink] && row_writer_is_due(resync->row_writer, sink)) {
        buffer_add_str(body, "The sink has not yet got the rows of the last request.\n");
        return STATUS_BUSY;
    }
    mark(resync, sink, from_ms, body);
    return STATUS_OK;
}
