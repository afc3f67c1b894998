"""The dashboard of one target's trajectory, and what other dashboards show of targets."""
from boards import Variables, annotation, chosen, dashboard, link
from panels import (LEVEL_COLORS, LEVEL_MAPPING, LEVELS, TONNES, BarChart, Row, Series, Stat, Table, Timeline, fixed,
                    override, thresholds)
from queries import KG_PER_T, TIME, Raw

YEAR = "367d"  # reaches the row of the running target year
TARGET = '"target" =~ /^${target:regex}$/'
VICTORIA_TARGET = 'db="$db",target="$target"'
SLIPS = [("green", None), ("yellow", 0.005), ("orange", 0.02), ("red", 0.05)]
DATE = "time:YYYY-MM-DD"
LINES = {"Emitted": "ytd_kg", "Due": "due_kg"}
FORECASTS = {"Forecast": "forecast_kg", "From": "forecast_low_kg", "To": "forecast_high_kg"}
KNOWN = {"forecast_kg": "forecast_known", "forecast_ratio_kg": "forecast_known", "forecast_low_kg": "interval_known",
         "forecast_high_kg": "interval_known", "miss_probability": "interval_known", "used_up_day": "used_up"}


def divided(text, scale):
    return text if scale == 1 else f"{text} / {scale}"


def by_day(fields, scale=KG_PER_T):
    """Fields of the closed days of a target, by name."""
    listed = ", ".join(f'{divided(f"{chr(34)}{field}{chr(34)}", scale)} AS "{name}"' for name, field in fields.items())
    return Raw({"query": f'SELECT {listed} FROM "trajectory" WHERE {TIME} AND {TARGET} AND "stage" = \'day\'',
                "alias": "$col"},
               [{"expr": divided(f'max(last_over_time(trajectory_{field}{{{VICTORIA_TARGET},stage="day"}}[1d]))', scale),
                 "legendFormat": name, "step": "1d"} for name, field in fields.items()])


def is_known(field, series="trajectory_now", labels="{" + VICTORIA_TARGET + "}", length="$__range"):
    """A field that became null may stand in the store: another one tells."""
    if field not in KNOWN:
        return "", ""
    return (f' AND "{KNOWN[field]}" = true',
            f" and last_over_time({series}_{KNOWN[field]}{labels}[{length}]) == 1")


def now(field, scale=1):
    """A figure of the running target year, as it is now."""
    influx, victoria = is_known(field)
    value = divided(f'last("{field}")', scale)
    series = f"last_over_time(trajectory_now_{field}{{{VICTORIA_TARGET}}}[$__range])"
    return Raw({"query": f'SELECT {value} FROM "trajectory_now" WHERE {TIME} AND {TARGET}{influx}'},
               {"expr": divided(f"max({series}{victoria})", scale), "instant": True})


def ahead(name, field):
    """The same as a line through the year, and beyond today. The row stands at the beginning of the year of the target's
    facilities, which may be before the chosen time."""
    influx, victoria = is_known(field, length="370d")
    value = divided(f'last("{field}")', KG_PER_T)
    series = f"last_over_time(trajectory_now_{field}{{{VICTORIA_TARGET}}}[370d])"
    return Raw({"query": f'SELECT {value} AS "{name}" FROM "trajectory_now" WHERE time >= ${{__from}}ms - 370d AND '
                         f"time <= ${{__to}}ms AND {TARGET}{influx} GROUP BY time(1d) fill(previous)", "alias": name},
               {"expr": divided(f"max({series}{victoria})", KG_PER_T), "legendFormat": name, "step": "1d"})


def of_all(field, scale=1, name=None):
    """A figure of each chosen target's running year."""
    influx, victoria = is_known(field, labels="<facilities>")
    value = divided(f'last("{field}")', scale)
    series = f"last_over_time(trajectory_now_{field}<facilities>[$__range])"
    return Raw({"query": f'SELECT {value} AS "{name}" FROM "trajectory_now" WHERE {TIME} AND <facilities>{influx} '
                         'GROUP BY "target", "level", "name", "scopes"'},
               {"expr": divided(f"max by (target, level, name, scopes) ({series}{victoria})", scale)})


