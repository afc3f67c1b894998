"""`ghgd audit`: nothing to tell of a daemon that ran, and a line for what was done to its databases."""
import json
import sqlite3
import tempfile
import threading
import time
import unittest
from pathlib import Path

import daemon
import servers
import test_daemon
from test_backfill import FACILITIES, METERS, START, arrivals
from test_daemon import configuration, influx_sink

PARTITIONS = 3
DAY = 86_400


def messages():
    return [(i % PARTITIONS, at * 1000, json.dumps(event)) for at, i, event in arrivals()]


class AuditCase(unittest.TestCase):
    """One daemon with three databases; each test audits, and does something to one of them. It has no test."""

    messages_first = None  # all of them

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        kafka = servers.kafka()
        cls.database, cls.label = servers.influxdb().database(), servers.unique("ghg")
        cls.topic = kafka.topic("meters", partitions=PARTITIONS, retention_ms=-1)
        for suffix in ("-dead", "-late"):
            kafka.create_topic(cls.topic + suffix)
        kafka.produce_at(cls.topic, messages()[:cls.messages_first])
        sinks = [influx_sink(cls.database),
                 {"name": "victoria", "type": "influx", "dialect": "victoria", "database": cls.label,
                  "url": servers.victoria_metrics().url, "confirm_after": "1s"},
                 {"name": "lite", "type": "sqlite", "path": f"{cls.folder}/lite.db"},
                 {"name": "days", "type": "sqlite", "path": f"{cls.folder}/days.db",
                  "windows": ["day", "month"]},
                 {"name": "hours", "type": "sqlite", "path": f"{cls.folder}/hours.db",
                  "windows": ["hour"]},
                 {"name": "file", "type": "file", "path": f"{cls.folder}/rows"}]
        config = configuration(cls.topic, sinks, checkpoint={"interval": "1s"},
                               windows={"grace": "1h", "horizon": "2d", "idle_timeout": "1s"})
        cls.server = daemon.Daemon(config, {"facilities.csv": FACILITIES, "meters.csv": METERS})
        cls.enterClassContext(cls.server)
        servers.eventually(lambda: cls.is_done(cls.server.metrics()), seconds=120)
        servers.eventually(cls.is_final)
        servers.eventually(cls.is_calm)
        servers.victoria_metrics().flush()
        servers.eventually(cls.is_proven, every=1)
        # A block under way is neither dirty nor written: a slow server may still have one.
        servers.eventually(lambda: cls.audit("--sink", "influx")[0] == 0, every=1)

    @classmethod
    def is_proven(cls):
        """Whether VictoriaMetrics has lived long enough to have what it acknowledged: some 15 s."""
        return cls.audit("--sink", "victoria")[2].get("windows", 0) > 6 * 96

    @classmethod
    def is_calm(cls):
        """Whether all databases have all of it, and the last checkpoint holds that."""
        def checkpoints():
            return [value for key, value in cls.server.metrics().items()
                    if key[0] == "ghgd_checkpoints_total"]
        before = checkpoints()
        time.sleep(3)  # three intervals
        return cls.is_done(cls.server.metrics()) and checkpoints() == before

    @classmethod
    def is_final(cls):
        """Whether the daemon has noticed that nothing comes any more."""
        database = sqlite3.connect(f"file:{cls.folder}/lite.db?mode=ro", uri=True)
        return database.execute("SELECT count(*) FROM coverage_15m WHERE NOT final").fetchone() == (0,)

    @staticmethod
    def is_done(metrics):
        def values(name):
            return [value for key, value in metrics.items() if key[0] == name]
        return (values("ghgd_partition_lag_messages") == [0] * PARTITIONS and
                values("ghgd_shard_dirty_rows") == [0] * PARTITIONS)

    @classmethod
    def audit(cls, *options):
        """(exit status, lines of differences, numbers of the last line, complaints)."""
        done = daemon.ghgd("audit", "-c", "ghgd.yaml", *options, cwd=cls.server.folder)
        *lines, last = done.stdout.splitlines() or [""]
        words = last.removeprefix("audit: ").replace(",", "").split()
        return done.returncode, lines, dict(zip(words[1::2], map(int, words[::2]))), daemon.without_advice(done.stderr)


