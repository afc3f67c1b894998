"""`ghgd trajectory`: targets against the days of real databases, and an independent calculation of both."""
import csv
import datetime
import json
import random
import sqlite3
import sys
import unittest
from fractions import Fraction
from pathlib import Path

import daemon
import replay
import servers
from streams import json_lines

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "trajectory"))
import course_oracle as oracle  # noqa: E402

FIRST, LAST = datetime.date(2025, 1, 1), datetime.date(2026, 7, 20)  # all are final when a replay ends
ZONE = datetime.timezone(datetime.timedelta(hours=8))
FACILITIES = [{"id": name, "time_zone": "Asia/Shanghai", "country": "CN", "region": "cn"} for name in ("hz", "sh")]
METERS = [{"id": "hz-grid", "facility": "hz", "unit": "kWh", "category": "purchased_electricity"},
          {"id": "hz-gas", "facility": "hz", "unit": "Nm3", "category": "stationary_combustion",
           "factor": "ipcc2006.natural_gas"},
          {"id": "sh-grid", "facility": "sh", "unit": "kWh", "category": "purchased_electricity"}]
for meter in METERS:
    meter.update(kind="interval", interval="1d", valid_from="2025-01-01")
TARGETS = [{"target": "all", "level": "all", "name": "", "scopes": "1+2", "approach": "control", "base_year": 2024,
            "base_t": 11000, "percent": 25, "target_year": 2030},
           {"target": "cn-share", "level": "region", "name": "cn", "scopes": "2", "approach": "equity",
            "year_start": 4, "base_year": 2025, "base_t": 12000, "rate": 4.2, "target_year": 2031},
           {"target": "hz-weighted", "level": "facility", "name": "hz", "scopes": "1", "approach": "control",
            "base_year": 2024, "base_t": 3700, "percent": 50, "target_year": 2030}]
WEIGHTS = [Fraction(w, 100) for w in (12, 11, 10, 8, 7, 6, 6, 6, 7, 8, 9, 10)]
OWNERSHIP = [{"facility": "sh", "equity": "0.72", "control": 1, "from": "", "to": "2026-05-01"},
             {"facility": "sh", "equity": "0.5", "control": 1, "from": "2026-05-01", "to": ""}]
TOTALS = {"hz-grid": 25000, "hz-gas": 5000, "sh-grid": 17000}  # of a day


def events():
    """A day of each meter, less some that are missing; one grows for a while and saves later."""
    pick = random.Random(9)
    day = FIRST
    while day <= LAST:
        for meter, usual in TOTALS.items():
            slips = meter == "hz-gas" and day.year == 2026
            level = 1000 if not slips else 1250 if day.month < 4 else 450
            value = usual * level * pick.randint(900, 1100) // 1000
            start = datetime.datetime(day.year, day.month, day.day, tzinfo=ZONE)
            if meter == "sh-grid" and day.month == 6 and day.day < 5:
                continue
            yield {"meter": meter, "start": start.isoformat(), "end": (start + datetime.timedelta(1)).isoformat(),
                   "value": f"{value // 1000}.{value % 1000:03}"}
        day += datetime.timedelta(1)


def exact(value):
    return round(Fraction(str(value)) * 10**6)


def needs_of(row):
    """Trailing months and what is needed, as the oracle tells them."""
    def number(name, unit, unknown):
        return round(Fraction(row[name]) * unit) if row[name] else unknown
    to_end = number("needed_to_end", oracle.ONE, None)
    return [number("trailing_kg", 10**6, -1), int(to_end is not None), to_end or 0,
            number("needed_cumulative", oracle.ONE, oracle.UNKNOWN), number("budget_gone", 1, 0),
            number("achieved", oracle.ONE, oracle.UNKNOWN), number("overshoot_kg", 10**6, oracle.UNKNOWN)]


