"""Grafana dashboards: their structure, and every query of them against a real InfluxDB and VictoriaMetrics.

Rows are written as ghgd does, for facilities with names that need escaping. Queries are filled in and
sent as Grafana does it: grafana.py.
"""
import json
import re
import subprocess
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

import yaml

import daemon
import servers
import test_status
from grafana import FOLDER, HOUR, Grafana, boards

SUFFIXES = ("15m", "1h", "1d", "1mo", "1y")
EMISSIONS = ("group", "facility", "quality")  # the dashboards on rows of windows
FIELDS = {
    "emissions": {
        "activity", "co2_kg", "ch4_kg", "n2o_kg", "co2e_kg", "biogenic_co2_kg", "co2e_unsplit_kg",
        "co2e_estimated_kg", "energy_gj", "energy_unknown", "estimated_share", "covered_s",
        "expected_s", "coverage", "estimated_s", "spread_s", "held_s", "moved_s", "conflicts",
        "glitches", "revision", "final"},
    "coverage": {
        "covered_s", "expected_s", "coverage", "coverage_weighted", "estimated_s", "spread_s", "held_s", "moved_s",
        "conflicts", "glitches", "meters_expected", "meters_reporting", "revision", "final"},
    "energy": {
        "import_kwh", "export_kwh", "generation_kwh", "own_use_kwh", "consumption_kwh", "flows_unknown",
        "import_covered_s", "import_expected_s", "export_covered_s", "export_expected_s",
        "generation_covered_s", "generation_expected_s", "covered_s", "expected_s", "coverage",
        "estimated_s", "spread_s", "held_s", "moved_s", "conflicts", "glitches", "revision", "final"}}
TAGS = {"facility", "scope", "category", "source", "unit", "${level}"}
NUMBERS = {"day", "base_version", "base_kg", "budget_kg", "share", "due_kg", "ytd_kg", "ytd_estimated_kg", "over_kg",
           "coverage", "slip", "forecast_kg", "forecast_low_kg", "forecast_high_kg", "forecast_ratio_kg", "miss_probability",
           "used_up_day", "trailing_12mo_kg", "needed_to_end", "needed_cumulative", "achieved", "overshoot_kg",
           "alert_level", "restated", "counted"}
SOURCE_FIELDS = {f"source_{i}{tail}" for i in (1, 2, 3) for tail in ("", "_kg")}
FIELDS.update({
    "trajectory": NUMBERS,
    "trajectory_now": NUMBERS | SOURCE_FIELDS | {"stamp", "forecast_known", "interval_known", "used_up"},
    "alerts": SOURCE_FIELDS | {
        "id", "number", "base_version", "event", "from_level", "to_level", "from_name", "to_name", "started", "ended",
        "day", "slip", "budget_kg", "due_kg", "ytd_kg", "over_kg", "forecast_kg", "forecast_low_kg",
        "forecast_high_kg", "miss_probability", "coverage"}})
TARGET_TAGS = {"target", "stage", "level", "name", "scopes"}
VARIABLES = {"influxdb": ["ds", "level", "group", "facility", "scope", "window"],
             "victoriametrics": ["ds", "db", "level", "group", "facility", "scope", "window"]}
PANELS = {"row", "stat", "timeseries", "bargauge", "barchart", "table", "state-timeline", "status-history"}
TABLES = {"table", "barchart"}
UNITS = {"none", "time:YYYY-MM-DD", "percentunit", "suffix:t CO2e", "suffix:kg CO2e", "suffix:kg", "suffix:kWh", "s",
         "cps", "bytes", "Bps"}

PLANT = 'Plant No. 4, "West" [old] a/b\\c'
RETIRED = ("1", "stationary_combustion", "old boiler", "L", 0.5)  # silent in the windows under way
#             id       offset of local time from UTC
FACILITIES = {PLANT: timedelta(hours=5, minutes=45), "bursa": timedelta(hours=3), "o'hare": timedelta(hours=-5)}
GROUPS = {PLANT: "Asia, South", "bursa": "Europe"}  # o'hare is in no region
SOURCES = [("1", "stationary_combustion", "natural gas", "m3", 1.5), ("2", "purchased_electricity", "grid", "kWh", 3.25),
           ("0", "electricity", "sold, to the grid", "kWh", 1000)]
WEIGHTED = "coverage_weighted=0.5"  # null before a month is closed
MINUTE = timedelta(minutes=1)


