"""Grafana dashboards: their structure, and every query of them against a real InfluxDB.

There is no Grafana here: what it puts into a query before it sends it (time filter, variables) is put
in as it does. Rows are written as ghgd does, for facilities with names that need escaping.
"""
import json
import re
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

import daemon
import servers
import test_status

FOLDER = servers.ROOT / "dashboards"
NAMES = ("group", "facility")
SUFFIXES = ("15m", "1h", "1d", "1mo", "1y")
TAGS = {"facility", "region", "scope", "category", "source", "unit"}
FIELDS = {
    "emissions": {
        "activity", "co2_kg", "ch4_kg", "n2o_kg", "co2e_kg", "biogenic_co2_kg", "co2e_unsplit_kg",
        "co2e_estimated_kg", "energy_gj", "energy_unknown", "estimated_share", "covered_s",
        "expected_s", "coverage", "estimated_s", "spread_s", "held_s", "moved_s", "conflicts",
        "glitches", "revision", "final"},
    "coverage": {
        "covered_s", "expected_s", "coverage", "estimated_s", "spread_s", "held_s", "moved_s",
        "conflicts", "glitches", "meters_expected", "meters_reporting", "revision", "final"},
    "energy": {
        "import_kwh", "export_kwh", "generation_kwh", "own_use_kwh", "consumption_kwh", "flows_unknown",
        "import_covered_s", "import_expected_s", "export_covered_s", "export_expected_s",
        "generation_covered_s", "generation_expected_s", "covered_s", "expected_s", "coverage",
        "estimated_s", "spread_s", "held_s", "moved_s", "conflicts", "glitches", "revision", "final"}}
VARIABLES = ["ds", "facility", "scope", "window"]
PANELS = {"row", "stat", "timeseries", "bargauge", "table", "state-timeline"}
UNITS = {"none", "percentunit", "suffix:t CO2e", "suffix:kg CO2e", "suffix:kg", "suffix:kWh"}

