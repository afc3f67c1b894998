"""Questions to the database, each in InfluxQL and in MetricsQL (VictoriaMetrics).

A question knows no panel. query.influx() and query.victoria() return what a target of Grafana's data
source holds of it. Facilities, groups and scopes are always those of the dashboard's variables.

VictoriaMetrics keeps a row's version in the milliseconds behind the start of its window. So the rows
of windows that begin in (T, T + length] are read at T, with a negative offset. A local day stands at
T = 00:00 UTC of its date: it begins 13 h before that at the earliest, and 11 h after it at the latest.
"""
import re

DAY_OFFSET = "offset -11h"
TIME = "$timeFilter"
KG_PER_T = 1000


class Filter:
    """Which rows the variables of the dashboard choose."""

    def __init__(self, levels=()):
        # One variable for each level of groups, or `level` and `group` where the levels are not known.
        self.pairs = [(level, level) for level in levels] or [("${level}", "group")]

    def influx(self, scoped):
        parts = ['"facility" =~ /^${facility:regex}$/']
        parts += [f'"{tag}" =~ /^${{{name}:regex}}$/' for tag, name in self.pairs]
        if scoped:
            parts.append('"scope" =~ /^${scope:regex}$/')
        return " AND ".join(parts)

    def victoria(self, scoped):
        parts = ['db="$db"', 'facility=~"$facility"'] + [f'{tag}=~"${name}"' for tag, name in self.pairs]
        if scoped:
            parts.append('scope=~"$scope"')
        return "{" + ",".join(parts) + "}"


def by_time(window):
    """GROUP BY time(): facilities' days and months begin at any quarter of an hour."""
    return "${window}" if window == "${window}" else "15m"


class Rows:
    """The common part of all questions about rows of windows."""

    def __init__(self, measurement, window, by=(), scale=1):
        self.measurement, self.window, self.by, self.scale = measurement, window, tuple(by), scale
        self.scoped = measurement == "emissions"

    def where(self, rows, more=""):
        return f'FROM "{self.measurement}_{self.window}" WHERE {TIME} AND {rows.influx(self.scoped)}{more}'

    def series(self, rows, field):
        return f"{self.measurement}_{self.window}_{field}{rows.victoria(self.scoped)}"

    def last(self, rows, field):
        """The newest version of each row of a window, at the beginning of that."""
        length = self.step()
        offset = DAY_OFFSET if length == "1d" else f"offset -{length}"
        return f"last_over_time({self.series(rows, field)}[{length}] {offset})"

    def step(self):
        """Months and years begin with a day, so that a look at each day finds them."""
        return self.window if self.window in ("1h", "${window}") else "1d"

    def divided(self, text):
        return text if self.scale == 1 else f"{text} / {self.scale}"

    def tags(self, prefix=", "):
        return prefix + ", ".join(f'"{tag}"' for tag in self.by) if self.by else ""

    def sum_by(self):
        return f"sum by ({', '.join(self.by)})" if self.by else "sum"

    def legend(self, alias, sign):
        for tag in self.by:
            alias = alias.replace(f"<{tag}>", f"$tag_{tag}" if sign == "$" else f"{{{{{tag}}}}}")
        return alias


class Windows(Rows):
    """Sums of a field, or of several by name, window by window."""

    def __init__(self, measurement, fields, window="${window}", by=(), scale=1, alias="", final=None):
        super().__init__(measurement, window, by, scale)
        self.fields = {"": fields} if isinstance(fields, str) else fields
        self.alias, self.final = alias, final

    def influx(self, rows):
        more = "" if self.final is None else f' AND "final" = {str(self.final).lower()}'
        sums = ", ".join(self.divided(f'sum("{field}")') + (f' AS "{name}"' if name else "")
                         for name, field in self.fields.items())
        return [{"query": f"SELECT {sums} {self.where(rows, more)} "
                          f"GROUP BY time({by_time(self.window)}){self.tags()} fill(none)",
                 "alias": self.legend(self.alias, "$")}]

    def victoria(self, rows):
        more = "" if self.final is None else f" and {self.last(rows, 'final')} == {int(self.final)}"
        return [{"expr": self.divided(f"{self.sum_by()} ({self.last(rows, field)}{more})"),
                 "legendFormat": self.legend(self.alias.replace("$col", name), "{"), "step": self.step()}
                for name, field in self.fields.items()]


class Values(Rows):
    """Fields of rows of facilities, as they are: one row a facility and window."""

    def __init__(self, measurement, fields, window, alias):
        super().__init__(measurement, window, ("facility",))
        self.fields = {"": fields} if isinstance(fields, str) else fields
        self.alias = alias

    def influx(self, rows):
        fields = ", ".join(f'"{field}"' + (f' AS "{name}"' if name else "") for name, field in self.fields.items())
        return [{"query": f'SELECT {fields} {self.where(rows)} GROUP BY "facility"',
                 "alias": self.legend(self.alias, "$")}]

    def victoria(self, rows):
        return [{"expr": f"max by (facility) ({self.last(rows, field)})",
                 "legendFormat": self.legend(self.alias.replace("$col", name), "{"), "step": self.step()}
                for name, field in self.fields.items()]