class Audit(AuditCase):
    def test_sums_of_every_store(self):
        for name in ("influx", "victoria", "lite", "days", "hours"):
            status, lines, numbers, words = self.audit("--sums", "--from", "2023-12-01", "--sink", name)
            self.assertEqual((status, lines, words), (0, [], ""), name)
            self.assertEqual(numbers["differences"], 0)
        # A day of InfluxDB that is not what its hours are, and two days that are no month.
        found = servers.influxdb().query(
            "SELECT * FROM emissions_1d WHERE facility = 'f1' AND source = 'grid' AND time >= "
            "'2024-01-10T00:00:00Z' LIMIT 1", self.database)[0]
        line = (f"emissions_1d,category={found['category']},facility=f1,region=r,scope={found['scope']},"
                f"source=grid,unit=kWh activity={{}} {found['time']}")
        servers.influxdb().write(self.database, line.format(found["activity"] + 1))
        status, lines, numbers, _ = self.audit("--sums", "--from", "2023-12-01")
        servers.influxdb().write(self.database, line.format(found["activity"]))
        self.assertEqual(status, 1)
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[0], r"influx emissions_1d facility=f1 scope=2 .* source=grid unit=kWh "
                                   r"2024-01-\d\dT\S+Z activity: expected [\d.]+, found [\d.]+")
        self.assertIn("influx emissions_1mo facility=f1", lines[1])
        self.assertEqual(numbers["differences"], 2)
        self.assertEqual(self.audit("--sums", "--from", "2023-12-01")[0], 0)

    def test_windows_of_a_sink(self):
        """A sink that gets some lengths of windows has those rows, as one that gets all, and no others."""
        whole, days, hours = (sqlite3.connect(f"file:{self.folder}/{name}.db?mode=ro", uri=True)
                              for name in ("lite", "days", "hours"))
        for kind in ("emissions", "coverage"):
            for suffix in ("15m", "1h", "1d", "1mo", "1y"):
                select = f'SELECT * FROM "{kind}_{suffix}" ORDER BY 1, 2, 3, 4, 5, 6, 7, 8'
                rows = whole.execute(select).fetchall()
                self.assertTrue(rows)
                self.assertEqual(days.execute(select).fetchall(), rows if suffix in ("1d", "1mo") else [])
                self.assertEqual(hours.execute(select).fetchall(), rows if suffix == "1h" else [])

    def test_what_is_refused(self):
        for options, code, words in ((("--sink", "nobody"), 1, 'no sink "nobody"'),
                                     (("--sums", "--sink", "file"), 1, "cannot be read back"),
                                     (("--from", "soon"), 2, "--from wants"),
                                     (("more",), 2, "takes options only")):
            done = daemon.ghgd("audit", "-c", "ghgd.yaml", *options, cwd=self.server.folder)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)


