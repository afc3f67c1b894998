"""`ghgd replay --kafka`: a database that has lost rows gets them again, as the daemon had written them."""
import json
import sqlite3
import tempfile
import time
import unittest
from pathlib import Path

import daemon
import servers
from test_backfill import DAYS, FACILITIES, METERS, START, arrivals
from test_daemon import configuration

PARTITIONS = 3
HOUR, DAY = 3600, 86400
END = START + (DAYS + 2) * DAY  # long after the last event; the year is not over then
JANUARY_IS_OVER = START + 31 * DAY + 14 * HOUR  # in all zones


def rows(path, from_s=None, begin_s=None, final=True):
    """{(table, columns of the key): columns} of the windows that end after from_s, and begin at begin_s
    or later."""
    found = {}
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tables = [name for name, in database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND (name LIKE 'emissions_%' OR "
        "name LIKE 'coverage_%')")]
    for table in tables:
        database.row_factory = sqlite3.Row
        for row in map(dict, database.execute(
                f'SELECT * FROM "{table}" WHERE end_ms > ? AND start_ms >= ? AND final >= ?',
                ((from_s or 0) * 1000, (begin_s or 0) * 1000, final))):
            found[table, row["facility"], row.get("source"), row["start_ms"]] = row
    return found


class ReplayLog(unittest.TestCase):
    """One log, and the database that the daemon has made of it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        kafka = servers.kafka()
        cls.topic = kafka.topic("meters", partitions=PARTITIONS, retention_ms=-1)
        for suffix in ("-dead", "-late"):
            kafka.create_topic(cls.topic + suffix)
        kafka.produce_at(cls.topic, [(i % PARTITIONS, at * 1000, json.dumps(event))
                                     for at, i, event in arrivals()])
        config = cls.configuration(cls.topic, {"live": "live.db"})
        with daemon.Daemon(config, {"facilities.csv": FACILITIES, "meters.csv": METERS}) as ghgd:
            servers.eventually(lambda: cls.is_done(ghgd.metrics()) and cls.is_final("live.db"))
            if ghgd.terminate() != 0:
                raise RuntimeError(ghgd.log())
        cls.live = rows(f"{cls.folder}/live.db", final=False)
        for name, text in (("facilities.csv", FACILITIES), ("meters.csv", METERS)):
            Path(cls.folder, name).write_text(text)

    @classmethod
    def configuration(cls, topic, sinks):
        return configuration(topic, [{"name": name, "type": "sqlite", "path": f"{cls.folder}/{path}"}
                                     for name, path in sinks.items()],
                             windows={"grace": "1h", "horizon": "2d", "idle_timeout": "1s"})

    @classmethod
    def is_final(cls, path):
        """Whether the daemon has noticed that nothing comes any more."""
        database = sqlite3.connect(f"file:{cls.folder}/{path}?mode=ro", uri=True)
        return database.execute("SELECT count(*) FROM coverage_15m WHERE NOT final").fetchone() == (0,)

    @staticmethod
    def is_done(metrics):
        def values(name):
            return [value for key, value in metrics.items() if key[0] == name]
        return (values("ghgd_partition_caught_up") == [1] * PARTITIONS and
                values("ghgd_partition_lag_messages") == [0] * PARTITIONS and
                values("ghgd_shard_dirty_rows") == [0] * PARTITIONS)

    def replay(self, *options, topic=None, sinks=("again",)):
        """The output of a replay into fresh databases; they are <name>.db."""
        for name in sinks:
            Path(self.folder, f"{name}.db").unlink(missing_ok=True)
        config = self.configuration(topic or self.topic, {name: f"{name}.db" for name in sinks})
        Path(self.folder, "ghgd.yaml").write_text(json.dumps(config))
        return daemon.ghgd("replay", "-c", "ghgd.yaml", "--kafka", *options, cwd=self.folder)

    def assert_same(self, got, want):
        missing, more = sorted(set(want) - set(got)), sorted(set(got) - set(want))
        self.assertEqual(missing[:3], [], f"{len(missing)} of {len(want)} are missing")
        self.assertEqual(more[:3], [], f"{len(more)} more than {len(want)}")
        # A part of the log may lack the month that weighs: then nothing is said.
        unsaid = {key for key, row in got.items() if row.get("coverage_weighted", 0) is None}
        want = {key: row | {"coverage_weighted": None} if key in unsaid else row for key, row in want.items()}
        differing = {key: (row, got[key]) for key, row in want.items() if got[key] != row}
        self.assertEqual(dict(list(differing.items())[:2]), {}, f"{len(differing)} differ")

    def final_since(self, from_s, begin_s=None):
        return {key: row for key, row in self.live.items()
                if row["end_ms"] > from_s * 1000 and row["final"] and
                row["start_ms"] >= (begin_s or 0) * 1000}

    def test_everything_again(self):
        done = self.replay("--from", "2023-12-01", "--sinks")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_same(rows(f"{self.folder}/again.db"), self.final_since(0))
        self.assertRegex(done.stderr, rf"read {len(arrivals())} = used ")

    def test_since_a_backup_reads_no_more_than_it_needs(self):
        from_s = JANUARY_IS_OVER + 2 * DAY + 7
        done = self.replay("--from", self.stamp(from_s), "--to", self.stamp(END), "--sink", "again",
                           "--sink", "twice", sinks=("again", "not", "twice"))
        self.assertEqual(done.returncode, 0, done.stderr)
        want = self.final_since(from_s)
        self.assertGreater(len(want), 1000)
        self.assert_same(rows(f"{self.folder}/again.db", final=False), want)
        self.assert_same(rows(f"{self.folder}/twice.db", final=False), want)
        self.assertFalse(Path(self.folder, "not.db").exists())
        read = int(done.stderr.split("read ")[1].split()[0])
        self.assertLess(read, len(arrivals()) / 3)

    def test_a_month_is_read_from_its_beginning(self):
        from_s = START + 20 * DAY
        done = self.replay("--from", self.stamp(from_s), "--to", self.stamp(END), "--sinks")
        self.assertEqual(done.returncode, 0, done.stderr)
        got = rows(f"{self.folder}/again.db")
        self.assert_same(got, self.final_since(from_s))
        self.assertEqual(len([key for key in got if key[0] == "emissions_1mo"]), 12)

    def test_up_to_a_time(self):
        from_s, to_s = START + 10 * DAY, START + 12 * DAY
        done = self.replay("--from", self.stamp(from_s), "--to", self.stamp(to_s), "--sinks")
        self.assertEqual(done.returncode, 0, done.stderr)
        got = rows(f"{self.folder}/again.db", final=False)
        newest_s = max(row["end_ms"] for row in got.values()) / 1000
        self.assertTrue(to_s - 5 * HOUR < newest_s <= to_s, newest_s)
        # Since then corrections have come, except for the oldest of these windows.
        early = {key: row for key, row in got.items() if row["end_ms"] <= (to_s - 38 * HOUR) * 1000}
        self.assertGreater(len(early), 100)
        self.assert_same(early, {key: self.live[key] for key in early})

    def test_a_log_that_has_lost_its_beginning(self):
        kafka = servers.kafka()
        topic = kafka.topic("meters", partitions=PARTITIONS, retention_ms=-1)
        made = [(i % PARTITIONS, at * 1000, json.dumps(event)) for at, i, event in arrivals()]
        kafka.produce_at(topic, made)
        lost_s = START + 6 * DAY
        offset = sum(partition == 0 and at_ms < lost_s * 1000 for partition, at_ms, _ in made)
        kafka.delete_before(topic, 0, offset)
        from_s = START + 7 * DAY
        span = ("--from", self.stamp(from_s), "--to", self.stamp(END))
        refused = self.replay(*span, "--sinks", topic=topic)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("Not right: month 2024-01", refused.stderr)
        self.assertIn("--partial", refused.stderr)
        self.assertFalse(Path(self.folder, "again.db").exists())
        done = self.replay(*span, "--partial", "--sinks", topic=topic)
        self.assertEqual(done.returncode, 0, done.stderr)
        right_s = lost_s + 2 * DAY + 3 * HOUR  # horizon, and less than an hour each for the rest
        whole = {key: row for key, row in self.final_since(from_s).items() if int(key[1][1:]) % 3 != 0}
        got = rows(f"{self.folder}/again.db", final=False)
        self.assert_same({key: row for key, row in got.items() if int(key[1][1:]) % 3 != 0}, whole)
        part = {key: row for key, row in got.items() if int(key[1][1:]) % 3 == 0}
        self.assertGreater(min(row["start_ms"] for row in part.values()), (lost_s + 2 * DAY) * 1000)
        self.assertEqual({key[0] for key in part if key[0].endswith("1mo")}, set())
        late = {key: row for key, row in self.final_since(from_s, right_s).items()
                if int(key[1][1:]) % 3 == 0}
        self.assertEqual(set(late) - set(part), set())
        self.assert_same(part, {key: self.live[key] for key in part})

    def test_misuse_and_what_is_not_there(self):
        for options, words in (
                ((), "--from TIME"),
                (("--from", "yesterday"), "--from wants"),
                (("--from", "1h", "--to", "2h"), "--from has to lie before"),
                (("--from", "2100-01-01"), "--from has to lie before"),
                (("--from", "1h", "events"), "reads the input topic"),
                (("--from", "1h", "--as-of", "2024-01-01T00:00:00Z"), "--as-of")):
            refused = self.replay(*options)
            self.assertEqual(refused.returncode, 2, options)
            self.assertIn(words, refused.stderr)
        refused = daemon.ghgd("replay", "--from", "1h", cwd=self.folder)
        self.assertEqual(refused.returncode, 2)
        refused = self.replay("--from", "1h", "--sink", "nobody")
        self.assertEqual(refused.returncode, 1)
        self.assertIn('no sink "nobody"', refused.stderr)
        refused = self.replay("--from", "1h", topic="no-such-topic")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no-such-topic", refused.stderr)

    @staticmethod
    def stamp(at_s):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


class ReplayStocks(unittest.TestCase):
    """A tank that is dipped every twenty days, beside a meter that reads every hour."""
    TANK = "f1-tank"
    DIPS = ((0, 1000), (20, 400), (40, 100))  # day, L
    FROM_S, TO_S = START + 39 * DAY + 12 * HOUR, START + 43 * DAY

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        Path(cls.folder, "facilities.csv").write_text(
            "id,name,region,time_zone,country,grid_region\nf1,Works,r,Etc/UTC,CN,\n")
        Path(cls.folder, "meters.csv").write_text(
            "id,facility,kind,quantity,unit,category,source,factor,interval,stamp\n"
            "f1-grid,f1,interval,energy,kWh,purchased_electricity,grid,,1h,end\n"
            f"{cls.TANK},f1,stock,volume,L,stationary_combustion,oil,desnz.diesel,,\n")
        stamp = ReplayLog.stamp
        events = [(START + hour * HOUR, {"meter": "f1-grid", "time": stamp(START + hour * HOUR), "value": 4})
                  for hour in range(1, 42 * 24)]
        events += [(START + day * DAY + 60, {"meter": cls.TANK, "time": stamp(START + day * DAY), "event": "dip",
                                             "value": value}) for day, value in cls.DIPS]
        cls.events = sorted(((at, json.dumps(event)) for at, event in events), key=lambda made: made[0])

    @classmethod
    def topic(cls):
        topic = servers.kafka().topic("meters", retention_ms=-1)
        servers.kafka().produce_at(topic, [(0, at * 1000, text) for at, text in cls.events])
        return topic

    def replay(self, topic, name, *options):
        """The outcome, the final rows of the tank, and the number of events read."""
        config = ReplayLog.configuration.__func__(type(self), topic, {name: f"{name}.db"})
        Path(self.folder, "ghgd.yaml").write_text(json.dumps(config))
        Path(self.folder, f"{name}.db").unlink(missing_ok=True)
        done = daemon.ghgd("replay", "-c", "ghgd.yaml", "--kafka", "--to", ReplayLog.stamp(self.TO_S), "--sinks",
                           *options, cwd=self.folder)
        if done.returncode != 0:
            return done, None, None
        found = {key: row for key, row in rows(f"{self.folder}/{name}.db", self.FROM_S).items() if key[2] == "oil"}
        return done, found, int(done.stderr.split("read ")[1].split()[0])

    def test_it_reads_back_to_the_last_dip(self):
        topic = self.topic()
        done, whole, _ = self.replay(topic, "whole", "--from", "2023-12-01")
        self.assertEqual(done.returncode, 0, done.stderr)
        done, part, count = self.replay(topic, "part", "--from", ReplayLog.stamp(self.FROM_S))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(part, whole)
        self.assertIn(("emissions_1d", "f1", "oil", (START + 39 * DAY) * 1000), part)
        self.assertLess(count, len(self.events))

    def test_a_log_that_has_lost_the_dip(self):
        topic = self.topic()
        servers.kafka().delete_before(topic, 0, 25 * 24)
        done, _, _ = self.replay(topic, "lost", "--from", ReplayLog.stamp(self.FROM_S))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('partition 0: the log no longer has the dip before the first one of these stocks: "f1-tank" '
                      "(2024-02-10T00:00:00Z)\n", done.stderr)
        self.assertIn("Not right: day 2024-02-09", done.stderr)
        self.assertFalse(Path(self.folder, "lost.db").exists())
        done, part, _ = self.replay(topic, "lost", "--from", ReplayLog.stamp(self.FROM_S), "--partial")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(part, {})
        begins = {row["start_ms"] for row in rows(f"{self.folder}/lost.db").values()}
        self.assertEqual(min(begins), (START + 40 * DAY) * 1000)
