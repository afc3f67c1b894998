#!/usr/bin/python3
"""Cuts histories of meters in two with history_cut.c: a state that is saved behind any event, and loaded
by a new shard, changes no figure. The number of events in a message changes none, either.

    test_cuts.py PROGRAM [SEED]

The histories are those of tests/data/metering/, each as it is written and shuffled, and some long
ones from the seed, whose days leave the horizon on the way. A long history is cut at some places.
"""
import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import test_histories  # noqa: E402

LONG = 3
SPARSE = 20
CUTS = 10  # of a long history
BEGIN = datetime(2026, 3, 25, tzinfo=timezone.utc)  # clocks change on the way, and a month ends
DAYS = 9


TARGETS = [{"target": "t1", "level": "facility", "name": "f1", "scopes": "1+2", "approach": "control",
            "base_year": 2024, "base_t": 10, "percent": 50, "target_year": 2030},
           {"target": "t2", "level": "facility", "name": "f1", "scopes": "1", "approach": "equity", "year_start": 4,
            "base_year": 2024, "base_t": 1, "percent": 50, "target_year": 2030}]
OWNERSHIP = [{"facility": "f1", "equity": "0.7", "control": 1, "from": "2026-03-27", "to": ""}]


def add_targets(folder):
    """Levels change often: every day counts, and none lasts."""
    file = folder / "ghgd.yaml"
    file.write_text(file.read_text().replace("tables:\n", "tables:\n  targets: targets.csv\n  ownership: ownership.csv\n")
                    + "trajectory:\n  share_min: 0%\n  coverage_min: 0%\n  enter_days: 1\n  leave_days: 1\n"
                      "  dwell: 0s\n")
    replay = test_histories.replay
    replay.write_csv(folder / "targets.csv", TARGETS)
    replay.write_csv(folder / "ownership.csv", OWNERSHIP)


