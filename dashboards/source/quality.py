"""The dashboard of data quality: coverage, held and estimated time, conflicts, late changes."""
from boards import Variables, dashboard, link
from emissions import FinalTimeline, RevisedTable, day_values, revised_annotation
from panels import COVERED, Heatmap, Row, Series, Stat, Table, fixed, override, thresholds
from queries import TIME, Cells, Raw, Total, Windows

HOUR = 3600
DOUBTS = [("green", None), ("orange", 0.0001)]  # anything above 0


def total(field, scale=1):
    return Total("coverage", field, scale=scale)


def stat(number, title, description, query, unit="none", steps=None, **more):
    return Stat(number, title, description, (4, 4), query, unit, color={"mode": "thresholds"},
                steps=steps or DOUBTS, **more)


def each_day(number, title, description, field, scale=1, unit="none", size=(12, 8)):
    return Series(number, title, description, size,
                  Windows("coverage", field, "1d", ("facility",), scale, "<facility>"), unit, bars=True, min=0)


def silent_meters():
    """Meters that should report and do not, in each facility's newest hour that is final."""
    hour = "last_over_time(coverage_1h_{}<facilities>[1h] offset -1h)"
    final = f"{hour.format('final')} == 1"
    expected, reporting = (f"sum(last_over_time(({hour.format(field)} and {final})[$__range:1h]))"
                           for field in ("meters_expected", "meters_reporting"))
    return Raw({"query": 'SELECT sum("expected") - sum("reporting") FROM (SELECT last("meters_expected") AS "expected", '
                         f'last("meters_reporting") AS "reporting" FROM "coverage_1h" WHERE {TIME} AND <facilities> AND '
                         '"final" = true GROUP BY "facility")'},
               {"expr": f"{expected} - {reporting}", "instant": True})


def revised_by_day():
    return Raw({"query": f'SELECT count("revision") FROM "coverage_1d" WHERE {TIME} AND <facilities> AND "revision" > 0 '
                         "GROUP BY time(1d) fill(none)", "alias": "days that changed"},
               {"expr": f"count({day_values('revision')} > 0)", "legendFormat": "days that changed", "step": "1d"})


def weighted(number, size):
    return Heatmap(
        number, "Coverage by emissions, day by day", "The share of the last closed month's emissions whose meters cover the "
        "day: a main meter that is silent weighs more than a small one.", size,
        Cells("coverage", "coverage_weighted"), unit="percentunit", min=0, max=1)


TABLE = {"Coverage": ("covered_s", "expected_s", 1), "Estimated, h": ("estimated_s", None, HOUR),
         "Held, h": ("held_s", None, HOUR), "Moved, h": ("moved_s", None, HOUR), "Spread, h": ("spread_s", None, HOUR),
         "Conflicts": ("conflicts", None, 1), "Glitches": ("glitches", None, 1)}


def facilities_table(store):
    columns = [(name, Total("coverage", field, "1d", ("facility",), scale, whole=whole, name=name))
               for name, (field, whole, scale) in TABLE.items()]
    to_facility = [{"title": "Open facility", "targetBlank": False,
                    "url": f"/d/{store.uid('facility')}?var-facility=${{__value.text:percentencode}}&${{ds:queryparam}}"}]
    return Table(
        15, "By facility", "The chosen time, whole days of facility time: how much of the expected meter time is "
        "covered, and meter-hours that are estimated, held, moved and spread.", (24, 9), columns, {"facility": "Facility"},
        "Held, h",
        decimals=1,
        overrides=[override("Coverage", unit="percentunit", thresholds=thresholds(COVERED), color={"mode": "thresholds"},
                            custom__cellOptions={"type": "color-text"}),
                   *(override(name, decimals=0) for name in ("Conflicts", "Glitches")),
                   override("Facility", links=to_facility)])


def panels(store):
    return [
        Row(1, "The chosen time"),
        stat(2, "Coverage", "Share of the expected meter time that readings cover, of whole days.",
             Total("coverage", "covered_s", whole="expected_s"), "percentunit", COVERED, decimals=1, min=0, max=1),
        stat(3, "Silent meters", "Meters without a reading in the newest final hour of their facility, of those that "
             "should report.",
             silent_meters(), time_from="6h", decimals=0),
        stat(4, "Held, meter-hours", "Readings contradict each other: nothing is booked until later ones, or a person, "
             "decide.", total("held_s", HOUR), decimals=1),
        stat(5, "Estimated, meter-hours", "Time that estimated readings cover.", total("estimated_s", HOUR), decimals=1),
        stat(6, "Conflicts", "Readings for which another value of the same rank was sent too.", total("conflicts"),
             decimals=0),
        stat(7, "Glitches", "Readings that are left aside, as those around them prove them wrong.", total("glitches"),
             decimals=0),
        Row(8, "Coverage"),
        Heatmap(9, "Coverage, day by day", "One line a facility, one cell a day: share of the expected meter time that "
                "readings cover. Red: nothing is known.", (24, 10), Cells("coverage", "coverage"),
                unit="percentunit", min=0, max=1),
        weighted(10, (24, 10)),
        Row(11, "Doubts"),
        each_day(12, "Held by day, meter-hours", "Registers that broke off, documents that contradict each other, stocks "
                 "below zero.", "held_s", HOUR),
        each_day(13, "Conflicts by day", "Two senders, or a sender that changed a value without a higher revision.",
                 "conflicts"),
        Row(14, "Facilities"),
        facilities_table(store),
        Row(16, "Late and revised"),
        Series(17, "Final days that changed", "By the date of the day, not that of the change.", (12, 8), revised_by_day(),
               bars=True, decimals=0, min=0, color=fixed("orange")),
        each_day(18, "Moved by day, meter-hours", "Time of closed days whose amount is booked in a later window, as it "
                 "came too late.", "moved_s", HOUR),
        each_day(19, "Estimated by day, meter-hours", "Time that estimated readings cover.", "estimated_s", HOUR),
        each_day(20, "Glitches by day", "Readings that are left aside.", "glitches"),
        FinalTimeline(21, (24, 8)),
        RevisedTable(22, (24, 8))]


def make(store, installation, others):
    variables = Variables(store, installation)
    listed = [*variables.database(), *variables.groups(), variables.facility(), variables.window()]
    return {"quality": dashboard(
        store, "quality", "Emissions: data quality",
        "What the figures rest on: coverage, and time that is held, estimated, moved or in conflict.",
        panels(store), listed, [revised_annotation(store)],
        [link(store, name, text) for name, text in others.items() if name != "quality"], installation, "now-31d")}
