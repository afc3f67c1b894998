/* test_metrics.c - the text that Prometheus gets, line by line, and its documentation. */
#include "daemon/http/metrics.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/http/health.h"

struct example {
    struct shard_stats elsewhere, shards[2];
    struct metrics_shard shard_list[2];
    struct consumer_stats consumer;
    struct consumer_partition_stats partitions[2];
    struct producer_stats deadletter;
    struct checkpoint_stats checkpoint;
    struct metrics_part assigned_set[2];
    struct sink_stats sinks[2];
    struct metrics_sink sink_list[2];
    struct survey_round survey;
    struct unheard_round unheard;
    struct metrics_source source;
};

static void fill_shards(struct example *e)
{
    e->elsewhere.outcomes[OUTCOME_USED] = 1000;
    e->elsewhere.outcomes[REJECT_UNDECODABLE] = 7;
    e->elsewhere.dirty_rows = 5; /* no counter: not read */
    for (size_t i = 0; i < 2; i++) {
        e->shards[i].outcomes[OUTCOME_USED] = 10 + i;
        e->shards[i].overlaps = 1;
        e->shards[i].dirty_rows = 100 + i;
        e->shard_list[i] = (struct metrics_shard){(int32_t)i, &e->shards[i]};
    }
    e->shards[0].watermark_ms = 1772323200250;
    e->shards[0].floor_ms = -1500;
    e->shards[1].watermark_ms = INT64_MIN; /* no event yet */
    e->shards[1].floor_ms = INT64_MIN;
    e->source.elsewhere = &e->elsewhere;
    e->source.shards = e->shard_list;
    e->source.shards_count = 2;
}

static void fill_sinks(struct example *e)
{
    e->sinks[0] = (struct sink_stats){.healthy = true,
                                      .requests_ok = 4,
                                      .requests_timeout = 1,
                                      .rows_written = 18446744073709551615U,
                                      .latency_count = 5,
                                      .latency_sum_us = 1234567,
                                      .latency_bucket = {2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}};
    (void)snprintf(e->sinks[1].last_error, sizeof(e->sinks[1].last_error), "database\nnot found");
    e->sink_list[0] = (struct metrics_sink){.name = "main", .stats = &e->sinks[0]};
    e->sink_list[1] = (struct metrics_sink){
        .name = "a \"b\"\\c\nd", .stats = &e->sinks[1], .failing_ms = 61500, .resync_windows = 77};
    e->source.sinks = e->sink_list;
    e->source.sinks_count = 2;
}

static void fill_parts(struct example *e)
{
    e->checkpoint = (struct checkpoint_stats){
        .writes = 9, .full_writes = 2, .waiting_bytes = 4096, .loop_us = 1250000};
    e->assigned_set[0] =
        (struct metrics_part){.partition = 0,
                              .read = 30,
                              .outcomes = {[OUTCOME_USED] = 28, [REJECT_TOO_LARGE] = 2},
                              .age_ms = 12500,
                              .save_ms = 45,
                              .save_cpu_us = 1500,
                              .restore_ms = 700,
                              .takeover = true};
    e->assigned_set[1] = (struct metrics_part){.partition = 1,
                                               .age_ms = -1,
                                               .save_ms = -1,
                                               .save_cpu_us = -1,
                                               .restore_ms = -1,
                                               .unreadable = true,
                                               .why = "the pointer is\nnone"};
    e->source.checkpoint = &e->checkpoint;
    e->source.assigned_set = e->assigned_set;
    e->source.parts_count = 1;
}

static void fill_survey(struct example *e)
{
    e->survey = (struct survey_round){
        .rollovers = 959,
        .breaks = 2,
        .left_aside = 7,
        .stretches = 3,
        .unlisted = 4,
        .listed = 3,
        .meters = {{"kwh \"1\"", "hz", "register_contradiction", 900500, 0, 0},
                   {"kwh 2", "hz", "register_contradiction", 0, 7, 0},
                   {"tank", "hz", "stock_negative", 2000, 0, 86400000}}};
    e->source.survey = &e->survey;
    e->unheard =
        (struct unheard_round){.heard = 38, .unheard = 3, .named = 2, .names = {"a \"b\"", "c\nd"}};
    e->source.unheard = &e->unheard;
}

