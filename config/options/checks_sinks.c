/*
 * checks_sinks.c - what each type and dialect of sink needs; see checks.h.
 */
#include <string.h>

#include "base/timestamp.h"
#include "config/options/checks.h"
#include "config/options/option_value.h"

/* The kind of a sink, as one bit. */
enum variant {
    INFLUX1 = 1,
    INFLUX2 = 2,
    VICTORIA = 4,
    SQLITE = 8,
    PLAIN_FILE = 16,
    WEBHOOK = 32,
    ALERTMANAGER = 64,
    TOPIC = 128,
    TOTALS = 256,
    INFLUX = INFLUX1 | INFLUX2 | VICTORIA,
    HOOKS = WEBHOOK | ALERTMANAGER,
    ALERTS = HOOKS | TOPIC,
    HTTP = INFLUX | HOOKS,
    STORES = INFLUX | SQLITE | PLAIN_FILE,
    ANY = STORES | ALERTS | TOTALS
};

static const struct rule {
    const char *path;
    unsigned needed, used; /* variants; what is needed is used */
} rules[] = {
    {"sinks.dialect", 0, INFLUX},
    {"sinks.url", HTTP, HTTP},
    {"sinks.database", INFLUX1, INFLUX1 | VICTORIA},
    {"sinks.retention_policy", 0, INFLUX1},
    {"sinks.org", INFLUX2, INFLUX2},
    {"sinks.bucket", INFLUX2, INFLUX2},
    {"sinks.user", 0, INFLUX1 | VICTORIA | HOOKS},
    {"sinks.password_file", 0, INFLUX1 | VICTORIA | HOOKS},
    {"sinks.password_credential", 0, INFLUX1 | VICTORIA | HOOKS},
    {"sinks.token_file", 0, INFLUX2 | HOOKS},
    {"sinks.token_credential", 0, INFLUX2 | HOOKS},
    {"sinks.secret_file", 0, WEBHOOK},
    {"sinks.secret_credential", 0, WEBHOOK},
    {"sinks.topic", TOPIC, TOPIC | TOTALS},
    {"sinks.language", 0, ALERTS},
    {"sinks.repeat", 0, ALERTMANAGER},
    {"sinks.path", SQLITE | PLAIN_FILE, SQLITE | PLAIN_FILE},
    {"sinks.create", 0, TOTALS},
    {"sinks.replication", 0, TOTALS},
    {"sinks.dead_rows", 0, HTTP | TOPIC},
    {"sinks.gzip", 0, INFLUX},
    {"sinks.timeout", 0, HTTP},
    {"sinks.connect_timeout", 0, HTTP},
    {"sinks.confirm_after", 0, VICTORIA},
    {"sinks.backoff_min", 0, ANY},
    {"sinks.backoff_max", 0, ANY},
    {"sinks.batch_rows", 0, STORES | WEBHOOK | TOTALS},
    {"sinks.windows", 0, STORES},
};

static unsigned variant_of(const struct sink_conf *sink)
{
    static const unsigned influx[] = {
        [DIALECT_INFLUX1] = INFLUX1, [DIALECT_INFLUX2] = INFLUX2, [DIALECT_VICTORIA] = VICTORIA};
    switch (sink->type) {
    case SINK_INFLUX:
        return influx[sink->dialect];
    case SINK_SQLITE:
        return SQLITE;
    case SINK_WEBHOOK:
        return WEBHOOK;
    case SINK_ALERTMANAGER:
        return ALERTMANAGER;
    case SINK_TOPIC:
        return TOPIC;
    case SINK_TOTALS:
        return TOTALS;
    default:
        return PLAIN_FILE;
    }
}

static const char *variant_name(unsigned variant)
{
    switch (variant) {
    case INFLUX1:
        return "dialect influx1";
    case INFLUX2:
        return "dialect influx2";
    case VICTORIA:
        return "dialect victoria";
    case SQLITE:
        return "type sqlite";
    case WEBHOOK:
        return "type webhook";
    case ALERTMANAGER:
        return "type alertmanager";
    case TOPIC:
        return "type topic";
    case TOTALS:
        return "type totals";
    default:
        return "type file";
    }
}

static bool given(const struct loading *loading, int sink, const char *path)
{
    return loading_place(loading, sink, path).line > 0;
}

static void check_rules(struct loading *loading, int index, unsigned variant)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct rule *rule = &rules[i];
        struct file_place place = loading_place(loading, index, rule->path);
        if (place.line > 0 && (rule->used & variant) == 0)
            LOADING_ERROR(loading, place, "%s is not used by %s", rule->path,
                          variant_name(variant));
        if (place.line == 0 && (rule->needed & variant) != 0)
            LOADING_ERROR(loading, loading->sinks[index], "%s is missing; %s needs it", rule->path,
                          variant_name(variant));
    }
}

