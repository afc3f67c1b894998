"""Totals of groups: facilities on several partitions, read by two processes, against the days in SQLite."""
import csv
import datetime
import json
import random
import sqlite3
import unittest
from fractions import Fraction

import daemon
import servers
import test_daemon
from streams import json_lines

FIRST = datetime.date(2026, 2, 20)
DAYS = 24
FACILITIES = {"hz": ("asia", "Asia/Shanghai", "CN"), "sh": ("asia", "Asia/Shanghai", "CN"),
              "lx": ("europe", "Europe/Lisbon", "PT"), "be": ("europe", "Europe/Berlin", "DE"),
              "ny": ("", "Europe/Lisbon", "PT")}
SILENT = "be"  # no event of it ever comes
ZONES = {"Asia/Shanghai": 8, "Europe/Lisbon": 0, "Europe/Berlin": 1}  # in winter
METERS = "".join(f"{f}-grid,{f},interval,kWh,purchased_electricity,,1d,2026-02-20\n"
                 f"{f}-gas,{f},interval,Nm3,stationary_combustion,ipcc2006.natural_gas,1d,2026-02-20\n"
                 for f in FACILITIES)
FILES = {
    "facilities.csv": "id,region,time_zone,country\n" + "".join(
        f"{f},{region},{zone},{country}\n" for f, (region, zone, country) in FACILITIES.items()),
    "meters.csv": "id,facility,kind,unit,category,factor,interval,valid_from\n" + METERS,
    "ownership.csv": "facility,equity,control,from,to\nsh,0.72,1,,\nlx,1,1,,2026-03-05\nny,0.333333333,0,,\n"}
SHARES = {"sh": lambda day: (1, Fraction("0.72")), "ny": lambda day: (0, Fraction("0.333333333")),
          "lx": lambda day: (1, 1) if day < "2026-03-05" else (0, 0)}


def readings(seed, days=DAYS, first=FIRST):
    pick = random.Random(seed)
    for n in range(days):
        day = first + datetime.timedelta(n)
        for facility, (_, zone, _) in FACILITIES.items():
            offset = datetime.timezone(datetime.timedelta(hours=ZONES[zone]))
            start = datetime.datetime(day.year, day.month, day.day, tzinfo=offset)
            for meter in ("grid", "gas"):
                value = pick.randrange(10**7)
                if facility != SILENT:
                    yield facility, {"meter": f"{facility}-{meter}", "start": start.isoformat(),
                                     "end": (start + datetime.timedelta(1)).isoformat(),
                                     "value": f"{value // 1000}.{value % 1000:03}"}


def exact(value, decimals=6):
    return round(Fraction(str(value)) * 10**decimals)


def half_even(value):
    return round(value)  # of a Fraction: half to even


class Process(daemon.Daemon):
    """One of two; each has an SQLite file of its own."""

    def __init__(self, config):
        super().__init__(config, FILES)


