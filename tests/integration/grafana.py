"""Queries of dashboards as Grafana fills them in and sends them.

There is no Grafana here: variables, the time filter and the step are put in as it puts them in, and the
database is asked in the way of its data source.
"""
import json
import re
import urllib.parse
from datetime import timedelta

import servers

FOLDER = servers.ROOT / "dashboards"
HOUR = timedelta(hours=1)
RESOLUTION = 1000  # points of a panel that sets no maximum of its own
MOST = 11000  # points that Prometheus gives; annotations have no other maximum


class Board:
    """A dashboard of one of the two kinds of database."""

    def __init__(self, path):
        self.path = path
        self.name = f"{path.parent.name}/{path.stem}"
        self.json = json.loads(path.read_text())
        self.variables = {v["name"]: v for v in self.json["templating"]["list"]}
        self.is_influx = self.variables["ds"]["query"] == "influxdb"
        self.is_health = "job" in self.variables

    def panels(self):
        for panel in self.json["panels"]:
            yield panel
            yield from panel.get("panels", [])

    def panel(self, title):
        return next(p for p in self.panels() if p["title"] == title)

    def queries(self):
        """Everything that is sent to the database."""
        for panel in self.panels():
            for target in panel.get("targets", []):
                yield Query(self, f"{panel['title']} {target['refId']}", target, panel)
        for variable in self.variables.values():
            if variable["type"] == "query":
                yield Query(self, f"variable {variable['name']}", variable)
        for annotation in self.json["annotations"]["list"]:
            if annotation.get("builtIn") != 1:
                yield Query(self, f"annotation {annotation['name']}", annotation.get("target", annotation))


class Query:
    def __init__(self, board, where, target, panel=None):
        self.board, self.where, self.target, self.panel = board, where, target, panel
        self.text = target.get("query") or target.get("expr")
        self.is_variable = where.startswith("variable ")

    def of(self, ref):
        """Another query of the same panel."""
        target = next(t for t in self.panel["targets"] if t["refId"] == ref)
        return Query(self.board, f"{self.panel['title']} {ref}", target, self.panel)


def boards(*names, folder=FOLDER):
    """Those of the given names, of both kinds of database, or all of them."""
    found = (Board(path) for path in sorted(folder.glob("*/*.json")))
    return [board for board in found if not names or board.path.stem in names]


def span(text):
    number, unit = re.fullmatch(r"(?:now[-+])?(\d+)([hdy])", text).groups()
    return int(number) * {"h": HOUR, "d": 24 * HOUR, "y": 365 * 24 * HOUR}[unit]


