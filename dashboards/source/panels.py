"""Panels, variables and dashboards as Grafana's JSON has them, for one kind of database."""

GREY = "#9e9e9e"
TONNES, KILOS = "suffix:t CO2e", "suffix:kg CO2e"
PLAIN = [("green", None)]
COVERED = [("red", None), ("orange", 0.9), ("green", 0.98)]
LEVELS = ["ok", "watch", "warning", "critical"]
LEVEL_COLORS = ["green", "yellow", "orange", "red"]
POINTS_MAX = 11000  # more than any range of time has steps, so that Grafana takes no longer ones


class Store:
    """A kind of database: the type of its data source, and how targets of queries look there."""

    def __init__(self, key, source, provisioned, label, rows):
        self.key, self.source, self.provisioned, self.label, self.rows = key, source, provisioned, label, rows

    def at(self):
        return {"type": self.source, "uid": "${ds}"}

    def uid(self, board):
        return f"ghgd-{self.key}-{board}" if self.key == "victoria" else f"ghgd-{board}"

    def targets(self, query, table=False, ranged=False):
        """Targets without their refId."""
        made = getattr(query, "influx" if self.key == "influx" else "victoria")(self.rows)
        return [self.influx_target(t, table) if self.key == "influx" else self.prom_target(t, table, ranged)
                for t in made]

    def influx_target(self, made, table):
        target = {"datasource": self.at(), "rawQuery": True, "query": made["query"],
                  "resultFormat": "table" if table else "time_series"}
        if made.get("alias"):
            target["alias"] = made["alias"]
        return target

    def prom_target(self, made, table, ranged):
        instant = bool(made.get("instant") or table) and not ranged
        target = {"datasource": self.at(), "editorMode": "code", "expr": made["expr"], "instant": instant,
                  "range": not instant, "format": "table" if table else "time_series",
                  "legendFormat": made.get("legendFormat") or "__auto"}
        if made.get("step") and not instant:
            target["interval"] = made["step"]
        return target


def thresholds(steps):
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in steps]}


def fixed(color):
    return {"mode": "fixed", "fixedColor": color}


def override(name, **properties):
    """Properties of a field by its name, or by an expression in slashes; `__` stands for a dot."""
    kind = "byRegexp" if name.startswith("/") else "byName"
    return {"matcher": {"id": kind, "options": name},
            "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]}


def mapped(texts):
    """A mapping of values: {value: (text, color)}."""
    return {"type": "value", "options": {
        value: {"text": text, "color": color, "index": i} for i, (value, (text, color)) in enumerate(texts.items())}}


LEVEL_MAPPING = mapped({str(i): (LEVELS[i], LEVEL_COLORS[i]) for i in range(4)})
FINAL_MAPPING = mapped({"true": ("final", "green"), "false": ("provisional", GREY)})
FINAL_NUMBER_MAPPING = mapped({"1": ("final", "green"), "0": ("provisional", GREY)})
PROVISIONAL = override("/provisional/", color=fixed(GREY), custom__fillOpacity=20,
                       custom__lineStyle={"fill": "dash", "dash": [4, 4]})


class Panel:
    """One panel. `size` is (width, height); the dashboard finds its place."""

    kind = None

    def __init__(self, number, title, description, size, queries, unit="none", time_from=None, overrides=(),
                 mappings=(), color=None, steps=PLAIN, **defaults):
        self.number, self.title, self.description, self.size = number, title, description, size
        self.queries = queries if isinstance(queries, (list, tuple)) else [queries]
        self.unit, self.time_from, self.overrides, self.mappings = unit, time_from, overrides, mappings
        self.color = color or {"mode": "palette-classic"}
        self.steps, self.defaults = steps, defaults

    def custom(self):
        return None

    def options(self):
        raise NotImplementedError

    def targets(self, store):
        return [t for query in self.queries for t in store.targets(query)]

    def transformations(self, store):
        return []

    def field_defaults(self, store):
        defaults = {"unit": self.unit, "color": self.color, "mappings": list(self.mappings),
                    "thresholds": thresholds(self.steps), **self.defaults}
        if self.custom() is not None:
            defaults["custom"] = self.custom()
        return defaults

    def field_overrides(self, store):
        return list(self.overrides)

    def json(self, store, place):
        width, height = self.size
        targets = [{"refId": chr(ord("A") + i), **t} for i, t in enumerate(self.targets(store))]
        panel = {"type": self.kind, "id": self.number, "title": self.title, "description": self.description,
                 "datasource": store.at(), "gridPos": {"h": height, "w": width, "x": place[0], "y": place[1]},
                 "fieldConfig": {"defaults": self.field_defaults(store), "overrides": self.field_overrides(store)},
                 "options": self.options(), "targets": targets}
        if any("interval" in t for t in targets):
            panel["maxDataPoints"] = POINTS_MAX
        if self.transformations(store):
            panel["transformations"] = self.transformations(store)
        if self.time_from:
            panel["timeFrom"] = self.time_from
            if self.kind == "stat":
                panel["hideTimeOverride"] = True
        return panel


class Row:
    """A heading."""

    size = (24, 1)

    def __init__(self, number, title):
        self.number, self.title = number, title

    def json(self, _, place):
        return {"type": "row", "id": self.number, "title": self.title, "collapsed": False,
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": place[1]}, "panels": []}


def reduced():
    return {"calcs": ["lastNotNull"], "fields": "", "values": False}


class Stat(Panel):
    kind = "stat"

    def options(self):
        return {"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
                "percentChangeColorMode": "standard", "reduceOptions": reduced(), "showPercentChange": False,
                "textMode": "auto", "wideLayout": True}


class BarGauge(Panel):
    kind = "bargauge"

    def options(self):
        return {"displayMode": "basic", "legend": {"calcs": [], "displayMode": "list", "placement": "bottom",
                                                   "showLegend": False},
                "maxVizHeight": 300, "minVizHeight": 16, "minVizWidth": 8, "namePlacement": "auto",
                "orientation": "horizontal", "reduceOptions": reduced(), "showUnfilled": True, "sizing": "auto",
                "valueMode": "color"}


class Series(Panel):
    """Lines by default; `bars`, or `points` where each value is to be seen."""

    kind = "timeseries"

    def __init__(self, *args, bars=False, points=False, steps_after=True, span=False, stacked=None, lines="off", **more):
        super().__init__(*args, **more)
        self.bars, self.points, self.steps_after, self.span = bars, points, steps_after, span
        self.lines = lines  # of thresholds
        self.stacked = bars if stacked is None else stacked  # bars side by side let each other shine through

    def custom(self):
        common = {"stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
                  "axisPlacement": "auto", "thresholdsStyle": {"mode": self.lines}}
        if self.bars:
            return {"drawStyle": "bars", "fillOpacity": 80 if self.stacked else 60, "lineWidth": 1, "barAlignment": 1,
                    "barWidthFactor": 0.8, "showPoints": "never", **common}
        return {"drawStyle": "line",
                "lineInterpolation": "stepAfter" if self.steps_after and not self.points else "linear",
                "lineWidth": 1, "fillOpacity": 0, "showPoints": "always" if self.points else "never",
                "spanNulls": self.span, **common}

    def options(self):
        return {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "desc"}}


class Timeline(Panel):
    """One line a facility, coloured by state."""

    kind = "state-timeline"

    def __init__(self, *args, text="never", merge=True, **more):
        super().__init__(*args, color={"mode": "thresholds"}, **more)
        self.text, self.merge = text, merge

    def custom(self):
        return {"fillOpacity": 70, "lineWidth": 0}

    def options(self):
        return {"alignValue": "left", "mergeValues": self.merge, "rowHeight": 0.9, "showValue": self.text,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                "tooltip": {"mode": "single", "sort": "none"}}


class BarChart(Panel):
    """Bars side by side; the first text of a row is below them."""

    kind = "barchart"

    def custom(self):
        return {"fillOpacity": 70, "lineWidth": 1, "axisPlacement": "auto", "thresholdsStyle": {"mode": "off"}}

    def options(self):
        return {"barWidth": 0.9, "groupWidth": 0.7, "fullHighlight": False, "orientation": "auto", "showValue": "never",
                "stacking": "none", "xTickLabelMaxLength": 0, "xTickLabelRotation": 0, "xTickLabelSpacing": 0,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "none"}}