static void fill(struct example *e)
{
    memset(e, 0, sizeof(*e));
    fill_shards(e);
    fill_sinks(e);
    fill_parts(e);
    fill_survey(e);
    e->consumer = (struct consumer_stats){.messages = 12, .assigned = 2, .rebalances = 1};
    e->partitions[0] = (struct consumer_partition_stats){
        .next_offset = 41, .log_end = 43, .lag = 2, .partition = 0, .caught_up = true};
    e->partitions[1] = (struct consumer_partition_stats){
        .next_offset = -1, .log_end = -1, .lag = -1, .partition = 1, .stopped = true};
    e->deadletter.waiting = 3;
    e->source.consumer = &e->consumer;
    e->source.partitions = e->partitions;
    e->source.partitions_count = 2;
    e->source.deadletter = &e->deadletter;
    e->source.daemon = (struct metrics_daemon){.started_ms = 1772323200000,
                                               .now_ms = 1772323260500,
                                               .reloads_failed = 2,
                                               .last_reload_ok = 0,
                                               .checkpoint_client_us = 500};
    usage_read(&e->source.usage);
}

static void test_samples(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool wanted;
    } cases[] = {
        {"\nghgd_uptime_seconds 60.5\n", true},
        {"\nghgd_checkpoints_total 9\n", true},
        {"\nghgd_checkpoint_waiting_bytes 4096\n", true},
        {"\nghgd_checkpoint_cpu_seconds_total{thread=\"loop\"} 1.25\n", true},
        {"\nghgd_checkpoint_cpu_seconds_total{thread=\"kafka\"} 0.0005\n", true},
        {"\nghgd_partition_checkpoint_age_seconds{partition=\"0\"} 12.5\n", true},
        {"\nghgd_partition_checkpoint_cpu_seconds{partition=\"0\"} 0.0015\n", true},
        {"\nghgd_partition_checkpoint_age_seconds{partition=\"1\"}", false}, /* none yet */
        {"\nghgd_partition_restore_duration_seconds{partition=\"1\"}", false},
        {"\nghgd_partition_unreadable{partition=\"1\"} 1\n", true},
        {"\nghgd_partition_takeover{partition=\"0\"} 1\n", true},
        {"\nghgd_partition_read_events{partition=\"0\"} 30\n", true},
        {"\nghgd_partition_account_events{partition=\"0\",outcome=\"used\",reason=\"\"} 28\n",
         true},
        {"\nghgd_partition_account_events{partition=\"0\",outcome=\"rejected\","
         "reason=\"too_large\"} 2\n",
         true},
        {"\nprocess_start_time_seconds 1772323200\n", true},
        {"\nghgd_config_reloads_total{result=\"refused\"} 2\n", true},
        {"\nghgd_config_last_reload_successful 0\n", true},
        {"\nghgd_consumer_messages_total 12\n", true},
        {"\nghgd_consumer_assigned_partitions 2\n", true},
        {"\nghgd_partition_next_offset{partition=\"0\"} 41\n", true},
        {"\nghgd_partition_lag_messages{partition=\"0\"} 2\n", true},
        {"ghgd_partition_lag_messages{partition=\"1\"}", false}, /* unknown is not -1 */
        {"\nghgd_partition_stopped{partition=\"1\"} 1\n", true},
        {"\nghgd_partition_caught_up{partition=\"1\"} 0\n", true},
        /* The sum of two shards and of what stands in none. */
        {"\nghgd_events_total{outcome=\"used\",reason=\"\"} 1021\n", true},
        {"\nghgd_events_total{outcome=\"rejected\",reason=\"undecodable\"} 7\n", true},
        {"\nghgd_events_total{outcome=\"rejected\",reason=\"conflict\"} 0\n", true},
        {"\nghgd_reading_overlaps_total 2\n", true},
        {"\nghgd_register_rollovers 959\n", true},
        {"\nghgd_register_breaks 2\n", true},
        {"\nghgd_held_stretches 3\n", true},
        {"\nghgd_meters_unlisted 4\n", true},
        {"\nghgd_facilities_heard 38\n", true},
        {"\nghgd_facilities_unheard 3\n", true},
        {"\nghgd_meter_held_seconds{facility=\"hz\",meter=\"kwh \\\"1\\\"\","
         "reason=\"register_contradiction\"} 900.5\n",
         true},
        {"\nghgd_meter_glitches{facility=\"hz\",meter=\"kwh \\\"1\\\"\"}", false},
        {"\nghgd_meter_glitches{facility=\"hz\",meter=\"kwh 2\"} 7\n", true},
        {"\nghgd_meter_held_seconds{facility=\"hz\",meter=\"kwh 2\"", false},
        {"\nghgd_meter_held_seconds{facility=\"hz\",meter=\"tank\",reason=\"stock_negative\"} 2\n",
         true},
        {"\nghgd_meter_held_seconds{facility=\"hz\",meter=\"tank\",reason=\"overdue\"} 86400\n",
         true},
        {"\nghgd_shard_dirty_rows{partition=\"1\"} 101\n", true},
        {"\nghgd_shard_watermark_timestamp_seconds{partition=\"0\"} 1772323200.25\n", true},
        {"\nghgd_shard_floor_timestamp_seconds{partition=\"0\"} -1.5\n", true},
        {"ghgd_shard_watermark_timestamp_seconds{partition=\"1\"}", false},
        {"\nghgd_dead_letters_waiting 3\n", true},
        {"\nghgd_sink_rows_written_total{sink=\"main\"} 18446744073709551615\n", true},
        {"\nghgd_sink_healthy{sink=\"main\"} 1\n", true},
        {"\nghgd_sink_requests_total{sink=\"main\",result=\"timeout\"} 1\n", true},
        /* Backslash, quote and line end of a name. */
        {"\nghgd_sink_healthy{sink=\"a \\\"b\\\"\\\\c\\nd\"} 0\n", true},
        {"\nghgd_sink_failing_seconds{sink=\"a \\\"b\\\"\\\\c\\nd\"} 61.5\n", true},
        {"\nghgd_sink_resync_windows_total{sink=\"a \\\"b\\\"\\\\c\\nd\"} 77\n", true},
        /* Buckets add up; the last has no bound and is +Inf. */
        {"\nghgd_sink_request_duration_seconds_bucket{sink=\"main\",le=\"0.001\"} 2\n", true},
        {"\nghgd_sink_request_duration_seconds_bucket{sink=\"main\",le=\"0.0025\"} 3\n", true},
        {"\nghgd_sink_request_duration_seconds_bucket{sink=\"main\",le=\"10\"} 4\n", true},
        {"\nghgd_sink_request_duration_seconds_bucket{sink=\"main\",le=\"+Inf\"} 5\n", true},
        {"le=\"4294.967295\"", false},
        {"\nghgd_sink_request_duration_seconds_sum{sink=\"main\"} 1.234567\n", true},
        {"\nghgd_sink_request_duration_seconds_count{sink=\"main\"} 5\n", true},
    };
    static struct example example;
    fill(&example);
    example.source.parts_count = 2;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    metrics_print(&example.source, &out);
    const char *text = buffer_text(&out);
    assert_non_null(text);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if ((strstr(text, cases[i].text) != NULL) != cases[i].wanted)
            fail_msg("%s: %s", cases[i].wanted ? "missing" : "not wanted", cases[i].text);
    }
    buffer_fini(&out);
}