def objects(value):
    """Every object inside, however deep."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from objects(item)


def ms(instant):
    return int(instant.timestamp() * 1000)


def flag(value):
    return "true" if value else "false"


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
                tag = f"facility={key(facility)}"
                if facility in GROUPS:
                    tag += f",region={key(GROUPS[facility])}"
                yield (f"coverage_{suffix},{tag} {quality},{WEIGHTED},meters_expected=3i,meters_reporting=2i {at}")
                yield (f"energy_{suffix},{tag} import_kwh={seconds},export_kwh=2,generation_kwh=5,own_use_kwh=3,"
                       f"consumption_kwh={seconds + 3},flows_unknown=0i,import_covered_s={seconds},"
                       f"import_expected_s={seconds},export_covered_s=0,export_expected_s=0,"
                       f"generation_covered_s=0,generation_expected_s=0,{quality} {at}")
                is_newest = end > now
                for scope, category, source, unit, kg_per_s in SOURCES if is_newest else [*SOURCES, RETIRED]:
                    kg = seconds * kg_per_s
                    yield (f"emissions_{suffix},{tag},scope={scope},category={key(category)},"
                           f"source={key(source)},unit={unit} activity={kg * 2},co2_kg={kg * 0.9},"
                           f"ch4_kg={kg * 0.001},n2o_kg={kg * 0.0001},co2e_kg={kg},biogenic_co2_kg=0,"
                           f"co2e_unsplit_kg={kg * 0.05},co2e_estimated_kg={kg * 0.125},"
                           f"energy_gj={kg * 0.02},energy_unknown=0,"
                           f"estimated_share=0.125,{quality} {at}")


def targets():
    """(id, tags) of the targets: of the whole, of each region and facility."""
    yield "all-2030", ""
    yield "o'ver", ""  # an alert that is over
    yield "new", ""  # no forecast yet
    for region in GROUPS.values():
        yield region, f",level=region,name={key(region)},region={key(region)}"
    for facility in FACILITIES:
        region = f",region={key(GROUPS[facility])}" if facility in GROUPS else ""
        yield f"t {facility}", f",level=facility,name={key(facility)},facility={key(facility)}{region}"


def course(day, number, known):
    """The fields of a target's row: 100 t a day where 98 are due, of a budget of 36,000 t."""
    ytd, due = number * 100_000, number * 98_000
    forecasts = "forecast_kg=36700000,forecast_low_kg=36000500,forecast_high_kg=37400000,forecast_ratio_kg=36734693," \
        f"miss_probability=0.92,used_up_day={ms(day) + 30 * 86_400_000}i," if known else ""
    return (f"day={ms(day)}i,base_version=1i,base_kg=50000000,budget_kg=36000000,share={due / 36e6:.9f},due_kg={due},"
            f"ytd_kg={ytd},ytd_estimated_kg=0,over_kg={ytd - due},coverage=0.99,slip=0.0204,{forecasts}"
            "trailing_12mo_kg=36400000,needed_to_end=0.0655,needed_cumulative=0.0935,achieved=0.476,overshoot_kg=1200000,"
            f"alert_level={min(number // 10, 2)}i,restated=false,counted=true")


def target_rows(now):
    begin = now.replace(month=1, day=1, hour=0, minute=0)
    days = (now - begin).days
    for target, tags in targets():
        tags = f"target={key(target)},scopes=1+2{tags or ',level=all,name=all'}"
        known = target != "new"
        # The year begins earlier in the east than in the time zone of the dashboard.
        year = begin - 8 * HOUR if "facility=" in tags else begin
        for number in range(1, days + 1):
            day = begin + timedelta(days=number - 1)
            stamp = day + timedelta(days=1, hours=1, minutes=5)
            if stamp <= now:
                yield f"trajectory,stage=day,{tags} {course(day, number, known)} {ms(stamp)}"
                yield f"trajectory,stage=hour,{tags} {course(day, number, known)} {ms(stamp - HOUR)}"
        sources = ",".join(f'source_{i}="line \\"{i}\\"",source_{i}_kg={40 - i}' for i in (1, 2, 3))
        yield (f"trajectory_now,{tags} stamp={ms(now)}i,{course(now - timedelta(days=1), days, True)},"
               f"forecast_known={flag(known)},interval_known={flag(known)},used_up={flag(known)},{sources} {ms(begin)}")
        levels = [(30, 0, 1), (12, 1, 2), (1, 2, 3)] + ([(0, 3, 0)] if target == "o'ver" else [])
        started = now - timedelta(days=31)
        for number, (ago, before, after) in enumerate(levels, 1):
            at = now.replace(minute=0) - timedelta(days=ago)
            ended = f",ended={ms(at)}i" if after == 0 else ""
            words = f"{target}/1/{number}".replace("\\", "\\\\").replace('"', '\\"')
            yield (f'alerts,stage=day,{tags} id="{words}",number={number}i,base_version=1i,event="entered",'
                   f'from_level={before}i,to_level={after}i,from_name="x",to_name="y",started={ms(started)}i{ended},'
                   f"day={ms(at)}i,slip=0.0204,budget_kg=36000000,due_kg=1,ytd_kg=2,over_kg=1,forecast_kg=36700000,"
                   f"forecast_low_kg=36000500,forecast_high_kg=37400000,miss_probability=0.92,coverage=0.99,{sources} "
                   f"{ms(at)}")