/* A secret from a file and as a credential. Returns whether it is given in any way. */
static bool check_pair(struct loading *loading, int index, const char *secret)
{
    const char *file = loading_join(loading, secret, "", "_file");
    const char *credential = loading_join(loading, secret, "", "_credential");
    bool both = given(loading, index, file) && given(loading, index, credential);
    if (both)
        LOADING_ERROR(loading, loading_place(loading, index, credential),
                      "%s: there is a %s_file too; expected one of the two", credential,
                      strchr(secret, '.') + 1);
    return given(loading, index, file) || given(loading, index, credential) ||
           given(loading, index, secret);
}

static void check_secrets(struct loading *loading, int index, unsigned variant)
{
    struct file_place place = loading->sinks[index];
    bool user = given(loading, index, "sinks.user");
    bool password = check_pair(loading, index, "sinks.password");
    bool token = check_pair(loading, index, "sinks.token");
    (void)check_pair(loading, index, "sinks.secret");
    if ((variant & (INFLUX1 | VICTORIA | HOOKS)) != 0 && user != password)
        LOADING_ERROR(loading, place,
                      user ? "sinks.user has no password; expected password_file or "
                             "password_credential"
                           : "sinks.user is missing; the password belongs to a user");
    if ((variant & HOOKS) != 0 && user && token)
        LOADING_ERROR(loading, loading_place(loading, index, "sinks.user"),
                      "sinks.user: there is a token too; expected one of the two");
    if (variant == INFLUX2 && !token)
        LOADING_ERROR(loading, place,
                      "sinks.token_file is missing; dialect influx2 needs it, or token_credential");
}

static void check_times(struct loading *loading, int index)
{
    const struct sink_conf *sink = &loading->config->sinks[index];
    if (sink->connect_timeout_ms > sink->timeout_ms)
        LOADING_ERROR(loading, loading_place(loading, index, "sinks.connect_timeout"),
                      "sinks.connect_timeout is longer than sinks.timeout, which includes it");
    if (sink->backoff_min_ms > sink->backoff_max_ms)
        LOADING_ERROR(loading, loading_place(loading, index, "sinks.backoff_min"),
                      "sinks.backoff_min is longer than sinks.backoff_max");
}

/* First those of enum level, in its order. */
static const char *const window_words[SINK_WINDOWS] = {
    "bucket",
    "hour",
    "day",
    "month",
    "year",
    [SINK_TRAJECTORY_BIT] = "trajectory",
    [SINK_ALERTS_BIT] = "alerts",
};
enum { DAYS = 2 };

static void check_windows(struct loading *loading, int index, unsigned variant)
{
    struct sink_conf *sink = &loading->config->sinks[index];
    struct file_place place = loading_place(loading, index, "sinks.windows");
    if ((variant & ALERTS) != 0) {
        sink->skips = ((1U << SINK_WINDOWS) - 1) & ~(1U << SINK_ALERTS_BIT);
        return;
    }
    uint8_t taken = 0;
    for (uint32_t i = 0; i < sink->windows.count; i++) {
        size_t level = 0;
        while (level < SINK_WINDOWS && strcmp(window_words[level], sink->windows.items[i]) != 0)
            level++;
        if (level == SINK_WINDOWS)
            LOADING_ERROR(loading, place,
                          "sinks.windows: \"%s\" is no length of windows; expected some of bucket, "
                          "hour, day, month, year, trajectory and alerts",
                          sink->windows.items[i]);
        else if ((taken >> level & 1) != 0)
            LOADING_ERROR(loading, place, "sinks.windows: \"%s\" comes twice",
                          sink->windows.items[i]);
        taken |= (uint8_t)(level < SINK_WINDOWS ? 1U << level : 0);
    }
    if (loading->config->window.bucket_ms == HOUR_MS && (taken & 3) != 0)
        taken |= 3; /* the bucket and the hour are the same window */
    if (sink->windows.count > 0)
        sink->skips = (uint8_t)(((1U << SINK_WINDOWS) - 1) & ~taken);
    else if (place.line > 0)
        LOADING_ERROR(loading, place,
                      "sinks.windows is empty; leave it out for a sink that gets all rows");
}

/* The topics of ghgd that hold something else. */
static void check_topic(struct loading *loading, int index)
{
    const struct config *config = loading->config;
    const char *topic = config->sinks[index].topic;
    const struct {
        const char *path, *name;
    } others[] = {{"input.topic", config->input.topic},
                  {"input.rekey_topic", config->input.rekey_topic},
                  {"checkpoint.topic", config->checkpoint.topic},
                  {"kafka.dead_letter_topic", config->kafka.dead_letter_topic},
                  {"kafka.late_topic", config->kafka.late_topic}};
    for (size_t i = 0; topic != NULL && i < ARRAY_LEN(others); i++) {
        if (others[i].name == NULL || strcmp(others[i].name, topic) != 0)
            continue;
        LOADING_ERROR(loading, loading_place(loading, index, "sinks.topic"),
                      "sinks.topic: \"%s\" is the %s too; expected a topic of its own", topic,
                      others[i].path);
        return; /* the dead letters' topic has two names */
    }
}