static bool is_number(const char *text)
{
    char *end = NULL;
    (void)strtod(text, &end);
    return end != text && *end == '\0';
}

/* Ends with one of the suffixes that a sample of the type may add to the name of its family. */
static bool belongs(const char *sample, const char *family, const char *type)
{
    size_t size = strlen(family);
    if (strncmp(sample, family, size) != 0)
        return false;
    const char *rest = sample + size;
    if (strcmp(type, "histogram") != 0)
        return *rest == '\0';
    return strcmp(rest, "_bucket") == 0 || strcmp(rest, "_sum") == 0 || strcmp(rest, "_count") == 0;
}

static void check_family(const char *name, const char *type)
{
    for (const char *c = name; *c != '\0'; c++)
        assert_true(islower((unsigned char)*c) || *c == '_');
    bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
    if (total != (strcmp(type, "counter") == 0))
        fail_msg("%s is a %s: counters, and only they, end in _total", name, type);
}

/* Every sample follows the HELP and TYPE of its family; every family stands there once. */
static void check_format(char *text)
{
    char family[96] = "";
    char type[16] = "";
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            char *name = line + 7;
            size_t size = strcspn(name, " ");
            assert_true(name[size] == ' ' && name[size + 1] != '\0' && size < sizeof(family));
            (void)snprintf(family, sizeof(family), "%.*s", (int)size, name);
            line = strtok_r(NULL, "\n", &save);
            assert_non_null(line);
            assert_true(strncmp(line, "# TYPE ", 7) == 0);
            assert_true(strncmp(line + 7, family, size) == 0 && line[7 + size] == ' ');
            (void)snprintf(type, sizeof(type), "%s", line + 8 + size);
            check_family(family, type);
            continue;
        }
        char *value = strrchr(line, ' ');
        assert_non_null(value);
        *value++ = '\0';
        char *labels = strchr(line, '{');
        if (labels != NULL) {
            assert_true(value[-2] == '}');
            *labels = '\0';
        }
        if (!belongs(line, family, type) || !is_number(value))
            fail_msg("%s %s does not belong to %s, a %s", line, value, family, type);
    }
}