def alert_rules():
    """(name of the data source, rule) of every alert rule of Grafana."""
    for path in sorted(FOLDER.glob("provisioning/alerting/*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield path.stem, rule


def as_victoria(line):
    """The row in the dialect victoria: its version, here 3, is in its time, and it has no texts."""
    row, at = line.rsplit(" ", 1)
    row = re.sub(r'(?<=[, ])\w+="(?:\\\\.|[^"\\\\])*",?', "", row) if row.startswith(("alerts", "trajectory")) else row
    row = re.sub(r"=(true|false)(?=[,\s]|$)", lambda m: f"={int(m[1] == 'true')}", row)
    is_stamped = row.startswith(("alerts,", "trajectory,"))
    return f"{re.sub('=([0-9]+)i(?=[,]|$)', '=' + chr(92) + '1', row).rstrip(',')} {int(at) + (0 if is_stamped else 1 + 3)}"


def shape(line):
    """The common part of all rows of a measurement: tags without the group levels, fields, their types."""
    head, fields, _ = re.split(r"(?<!\\) ", line)
    measurement, *tags = re.split(r"(?<!\\),", head)
    kinds = [(name, "flag" if value in ("true", "false") else "integer" if value[-1] == "i" else "float")
             for name, value in (field.split("=") for field in fields.split(","))]
    return measurement, tuple(sorted({tag.split("=")[0] for tag in tags} - {"region"})), tuple(sorted(kinds))


class Structure(unittest.TestCase):
    def each(self, *names):
        for board in boards(*names):
            with self.subTest(dashboard=board.name):
                yield board

    def test_are_what_the_generator_writes(self):
        done = subprocess.run([FOLDER / "generate.py", "--check"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_the_same_dashboards_for_both_kinds_of_database(self):
        stems = [{board.path.stem for board in boards() if board.is_influx == influx and not board.is_health}
                 for influx in (True, False)]
        self.assertEqual(stems[0], stems[1])
        self.assertLessEqual(set(EMISSIONS), stems[0])
        for board in (b for b in boards() if b.is_influx):
            other = next(b for b in boards(board.path.stem) if not b.is_influx)
            ours, theirs = ([(p["id"], p["type"], p["title"], p["gridPos"]) for p in b.panels()]
                            for b in (board, other))
            self.assertEqual(ours, theirs)

    def test_head(self):
        for board in self.each():
            self.assertEqual(board.json["schemaVersion"], 41)
            self.assertRegex(board.json["uid"], r"^ghgd-[a-z-]+$")
            self.assertIsInstance(board.json["refresh"], str)
            self.assertNotIn("id", board.json)
            self.assertNotIn("__inputs", board.json)
            self.assertTrue(board.json["title"] and board.json["description"])
        uids = [board.json["uid"] for board in boards()]
        self.assertEqual(len(set(uids)), len(uids))

    def test_links_between_them(self):
        for board in self.each():
            known = {f"/d/{b.json['uid']}" for b in boards() if b.path.parent == board.path.parent}
            for found in objects(board.json):
                if str(found.get("url", "")).startswith("/d/"):
                    self.assertIn(found["url"].split("?")[0], known)

    def test_panels(self):
        for board in self.each():
            ids = [panel["id"] for panel in board.panels()]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in board.panels():
                with self.subTest(panel=panel["title"]):
                    self.assertIn(panel["type"], PANELS)
                    self.assertTrue(panel["title"])
                    if panel["type"] != "row":
                        self.check_panel(board, panel)

    def check_panel(self, board, panel):
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
            if board.is_influx:
                self.assertTrue(target["rawQuery"] and target["query"])
                self.assertEqual(target["resultFormat"], "table" if panel["type"] in TABLES else "time_series")
            else:
                self.assertTrue(target["expr"])
                self.assertNotEqual(target["instant"], target["range"])
                self.assertEqual(target["format"], "table" if panel["type"] in TABLES else "time_series")

    def test_grid(self):
        for board in self.each():
            taken = {}
            for panel in board.json["panels"]:
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
            kind = "influxdb" if board.is_influx else "prometheus"
            for found in objects(board.json):
                source = found.get("datasource")
                if source is not None and found.get("builtIn") != 1:
                    self.assertEqual(source, {"type": kind, "uid": "${ds}"})
            for panel in board.panels():
                for part in [panel, *panel["targets"]] if panel["type"] != "row" else []:
                    self.assertIn("datasource", part)

    def test_variables(self):
        for board in self.each(*EMISSIONS):
            wanted = list(VARIABLES[board.path.parent.name])
            if board.path.stem == "quality":
                wanted.remove("scope")
            self.assertEqual(list(board.variables), wanted)
            self.assertEqual(board.variables["facility"]["allValue"], ".*")
            for name in {"group", "facility", "scope"} & set(board.variables):
                self.assertTrue(board.variables[name]["multi"] and board.variables[name]["includeAll"])
        for board in self.each():
            self.assertEqual(board.variables["ds"]["type"], "datasource")
            for variable in board.variables.values():
                self.assertTrue(variable["label"] and variable["description"])
                if variable["name"] != "target":  # the first of the list
                    self.assertTrue(variable["current"]["value"] and variable["current"]["text"])
                self.assertIn(variable["refresh"], (1, 2))

    def test_only_known_names_in_queries(self):
        for board in self.each():
            for query in board.queries():
                with self.subTest(query=query.where):
                    for used in re.findall(r"\$\{?(\w+)(?::\w+)?\}?", re.sub(r"\$/", "", query.text)):
                        self.assertIn(used, [*board.variables, "timeFilter", "__range", "__rate_interval", "__from", "__to"])
                    if not board.is_health:
                        (self.check_influx if board.is_influx else self.check_victoria)(query)

    def check_influx(self, query):
        if query.text.startswith("SHOW MEASUREMENTS"):
            return
        measurements = re.findall(r'FROM "([^"]*)"', query.text)
        self.assertTrue(measurements)
        allowed = set(TAGS) | set(re.findall(r'AS "([^"]*)"', query.text)) | {"sum", "last"}
        for measurement in measurements:
            stem, _, suffix = measurement.partition("_")
            if measurement in FIELDS:
                stem = measurement
                allowed |= TARGET_TAGS
            else:
                self.assertIn(suffix, (*SUFFIXES, "${window}"))
            allowed |= FIELDS[stem] | {measurement}
        self.assertLessEqual(set(re.findall(r'"([^"]*)"', query.text)), allowed)
        if not query.is_variable:
            self.assertRegex(query.text, r"\$timeFilter|time >= \$\{__from\}ms - 370d AND time <= \$\{__to\}ms")
            if "target" in query.board.variables:
                self.assertIn('"target" =~ /^${target:regex}$/', query.text)
                return
            self.assertIn('"facility" =~ /^${facility:regex}$/', query.text)
            self.assertIn('"${level}" =~ /^${group:regex}$/', query.text)
            if "emissions_" in query.text:
                self.assertIn('"scope" =~ /^${scope:regex}$/', query.text, "sums what is outside the scopes")

    def check_victoria(self, query):
        found = re.findall(r"\b(emissions_\$\{window\}|coverage_\$\{window\}|(?:emissions|coverage|energy)_[0-9a-z]+|"
                           r"trajectory_now|trajectory|alerts)_(\w+)\{((?:\$\{level\}|[^}$]|\$(?!\{))*)\}", query.text)
        self.assertTrue(found or query.text.startswith(("metrics(", "label_names(", "label_values(")))
        for measurement, field, labels in found:
            stem, _, suffix = measurement.partition("_")
            if measurement not in FIELDS:
                self.assertIn(suffix, (*SUFFIXES, "${window}"))
            self.assertIn(field, FIELDS[measurement if measurement in FIELDS else stem])
            self.assertIn('db="$db"', labels)
            if query.is_variable:
                continue
            if "target" in query.board.variables:
                self.assertIn('target="$target"', labels)
                continue
            self.assertIn('facility=~"$facility",${level}=~"$group"', labels)
            self.assertEqual(stem == "emissions", 'scope=~"$scope"' in labels, "what is outside the scopes")

    def test_names_of_an_installation(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([FOLDER / "generate.py", "--output", folder, "--levels", "region,division", "--facilities",
                            servers.ROOT / "config/examples/facilities.csv", "--year-start", "4"], check=True,
                           capture_output=True)
            for path in Path(folder).glob("*/*.json"):
                text = path.read_text()
                made = {v["name"]: v for v in json.loads(text)["templating"]["list"]}
                self.assertEqual(json.loads(text)["fiscalYearStartMonth"], 3)
                if "facility" in made:
                    self.assertLessEqual({"region", "division"}, set(made))
                    self.assertNotIn("${level}", text)
                    self.assertRegex(re.sub(r"\s+", " ", text), r'"options": "Name" }, "properties": \[ \{ "id": "mappings"')
                    self.assertIn("Bình Dương Garments\\, plant 2 : binh-duong", made["facility"]["query"])

    def test_provisioning(self):
        for folder, name in (("influxdb", "ghgd"), ("victoriametrics", "ghgd-victoriametrics"),
                             ("prometheus", "ghgd-prometheus")):
            source = (FOLDER / f"provisioning/datasources/{name}.yaml").read_text()
            provider = (FOLDER / f"provisioning/dashboards/{name}.yaml").read_text()
            for text in (source, provider):
                self.assertRegex(text, r"(?m)^apiVersion: 1$")
                self.assertRegex(text, rf"(?m)^  - name: {name}$")
            kind = "influxdb" if folder == "influxdb" else "prometheus"
            self.assertRegex(source, rf"(?m)^    type: {kind}$")
            self.assertRegex(provider, rf"(?m)^      path: /usr/local/share/ghgd/dashboards/{folder}$")
            for board in (board for board in boards() if board.path.parent.name == folder):
                self.assertEqual(board.variables["ds"]["current"]["value"], name)
        source = (FOLDER / "provisioning/datasources/ghgd.yaml").read_text()
        example = (servers.ROOT / "config/examples/ghgd.yaml").read_text()
        database = re.search(r"(?m)^\s+database: (\S+)$", example)[1]
        self.assertRegex(source, rf"(?m)^      dbName: {database}$")


class Alerts(unittest.TestCase):
    def test_parts_name_each_other(self):
        uids, titles = set(), set()
        for source, rule in alert_rules():
            with self.subTest(rule=rule["uid"]):
                self.assertLessEqual(len(rule["uid"]), 40)
                uids.add(rule["uid"])
                titles.add(rule["title"])
                data = {part["refId"]: part for part in rule["data"]}
                self.assertEqual(list(data), ["A", "B", "C"])
                self.assertIn(rule["condition"], data)
                for ref, part in data.items():
                    self.assertEqual(part["model"]["refId"], ref)
                    self.assertEqual(part["model"]["datasource"]["uid"], part["datasourceUid"])
                    self.assertEqual(part["datasourceUid"], source if ref == "A" else "__expr__")
                self.assertEqual([data[ref]["model"]["expression"] for ref in "BC"], ["A", "B"])
                self.assertNotRegex(json.dumps(data).replace("$timeFilter", ""), r"\$[a-z{_]")
                uid, panel = (rule["annotations"][f"__{name}__"] for name in ("dashboardUid", "panelId"))
                board = next(board for board in boards() if board.json["uid"] == uid)
                self.assertIn(int(panel), [panel["id"] for panel in board.panels()])
        self.assertEqual((len(uids), len(titles)), (12, 12))


class Queries(unittest.TestCase):
    """All, several and one facility chosen; each query returns rows, and the totals are right."""

    @classmethod
    def setUpClass(cls):
        influxdb, victoria = servers.influxdb(), servers.victoria_metrics()
        # A fixed minute of the day, so that every run sees the same windows under way.
        cls.now = datetime.fromtimestamp(time.time(), timezone.utc).replace(hour=12, minute=7, second=0, microsecond=0)
        if cls.now.month < 3:  # a year that has hardly begun shows little of a target
            cls.now = cls.now.replace(year=cls.now.year - 1, month=12, day=15)
        cls.grafana = Grafana(cls.now, influxdb, influxdb.database("dashboards"), victoria,
                              servers.unique("dashboards"))
        lines = [*rows(cls.now), *target_rows(cls.now)]
        for i in range(0, len(lines), 5000):
            influxdb.write(cls.grafana.influx_database, "\n".join(lines[i:i + 5000]))
            victoria.write("\n".join(map(as_victoria, lines[i:i + 5000])), cls.grafana.victoria_database)
        victoria.flush()

    def each(self, check, *names, **chosen):
        """check(query) of every query of the dashboards of these names."""
        for board in boards(*names or EMISSIONS):
            for query in board.queries():
                with self.subTest(dashboard=board.name, query=query.where, **chosen):
                    check(query)

    def test_rows_are_like_those_of_the_daemon(self):
        event = {"meter": "m1", "start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:15:00Z", "value": 4}
        with tempfile.TemporaryDirectory() as folder:
            for name, text in test_status.TABLES.items():
                Path(folder, name).write_text(text)
            Path(folder, "ghgd.yaml").write_text(json.dumps(test_status.conf("localhost:9092")))
            done = daemon.ghgd("replay", "-q", "-c", "ghgd.yaml", input=json.dumps(event), cwd=folder)
        self.assertEqual((done.returncode, daemon.without_advice(done.stderr)), (0, ""))
        written = (line.replace(f"{WEIGHTED},", "") for line in rows(self.now))
        theirs, ours = ({shape(line) for line in lines} for lines in (done.stdout.splitlines(), written))
        self.assertEqual(theirs, ours)

    def test_every_query_returns_rows(self):
        for facilities in (None, list(FACILITIES), [PLANT, "bursa"], *([name] for name in FACILITIES)):
            def check(query):
                got = self.grafana.run(query, facility=facilities)
                self.assertTrue(got)
                if not query.is_variable:
                    self.assertTrue({r["facility"] for r in got if r.get("facility")} <= set(FACILITIES))
            self.each(check, facility=facilities)

    def test_every_query_for_each_window_and_scope(self):
        for chosen in ({"window": "15m"}, {"scope": ["1"]}, {"scope": ["1", "2"]}):
            self.each(lambda query: self.assertTrue(self.grafana.run(query, facility=[PLANT], **chosen)), **chosen)

    def test_every_query_for_groups(self):
        for groups, inside in ((["Europe"], {"bursa"}), (list(GROUPS.values()), set(GROUPS)), (None, set(FACILITIES))):
            def check(query):
                got = self.grafana.run(query, level="region", group=groups)
                self.assertTrue(got)
                seen = {r["facility"] for r in got if r.get("facility")}
                self.assertTrue(query.is_variable or not seen or seen == inside, seen)
            self.each(check, group=groups)

    def test_every_query_of_an_installation(self):
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder, "facilities.csv")
            table.write_text('# a comment\nid,name,region\nbursa,"Bursa, dyeing",Europe\n')
            subprocess.run([FOLDER / "generate.py", "--output", folder, "--levels", "region", "--facilities", table],
                           check=True, capture_output=True)
            for board in boards(*EMISSIONS, folder=Path(folder)):
                for query in board.queries():
                    for region in (["Europe"], ["Asia, South"], None):
                        with self.subTest(dashboard=board.name, query=query.where, region=region):
                            got = self.grafana.run(query, region=region)
                            self.assertTrue(got)
                            seen = {row["facility"] for row in got if row.get("facility")}
                            if region and not query.is_variable:
                                self.assertLessEqual(seen, {"bursa"} if region == ["Europe"] else {PLANT})

    def test_nothing_of_other_facilities(self):
        def check(query):
            if not query.is_variable and "count(" not in query.text:
                self.assertEqual(self.grafana.run(query, facility=["Plant No"]), [])
        self.each(check)

    def value_of(self, board, title, **chosen):
        query = next(q for q in board.queries() if q.panel and q.panel["title"] == title)
        got = self.grafana.run(query, **chosen)
        self.assertEqual(len(got), 1)
        return next(v for k, v in got[0].items() if k not in ("_name", "time"))

    def expected_tonnes(self, suffix, facilities, rate):
        spans = [windows(suffix, FACILITIES[name], self.now)[-1] for name in facilities]
        return sum((end - start).total_seconds() for start, end in spans) * rate / 1000

    def test_totals_under_way(self):
        rate = 1.5 + 3.25  # scopes 1 and 2; what lies outside is not in it
        for board in boards("group"):
            for title, suffix in (("Today so far", "1d"), ("This month so far", "1mo"), ("This year so far", "1y")):
                for facilities in (list(FACILITIES), [PLANT], ["bursa", "o'hare"]):
                    with self.subTest(dashboard=board.name, title=title, facilities=facilities):
                        self.assertAlmostEqual(self.value_of(board, title, facility=facilities),
                                               self.expected_tonnes(suffix, facilities, rate), places=6)
            self.assertAlmostEqual(self.value_of(board, "Today so far", facility=[PLANT], scope=["1"]),
                                   self.expected_tonnes("1d", [PLANT], 1.5), places=6)
            self.assertAlmostEqual(self.value_of(board, "Today so far", level="region", group=["Europe"]),
                                   self.expected_tonnes("1d", ["bursa"], rate), places=6)

    def test_shares(self):
        for board in boards("group"):
            self.assertAlmostEqual(self.value_of(board, "Coverage, last two days"), 0.75)
            self.assertAlmostEqual(self.value_of(board, "Estimated share, 31 days"), 0.125)
            self.assertEqual(self.value_of(board, "Provisional days"), len(FACILITIES))
            self.assertEqual(self.value_of(board, "Provisional days", facility=[PLANT]), 1)

    def test_both_kinds_of_database_tell_the_same(self):
        for name, title in (("group", "By source"), ("group", "By facility"), ("facility", "Sources"),
                            ("group", "This month by facility"), ("quality", "By facility"), ("quality", "Coverage"),
                            ("quality", "Held, meter-hours"), ("quality", "Silent meters")):
            found = []
            for board in boards(name):
                got = [row for query in board.queries() if query.panel and query.panel["title"] == title
                       for row in self.grafana.run(query)]
                found.append(sorted(round(v, 6) for row in got for k, v in row.items()
                                    if k != "time" and isinstance(v, (int, float))))
            with self.subTest(title=title):
                self.assertEqual(len(found), 2)
                self.assertEqual(*found)

    def test_windows_stand_where_they_begin(self):
        for title, window in (("CO2e by facility", HOUR), ("Coverage by day", 24 * HOUR)):
            found = []
            for board in boards("group"):
                query = next(q for q in board.queries() if q.panel and q.panel["title"] == title)
                got = self.grafana.run(query, facility=["bursa"])
                shift = FACILITIES["bursa"] if board.is_influx and window != HOUR else timedelta(0)
                begin = (self.now - timedelta(days=6)).timestamp() * 1000
                found.append({row["time"] + shift.total_seconds() * 1000:
                              next(v for k, v in row.items() if k not in ("time", "facility", "_name"))
                              for row in got if row["time"] > begin})
            with self.subTest(title=title):
                self.assertGreater(len(found[0]), 5)
                self.assertEqual(*found)

    def test_cells_of_a_date_stand_together(self):
        for board in boards("quality"):
            query = next(q for q in board.queries() if q.panel and q.panel["title"] == "Coverage, day by day")
            times = {}
            for row in self.grafana.run(query):
                times.setdefault(row["time"], set()).add(row["facility"])
            with self.subTest(dashboard=board.name):
                together = sum(facilities == set(FACILITIES) for facilities in times.values())
                self.assertGreaterEqual(together, 29)
                self.assertLessEqual(len(times), together + 2)
                self.assertEqual(times[max(times)], set(FACILITIES))  # the day under way

    def test_final_and_provisional_make_the_whole(self):
        seen = []
        for query in (query for board in boards(*EMISSIONS) for query in board.queries()):
            condition = r' AND "final" = true' if query.board.is_influx else r" and last_over_time\([^\[]*\[[^\]]*\] " \
                r"offset \S+\) == 1(?=\))"
            if not query.where.endswith(" A") or len(query.panel["targets"]) < 2 or not re.search(condition, query.text):
                continue
            other = query.of("B")
            seen.append(query.where)
            self.assertEqual(query.text.replace("true", "false").replace("== 1)", "== 0)"), other.text)
            whole = query.of("A")
            whole.text = re.sub(condition, "", query.text)
            total = [sum(v for row in self.grafana.run(q) for k, v in row.items() if k in ("sum", "value"))
                     for q in (query, other, whole)]
            self.assertAlmostEqual(total[0] + total[1], total[2], places=3)
            self.assertGreater(min(total), 0)
        self.assertEqual(len(seen), 12)

    def target(self, query_or_board, name):
        """The variable's value; in InfluxQL it stands in a regular expression."""
        board = getattr(query_or_board, "board", query_or_board)
        return [name] if board.is_influx else name

    def test_every_query_of_a_target(self):
        unknown = re.compile(r'"(?:forecast_known|interval_known|used_up)" = true|'
                             r"trajectory\w*_(?:forecast|miss_probability|used_up_day)")
        for name, _ in targets():
            def check(query):
                got = self.grafana.run(query, target=self.target(query, name))
                self.assertEqual(bool(got), not (name == "new" and unknown.search(query.text)))
            self.each(check, "trajectory", target=name)

    def test_no_query_has_rows_of_another_target(self):
        def check(query):
            if not query.is_variable:
                self.assertEqual(self.grafana.run(query, target=self.target(query, "all")), [])
        self.each(check, "trajectory")

    def test_figures_of_a_target(self):
        days = (self.now - self.now.replace(month=1, day=1, hour=0, minute=0)).days
        for board in boards("trajectory"):
            for title, want in (("Alert level", 2), ("Slip", 0.0204), ("Emitted this year", days * 100),
                                ("Over what is due", days * 2), ("Budget of the year", 36000),
                                ("Forecast of the year", 36700), ("Probability of a miss", 0.92)):
                with self.subTest(dashboard=board.name, title=title):
                    got = self.value_of(board, title, target=self.target(board, "t bursa"))
                    self.assertAlmostEqual(got, want, places=6)

    def test_budget_month_by_month(self):
        begin = self.now.replace(month=1, day=1, hour=0, minute=0)
        stamps = (begin + timedelta(days=i, hours=25, minutes=5) for i in range(366))
        days = [begin + timedelta(days=i) for i, stamp in enumerate(stamps) if stamp <= self.now]
        months = [day.month for day in days]
        for board in boards("trajectory"):
            got, rows_of = {}, []
            for query in board.queries():
                if query.panel and query.panel["title"] == "Budget month by month":
                    rows_of.append(self.grafana.run(query, target=self.target(board, "t bursa")))
            if not board.is_influx:  # joined by time, as the transformation merge does
                by_time = [{row["time"]: row["value"] for row in found} for found in rows_of]
                rows_of = [[dict(zip(("Month", "Emitted", "Budget"), (found[at] for found in by_time))) for at in by_time[0]]]
            for row in (row for found in rows_of for row in found):
                month = datetime.fromtimestamp(row["Month"] / 1000, timezone.utc).month
                got[month] = [a + b for a, b in zip(got.get(month, (0, 0)), (row["Emitted"], row["Budget"]))]
            with self.subTest(dashboard=board.name):
                # In VictoriaMetrics the newest day shows at the next 00:00 UTC.
                want = {month: months.count(month) for month in set(months)}
                self.assertEqual(set(got), set(want))
                for month, (emitted, budget) in got.items():
                    self.assertAlmostEqual(emitted, budget * 100 / 98, places=6)
                    lacks = 0 if board.is_influx or month != max(want) else 1
                    self.assertIn(round(emitted / 100, 6), (want[month], want[month] - lacks))

    def test_lines_go_on_to_the_end_of_the_year(self):
        last_day = self.now.replace(month=12, day=31, hour=0, minute=0)
        for board in boards("trajectory"):
            ends = []
            for query in board.queries():
                if query.panel and query.panel["title"] == "Path of the year":
                    got = self.grafana.run(query, target=self.target(board, "t bursa"))
                    ends.append(max(row["time"] for row in got if None not in row.values()))
            with self.subTest(dashboard=board.name):
                self.assertGreater(sum(end >= ms(last_day) for end in ends), 3)
                self.assertTrue(any(end <= ms(self.now) + 86_400_000 for end in ends))

    def fires_for(self, rule):
        """The names of the series for which the condition is true; every query has some."""
        part, _, condition = rule["data"]
        begin, end = (self.now.timestamp() - part["relativeTimeRange"][name] for name in ("from", "to"))
        if "expr" in part["model"]:
            data = self.grafana.get("/api/v1/query", query=part["model"]["expr"], time=end)["result"]
            found = [({**series["metric"], "db": None}, float(series["value"][1])) for series in data
                     if series["metric"].get("db") in (None, self.grafana.victoria_database)]
        else:
            text = part["model"]["query"].replace("$timeFilter", f"time >= {begin:.0f}s AND time <= {end:.0f}s")
            rows_of = self.grafana.influxdb.query(text, self.grafana.influx_database)
            found = [(row, next(v for k, v in row.items() if k != "time" and isinstance(v, (int, float)))) for row in rows_of]
        self.assertTrue(found)
        evaluator = condition["model"]["conditions"][0]["evaluator"]
        low, *high = evaluator["params"]
        judge = {"gt": lambda v: v > low, "lt": lambda v: v < low, "within_range": lambda v: low < v < high[0]}
        return {labels.get("target") or labels.get("facility") for labels, value in found
                if judge[evaluator["type"]](value)}

    def test_alert_rules_fire(self):
        want = {"target-warning": {target for target, _ in targets()}, "coverage": set(FACILITIES)}
        for source, rule in alert_rules():
            with self.subTest(rule=rule["uid"]):
                self.assertEqual(self.fires_for(rule), want.get(rule["uid"].removeprefix(f"{source}-"), set()))

    def test_who_is_off_course(self):
        found = []
        for board in boards("group"):
            table = {}
            for query in board.queries():
                if query.panel and query.panel["title"] == "Who is off course":
                    for row in self.grafana.run(query, level="region", group=["Europe"]):
                        numbers = (v for k, v in row.items() if k != "time" and isinstance(v, (int, float)))
                        table.setdefault(row["target"], []).extend(round(v, 6) for v in numbers)
                        self.assertIn(row["name"], ("Europe", "bursa"))
            found.append(table)
        self.assertEqual(*found)
        self.assertEqual(set(found[0]), {"Europe", "t bursa"})
        self.assertEqual(found[0]["Europe"][-1], ms(self.now - timedelta(days=31)))

    def test_an_alert_that_is_over_has_no_since(self):
        for board in boards("group"):
            query = next(q for q in board.queries() if "started" in q.text)
            got = {row["target"] for row in self.grafana.run(query)}
            self.assertEqual(got, {target for target, _ in targets()} - {"o'ver"})

    def test_variables(self):
        for board in boards("trajectory"):
            with self.subTest(dashboard=board.name):
                self.assertEqual(self.grafana.values("of", board), {"all", "region", "facility"})
                self.assertEqual(self.grafana.values("target", board, of=["region"]), set(GROUPS.values()))
                self.assertEqual(self.grafana.values("target", board), {target for target, _ in targets()})
        for board in boards("group"):
            with self.subTest(dashboard=board.name):
                def values(name, **chosen):
                    return self.grafana.values(name, board, **chosen)
                self.assertEqual(values("facility"), set(FACILITIES))
                self.assertEqual(values("facility", level="region", group=["Europe"]), {"bursa"})
                self.assertEqual(values("scope"), {"1", "2"})
                self.assertEqual(values("window"), {"15m", "1h"})
                self.assertEqual(values("level"), {"facility", "region"})
                self.assertEqual(values("group"), set(FACILITIES))
                self.assertEqual(values("group", level="region"), set(GROUPS.values()))
                if not board.is_influx:
                    self.assertIn(self.grafana.victoria_database, values("db"))


if __name__ == "__main__":
    unittest.main()
