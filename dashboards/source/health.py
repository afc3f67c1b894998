"""The dashboard of ghgd's own health, from its /metrics in Prometheus."""
from boards import dashboard, data_source, variable
from panels import Row, Series, Stat, Table, Timeline, fixed, mapped, override
from queries import Raw

HERE = 'job=~"$job",instance=~"$instance"'
PER_SECOND = "rate({}[$__rate_interval])"
GOOD_ABOVE = [("red", None), ("green", 1)]
BAD_ABOVE = [("green", None), ("red", 1)]
OK = mapped({"1": ("ok", "green"), "0": ("failing", "red")})
STOPPED = mapped({"0": ("runs", "green"), "1": ("stands still", "red")})


def metric(name, labels=""):
    return f"{name}{{{HERE}{',' + labels if labels else ''}}}"


def ask(*pairs, instant=False):
    """(expression, legend) pairs. There is no InfluxQL here."""
    return Raw({}, [{"expr": expr, "legendFormat": legend, **({"instant": True} if instant else {})}
                    for expr, legend in pairs])


def stat(number, title, description, expr, unit="none", steps=None, legend="", **more):
    return Stat(number, title, description, (4, 4), ask((expr, legend), instant=True), unit,
                color={"mode": "thresholds"} if steps else fixed("blue"), steps=steps or [("green", None)], **more)


def lines(number, title, description, *pairs, unit="none", size=(12, 8), **more):
    return Series(number, title, description, size, ask(*pairs), unit, steps_after=False, min=0, **more)


