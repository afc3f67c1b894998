#include "tests/unit/ingest/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "pipelines/ingest/event_builder.h"

static enum outcome outcome_by_reason(const char *reason)
{
    if (strcmp(reason, "ok") == 0)
        return OUTCOME_USED;
    for (int i = REJECT_UNDECODABLE; i < OUTCOME_COUNT; i++)
        if (strcmp(outcome_reason((enum outcome)i), reason) == 0)
            return (enum outcome)i;
    fail_msg("no outcome is called %s", reason);
    return OUTCOME_COUNT;
}

static enum time_unit time_unit_by_name(const char *name)
{
    static const char *const names[] = {"none", "s", "ms", "us", "ns"};
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum time_unit)i;
    fail_msg("no time unit is called %s", name);
    return TIME_UNIT_NONE;
}

struct event_case *cases_load(size_t *count_out)
{
    FILE *file = fopen("tests/data/events/cases.tsv", "r");
    assert_non_null(file);
    struct event_case *cases = calloc(CASES_MAX, sizeof(*cases));
    assert_non_null(cases);
    size_t count = 0;
    while (count < CASES_MAX && fgets(cases[count].line, CASE_BYTES_MAX, file) != NULL) {
        struct event_case *row = &cases[count];
        if (row->line[0] == '#')
            continue;
        char *columns[CASE_COLUMNS];
        char *rest = row->line;
        rest[strcspn(rest, "\n")] = '\0';
        for (size_t i = 0; i < CASE_COLUMNS; i++)
            assert_non_null(columns[i] = strsep(&rest, "\t"));
        row->name = columns[0];
        row->time_unit = time_unit_by_name(columns[1]);
        row->fault = outcome_by_reason(columns[2]);
        row->event = columns[3];
        row->render = columns[4];
        count++;
    }
    assert_true(count < CASES_MAX);
    (void)fclose(file);
    *count_out = count;
    return cases;
}

/* An event as the table's last column has it. */
static void event_render(char *out, size_t size, const struct event *event)
{
    char time[TIMESTAMP_TEXT_SIZE];
    char end[TIMESTAMP_TEXT_SIZE] = "";
    bool instant = (event->present >> FIELD_TIME & 1) != 0;
    timestamp_format(time, instant ? event->time_ms : event->start_ms);
    if (!instant)
        timestamp_format(end, event->end_ms);
    bool unit = (event->present >> FIELD_UNIT & 1) != 0, id = (event->present >> FIELD_ID & 1) != 0;
    (void)snprintf(out, size, "%.*s %s%s%s %llde%d %.*s %s r%u %.*s", (int)event->meter_size,
                   event->meter, time, instant ? "" : "/", end, (long long)event->value.digits,
                   -event->value.scale, unit ? (int)event->unit_size : 1, unit ? event->unit : "-",
                   quality_name((enum quality)event->quality), event->revision,
                   id ? (int)event->id_size : 1, id ? event->id : "-");
    size_t used = strlen(out);
    if (event->id_is_bad)
        used += (size_t)snprintf(out + used, size - used, " bad id");
    if (event->kind != EVENT_READING)
        used += (size_t)snprintf(out + used, size - used, " %s",
                                 event_kind_word((enum event_kind)event->kind));
    if (event_kind_decides(event->kind))
        (void)snprintf(out + used, size - used, " %s", event_kind_word((enum event_kind)event->of));
    if (event->kind == EVENT_EXCHANGE)
        (void)snprintf(out + used, size - used, " %llde%d %llde%d", (long long)event->final.digits,
                       -event->final.scale, (long long)event->initial.digits,
                       -event->initial.scale);
}

static void given_add(void *context, const struct event *event)
{
    struct given *given = context;
    size_t i = given->count++;
    assert_true(i < GIVEN_MAX);
    given->events[i].fault = (enum outcome)event->fault;
    given->events[i].offset = (size_t)((const char *)event->bytes - given->message);
    given->events[i].size = event->bytes_size;
    given->events[i].render[0] = '\0';
    if (event->fault == 0)
        event_render(given->events[i].render, sizeof(given->events[i].render), event);
}

void decode_guarded(struct decoder *decoder, const void *message, size_t size, struct given *given)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t span = (size + page) / page * page;
    char *map = mmap(NULL, span + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_return_code(mprotect(map + span, page, PROT_NONE), 0);
    char *copy = map + span - size;
    memcpy(copy, message, size);
    given->count = 0;
    given->message = copy;
    decoder_decode(decoder, copy, size, false, given_add, given);
    assert_return_code(munmap(map, span + page), 0);
}

struct decoder *decoder_for(enum event_format format, enum time_unit time_unit)
{
    struct decode_conf conf = {.format = format, .time_unit = (uint8_t)time_unit};
    struct decoder *decoder;
    assert_int_equal(decoder_create(&decoder, &conf), 0);
    return decoder;
}