class Heatmap(Panel):
    """One line a facility, one cell a window: a status history, coloured by value."""

    kind = "status-history"

    def __init__(self, *args, **more):
        super().__init__(*args, color={"mode": "continuous-RdYlGr"}, **more)

    def custom(self):
        return {"fillOpacity": 80, "lineWidth": 1}

    def options(self):
        return {"colWidth": 0.95, "rowHeight": 0.9, "showValue": "never",
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
                "tooltip": {"mode": "single", "sort": "none"}}


class Table(Panel):
    """Rows of tags, and a column for each query of `columns`: (name, query) pairs. In InfluxQL a query
    may bring several columns, which name themselves there; in PromQL each is a query of its own."""

    kind = "table"

    def __init__(self, number, title, description, size, columns, tags, sort, ranged=False, influx=None, **more):
        super().__init__(number, title, description, size, [query for _, query in columns], **more)
        self.names, self.tags, self.sort, self.ranged = [name for name, _ in columns], tags, sort, ranged
        self.influx_queries = influx  # in place of the columns' own

    def custom(self):
        return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}

    def options(self):
        return {"cellHeight": "sm", "frameIndex": 0, "showHeader": True,
                "sortBy": [{"displayName": self.sort, "desc": True}]}

    def targets(self, store):
        queries = self.influx_queries if store.key == "influx" and self.influx_queries else self.queries
        return [t for query in queries for t in store.targets(query, True, self.ranged)]

    def transformations(self, store):
        def organize(rename):
            hidden = {} if self.ranged else {"Time": True}
            return {"id": "organize", "options": {"excludeByName": hidden, "indexByName": {}, "renameByName": rename}}

        merge = {"id": "merge", "options": {}}
        tags = {tag: name for tag, name in self.tags.items() if tag != name}
        if store.key == "influx":
            single = len(self.influx_queries or self.queries) == 1
            steps = [organize(tags)] if tags or not self.ranged else []
            return steps if single else [*steps, merge]
        if len(self.names) == 1:
            return [organize({**tags, "Value": self.names[0]})]
        values = {f"Value #{chr(ord('A') + i)}": name for i, name in enumerate(self.names)}
        return [merge, organize({**tags, **values})]
