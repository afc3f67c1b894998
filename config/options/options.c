/*
 * options.c - the one table of every option; see options.h.
 */
#include "config/options/options.h"

#include <string.h>

#include "base/decimal.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/measure.h"
#include "base/timestamp.h"
#include "config/options/settings.h"

/* Numbers of enum event_format in ingest/event.h, which lies above this folder; the unit test holds
 * the two together. */
static const struct choice formats[] = {{"auto", 0}, {"json", 1}, {"msgpack", 2}, {NULL, 0}};
static const struct choice time_units[] = {
    {"none", TIME_UNIT_NONE}, {"s", TIME_UNIT_S},   {"ms", TIME_UNIT_MS},
    {"us", TIME_UNIT_US},     {"ns", TIME_UNIT_NS}, {NULL, 0},
};
static const struct choice unknown_policies[] = {
    {"reject", UNKNOWN_REJECT}, {"park", UNKNOWN_PARK}, {NULL, 0}};
static const struct choice conflict_policies[] = {
    {"last", CONFLICT_LAST}, {"hold", CONFLICT_HOLD}, {"larger", CONFLICT_LARGER}, {NULL, 0}};
static const struct choice starts[] = {
    {"earliest", START_EARLIEST}, {"latest", START_LATEST}, {NULL, 0}};
static const struct choice loss_policies[] = {
    {"stop", LOSS_STOP}, {"continue", LOSS_CONTINUE}, {NULL, 0}};
static const struct choice unreadable_policies[] = {
    {"stop", UNREADABLE_STOP}, {"rebuild", UNREADABLE_REBUILD}, {NULL, 0}};
static const struct choice gwp_sets[] = {{"AR4", 0}, {"AR5", 0}, {"AR6", 0}, {NULL, 0}};
static const struct choice sink_types[] = {{"influx", SINK_INFLUX},
                                           {"sqlite", SINK_SQLITE},
                                           {"file", SINK_FILE},
                                           {"webhook", SINK_WEBHOOK},
                                           {"alertmanager", SINK_ALERTMANAGER},
                                           {"topic", SINK_TOPIC},
                                           {"totals", SINK_TOTALS},
                                           {NULL, 0}};
static const struct choice languages[] = {
    {"en", LANGUAGE_EN}, {"zh", LANGUAGE_ZH}, {"vi", LANGUAGE_VI}, {NULL, 0}};
static const struct choice dialects[] = {{"influx1", DIALECT_INFLUX1},
                                         {"influx2", DIALECT_INFLUX2},
                                         {"victoria", DIALECT_VICTORIA},
                                         {NULL, 0}};
static const struct choice profiles[] = {
    {"none", PROFILE_NONE}, {"mcap-sat", PROFILE_MCAP_SAT}, {NULL, 0}};
static const struct choice forecasts[] = {
    {"ratio", FORECAST_RATIO}, {"model", FORECAST_MODEL}, {NULL, 0}};
static const struct choice log_levels[] = {{"error", LOG_LEVEL_ERROR},
                                           {"warn", LOG_LEVEL_WARN},
                                           {"info", LOG_LEVEL_INFO},
                                           {"debug", LOG_LEVEL_DEBUG},
                                           {NULL, 0}};
static const struct choice simd_tiers[] = {{"auto", 0},   {"scalar", 0}, {"avx2", 0},
                                           {"avx512", 0}, {"neon", 0},   {NULL, 0}};

enum { MIB = 1 << 20, PATH_BYTES_MAX = 4095, TEXT_BYTES_MAX = 1023 };

#define MEMBER(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)
#define OF_SINK(member) offsetof(struct sink_conf, member), sizeof(((struct sink_conf *)0)->member)
#define FIELD_PATH(name, index, help)                                                              \
    {                                                                                              \
        "input.fields." name, OPTION_FIELD, MEMBER(input.fields[index]), 1, NAME_BYTES_MAX, NULL,  \
            NULL, NULL, help                                                                       \
    }