def since():
    """The instant at which the alert that stands began: of the newest change of each target."""
    series = "last_over_time(alerts_{}<facilities>[$__range])"
    at = "tlast_over_time(alerts_to_level<facilities>[$__range])"
    return Raw({"query": 'SELECT "started" AS "Since" FROM (SELECT last("to_level") AS "to_level", "started" FROM '
                         f'"alerts" WHERE {TIME} AND <facilities> GROUP BY "target", "level", "name", "scopes") '
                         'WHERE "to_level" > 0 GROUP BY "target", "level", "name", "scopes"'},
               {"expr": f"max by (target, level, name, scopes) ({series.format('started')} and "
                        f"({series.format('to_level')} > 0) and "
                        f"({at} == on (target) group_left () max by (target) ({at})))"})


WIDTHS = {"Of": 75, "Scopes": 70, "Alert": 80, "Slip": 80, "Over": 100, "Emitted": 110, "Budget": 110, "Forecast": 110,
          "P of a miss": 95, "Coverage": 85, "Since": 100}
TABLE_TAGS = {"target": "Target", "level": "Of", "name": "Name", "scopes": "Scopes"}
LEVEL_CELL = {"mappings": [LEVEL_MAPPING], "custom__cellOptions": {"type": "color-background", "mode": "basic"},
              "color": {"mode": "thresholds"},
              "thresholds": thresholds([("green", None), ("yellow", 1), ("orange", 2), ("red", 3)])}


def course_panels(store, first):
    """Rows of a dashboard of facilities: the targets on which they are, or that they belong to."""
    columns = [("Alert", "alert_level", 1), ("Slip", "slip", 1), ("Over", "over_kg", KG_PER_T),
               ("Emitted", "ytd_kg", KG_PER_T), ("Budget", "budget_kg", KG_PER_T),
               ("Forecast", "forecast_kg", KG_PER_T), ("P of a miss", "miss_probability", 1), ("Coverage", "coverage", 1)]
    to_target = [{"title": "Open target", "targetBlank": False,
                  "url": f"/d/{store.uid('trajectory')}?var-target=${{__value.text:percentencode}}&${{ds:queryparam}}"}]
    return [
        Row(first, "On course or not"),
        Table(first + 1, "Who is off course",
              "Targets that are about a chosen facility or group, and those of the whole: the alert level of each, how "
              "far it is above the budget that is due, and since when an alert stands. Empty: no alert, or the "
              "figure is not known.", (24, 8),
              [*((name, of_all(field, scale, name)) for name, field, scale in columns), ("Since", since())],
              TABLE_TAGS, "Slip", time_from=YEAR,
              overrides=[override("Alert", **LEVEL_CELL), override("Slip", unit="percentunit", decimals=2),
                         *(override(name, unit=TONNES, decimals=0) for name in ("Over", "Emitted", "Budget", "Forecast")),
                         override("P of a miss", decimals=3), override("Coverage", unit="percentunit", decimals=1),
                         override("Since", unit=DATE), override("Target", links=to_target),
                         *(override(name, custom__width=width) for name, width in WIDTHS.items())]),
        Timeline(first + 2, "Alert level by target", "The level after each closed day.", (24, 6),
                 Raw({"query": f'SELECT "alert_level" FROM "trajectory" WHERE {TIME} AND <facilities> AND '
                               '"stage" = \'day\' GROUP BY "target"', "alias": "$tag_target"},
                     {"expr": "max by (target) (last_over_time(trajectory_alert_level<facilities+stage=\"day\">[1d]))",
                      "legendFormat": "{{target}}", "step": "1d"}),
                 time_from="400d", mappings=[LEVEL_MAPPING])]


