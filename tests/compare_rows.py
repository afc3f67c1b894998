"""Compares the rows that two builds of ghgd make of the same events.

    python3 tests/compare_rows.py OLD NEW [--events 1000000] [--seed 1] [--except FIELD]

OLD and NEW are programs, such as build/ghgd of two trees, with the catalogue that each was built with. Each replays events of the shipped
examples, and a generated group of factories whose readings come late, twice, corrected and
estimated. All rows must be equal to the byte, except energy_gj, energy_unknown and the fields that
--except names; rows of energy_*, which older builds do not have, are passed over. Masses of CH4 and N2O, which older builds hold in milligrams, may differ by half a
milligram a cell.
"""
import argparse
import csv
import json
import random
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MINUTE_MS = 60_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
BEGIN_MS = 1_772_323_200_000  # 2026-03-01
TRACE = re.compile(r"(ch4_kg|n2o_kg)=([^,]*),")
DAYS = {"15m": 1 / 96, "1h": 1 / 24, "1d": 25 / 24, "1mo": 32, "1y": 367}
# A meter of each kind: columns of the table, minutes between readings, and a value.
KINDS = (
    ({"kind": "interval", "unit": "kWh", "interval": "15m", "stamp": "start",
      "category": "purchased_electricity"}, 15, lambda pick, n: pick.triangular(20, 157, 60)),
    ({"kind": "register", "unit": "Nm3", "digits": "8", "decimals": "2", "interval": "15m",
      "category": "stationary_combustion", "source": "boiler", "factor": "ipcc2006.natural_gas"},
     15, lambda pick, n: n * 1.25 % 1_000_000),
    ({"kind": "gauge", "unit": "kW", "interval": "5m", "category": "onsite_generation",
      "source": "roof", "factor": "onsite.solar"}, 5, lambda pick, n: pick.uniform(0, 900)),
    ({"kind": "delivery", "unit": "L", "category": "stationary_combustion", "source": "diesel",
      "factor": "ipcc2006.gas_diesel_oil"}, 2000, lambda pick, n: pick.uniform(50, 900)),
    ({"kind": "interval", "unit": "kWh", "interval": "30m", "stamp": "end",
      "category": "stationary_combustion", "source": "dryer", "factor": "ipcc2006.natural_gas",
      "basis": "ncv"}, 30, lambda pick, n: pick.choice((1.25, 2.5, 0.07))),
    ({"kind": "interval", "quantity": "mass", "unit": "kg", "interval": "1h", "stamp": "start",
      "category": "stationary_combustion", "source": "wood", "factor": "ipcc2006.wood_wood_waste"},
     60, lambda pick, n: pick.uniform(0, 80)),
)
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60}
ZONES = ("Asia/Dhaka", "Europe/Berlin", "America/Sao_Paulo", "Asia/Shanghai", "Europe/Istanbul")
COUNTRIES = {"Asia/Dhaka": "BD", "Europe/Berlin": "DE", "America/Sao_Paulo": "BR",
             "Asia/Shanghai": "CN", "Europe/Istanbul": "TR"}


def stamp(at_ms):
    return (EPOCH + timedelta(milliseconds=at_ms)).isoformat().replace("+00:00", "Z")


def readings(pick, name, minutes, value, count):
    """(arrival, event) of one meter, some of them more than once."""
    for n in range(count):
        at_ms = BEGIN_MS + n * minutes * MINUTE_MS
        event = {"meter": name, "time": stamp(at_ms), "value": f"{value(pick, n):.2f}"}
        late_ms = pick.choice((0, 0, 0, 40, 600)) * MINUTE_MS if pick.random() < 0.05 else 0
        if pick.random() < 0.03:
            yield at_ms, {**event, "quality": "estimated"}
            late_ms += 90 * MINUTE_MS
        yield at_ms + late_ms, event
        if pick.random() < 0.01:
            yield at_ms + late_ms + 5 * MINUTE_MS, event
            yield at_ms + 900 * MINUTE_MS, {**event, "revision": 1,
                                            "value": f"{value(pick, n) * 1.5:.2f}"}