/* clang-format off */
const struct option options[] = {
    /* path, type, member, minimum, maximum, default, choices, unit, help */
    {"input.topic", OPTION_TOPIC, MEMBER(input.topic), 1, 249, NULL, NULL, NULL,
     "Kafka topic that the events come from. Needed by `ghgd run`."},
    {"input.format", OPTION_CHOICE, MEMBER(input.format), 0, 0, "auto", formats, NULL,
     "How messages are encoded; `auto` tells JSON and MessagePack apart by the first byte."},
    {"input.time_unit", OPTION_CHOICE, MEMBER(input.time_unit), 0, 0, "none", time_units, NULL,
     "Unit of times that are integers since 1970-01-01 UTC; with `none` they are refused."},
    {"input.unknown_meter", OPTION_CHOICE, MEMBER(input.unknown_meter), 0, 0, "reject",
     unknown_policies, NULL,
     "How events of a meter in no table are treated: `reject` sends them to the dead-letter topic, "
     "`park` keeps them until a reload knows the meter."},
    {"input.on_conflict", OPTION_CHOICE, MEMBER(input.on_conflict), 0, 0, "last",
     conflict_policies, NULL,
     "Which of two values of one meter, time, revision and quality stays: `last` the later in the "
     "log, `hold` the first (the later one is refused), `larger` the larger. A meter's row may say "
     "otherwise."},
    {"input.parked_max", OPTION_SIZE, MEMBER(input.parked_bytes_max), 0, INT64_C(16) << 30, "64MiB",
     NULL, NULL, "Memory for parked events; an event that does not fit is rejected."},
    {"input.rekey", OPTION_BOOLEAN, MEMBER(input.rekey), 0, 0, "false", NULL, NULL,
     "Whether the topic is not keyed by facility. Its events are then first written to "
     "input.rekey_topic, keyed by facility, and read from there."},
    {"input.rekey_topic", OPTION_TOPIC, MEMBER(input.rekey_topic), 1, 249, NULL, NULL, NULL,
     "Topic for events keyed by facility, for this installation alone; ghgd makes it if it does "
     "not exist. By default the group's name and `-rekeyed`."},
    {"input.rekey_partitions", OPTION_INTEGER, MEMBER(input.rekey_partitions), 0, 100000, "0", NULL,
     "partitions", "Partitions of a rekey_topic that ghgd makes; 0 is as many as the input topic "
     "has. The number never changes afterwards."},
    FIELD_PATH("meter", 0, "Where an event has the meter's id."),
    FIELD_PATH("time", 1, "Where an event has its instant."),
    FIELD_PATH("start", 2, "Where an event has the beginning of its interval."),
    FIELD_PATH("end", 3, "Where an event has the end of its interval."),
    FIELD_PATH("value", 4, "Where an event has its value."),
    FIELD_PATH("unit", 5, "Where an event has its unit."),
    FIELD_PATH("quality", 6, "Where an event has its quality."),
    FIELD_PATH("revision", 7, "Where an event has its revision."),
    FIELD_PATH("id", 8, "Where an event has its own id."),
    FIELD_PATH("event", 9, "Where an event says that it is an exchange, a dip, a delivery, a transfer, a credit or a "
               "decision."),
    FIELD_PATH("final", 10, "Where an exchange has the last state of the old counter."),
    FIELD_PATH("initial", 11, "Where an exchange has the first state of the new counter."),
    FIELD_PATH("of", 12, "Where a decision says what kind of event it is about."),

    {"kafka.brokers", OPTION_BROKERS, MEMBER(kafka.brokers), 1, TEXT_BYTES_MAX, NULL, NULL, NULL,
     "Brokers to begin with, `host:port`, as a list or separated by commas. Needed by `ghgd run`."},
    {"kafka.group", OPTION_TEXT, MEMBER(kafka.group), 1, 255, "ghgd", NULL, NULL,
     "Consumer group; every process with the same group takes a share of the partitions."},
    {"kafka.dead_letter_topic", OPTION_TOPIC, MEMBER(kafka.dead_letter_topic), 1, 249, NULL, NULL,
     NULL, "Topic for events that were refused, with the reason in their headers. Without it they "
     "are counted only."},
    {"kafka.late_topic", OPTION_TOPIC, MEMBER(kafka.late_topic), 1, 249, NULL, NULL, NULL,
     "Topic for events older than the horizon. Without it they go to the dead-letter topic."},
    {"kafka.start", OPTION_CHOICE, MEMBER(kafka.start), 0, 0, "earliest", starts, NULL,
     "Where a group that has never committed begins. Partitions that the topic gets later are read "
     "from their beginning."},
    {"kafka.on_data_loss", OPTION_CHOICE, MEMBER(kafka.on_data_loss), 0, 0, "stop", loss_policies,
     NULL,
     "How to go on when the next messages of a partition are gone from the broker, or the group "
     "has forgotten its offset. `stop` halts that partition with an error that names the gap. "
     "`continue` goes on with the oldest message that is left, and says so."},
    {"kafka.partition_max", OPTION_SIZE, MEMBER(kafka.partition_bytes_max), MIB, INT64_C(2) << 30,
     "16MiB", NULL, NULL, "Memory for fetched messages, for each assigned partition."},
    {"kafka.properties", OPTION_PROPERTIES, MEMBER(kafka.properties), 0, 0, NULL, NULL, NULL,
     "Any other property of librdkafka by its own name, `security.protocol: SASL_SSL`. A value can "
     "be `{file: PATH}` or `{credential: NAME}`; passwords and keys must be."},

    {"checkpoint.topic", OPTION_TOPIC, MEMBER(checkpoint.topic), 1, 249, NULL, NULL, NULL,
     "Compacted Kafka topic for the state of every partition. By default the group's name and "
     "`-checkpoint`."},
    {"checkpoint.create", OPTION_BOOLEAN, MEMBER(checkpoint.create), 0, 0, "true", NULL, NULL,
     "Whether ghgd makes the topic if it does not exist, and adds partitions if the input topic "
     "has more."},
    {"checkpoint.replication", OPTION_INTEGER, MEMBER(checkpoint.replication), -1, 32767, "-1", NULL,
     "replicas", "Replicas of a topic that ghgd makes; -1 is the brokers' default."},
    {"checkpoint.interval", OPTION_DURATION, MEMBER(checkpoint.interval_ms), SECOND_MS, HOUR_MS, "30s",
     NULL, NULL, "How often the state of a partition is saved, and its offset committed."},
    {"checkpoint.on_unreadable", OPTION_CHOICE, MEMBER(checkpoint.on_unreadable), 0, 0, "stop",
     unreadable_policies, NULL, "How to go on when saved state is damaged, gone or of a newer ghgd. "
     "`stop` leaves the partition where it is and says what to do. `rebuild` derives its state again "
     "from the oldest messages that the topic still has."},

    {"tables.facilities", OPTION_INPUT_PATH, MEMBER(tables.facilities), 1, PATH_BYTES_MAX, NULL,
     NULL, NULL, "Table of facilities, CSV. Needed."},
    {"tables.meters", OPTION_INPUT_PATH, MEMBER(tables.meters), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "Table of meters, CSV. Needed."},
    {"tables.factors", OPTION_INPUT_PATHS, MEMBER(tables.factors), 0, 32, NULL, NULL, NULL,
     "Further tables of emission factors, CSV, searched before the shipped ones."},
    {"tables.groups", OPTION_IDENTIFIERS, MEMBER(tables.groups), 0, GROUP_LEVELS_MAX, NULL, NULL,
     NULL, "Names of the group levels, from the top: columns of the facilities table, and tags of "
     "every series."},
    {"tables.catalogue", OPTION_INPUT_PATH, MEMBER(tables.catalogue), 1, PATH_BYTES_MAX, NULL, NULL,
     NULL, "Folder of the shipped factor catalogue. By default the one installed with ghgd."},

    {"tables.targets", OPTION_INPUT_PATH, MEMBER(tables.targets), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "Table of targets, CSV: [targets.md](targets.md)."},
    {"tables.weights", OPTION_INPUT_PATH, MEMBER(tables.weights), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "Table of the shares that months have in the year of a target, CSV."},
    {"tables.base_changes", OPTION_INPUT_PATH, MEMBER(tables.base_changes), 1, PATH_BYTES_MAX, NULL,
     NULL, NULL, "Table of the changes of base years, CSV."},
    {"tables.ownership", OPTION_INPUT_PATH, MEMBER(tables.ownership), 1, PATH_BYTES_MAX, NULL, NULL,
     NULL, "Table of the shares of facilities that count, CSV. A facility without rows counts whole."},
    {"tables.history", OPTION_INPUT_PATH, MEMBER(tables.history), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "Table of emissions from before the daemon, CSV."},
    {"tables.holidays", OPTION_INPUT_PATHS, MEMBER(tables.holidays), 0, HOLIDAY_TABLES_MAX, NULL, NULL, NULL,
     "Tables of holidays, CSV. A country's code alone is the shipped table of it: `[CN, VN, "
     "ours.csv]`."},

    {"windows.bucket", OPTION_DURATION, MEMBER(window.bucket_ms), MINUTE_MS, HOUR_MS, "15m", NULL, NULL,
     "Length of the base window; it divides an hour."},
    {"windows.allowed_delay", OPTION_DURATION, MEMBER(window.allowed_delay_ms), 0, 7 * DAY_MS, "5m",
     NULL, NULL, "How far the watermark stays behind the newest event of a partition."},
    {"windows.grace", OPTION_DURATION, MEMBER(window.grace_ms), 0, 30 * DAY_MS, "1h", NULL, NULL,
     "How long after the watermark has passed its end a window stays live. A change after that is a "
     "revision."},
    {"windows.horizon", OPTION_DURATION, MEMBER(window.horizon_ms), HOUR_MS, 90 * DAY_MS, "7d",
     NULL, NULL, "How far back corrections and late events are accepted. At least windows.grace and "
     "windows.bucket together."},
    {"windows.early_tolerance", OPTION_DURATION, MEMBER(window.early_tolerance_ms), 0, 7 * DAY_MS, "5m",
     NULL, NULL, "How far an event may lie ahead of its Kafka timestamp; beyond it is refused."},
    {"windows.backfill_max", OPTION_DURATION, MEMBER(window.backfill_max_ms), HOUR_MS, 73000 * DAY_MS,
     "400d", NULL, NULL,
     "How long before its Kafka timestamp the first reading of a partition may end; an older one is "
     "late. Once a reading has been accepted, windows.horizon decides."},
    {"windows.idle_timeout", OPTION_DURATION, MEMBER(window.idle_timeout_ms), SECOND_MS, 7 * DAY_MS, "15m",
     NULL, NULL, "After this long without an event the windows of a partition may be called final by "
     "the clock."},
    {"windows.emit_interval", OPTION_DURATION, MEMBER(window.emit_interval_ms), 100, HOUR_MS, "10s",
     NULL, NULL, "How often live windows that changed are written."},
    {"windows.fiscal_year_start", OPTION_INTEGER, MEMBER(window.fiscal_year_start), 1, 12, "1", NULL,
     "month", "Month with which a year begins."},
    {"windows.reporting_from", OPTION_DATE, MEMBER(reporting_from), 0, 0, NULL, NULL, NULL,
     "First local day on which meters without `valid_from` are expected to report. Without it, each of "
     "them is expected from its own first reading."},

    {"emissions.gwp", OPTION_WORD, MEMBER(gwp_set), 0, 0, "AR5", gwp_sets, NULL,
     "Set of global warming potentials (100 years): the IPCC assessment report it is from."},

    {"trajectory.profile", OPTION_CHOICE, MEMBER(trajectory.profile), 0, 0, "none", profiles, NULL,
     "Criteria for targets: `mcap-sat` warns of targets that do not meet those of SBTi near-term "
     "targets."},
    {"trajectory.forecast", OPTION_CHOICE, MEMBER(trajectory.forecast), 0, 0, "ratio", forecasts, NULL,
     "The figure by which a target is judged. `ratio` takes the year to date against its budget; "
     "`model` also takes the year's end by the model, and the larger of both counts."},
    {"trajectory.nonworking", OPTION_SHARE, MEMBER(trajectory.nonworking), 0, PART_ONE, "0.5", NULL,
     NULL, "The part of a working day's emissions that a day off has."},
    {"trajectory.days_off", OPTION_WEEKDAYS, MEMBER(trajectory.days_off), 0, 0, "Sun", NULL, NULL,
     "Weekdays off; `none` or an empty list: every day is worked. Holidays are days off as well. Tables of "
     "holidays may give other weekdays for a country or a facility, and days that are worked."},
    {"trajectory.base_change_min", OPTION_PERCENT, MEMBER(trajectory.base_change_min), PART_ONE / 1000, PART_ONE,
     "5%", NULL, NULL, "Changes of this part of a target's base, one or together, make a new base."},
    {"trajectory.share_min", OPTION_PERCENT, MEMBER(trajectory.share_min), 0, PART_ONE, "10%", NULL,
     NULL, "Part of a year's budget that must be due before there is a forecast, or a judgement."},
    {"trajectory.coverage_min", OPTION_PERCENT, MEMBER(trajectory.coverage_min), 0, PART_ONE, "80%",
     NULL, NULL, "Coverage of the year to date under which a day is not judged."},
    {"trajectory.watch", OPTION_PERCENT, MEMBER(trajectory.watch), 0, 10 * (int64_t)PART_ONE, "0.5%",
     NULL, NULL, "Emissions above the budget by this part are level `watch`; in steps of 0.01%."},
    {"trajectory.warning", OPTION_PERCENT, MEMBER(trajectory.warning), 0, 10 * (int64_t)PART_ONE, "2%",
     NULL, NULL, "The same of level `warning`; at least trajectory.watch, in steps of 0.01%."},
    {"trajectory.critical", OPTION_PERCENT, MEMBER(trajectory.critical), 0, 10 * (int64_t)PART_ONE,
     "5%", NULL, NULL, "The same of level `critical`; at least trajectory.warning, in steps of 0.01%."},
    {"trajectory.margin", OPTION_PERCENT, MEMBER(trajectory.margin), 0, PART_ONE, "1%", NULL, NULL,
     "Emissions must be this many points below a level's threshold before the level is left; in steps of "
     "0.01%."},
    {"trajectory.miss_probability", OPTION_SHARE, MEMBER(trajectory.miss_probability),
     PART_ONE / 1000, PART_ONE, "0.9", NULL, NULL,
     "A target that will be missed with this probability is `critical` too; in steps of 0.001."},
    {"trajectory.enter_days", OPTION_INTEGER, MEMBER(trajectory.enter_days), 1, 31, "3", NULL, "days",
     "Judged days in a row at a level, before it is entered."},
    {"trajectory.leave_days", OPTION_INTEGER, MEMBER(trajectory.leave_days), 1, 31, "3", NULL, "days",
     "Judged days in a row below a level and its margin, before it is left."},
    {"trajectory.dwell", OPTION_DURATION, MEMBER(trajectory.dwell_ms), 0, 366 * DAY_MS, "24h", NULL,
     NULL, "The least time between entering a level and leaving it, by the ends of days."},
    {"trajectory.missing_deviation", OPTION_PERCENT, MEMBER(trajectory.missing_deviation), 0,
     10 * (int64_t)PART_ONE, "100%", NULL, NULL,
     "Deviation of the mass that time without readings would have, at the rate of the rest; the forecast's "
     "deviation contains it."},
    {"trajectory.estimated_deviation", OPTION_PERCENT, MEMBER(trajectory.estimated_deviation), 0,
     10 * (int64_t)PART_ONE, "15%", NULL, NULL, "The same of the mass that is estimated."},

    {"sinks.name", OPTION_IDENTIFIER, OF_SINK(name), 1, 63, NULL, NULL, NULL,
     "Name in logs and metrics; each sink has its own. Needed."},
    {"sinks.type", OPTION_CHOICE, OF_SINK(type), 0, 0, NULL, sink_types, NULL,
     "`influx` writes line protocol over HTTP, `sqlite` a database file, `file` line protocol to a "
     "file or standard output. `webhook`, `alertmanager` and `topic` get alerts only: "
     "[alerts.md](alerts.md). `totals` writes each facility's days to a topic, for groups: "
     "[groups.md](groups.md). Needed."},
    {"sinks.dialect", OPTION_CHOICE, OF_SINK(dialect), 0, 0, "influx1", dialects, NULL,
     "Server behind `influx`: InfluxDB 1.x, InfluxDB 2.x, or VictoriaMetrics."},
    {"sinks.url", OPTION_URL, OF_SINK(url), 1, TEXT_BYTES_MAX, NULL, NULL, NULL,
     "Server, `http://host:port`, with a path prefix if it has one; for a webhook its whole address."},
    {"sinks.database", OPTION_TEXT, OF_SINK(database), 1, 255, NULL, NULL, NULL,
     "Database (influx1; for victoria the label `db`)."},
    {"sinks.retention_policy", OPTION_TEXT, OF_SINK(retention_policy), 1, 255, NULL, NULL, NULL,
     "Retention policy (influx1); the database's own default if absent."},
    {"sinks.org", OPTION_TEXT, OF_SINK(org), 1, 255, NULL, NULL, NULL, "Organisation (influx2)."},
    {"sinks.bucket", OPTION_TEXT, OF_SINK(bucket), 1, 255, NULL, NULL, NULL, "Bucket (influx2)."},
    {"sinks.user", OPTION_TEXT, OF_SINK(user), 1, 255, NULL, NULL, NULL,
     "User (influx1, victoria, webhook, alertmanager)."},
    {"sinks.password", OPTION_SECRET, OF_SINK(password), 0, 0, NULL, NULL, NULL, NULL},
    {"sinks.password_file", OPTION_SECRET_FILE, OF_SINK(password), 1, PATH_BYTES_MAX, NULL, NULL,
     NULL, "File that holds the user's password."},
    {"sinks.password_credential", OPTION_CREDENTIAL, OF_SINK(password), 1, 255, NULL, NULL, NULL,
     "The same as a systemd credential (`LoadCredential=NAME:...`)."},
    {"sinks.token", OPTION_SECRET, OF_SINK(token), 0, 0, NULL, NULL, NULL, NULL},
    {"sinks.token_file", OPTION_SECRET_FILE, OF_SINK(token), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "File that holds the API token (influx2), or the Bearer token (webhook, alertmanager)."},
    {"sinks.token_credential", OPTION_CREDENTIAL, OF_SINK(token), 1, 255, NULL, NULL, NULL,
     "The same as a systemd credential."},
    {"sinks.secret", OPTION_SECRET, OF_SINK(secret), 0, 0, NULL, NULL, NULL, NULL},
    {"sinks.secret_file", OPTION_SECRET_FILE, OF_SINK(secret), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "File that holds the secret by which requests are signed (webhook); without it they are not."},
    {"sinks.secret_credential", OPTION_CREDENTIAL, OF_SINK(secret), 1, 255, NULL, NULL, NULL,
     "The same as a systemd credential."},
    {"sinks.topic", OPTION_TOPIC, OF_SINK(topic), 1, 249, NULL, NULL, NULL,
     "Kafka topic for alerts, which ghgd does not make (topic); or a compacted one, of one partition, "
     "for the days of all facilities (totals), by default the group's name and `-totals`. On the "
     "brokers of kafka.brokers."},
    {"sinks.language", OPTION_CHOICE, OF_SINK(language), 0, 0, "en", languages, NULL,
     "Language of alerts (webhook, alertmanager, topic): English, Chinese or Vietnamese."},
    {"sinks.repeat", OPTION_DURATION, OF_SINK(repeat_ms), SECOND_MS, HOUR_MS, "1m", NULL, NULL,
     "How often alerts that stand are sent again (alertmanager). After four times as long without "
     "one, Alertmanager takes an alert for over."},
    {"sinks.path", OPTION_OUTPUT_PATH, OF_SINK(path), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "File to write (sqlite, file); `-` is standard output (file)."},
    {"sinks.create", OPTION_BOOLEAN, OF_SINK(create), 0, 0, "true", NULL, NULL,
     "Whether ghgd makes the topic if it does not exist (totals)."},
    {"sinks.replication", OPTION_INTEGER, OF_SINK(replication), -1, 32767, "-1", NULL, "replicas",
     "Replicas of a topic that ghgd makes (totals); -1 is the brokers' default."},
    {"sinks.dead_rows", OPTION_OUTPUT_PATH, OF_SINK(dead_rows_path), 1, PATH_BYTES_MAX, NULL, NULL,
     NULL, "File for rows that the server refused, with its words. By default NAME.dead-rows."},
    {"sinks.gzip", OPTION_BOOLEAN, OF_SINK(gzip), 0, 0, "true", NULL, NULL,
     "Whether requests are compressed (influx)."},
    {"sinks.timeout", OPTION_DURATION, OF_SINK(timeout_ms), SECOND_MS, 10 * MINUTE_MS, "20s", NULL, NULL,
     "For a whole request. Longer than the server's own, which is 10s for InfluxDB."},
    {"sinks.connect_timeout", OPTION_DURATION, OF_SINK(connect_timeout_ms), 100, 10 * MINUTE_MS, "5s",
     NULL, NULL, "For the connection."},
    {"sinks.confirm_after", OPTION_DURATION, OF_SINK(confirm_after_ms), SECOND_MS, 10 * MINUTE_MS, "15s",
     NULL, NULL,
     "For how long a database may lose what it has acknowledged (victoria): longer than its flush "
     "interval, with time to spare. A day leaves the horizon no sooner after its last row."},
    {"sinks.backoff_min", OPTION_DURATION, OF_SINK(backoff_min_ms), 10, HOUR_MS, "1s", NULL, NULL,
     "Wait before the first retry; it doubles with every failure."},
    {"sinks.backoff_max", OPTION_DURATION, OF_SINK(backoff_max_ms), 10, HOUR_MS, "1m", NULL, NULL,
     "Longest wait between two tries."},
    {"sinks.batch_rows", OPTION_INTEGER, OF_SINK(rows_max), 1, ROWS_PER_BLOCK_MAX, "5000", NULL,
     "rows", "Rows in one request or transaction."},
    {"sinks.windows", OPTION_IDENTIFIERS, OF_SINK(windows), 0, SINK_WINDOWS, NULL, NULL, NULL,
     "Rows that it gets: of windows of the lengths `bucket`, `hour`, `day`, `month` and `year`; "
     "`trajectory`, of targets; `alerts`, of their levels. By default all. A sink whose lengths "
     "have changed is a new sink: it gets every open window."},

    {"http.listen", OPTION_LISTEN, MEMBER(http_listen), 0, 0, "127.0.0.1:9477", NULL, NULL,
     "Address of metrics, health and API, `host:port`; `off` for none. Pages need no "
     "authentication: keep it on loopback, or behind a proxy."},
    {"http.allowed_hosts", OPTION_BROKERS, MEMBER(http_allowed_hosts), 1, 4096, NULL, NULL, NULL,
     "Names under which others ask for pages, such as that of a proxy. The loopback's names and the "
     "address that was asked are always among them; ports do not matter."},
    {"http.token", OPTION_SECRET, MEMBER(http_token), 0, 0, NULL, NULL, NULL, NULL},
    {"http.token_file", OPTION_SECRET_FILE, MEMBER(http_token), 1, PATH_BYTES_MAX, NULL, NULL, NULL,
     "File with the token that commands (POST) have to show. By default the daemon makes `http-token` "
     "in its state directory, readable by its owner only."},
    {"http.token_credential", OPTION_CREDENTIAL, MEMBER(http_token), 1, 255, NULL, NULL, NULL,
     "The same as a systemd credential."},
    {"log.level", OPTION_CHOICE, MEMBER(log_level), 0, 0, "info", log_levels, NULL,
     "Least severe log lines that are written."},
    {"state_directory", OPTION_INPUT_PATH, MEMBER(state_directory), 1, PATH_BYTES_MAX,
     "/var/lib/ghgd", NULL, NULL, "Folder for the files that the daemon writes. If it is missing, the daemon makes it, readable "
     "by its owner only."},
    {"memory_max", OPTION_SIZE, MEMBER(memory_bytes_max), 0, INT64_C(1) << 46, "0B", NULL, NULL,
     "Most memory that the daemon takes for the state of facilities and for its queues; 0 for what "
     "`ghgd check` says. At the ceiling a partition waits whose next facility does not fit."},
    {"shutdown_timeout", OPTION_DURATION, MEMBER(shutdown_timeout_ms), SECOND_MS, 10 * MINUTE_MS, "20s",
     NULL, NULL, "How long SIGTERM may take to write and commit what is left."},
    {"simd", OPTION_WORD, MEMBER(simd), 0, 0, "auto", simd_tiers, NULL,
     "Forces the vector instructions of the calculation. All give the same bits."},
};
/* clang-format on */