def alert_annotation(store, facilities=False):
    """Each change of level, as a mark on the axis."""
    where, labels = ("<facilities>", "<facilities>") if facilities else (TARGET, "{" + VICTORIA_TARGET + "}")
    value = f"last_over_time(alerts_to_level{labels}[1h])"
    named = " or ".join(f'label_set({value} == {i}, "to", "{name}")' for i, name in enumerate(LEVELS))
    return annotation(
        store, "Alerts", "red",
        ('SELECT "target", "event", "from_name", "to_name", "id" FROM "alerts" WHERE '
         f"{TIME} AND {where}", "to_name", "target,event,id"),
        (named, "1h", "{{target}}: {{to}}", "{{target}} is {{to}}", "target,to"))


def month_steps(store, names, aggregation):
    """Rows of days become one a month: Grafana sums the columns, or keeps the last day."""
    made = {"aggregations": [aggregation], "operation": "aggregate"}
    merge = {"id": "merge", "options": {}}
    first = [merge] if store.key == "influx" else [merge, {"id": "organize", "options": {
        "excludeByName": {"Time": True}, "indexByName": {},
        "renameByName": {f"Value #{chr(ord('A') + i)}": name for i, name in enumerate(["Month", *names])}}}]
    return [*first,
            {"id": "formatTime", "options": {"timeField": "Month", "outputFormat": "YYYY-MM", "timezone": "utc",
                                             "useTimezone": True}},
            {"id": "groupBy", "options": {"fields": {
                "Month": {"aggregations": [], "operation": "groupby"}, **{name: made for name in names}}}},
            {"id": "organize", "options": {"excludeByName": {}, "indexByName": {}, "renameByName": {
                f"{name} ({aggregation})": name for name in names}}}]


def day_value(field, length="1d", offset=""):
    return f'max(last_over_time(trajectory_{field}{{{VICTORIA_TARGET},stage="day"}}[{length}]{offset}))'


class MonthBars(BarChart):
    """Sums of days. A day is the difference of two rows; the year's first day is its own row."""

    FIELDS = {"Emitted": "ytd_kg", "Budget": "due_kg"}

    def targets(self, store):
        where = (f'FROM "trajectory" WHERE {TIME} AND {TARGET} AND "stage" = \'day\' AND '
                 '"day" >= ${__from} - 43200000')
        rest = ", ".join(f'difference("{field}") / {KG_PER_T} AS "{name}"' for name, field in self.FIELDS.items())
        first = ", ".join(f'"{field}" / {KG_PER_T} AS "{name}"' for name, field in self.FIELDS.items())
        influx = [{"query": f'SELECT moving_average("day", 2) + 43200000 AS "Month", {rest} {where}'},
                  {"query": f'SELECT "day" AS "Month", {first} {where} AND "share" < 0.02 ORDER BY time LIMIT 1'}]

        def own(field):
            same_year = f"{day_value('due_kg')} >= {day_value('due_kg', '2d', ' offset 1d')}"
            before = day_value(field, "2d", " offset 1d")
            return f"((({day_value(field)} - {before}) if ({same_year})) default {day_value(field)}) / {KG_PER_T}"
        victoria = [{"expr": day_value("day"), "step": "1d"},
                    *({"expr": own(field), "step": "1d"} for field in self.FIELDS.values())]
        return store.targets(Raw(influx, victoria), True, True)

    def transformations(self, store):
        return month_steps(store, list(self.FIELDS), "sum")


class MonthTable(Table):
    """The last closed day of each month."""

    COLUMNS = {"Emitted": ("ytd_kg", KG_PER_T), "Due": ("due_kg", KG_PER_T), "Slip": ("slip", 1),
               "Forecast": ("forecast_kg", KG_PER_T), "P of a miss": ("miss_probability", 1),
               "Coverage": ("coverage", 1), "Alert": ("alert_level", 1)}

    def targets(self, store):
        columns = [("Month", "day", 1), *((name, *more) for name, more in self.COLUMNS.items())]
        listed = ", ".join(f'{divided(f"{chr(34)}{field}{chr(34)}", scale)} AS "{name}"' for name, field, scale in columns)
        return store.targets(Raw(
            {"query": f'SELECT {listed} FROM "trajectory" WHERE {TIME} AND {TARGET} AND "stage" = \'day\''},
            [{"expr": divided(day_value(field), scale), "step": "1d"} for _, field, scale in columns]), True, True)

    def transformations(self, store):
        return month_steps(store, list(self.COLUMNS), "lastNotNull")