static void test_format(void **state)
{
    (void)state;
    static struct example example;
    static const struct metrics_source nothing;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    fill(&example);
    const struct metrics_source *const sources[] = {&example.source, &nothing};
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        buffer_clear(&out);
        metrics_print(sources[i], &out);
        char *text = strdup(buffer_text(&out));
        assert_non_null(text);
        check_format(text);
        free(text);
    }
    buffer_fini(&out);
}

static void test_facilities(void **state)
{
    (void)state;
    static const struct {
        const char *name, *id;
        uint64_t outcomes[OUTCOME_COUNT];
        const char *want;
    } cases[] = {
        {"nothing happened yet",
         "plant",
         {0},
         "{facility=\"plant\",outcome=\"used\",reason=\"\"} 0\n"},
        {"some",
         "plant",
         {[OUTCOME_USED] = 7, [OUTCOME_LATE] = UINT64_MAX, [REJECT_CONFLICT] = 1},
         "{facility=\"plant\",outcome=\"used\",reason=\"\"} 7\n"
         "ghgd_facility_account_events{facility=\"plant\",outcome=\"late\",reason=\"\"} "
         "18446744073709551615\n"
         "ghgd_facility_account_events{facility=\"plant\",outcome=\"rejected\",reason=\"conflict\"}"
         " "
         "1\n"},
        {"a name",
         "Fabrik \"Süd\"\\1\n\xe5\xb7\xa5",
         {[OUTCOME_USED] = 1},
         "{facility=\"Fabrik \\\"Süd\\\"\\\\1\\n\xe5\xb7\xa5\",outcome=\"used\",reason=\"\"} 1\n"},
    };
    struct buffer out;
    buffer_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&out);
        metrics_print_facility(cases[i].id, cases[i].outcomes, &out);
        const char *got = buffer_text(&out);
        if (strncmp(got, "ghgd_facility_account_events", 28) != 0 ||
            strcmp(got + 28, cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].name, got);
    }
    buffer_clear(&out);
    metrics_print_facilities_head(&out);
    metrics_print_facility("a", cases[1].outcomes, &out);
    metrics_print_facility("b", cases[0].outcomes, &out);
    char *text = strdup(buffer_text(&out));
    assert_non_null(text);
    check_format(text);
    free(text);
    buffer_fini(&out);
}

static void test_usage(void **state)
{
    (void)state;
    struct usage stats;
    FILE *file = fopen("/dev/null", "r");
    usage_read(&stats);
    assert_in_range(stats.open_fds, 4, 1000);
    uint64_t before = stats.open_fds;
    (void)fclose(file);
    usage_read(&stats);
    assert_int_equal(stats.open_fds, before - 1);
    assert_true(stats.resident_bytes > 1 << 20 && stats.resident_bytes < stats.virtual_bytes);
    assert_true(stats.max_fds >= stats.open_fds);
}

/* docs/metrics.md is what the table says. GHGD_TEST_UPDATE=1 writes it again. */
static void test_reference(void **state)
{
    (void)state;
    static const char path[] = "docs/metrics.md";
    struct buffer want;
    struct buffer got;
    buffer_init(&want, 1 << 20);
    buffer_init(&got, 1 << 20);
    metrics_print_reference(&want);
    FILE *file = fopen(path, getenv("GHGD_TEST_UPDATE") != NULL ? "w+" : "r");
    if (file == NULL)
        fail_msg("%s: run the tests from the root of the project", path);
    if (getenv("GHGD_TEST_UPDATE") != NULL) {
        assert_int_equal(fwrite(want.data, 1, want.size, file), want.size);
        rewind(file);
    }
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        buffer_add_char(&got, (char)c);
    (void)fclose(file);
    if (got.size != want.size || memcmp(got.data, want.data, got.size) != 0)
        fail_msg("%s is not what the table says: GHGD_TEST_UPDATE=1 make test writes it again",
                 path);
    buffer_fini(&want);
    buffer_fini(&got);
}

