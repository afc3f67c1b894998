/*
 * checks.c - the checks across options; see checks.h.
 */
#include "config/options/checks.h"

#include <inttypes.h>
#include <string.h>

#include "base/decimal.h"
#include "base/durations.h"
#include "base/timestamp.h"
#include "config/options/endpoints.h"
#include "config/options/instance.h"
#include "config/options/option_value.h"

static struct file_place global(const struct loading *loading, const char *path)
{
    return loading_place(loading, -1, path);
}

/* The place of that option of the two which was given; the later one first. */
static struct file_place either(struct file_place a, struct file_place b)
{
    return a.line >= b.line ? a : b;
}

struct duration_text {
    char text[64];
};

static struct duration_text as_text(int64_t ms)
{
    struct duration_text result = {""};
    struct buffer buffer;
    buffer_init(&buffer, sizeof(result.text));
    duration_print(&buffer, ms);
    const char *text = buffer_text(&buffer);
    if (text != NULL)
        memcpy(result.text, text, strnlen(text, sizeof(result.text) - 1));
    buffer_fini(&buffer);
    return result;
}

static void check_bucket(struct loading *loading)
{
    const struct window_conf *window = &loading->config->window;
    if (window->bucket_ms % MINUTE_MS != 0 || HOUR_MS % window->bucket_ms != 0)
        LOADING_ERROR(loading, global(loading, "windows.bucket"),
                      "windows.bucket: %s does not divide an hour into whole minutes; expected 1m, "
                      "2m, 3m, 4m, 5m, 6m, 10m, 12m, 15m, 20m, 30m or 1h",
                      as_text(window->bucket_ms).text);
}

static void check_windows(struct loading *loading)
{
    const struct window_conf *window = &loading->config->window;
    struct file_place horizon = global(loading, "windows.horizon");
    check_bucket(loading);
    int64_t needed_ms = window->grace_ms + window->bucket_ms;
    if (window->horizon_ms < needed_ms)
        LOADING_ERROR(loading, either(horizon, global(loading, "windows.grace")),
                      "windows.horizon: %s is shorter than windows.grace and windows.bucket "
                      "together; expected at least %s, so that a window is final before it leaves",
                      as_text(window->horizon_ms).text, as_text(needed_ms).text);
}

static const char *field_name(const struct input_conf *input, size_t index)
{
    static const char *const native[] = {"meter", "time",    "start",    "end", "value",
                                         "unit",  "quality", "revision", "id",  "event",
                                         "final", "initial", "of"};
    _Static_assert(ARRAY_LEN(native) == ARRAY_LEN(((struct input_conf *)0)->fields), "one each");
    return input->fields[index] == NULL ? native[index] : input->fields[index];
}

static bool is_at_or_below(const char *path, const char *other)
{
    size_t size = strlen(other);
    return strncmp(path, other, size) == 0 && (path[size] == '\0' || path[size] == '.');
}

static void check_fields(struct loading *loading)
{
    const struct input_conf *input = &loading->config->input;
    size_t first = option_index(option_find("input.fields.meter", strlen("input.fields.meter")));
    for (size_t i = 0; i < ARRAY_LEN(input->fields); i++) {
        for (size_t j = 0; j < i; j++) {
            const char *a = field_name(input, i);
            const char *b = field_name(input, j);
            if (is_at_or_below(a, b) || is_at_or_below(b, a))
                LOADING_ERROR(loading,
                              either(loading->places[0][first + i], loading->places[0][first + j]),
                              "%s: \"%s\" and %s: \"%s\" cannot both be read from the same place",
                              options[first + j].path, b, options[first + i].path, a);
        }
    }
}

static void check_not_input(struct loading *loading, const char *path, const char *name)
{
    const char *topic = loading->config->input.topic;
    if (topic != NULL && name != NULL && strcmp(name, topic) == 0)
        LOADING_ERROR(loading, global(loading, path),
                      "%s: \"%s\" is the input.topic, and events sent there would come back for "
                      "ever; expected another topic",
                      path, name);
}

static void check_topics(struct loading *loading)
{
    struct kafka_conf *kafka = &loading->config->kafka;
    check_not_input(loading, "kafka.dead_letter_topic", kafka->dead_letter_topic);
    check_not_input(loading, "kafka.late_topic", kafka->late_topic);
    if (kafka->late_topic == NULL)
        kafka->late_topic = kafka->dead_letter_topic;
}