class AlertTable(Table):
    """VictoriaMetrics keeps no texts: there are numbers of the alerts alone."""

    NUMBERS = {"Number": ("number", 1), "From": ("from_level", 1), "To": ("to_level", 1), "Slip": ("slip", 1),
               "Over": ("over_kg", KG_PER_T), "Forecast": ("forecast_kg", KG_PER_T),
               "P of a miss": ("miss_probability", 1), "Coverage": ("coverage", 1)}
    TEXTS = {"Id": "id", "Change": "event", "Most by": "source_1", "then by": "source_2", "and by": "source_3"}

    def __init__(self, number, size):
        where = f'FROM "alerts" WHERE {TIME} AND {TARGET}'
        fields = [*((name, *more) for name, more in self.NUMBERS.items()), *((n, f, 1) for n, f in self.TEXTS.items())]
        listed = ", ".join(f'{divided(f"{chr(34)}{field}{chr(34)}", scale)} AS "{name}"' for name, field, scale in fields)

        def column(field, scale):
            return Raw({"query": ""}, {"expr": divided(
                f"max by (target) (last_over_time(alerts_{field}{{{VICTORIA_TARGET}}}[1h]))", scale), "step": "1h"})
        super().__init__(
            number, "Alerts", "Each change of the level: from which to which, how far off, and what the year was expected "
            "to be. InfluxDB also has the id and the sources (of a group: facilities) that emitted most.", size,
            [(name, column(*more)) for name, more in self.NUMBERS.items()], {"target": "Target"}, "Time", ranged=True,
            time_from="400d", influx=[Raw({"query": f"SELECT {listed} {where}"}, {"expr": ""})],
            overrides=[override("From", **LEVEL_CELL), override("To", **LEVEL_CELL),
                       override("Slip", unit="percentunit", decimals=2), override("Over", unit=TONNES, decimals=0),
                       override("Forecast", unit=TONNES, decimals=0), override("P of a miss", decimals=3),
                       override("Coverage", unit="percentunit", decimals=1)])

    def transformations(self, store):
        return [] if store.key == "influx" else super().transformations(store)


def figure(number, title, description, field, unit="none", scale=1, decimals=None, steps=None, mappings=(), **more):
    if decimals is not None:
        more["decimals"] = decimals
    color = {"mode": "thresholds"} if steps or mappings else fixed("blue")
    return Stat(number, title, description, (4, 4), now(field, scale), unit, YEAR, color=color,
                steps=steps or [("green", None)], mappings=mappings, **more)


def tonnes(number, title, description, field, **more):
    return figure(number, title, description, field, TONNES, KG_PER_T, 0, **more)


def share(number, title, description, field, decimals, **more):
    return figure(number, title, description, field, "percentunit", 1, decimals, **more)


BAND = [override("Due", custom__lineWidth=2, color=fixed("green")),
        override("Emitted", custom__lineWidth=2, color=fixed("blue")),
        override("Budget", color=fixed("red"), custom__lineStyle={"fill": "dash", "dash": [10, 10]}),
        override("Forecast", color=fixed("purple"), custom__lineStyle={"fill": "dash", "dash": [4, 6]}),
        override("To", color=fixed("purple"), custom__lineWidth=0, custom__fillBelowTo="From", custom__fillOpacity=15),
        override("From", color=fixed("purple"), custom__lineWidth=0)]