def write_events(path, seed, meters, count):
    """meters: (name, minutes, value); about `count` events, so that all meters end together."""
    pick = random.Random(seed)
    per_minute = sum(1 / minutes for _, minutes, _ in meters)
    span = count / per_minute / 1.06
    events = [pair for name, minutes, value in meters
              for pair in readings(pick, name, minutes, value, int(span / minutes) + 1)]
    events.sort(key=lambda pair: pair[0])
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for _, event in events)
    return len(events)


def write_table(path, rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_group(folder, seed, count):
    """Tables, configuration and events of a generated group of factories."""
    pick = random.Random(seed)
    facilities, table, meters = [], [], []
    for number in range(max(2, min(200, count // 4000))):
        zone = ZONES[number % len(ZONES)]
        facilities.append({"id": f"f{number}", "time_zone": zone, "country": COUNTRIES[zone]})
        for i in range(pick.randrange(3, 20)):
            columns, minutes, value = KINDS[(number + i) % len(KINDS)]
            table.append({"id": f"f{number}-{i}", "facility": f"f{number}", **columns})
            meters.append((f"f{number}-{i}", minutes, value))
    write_table(folder / "facilities.csv", facilities)
    write_table(folder / "meters.csv", table)
    (folder / "ghgd.yaml").write_text(json.dumps({
        "tables": {"facilities": "facilities.csv", "meters": "meters.csv"},
        "windows": {"horizon": "2d"}}))
    return write_events(folder / "events.json", seed, meters, count)


def write_examples(folder, seed, count):
    """The shipped tables, with events for every meter in them."""
    for name in ("ghgd.yaml", "facilities.csv", "meters.csv"):
        (folder / name).write_text((ROOT / "config/examples" / name).read_text())
    with open(folder / "meters.csv", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if line.strip() and line[0] != "#")
        kinds = {columns["kind"]: (minutes, value) for columns, minutes, value in KINDS[:4]}
        meters = {row["id"]: (row["id"], MINUTES.get(row["interval"], kinds[row["kind"]][0]),
                              kinds[row["kind"]][1]) for row in rows}
    return write_events(folder / "events.json", seed, list(meters.values()), count)


def replay(program, folder, name):
    out = folder / name
    result = subprocess.run([program, "replay", "-c", folder / "ghgd.yaml", "-o", out,
                             "-r", folder / f"{name}.rejects", folder / "events.json"],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"{program}: {result.stderr}")
    return out, re.sub(r"wrote \d+ rows| in [0-9.]+ s", "", result.stderr)


def is_near(old, new):
    """Masses of trace gases agree to what rounding each cell to milligrams may lose."""
    suffix = old.split(",", 1)[0].rsplit("_", 1)[-1]
    cells = max(1, DAYS.get(suffix, 367) * 96) * 20
    pairs = zip(TRACE.findall(old), TRACE.findall(new), strict=True)
    return all(abs(float(a[1]) - float(b[1])) <= cells * 0.5e-6 + 1e-9 for a, b in pairs)


def compare(old_path, new_path, left_out):
    """The number of rows; ends the program where they differ."""
    others = re.compile("|".join(rf"{name}=[^,]*," for name in left_out))
    count = 0
    with open(old_path, encoding="utf-8") as old_file, open(new_path, encoding="utf-8") as new_file:
        older, newer = ((line for line in file if not line.startswith("energy_")) for file in (old_file, new_file))
        for old, new in zip(older, newer, strict=True):
            count += 1
            old, new = others.sub("", old), others.sub("", new)
            if TRACE.sub("", old) != TRACE.sub("", new) or not is_near(old, new):
                sys.exit(f"row {count} differs:\n  {old}  {new}")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--except", dest="left_out", action="append",
                        default=["energy_gj", "energy_unknown"])
    options = parser.parse_args()
    for name, write, count in (("examples", write_examples, min(options.events, 60_000)),
                               ("generated", write_group, options.events)):
        with tempfile.TemporaryDirectory(prefix="ghgd-rows-") as folder:
            folder = Path(folder)
            events = write(folder, options.seed, count)
            old, old_log = replay(options.old, folder, "old")
            new, new_log = replay(options.new, folder, "new")
            if old_log != new_log:
                sys.exit(f"{name}: the summaries differ:\n{old_log}\n{new_log}")
            rows = compare(old, new, options.left_out)
            print(f"{name}: {events} events, {rows} rows: equal")


if __name__ == "__main__":
    main()