const size_t options_count = ARRAY_LEN(options);
_Static_assert(ARRAY_LEN(options) <= OPTIONS_MAX, "places are kept in arrays of this size");
_Static_assert((90 + 1) * (DAY_MS / MINUTE_MS) <= BUCKETS_MAX,
               "the longest horizon and a day in the shortest buckets");

const struct option *option_find(const char *path, size_t size)
{
    for (size_t i = 0; i < options_count; i++)
        if (strlen(options[i].path) == size && memcmp(options[i].path, path, size) == 0)
            return &options[i];
    return NULL;
}

size_t option_index(const struct option *option)
{
    return (size_t)(option - options);
}

bool option_is_section(const char *path, size_t size)
{
    for (size_t i = 0; i < options_count; i++)
        if (strncmp(options[i].path, path, size) == 0 && options[i].path[size] == '.')
            return true;
    return false;
}

bool option_is_of_sink(const struct option *option)
{
    return strncmp(option->path, SINKS_PATH ".", strlen(SINKS_PATH ".")) == 0;
}

const char *option_key(const struct option *option)
{
    const char *dot = strrchr(option->path, '.');
    return dot == NULL ? option->path : dot + 1;
}

size_t option_keys(const char *section, const char **keys_out, size_t keys_max, struct buffer *text)
{
    size_t section_size = strlen(section);
    size_t start = section_size == 0 ? 0 : section_size + 1;
    size_t offsets[OPTIONS_MAX];
    size_t count = 0;
    const char *last = "";
    size_t last_size = 0;
    for (size_t i = 0; i < options_count && count < keys_max; i++) {
        const char *path = options[i].path;
        if (section_size > 0 &&
            (strncmp(path, section, section_size) != 0 || path[section_size] != '.'))
            continue;
        size_t size = strcspn(path + start, ".");
        if (options[i].type == OPTION_SECRET ||
            (size == last_size && strncmp(path + start, last, size) == 0))
            continue;
        last = path + start;
        last_size = size;
        offsets[count++] = text->size;
        buffer_add(text, last, size);
        buffer_add_char(text, '\0');
    }
    if (buffer_failed(text))
        return 0;
    for (size_t i = 0; i < count; i++)
        keys_out[i] = text->data + offsets[i];
    return count;
}