class Beginning(unittest.TestCase):
    def test_a_partition_that_has_got_nothing(self):
        topic = servers.kafka().topic("meters")
        config = configuration(topic, [influx_sink(servers.influxdb().database())])
        with daemon.Daemon(config, {"facilities.csv": FACILITIES, "meters.csv": METERS}) as server:
            servers.eventually(lambda: servers.kafka().group_offset(
                config["kafka"]["group"], topic) == (0, "ghgd2 start"))
            done = daemon.ghgd("audit", "-c", "ghgd.yaml", cwd=server.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("partition 0: no state of it is saved", done.stderr)
        self.assertIn("audit: 0 partitions", done.stdout)


class State(AuditCase):
    """The databases against the state."""

    def test_nothing_to_tell(self):
        status, lines, numbers, words = self.audit()
        self.assertEqual((status, lines), (0, []), words)
        self.assertIn('sink "file" is not read', words)
        self.assertEqual(numbers["partitions"], PARTITIONS)
        self.assertEqual(numbers["facilities"], 6)
        self.assertGreater(numbers["windows"], 3 * 6 * 96)
        self.assertEqual(numbers["differences"], 0)

    def test_each_database_by_itself(self):
        for name in ("influx", "victoria", "lite"):
            status, lines, numbers, words = self.audit("--sink", name)
            self.assertEqual((status, lines, words), (0, [], ""), name)
            self.assertGreater(numbers["windows"], 6 * 96)

    def test_what_was_done_to_a_database(self):
        influxdb = servers.influxdb()
        late = "time >= '2024-02-08T12:00:00Z'"
        row = influxdb.query(f"SELECT * FROM emissions_15m WHERE facility = 'f2' AND source = 'grid' "
                             f"AND {late} LIMIT 1", self.database)[0]
        tags = f"category={row['category']},facility=f2,region=r,scope=2,source=grid,unit=kWh"
        head = f"emissions_15m,{tags} co2e_kg="
        influxdb.write(self.database, f"{head}{row['co2e_kg'] + 0.001} {row['time']}")
        database = sqlite3.connect(f"{self.folder}/lite.db")
        [start] = database.execute("SELECT max(start_ms) FROM coverage_1h WHERE facility = 'f3' AND "
                                   "final").fetchone()
        kept = database.execute("SELECT * FROM coverage_1h WHERE facility = 'f3' AND start_ms = ?",
                                (start,)).fetchone()
        database.execute("DELETE FROM coverage_1h WHERE facility = 'f3' AND start_ms = ?", (start,))
        database.commit()
        status, lines, numbers, _ = self.audit()
        influxdb.write(self.database, f"{head}{row['co2e_kg']} {row['time']}")
        database.execute(f"INSERT INTO coverage_1h VALUES ({','.join('?' * len(kept))})", kept)
        database.commit()
        database.close()
        self.assertEqual((status, numbers["differences"]), (1, 2), lines)
        self.assertRegex("\n".join(lines), "influx emissions_15m facility=f2 scope=2 .*co2e_kg: expected")
        self.assertRegex("\n".join(lines), "lite coverage_1h facility=f3 .*: expected a row, found nothing")
        self.assertEqual(self.audit()[0], 0)

    def test_a_replay_is_what_the_state_says(self):
        """Into three new databases, for which the audit takes the names of the old ones."""
        config = json.loads(Path(self.server.folder, "ghgd.yaml").read_text())
        new = {"influx": {"database": servers.influxdb().database()},
               "victoria": {"database": servers.unique("ghg")},
               "lite": {"path": f"{self.folder}/again.db"}}
        config["sinks"] = [{**sink, **new[sink["name"]]} for sink in config["sinks"]
                           if sink["name"] in new]
        Path(self.server.folder, "again.yaml").write_text(json.dumps(config))
        done = daemon.ghgd("replay", "-c", "again.yaml", "--kafka", "--from", "2023-12-01", "--sinks",
                           cwd=self.server.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        servers.victoria_metrics().flush()
        done = daemon.ghgd("audit", "-c", "again.yaml", cwd=self.server.folder)
        self.assertEqual((done.returncode, daemon.without_advice(done.stderr)), (0, ""), done.stdout)
        self.assertRegex(done.stdout, r"^audit: 3 partitions, 6 facilities, \d{4,} windows, 0 diff")

    def test_the_daemon_goes_on_undisturbed(self):
        before = self.server.metrics()
        self.assertEqual(self.audit("--sink", "lite")[0], 0)
        after = self.server.metrics()
        for name in ("ghgd_consumer_rebalances_total", "ghgd_consumer_errors_total"):
            same = {key: value for key, value in before.items() if key[0] == name}
            self.assertEqual({key: after[key] for key in same}, same)


@unittest.skipIf(daemon.is_sanitized("tsan"), "the audit has one thread, and the daemon does what it always does")
class Live(AuditCase):
    """While the daemon goes on: days pass by, with late readings and corrections."""
    messages_first = 15_000

    def test_what_is_on_its_way_is_no_difference(self):
        rest = messages()[self.messages_first:]
        stop = threading.Event()

        def produce():
            for begin in range(0, len(rest), 100):
                if stop.wait(0.1):
                    return
                servers.kafka().produce_at(self.topic, rest[begin:begin + 100])
        thread = threading.Thread(target=produce)
        thread.start()
        try:
            for _ in range(6):
                status, lines, numbers, words = self.audit()
                self.assertEqual((status, lines), (0, []), words)
                self.assertGreater(numbers["windows"], 6 * 96)
        finally:
            stop.set()
            thread.join()


class TwoPartitions(unittest.TestCase):
    """A facility whose readings come from two partitions, without re-keying."""

    def setUp(self):
        self.topic = test_daemon.make_topics(partitions=2)
        self.config = configuration(self.topic, [influx_sink(servers.influxdb().database())],
                                    checkpoint={"interval": "1s"})

    def member(self):
        return daemon.Daemon(self.config, {"facilities.csv": test_daemon.FACILITIES, "meters.csv": test_daemon.METERS})

    def produce(self):
        for partition in range(2):
            event = test_daemon.reading("hz-grid", 15 * (partition + 1), 1)
            servers.kafka().produce(self.topic, [("hz", json.dumps(event))], partition=partition)

    def audit(self, ghgd):
        done = daemon.ghgd("audit", "-c", "ghgd.yaml", cwd=ghgd.folder)
        return [line for line in done.stdout.splitlines() if line.startswith("state")]

    def test_of_two_processes(self):
        def shares():
            return [ghgd.metrics().get(("ghgd_consumer_assigned_partitions",)) for ghgd in (first, second)]
        with self.member() as first, self.member() as second:
            servers.eventually(lambda: shares() == [1, 1])
            self.produce()
            servers.eventually(lambda: self.audit(first) == [
                'state partition=1 facility "hz": partition 0 has it too'], every=1)

    def test_of_one_process(self):
        with self.member() as ghgd:
            self.produce()
            servers.eventually(lambda: "shard.facility_on_two_partitions" in ghgd.log())
            servers.eventually(lambda: sum(value for key, value in ghgd.metrics().items()
                                           if key[0] == "ghgd_checkpoints_total") >= 2)
            self.assertEqual(self.audit(ghgd), [])  # the events of one were refused
