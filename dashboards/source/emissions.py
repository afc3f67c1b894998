"""The dashboards of emissions: a group, and one facility."""
from boards import Variables, annotation, dashboard, link
from panels import (COVERED, FINAL_MAPPING, FINAL_NUMBER_MAPPING, GREY, KILOS, PROVISIONAL, TONNES, BarGauge,
                    Row, Series, Stat, Table, Timeline, fixed, override, thresholds)
from queries import DAY_OFFSET, KG_PER_T, TIME, Newest, Ratio, Raw, Total, Values, Windows
from targets import alert_annotation, course_panels


def day_values(field):
    """The field of each facility's day, in MetricsQL."""
    return f"max by (facility) (last_over_time(coverage_1d_{field}<facilities>[1d] {DAY_OFFSET}))"


def revised_annotation(store):
    return annotation(
        store, "Revised days", "orange",
        (f'SELECT "facility", "revision" FROM "coverage_1d" WHERE {TIME} AND <facilities> AND "revision" > 0',
         "revision", "facility"),
        (f"{day_values('revision')} > 0", "1d", "Revised day", "{{facility}}", "facility"))


class FinalTimeline(Timeline):
    def __init__(self, number, size):
        super().__init__(
            number, "Final or provisional",
            "Grey windows are provisional: the watermark has not passed their end and grace yet, and their figures may "
            "still grow. A change to a green one is a revision.", size,
            Raw({"query": f'SELECT last("final") FROM "coverage_${{window}}" WHERE {TIME} AND <facilities> '
                          'GROUP BY time(${window}), "facility" fill(none)', "alias": "$tag_facility"},
                {"expr": "min by (facility) (last_over_time(coverage_${window}_final<facilities>[${window}] "
                         "offset -${window}))", "legendFormat": "{{facility}}", "step": "${window}"}))

    def field_defaults(self, store):
        made = super().field_defaults(store)
        return {**made, "mappings": [FINAL_MAPPING if store.key == "influx" else FINAL_NUMBER_MAPPING]}


class RevisedTable(Table):
    """In InfluxQL one query brings all columns."""

    def __init__(self, number, size):
        def column(field):
            return Raw({"query": ""}, {"expr": f"{day_values(field)} and {day_values('revision')} > 0", "step": "1d"})
        super().__init__(
            number, "Revised days",
            "Days that changed after they had been final, by a late reading, a correction or a new factor.", size,
            [(name, column(name)) for name in ("revision", "coverage", "final")], {"facility": "facility"}, "Time",
            ranged=True, time_from="400d",
            influx=[Raw({"query": f'SELECT "facility", "revision", "coverage", "final" FROM "coverage_1d" WHERE {TIME} '
                                  'AND <facilities> AND "revision" > 0'}, {"expr": ""})],
            overrides=[override("coverage", unit="percentunit", decimals=1)])

    def field_defaults(self, store):
        made = super().field_defaults(store)
        return {**made, "mappings": [FINAL_MAPPING] if store.key == "influx" else []}

    def field_overrides(self, store):
        made = super().field_overrides(store)
        return made if store.key == "influx" else [*made, override("final", mappings=[FINAL_NUMBER_MAPPING])]


def now_row():
    return [
        Row(1, "Now"),
        Stat(2, "Today so far",
             "CO2e of the day that is under way, each facility in its own time zone. Electricity is location-based.",
             (4, 4), Newest("co2e_kg", "1d", scale=KG_PER_T), TONNES, "25h", color=fixed("blue"), decimals=2),
        Stat(3, "This month so far", "CO2e of the month that is under way, in facility time.", (4, 4),
             Newest("co2e_kg", "1mo", scale=KG_PER_T), TONNES, "32d", color=fixed("blue"), decimals=1),
        Stat(4, "This year so far", "CO2e of the (fiscal) year that is under way, in facility time.", (4, 4),
             Newest("co2e_kg", "1y", scale=KG_PER_T), TONNES, "367d", color=fixed("blue"), decimals=0),
        Stat(5, "Coverage, last two days", "Share of the expected meter time that readings cover. What is missing is "
             "not counted as zero: it is not known.", (4, 4), Total("coverage", "covered_s", "1h", whole="expected_s"),
             "percentunit", "2d", color={"mode": "thresholds"}, steps=COVERED, decimals=1, min=0, max=1),
        Stat(6, "Estimated share, 31 days", "Share of CO2e that rests on estimated readings.", (4, 4),
             Total("emissions", "co2e_estimated_kg", whole="co2e_kg"), "percentunit", "31d",
             color={"mode": "thresholds"}, steps=[("green", None), ("orange", 0.1), ("red", 0.3)], decimals=1, min=0),
        Stat(7, "Provisional days", "Facility days of the last 31 that are not final yet: readings may still arrive and "
             "change them.", (4, 4),
             Raw({"query": f'SELECT count("revision") FROM "coverage_1d" WHERE {TIME} AND <facilities> AND '
                           '"final" = false'},
                 {"expr": f"sum(sum_over_time((last_over_time(coverage_1d_final<facilities>[1d] {DAY_OFFSET}) == "
                          "bool 0)[$__range:1d]))", "instant": True}),
             "none", "31d", color=fixed(GREY), decimals=0)]