class Trajectory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sinks = [{"name": "influx", "type": "influx", "url": servers.influxdb().url,
                      "database": servers.influxdb().database()},
                     {"name": "victoria", "type": "influx", "dialect": "victoria", "confirm_after": "1s",
                      "database": servers.unique("ghg"), "url": servers.victoria_metrics().url},
                     {"name": "lite", "type": "sqlite", "path": "lite.db"},
                     {"name": "hours", "type": "sqlite", "path": "hours.db", "windows": ["hour"]}]
        tables = {"groups": ["region"], "targets": "targets.csv", "ownership": "ownership.csv",
                  "weights": "weights.csv"}
        cls.site = replay.Site({"sinks": [{"windows": ["day", "month"], **sink} for sink in cls.sinks],
                                "state_directory": ".", "tables": tables,
                                "windows": {"horizon": "8d", "reporting_from": "2025-01-01"}}, FACILITIES, METERS)
        cls.addClassCleanup(cls.site.remove)
        replay.write_csv(cls.site.folder / "targets.csv", TARGETS)
        replay.write_csv(cls.site.folder / "ownership.csv", OWNERSHIP)
        replay.write_csv(cls.site.folder / "weights.csv",
                         [{"target": "hz-weighted", "month": i + 1, "weight": float(w)} for i, w in enumerate(WEIGHTS)])
        (cls.site.folder / "ghgd.yaml").write_text(json.dumps(cls.site.config))
        (cls.site.folder / "events").write_bytes(json_lines(list(events())))
        done = daemon.ghgd("replay", "-c", "ghgd.yaml", "--sinks", "--floor", "2024-12-31", "events",
                           cwd=cls.site.folder)
        assert done.returncode == 0, done.stderr
        servers.victoria_metrics().flush()

    def trajectory(self, *options):
        return daemon.ghgd("trajectory", "-c", "ghgd.yaml", *options, cwd=self.site.folder)

    def totals(self, target):
        """{day: (mg by scope, estimated, production, covered, expected)} from the rows of SQLite, shares applied."""
        database = sqlite3.connect(f"file:{self.site.folder}/lite.db?mode=ro", uri=True)
        days = {}
        for facility, start, covered, expected, final in database.execute(
                "SELECT facility, local_start, covered_s, expected_s, final FROM coverage_1d"):
            day = datetime.date.fromisoformat(start[:10]).toordinal() - oracle.EPOCH
            if target["level"] == "facility" and facility != target["name"]:
                continue
            old = days.setdefault(day, ([0] * 4, [0] * 4, 0, 0, 0, True))
            masses = [0] * 4
            for scope, kg in database.execute("SELECT scope, co2e_kg FROM emissions_1d WHERE facility = ? AND "
                                              "local_start = ?", (facility, start)):
                masses[scope] += exact(kg)
            share = 1
            if target["approach"] == "equity" and facility == "sh":
                share = Fraction("0.72") if start < "2026-05-01" else Fraction("0.5")
            masses = [a + oracle.half_even(b * share) for a, b in zip(old[0], masses)]
            days[day] = (masses, old[1], 0, old[3] + round(covered * 1000), old[4] + round(expected * 1000),
                         old[5] and bool(final))
        return {day: total[:5] for day, total in days.items() if total[5]}

    def plan(self, course, year, target, totals):
        if target["target"] == "hz-weighted":
            sundays = {d: oracle.ONE // 2 for d in range(year.first, year.end)
                       if datetime.date.fromordinal(d + oracle.EPOCH).weekday() == 6}
            shares = oracle.shares_within(year, 3, [int(w * oracle.ONE) for w in WEIGHTS], sundays)
        else:
            shares = oracle.shares_linear(year)
        before = oracle.year_of(year.first - 1, target.get("year_start", 1))
        months = [sum(sum(totals[d][0][s] for s in course.scopes) for d in before.days(m))
                  if all(d in totals for d in before.days(m)) else -1 for m in range(12)]
        whole = min(months) >= 0
        closed = range(target["base_year"] + 1, year.name)
        known = len(closed) == 0 or (len(closed) == 1 and whole)
        return {"year": year, "shares": shares, "deviation": -1, "last_year": months,
                "last_closed": sum(months) if whole else -1, "known": known,
                "emitted": sum(months) if whole and closed else 0,
                "allowed": sum(course.line.allowed(course.line.versions[0][2], y) for y in closed)}

    def expected(self, target):
        conf = {"threshold": [0, 50, 200, 500], "probability": 900, "enter": 3, "leave": 3, "dwell": oracle.DAY_MS,
                "margin": 100, "share_min": oracle.ONE // 10, "coverage_min": oracle.ONE // 10 * 8,
                "missing": oracle.ONE, "estimated": 0, "by_model": False}
        years = target["target_year"] - target["base_year"]
        share = Fraction(str(target.get("percent", Fraction(str(target.get("rate", 0))) * years)))
        line = oracle.Line({"changes": [], "start": target.get("year_start", 1), "form": oracle.LINEAR,
                            "base_year": target["base_year"], "target_year": target["target_year"],
                            "cut": int(share * oracle.ONE / 100), "path": {}, "intensity": 0,
                            "scopes": sum(1 << int(s) for s in target["scopes"].split("+"))},
                           target["base_t"] * 10**9, oracle.ONE // 20)
        early = 0 if target["level"] != "facility" else 8 * 3_600_000
        course = oracle.Course(conf, line, lambda day: (day + 1) * oracle.DAY_MS - early)
        totals = self.totals(target)
        course.totals = totals
        for day in sorted(totals):
            year = oracle.year_of(day, target.get("year_start", 1))
            stamp = course.end_ms(day) + 65 * 60_000
            if year.name > target["base_year"]:
                yield stamp, course.step(self.plan(course, year, target, totals), day, True, False, oracle.ONE, stamp)

    def test_as_an_independent_calculation(self):
        done = self.trajectory("--sink", "lite", "--format", "csv")
        self.assertEqual(done.returncode, 3, done.stderr)
        rows = list(csv.DictReader(done.stdout.splitlines()))
        events_seen = set()
        for target in TARGETS:
            found = [row for row in rows if row["target"] == target["target"]]
            want = list(self.expected(target))
            self.assertEqual(len(found), len(want))
            self.assertGreater(len(found), 100)
            for row, (stamp, (told, change)) in zip(found, want):
                self.assertEqual(
                    [row["stamp"], exact(row["budget_kg"]), exact(row["due_kg"]), exact(row["ytd_kg"]),
                     row["slip_percent"] and round(Fraction(row["slip_percent"]) * 100), int(row["counted"]),
                     row["level"], row["event"], row["number"]],
                    [datetime.datetime.fromtimestamp(stamp / 1000, datetime.timezone.utc)
                     .strftime("%Y-%m-%dT%H:%M:%SZ"), told[6], told[8], told[9],
                     "" if told[13] == oracle.NO_SLIP else told[13], told[3],
                     ("ok", "watch", "warning", "critical")[told[-1]],
                     ("", "entered", "left", "retracted")[change[0]], str(change[3]) if change[0] else ""],
                    f"{target['target']} {row['day']}")
                self.assertEqual(round(Fraction(row["coverage"]) * oracle.ONE),
                                 oracle.half_even(Fraction(told[11] * oracle.ONE, told[12])))
                self.assertEqual(needs_of(row), [told[14], *told[18:24]], f"{target['target']} {row['day']}")
                events_seen.add(row["event"])
        self.assertEqual(events_seen, {"", "entered", "left"})

    def test_every_database_tells_the_same(self):
        def told(sink):
            done = self.trajectory("--sink", sink, "--format", "json")
            self.assertEqual(done.returncode, 3, sink + done.stderr)
            return done.stdout
        lite = told("lite")
        self.assertTrue(told("influx") == lite)
        # On a busy machine VictoriaMetrics shows its newest rows some seconds after it has flushed them.
        servers.eventually(lambda: told("victoria") == lite, every=1)
        self.assertEqual(self.trajectory().stdout, self.trajectory("--sink", "lite").stdout)
        last = json.loads(lite.splitlines()[-1])
        self.assertEqual((last["target"], last["day"]), ("hz-weighted", "2026-07-20"))

    def test_text_and_until(self):
        done = self.trajectory("--sink", "lite", "--until", "2026-02-01", "all")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"\Aghgd trajectory: the configuration has warnings \(\d+\); ghgd check -c ghgd.yaml prints them\n\Z")
        self.assertRegex(done.stdout, r"(?m)^all: all facilities, scope 1 2, control$")
        self.assertRegex(done.stdout, r"(?m)^  up to 2026-01-31: [\d.]+ t of [\d.]+ t due, [-+][\d.]+ %; coverage 100.00 %")
        self.assertNotIn("2026-02-", done.stdout)

    def test_what_is_refused(self):
        for options, code, words in ((("--sink", "nobody"), 1, 'no sink "nobody"'),
                                     (("--sink", "hours"), 1, 'ghgd trajectory: sink "hours" gets no days'),
                                     (("nothing",), 1, 'no target "nothing" in tables.targets'),
                                     (("--format", "xml"), 2, "--format is text, csv or json"),
                                     (("--until", "soon"), 2, "--until wants")):
            done = self.trajectory(*options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
