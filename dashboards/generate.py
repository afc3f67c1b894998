#!/usr/bin/python3
"""generate.py - writes the dashboards, from one description of their panels, for each kind of database.

  generate.py                      writes influxdb/*.json, victoriametrics/*.json and prometheus/*.json beside this file
  generate.py --check              writes nothing; fails if a file differs
  generate.py --output DIR --levels region,division --facilities facilities.csv
                                   dashboards of an installation: a variable for each level of its
                                   groups (`tables.groups`), and the names of its facilities
"""
import argparse
import csv
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE / "source"))
import alerting  # noqa: E402
import boards  # noqa: E402
import emissions  # noqa: E402
import health  # noqa: E402
import quality  # noqa: E402
import targets  # noqa: E402
from panels import Store  # noqa: E402

#         folder, type of the data source, its name in provisioning/datasources, what it is
STORES = {"influx": ("influxdb", "influxdb", "ghgd", "The InfluxDB that ghgd writes to."),
          "victoria": ("victoriametrics", "prometheus", "ghgd-victoriametrics",
                       "The VictoriaMetrics that ghgd writes to.")}
HEALTH = ("prometheus", "prometheus", "ghgd-prometheus", "The Prometheus that scrapes ghgd.")
OTHERS = {"group": "Group", "facility": "Facility", "trajectory": "Trajectory", "quality": "Data quality"}


def names_of(path):
    """{id: name} of a table of facilities."""
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if not line.startswith("#")]
    return {row["id"]: row["name"] for row in csv.DictReader(lines) if row.get("name")}


def text_of(made):
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def files(installation):
    """{path below the output: text}."""
    made = {}
    for key, (folder, *where) in STORES.items():
        store = Store(key, *where, installation.rows())
        for source in (emissions, targets, quality):
            for name, board in source.make(store, installation, OTHERS).items():
                made[f"{folder}/{name}.json"] = text_of(board)
        made[f"provisioning/alerting/{store.provisioned}.yaml"] = alerting.make(store)
    folder, *where = HEALTH
    for name, board in health.make(Store("prometheus", *where, None), installation, {}).items():
        made[f"{folder}/{name}.json"] = text_of(board)
    return made


def main():
    parser = argparse.ArgumentParser(description="Writes ghgd's dashboards for Grafana.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder (default: this one)")
    parser.add_argument("--levels", default="", help="levels of groups, as in tables.groups: region,division")
    parser.add_argument("--facilities", type=Path, help="table of facilities, for their names")
    parser.add_argument("--year-start", type=int, default=1, choices=range(1, 13), metavar="MONTH",
                        help="month with which target years begin (default: 1)")
    parser.add_argument("--check", action="store_true", help="fail if a file is not as it would be written")
    asked = parser.parse_args()
    names = names_of(asked.facilities) if asked.facilities else {}
    made = files(boards.Installation([level for level in asked.levels.split(",") if level], names, asked.year_start))
    stale = [name for name, text in made.items()
             if not (asked.output / name).exists() or (asked.output / name).read_text() != text]
    if asked.check:
        for name in stale:
            print(f"{asked.output / name} is not what generate.py writes: make dashboards", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        path = asked.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[name])
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