class Cells(Values):
    """One value a facility and date, at one time for all facilities: 13 h before 00:00 UTC of the date in InfluxQL."""

    def __init__(self, measurement, field, alias="<facility>"):
        super().__init__(measurement, field, "1d", alias)

    def influx(self, rows):
        [field] = self.fields.values()
        return [{"query": f'SELECT last("{field}") {self.where(rows)} GROUP BY time(1d, 11h), "facility" fill(none)',
                 "alias": self.legend(self.alias, "$")}]


class Ratio(Rows):
    """One sum by another, window by window."""

    def __init__(self, measurement, part, whole, window, by, alias):
        super().__init__(measurement, window, by)
        self.part, self.whole, self.alias = part, whole, alias

    def influx(self, rows):
        return [{"query": f'SELECT sum("{self.part}") / sum("{self.whole}") {self.where(rows)} '
                          f"GROUP BY time({by_time(self.window)}){self.tags()} fill(none)",
                 "alias": self.legend(self.alias, "$")}]

    def victoria(self, rows):
        part, whole = (f"{self.sum_by()} ({self.last(rows, field)})" for field in (self.part, self.whole))
        return [{"expr": f"{part} / {whole}", "legendFormat": self.legend(self.alias, "{"), "step": self.step()}]


class Total(Rows):
    """Sums over the chosen time; the ratio of two if there is a whole."""

    def __init__(self, measurement, field, window="1d", by=(), scale=1, alias="", whole=None, name=None):
        super().__init__(measurement, window, by, scale)
        self.field, self.whole, self.alias, self.name = field, whole, alias, name

    def select(self):
        text = f'sum("{self.field}")' + (f' / sum("{self.whole}")' if self.whole else "")
        return self.divided(text) + (f' AS "{self.name}"' if self.name else "")

    def influx(self, rows):
        return [{"query": f"SELECT {self.select()} {self.where(rows)}{self.tags(' GROUP BY ')}",
                 "alias": self.legend(self.alias, "$")}]

    def over_range(self, rows, field):
        return f"{self.sum_by()} (sum_over_time({self.last(rows, field)}[$__range:{self.step()}]))"

    def victoria(self, rows):
        text = self.over_range(rows, self.field)
        if self.whole:
            text += f" / {self.over_range(rows, self.whole)}"
        return [{"expr": self.divided(text), "legendFormat": self.legend(self.alias, "{"), "instant": True}]


class Newest(Rows):
    """Sums over the newest window of each facility, which is the one under way."""

    def __init__(self, field, window, by=(), scale=1, name=None, whole=None):
        super().__init__("emissions", window, by, scale)
        self.field, self.name, self.whole = field, name, whole

    def influx(self, rows):
        sums = f'sum("{self.field}")' if self.whole is None else \
            f'sum("{self.field}") AS "part", sum("{self.whole}") AS "all"'
        inner = f'SELECT {sums} {self.where(rows)} GROUP BY time(15m), "facility" fill(none)'
        if self.whole:
            return [{"query": f'SELECT last("part") / last("all") AS "{self.name}" FROM ({inner}) '
                              f'GROUP BY "facility"', "alias": ""}]
        by_facility = f'SELECT last("sum") FROM ({inner}) GROUP BY "facility"'
        if self.by:
            last = self.divided('last("sum")')
            return [{"query": by_facility.replace('last("sum")', f'{last} AS "{self.name}"'), "alias": ""}]
        total = self.divided('sum("last")')
        return [{"query": f"SELECT {total} FROM ({by_facility})", "alias": ""}]

    def newest(self, rows, field):
        """A source that is silent has an older window, which does not count."""
        at = f"floor(tlast_over_time({self.series(rows, field)}[$__range]) / 900)"
        return (f"{self.sum_by()} (last_over_time({self.series(rows, field)}[$__range]) "
                f"and ({at} == on (facility) group_left () max by (facility) ({at})))")

    def victoria(self, rows):
        text = self.newest(rows, self.field)
        if self.whole:
            text += f" / {self.newest(rows, self.whole)}"
        return [{"expr": self.divided(text), "legendFormat": "", "instant": True}]


class Raw:
    """A question of no other kind: the targets of both, as they are."""

    def __init__(self, influx, victoria):
        self.texts = influx, victoria

    def filled(self, targets, text):
        """<facilities> becomes the choice of facilities; <facilities+labels> has further labels."""
        def put(match):
            return text(False) if match[1] is None else f"{text(False)[:-1]},{match[1]}}}"
        return [{key: re.sub(r"<facilities(?:\+([^>]*))?>", put, value) if isinstance(value, str) else value
                 for key, value in target.items()} for target in ([targets] if isinstance(targets, dict) else targets)]

    def influx(self, rows):
        return self.filled(self.texts[0], rows.influx)

    def victoria(self, rows):
        return self.filled(self.texts[1], rows and rows.victoria)