PLANT = 'Plant No. 4, "West" [old] a/b\\c'
#             id       offset of local time from UTC
FACILITIES = {PLANT: timedelta(hours=5, minutes=45), "bursa": timedelta(hours=3), "o'hare": timedelta(hours=-5)}
SOURCES = [("1", "stationary_combustion", "natural gas", "m3", 1.5), ("2", "purchased_electricity", "grid", "kWh", 3.25),
           ("0", "electricity", "sold, to the grid", "kWh", 1000)]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def dashboard(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def panels(board):
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def objects(value):
    """Every object inside, however deep."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from objects(item)


def queries(board):
    """(where it stands, its panel or None, the query) of everything that is sent to the database."""
    for panel in panels(board):
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", panel, target["query"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", None, variable["query"]
    for annotation in board["annotations"]["list"]:
        if "target" in annotation:
            yield f"annotation {annotation['name']}", None, annotation["target"]["query"]


def span(text):
    number, unit = re.fullmatch(r"(?:now-)?(\d+)([hd])", text).groups()
    return int(number) * {"h": HOUR, "d": 24 * HOUR}[unit]


def regex(values):
    """${name:regex} of chosen values, as Grafana writes it."""
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def fill_in(query, now, panel, board, facilities, scopes=None, window="1h"):
    variables = {v["name"]: v for v in board["templating"]["list"]}
    past = span((panel or {}).get("timeFrom") or board["time"]["from"])
    begin, end = (int(t.timestamp() * 1000) for t in (now - past, now))
    for text, value in (
            ("$timeFilter", f"time >= {begin}ms and time <= {end}ms"),
            ("${facility:regex}", regex(facilities) if facilities else variables["facility"]["allValue"]),
            ("${scope:regex}", regex(scopes) if scopes else variables["scope"]["allValue"]),
            ("${window}", window)):
        query = query.replace(text, value)
    return query


def key(text):
    return re.sub(r"([,= ])", r"\\\1", text)


def windows(suffix, zone, now):
    """(start, end) in UTC of the windows of the past, oldest first, the last one under way."""
    length, count = {"15m": (15 * MINUTE, 200), "1h": (HOUR, 170), "1d": (24 * HOUR, 40),
                     "1mo": (None, 14), "1y": (None, 2)}[suffix]
    local = (now + zone).replace(tzinfo=None)
    if suffix == "1mo":
        months = local.year * 12 + local.month - 1
        edges = [datetime(m // 12, m % 12 + 1, 1) for m in range(months - count + 1, months + 2)]
    elif suffix == "1y":
        edges = [datetime(local.year + i, 1, 1) for i in range(1 - count, 2)]
    else:
        epoch = datetime(1970, 1, 1)
        start = local - (local - epoch) % length
        edges = [start + i * length for i in range(1 - count, 2)]
    edges = [(edge - zone).replace(tzinfo=timezone.utc) for edge in edges]
    return list(zip(edges, edges[1:]))


def rows(now):
    for facility, zone in FACILITIES.items():
        for suffix in SUFFIXES:
            for number, (start, end) in enumerate(windows(suffix, zone, now)):
                at = int(start.timestamp() * 1000)
                seconds = (end - start).total_seconds()
                final = "true" if end <= now else "false"
                # A revision in the last days, and not in the last month only.
                revision = 2 if suffix == "1d" and number in (3, 38) else 0
                quality = (f"covered_s={seconds * 0.75},expected_s={seconds},coverage=0.75,"
                           f"estimated_s={seconds * 0.125},spread_s=0,held_s=0,moved_s=0,conflicts=0,"
                           f"glitches=0,revision={revision}i,final={final}")
                tag = f"facility={key(facility)},region=asia"
                yield (f"coverage_{suffix},{tag} {quality},meters_expected=3i,meters_reporting=2i {at}")
                yield (f"energy_{suffix},{tag} import_kwh={seconds},export_kwh=2,generation_kwh=5,own_use_kwh=3,"
                       f"consumption_kwh={seconds + 3},flows_unknown=0i,import_covered_s={seconds},"
                       f"import_expected_s={seconds},export_covered_s=0,export_expected_s=0,"
                       f"generation_covered_s=0,generation_expected_s=0,{quality} {at}")
                for scope, category, source, unit, kg_per_s in SOURCES:
                    kg = seconds * kg_per_s
                    yield (f"emissions_{suffix},{tag},scope={scope},category={key(category)},"
                           f"source={key(source)},unit={unit} activity={kg * 2},co2_kg={kg * 0.9},"
                           f"ch4_kg={kg * 0.001},n2o_kg={kg * 0.0001},co2e_kg={kg},biogenic_co2_kg=0,"
                           f"co2e_unsplit_kg={kg * 0.05},co2e_estimated_kg={kg * 0.125},"
                           f"energy_gj={kg * 0.02},energy_unknown=0,"
                           f"estimated_share=0.125,{quality} {at}")


def shape(line):
    """The common part of all rows of a measurement: tags without the group levels, fields, their types."""
    head, fields, _ = re.split(r"(?<!\\) ", line)
    measurement, *tags = re.split(r"(?<!\\),", head)
    kinds = [(name, "flag" if value in ("true", "false") else "integer" if value[-1] == "i" else "float")
             for name, value in (field.split("=") for field in fields.split(","))]
    return measurement, tuple(sorted({tag.split("=")[0] for tag in tags} - {"region"})), tuple(sorted(kinds))


class Structure(unittest.TestCase):
    def each(self):
        for name in NAMES:
            with self.subTest(dashboard=name):
                yield dashboard(name)

    def test_head(self):
        for board in self.each():
            self.assertEqual(board["schemaVersion"], 41)
            self.assertRegex(board["uid"], r"^ghgd-[a-z]+$")
            self.assertIsInstance(board["refresh"], str)
            self.assertNotIn("id", board)
            self.assertNotIn("__inputs", board)
            self.assertTrue(board["title"] and board["description"])
        self.assertEqual(len({dashboard(name)["uid"] for name in NAMES}), len(NAMES))

    def test_links_between_them(self):
        known = {f"/d/{dashboard(name)['uid']}" for name in NAMES}
        for board in self.each():
            for found in objects(board):
                if str(found.get("url", "")).startswith("/d/"):
                    self.assertIn(found["url"].split("?")[0], known)

    def test_panels(self):
        for board in self.each():
            ids = [panel["id"] for panel in panels(board)]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in panels(board):
                with self.subTest(panel=panel["title"]):
                    self.assertIn(panel["type"], PANELS)
                    self.assertTrue(panel["title"])
                    if panel["type"] != "row":
                        self.check_panel(panel)

    def check_panel(self, panel):
        self.assertRegex(panel["description"], r"^[A-Z].*\.$")
        self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS)
        thresholds = panel["fieldConfig"]["defaults"]["thresholds"]
        self.assertEqual(thresholds["mode"], "absolute")
        self.assertIsNone(thresholds["steps"][0]["value"])
        for found in objects(panel["fieldConfig"]["overrides"]):
            if found.get("id") == "unit":
                self.assertIn(found["value"], UNITS)
        refs = [target["refId"] for target in panel["targets"]]
        self.assertTrue(refs)
        self.assertEqual(len(refs), len(set(refs)))
        for target in panel["targets"]:
            self.assertTrue(target["rawQuery"])
            self.assertTrue(target["query"])
            self.assertIn(target["resultFormat"], ("time_series", "table"))
            self.assertEqual(target["resultFormat"] == "table", panel["type"] == "table")

    def test_grid(self):
        for board in self.each():
            taken = {}
            for panel in board["panels"]:
                at = panel["gridPos"]
                self.assertEqual(set(at), {"x", "y", "w", "h"})
                self.assertLessEqual(at["x"] + at["w"], 24)
                for x in range(at["x"], at["x"] + at["w"]):
                    for y in range(at["y"], at["y"] + at["h"]):
                        self.assertIsNone(taken.get((x, y)), f"{panel['title']} covers it")
                        taken[x, y] = panel["title"]
            bottom = max(y for _, y in taken)
            self.assertEqual({y for _, y in taken}, set(range(bottom + 1)), "an empty line")

    def test_data_source_is_the_variable(self):
        for board in self.each():
            for found in objects(board):
                source = found.get("datasource")
                if source is not None and found.get("builtIn") != 1:
                    self.assertEqual(source, {"type": "influxdb", "uid": "${ds}"})
            for panel in panels(board):
                for part in [panel, *panel["targets"]] if panel["type"] != "row" else []:
                    self.assertIn("datasource", part)

    def test_variables(self):
        for board in self.each():
            variables = {v["name"]: v for v in board["templating"]["list"]}
            self.assertEqual(list(variables), VARIABLES)
            self.assertEqual(variables["ds"]["type"], "datasource")
            self.assertEqual(variables["ds"]["query"], "influxdb")
            self.assertTrue(variables["facility"]["multi"] and variables["facility"]["includeAll"])
            self.assertEqual(variables["facility"]["allValue"], ".*")
            self.assertTrue(variables["scope"]["multi"] and variables["scope"]["includeAll"])
            for variable in variables.values():
                self.assertTrue(variable["label"] and variable["description"])
                self.assertTrue(variable["current"]["value"] and variable["current"]["text"])
                self.assertIn(variable["refresh"], (1, 2))

    def test_only_known_names_in_queries(self):
        for board in self.each():
            for where, _, query in queries(board):
                with self.subTest(query=where):
                    self.check_names(query)

    def check_names(self, query):
        for used in re.findall(r"\$\{?(\w+)(?::\w+)?\}?", re.sub(r"\$/", "", query)):
            self.assertIn(used, [*VARIABLES, "timeFilter"])
        if query.startswith("SHOW MEASUREMENTS"):
            return
        measurements = re.findall(r'FROM "([^"]*)"', query)
        self.assertTrue(measurements)
        allowed = set(TAGS) | set(re.findall(r'AS "([^"]*)"', query)) | {"sum", "last"}
        for measurement in measurements:
            stem, suffix = measurement.split("_", 1)
            self.assertIn(suffix, (*SUFFIXES, "${window}"))
            allowed |= FIELDS[stem] | {measurement}
        self.assertLessEqual(set(re.findall(r'"([^"]*)"', query)), allowed)
        if not query.startswith("SHOW"):
            self.assertIn("$timeFilter", query)
            self.assertIn('"facility" =~ /^${facility:regex}$/', query)
            if "emissions_" in query:
                self.assertIn('"scope" =~ /^${scope:regex}$/', query, "sums what is outside the scopes")

    def test_provisioning(self):
        source = (FOLDER / "provisioning/datasources/ghgd.yaml").read_text()
        provider = (FOLDER / "provisioning/dashboards/ghgd.yaml").read_text()
        for text in (source, provider):
            self.assertRegex(text, r"(?m)^apiVersion: 1$")
        self.assertRegex(source, r"(?m)^    type: influxdb$")
        example = (servers.ROOT / "config/examples/ghgd.yaml").read_text()
        database = re.search(r"(?m)^\s+database: (\S+)$", example)[1]
        self.assertRegex(source, rf"(?m)^      dbName: {database}$")
        self.assertRegex(provider, r"(?m)^      path: /usr/local/share/ghgd/dashboards$")


class Queries(unittest.TestCase):
    """All, several and one facility chosen; each query returns rows, and the totals are right."""

    @classmethod
    def setUpClass(cls):
        cls.influxdb = servers.influxdb()
        cls.database = cls.influxdb.database("dashboards")
        # A fixed minute of the day, so that every run sees the same windows under way.
        today = datetime.fromtimestamp(time.time(), timezone.utc).replace(hour=12, minute=7, second=0, microsecond=0)
        cls.now = today
        lines = list(rows(cls.now))
        for i in range(0, len(lines), 5000):
            cls.influxdb.write(cls.database, "\n".join(lines[i:i + 5000]))

    def run_query(self, board, panel, query, facilities, **chosen):
        filled = fill_in(query, self.now, panel, board, facilities, **chosen)
        self.assertNotRegex(filled, r"\$[a-zA-Z_{]")
        return self.influxdb.query(filled, self.database)

    def test_rows_are_like_those_of_the_daemon(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in test_status.TABLES.items():
                Path(folder, name).write_text(text)
            Path(folder, "ghgd.yaml").write_text(json.dumps(test_status.conf("localhost:9092")))
            event = {"meter": "m1", "start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:15:00Z", "value": 4}
            done = daemon.ghgd("replay", "-q", "-c", "ghgd.yaml", input=json.dumps(event), cwd=folder)
        self.assertEqual((done.returncode, daemon.without_advice(done.stderr)), (0, ""))
        theirs, ours = ({shape(line) for line in lines} for lines in (done.stdout.splitlines(), rows(self.now)))
        self.assertEqual(theirs, ours)

    def test_every_query_returns_rows(self):
        choices = [None, list(FACILITIES), [PLANT, "bursa"], *([name] for name in FACILITIES)]
        for name in NAMES:
            board = dashboard(name)
            for where, panel, query in queries(board):
                for facilities in choices:
                    with self.subTest(dashboard=name, query=where, facilities=facilities):
                        got = self.run_query(board, panel, query, facilities)
                        self.assertTrue(got)
                        self.assertTrue({r["facility"] for r in got if "facility" in r} <= set(FACILITIES))

    def test_every_query_for_each_window_and_scope(self):
        for name in NAMES:
            board = dashboard(name)
            for where, panel, query in queries(board):
                for chosen in ({"window": "15m"}, {"scopes": ["1"]}, {"scopes": ["1", "2"]}):
                    with self.subTest(dashboard=name, query=where, chosen=chosen):
                        self.assertTrue(self.run_query(board, panel, query, [PLANT], **chosen))

    def test_nothing_of_other_facilities(self):
        for name in NAMES:
            board = dashboard(name)
            for where, panel, query in queries(board):
                if query.startswith("SHOW") or "count(" in query:
                    continue
                with self.subTest(dashboard=name, query=where):
                    self.assertEqual(self.run_query(board, panel, query, ["Plant No"]), [])

    def value_of(self, title, facilities, **chosen):
        board = dashboard("group")
        panel = next(p for p in panels(board) if p["title"] == title)
        got = self.run_query(board, panel, panel["targets"][0]["query"], facilities, **chosen)
        self.assertEqual(len(got), 1)
        return next(v for k, v in got[0].items() if k not in ("_name", "time"))

    def expected_tonnes(self, suffix, facilities, rate):
        spans = [windows(suffix, FACILITIES[name], self.now)[-1] for name in facilities]
        return sum((end - start).total_seconds() for start, end in spans) * rate / 1000

    def test_totals_under_way(self):
        rate = 1.5 + 3.25  # scopes 1 and 2; what lies outside is not in it
        for title, suffix in (("Today so far", "1d"), ("This month so far", "1mo"), ("This year so far", "1y")):
            for facilities in (list(FACILITIES), [PLANT], ["bursa", "o'hare"]):
                with self.subTest(title=title, facilities=facilities):
                    self.assertAlmostEqual(self.value_of(title, facilities),
                                           self.expected_tonnes(suffix, facilities, rate), places=6)
        self.assertAlmostEqual(self.value_of("Today so far", [PLANT], scopes=["1"]),
                               self.expected_tonnes("1d", [PLANT], 1.5), places=6)

    def test_shares(self):
        self.assertAlmostEqual(self.value_of("Coverage, last two days", None), 0.75)
        self.assertAlmostEqual(self.value_of("Estimated share, 31 days", None), 0.125)
        self.assertEqual(self.value_of("Provisional days", None), len(FACILITIES))
        self.assertEqual(self.value_of("Provisional days", [PLANT]), 1)

    def test_final_and_provisional_make_the_whole(self):
        for name in NAMES:
            board = dashboard(name)
            for panel in panels(board):
                targets = {t["refId"]: t["query"] for t in panel.get("targets", [])}
                if '"final" = true' not in targets.get("A", ""):
                    continue
                with self.subTest(dashboard=name, panel=panel["title"]):
                    self.assertEqual(targets["A"].replace("true", "false"), targets["B"])
                    parts = [self.run_query(board, panel, targets[ref], None) for ref in "AB"]
                    whole = self.run_query(board, panel, targets["A"].replace('AND "final" = true', ""), None)
                    total = [sum(row[k] for row in rows_of for k in row if k.startswith("sum"))
                             for rows_of in (*parts, whole)]
                    self.assertAlmostEqual(total[0] + total[1], total[2], places=3)
                    self.assertGreater(min(total), 0)

    def test_variables(self):
        board = dashboard("group")
        variables = {v["name"]: v for v in board["templating"]["list"]}

        def values(name, column):
            got = self.run_query(board, None, variables[name]["query"], None)
            pattern = variables[name]["regex"].strip("/")
            found = (re.search(pattern, row[column]) if pattern else None for row in got)
            return {(m[1] if m.groups() else m[0]) if m else row[column] for m, row in zip(found, got)
                    if m or not pattern}

        self.assertEqual(values("facility", "value"), set(FACILITIES))
        self.assertEqual(values("scope", "value"), {"1", "2"})
        self.assertEqual(values("window", "name"), {"15m", "1h"})


if __name__ == "__main__":
    unittest.main()
