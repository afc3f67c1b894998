"""Alert rules of Grafana on the rows, as a provisioning file for each kind of database.

An alert rule knows no variable of a dashboard: its query is about everything, one series a target or
facility. A is the query, B its last value, C the threshold.
"""
import json

HOUR, DAY = 3600, 86400
YEAR = 367 * DAY
TARGET_TAGS = '"target", "level", "name"'


def threshold(kind, *params):
    return {"evaluator": {"type": kind, "params": list(params)}}


class Rule:
    """influx and victoria: the queries; `past` is (from, to) in seconds before now."""

    def __init__(self, uid, title, influx, victoria, past, condition, severity, summary, description, wait="0s",
                 no_data="OK", board="group", panel=24):
        self.uid, self.title, self.influx, self.victoria = uid, title, influx, victoria
        self.past, self.condition, self.severity, self.wait, self.no_data = past, condition, severity, wait, no_data
        self.annotations = {"summary": summary, "description": description}
        self.board, self.panel = board, panel

    def query(self, store):
        source = {"type": store.source, "uid": store.provisioned}
        model = {"refId": "A", "datasource": source, "intervalMs": 60000, "maxDataPoints": 43200}
        if store.key == "influx":
            model.update(rawQuery=True, query=self.influx, resultFormat="time_series")
        else:
            model.update(editorMode="code", expr=self.victoria, instant=True, range=False)
        begin, end = self.past
        return {"refId": "A", "datasourceUid": store.provisioned, "relativeTimeRange": {"from": begin, "to": end},
                "model": model}

    @staticmethod
    def expression(ref, kind, of, **more):
        return {"refId": ref, "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0},
                "model": {"refId": ref, "type": kind, "expression": of,
                          "datasource": {"type": "__expr__", "uid": "__expr__"}, **more}}

    def made(self, store):
        title = self.title if store.key == "influx" else f"{self.title} (VictoriaMetrics)"
        return {"uid": f"{store.provisioned}-{self.uid}", "title": title, "condition": "C",
                "data": [self.query(store), self.expression("B", "reduce", "A", reducer="last"),
                         self.expression("C", "threshold", "B", conditions=[self.condition])],
                "noDataState": self.no_data, "execErrState": "Error", "for": self.wait, "isPaused": False,
                "labels": {"severity": self.severity},
                "annotations": {**self.annotations, "__dashboardUid__": store.uid(self.board),
                                "__panelId__": str(self.panel)}}


def off_course(level, condition, severity, what):
    return Rule(
        f"target-{level}", f"Target off course: {level}",
        f'SELECT last("alert_level") FROM "trajectory_now" WHERE $timeFilter GROUP BY {TARGET_TAGS}',
        f"max by (db, target, level, name) (last_over_time(trajectory_now_alert_level[{YEAR // DAY}d]))",
        (YEAR, 0), condition, severity, f"{{{{ $labels.target }}}} ({{{{ $labels.name }}}}): {level}", what)


def hours(field):
    """The sum over 24 hours, by facility; the query is asked for two hours ago, when all readings are there."""
    return f"sum by (db, facility) (sum_over_time(last_over_time(coverage_1h_{field}[1h] offset -1h)[24h:1h]))"


def days(field):
    return f"sum by (db, facility) (sum_over_time(last_over_time(coverage_1d_{field}[1d] offset -11h)[7d:1d]))"


RULES = {
    "targets": [
        off_course("watch", threshold("within_range", 0.5, 1.5), "info",
                   "The year to date is above the budget that is due, or the year is expected to end above it."),
        off_course("warning", threshold("within_range", 1.5, 2.5), "warning",
                   "Three closed days in a row were 2 % or more above the budget that was due."),
        off_course("critical", threshold("gt", 2.5), "critical",
                   "Three closed days in a row were 5 % or more above the budget that was due, or the probability of a miss "
                   "was 0.9 or more.")],
    "data": [
        Rule("coverage", "Coverage below 80 %",
             'SELECT sum("covered_s") / sum("expected_s") FROM "coverage_1h" WHERE $timeFilter GROUP BY "facility"',
             f"{hours('covered_s')} / {hours('expected_s')}", (26 * HOUR, 2 * HOUR), threshold("lt", 0.8), "warning",
             "{{ $labels.facility }}: readings cover {{ $values.B.Value | humanizePercentage }} of a day",
             "Of the meter time that was expected in 24 hours. Emissions of the rest are not known.", "1h",
             board="quality", panel=9),
        Rule("held", "Readings contradict each other",
             'SELECT sum("held_s") FROM "coverage_1d" WHERE $timeFilter GROUP BY "facility"', days("held_s"),
             (7 * DAY, 0), threshold("gt", 0), "warning",
             "{{ $labels.facility }}: {{ $values.B.Value | humanizeDuration }} of meter time are held",
             "Nothing is booked for that time until later readings, or a decision (ghgd decide).", "1h",
             board="quality", panel=12),
        Rule("silence", "No rows arrive", 'SELECT count("revision") FROM "coverage_1h" WHERE $timeFilter',
             "count(last_over_time(coverage_1h_revision[3h]))", (3 * HOUR, 0), threshold("lt", 1), "critical",
             "ghgd has written no row of the last three hours",
             "The daemon stands still, or readings are late. Its own metrics tell which.", "15m", "Alerting",
             board="quality", panel=3)],
}


def scalar(value):
    """JSON's texts, numbers and flags are YAML's."""
    return json.dumps(value, ensure_ascii=False)


def yaml(value, indent=0):
    """Lines of a value of dictionaries and lists, in YAML."""
    space = "  " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                yield f"{space}{key}:"
                yield from yaml(item, indent + 1)
            else:
                yield f"{space}{key}: {scalar(item)}"
        return
    for item in value:
        if isinstance(item, (dict, list)):
            lines = list(yaml(item, indent + 1))
            yield f"{space}- {lines[0].strip()}"
            yield from lines[1:]
        else:
            yield f"{space}- {scalar(item)}"


def make(store):
    """The text of a provisioning file."""
    groups = [{"orgId": 1, "name": f"{store.provisioned} {name}", "folder": "Emissions", "interval": "5m",
               "rules": [rule.made(store) for rule in rules]} for name, rules in RULES.items()]
    head = [f"# Grafana alert rules on the rows of ghgd, for the data source {store.provisioned}. Written by "
            "generate.py.", "# Copy to /etc/grafana/provisioning/alerting/. ghgd judges targets itself: these rules only pass "
            "on the level."]
    return "\n".join([*head, *yaml({"apiVersion": 1, "groups": groups})]) + "\n"
