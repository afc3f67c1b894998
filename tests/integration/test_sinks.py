"""Sinks before the real databases: what a row becomes, what a revision becomes, what failures cost."""
import contextlib
import json
import os
import sqlite3
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import servers

WRITER = os.environ.get("SINK_WRITER", str(servers.BUILD / "gcc/tests/integration/sink_writer"))
BUCKET_MS = 900_000
START_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z
LOST = "\ufffd"

# Ids as they come from people, and as they must come back.
NAMES = {
    b"dhaka-1": "dhaka-1",
    "ঢাকা নিট".encode(): "ঢাকা নিট",
    "工厂 №1".encode(): "工厂 №1",
    b"a, b=c": "a, b=c",
    b"\"quoted\" 'name'": "\"quoted\" 'name'",
    b"C:\\mill\\one": "C:\\mill\\one",
    b"a\\,b": "a\\,b",
    b"a\\ b\\=c": "a\\ b\\=c",
    b"two\\\\inside": "two\\\\inside",
    b"ends with \\": "ends with " + LOST,
    b"line\nfeed": f"line{LOST}feed",
    b"K\xf6ln": f"K{LOST}ln",
    b" leading and trailing ": " leading and trailing ",
    b"#hash": "#hash",
    "\U0001f3ed".encode(): "\U0001f3ed",
    b"unable to parse 'x': dropped=3": "unable to parse 'x': dropped=3",
}