def regex(values):
    """${name:regex} of chosen values."""
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def prometheus(values):
    """$name of chosen values in an expression, with the feature prometheusSpecialCharsInLabelValues."""
    escaped = [re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\\\\\\\").replace('"', '\\\\\\"'))
               for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def seconds_of(text):
    number, unit = re.fullmatch(r"(\d+)([smhd])", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


RATE = "10s"  # $__rate_interval: four scrapes of a second, and more


class Grafana:
    """Runs queries of dashboards; `now` is the end of the chosen time. Prometheus is asked as VictoriaMetrics."""

    def __init__(self, now, influxdb=None, influx_database="", victoria=None, victoria_database="ghg"):
        self.now = now
        self.influxdb, self.influx_database = influxdb, influx_database
        self.victoria, self.victoria_database = victoria, victoria_database

    def times(self, query):
        """(from, to) in Unix seconds."""
        time_from = (query.panel or {}).get("timeFrom")
        if time_from:
            return (self.now - span(time_from)).timestamp(), self.now.timestamp()
        chosen = query.board.json["time"]
        if chosen["to"] == "now/fy":  # the whole year, also the part that is ahead
            return tuple(self.now.replace(year=self.now.year + i, month=1, day=1, hour=0, minute=0).timestamp()
                         for i in (0, 1))
        begin = self.now - span(chosen["from"])
        end = self.now + span(chosen["to"]) if "+" in chosen["to"] else self.now
        return begin.timestamp(), end.timestamp()

    def filled(self, query, chosen):
        """The text with everything put in; chosen: {variable: value, or list of values}; else its own."""
        begin, end = self.times(query)
        text = query.text
        escape = regex if query.board.is_influx else prometheus

        def value_of(name):
            variable = query.board.variables[name]
            value = chosen.get(name)
            if value is None:
                value = variable["current"]["value"]
            if value == ["$__all"]:
                return variable["allValue"]
            if name == "db" and name not in chosen:
                return self.victoria_database
            if isinstance(value, list):
                return escape(value)
            return value if query.board.is_influx else value.replace("\\", "\\\\").replace('"', '\\"')

        text = text.replace("$timeFilter", f"time >= {begin * 1000:.0f}ms and time <= {end * 1000:.0f}ms")
        text = text.replace("${__from}", f"{begin * 1000:.0f}").replace("${__to}", f"{end * 1000:.0f}")
        text = text.replace("$__rate_interval", RATE)
        text = text.replace("$__range", f"{end - begin:.0f}s")
        # A step is that of the query, as no panel is to get a longer one.
        return re.sub(r"\$(?:\{(\w+)(?::regex)?\}|(\w+))", lambda m: value_of(m[1] or m[2]), text)

    def run(self, query, **chosen):
        """A list of dictionaries: tags, time in ms, values."""
        text = self.filled(query, chosen)
        if query.board.is_influx:
            return self.influxdb.query(text, self.influx_database)
        if query.is_variable:
            return self.victoria_variable(text)
        return self.victoria_rows(query, text, chosen)

    def get(self, path, **parameters):
        status, text = servers.http(f"{self.victoria.url}{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(text)
        if status != 200 or answer["status"] != "success":
            raise RuntimeError(f"{parameters}: {status} {text}")
        return answer["data"]

    def victoria_variable(self, text):
        function, inside = re.fullmatch(r"(\w+)\((.*)\)", text).groups()
        if function == "label_names":
            found = self.get("/api/v1/labels", **{"match[]": inside})
        elif function == "label_values":
            match, label = inside.rsplit(", ", 1)
            found = self.get(f"/api/v1/label/{label}/values", **{"match[]": match})
        else:
            assert function == "metrics", text
            found = [name for name in self.get("/api/v1/label/__name__/values") if re.search(inside, name)]
        return [{"value": value} for value in found]

    def victoria_rows(self, query, text, chosen):
        begin, end = self.times(query)
        if query.target.get("instant"):
            data = self.get("/api/v1/query", query=text, time=end)
            return [{**series["metric"], "time": int(series["value"][0] * 1000), "value": float(series["value"][1])}
                    for series in data["result"]]
        step = query.target.get("interval") or query.target.get("step") or "15s"
        step = step.replace("${window}", chosen.get("window", "1h"))
        points = query.panel.get("maxDataPoints", RESOLUTION) if query.panel else MOST
        length = max(seconds_of(step), int((end - begin) / points) or 1)
        data = self.get("/api/v1/query_range", query=text, start=begin // length * length, end=end // length * length,
                        step=length)
        return [{**series["metric"], "time": int(at * 1000), "value": float(value)}
                for series in data["result"] for at, value in series["values"]]

    def values(self, name, board, **chosen):
        """The values that a variable offers, after its regex."""
        variable = board.variables[name]
        query = next(q for q in board.queries() if q.where == f"variable {name}")
        pattern = variable["regex"].strip("/")
        found = set()
        for row in self.run(query, **chosen):
            value = next(row[key] for key in ("value", "tagKey", "name") if key in row)
            match = re.search(pattern, value) if pattern else None
            if match or not pattern:
                found.add((match[1] if match.groups() else match[0]) if match else value)
        return found