/* Its days go into one topic, which all processes of the group share. */
static void check_totals(struct loading *loading, int index)
{
    struct sink_conf *sink = &loading->config->sinks[index];
    sink->config = loading->config;
    sink->skips = ((1U << SINK_WINDOWS) - 1) ^ 1U << DAYS;
    int other = 0;
    while (other < index && loading->config->sinks[other].type != SINK_TOTALS)
        other++;
    if (other < index)
        LOADING_ERROR(loading, loading->sinks[index],
                      "sinks: the sink in line %d is of type totals, too; expected one at most",
                      loading->sinks[other].line);
    if (sink->topic == NULL)
        sink->topic = loading_topic(loading, "-totals");
    if (sink->topic == NULL && !given(loading, index, "sinks.topic"))
        LOADING_ERROR(loading, loading->sinks[index],
                      "sinks.topic is missing; it cannot be named after kafka.group, as no topic "
                      "can be \"%s-totals\"",
                      loading->config->kafka.group);
    if (sink->replication == 0)
        LOADING_ERROR(loading, loading_place(loading, index, "sinks.replication"),
                      "sinks.replication: 0 keeps nothing; expected 1 or more, or -1 for the "
                      "brokers' default");
}

static void check_unique(struct loading *loading, int index)
{
    const struct sink_conf *sinks = loading->config->sinks;
    for (int i = 0; i < index; i++) {
        if (sinks[i].name != NULL && sinks[index].name != NULL &&
            strcmp(sinks[i].name, sinks[index].name) == 0)
            LOADING_ERROR(loading, loading_place(loading, index, "sinks.name"),
                          "sinks.name: \"%s\" is also the name of the sink in line %d",
                          sinks[i].name, loading->sinks[i].line);
        if (sinks[i].path != NULL && sinks[index].path != NULL &&
            strcmp(sinks[i].path, sinks[index].path) == 0)
            LOADING_ERROR(loading, loading_place(loading, index, "sinks.path"),
                          "sinks.path: \"%s\" is also written by the sink in line %d",
                          sinks[i].path, loading->sinks[i].line);
        if (sinks[i].topic != NULL && sinks[index].topic != NULL &&
            strcmp(sinks[i].topic, sinks[index].topic) == 0)
            LOADING_ERROR(loading, loading_place(loading, index, "sinks.topic"),
                          "sinks.topic: \"%s\" is also that of the sink in line %d", sinks[i].topic,
                          loading->sinks[i].line);
    }
}

/* Paths that the daemon writes begin at its state directory. */
static void place_files(struct loading *loading, struct sink_conf *sink, unsigned variant)
{
    const char *folder = loading->config->state_directory;
    if (sink->path != NULL && strcmp(sink->path, "-") != 0)
        sink->path = loading_path(loading, folder, sink->path);
    if (sink->dead_rows_path == NULL && (variant & (HTTP | TOPIC)) != 0)
        sink->dead_rows_path = loading_join(loading, sink->name, ".dead-rows", "");
    if (sink->dead_rows_path != NULL)
        sink->dead_rows_path = loading_path(loading, folder, sink->dead_rows_path);
}

static bool check_named(struct loading *loading, int index)
{
    static const char *const paths[] = {"sinks.name", "sinks.type"};
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (!given(loading, index, paths[i])) {
            LOADING_ERROR(loading, loading->sinks[index], "%s is missing; every sink needs it",
                          paths[i]);
            good = false;
        }
    }
    return good && loading->config->sinks[index].name != NULL;
}

static void check_sink(struct loading *loading, int index)
{
    struct sink_conf *sink = &loading->config->sinks[index];
    if (!check_named(loading, index))
        return;
    unsigned variant = variant_of(sink);
    if (!loading->sinks_unsure[index]) {
        check_rules(loading, index, variant);
        check_secrets(loading, index, variant);
    }
    check_times(loading, index);
    if (variant == TOTALS)
        check_totals(loading, index);
    else
        check_windows(loading, index, variant);
    if (variant == SQLITE && sink->path != NULL && strcmp(sink->path, "-") == 0)
        LOADING_ERROR(loading, loading_place(loading, index, "sinks.path"),
                      "sinks.path: \"-\" is no database file; expected a path, or type file");
    place_files(loading, sink, variant);
    sink->kafka = &loading->config->kafka;
    check_topic(loading, index);
    check_unique(loading, index);
}

void checks_sinks(struct loading *loading)
{
    for (uint32_t i = 0; i < loading->config->sinks_count; i++)
        check_sink(loading, (int)i);
}
