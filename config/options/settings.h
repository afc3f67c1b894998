/*
 * settings.h - what the YAML file says, checked, with defaults.
 *
 * Durations are in ms, sizes in bytes. Every option is one row of the table in options.c: key,
 * type, member, minimum, maximum, default, unit, help.
 */
#ifndef GHGD_SETTINGS_H
#define GHGD_SETTINGS_H

#include "base/base.h"

struct arena;
struct registry;
struct targets;

enum start_policy { START_EARLIEST, START_LATEST };
enum unknown_policy { UNKNOWN_REJECT, UNKNOWN_PARK };
enum loss_policy { LOSS_STOP, LOSS_CONTINUE };
enum unreadable_policy { UNREADABLE_STOP, UNREADABLE_REBUILD };
enum sink_type {
    SINK_INFLUX,
    SINK_SQLITE,
    SINK_FILE,
    SINK_WEBHOOK,
    SINK_ALERTMANAGER,
    SINK_TOPIC,
    SINK_TOTALS
};
/* Rows that a sink can be without, a bit each: windows of the lengths bucket, hour, day, month and
 * year, the rows of targets, and those of their alerts. */
enum { SINK_TRAJECTORY_BIT = 5, SINK_ALERTS_BIT = 6, SINK_WINDOWS = 7 };
enum sink_dialect { DIALECT_INFLUX1, DIALECT_INFLUX2, DIALECT_VICTORIA };

/* Languages of the texts for people: notices of alerts. */
enum language { LANGUAGE_EN, LANGUAGE_ZH, LANGUAGE_VI, LANGUAGE_COUNT };

struct conf_property {
    const char *key, *value;
};

struct text_list {
    const char **items;
    uint32_t count;
};

/* Paths are absolute, or relative to the working directory as `file` is. */
enum { HOLIDAY_TABLES_MAX = 32 };

struct table_files {
    const char *facilities, *meters, *catalogue; /* catalogue: folder of the shipped factors */
    struct text_list factors; /* further factor tables, searched before the shipped ones */
    struct text_list groups;  /* names of the group levels, from the top */
    const char *targets, *weights, *ownership, *history, *base_changes; /* NULL: no table */
    struct text_list holidays; /* the path DIR/CN, a country's code, stands for the shipped table */
};

/* A bit per day: 1 << 0 is Monday. */
struct weekdays {
    uint8_t days;
    bool given; /* not the default, which days that are listed replace */
};

enum target_profile { PROFILE_NONE, PROFILE_MCAP_SAT };
enum forecast_rule { FORECAST_RATIO, FORECAST_MODEL };

/* How targets are judged. Shares and percentages are parts of PART_ONE. */
struct trajectory_conf {
    int profile;  /* enum target_profile: what targets are expected to be like */
    int forecast; /* enum forecast_rule: of the year's end, if a slip is judged by it too */
    int64_t nonworking;
    struct weekdays days_off;
    int64_t base_change_min, share_min, coverage_min;
    int64_t watch, warning, critical, margin, miss_probability;
    int enter_days, leave_days;
    int64_t dwell_ms;
    int64_t missing_deviation, estimated_deviation;
};

struct input_conf {
    const char *topic;
    int format;             /* enum event_format */
    int time_unit;          /* enum time_unit; NONE: integer times are refused */
    const char *fields[13]; /* by enum event_field: a dotted path, NULL for the native name */
    int unknown_meter;      /* enum unknown_policy */
    int on_conflict;        /* enum conflict_policy, where the meter's row says nothing */
    int64_t parked_bytes_max;
    bool rekey;              /* the topic is not keyed by facility */
    const char *rekey_topic; /* keyed by facility, ours; by default GROUP-rekeyed; or NULL */
    int rekey_partitions;    /* of a topic that is made; 0: as many as input.topic has */
};