def parts(window, tag, scale, alias):
    """Final and provisional windows, as two queries."""
    return [Windows("emissions", "co2e_kg", window, (tag,), scale, alias + tail, final)
            for final, tail in ((True, ""), (False, " (provisional)"))]


def bars(number, title, description, size, queries, unit, **more):
    return Series(number, title, description, size, queries, unit, bars=True, overrides=[PROVISIONAL], min=0, **more)


def coverage_by_day(number, size):
    return Series(number, "Coverage by day", "Share of the expected meter time of each facility's day that readings "
                  "cover.", size, Values("coverage", "coverage", "1d", "<facility>"), "percentunit", points=True,
                  min=0, max=1)


def total_bars(number, title, tag, description):
    return BarGauge(number, title, description, (12, 8),
                    Total("emissions", "co2e_kg", by=(tag,), scale=KG_PER_T, alias=f"<{tag}>"), TONNES, decimals=2,
                    min=0)


def group_panels(store):
    to_facility = [{"title": "Open facility", "targetBlank": False,
                    "url": f"/d/{store.uid('facility')}?var-facility=${{__value.text:percentencode}}&${{ds:queryparam}}"}]
    month_coverage = Raw(
        {"query": f'SELECT last("coverage") AS "Coverage" FROM "coverage_1mo" WHERE {TIME} AND <facilities> '
                  'GROUP BY "facility"'},
        {"expr": "max by (facility) (last_over_time(coverage_1mo_coverage<facilities>[$__range]))"})
    return [
        *course_panels(store, 23),
        *now_row(),
        Row(8, "Live"),
        bars(9, "CO2e by scope", "Mass per window. Dashed grey is provisional: windows that may still grow.", (12, 9),
             parts("${window}", "scope", 1, "Scope <scope>"), KILOS),
        Series(10, "CO2e by facility", "Mass per window, final and provisional together.", (12, 9),
               Windows("emissions", "co2e_kg", by=("facility",), alias="<facility>"), KILOS),
        total_bars(11, "By source", "source", "CO2e of the chosen time, whole days of facility time, by source."),
        total_bars(12, "By facility", "facility", "CO2e of the chosen time, whole days of facility time, by facility."),
        Row(13, "Days and months in facility time"),
        bars(14, "CO2e by day", "Each bar begins at midnight of its facility, so facilities in other time zones stand a "
             "little apart. Dashed grey is provisional." if store.key == "influx" else
             "Each bar stands at 00:00 UTC of its date. Dashed grey is provisional.", (12, 9),
             parts("1d", "facility", KG_PER_T, "<facility>"), TONNES, time_from="31d", stacked=False),
        bars(15, "CO2e by month", "Months of each facility's own time zone; the one under way is provisional and dashed "
             "grey.", (12, 9), parts("1mo", "facility", KG_PER_T, "<facility>"), TONNES, time_from="400d", stacked=False),
        Table(16, "This month by facility", "The month under way in facility time: CO2e so far, how much of the "
              "expected meter time is covered, and which share is estimated.", (24, 8),
              [("CO2e", Newest("co2e_kg", "1mo", ("facility",), KG_PER_T, "CO2e")), ("Coverage", month_coverage),
               ("Estimated", Newest("co2e_estimated_kg", "1mo", ("facility",), name="Estimated", whole="co2e_kg"))],
              {"facility": "Facility"}, "CO2e", time_from="32d",
              overrides=[override("CO2e", unit=TONNES, decimals=2),
                         override("Coverage", unit="percentunit", decimals=1, thresholds=thresholds(COVERED),
                                  custom__cellOptions={"type": "color-text"}, color={"mode": "thresholds"}),
                         override("Estimated", unit="percentunit", decimals=1),
                         override("Facility", links=to_facility)]),
        Row(17, "Data quality"),
        FinalTimeline(18, (12, 8)),
        coverage_by_day(19, (12, 8)),
        RevisedTable(20, (24, 7))]


