"""The daemons of one group, by slot. Each has ports, a folder and links of its own."""
import signal
import time

import cluster
import daemon
import readings
import servers

PARTITIONS = readings.PARTITIONS
SESSION_S = 2.5
SINK_TIMEOUT_S = 2.5
SQLITE = "rows.sqlite"


class Member(daemon.Daemon):
    """A daemon that keeps its folder and its port through crashes."""

    namespace = None
    launched_at = 0  # bytes of the log by then

    def prepare(self):
        if hasattr(self, "port"):
            return
        if self.namespace is None:
            super().prepare()
            return
        listen = f"{self.namespace.inside}:{servers.free_port()}"
        self.config["http"] = {"listen": listen}
        super().prepare()
        self.url = f"http://{listen}"

    def command(self):
        prefix = self.namespace.prefix() if self.namespace else []
        return [*prefix, *super().command()]

    def launch(self):
        self.launched_at = self.log_path.stat().st_size if self.log_path.exists() else 0
        super().launch()

    def has_started(self):
        """Whether it has come to where signals are handled."""
        with open(self.log_path, "rb") as log:
            log.seek(self.launched_at)
            return b" process.started " in log.read()

    def sqlite_path(self):
        return self.folder / "state" / SQLITE

    def is_alive(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def try_metrics(self):
        """Its metrics, or None while it cannot answer."""
        try:
            return self.metrics()
        except (OSError, RuntimeError, ValueError):
            return None


TRIES = {"backoff_min": "100ms", "backoff_max": "500ms", "batch_rows": 2000}
REKEYED = "-rekeyed"


def sink(name, dialect, url, database):
    return {"name": name, "type": "influx", "dialect": dialect, "url": url, "database": database,
            "timeout": f"{SINK_TIMEOUT_S * 1000:.0f}ms", "connect_timeout": "2s", **TRIES}


def configuration(topic, brokers, sinks, horizon=readings.HORIZON, by_meter=False):
    rekey = {"rekey": True, "rekey_topic": topic + REKEYED} if by_meter else {}
    return {"input": {"topic": topic, "time_unit": "ms", **rekey},
            "kafka": {"brokers": brokers, "group": topic, "dead_letter_topic": topic + "-dead",
                      "late_topic": topic + "-late",
                      "properties": {"session.timeout.ms": f"{SESSION_S * 1000:.0f}",
                                     "heartbeat.interval.ms": "300",
                                     "topic.metadata.refresh.interval.ms": "2000",
                                     "reconnect.backoff.max.ms": "1000",
                                     "socket.timeout.ms": "10000"}},
            "checkpoint": {"interval": "2s"},
            "tables": {"facilities": "facilities.csv", "meters": "meters.csv",
                       "groups": ["region"], "catalogue": str(servers.ROOT / "config/factors")},
            # The clock must not call anything final: the calm run's clock is another one.
            "windows": {"horizon": horizon, "grace": "1h", "emit_interval": "500ms",
                        "idle_timeout": "7d",
                        "backfill_max": "73000d"},  # the messages are of today, their events not
            "sinks": sinks, "shutdown_timeout": "10s"}


class Fleet:
    def __init__(self, kafka, network, databases, topic, tables, shape):
        """databases: (name, dialect, server, database) of each sink."""
        self.members, self.running, self.deaths = [], set(), []
        self.stopped, self.links = set(), []
        self.kafka, self.topic, self.by_meter = kafka, topic, shape.by_meter
        self.last_change, self.dead_since = time.monotonic(), {}
        self.written, self.quiet_since = None, None
        for slot in range(cluster.SLOTS):
            sinks = []
            for name, dialect, server, database in databases:
                link = network.link(name, slot, server.port)
                self.links.append(link)
                sinks.append(sink(name, dialect, f"http://{link.address}", database))
            if shape.alone:
                sinks.append({"name": "sqlite", "type": "sqlite", "path": SQLITE, **TRIES})
            member = Member(configuration(topic, kafka.brokers_of(slot), sinks, shape.horizon(),
                                          shape.by_meter), tables)
            member.namespace = network.namespaces.get(slot)
            self.members.append(member)

    def start(self, slot):
        member = self.members[slot]
        servers.LOGS.mkdir(parents=True, exist_ok=True)
        if member.folder is None:
            member.folder = servers.Path(servers.tempfile.mkdtemp(prefix="ghgd-"))
            member.prepare()
        member.launch()
        self.running.add(slot)
        self.last_change = time.monotonic()

    def kill(self, slot):
        self.running.discard(slot)
        self.stopped.discard(slot)
        self.members[slot].kill()
        self.last_change = time.monotonic()

    def terminate(self, slot):
        """Asks it to go, does not wait; reap() sees how it went."""
        self.running.discard(slot)
        self.members[slot].signal(signal.SIGTERM)
        self.last_change = time.monotonic()

    def pause(self, slot):
        self.stopped.add(slot)
        self.members[slot].signal(signal.SIGSTOP)

    def go_on(self, slot):
        self.stopped.discard(slot)
        self.members[slot].signal(signal.SIGCONT)
        self.last_change = time.monotonic()

    def is_gone(self, slot):
        return not self.members[slot].is_alive()

    def check(self):
        """Notes daemons that ended without being told to, and starts them again."""
        for slot in list(self.running):
            member = self.members[slot]
            if member.is_alive():
                self.dead_since.pop(slot, None)
                continue
            if time.monotonic() - self.dead_since.setdefault(slot, time.monotonic()) < 1:
                continue  # a trap may have killed it just now
            del self.dead_since[slot]
            status = member.child.returncode
            self.deaths.append(f"daemon {slot} ended by itself with status {status}:\n"
                               + member.log_tail(15))
            self.last_change = time.monotonic()
            member.launch()

    def stop(self):
        for member in self.members:
            try:
                member.stop()
            except AssertionError as error:  # what a sanitizer has found
                self.deaths.append(str(error))

    # --- whether everything is done

    def status(self, ends):
        """(what is still missing, or "", and a number that changes with every write). ends: of the
        input topic."""
        answers = {slot: self.members[slot].try_metrics() for slot in sorted(self.running)}
        silent = [slot for slot, metrics in answers.items() if metrics is None]
        if silent:
            return f"daemons {silent} do not answer", 0
        written = sum(value for metrics in answers.values() for key, value in metrics.items()
                      if key[0] in ("ghgd_sink_rows_written_total", "ghgd_sink_retries_total"))
        missing = self.not_rekeyed(answers, ends) if self.by_meter else ""
        if not missing and self.by_meter:
            ends = self.kafka.ends(self.topic + REKEYED, PARTITIONS)
        return missing or self.missing(answers, ends), written

    @staticmethod
    def not_rekeyed(answers, ends):
        positions = {}
        for slot, metrics in answers.items():
            if metrics.get(("ghgd_rekey_waiting",), 0) > 0:
                return f"daemon {slot} waits for re-keyed messages to be acknowledged"
            for key, value in metrics.items():
                if key[0] == "ghgd_rekey_partition_next_offset":
                    positions[int(key[2])] = value
        behind = [p for p, end in enumerate(ends) if positions.get(p, -1) != end]
        return f"partitions {behind} are not re-keyed to their ends" if behind else ""

    def missing(self, answers, ends):
        owners, missing = {}, ""
        for slot, metrics in answers.items():
            for key, value in metrics.items():
                if key[0] == "ghgd_partition_next_offset":
                    partition = int(key[2])
                    missing = missing or self.unfinished(metrics, partition, value, ends)
                    owners.setdefault(partition, []).append(slot)
                elif key[0] == "ghgd_dead_letters_waiting" and value > 0:
                    missing = missing or f"daemon {slot}: {value:.0f} dead letters wait"
        twice = {p: slots for p, slots in owners.items() if len(slots) > 1}
        if len(owners) < len(ends) or twice:
            lost = sorted(set(range(len(ends))) - set(owners))
            return f"partitions without owner: {lost}, with two: {twice}"
        return missing

    @staticmethod
    def unfinished(metrics, partition, position, ends):
        def of(name):
            return metrics.get((name, "partition", str(partition)), -1)
        if position != ends[partition]:
            return f"partition {partition} at {position:.0f} of {ends[partition]}"
        if of("ghgd_partition_caught_up") != 1:
            return f"partition {partition} has not caught up"
        for name in ("shard_dirty_rows", "shard_at_risk_rows", "partition_takeover",
                     "partition_unreadable"):
            if of(f"ghgd_{name}") != 0:
                return f"partition {partition}: {name} is {of(f'ghgd_{name}'):.0f}"
        return ""

    def account(self):
        """{(partition, outcome or reason): events}, and {(partition, "read"): events}."""
        found = {}
        for slot in self.running:
            for key, value in (self.members[slot].try_metrics() or {}).items():
                if key[0] == "ghgd_partition_account_events" and value:
                    labels = dict(zip(key[1::2], key[2::2]))
                    found[int(labels["partition"]),
                          labels.get("reason") or labels["outcome"]] = int(value)
                elif key[0] == "ghgd_partition_read_events":
                    found[int(key[2]), "read"] = int(value)
        return found

    def settle(self, ends, quiet_s, limit_s, progress=lambda text: None):
        """Waits until everything is done, has stayed so for quiet_s, and no daemon writes any more.
        "", or what was missing after limit_s."""
        deadline = time.monotonic() + limit_s
        while True:
            self.check()
            missing, written = self.status(ends)
            now = time.monotonic()
            if missing or written != self.written or self.quiet_since is None:
                self.quiet_since, self.written = now, written
            elif now - max(self.quiet_since, self.last_change) >= quiet_s:
                return ""
            if now > deadline:
                return missing or "rows are written without end"
            progress(missing or "waits for silence")
            time.sleep(0.2)