static void check_rekey(struct loading *loading)
{
    struct input_conf *input = &loading->config->input;
    const struct kafka_conf *kafka = &loading->config->kafka;
    struct file_place place = global(loading, "input.rekey_topic");
    if (input->rekey && input->rekey_topic == NULL)
        input->rekey_topic = loading_topic(loading, "-rekeyed");
    if (!input->rekey && place.line > 0)
        LOADING_WARN(loading, place, "input.rekey_topic: not used, as input.rekey is not true");
    check_not_input(loading, "input.rekey_topic", input->rekey_topic);
    const struct {
        const char *path, *name;
    } others[] = {{"kafka.dead_letter_topic", kafka->dead_letter_topic},
                  {"kafka.late_topic", kafka->late_topic}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (input->rekey && input->rekey_topic != NULL && others[i].name != NULL &&
            strcmp(others[i].name, input->rekey_topic) == 0)
            LOADING_ERROR(loading, either(place, global(loading, others[i].path)),
                          "input.rekey_topic: \"%s\" is the %s too; expected a topic of its own",
                          input->rekey_topic, others[i].path);
    }
}

/* Compaction would delete events: their keys are not ours. */
static void check_own_topic(struct loading *loading, const char *other, const char *name)
{
    const char *topic = loading->config->checkpoint.topic;
    if (topic != NULL && name != NULL && strcmp(topic, name) == 0)
        LOADING_ERROR(loading, global(loading, "checkpoint.topic"),
                      "checkpoint.topic: \"%s\" is the %s too; expected a topic of its own", topic,
                      other);
}

static void check_checkpoint(struct loading *loading)
{
    const struct kafka_conf *kafka = &loading->config->kafka;
    struct checkpoint_conf *checkpoint = &loading->config->checkpoint;
    if (checkpoint->topic == NULL)
        checkpoint->topic = loading_topic(loading, "-checkpoint");
    check_own_topic(loading, "input.topic", loading->config->input.topic);
    check_own_topic(loading, "input.rekey_topic", loading->config->input.rekey_topic);
    check_own_topic(loading, "kafka.dead_letter_topic", kafka->dead_letter_topic);
    if (kafka->late_topic != kafka->dead_letter_topic)
        check_own_topic(loading, "kafka.late_topic", kafka->late_topic);
    if (checkpoint->replication == 0)
        LOADING_ERROR(loading, global(loading, "checkpoint.replication"),
                      "checkpoint.replication: 0 keeps nothing; expected 1 or more, or -1 for the "
                      "brokers' default");
}

/* Group levels are columns of the facilities table, and tags beside our own tags and fields. */
static bool is_taken(const char *level)
{
    /* clang-format off */
    static const char *const taken[] = {
        "id", "name", "time_zone", "country", "grid_region", "valid_from", "valid_to",
        "facility", "scope", "category", "source", "unit", "time", "db",
        "activity", "covered_s", "expected_s", "coverage", "coverage_weighted", "estimated_share",
        "meters_expected", "meters_reporting", "estimated_s", "spread_s", "held_s", "moved_s",
        "conflicts", "glitches", "revision", "final",
        "import_kwh", "export_kwh", "generation_kwh", "own_use_kwh", "consumption_kwh",
        "flows_unknown", "import_covered_s", "import_expected_s", "export_covered_s",
        "export_expected_s", "generation_covered_s", "generation_expected_s",
        "start_ms", "end_ms", "local_start", "local_day", "facility_name", /* of SQLite */
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcmp(level, taken[i]) == 0)
            return true;
    size_t size = strlen(level);
    return size > 3 && strcmp(level + size - 3, "_kg") == 0;
}

static void check_groups(struct loading *loading)
{
    const struct text_list *groups = &loading->config->tables.groups;
    struct file_place place = global(loading, "tables.groups");
    for (uint32_t i = 0; i < groups->count; i++) {
        if (is_taken(groups->items[i]))
            LOADING_ERROR(loading, place,
                          "tables.groups: \"%s\" is already a column, a tag or a field of its own; "
                          "expected another name",
                          groups->items[i]);
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(groups->items[i], groups->items[j]) == 0)
                LOADING_ERROR(loading, place, "tables.groups: \"%s\" comes twice",
                              groups->items[i]);
    }
}

static void check_tables(struct loading *loading)
{
    const struct table_files *tables = &loading->config->tables;
    struct file_place nowhere = {0, 0};
    if (tables->facilities == NULL && global(loading, "tables.facilities").line == 0)
        LOADING_ERROR(loading, nowhere,
                      "tables.facilities is missing; expected the path of a CSV table");
    if (tables->meters == NULL && global(loading, "tables.meters").line == 0)
        LOADING_ERROR(loading, nowhere,
                      "tables.meters is missing; expected the path of a CSV table");
    if (tables->targets == NULL && tables->weights != NULL)
        LOADING_ERROR(loading, global(loading, "tables.weights"),
                      "tables.weights: there are no targets that could have weights; expected "
                      "tables.targets as well");
    if (tables->targets == NULL && tables->base_changes != NULL)
        LOADING_ERROR(loading, global(loading, "tables.base_changes"),
                      "tables.base_changes: there are no targets whose base could change; expected "
                      "tables.targets as well");
    check_groups(loading);
}