SOURCE_TAGS = {"scope": "Scope", "category": "Category", "source": "Source", "unit": "Unit"}
SOURCE_COLUMNS = {"Activity": "activity", "CO2e": "co2e_kg", "CO2": "co2_kg", "CH4": "ch4_kg", "N2O": "n2o_kg",
                  "CO2e unsplit": "co2e_unsplit_kg", "Biogenic CO2": "biogenic_co2_kg"}
FLOWS = {"import": "import_kwh", "generation": "generation_kwh", "export": "export_kwh", "own use": "own_use_kwh",
         "consumption": "consumption_kwh"}


def sources_table():
    sums = ", ".join(f'sum("{field}") AS "{name}"' for name, field in SOURCE_COLUMNS.items())
    where = Total("emissions", "co2e_kg").where
    one = type("Sources", (), {"influx": staticmethod(lambda rows: [{"query": (
        f'SELECT {sums} {where(rows)} GROUP BY {", ".join(chr(34) + tag + chr(34) for tag in SOURCE_TAGS)}')}])})
    return Table(
        16, "Sources", "Activity and masses of the chosen time, whole days of facility time. CO2e of factors that do "
        "not tell the gases apart stands in its own column and in no gas; biogenic CO2 lies outside the scopes and in no "
        "total.", (24, 8),
        [(name, Total("emissions", field, by=SOURCE_TAGS)) for name, field in SOURCE_COLUMNS.items()],
        SOURCE_TAGS, "CO2e", unit="suffix:kg", decimals=3, influx=[one],
        overrides=[override("Activity", unit="none"), override("Scope", unit="none", decimals=0),
                   override("CO2e", unit=KILOS)])


def facility_panels(store):
    meters = {"reporting": "meters_reporting", "expected": "meters_expected"}
    return [
        *course_panels(store, 23),
        *now_row(),
        Row(8, "Live"),
        bars(9, "CO2e by source", "Mass per window. Dashed grey is provisional: windows that may still grow.", (12, 9),
             parts("${window}", "source", 1, "<source>"), KILOS),
        Series(10, "Activity by source", "Energy, fuel or material per window, in the unit of the source.", (12, 9),
               Windows("emissions", "activity", by=("source", "unit"), alias="<source> in <unit>")),
        Series(11, "CO2e by scope", "Mass per window, final and provisional together.", (12, 8),
               Windows("emissions", "co2e_kg", by=("scope",), alias="Scope <scope>"), KILOS, bars=True, min=0),
        Series(12, "Meters that report", "Meters that have a reading in the window, beside those that should report.",
               (12, 8), Windows("coverage", meters, alias="$col"), decimals=0, min=0),
        Row(13, "Days and months in facility time"),
        bars(14, "CO2e by day", "A bar begins at midnight of the facility. Dashed grey is provisional.", (12, 9),
             parts("1d", "source", KG_PER_T, "<source>"), TONNES, time_from="31d"),
        bars(15, "CO2e by month", "Months of the facility's own time zone; the one under way is provisional and dashed "
             "grey.", (12, 9), parts("1mo", "source", KG_PER_T, "<source>"), TONNES, time_from="400d"),
        sources_table(),
        Series(22, "Electricity by day", "Bought, generated, given into the grid, and used: consumption is import + "
               "generation - export. What is not known is a gap.", (24, 8),
               Values("energy", FLOWS, "1d", "<facility>: $col"), "suffix:kWh"),
        Row(17, "Data quality"),
        FinalTimeline(18, (12, 8)),
        coverage_by_day(19, (12, 8)),
        Series(20, "Estimated share by day", "Share of the day's CO2e that rests on estimated readings.", (12, 7),
               Ratio("emissions", "co2e_estimated_kg", "co2e_kg", "1d", ("facility",), "<facility>"), "percentunit",
               time_from="31d", points=True, min=0),
        RevisedTable(21, (12, 7))]


def make(store, installation, others):
    variables = Variables(store, installation)
    listed = [*variables.database(), *variables.groups(), variables.facility(), variables.scope(), variables.window()]

    def board(key, title, description, panels, since):
        return dashboard(store, key, title, description, panels, listed,
                         [alert_annotation(store, True), revised_annotation(store)],
                         [link(store, name, text) for name, text in others.items() if name != key],
                         installation, since)
    return {
        "group": board(
            "group", "Emissions: group", "CO2e of a group of facilities as ghgd knows it now: live windows, days and "
            "months in facility time, coverage, and what is still provisional.", group_panels(store), "now-7d"),
        "facility": board(
            "facility", "Emissions: facility", "One facility, or a few: sources, activity, gases, days and months in "
            "facility time, coverage, and what is still provisional. Set the time zone of the dashboard to the "
            "facility's, so that days begin at midnight on the axis.", facility_panels(store), "now-2d")}
