"""A group of factories with all kinds of meters: what is true is in the windows, whichever way it came.

A small group is a test like any other. `make check-year` replays twenty factories and a year.
"""
import json
import os
import random
import subprocess
import tempfile
import unittest
from collections import Counter
from datetime import datetime
from decimal import Decimal

import daemon
import replay
import servers
import streams
import year_group
import year_rows

CLASSES = ("used", "duplicate", "corrected", "late", "early", "unknown", "parked")
WHOLE = os.environ.get("GHGD_YEAR")


class Case(unittest.TestCase):
    """One group, replayed, and brought through a broker. It has no test."""

    bucket, partitions = "15m", 1
    kills = False  # a takeover takes half a minute

    def make(self, *args, **more):
        self.seed = int(os.environ.get("SEED") or 1)
        print(f"{self.id()}: seed {self.seed}", flush=True)
        self.group = year_group.Group(self.seed, *args, **more)
        facilities, meters, factors = self.group.tables()
        self.config = {
            "tables": {"groups": ["region"], "factors": ["factors.csv"]},
            "windows": {"bucket": self.bucket, "horizon": year_group.HORIZON,
                        "reporting_from": datetime(*self.begin).strftime("%Y-%m-%d")}}
        self.site = replay.Site(self.config, facilities, meters)
        replay.write_csv(self.site.folder / "factors.csv", factors)
        self.addCleanup(self.site.remove)

    def replay(self, name, order, batch_max=1):
        """The summary of a replay, whose rows are in the file of that name."""
        events = [event for _, _, event in self.group.events(order)]
        (self.site.folder / "ghgd.yaml").write_text(json.dumps(self.site.config))
        (self.site.folder / "events").write_bytes(json_lines(events, order, batch_max))
        done = subprocess.run([daemon.BINARY, "replay", "-c", "ghgd.yaml", "-o", name, "-r", "rejects", "events"],
                              cwd=self.site.folder, capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        return replay.Result(b"", done.stderr, (self.site.folder / "rejects").read_text())

    def assert_outcomes(self, result):
        want = self.group.outcomes()
        got = {**{name: n for name, n in result.counts.items() if name in CLASSES and n}, **result.reasons}
        self.assertEqual(got, {name: n for name, n in want.items() if n})
        self.assertEqual(result.read, sum(want.values()))

    def assert_true(self, sums):
        """Every month and the sum of the years of every meter, to the last micro-unit."""
        wrong = []
        for name, meter in self.group.meters.items():
            months = {("1mo", meter.clock.at(*month, 1)): Decimal(micro).scaleb(-6)
                      for month, micro in meter.truth.items() if micro}
            got = sums.activity[name]
            total = sum(value for (level, _), value in got.items() if level == "1y")
            if total != sum(months.values()):
                wrong.append(f"{name}: {total} in all, not {sum(months.values())}")
            for key, value in months.items():
                if got[key] != value:
                    wrong.append(f"{name} {streams.stamp(key[1])}: {got[key]}, not {value}")
            covered = 0 if meter.columns.get("role") == "check" else meter.covered_ms
            if sums.covered[name] != Decimal(covered).scaleb(-3):
                wrong.append(f"{name}: {sums.covered[name]} s covered, not {Decimal(covered).scaleb(-3)}")
        if wrong:
            self.fail("\n".join(["", *wrong[:20], f"{len(wrong)} in all"]))

    def assert_sums(self, name):
        sums = year_rows.Sums({place.id: place.row["time_zone"] for place in self.group.places}, self.bucket)
        sums.take(self.site.folder / name)
        faults = sums.faults()
        if faults:
            self.fail("\n".join(["", *faults]))
        print(f"{self.id()}: {sum(sums.rows.values())} rows of {sum(self.group.outcomes().values())} events",
              flush=True)
        return sums

    def assert_equal_rows(self, name, path, *fields):
        """Both files have the same windows and series; fields are equal, except revisions and those named."""
        want, got = (year_rows.newest(file, *fields) for file in (self.site.folder / name, path))
        if want == got:
            return
        keys = {key for key in want.keys() | got.keys() if want.get(key) != got.get(key)}
        lines = [*year_rows.lines_of(self.site.folder / name, keys), "are elsewhere",
                 *year_rows.lines_of(path, keys)]
        self.fail("\n".join([f"{len(keys)} rows of {len(want)} differ:", *lines]))

    def judge_replays(self):
        result = self.replay("rows", self.seed)
        self.assert_outcomes(result)
        sums = self.assert_sums("rows")
        self.assert_true(sums)
        other = self.replay("rows-shuffled", self.seed + 1000, batch_max=70)
        self.assertEqual(other.counts, result.counts)
        self.assert_equal_rows("rows", self.site.folder / "rows-shuffled")


    # --- the daemon

    def messages(self, order):
        """(partition, time in ms, JSON of one to 20 events) for Kafka.produce_at()."""
        places = {place.id: number % self.partitions for number, place in enumerate(self.group.places)}
        pick, held = random.Random(order), [[] for _ in range(self.partitions)]
        for at, place, event in self.group.events(order):
            batch = held[places[place]]
            batch.append(event)
            if len(batch) == 20 or pick.random() < 0.2:
                yield places[place], at, json.dumps(batch)
                batch.clear()
        for partition, batch in enumerate(held):
            if batch:
                yield partition, at, json.dumps(batch)

    def run_daemon(self, order):
        """The file of the rows that daemons wrote: two that were stopped or killed, and one to the end."""
        kafka, messages = servers.kafka(), list(self.messages(order))
        topic = kafka.topic("year", partitions=self.partitions, retention_ms=-1)
        for suffix in ("-dead", "-late"):
            kafka.create_topic(topic + suffix, retention_ms=-1)
        rows = self.site.folder / "rows-daemon"
        config = {**self.site.config, "input": {"topic": topic},
                  "kafka": {"brokers": [kafka.brokers], "group": topic, "dead_letter_topic": topic + "-dead",
                            "late_topic": topic + "-late",
                            "properties": {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}},
                  "windows": {**self.config["windows"], "emit_interval": "1s"},
                  "checkpoint": {"interval": "1s"},
                  "sinks": [{"name": "file", "type": "file", "path": str(rows)}]}
        files = {name: (self.site.folder / name).read_text()
                 for name in ("facilities.csv", "meters.csv", "factors.csv")}
        third = len(messages) // 3
        state = tempfile.mkdtemp(prefix="state-", dir=self.site.folder)
        config["state_directory"] = state
        with daemon.Daemon(config, files) as ghgd:
            kafka.produce_at(topic, messages[:third])
            self.wait_read(ghgd, third // 2)  # in the middle of it
            self.assertEqual(ghgd.terminate(), 0)
        with daemon.Daemon(config, files) as ghgd:
            kafka.produce_at(topic, messages[third:2 * third])
            self.wait_read(ghgd, third // 2)
            if self.kills:
                ghgd.kill()
            else:
                self.assertEqual(ghgd.terminate(), 0)
        with daemon.Daemon(config, files) as ghgd:
            kafka.produce_at(topic, messages[2 * third:])
            servers.eventually(lambda: self.is_done(ghgd), every=0.5)
            self.account = self.account_of(ghgd)
            self.assertEqual(ghgd.terminate(), 0)
        return rows

    def wait_read(self, ghgd, count):
        servers.eventually(lambda: ghgd.metrics().get(("ghgd_consumer_messages_total",), 0) >= count)

    def is_done(self, ghgd):
        """all messages are read, and all rows written"""
        metrics = ghgd.metrics()

        def each(name):
            return [value for key, value in metrics.items() if key[0] == name]
        lags, dirty = each("ghgd_partition_lag_messages"), each("ghgd_shard_dirty_rows")
        return len(lags) == len(dirty) == self.partitions and not any(lags) and not any(dirty)

    def account_of(self, ghgd):
        """{outcome or reason: events} of the states, however often their daemons read them."""
        found = Counter()
        for key, value in ghgd.metrics().items():
            if key[0] == "ghgd_partition_account_events" and value:
                labels = dict(zip(key[1::2], key[2::2]))
                found[labels["reason"] or labels["outcome"]] += int(value)
        return dict(found)

    def judge_daemon(self):
        rows = self.run_daemon(self.seed + 2000)
        self.assertEqual(self.account, dict(+self.group.outcomes()))
        # A replay says by its log which rows are final at the end, and a daemon by its clock.
        self.assert_equal_rows("rows", rows, "final")


def json_lines(events, seed, batch_max):
    return streams.json_lines(events, seed, batch_max) if batch_max > 1 else \
        "".join(json.dumps(event) + "\n" for event in events).encode()


class ThreeFactories(Case):
    begin = (2024, 2, 1)

    def test_two_months_with_all_kinds(self):
        self.make(3, 6, self.begin, "2024-04-03T12:00:00+00:00", half_hours=True)
        self.judge_replays()
        self.judge_daemon()


@unittest.skipUnless(WHOLE, "make check-year runs it")
class TwentyFactories(Case):
    begin, bucket, partitions, kills = (2024, 1, 1), "1h", 3, True

    def test_a_year_with_all_kinds(self):
        self.make(20, 3, self.begin, "2025-01-02T12:00:00+00:00")
        self.judge_replays()
        self.judge_daemon()


if __name__ == "__main__":
    unittest.main()