struct kafka_conf {
    const char *brokers, *group;
    const char *dead_letter_topic, *late_topic; /* late_topic: by default the dead letters' */
    const char *rekey_topic;     /* set by the stage that re-keys, for its own client; or NULL */
    int start;                   /* enum start_policy: where a group without offsets begins */
    int on_data_loss;            /* enum loss_policy */
    int64_t partition_bytes_max; /* queued.max.messages.kbytes, per partition */
    struct conf_property *properties; /* passed through to librdkafka, after ours */
    uint32_t properties_count;
    const char *file;          /* where the properties stand, */
    const int *property_lines; /* and each of them; NULL: in no file */
};

struct checkpoint_conf {
    const char *topic; /* by default GROUP-checkpoint; NULL if the group's name cannot be in one */
    bool create;
    int replication;   /* of a topic that is made; -1: the brokers' default */
    int on_unreadable; /* enum unreadable_policy */
    int64_t interval_ms;
};

struct window_conf {
    int64_t bucket_ms, allowed_delay_ms, grace_ms, horizon_ms, early_tolerance_ms, backfill_max_ms,
        idle_timeout_ms, emit_interval_ms;
    int fiscal_year_start; /* month 1..12 */
};

struct config;

struct sink_conf {
    const char *name;
    int type, dialect;
    const char *url, *database, *retention_policy, *org, *bucket, *user, *password, *token, *secret,
        *topic, *path, *dead_rows_path; /* secrets are already read from their files */
    const struct kafka_conf *kafka;     /* of the topic: that of all */
    const struct config *config;        /* totals: what this sink is of, for its brokers */
    int64_t repeat_ms;
    int64_t timeout_ms, connect_timeout_ms, backoff_min_ms, backoff_max_ms, confirm_after_ms;
    int64_t rows_max;         /* per request */
    struct text_list windows; /* the rows that it gets; empty: all */
    int language;             /* enum language: of alerts */
    int replication; /* totals: replicas of a topic that is made; -1: the brokers' default */
    bool create;     /* totals: whether ghgd makes the topic */
    bool gzip;
    uint8_t skips; /* a bit for each that it does not get: enum level, SINK_TRAJECTORY_BIT, ... */
};

/* Whether the sink gets alerts only, and tells people of them, or their programs. */
static inline bool sink_conf_tells_people(const struct sink_conf *sink)
{
    return sink->type == SINK_WEBHOOK || sink->type == SINK_ALERTMANAGER ||
           sink->type == SINK_TOPIC;
}

/* Whether the sink forgets what it was told when the process ends. The process that begins a shard
 * then writes the newest alert of each target that is above ok to it again. */
static inline bool sink_conf_repeats(const struct sink_conf *sink)
{
    return sink->type == SINK_ALERTMANAGER;
}

struct config {
    const char *file;
    int instance; /* of several that share the file; 0: there is one (instance.h) */
    struct input_conf input;
    struct kafka_conf kafka;
    struct checkpoint_conf checkpoint;
    struct table_files tables;
    struct window_conf window;
    struct trajectory_conf trajectory;
    const char *reporting_from; /* YYYY-MM-DD in each facility's zone; NULL: not given */
    const char *gwp_set;
    struct sink_conf *sinks;
    uint32_t sinks_count;
    const char *http_listen;        /* HOST:PORT as written; NULL: no HTTP */
    const char *http_host;          /* NULL: no HTTP */
    const char *http_token;         /* of its file or credential; NULL: the daemon makes one, */
    const char *http_token_path;    /* here */
    const char *http_allowed_hosts; /* joined by commas; NULL: none */
    int http_port;
    const char *state_directory;
    int64_t memory_bytes_max; /* 0: no ceiling */
    int log_level;
    int64_t shutdown_timeout_ms;
    const char *simd; /* "auto", "scalar", "avx2", "avx512", "neon" */
    struct registry
        *registry; /* built of the tables, owned (config.h); the options do not look into it */
    struct targets *targets; /* of the tables about targets, owned as well; NULL: no tables */
    uint32_t warnings;       /* that reading it gave; they are told there */
    struct arena *arena;
};

/* The topic whose log decides what is stored, and to whose partitions state belongs: input.topic,
 * or the one that its events are re-keyed into. */
static inline const char *config_log_topic(const struct config *config)
{
    return config->input.rekey ? config->input.rekey_topic : config->input.topic;
}

#endif
