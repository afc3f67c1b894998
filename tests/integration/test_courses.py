"""Targets of facilities are judged while a log is applied: `trajectory`, `trajectory_now` and `alerts`."""
import datetime
import json
import sqlite3
import unittest

import daemon
import replay
import test_trajectory as after
from streams import json_lines
from test_trajectory import FACILITIES, METERS, OWNERSHIP, TARGETS, WEIGHTS, events, exact, oracle

TARGET = next(target for target in TARGETS if target["target"] == "hz-weighted")
EQUITY = {"target": "sh-share", "level": "facility", "name": "sh", "scopes": "2", "approach": "equity",
          "base_year": 2024, "base_t": 3500, "percent": 30, "target_year": 2030}


class Courses(unittest.TestCase):
    totals, plan, expected = after.Trajectory.totals, after.Trajectory.plan, after.Trajectory.expected

    @classmethod
    def setUpClass(cls):
        tables = {"groups": ["region"], "targets": "targets.csv", "ownership": "ownership.csv",
                  "weights": "weights.csv"}
        cls.site = replay.Site({"sinks": [{"name": "lite", "type": "sqlite", "path": "lite.db"}],
                                "state_directory": ".", "tables": tables,
                                "windows": {"horizon": "8d", "reporting_from": "2025-01-01"}}, FACILITIES, METERS)
        cls.addClassCleanup(cls.site.remove)
        replay.write_csv(cls.site.folder / "targets.csv", [*TARGETS, EQUITY])
        replay.write_csv(cls.site.folder / "ownership.csv", OWNERSHIP)
        replay.write_csv(cls.site.folder / "weights.csv",
                         [{"target": "hz-weighted", "month": i + 1, "weight": float(w)} for i, w in enumerate(WEIGHTS)])
        (cls.site.folder / "ghgd.yaml").write_text(json.dumps(cls.site.config))
        (cls.site.folder / "events").write_bytes(json_lines(list(events())))
        cls.run_replay("events")

    @classmethod
    def run_replay(cls, name):
        done = daemon.ghgd("replay", "-c", "ghgd.yaml", "--sinks", "--floor", "2024-12-31", name,
                           cwd=cls.site.folder)
        assert done.returncode == 0, done.stderr

    def rows(self, query, *values):
        database = sqlite3.connect(f"file:{self.site.folder}/lite.db?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        return database.execute(query, values).fetchall()

    def test_closed_days_as_an_independent_calculation(self):
        for target in (TARGET, EQUITY):
            found = self.rows("SELECT * FROM trajectory WHERE target = ? AND stage = 'day' ORDER BY start_ms",
                              target["target"])
            want = list(self.expected(target))[:-1]  # no reading moves the watermark behind the last day
            self.assertEqual(len(found), len(want))
            events_seen = {alert["start_ms"]: alert for alert in self.rows(
                "SELECT * FROM alerts WHERE target = ? AND stage = 'day'", target["target"])}
            changes = 0
            for row, (stamp, (told, change)) in zip(found, want):
                self.assertEqual(
                    [row["start_ms"], exact(row["budget_kg"]), exact(row["due_kg"]), exact(row["ytd_kg"]),
                     oracle.NO_SLIP if row["slip"] is None else round(row["slip"] * 10000), row["counted"],
                     row["alert_level"]],
                    [stamp, told[6], told[8], told[9], told[13], told[3], told[-1]], str(row["day"]))
                alert = events_seen.get(stamp)
                self.assertEqual((alert["event"], alert["number"]) if alert else ("", 0),
                                 (("", "entered", "left", "retracted")[change[0]], change[3] if change[0] else 0))
                changes += change[0] != 0
            self.assertEqual(changes, len(events_seen))
            self.assertTrue(changes > 0 or target is EQUITY)

    def test_each_full_hour(self):
        hours = [row[0] for row in self.rows("SELECT start_ms FROM trajectory WHERE target = 'hz-weighted' AND "
                                             "stage = 'hour' ORDER BY start_ms")]
        self.assertEqual(hours, list(range(hours[0], hours[-1] + 1, 3_600_000)))
        self.assertEqual(datetime.datetime.fromtimestamp(hours[-1] / 1000, datetime.timezone.utc).isoformat(),
                         "2026-07-20T15:00:00+00:00")  # five minutes before 16:00

    def test_now(self):
        rows = self.rows("SELECT * FROM trajectory_now WHERE target = 'hz-weighted' ORDER BY start_ms")
        self.assertEqual([row["local_start"][:10] for row in rows], ["2025-01-01", "2026-01-01"])
        closed = self.rows("SELECT * FROM trajectory WHERE target = 'hz-weighted' AND stage = 'day' AND "
                           "local_start LIKE '2026-01-01%'")[0]  # the last day of 2025
        self.assertEqual([rows[0][name] for name in ("stamp", "ytd_kg", "alert_level")],
                         [closed["start_ms"], closed["ytd_kg"], closed["alert_level"]])
        newest = self.rows("SELECT * FROM trajectory WHERE target = 'hz-weighted' AND stage = 'hour' "
                           "ORDER BY start_ms DESC LIMIT 1")[0]
        self.assertEqual([rows[1][name] for name in ("stamp", "ytd_kg", "due_kg", "alert_level")],
                         [newest["start_ms"], newest["ytd_kg"], newest["due_kg"], newest["alert_level"]])
        self.assertRegex(rows[1]["source_1"], "stationary_combustion")
        self.assertEqual(rows[1]["source_1_kg"], newest["ytd_kg"])

    def test_again_writes_the_same(self):
        query = "SELECT * FROM trajectory UNION ALL SELECT * FROM trajectory WHERE 0 ORDER BY 1, 2, 3"
        before = [tuple(row) for row in self.rows(query)]
        self.run_replay("events")
        self.assertEqual([tuple(row) for row in self.rows(query)], before)


if __name__ == "__main__":
    unittest.main()
