#!/usr/bin/python3
"""Stocks that accrue, and some that do not, against the oracle of docs/metering.md: random histories
from a seed, printed, with the rows that history_cut.c makes of them.

    test_stocks.py PROGRAM [SEED]

Within the horizon a history has one answer in any order, bucket by bucket. Where days leave the
horizon, the total is what all balances and the time behind the last dip come to.
"""
import random
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import test_histories  # noqa: E402

BEGIN = datetime(2026, 3, 20, tzinfo=timezone.utc)
MINUTE_MS, BUCKET, U = 60000, 15, 10**6
DELAY, GRACE = 5, 60  # minutes, as they are by default
HISTORIES, ORDERS, LONG = 60, 3, 40
FIELDS = ("activity", "covered", "estimated", "spread", "held")

Amount = namedtuple("Amount", "minute value role rank")  # role: dip, delivery, transfer, credit
Cell = namedtuple("Cell", FIELDS)
SIGNS = {"delivery": 1, "transfer": -1, "credit": -1}


# --- the oracle

class Stock:
    """One meter, of the events that stand in the end."""

    def __init__(self, amounts):
        self.dips = sorted((a.minute, a.value) for a in amounts if a.role == "dip")
        self.amounts = [a for a in amounts if a.role != "dip"]

    def balances(self):
        """(from, to, consumption, held) of neighbouring dips."""
        for (begin, first), (end, last) in zip(self.dips, self.dips[1:]):
            used = first - last + sum(SIGNS[a.role] * a.value for a in self.amounts if begin < a.minute <= end)
            yield begin, end, used * U, used < 0

    def stretches(self, accrues, until):
        """(from, to, the running sum up to a minute, what it is) of all that is booked or held."""
        last = None
        for begin, end, used, held in self.balances():
            last = (begin, end, used, held)
            yield begin, end, running(begin, end, 0 if held else used), "held" if held else "spread"
        if accrues and last is not None and not last[3] and until > last[1]:
            begin, end, used, _ = last
            yield end, until, running(end, 2 * end - begin, used), "estimated"

    def cells(self, accrues, until):
        found = {}
        for begin, end, upto, what in self.stretches(accrues, until):
            for bucket in range(begin // BUCKET, -(-end // BUCKET)):
                low, high = max(begin, bucket * BUCKET), min(end, (bucket + 1) * BUCKET)
                new = Cell(upto(high) - upto(low), *(60 * (high - low) * (name == what or (name == "covered") *
                           (what != "held") or (name == "spread") * (what == "estimated")) for name in FIELDS[1:]))
                found[bucket] = Cell(*map(sum, zip(found.get(bucket, (0,) * 5), new)))
        return found


def running(begin, end, used):
    return lambda minute: used * (minute - begin) // (end - begin)


def accrued_until(newest):
    return (newest - DELAY - GRACE) // BUCKET * BUCKET


# --- what is read

def rows_of(program, history, events):
    with tempfile.TemporaryDirectory() as folder:
        test_histories.write_configuration(history, Path(folder))
        Path(folder, "events").write_text(test_histories.lines(events))
        done = subprocess.run([program, f"{folder}/ghgd.yaml", f"{folder}/events", "rows"],
                              cwd=folder, capture_output=True, text=True, timeout=100, check=True)
    rows = {}
    for line in done.stdout.splitlines():
        name, start, fields = line.split(" ")
        rows[name, int(start)] = dict(field.split("=") for field in fields.split(","))
    return rows


def cells_of(rows, source):
    found = {}
    for (name, start), row in rows.items():
        if name.startswith("emissions_15m,") and f"source={source}," in name:
            minute = start // MINUTE_MS - round(BEGIN.timestamp()) // 60
            numbers = [Decimal(row["activity"]) * U] + [Decimal(row[f"{key}_s"]) for key in FIELDS[1:]]
            found[minute // BUCKET] = Cell(*map(int, numbers))
    return found


def total_of(rows, source):
    return sum(int(Decimal(row["activity"]) * U) for (name, _), row in rows.items()
               if name.startswith("emissions_1y,") and f"source={source}," in name)


def history_of(meters, **options):
    history = test_histories.History("stocks", "from the seed")
    history.meters = {name: [cells] for name, cells in meters.items()}
    history.options.update(options)
    return history


METERS = {"yes": {"kind": "stock", "unit": "L", "accrue": "yes"}, "no": {"kind": "stock", "unit": "L"},
          "clock": {"kind": "delivery", "unit": "L"}}


def event(meter, amount, **more):
    stamp = (BEGIN + timedelta(minutes=amount.minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"meter": meter, "time": stamp, "value": amount.value, "event": amount.role, "revision": amount.rank, **more}


# --- histories

def make(rng, meter):
    """Events and what stands of them in the end."""
    events, stand, minutes = [], [], set()
    for number in range(rng.randrange(1, 14)):
        role = rng.choice(("dip", "dip", "delivery", "transfer", "credit"))
        minute = rng.randrange(8 * 1440) // rng.choice((1, 15, 60)) * 1
        if (minute, role) in minutes:
            continue
        minutes.add((minute, role))
        named = {} if role == "dip" else {"id": f"{meter}-{number}"}
        best = None
        for rank in rng.sample(range(4), rng.choice((1, 1, 1, 2))):
            amount = Amount(minute, rng.randrange(3000 if role == "dip" else 900), role, rank)
            events.append(event(meter, amount, **named))
            best = amount if best is None or rank > best.rank else best
        if rng.random() < 0.12:
            events.append({**event(meter, best, **named), "event": "drop", "of": role, "revision": 9})
            del events[-1]["value"]
        else:
            stand.append(best)
    return events, stand


def compare_orders(program, rng, report):
    history, events, stands = history_of(METERS), [], {}
    for meter in ("yes", "no"):
        more, stands[meter] = make(rng, meter)
        events += more
    clock = rng.randrange(60, 12 * 1440)
    events.append(event("clock", Amount(clock, 1, "delivery", 0)))
    newest = max(clock, *((datetime.fromisoformat(e["time"].replace("Z", "+00:00")) - BEGIN) // timedelta(minutes=1)
                          for e in events if e["event"] != "drop"))
    for _ in range(ORDERS):
        rows = rows_of(program, history, events)
        for meter in ("yes", "no"):
            want = Stock(stands[meter]).cells(meter == "yes", accrued_until(newest))
            got = cells_of(rows, meter)
            for bucket in sorted(want.keys() | got.keys()):
                if got.get(bucket, Cell(0, 0, 0, 0, 0)) != want.get(bucket, Cell(0, 0, 0, 0, 0)):
                    report(f"{meter}: bucket {bucket}: {got.get(bucket)}, not {want.get(bucket)}: {events}")
                    return
        rng.shuffle(events)


def compare_totals(program, rng, report):
    """Dips in order, near and far apart, and a horizon that many of their balances leave."""
    history = history_of(METERS, **{"windows.horizon": rng.choice(("30h", "3d", "9d"))})
    events, stand, minute, level = [], [], 0, 50000
    while minute < 20 * 1440:
        stand.append(Amount(minute, level, "dip", 0))
        events.append(event("yes", stand[-1]))
        step = rng.choice((30, 700, 2000, 3000, 7000))
        for number in range(rng.randrange(3)):
            at = minute + rng.randrange(1, step)
            stand.append(Amount(at, rng.randrange(900), "delivery", 0))
            level += stand[-1].value
            events.append(event("yes", stand[-1], id=f"{minute}-{number}"))
        level -= rng.randrange(900)
        for at in range(minute, minute + step, rng.choice((60, 400, 5000))):
            events.append(event("clock", Amount(at, 1, "delivery", 0)))
        minute += step
    events.sort(key=lambda e: e["time"])
    newest = (datetime.fromisoformat(events[-1]["time"].replace("Z", "+00:00")) - BEGIN) // timedelta(minutes=1)
    want = sum(upto(end) - upto(begin) for begin, end, upto, _ in Stock(stand).stretches(True, accrued_until(newest)))
    got = total_of(rows_of(program, history, events), "yes")
    if got != want:
        report(f"total {got}, not {want}: {history.options} {events}")


def main():
    program = str(Path(sys.argv[1]).resolve())
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    faults = []
    print("seed", seed, flush=True)
    for number in range(HISTORIES):
        compare_orders(program, random.Random(f"{seed}/{number}"), lambda words, n=number: faults.append(f"{n}: {words}"))
    for number in range(LONG):
        compare_totals(program, random.Random(f"{seed}/long/{number}"),
                       lambda words, n=number: faults.append(f"long {n}: {words}"))
    print("\n".join(faults[:5]))
    print(f"stocks: {HISTORIES} histories in {ORDERS} orders and {LONG} long ones, {len(faults)} wrong")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