def cut(program, history, events, cuts, seed):
    """The differences, in words."""
    with tempfile.TemporaryDirectory() as folder:
        test_histories.write_configuration(history, Path(folder))
        if history.name.startswith("long"):
            add_targets(Path(folder))
        Path(folder, "events").write_text(test_histories.lines(events))
        done = subprocess.run([program, f"{folder}/ghgd.yaml", f"{folder}/events", str(cuts), str(seed)],
                              cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr if done.returncode != 0 else ""


SHOWN = ("activity", "covered_s", "estimated_s", "spread_s", "held_s", "moved_s", "co2e_kg", "co2e_estimated_kg",
         "revision")


def shown(program, history, text):
    """The figures of the rows that are there in the end, where there are some."""
    with tempfile.TemporaryDirectory() as folder:
        test_histories.write_configuration(history, Path(folder))
        Path(folder, "events").write_text(text)
        done = subprocess.run([program, f"{folder}/ghgd.yaml", f"{folder}/events", "rows"],
                              cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    rows = {}
    for line in done.stdout.splitlines():
        name, start, fields = line.split(" ")
        fields = dict(field.split("=") for field in fields.split(","))
        if fields["covered_s"] != "0" or fields.get("activity", "0") != "0":
            rows[name, start] = [fields.get(key) for key in SHOWN]
    return rows


def batch(program, history, events, rng):
    """The differences if messages hold many events, behind which rows are taken."""
    whole, text, at = shown(program, history, test_histories.lines(events)), "", 0
    while at < len(events):
        count = rng.choice((1, 2, 3, 7, 20))
        text += json.dumps(events[at:at + count]) + "\n"
        at += count
    batched = shown(program, history, text)
    return "\n".join(f"{key}: {batched.get(key)}, not {whole.get(key)}" for key in sorted(whole.keys() | batched.keys())
                     if whole.get(key) != batched.get(key))[:2000]


# --- long histories

METERS = {
    "grid": {"kind": "interval", "interval": "1h", "stamp": "start"},
    "bill": {"kind": "interval", "interval": "1d", "stamp": "start", "reconcile": "total"},
    "count": {"kind": "register", "interval": "30m", "digits": "4"},
    "power": {"kind": "gauge", "unit": "kW", "interval": "1h", "between": "step"},
    "diesel": {"kind": "delivery", "unit": "L"},
    "tank": {"kind": "stock", "unit": "L", "interval": "1h"},
    "yard": {"kind": "stock", "unit": "kg", "accrue": "yes"},
    "pile": {"kind": "stock", "unit": "kg", "accrue": "yes", "valid_to": "2026-04-01T10:20:00Z"},
}


class Plant:
    """Makes the events of a long history, and when they arrive."""

    def __init__(self, rng):
        self.rng, self.pairs = rng, []

    def add(self, meter, minute, **more):
        event = {"meter": meter, "time": instant(minute), **more}
        arrival = minute + self.rng.choice((20, 20, 20, self.rng.randrange(12 * 60)))
        self.pairs.append((arrival, event))
        dice = self.rng.random()
        if dice < 0.04:
            self.pairs.append((arrival + self.rng.randrange(300), dict(event)))
        elif dice < 0.10 and "value" in event:
            other = {**event, "value": event["value"] + self.rng.randrange(1, 30)}
            if dice < 0.07:
                other["revision"] = self.rng.randrange(1, 5)
            self.pairs.append((arrival + self.rng.randrange(300), other))
        elif dice < 0.15 and event.get("event") != "exchange":
            of = event.get("event", "reading")
            decided = {key: event[key] for key in ("meter", "time", "id") if key in event}
            self.pairs.append((arrival + self.rng.randrange(-60, 300),
                               {**decided, "event": self.rng.choice(("drop", "drop", "accept")), "of": of}))

    def stock(self, meter, last):
        """Dips far apart, some beyond the horizon, and what comes in and goes out between them."""
        rng, minute, level = self.rng, 0, 90000
        while minute < last:
            self.add(meter, minute, event="dip", value=level)
            level += rng.choice((0, 0, 30000)) - rng.randrange(-500, 9000)
            step = rng.choice((90, 600, 1500, 1500, 3600))
            for number in range(rng.randrange(3)):
                self.add(meter, minute + rng.randrange(1, step), value=rng.randrange(4000),
                         id=f"{meter}-{minute}-{number}", event=rng.choice(("delivery", "transfer")))
            minute += step

    def events(self):
        rng, count = self.rng, 9500
        self.stock("yard", DAYS * 1440)
        self.stock("pile", 10000)
        for minute in range(0, DAYS * 1440, 30):
            count = (count + rng.randrange(8)) % 10000
            shown = count if rng.random() > 0.03 else rng.choice((0, 9999, count + 500))
            self.add("count", minute, value=shown)
            if rng.random() < 0.01:
                self.add("count", minute + 10, event="exchange", final=str(count), initial="17")
                count = 17
            if minute % 60 == 0:
                self.add("grid", minute, value=rng.randrange(90))
                self.add("power", minute + rng.randrange(50), value=rng.randrange(9))
            if minute % 1440 == 0:
                self.add("bill", minute, value=rng.randrange(500, 900))
            if minute % 240 == 0:
                self.add("tank", minute, event="dip", value=rng.randrange(2000, 9000))
                self.add("tank", minute + rng.randrange(1, 239), value=rng.randrange(4000), id=f"T-{minute}",
                         event=rng.choice(("delivery", "delivery", "transfer", "credit")))
                self.add("diesel", minute, value=rng.randrange(900), **({"id": f"D-{minute}"} if minute % 480 else {}))
        self.pairs.sort(key=lambda pair: pair[0])
        return [event for _, event in self.pairs]


YARDS = {
    "yard": {"kind": "stock", "unit": "kg", "accrue": "yes"},
    "bin": {"kind": "stock", "unit": "kg", "accrue": "yes", "valid_to": "2026-05-01T10:20:00Z"},
    "far": {"kind": "stock", "unit": "kg", "accrue": "yes", "facility": "f2"},
    "still": {"kind": "stock", "unit": "kg", "facility": "f3"},
    "clock": {"kind": "delivery", "unit": "L", "facility": "f3"},
    "grid": {"kind": "interval", "interval": "1h", "stamp": "start"},
}


class Yards:
    """Stocks of three facilities, between whose events hours or many days pass: days have to be written
    before others are opened, and readings come before and behind what runs on."""

    def __init__(self, rng):
        self.rng, self.minute, self.made = rng, 0, []

    def event(self):
        rng, made = self.rng, self.made
        meter = rng.choice(sorted(YARDS))
        minute = max(self.minute - rng.choice((0, 0, 0, rng.randrange(300), rng.randrange(1500))), 0)
        dice = rng.random()
        if made and dice < 0.2:
            old = rng.choice(made[-25:])
            if dice < 0.06 and "value" in old:
                return {**old, "value": rng.randrange(9000), "revision": rng.randrange(4)}
            named = {key: old[key] for key in ("meter", "time", "id") if key in old}
            if "id" in old and rng.random() < 0.5:
                named["time"] = instant(self.minute)
            of = old.get("event", "reading")
            return {**named, "event": rng.choice(("drop", "drop", "accept")), "of": of}
        event = {"meter": meter, "time": instant(minute), "value": rng.randrange(9000)}
        if YARDS[meter]["kind"] == "stock":
            event["event"] = rng.choice(("dip", "dip", "delivery", "transfer"))
            if event["event"] != "dip":
                event["id"] = f"{meter}-{len(made)}"
        made.append(event)
        return event

    def events(self):
        found = []
        for _ in range(self.rng.randrange(20, 60)):
            found.append(self.event())
            self.minute += self.rng.choice((0, 5, 20, 240, 240, 900, self.rng.choice((900, 2000, 6000))))
        return found


def instant(minute):
    return (BEGIN + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def long_history(number):
    history = test_histories.History(f"long {number}", "from the seed")
    history.zone = test_histories.ZoneInfo(("Europe/Berlin", "UTC", "Asia/Dhaka")[number % 3])
    history.options = {"windows.horizon": ("36h", "60h")[number % 2]}
    history.meters = {name: [cells] for name, cells in METERS.items()}
    return history


def main():
    program = str(Path(sys.argv[1]).resolve())
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print("seed", seed, flush=True)
    faults, count = [], 0

    def judge(history, way, events, cuts=0):
        nonlocal count
        count += 1
        found = cut(program, history, events, cuts, seed) or (
            cuts and batch(program, history, events, random.Random(f"{seed}/{history.name}")))
        if found:
            faults.append(f"{history.place}: {history.name}: {way}:\n{found}")
    rng = random.Random(seed)
    for path in sorted(test_histories.FOLDER.glob("*.txt")):
        for history in test_histories.read_histories(path):
            judge(history, "as it is", history.events)
            judge(history, "shuffled", rng.sample(history.events, len(history.events)))
    for number in range(SPARSE):
        history = test_histories.History(f"yards {number}", "from the seed")
        history.zone = test_histories.ZoneInfo(("Europe/Berlin", "UTC", "Asia/Dhaka")[number % 3])
        history.options = {"windows.horizon": ("36h", "60h", "8d")[number % 3],
                           "windows.grace": ("1h", "10m", "20h")[number // 3 % 3],
                           "windows.bucket": "1h" if number % 4 else "15m"}
        history.meters = {name: [cells] for name, cells in YARDS.items()}
        judge(history, "some cuts", Yards(random.Random(f"{seed}/yards/{number}")).events(), CUTS)
    for number in range(LONG):
        judge(long_history(number), "some cuts", Plant(random.Random(f"{seed}/{number}")).events(), CUTS)
    print("\n".join(faults))
    print(f"cuts: {count} histories, {len(faults)} differ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