static void test_health(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    static struct example example;
    fill(&example);
    assert_int_equal(health_print(NULL, &example.source, &out), 200);
    assert_string_equal(buffer_text(&out), "ok loop: it turns\n");
    buffer_clear(&out);
    assert_int_equal(health_print("the broker fenced us", &example.source, &out), 503);
    assert_string_equal(buffer_text(&out), "no fatal: the broker fenced us\n");
    buffer_fini(&out);
}

static void test_ready(void **state)
{
    (void)state;
    static const struct {
        const char *name, *fatal;
        const char *refused;
        uint32_t assigned, rebalances;
        bool caught_up;
        int32_t lag, failing_ms;
        unsigned want;
        const char *line;
    } cases[] = {
        {"all is well", NULL, NULL, 2, 1, true, 0, 0, 200, "ok caught_up: 2 of 2\n"},
        {"lag is normal once caught up", NULL, NULL, 2, 1, true, 500, 0, 200, "ok assigned: 2\n"},
        {"a sink failed just now", NULL, NULL, 2, 1, true, 0, 60000, 200,
         "ok sink a b: has failed for 60 s; database not found\n"},
        {"a spare", NULL, NULL, 0, 3, true, 0, 0, 200,
         "ok assigned: none; other members have all partitions\n"},
        {"fatal", "disk full", NULL, 2, 1, true, 0, 0, 503, "no fatal: disk full\n"},
        {"no answer of the group", NULL, NULL, 0, 0, true, 0, 0, 503,
         "no assigned: the consumer group has not answered yet\n"},
        {"behind", NULL, NULL, 2, 1, false, 1200, 0, 503,
         "no caught_up: 1 of 2; partition 1 is 1200 messages behind\n"},
        {"nothing heard of the log", NULL, NULL, 2, 1, false, -1, 0, 503,
         "no caught_up: 1 of 2; partition 1 waits for the broker\n"},
        {"a sink has failed for long", NULL, NULL, 2, 1, true, 0, 60001, 503,
         "no sink a b: has failed for 60 s; database not found\n"},
        {"where partitions begin is not told", NULL, "NOT_COORDINATOR", 2, 1, true, 0, 0, 503,
         "no assigned: 2, and the group's coordinator does not tell where they begin: "
         "NOT_COORDINATOR\n"},
    };
    struct buffer out;
    buffer_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct example example;
        fill(&example);
        example.consumer.assigned = cases[i].assigned;
        example.consumer.offsets_refused = cases[i].refused;
        example.consumer.rebalances = cases[i].rebalances;
        example.partitions[1].caught_up = cases[i].caught_up;
        example.partitions[1].lag = cases[i].lag;
        example.sink_list[1].name = "a b";
        example.sink_list[1].failing_ms = cases[i].failing_ms;
        buffer_clear(&out);
        unsigned got = health_print_ready(cases[i].fatal, &example.source, &out);
        const char *text = buffer_text(&out);
        if (got != cases[i].want || strstr(text, cases[i].line) == NULL ||
            (strstr(text, "no ") == text || strstr(text, "\nno ") != NULL) != (got == 503))
            fail_msg("%s: %u, %s", cases[i].name, got, text);
    }
    static struct example example;
    fill(&example);
    example.source.partitions_count = 1; /* the other's offset is asked for */
    buffer_clear(&out);
    assert_int_equal(health_print_ready(NULL, &example.source, &out), 503);
    assert_non_null(strstr(buffer_text(&out), "no caught_up: 1 of 2\n"));
    fill(&example);
    example.partitions[1].halted = true;
    example.partitions[1].loss =
        (struct data_loss){.from = 7, .to = 500, .taken_ms = INT64_MIN, .to_ms = 1700000000000};
    static const char words[] =
        "no data of partition 1: offsets 7 to 499 are gone from the topic before they were read; "
        "the oldest left is 500; the oldest left arrived at 2023-11-14T22:13:20Z; it is halted; "
        "set "
        "kafka.on_data_loss: continue, and reload\n";
    buffer_clear(&out);
    assert_int_equal(health_print_ready(NULL, &example.source, &out), 503);
    assert_non_null(strstr(buffer_text(&out), words));
    buffer_clear(&out);
    assert_int_equal(health_print(NULL, &example.source, &out), 200); /* a restart mends nothing */
    assert_non_null(strstr(buffer_text(&out), words));

    static struct example stopped;
    fill(&stopped);
    stopped.partitions[1].caught_up = true;
    stopped.source.parts_count = 2;
    buffer_clear(&out);
    assert_int_equal(health_print_ready(NULL, &stopped.source, &out), 503);
    assert_non_null(strstr(buffer_text(&out),
                           "no state: partition 1 cannot be restored: the pointer is none\n"));
    static const struct metrics_source nothing;
    buffer_clear(&out);
    assert_int_equal(health_print_ready(NULL, &nothing, &out), 503);
    buffer_fini(&out);
}

