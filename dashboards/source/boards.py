"""A dashboard: its variables, links, annotations, and the places of its panels."""
from queries import Filter
from panels import override

INTERVALS = ["30s", "1m", "5m", "15m", "1h"]
ALL = {"selected": True, "text": ["All"], "value": ["$__all"]}


def chosen(value):
    return {"selected": True, "text": value, "value": value}


def variable(kind, name, label, description, query, current, regex="", multi=False, all_value=None, **more):
    made = {"type": kind, "name": name, "label": label, "description": description, "query": query,
            "hide": 0, "skipUrlSync": False, "multi": multi, "includeAll": all_value is not None, "options": [],
            "current": current, **more}
    if kind != "custom":
        made.update(regex=regex, refresh=1 if kind == "datasource" else 2)
    if kind == "query":
        made["sort"] = 1
    if all_value is not None:
        made["allValue"] = all_value
    return made


def data_source(store):
    """Its name is that of the file in provisioning/datasources."""
    return variable("datasource", "ds", "Database", store.label, store.source, chosen(store.provisioned))


class Installation:
    """The tables of an installation, as far as they are known: levels of groups, names of facilities."""

    def __init__(self, levels=(), names=None, year_start=1):
        self.levels, self.names, self.year_start = list(levels), names or {}, year_start

    def rows(self):
        return Filter(self.levels)


class Variables:
    """Those of a dashboard on rows of facilities."""

    def __init__(self, store, installation):
        self.store, self.installation = store, installation

    def query(self, name, label, description, influx, victoria, current=None, **more):
        text = influx if self.store.key == "influx" else victoria
        return variable("query", name, label, description, text, current or ALL, datasource=self.store.at(), **more)

    def several(self, name, label, description, influx, victoria, all_value=".*", **more):
        return self.query(name, label, description, influx, victoria, multi=True, all_value=all_value, **more)

    def database(self):
        made = [data_source(self.store)]
        if self.store.key != "influx":
            made.append(self.query(
                "db", "db", "The label `db`: `database` of the sink. Rows of two are never added up.", None,
                "label_values(coverage_1d_covered_s, db)", chosen("ghg")))
        return made

    def groups(self):
        """The levels of groups, each narrowed by those before it."""
        if not self.installation.levels:
            return [
                self.query("level", "Group level", "What `group` lists: a level of `tables.groups`, or facilities.",
                           'SHOW TAG KEYS FROM "coverage_1d"', "label_names(coverage_1d_covered_s)",
                           chosen("facility"), regex="/^(?!__name__$|db$).*$/"),
                self.several("group", "Group", "Groups of the level; All has facilities without a group, too.",
                             'SHOW TAG VALUES FROM "coverage_1d" WITH KEY = "${level}"',
                             'label_values(coverage_1d_covered_s{db="$db"}, $level)')]
        made, influx, victoria = [], [], ['db="$db"']
        for level in self.installation.levels:
            where = f" WHERE {' AND '.join(influx)}" if influx else ""
            made.append(self.several(
                level, level.capitalize(), f"Groups of the level {level}; All has facilities without one, too.",
                f'SHOW TAG VALUES FROM "coverage_1d" WITH KEY = "{level}"{where}',
                f"label_values(coverage_1d_covered_s{{{','.join(victoria)}}}, {level})"))
            influx.append(f'"{level}" =~ /^${{{level}:regex}}$/')
            victoria.append(f'{level}=~"${level}"')
        return made

    def facility(self):
        names = self.installation.names
        if names:
            def quoted(text):
                return text.replace("\\", "\\\\").replace(",", "\\,")
            listed = ",".join(f"{quoted(name)} : {quoted(key)}" for key, name in sorted(names.items(), key=lambda n: n[1]))
            return variable("custom", "facility", "Facility", "Facilities of the table.", listed, ALL,
                            multi=True, all_value=".*")
        pairs = self.store.rows.pairs
        influx = " AND ".join(f'"{tag}" =~ /^${{{name}:regex}}$/' for tag, name in pairs)
        victoria = ",".join(['db="$db"'] + [f'{tag}=~"${name}"' for tag, name in pairs])
        return self.several("facility", "Facility", "Ids of the facilities table.",
                            f'SHOW TAG VALUES FROM "coverage_1d" WITH KEY = "facility" WHERE {influx}',
                            f"label_values(coverage_1d_covered_s{{{victoria}}}, facility)")

    def scope(self):
        return self.several(
            "scope", "Scope", "GHG Protocol scope. What lies outside the scopes is never part of All.",
            'SHOW TAG VALUES FROM "emissions_1d" WITH KEY = "scope" WHERE "facility" =~ /^${facility:regex}$/',
            'label_values(emissions_1d_co2e_kg{db="$db",facility=~"$facility"}, scope)', "[123]", regex="/^[123]$/")

    def window(self):
        return self.query(
            "window", "Window", "Length of the windows in the live panels.",
            "SHOW MEASUREMENTS WITH MEASUREMENT =~ /^emissions_[0-9]+[smh]$/", "metrics(emissions_[0-9]+[smh]_co2e_kg)",
            chosen("1h"), regex="/^emissions_(.*)$/" if self.store.key == "influx" else "/^emissions_(.*)_co2e_kg$/")