def panels():
    level_steps = list(zip(LEVEL_COLORS, (None, 1, 2, 3)))
    return [
        Row(1, "Now"),
        figure(2, "Alert level", "The level after the last closed day.", "alert_level", mappings=[LEVEL_MAPPING],
               steps=level_steps),
        share(3, "Slip", "Year to date beyond the budget that is due by now; below 0: on course.", "slip", 2, steps=SLIPS),
        tonnes(4, "Over what is due", "Year to date less what is due; below 0: under budget.", "over_kg",
               steps=[("green", None), ("red", 0.001)]),
        tonnes(5, "Emitted this year", "Since the target year began.", "ytd_kg"),
        tonnes(6, "Budget of the year", "What the target allows in its year.", "budget_kg"),
        tonnes(7, "Forecast of the year", "The model's year end. It is not known before a tenth of the budget is due.",
               "forecast_kg"),
        figure(8, "Probability of a miss", "That the year ends above its budget. It needs two years of history.",
               "miss_probability", decimals=3, steps=[("green", None), ("orange", 0.5), ("red", 0.9)]),
        figure(9, "Budget is used up on", "The date on which the year's budget is gone. Empty: it lasts.",
               "used_up_day", DATE),
        share(10, "Needed cut a year", "To the end point of the target, as a part of the year last closed.",
              "needed_to_end", 2),
        share(11, "Needed, cumulative", "The yearly cut that keeps the budget of all years up to the target.",
              "needed_cumulative", 2),
        share(12, "Way to the target", "From base to target, by the year last closed; below 0: emissions rose.",
              "achieved", 1),
        share(13, "Coverage", "Covered by expected time of the year to date. Levels need 80 %.", "coverage", 1,
              steps=[("red", None), ("green", 0.8)], min=0, max=1),
        Row(14, "The year"),
        Series(15, "Path of the year",
               "Emitted since the year began, what is due by each day, the year's budget, and the year end that is expected "
               "now, with its interval.", (24, 11),
               [by_day(LINES), ahead("Budget", "budget_kg"), *(ahead(name, field) for name, field in FORECASTS.items())],
               TONNES, overrides=BAND, min=0, decimals=0, span=True, steps_after=False),
        Series(16, "Year end as each day expected it", "The forecast of each closed day, with its interval, beside the "
               "budget.", (12, 9), [by_day({**FORECASTS, "Budget": "budget_kg"})], TONNES, overrides=BAND, decimals=0,
               span=True, steps_after=False),
        Series(17, "Slip by day", "Year to date beyond the budget that was due, after each closed day.", (12, 9),
               by_day({"Slip": "slip"}, 1), "percentunit", color={"mode": "thresholds"}, steps=SLIPS, span=True,
               steps_after=False, lines="line"),
        Row(18, "Month by month"),
        MonthBars(19, "Budget month by month", "What was emitted in each month, and what of the year's budget was due in it; "
                  "of the month under way its closed days. The chosen time is to begin with the target's year.", (12, 9),
                  [], TONNES, decimals=0, min=0,
                  overrides=[override("Emitted", color=fixed("blue")), override("Budget", color=fixed("green"))]),
        MonthTable(20, "To the end of each month", "The last closed day of each month, as it was judged.", (12, 9), [], {},
                   "Month", ranged=True,
                   overrides=[*(override(name, unit=TONNES, decimals=0) for name in ("Emitted", "Due", "Forecast")),
                              override("Slip", unit="percentunit", decimals=2), override("P of a miss", decimals=3),
                              override("Coverage", unit="percentunit", decimals=1), override("Alert", **LEVEL_CELL)]),
        Row(21, "Alerts"),
        AlertTable(22, (24, 8))]


def target_variables(store, installation):
    variables = Variables(store, installation)
    return [*variables.database(),
            variables.several("of", "Targets of", "`all`, `facility`, or a level of groups: narrows the list of targets.",
                              'SHOW TAG VALUES FROM "trajectory" WITH KEY = "level"',
                              'label_values(trajectory_ytd_kg{db="$db"}, level)'),
            variables.query("target", "Target", "Ids of the targets table.",
                            'SHOW TAG VALUES FROM "trajectory" WITH KEY = "target" WHERE "level" =~ /^${of:regex}$/',
                            'label_values(trajectory_ytd_kg{db="$db",level=~"$of"}, target)', chosen(""))]


def make(store, installation, others):
    return {"trajectory": dashboard(
        store, "trajectory", "Emissions: trajectory",
        "One target: year to date against its budget, where the year will end, month by month, and alerts.",
        panels(), target_variables(store, installation), [alert_annotation(store)],
        [link(store, name, text) for name, text in others.items() if name != "trajectory"], installation, "now/fy", "now/fy")}