/* The stage that re-keys: no samples without it, and its partitions are waited for too. */
static void test_rekey(void **state)
{
    (void)state;
    static const char *const samples[] = {
        "\nghgd_rekey_messages_total 5\n",
        "\nghgd_rekey_events_total 70\n",
        "\nghgd_rekey_sent_total 9\n",
        "\nghgd_rekey_waiting 4\n",
        "\nghgd_rekey_partition_lag_messages{partition=\"3\"} 8\n",
        "\nghgd_rekey_partition_stopped{partition=\"3\"} 1\n",
    };
    static struct example example;
    struct buffer out;
    fill(&example);
    buffer_init(&out, 1 << 20);
    metrics_print(&example.source, &out);
    assert_null(strstr(buffer_text(&out), "\nghgd_rekey_messages_total "));
    static const struct rekey_stats stats = {.events = 70, .messages = 5};
    static const struct producer_stats runs = {.sent = 9, .waiting = 4};
    struct consumer_stats consumer = {.assigned = 1, .rebalances = 1};
    struct consumer_partition_stats partition = {
        .next_offset = 2, .log_end = 10, .lag = 8, .partition = 3, .stopped = true};
    example.partitions[1].caught_up = true;
    example.sink_list[1].failing_ms = 0;
    example.source.rekey = &stats;
    example.source.rekey_runs = &runs;
    example.source.rekey_consumer = &consumer;
    example.source.rekey_partitions = &partition;
    example.source.rekey_partitions_count = 1;
    buffer_clear(&out);
    metrics_print(&example.source, &out);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        if (strstr(buffer_text(&out), samples[i]) == NULL)
            fail_msg("missing: %s", samples[i]);
    buffer_clear(&out);
    assert_int_equal(health_print_ready(NULL, &example.source, &out), 503);
    assert_non_null(strstr(buffer_text(&out), "\nok caught_up: 2 of 2\n"));
    assert_non_null(strstr(buffer_text(&out),
                           "\nno rekey_caught_up: 0 of 1; partition 3 is 8 messages behind\n"));
    partition.caught_up = true;
    buffer_clear(&out);
    assert_int_equal(health_print_ready(NULL, &example.source, &out), 200);
    static const struct {
        const char *name;
        uint32_t assigned, rebalances;
        unsigned want;
        const char *lines;
    } cases[] = {
        {"the offset of one is asked for", 2, 1, 503,
         "\nok rekey_assigned: 2\nno rekey_caught_up: 1 of 2\n"},
        {"no answer of its group", 0, 0, 503,
         "\nno rekey_assigned: the consumer group has not answered yet\n"},
        {"a spare", 0, 3, 200, "\nok rekey_assigned: none; other members have all partitions\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        consumer.assigned = cases[i].assigned;
        consumer.rebalances = cases[i].rebalances;
        example.source.rekey_partitions_count = cases[i].assigned > 0 ? 1 : 0;
        buffer_clear(&out);
        unsigned got = health_print_ready(NULL, &example.source, &out);
        if (got != cases[i].want || strstr(buffer_text(&out), cases[i].lines) == NULL)
            fail_msg("%s: %u, %s", cases[i].name, got, buffer_text(&out));
    }
    example.source.rekey_waits = "keyed: no broker\nanswers";
    buffer_clear(&out);
    assert_int_equal(health_print_ready(NULL, &example.source, &out), 503);
    assert_non_null(
        strstr(buffer_text(&out), "\nno rekey_topic: waits for it: keyed: no broker answers\n"));
    buffer_fini(&out);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) { /* any argument: print the example, for promtool */
        static struct example example;
        struct buffer out;
        fill(&example);
        buffer_init(&out, 1 << 20);
        metrics_print(&example.source, &out);
        (void)fwrite(out.data, 1, out.size, stdout);
        buffer_fini(&out);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),    cmocka_unit_test(test_format),
        cmocka_unit_test(test_facilities), cmocka_unit_test(test_usage),
        cmocka_unit_test(test_reference),  cmocka_unit_test(test_health),
        cmocka_unit_test(test_ready),      cmocka_unit_test(test_rekey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