/* Slips are judged in 0.01 %, probabilities in 0.001: what lies between would not be what it says.
 */
static void check_step(struct loading *loading, const char *path, int64_t part, int64_t step,
                       const char *words)
{
    if (part % step != 0)
        LOADING_ERROR(loading, global(loading, path),
                      "%s: lies between steps of %s; expected a multiple of that", path, words);
}

static void check_steps(struct loading *loading)
{
    enum { SLIP_STEP = PART_ONE / 10000, PROBABILITY_STEP = PART_ONE / 1000 };
    const struct trajectory_conf *conf = &loading->config->trajectory;
    check_step(loading, "trajectory.watch", conf->watch, SLIP_STEP, "0.01%");
    check_step(loading, "trajectory.warning", conf->warning, SLIP_STEP, "0.01%");
    check_step(loading, "trajectory.critical", conf->critical, SLIP_STEP, "0.01%");
    check_step(loading, "trajectory.margin", conf->margin, SLIP_STEP, "0.01%");
    check_step(loading, "trajectory.miss_probability", conf->miss_probability, PROBABILITY_STEP,
               "0.001");
}

static void check_levels(struct loading *loading)
{
    const struct trajectory_conf *trajectory = &loading->config->trajectory;
    if (trajectory->warning < trajectory->watch)
        LOADING_ERROR(
            loading,
            either(global(loading, "trajectory.warning"), global(loading, "trajectory.watch")),
            "trajectory.warning is below trajectory.watch; expected watch, warning and "
            "critical in this order");
    if (trajectory->critical < trajectory->warning)
        LOADING_ERROR(
            loading,
            either(global(loading, "trajectory.critical"), global(loading, "trajectory.warning")),
            "trajectory.critical is below trajectory.warning; expected watch, warning "
            "and critical in this order");
    check_steps(loading);
}

static void check_http(struct loading *loading)
{
    struct config *config = loading->config;
    if (config->http_listen == NULL)
        return;
    struct endpoint endpoint;
    const char *fault = endpoint_split(&endpoint, config->http_listen, strlen(config->http_listen));
    ASSERT(fault == NULL); /* it was checked when it was set */
    config->http_host = loading_text(loading, endpoint.host, endpoint.host_size);
    config->http_port = endpoint.port;
    instance_apply_port(loading);
    config->http_token_path = loading_path(loading, config->state_directory, "http-token");
    if (global(loading, "http.token_file").line > 0 &&
        global(loading, "http.token_credential").line > 0)
        LOADING_ERROR(loading, global(loading, "http.token_credential"),
                      "http.token_credential: there is a token_file too; expected one of the two");
    if (!endpoint_is_loopback(&endpoint))
        LOADING_WARN(loading, global(loading, "http.listen"),
                     "http.listen: %s may be reached from other machines, and pages need no "
                     "authentication",
                     config->http_listen);
}

void checks_run(struct loading *loading)
{
    uint32_t errors = loading->faults->errors;
    instance_apply(loading);
    check_tables(loading);
    check_windows(loading);
    if (loading->faults->errors > errors)
        loading->tables_unsure = true;
    check_levels(loading);
    check_fields(loading);
    check_topics(loading);
    check_rekey(loading);
    check_checkpoint(loading);
    checks_sinks(loading);
    check_http(loading);
    checks_doors(loading);
}

int config_check_run(const struct config *config, struct buffer *text)
{
    struct faults faults = {.text = text, .errors_max = UINT32_MAX};
    if (config->input.topic == NULL)
        faults_error(&faults, config->file, 0, 0,
                     "input.topic is missing; `ghgd run` needs the Kafka topic to read");
    if (config->kafka.brokers == NULL)
        faults_error(&faults, config->file, 0, 0,
                     "kafka.brokers is missing; `ghgd run` needs host:port of a broker");
    if (config->input.rekey && config->input.rekey_topic == NULL)
        faults_error(&faults, config->file, 0, 0,
                     "input.rekey_topic is missing; it cannot be named after kafka.group, as no "
                     "topic can be \"%s-rekeyed\"",
                     config->kafka.group);
    if (config->checkpoint.topic == NULL)
        faults_error(&faults, config->file, 0, 0,
                     "checkpoint.topic is missing; it cannot be named after kafka.group, as no "
                     "topic can be \"%s-checkpoint\"",
                     config->kafka.group);
    if (config->sinks_count == 0)
        faults_error(&faults, config->file, 0, 0,
                     "sinks is missing; `ghgd run` needs at least one, such as "
                     "{name: local, type: sqlite, path: ghgd.sqlite}");
    if (config->kafka.dead_letter_topic == NULL)
        faults_warn(&faults, config->file, 0, 0,
                    "kafka.dead_letter_topic is missing: refused events will be counted, not kept");
    return faults.errors > 0 ? ERR_CONFIG : 0;
}