class Writer:
    """sink_writer, to which one talks line by line."""

    def __init__(self, dialect, url, database, facilities=(b"dhaka-1",), **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="ghgd-sinks-")
        self.dead_rows = Path(self.folder.name, "dead.lp")
        self.log = open(Path(self.folder.name, "log"), "w+b")
        self.child = subprocess.Popen(
            [WRITER, dialect, url, database, str(self.dead_rows), *facilities],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, **environment})

    def row(self, facility=0, bucket=0, activity=1.0, version=0, revision=0, final=False, level=0,
            energy=False):
        self._send(f"{'energy' if energy else 'row'} {facility} {START_MS + bucket * BUCKET_MS} {round(activity * 1e6)} "
                   f"{version} {revision} {int(final)} {level}")

    def target(self, facility=0, stamp_ms=START_MS, ytd_kg=29e6, version=0, level=2):
        self._send(f"target {facility} {stamp_ms} {round(ytd_kg * 1e6)} {version} {level}")

    def write(self, meanwhile=None):
        """The counters since the start, once everything is settled; meanwhile() runs a little later."""
        self._send("write")
        if meanwhile is not None:
            time.sleep(3)  # for the first try to fail
            meanwhile()
        return self._answer()

    def wait(self, seconds):
        self._send(f"wait {int(seconds * 1000)}")
        self._answer()

    def words(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def _send(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def _answer(self):
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(f"sink_writer ended: {self.words()}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.child.stdin.close()
        status = self.child.wait(120)
        self.child.stdout.close()
        self.log.close()
        self.folder.cleanup()
        if kind is None and status != 0:
            raise AssertionError(f"sink_writer: exit status {status}")


def documented(words):
    """The queries of docs/series.md that hold these words, each on one line."""
    blocks = (servers.ROOT / "docs/series.md").read_text().split("\n\n")
    queries = " ".join(block for block in blocks if block.startswith("    ")).split(";")
    return [" ".join(query.split()) for query in queries if words in query]


def write_all_levels(writer):
    """A row of every window length and of a target, now and on the first of March."""
    for start_ms in (START_MS, int(time.time() - 7200) * 1000 // BUCKET_MS * BUCKET_MS):
        for level in range(5):
            writer.row(bucket=(start_ms - START_MS) // BUCKET_MS, activity=2, final=True, level=level,
                       energy=True)
        writer.target(stamp_ms=start_ms)
    writer.write()


TARGET_KINDS = ("trajectory", "trajectory_now", "alerts")


def asks_targets(query):
    return any(word in query for word in ("trajectory", "alerts", "targets_now"))


class Influx(unittest.TestCase):
    def rows(self, database, measurement="emissions_15m"):
        return servers.influxdb().query(f'SELECT * FROM "{measurement}" GROUP BY *', database)

    def test_awkward_names_and_every_field(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        with Writer("influx1", influxdb.url, database, list(NAMES)) as writer:
            for i in range(len(NAMES)):
                writer.row(i, activity=i + 0.123456, revision=2, final=True)
            got = writer.write()
            self.assertEqual((got["written"], got["refused"], got["ok"]), (2 * len(NAMES), 0, 1))
            self.assertFalse(writer.dead_rows.exists())
        rows = {row["facility"]: row for row in self.rows(database)}
        self.assertEqual(set(rows), set(NAMES.values()))
        for i, name in enumerate(NAMES.values()):
            row = rows[name]
            self.assertEqual(row["time"], START_MS)
            self.assertEqual(row["activity"], float(f"{i}.123456"))
            self.assertEqual(row["co2e_kg"], float(f"{i}.123456"))
            self.assertEqual(row["coverage"], 300 / 900)
            self.assertEqual((row["revision"], row["final"]), (2, True))
            self.assertEqual((row["scope"], row["category"], row["source"], row["unit"], row["region"]),
                             ("2", "purchased electricity", "grid", "kWh", "Asia"))
        self.assertEqual(len(self.rows(database, "coverage_15m")), len(NAMES))
        types = {row["fieldKey"]: row["fieldType"]
                 for row in influxdb.query('SHOW FIELD KEYS FROM "emissions_15m"', database)}
        self.assertEqual({key for key, kind in types.items() if kind != "float"}, {"revision", "final"})
        self.assertEqual((types["revision"], types["final"]), ("integer", "boolean"))

    def test_a_revision_overwrites(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        with Writer("influx1", influxdb.url, database) as writer:
            for revision, activity in enumerate([5, 4, 3.5]):
                writer.row(activity=activity, version=revision, revision=revision)
                writer.write()
        got = self.rows(database)
        self.assertEqual([(r["time"], r["activity"], r["revision"]) for r in got], [(START_MS, 3.5, 2)])

    def test_a_type_conflict_costs_its_rows_only(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        influxdb.write(database, f'emissions_15m,facility=x activity="text" {START_MS}')
        with Writer("influx1", influxdb.url, database) as writer:
            writer.row(bucket=1)
            got = writer.write()
            self.assertEqual((got["written"], got["refused"], got["partial"]), (1, 1, 2))
            self.assertEqual(got["retries"], 0)
            words, row = writer.dead_rows.read_text().splitlines()
            self.assertIn("field type conflict: input field 'activity'", words)
            self.assertTrue(row.startswith("emissions_15m,"), row)
        self.assertEqual(len(self.rows(database, "coverage_15m")), 1)

    def test_a_database_that_comes_late(self):
        influxdb = servers.influxdb()
        database = servers.unique("late")
        with Writer("influx1", influxdb.url, database) as writer:
            writer.row()
            got = writer.write(lambda: influxdb.query(f'CREATE DATABASE "{database}"'))
            self.assertEqual((got["err"], got["written"], got["refused"]), (0, 2, 0))
            self.assertGreater(got["requests_refused"], 0)
            self.assertEqual(got["emptied"], 2)  # it is missed, and it is there
            self.assertIn("database not found", writer.words())
        self.assertEqual(len(self.rows(database)), 1)

    def test_a_server_that_crashes_between_writes(self):
        with servers.InfluxDB() as influxdb:
            database = influxdb.database()
            with Writer("influx1", influxdb.url, database) as writer:
                for bucket in range(4):
                    writer.row(bucket=bucket)
                    influxdb.kill()
                    got = writer.write(influxdb.launch)
                self.assertEqual((got["err"], got["written"], got["refused"]), (0, 8, 0))
                self.assertGreater(got["failed"], 0)
            self.assertTrue(influxdb.wait_ready())
            got = influxdb.query('SELECT count(activity) FROM "emissions_15m"', database)
            self.assertEqual(got[0]["count"], 4)

    def test_a_limit_of_the_body(self):
        with servers.InfluxDB(["max-body-size = 4000"]) as influxdb:
            database = influxdb.database()
            with Writer("influx1", influxdb.url, database) as writer:
                for bucket in range(1500):
                    writer.row(bucket=bucket, activity=bucket * 0.987654)
                got = writer.write()
                self.assertEqual((got["written"], got["refused"], got["retries"]), (3000, 0, 0))
                self.assertGreater(got["requests_refused"], 0)
            got = influxdb.query('SELECT count(activity), sum(activity) FROM "emissions_15m"', database)
            self.assertEqual(got[0]["count"], 1500)
            self.assertAlmostEqual(got[0]["sum"], sum(b * 0.987654 for b in range(1500)), places=3)

    def test_a_right_that_comes_late(self):
        with servers.InfluxDB(["auth-enabled = true"]) as influxdb:
            servers.http(f"{influxdb.url}/query",
                         "q=CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES",
                         {"Content-Type": "application/x-www-form-urlencoded"})
            ask = f"{influxdb.url}/query?u=root&p=secret&epoch=ms&db=ghg&q="
            servers.http(ask + "CREATE%20DATABASE%20ghg", "")
            with Writer("influx1", influxdb.url, "ghg", GHGD_USER="ann", GHGD_PASSWORD="p:w") as writer:
                writer.row()
                got = writer.write(lambda: [
                    servers.http(ask + "CREATE%20USER%20ann%20WITH%20PASSWORD%20%27p:w%27", ""),
                    servers.http(ask + "GRANT%20ALL%20ON%20ghg%20TO%20ann", "")])
                self.assertEqual((got["err"], got["written"]), (0, 2))
                self.assertGreater(got["requests_refused"], 0)
                self.assertNotIn("p:w", writer.words())
            self.assertIn('"activity"', servers.http(ask + "SELECT%20*%20FROM%20emissions_15m", "")[1])


    def test_documented_queries(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        with Writer("influx1", influxdb.url, database) as writer:
            write_all_levels(writer)
        queries = documented('FROM "')
        self.assertGreater(len(queries), 3)
        self.assertGreater(sum(map(asks_targets, queries)), 3)
        for query in queries:
            with self.subTest(query):
                got = influxdb.query(query, database)
                if asks_targets(query):
                    self.assertIn(len(got), (1, 2))  # the one of March may be over a year old
                    self.assertTrue(any(row.get("slip") == 0.0339 or row.get("budget_kg") == 74.8e6
                                        for row in got), got)
                else:
                    self.assertEqual(len(got), 1)

    def test_targets(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        with Writer("influx1", influxdb.url, database, list(NAMES)) as writer:
            for facility in [*range(len(NAMES)), -1]:
                writer.target(facility, ytd_kg=29e6 + 0.123456 + facility)
            got = writer.write()
            self.assertEqual((got["written"], got["refused"], got["ok"]), (3 * len(NAMES) + 3, 0, 1))
            for facility in [*range(len(NAMES)), -1]:  # the same once more
                writer.target(facility, ytd_kg=29e6 + 0.123456 + facility)
            writer.write()
            self.assertFalse(writer.dead_rows.exists())
        for kind in TARGET_KINDS:
            rows = {row["name"]: row for row in self.rows(database, kind)}
            self.assertEqual(len(self.rows(database, kind)), len(NAMES) + 1, kind)
            self.assertEqual(set(rows), {*NAMES.values(), "all"})
            for i, name in enumerate([*NAMES.values(), "all"]):
                row = rows[name]
                begins = 59 * 86_400_000 if kind == "trajectory_now" else 0
                self.assertEqual(row["time"], START_MS - begins)
                self.assertEqual(row["ytd_kg"], round(29e6 + 0.123456 + (-1 if name == "all" else i), 6))
                self.assertEqual((row["due_kg"], row["slip"]), (28.05e6, 0.0339))
                self.assertEqual(row["coverage"], 0.333333333)
                self.assertIsNone(row.get("miss_probability"))
                self.assertEqual((row["scopes"], row["level"]),
                                 ("1+2", "all" if name == "all" else "facility"))
                if name != "all":
                    self.assertEqual((row["facility"], row["region"]), (name, "Asia"))
        self.check_words(database)

    def check_words(self, database):
        """Text comes back as it is, whatever stands in a name."""
        for row in self.rows(database, "alerts"):
            self.assertEqual((row["from_name"], row["to_name"], row["event"], row["number"]),
                             ("ok", "warning", "entered", 7))
            want = row["name"]
            if want.endswith(LOST):  # a tag cannot end with a backslash, text can
                want = want[:-1] + "\\"
            self.assertEqual(row["id"], f"{want}-2030/1/7")
            self.assertEqual(row["source_1"], "grid, purchased electricity, scope 2"
                             if row["name"] != "all" else "dhaka-1")
            self.assertEqual(row["started"], START_MS)
            self.assertNotIn("ended", row)
        types = {row["fieldKey"]: row["fieldType"]
                 for row in servers.influxdb().query('SHOW FIELD KEYS FROM "trajectory"', database)}
        self.assertEqual({key for key, kind in types.items() if kind == "boolean"}, {"restated", "counted"})
        self.assertEqual({key for key, kind in types.items() if kind == "integer"},
                         {"day", "base_version", "alert_level"})


class Sqlite(unittest.TestCase):
    def test_documented_queries(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "ghg.db"))
            with Writer("sqlite", path, "") as writer:
                write_all_levels(writer)
            queries = [query for query in documented("SELECT") if 'FROM "' not in query]
            self.assertGreater(len(queries), 1)
            with contextlib.closing(sqlite3.connect(path)) as database:
                for query in queries:
                    with self.subTest(query):
                        want = 1 if "targets_now" in query else 2
                        self.assertEqual(len(database.execute(query).fetchall()), want)


class Victoria(unittest.TestCase):
    def latest(self, victoria, database, field="activity", measurement="emissions_15m"):
        """{facility: [samples]}"""
        series = victoria.export(f'{measurement}_{field}{{db="{database}"}}', thinned=True)
        return {dict(labels)["facility"]: samples for labels, samples in series.items()}

    def test_awkward_names_and_every_type(self):
        victoria = servers.victoria_metrics()
        database = servers.unique("names")
        with Writer("victoria", victoria.url, database, list(NAMES)) as writer:
            for i in range(len(NAMES)):
                writer.row(i, activity=i + 0.123456, version=3, revision=2, final=True)
            self.assertEqual(writer.write()["written"], 2 * len(NAMES))
        got = self.latest(victoria, database)
        self.assertEqual(got, {name: [(START_MS + 4, float(f"{i}.123456"))]
                               for i, name in enumerate(NAMES.values())})
        for field, want in [("revision", 2), ("final", 1), ("estimated_share", 0)]:
            got = self.latest(victoria, database, field)
            self.assertEqual({samples[0][1] for samples in got.values()}, {want}, field)
        got = self.latest(victoria, database, "meters_expected", "coverage_15m")
        self.assertEqual(len(got), len(NAMES))

    def test_the_newest_revision_stays(self):
        victoria = servers.victoria_metrics()
        database = servers.unique("revisions")
        with Writer("victoria", victoria.url, database) as writer:
            for version, activity in enumerate([5, 4, 3.5]):  # downward: VM itself would keep the largest
                writer.row(activity=activity, version=version, revision=version)
                writer.row(bucket=1, activity=activity * 10, version=version)
                writer.write()
        got = self.latest(victoria, database)["dhaka-1"]
        self.assertEqual(got, [(START_MS + 3, 3.5), (START_MS + BUCKET_MS + 3, 35)])
        got = victoria.query(
            f'sum_over_time(last_over_time(emissions_15m_activity{{db="{database}"}}[15m])[30m:15m])',
            START_MS + 2 * BUCKET_MS)
        self.assertEqual(list(got.values()), [38.5])

    def test_documented_queries(self):
        victoria = servers.VictoriaMetrics()
        with victoria, Writer("victoria", victoria.url, "ghg") as writer:
            write_all_levels(writer)
            queries = documented("last_over_time")
            self.assertGreater(len(queries), 3)
            for query in queries:
                with self.subTest(query):
                    got = victoria.query(query, START_MS + 3600_000)
                    if asks_targets(query):
                        self.assertEqual(list(got.values()), [29e6 if "ytd_kg" in query else 2])
                    else:
                        self.assertEqual(got, {(("region", "Asia"),): 2})

    def test_targets(self):
        victoria = servers.victoria_metrics()
        database = servers.unique("targets")
        with Writer("victoria", victoria.url, database, list(NAMES)) as writer:
            for version in range(2):
                for facility in range(len(NAMES)):
                    writer.target(facility, ytd_kg=29e6 + facility, version=version)
                self.assertEqual(writer.write()["written"], (version + 1) * 3 * len(NAMES))
        begin_ms = START_MS - 59 * 86_400_000
        for kind, time_ms in [("trajectory", START_MS), ("alerts", START_MS), ("trajectory_now", begin_ms + 2)]:
            got = self.latest(victoria, database, "ytd_kg", kind)
            self.assertEqual(got, {name: [(time_ms, 29e6 + i)] for i, name in enumerate(NAMES.values())})
        for kind, field, want in [("alerts", "to_level", 2), ("alerts", "number", 7),
                                  ("alerts", "started", START_MS), ("trajectory", "counted", 1),
                                  ("trajectory", "slip", 0.0339), ("trajectory", "alert_level", 2),
                                  ("trajectory_now", "used_up", 0), ("trajectory_now", "stamp", START_MS)]:
            got = self.latest(victoria, database, field, kind)
            self.assertEqual({samples[0][1] for samples in got.values()}, {want}, field)
            self.assertEqual(len(got), len(NAMES))
        for kind, field in [("alerts", "id"), ("alerts", "to_name"), ("trajectory_now", "source_1")]:
            self.assertEqual(self.latest(victoria, database, field, kind), {}, field)

    def wait_both(self, writer, victoria):
        def has_both():
            """both rows, after some time for the sink to notice"""
            writer.wait(0.5)
            return self.latest(victoria, "ghg").get("dhaka-1") == [
                (START_MS + 1, 1), (START_MS + BUCKET_MS + 1, 2)]
        servers.eventually(has_both)


if __name__ == "__main__":
    unittest.main()