def panels():
    rate = PER_SECOND.format
    events = metric("ghgd_events_total")
    return [
        Row(1, "Now"),
        stat(2, "Processes", "Processes that Prometheus reaches.", f"count({metric('ghgd_build_info')})", decimals=0),
        stat(3, "Partitions behind", "Partitions that have not reached the end of the log yet.",
             f"count({metric('ghgd_partition_caught_up')} == 0) or vector(0)", steps=BAD_ABOVE, decimals=0),
        stat(4, "Sinks that fail", "Databases whose last request failed: rows wait for them.",
             f"count({metric('ghgd_sink_healthy')} == 0) or vector(0)", steps=BAD_ABOVE, decimals=0),
        stat(5, "Oldest checkpoint", "Age of the oldest of the partitions' last checkpoints. It also grows while nothing "
             "arrives: there is nothing to save then.", f"max({metric('ghgd_partition_checkpoint_age_seconds')})", "s",
             decimals=0),
        stat(6, "Facilities unheard", "Facilities of the table without any reading so far, over all processes.",
             f"max({metric('ghgd_facilities_heard')} + {metric('ghgd_facilities_unheard')}) - "
             f"sum({metric('ghgd_facilities_heard')})", steps=[("green", None), ("orange", 1)], decimals=0),
        stat(7, "Configuration", "Whether the last reload was taken, in every process.",
             f"min({metric('ghgd_config_last_reload_successful')})", steps=GOOD_ABOVE, mappings=[
                 mapped({"1": ("in force", "green"), "0": ("a reload was refused", "red")})]),
        Row(8, "From the log"),
        lines(9, "Events by outcome", "Every event has exactly one outcome.",
              (f"sum by (outcome) ({rate(events)})", "{{outcome}}"), unit="cps"),
        lines(10, "Refused events by reason", "Events in the dead-letter topic; `ghgd deadletter list` shows them.",
              (f"sum by (reason) ({rate(metric('ghgd_events_total', 'outcome=' + chr(34) + 'rejected' + chr(34)))})",
               "{{reason}}"), unit="cps"),
        lines(11, "Messages behind", "Messages of each partition that were not taken yet.",
              (f"sum by (partition) ({metric('ghgd_partition_lag_messages')})", "partition {{partition}}")),
        lines(12, "Event time behind the clock", "How far the watermark of each partition is behind: its newest reading, "
              "less the allowed delay.",
              (f"time() - max by (partition) ({metric('ghgd_shard_watermark_timestamp_seconds')})",
               "partition {{partition}}"), unit="s"),
        Timeline(13, "Partitions that stand still", "Red: the partition waits for a sink, for the dead-letter queue or for "
                 "memory, is halted as data is gone, or its state cannot be read.", (24, 6),
                 ask((f"max by (partition) ({{__name__=~\"ghgd_partition_(stopped|halted|unreadable|waits_for_memory)\","
                      f"{HERE}}})", "partition {{partition}}")), mappings=[STOPPED]),
        Row(14, "To the databases"),
        lines(15, "Rows written", "Rows that each sink acknowledged.",
              (f"sum by (sink) ({rate(metric('ghgd_sink_rows_written_total'))})", "{{sink}}"), unit="cps"),
        lines(16, "Rows that wait", "Windows whose rows have to be sent, counted for each sink.",
              (f"sum by (partition) ({metric('ghgd_shard_dirty_rows')})", "partition {{partition}}")),
        lines(17, "Requests by result", "Requests of all sinks, by what became of them.",
              (f"sum by (sink, result) ({rate(metric('ghgd_sink_requests_total'))})", "{{sink}}: {{result}}"), unit="cps"),
        lines(18, "Time of a request", "The 95th percentile, from sending a request to its answer.",
              (f"histogram_quantile(0.95, sum by (sink, le) ({rate(metric('ghgd_sink_request_duration_seconds_bucket'))}))",
               "{{sink}}"), unit="s"),
        Timeline(19, "Sinks", "Whether the last request of each succeeded.", (12, 6),
                 ask((f"min by (sink) ({metric('ghgd_sink_healthy')})", "{{sink}}")), mappings=[OK]),
        lines(20, "Rows refused, and retries", "Rows that a server named bad are in the file of dead rows.",
              (f"sum by (sink) ({rate(metric('ghgd_sink_rows_refused_total'))})", "{{sink}}: refused"),
              (f"sum by (sink) ({rate(metric('ghgd_sink_retries_total'))})", "{{sink}}: sent again"), unit="cps",
              size=(12, 6)),
        Row(21, "Data"),
        lines(22, "Held meter-seconds", "Meter-seconds of the open days whose readings contradict each other.",
              (f"sum({metric('ghgd_shard_held_seconds')})", "held"), unit="s"),
        lines(23, "Glitches and conflicts", "Readings of the open days that are left aside, and those with two values.",
              (f"sum({metric('ghgd_shard_glitches')})", "glitches"),
              (f"sum({metric('ghgd_shard_conflicts')})", "conflicts"),
              (f"sum({metric('ghgd_shard_negative_rests')})", "days with a negative rest"),
              (f"sum({metric('ghgd_shard_check_differences')})", "days with a check difference")),
        Table(24, "Meters with something held", "The longest first; the page /held tells more. At most 100 a process.",
              (24, 8),
              [("Held, s", Raw({}, {"expr": f"sum by (facility, meter, reason) ({metric('ghgd_meter_held_seconds')})"}))],
              {"facility": "Facility", "meter": "Meter", "reason": "Reason"}, "Held, s", decimals=0),
        Row(25, "State and process"),
        lines(26, "Age of checkpoints", "Since the group has had each partition's last checkpoint; a partition to which "
              "nothing comes saves nothing.",
              (f"max by (partition) ({metric('ghgd_partition_checkpoint_age_seconds')})", "partition {{partition}}"),
              unit="s"),
        lines(27, "Checkpoints", "Bytes of checkpoints, and failures.",
              (f"sum({rate(metric('ghgd_checkpoint_written_bytes_total'))})", "bytes"),
              (f"sum({rate(metric('ghgd_checkpoint_failures_total'))})", "failures"), unit="Bps"),
        lines(28, "Memory", "In RAM, as memory_max counts it, and that ceiling; a ceiling of 0 is none.",
              (f"sum by (instance) ({metric('process_resident_memory_bytes')})", "{{instance}}: in RAM"),
              (f"sum by (instance) ({metric('ghgd_memory_accounted_bytes')})", "{{instance}}: accounted"),
              (f"sum by (instance) ({metric('ghgd_memory_max_bytes')})", "{{instance}}: memory_max"), unit="bytes"),
        lines(29, "Processor", "Time of all threads, in cores.",
              (f"sum by (instance) ({rate(metric('process_cpu_seconds_total'))})", "{{instance}}")),
        lines(30, "Kafka", "Rebalances, errors of the client, refused commits, and losses of data, by second.",
              *((f"sum({rate(metric(name))})", label) for name, label in (
                  ("ghgd_consumer_rebalances_total", "rebalances"), ("ghgd_consumer_errors_total", "errors"),
                  ("ghgd_consumer_commit_failures_total", "refused commits"),
                  ("ghgd_consumer_data_losses_total", "losses of data"))), unit="cps"),
        lines(31, "Dead letters that wait", "Refused and late events, and events sent on to the keyed topic, that no broker "
              "has acknowledged yet.",
              (f"sum by (instance) ({metric('ghgd_dead_letters_waiting')})", "{{instance}}: dead letters"),
              (f"sum by (instance) ({metric('ghgd_rekey_waiting')})", "{{instance}}: keyed topic"))]


def make(store, installation, _):
    def values(name, label, description, query):
        return variable("query", name, label, description, query, {"selected": True, "text": ["All"], "value": ["$__all"]},
                        multi=True, all_value=".*", datasource=store.at())
    listed = [data_source(store),
              values("job", "Job", "Job of the scrape configuration.", "label_values(ghgd_build_info, job)"),
              values("instance", "Process", "Processes of the job.", 'label_values(ghgd_build_info{job=~"$job"}, instance)')]
    return {"health": dashboard(
        store, "health", "ghgd: health", "What ghgd says of itself: the log, databases, state, and data in doubt.",
        panels(), listed, [], [], installation, "now-6h", tags=("ghgd", "health"))}