def grafana_annotations():
    return {"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"}


def annotation(store, name, color, influx, victoria):
    """influx: (query, text column, tag columns); victoria: (expression, step, title, text, label keys)."""
    made = {"datasource": store.at(), "enable": True, "hide": False, "iconColor": color, "name": name}
    if store.key == "influx":
        query, text, tags = influx
        return {**made, "target": {
            "refId": "annotationQuery", "fromAnnotations": True, "rawQuery": True, "textEditor": True,
            "resultFormat": "table", "textColumn": text, "tagsColumn": tags,
            "query": query.replace("<facilities>", store.rows.influx(False))}}
    expr, step, title, text, keys = victoria
    return {**made, "expr": expr.replace("<facilities>", store.rows.victoria(False)), "step": step,
            "titleFormat": title, "textFormat": text, "tagKeys": keys, "useValueForTime": False}


def link(store, board, title):
    return {"type": "link", "title": title, "url": f"/d/{store.uid(board)}", "icon": "dashboard", "asDropdown": False,
            "includeVars": True, "keepTime": True, "tags": [], "targetBlank": False, "tooltip": ""}


def placed(panels, store):
    """Panels from left to right; one that does not fit begins a new line."""
    made, x, y, height = [], 0, 0, 0
    for panel in panels:
        width = panel.size[0]
        if x + width > 24:
            x, y, height = 0, y + height, 0
        made.append(panel.json(store, (x, y)))
        x, height = x + width, max(height, panel.size[1])
    return made


def add_names(panels, names):
    """Ids of facilities become names, in legends and in cells."""
    if not names:
        return
    cells = [{"type": "value", "options": {key: {"text": name, "index": i}
                                           for i, (key, name) in enumerate(sorted(names.items()))}}]
    for panel in panels:
        if panel["type"] == "row":
            continue
        overrides = panel["fieldConfig"]["overrides"]
        if panel["type"] == "table":
            overrides.extend(override(name, mappings=cells) for name in ("Facility", "facility", "Name"))
            continue
        for key, name in sorted(names.items()):
            overrides.append(override(key, displayName=name))
            overrides.append(override(f"{key} (provisional)", displayName=f"{name} (provisional)"))


def dashboard(store, board, title, description, panels, variables, annotations, links, installation,
              since="now-7d", until="now", tags=("ghgd", "emissions")):
    made = placed(panels, store)
    add_names(made, installation.names)
    return {
        "uid": store.uid(board), "title": title, "description": description, "tags": list(tags),
        "schemaVersion": 41, "version": 1, "editable": True, "graphTooltip": 1,
        "fiscalYearStartMonth": installation.year_start - 1,
        "liveNow": False, "preload": False, "refresh": "1m", "timezone": "browser", "weekStart": "",
        "time": {"from": since, "to": until}, "timepicker": {"refresh_intervals": INTERVALS},
        "annotations": {"list": [grafana_annotations(), *annotations]}, "templating": {"list": variables},
        "links": links, "panels": made}