class Totals(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.topic = test_daemon.make_topics(partitions=3)
        self.config = test_daemon.configuration(
            self.topic, [{"name": "lite", "type": "sqlite", "path": "lite.db"},
                         {"name": "days", "type": "totals", "replication": 1, "backoff_min": "100ms"}],
            windows={"horizon": "60d"}, checkpoint={"replication": 1, "interval": "1s"})
        self.config["tables"]["ownership"] = "ownership.csv"

    def produce(self, pairs):
        for partition in range(3):
            own = [(facility, json.dumps(event)) for facility, event in pairs
                   if list(FACILITIES).index(facility) % 3 == partition]
            servers.kafka().produce(self.topic, own, partition=partition)

    def groups(self, process, *options):
        done = daemon.ghgd("groups", "-c", "ghgd.yaml", *options, cwd=process.folder)
        self.assertEqual((done.returncode, daemon.without_advice(done.stderr)), (0, ""), done.stderr)
        return done.stdout

    def written(self, process):
        """Whether all rows that it has to write are acknowledged."""
        return all(value == 0 for name, value in process.metrics().items() if name[0] == "ghgd_shard_dirty_rows")

    def has_read_all(self, process):
        """Whether its offsets are those of the log's end."""
        lags = [value for name, value in process.metrics().items() if name[0] == "ghgd_partition_lag_messages"]
        return len(lags) == 3 and sum(lags) == 0

    def sqlite_days(self, *processes):
        """{(facility, day): {field: value, scopes: {scope: (co2e, ch4)}}}; of two files the one with the newer row."""
        days = {}
        for process in processes:
            base = sqlite3.connect(f"file:{process.folder}/state/lite.db?mode=ro", uri=True)
            for facility, start, final, revision, covered, expected in base.execute(
                    "SELECT facility, local_start, final, revision, covered_s, expected_s FROM coverage_1d"):
                scopes = {}
                for scope, co2e, ch4 in base.execute(
                        "SELECT scope, co2e_kg, ch4_kg FROM emissions_1d WHERE facility = ? AND local_start = ?",
                        (facility, start)):
                    old = scopes.get(int(scope), (0, 0))
                    scopes[int(scope)] = (old[0] + exact(co2e), old[1] + exact(ch4, 9))
                key = facility, start[:10]
                row = {"final": bool(final), "covered": exact(covered, 3), "expected": exact(expected, 3),
                       "scopes": scopes, "order": (final, covered, revision)}
                if key not in days or row["order"] > days[key]["order"]:
                    days[key] = row
        return days

    def expected(self, days, members, dates):
        """A group's sums over dates, from the rows of its facilities."""
        scopes, covered, expected, missing, opened, count = {}, 0, 0, 0, 0, 0
        for day in dates:
            for facility in members:
                control, equity = SHARES.get(facility, lambda day: (1, 1))(day)
                if control == 0 and equity == 0:
                    continue
                count += 1
                if (facility, day) not in days:
                    missing += 1
                    expected += 2 * 86_400_000
                    continue
                row = days[facility, day]
                opened += not row["final"]
                covered, expected = covered + row["covered"], expected + row["expected"]
                for scope, (co2e, ch4) in row["scopes"].items():
                    old = scopes.get(scope, (0, 0, 0))
                    scopes[scope] = (old[0] + co2e * control, old[1] + ch4 * control,
                                     old[2] + half_even(co2e * Fraction(equity)))
        return scopes, covered, expected, missing, opened, count

    def compare(self, process, days, by="day"):
        rows = list(csv.DictReader(self.groups(process, "--by", by, "--format", "csv").splitlines()))
        self.assertEqual({(row["level"], row["group"]) for row in rows},
                         {("all", "all"), ("region", "asia"), ("region", "europe")})
        dates = sorted({day for _, day in days})
        size = {"day": 10, "month": 7, "year": 4}[by]
        checked = 0
        for row in rows:
            members = [f for f, (region, _, _) in FACILITIES.items() if row["group"] in ("all", region)]
            inside = [(FIRST + datetime.timedelta(n)).isoformat() for n in range(-60, DAYS + 2)]
            inside = [d for d in inside if d[:size] == row["period"] and d <= dates[-1] and d >= "2026-01-01"]
            scopes, covered, expected, missing, opened, count = self.expected(days, members, inside)
            if by != "day":  # meters are expected from valid_from on
                before = [d for d in inside if d < FIRST.isoformat()]
                expected -= 2 * 86_400_000 * self.expected(days, members, before)[3]
            if row["scope"] == "total":
                got = [exact(row["covered_s"], 3), exact(row["expected_s"], 3), int(row["days_missing"]),
                       int(row["days_open"]), int(row["days"])]
                self.assertEqual(got, [covered, expected, missing, opened, count], row)
                self.assertEqual(exact(row["co2e_kg"]), sum(scope[0] for scope in scopes.values()))
            else:
                got = [exact(row["co2e_kg"]), exact(row["ch4_kg"], 9), exact(row["co2e_equity_kg"])]
                self.assertEqual(got, list(scopes[int(row["scope"])]), row)
            checked += 1
        return checked

    def agrees(self, process, *writers):
        """Whether the topic has what the files have: their rows may still be on the way."""
        try:
            return self.compare(process, self.sqlite_days(*writers)) > 0
        except AssertionError:
            return False

    def test_days_of_groups_are_sums_of_their_facilities(self):
        pairs = list(readings(1))
        with Process(self.config) as first, Process(self.config) as second:
            def assigned():
                return sorted(p.metrics()[("ghgd_consumer_assigned_partitions",)] for p in (first, second))
            servers.eventually(lambda: assigned() == [1, 2], 90)
            self.produce(pairs)
            servers.eventually(lambda: len(self.sqlite_days(first, second)) >= 4 * DAYS, 90)
            servers.eventually(lambda: self.written(first) and self.written(second), 90)
            days = self.sqlite_days(first, second)
            self.assertNotIn(SILENT, {facility for facility, _ in days})
            servers.eventually(lambda: self.agrees(first, first, second), 60)
            # Two scopes and the total; from the sale of lx on, Europe has a silent facility alone.
            self.assertEqual(self.compare(first, days), 3 * DAYS + 3 * DAYS + 3 * 13 + (DAYS - 13))
            for by in ("month", "year"):
                self.compare(second, days, by)
            # The second is killed while corrections come; the first takes its partitions over.
            corrected = [(facility, {**event, "revision": 1}) for facility, event in readings(2, 5)]
            self.produce(corrected[:len(corrected) // 2])
            second.kill()
            self.produce(corrected[len(corrected) // 2:])
            servers.eventually(lambda: first.metrics()[("ghgd_consumer_assigned_partitions",)] == 3, 90)
            self.assertEqual(len({event["meter"] for _, event in corrected}), 8)
            servers.eventually(lambda: self.has_read_all(first), 90)
            servers.eventually(lambda: self.written(first), 120)
            self.assertEqual(first.terminate(), 0)
            totals = {(key.decode()[11:], key.decode()[:10]) for key in
                      {message.key for message in servers.kafka().consume(self.topic + "-totals")}}
            self.assertEqual(totals, set(self.sqlite_days(first, second)))
            text = self.groups(first, "all", "region=asia")
            self.assertRegex(text, r"(?m)^all facilities \(5\)\n +t CO2e +scope 1")
            self.assertRegex(text, r"(?m)^region asia \(2\)\n")
            self.assertNotIn("europe", text)
            self.compare_after(first, corrected)

    def compare_after(self, process, corrected):
        """The last corrections are in the totals: of a facility, what replay makes of all that was sent."""
        last = {(event["meter"], event["start"]): event for _, event in [*readings(1), *corrected]}
        (process.folder / "events").write_bytes(json_lines(list(last.values())))
        config = json.loads((process.folder / "ghgd.yaml").read_text())
        config["sinks"] = [{"name": "lite", "type": "sqlite", "path": "again.db", "windows": ["day"]}]
        (process.folder / "again.yaml").write_text(json.dumps(config))
        done = daemon.ghgd("replay", "-c", "again.yaml", "--sinks", "--floor", "2026-02-19", "events",
                           cwd=process.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        base = sqlite3.connect(f"file:{process.folder}/state/again.db?mode=ro", uri=True)
        want = {}
        for facility, start, scope, co2e in base.execute(
                "SELECT facility, local_start, scope, co2e_kg FROM emissions_1d"):
            control, _ = SHARES.get(facility, lambda day: (1, 1))(start[:10])
            key = start[:10], str(scope)
            want[key] = want.get(key, 0) + exact(co2e) * control
        rows = csv.DictReader(self.groups(process, "--by", "day", "--format", "csv", "all").splitlines())
        got = {(row["period"], row["scope"]): exact(row["co2e_kg"]) for row in rows if row["scope"] != "total"}
        self.assertEqual(got, want)

    def test_replay_writes_older_days(self):
        with Process(self.config) as process:  # it has nothing to do
            (process.folder / "events").write_bytes(json_lines([event for _, event in readings(5, 3)]))
            done = daemon.ghgd("replay", "-c", "ghgd.yaml", "--sinks", "--floor", "2026-02-19", "events",
                               cwd=process.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            days = self.sqlite_days(process)
            self.assertEqual(len(days), 4 * 3)
            self.assertEqual(self.compare(process, days), 3 * 3 * 3)

    def test_a_topic_that_was_deleted(self):
        with Process(self.config) as process:
            self.produce(list(readings(1, 3)))
            servers.eventually(lambda: len(self.sqlite_days(process)) >= 12, 60)
            servers.eventually(lambda: self.written(process), 60)
            servers.eventually(lambda: self.agrees(process, process), 60)
            before = self.groups(process, "--by", "day", "--format", "csv")
            self.assertGreater(before.count("\n"), 20)
            servers.kafka().delete_topic(self.topic + "-totals")
            done = daemon.ghgd("resync", "-c", "ghgd.yaml", "--sink", "days", cwd=process.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            servers.eventually(lambda: process.log().count("sink.topic_made") == 2, 90)
            servers.eventually(lambda: self.written(process), 90)
            servers.eventually(lambda: self.groups(process, "--by", "day", "--format", "csv") == before, 60)

    def test_what_is_refused(self):
        process = Process(self.config)
        with process:
            for options, code, words in ((("nobody",), 1, 'no group "nobody"'),
                                         (("region=mars",), 1, 'no group "region=mars"'),
                                         (("--by", "week"), 2, "--by is day, month or year, not"),
                                         (("--format", "xml"), 2, "--format is text, csv or json, not")):
                done = daemon.ghgd("groups", "-c", "ghgd.yaml", *options, cwd=process.folder)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(words, done.stderr)
            self.config["sinks"].pop()
            (process.folder / "none.yaml").write_text(json.dumps(self.config))
            done = daemon.ghgd("groups", "-c", "none.yaml", cwd=process.folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("no sink writes totals; add one to sinks", done.stderr)

    def test_a_damaged_record_is_left_out(self):
        kafka = servers.kafka()
        kafka.create_topic(self.topic + "-totals", **{"cleanup.policy": "compact"})
        kafka.produce(self.topic + "-totals", [("2026-03-01/hz", "nonsense"), ("partition 7", "x")])
        with Process(self.config) as process:
            self.produce(list(readings(1, 3)))
            servers.eventually(lambda: len(self.sqlite_days(process)) >= 12, 60)
            servers.eventually(lambda: self.written(process), 60)
            def read():
                return daemon.ghgd("groups", "-c", "ghgd.yaml", "--by", "day", cwd=process.folder)
            servers.eventually(lambda: "2026-02-20" in read().stdout, 60)
            done = read()
            self.assertEqual(done.returncode, 1)
            self.assertIn("2 records are left out", done.stderr)
            self.assertIn("the record at offset 0 is no total of a day", done.stderr)
            self.assertIn("2026-02-20", done.stdout)


if __name__ == "__main__":
    unittest.main()
