"""Registers against register_oracle.py: random journals in any order, and what glitches and
exchanges do to totals.

    python3 tests/metering/test_registers.py build/gcc/tests/metering/register_judge [SEED]
"""
import random
import subprocess
import sys
import time

from register_oracle import Meter, Reading, judge

STEP_MS = 900_000
ROLES = {"": 0, "final": 1, "initial": 2}
U = 10**6
RESTART = "restart"


def floor_of(newest_ms, horizon_ms):
    if newest_ms is None or horizon_ms is None:
        return -10**15
    return (newest_ms - horizon_ms) // STEP_MS * STEP_MS


class Judge:
    """The C code, behind a pipe."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.touched = 0  # cells, by the last journal

    def judge(self, meter, readings, order=None, horizon_ms=None, capacity=60000):
        """([(ms, value, kept, booked)], sum of all cells, faults). The order has indices of readings,
        other readings, and RESTART."""
        send = self.process.stdin.write
        send(f"meter {meter.rate_max} {meter.modulus} {int(meter.restarts)} {int(meter.signed)} "
             f"{meter.last_digit} {capacity}\n")
        newest = None
        for entry in order or range(len(readings)):
            if entry == RESTART:
                send("restart\n")
                continue
            reading = readings[entry] if isinstance(entry, int) else entry
            floor = floor_of(newest, horizon_ms)
            send(f"{reading.ms} {reading.value} {int(reading.estimated)} {ROLES[reading.role]} {floor}\n")
            newest = reading.ms if newest is None else max(newest, reading.ms)
        send("end\n")
        self.process.stdin.flush()
        rows, faults = [], []
        while True:
            words = self.process.stdout.readline().split()
            assert words, "the program has ended"
            if words[0] == "sum":
                self.touched = int(words[2])
                return rows, int(words[1]), faults
            if words[0] in ("differs", "stale", "outcome"):
                faults.append(" ".join(words))
            else:
                rows.append(tuple(map(int, words)))


def series(text):
    return [Reading(i * STEP_MS, round(float(v) * 1000) * 1000) for i, v in enumerate(text.split())]


EXAMPLES = [
    # name, meter, readings a quarter of an hour apart, what is booked
    ("zeros, then a steep rise", Meter(), "396.8 396.9 397.0 397.1 397.2 0 0 0 0 413.5 413.6", 16.8),
    ("many zeros", Meter(), "396.8 396.9 397.0 397.1 397.2" + " 0" * 40 + " 413.5 413.6", 16.8),
    ("two zeros after one rise", Meter(), "397.1 397.2 0 0 413.5 413.6", 16.5),
    ("all nines", Meter(modulus=10**6 * U), "1080 1090 999999 1110", 30),
    ("a bit set", Meter(rate_max=100 * U), "0.492 0.6 3137.403 0.9 1.2", 0.708),
    ("nines of seven digits", Meter(rate_max=100 * U, modulus=10**7 * U), "1000 1010 9999999 1030 1040", 40),
    ("16 bits wrap", Meter(rate_max=20 * U, modulus=65536 * U), "65530 65534 2 6", 12),
    ("the last digit dips", Meter(), "1000.0 999.9 1000.1 1000.0 1000.2 1000.1 1000.3 1000.2 1000.4", 0.4),
    ("a signed register", Meter(signed=True), "-467.0 -468.0 -469.5 -469.0", -2),
    ("a counter of the day", Meter(rate_max=20 * U, restarts=True), "29.0 29.5 30.0 0.2 0.7", 1.7),
    ("one count at 8,000 and 4 MW", Meter(rate_max=4000 * U, last_digit=8000 * U), "16000 24000", 8000),
    ("an exchange without an event", Meter(), "640 641 642 643 0 1 2 3 4 5", 8),
    ("three of an old counter at the start", Meter(), "500 501 502 0 1 2 3 4", 4),
    ("zeros before the first value", Meter(), "0 0 413.5 413.6 413.7 413.8 413.9", 0.3),
    ("a spike at the end is held", Meter(), "1 2 3 4 99999", 3),
    ("one that repeats is held", Meter(), "1 2 3 4 99999 99999", 3),
    ("one that goes on is booked", Meter(), "1 2 3 4 99999 100000", 99999),
    ("one that falls back is not", Meter(), "1 2 3 4 99999 5 6", 5),
    ("a rollover needs a rise before", Meter(modulus=1000 * U), "998 3", 0),
    ("a rollover after a rise", Meter(modulus=1000 * U), "994 998 3", 9),
    ("a fall after a steep rise is no rollover", Meter(modulus=10**6 * U), "1000 1001 1002 1003 999999 0 1004 1005 1006", 6),
    ("nines within zeros", Meter(), "1000 1001 1002 0 0 999999 999999 0 0 1011 1012", 12),
    ("nines while the use rises", Meter(), "1000 1001 1002" + " 999999" * 9 + " 1050 1051", 51),
    ("64 zeros are a new counter", Meter(), "396.6 396.7 396.8 396.9 397.0" + " 0" * 64 + " 413.5 413.6 413.7 413.8 413.9", 0.8),
]


def arrivals(rng, readings, shuffled, horizon_ms=None):
    """An order of arrival with restarts, readings that come twice, and some that are corrected. The
    two readings of an exchange come in one event. No reading comes again when it is late."""
    events, newest, order = [], None, []
    for i, reading in enumerate(readings):
        if reading.role == "initial":
            events[-1].append(i)
        else:
            events.append([i])
    if rng.random() < shuffled:
        if horizon_ms is None:
            rng.shuffle(events)
        else:
            events.sort(key=lambda e: readings[e[0]].ms + rng.choice([0, 1]) * rng.random() * horizon_ms * .45)
    again, wrong, restarts = rng.choice([0, .05]), rng.choice([0, .05]), rng.choice([0, .02])
    for event in events:
        reading = readings[event[0]]
        if reading.role == "" and rng.random() < wrong:
            order.append(reading._replace(value=rng.choice([0, 999999 * U, reading.value + U])))
        order += event
        newest = reading.ms if newest is None else max(newest, reading.ms)
        if rng.random() < again:
            order += [i for i in order[-rng.randint(1, 20):]
                      if isinstance(i, int) and readings[i].ms >= floor_of(newest, horizon_ms)]
        if rng.random() < restarts:
            order.append(RESTART)
    return order


def random_readings(rng):
    meter = Meter(rate_max=rng.choice([0, 0, 40 * U]), modulus=rng.choice([0, 0, 2000 * U, 10**6 * U]),
                  signed=rng.random() < .1, last_digit=U)
    if meter.rate_max and rng.random() < .3:
        meter = meter._replace(restarts=True)
    steps = rng.choice([(0, 0, 0, 1), (1, 1, 2, 3, 5), (0, 1, 2, 10, 100, 1)])
    estimates = rng.choice([0, .05])
    value, ms, readings = rng.choice([0, 0, 1000 * U, rng.randint(0, 10**6) * U]), 0, []
    if meter.modulus:
        value %= meter.modulus
    for _ in range(rng.randint(1, 150)):
        ms += STEP_MS * rng.choice([1, 1, 1, 1, 2, 5])
        value += rng.choice(steps) * U - (5 * U if meter.signed and rng.random() < .3 else 0)
        if rng.random() < .01:
            value = rng.choice([0, 5 * U, value // 2 // U * U])
        if meter.modulus:
            value %= meter.modulus
        shown = value
        if rng.random() < .03:
            shown = rng.choice([0, 999999 * U, max(0, value - U), value + 50 * U, value // 2 // U * U])
        if rng.random() < .005:
            readings.append(Reading(ms, shown, False, "final"))
            value = rng.choice([0, 10 * U])
            readings.append(Reading(ms, value, False, "initial"))
        else:
            readings.append(Reading(ms, shown, rng.random() < estimates))
    return meter, readings, arrivals(rng, readings, .5)


def compare(program, name, meter, readings, order=None, horizon_ms=None, capacity=60000):
    kept = dict(judge(meter, readings))
    total = sum(step.amount for step in kept.values() if step.booked)
    want = [(r.ms, r.value, int(i in kept), int(i in kept and kept[i].booked)) for i, r in enumerate(readings)]
    got, cells, faults = program.judge(meter, readings, order, horizon_ms, capacity)
    assert not faults, (name, faults[:5])
    assert cells == total, (name, cells, total)
    assert horizon_ms is not None or got == want, (name, [p for p in zip(want, got) if p[0] != p[1]][:5])
    return total


def clean(rng, count, digits, start):
    """A register that counts what a plant uses."""
    kind, base, on, values, value = rng.choice("flat day idle steps noisy".split()), rng.uniform(.5, 50), True, [], start
    for i in range(count):
        hour = i % 96
        on = on != (rng.random() < .03)
        use = {"flat": base * rng.uniform(.9, 1.1),
               "day": base * (.2 + (28 < hour < 72) * rng.uniform(.7, 1.3)),
               "idle": base * rng.uniform(.8, 1.2) if 30 < hour < 70 else rng.choice([0, 0, 0, .02 * base]),
               "steps": base * (1 if on else .1) * rng.uniform(.8, 1.2),
               "noisy": base * rng.lognormvariate(0, 1)}[kind]
        value += use
        values.append(round(value * digits) * (U // digits))
    return values


def spoil(rng, values, unit):
    """1 % of wrong values, some of them in runs, not within the first and last ten."""
    spoilt, kind = list(values), rng.choice("zero spike ones zeros many_ones dip mix".split())
    for i in range(10, len(values) - 10):
        if rng.random() > .01:
            continue
        one = kind if kind != "mix" else rng.choice("zero spike ones zeros many_ones dip".split())
        length = rng.randint(2, 20) if one in ("zeros", "many_ones") else 1
        for k in range(i, min(len(values) - 10, i + length)):
            spoilt[k] = {"z": 0, "s": values[k] + rng.randint(1000, 10**6) * U, "o": 999999 * U,
                         "m": 999999 * U, "d": values[k - 1] - unit}[one[0]]
    return spoilt


def as_readings(values):
    return [Reading(i * STEP_MS, value) for i, value in enumerate(values)]


def glitches(program, rng):
    digits = rng.choice([1, 10, 100])
    values = clean(rng, 400, digits, rng.uniform(0, 90000))
    steepest = max(b - a for a, b in zip(values, values[1:]))
    meter = Meter(rate_max=rng.choice([0, steepest * 8]), last_digit=U // digits, modulus=rng.choice([0, 10**6 * U]))
    readings = as_readings(spoil(rng, values, U // digits))
    _, total, faults = program.judge(meter, readings)
    assert not faults, faults
    want = values[-1] - values[0]
    # A dip of the last digit just behind another fault may count that digit twice: nothing tells it
    # from a new counter.
    assert total <= want + U // digits, ("booked twice", "max_rate" if meter.rate_max else "no max_rate", total, want)
    return total >= want


def exchange(program, rng):
    digits = rng.choice([1, 10, 100])
    old = clean(rng, rng.randint(20, 150), digits, rng.uniform(0, 90000))
    new = clean(rng, rng.randint(20, 150), digits, rng.choice([0, rng.uniform(0, old[-1] / U * .9)]))
    steepest = max(max(b - a for a, b in zip(v, v[1:])) for v in (old, new))
    meter = Meter(rate_max=rng.choice([0, steepest * 8]), last_digit=U // digits)
    _, total, faults = program.judge(meter, as_readings(old + new))
    assert not faults, faults
    want = old[-1] - old[0] + new[-1] - new[0]
    return want * .95 <= total <= want


def horizon(program, rng):
    """Closed windows stay; the total is that of one journal of all readings."""
    count, buckets = rng.randint(50, 350), rng.choice([20, 96])
    value, ms, readings, sparse = rng.randint(1, 10**5) * U, 0, [], rng.random() < .3
    for i in range(count):
        ms += STEP_MS * (rng.randint(1, 40) if sparse else rng.choice([1, 1, 1, 2]))
        value += rng.choice([1, 2, 3, 5]) * U
        readings.append(Reading(ms, rng.choice([0, 999999 * U, value - U])
                                if rng.random() < .01 and 3 < i < count - 10 else value))
    order = arrivals(rng, readings, .6, buckets * STEP_MS)
    meter = Meter(rate_max=rng.choice([0, 100 * U]), last_digit=U)
    compare(program, "horizon", meter, readings, order, buckets * STEP_MS, rng.choice([60000, buckets * 5 // 4 + 64]))


def conserved(program, rng):
    """All that a plant used is booked over exchanges and rollovers, whatever the order of arrival."""
    modulus, buckets = 10**rng.randint(3, 5) * U, rng.choice([None, 96])
    values, readings, ms, total = clean(rng, rng.randint(30, 300), 1, 0), [], 0, 0
    steepest = max(b - a for a, b in zip(values, values[1:]))
    meter = Meter(rate_max=min(modulus // 4, steepest) * 4, last_digit=U, modulus=modulus)
    shown, rises = rng.randrange(modulus // U) * U, []
    for before, value in zip(values[:1] + values, values):
        ms += STEP_MS
        used = min(value - before, modulus // 4)
        if shown + used >= modulus and rises:
            used = min(used, 2 * max(rises[-8:]))  # what the rule takes for a rollover
        rises += [used] if used else []
        total += used
        shown = (shown + used) % modulus
        readings.append(Reading(ms, shown))
        if rng.random() < .02:
            ms += rng.choice([0, STEP_MS])
            readings.append(Reading(ms, shown, False, "final"))
            shown, rises = rng.randrange(modulus // U) * U, []
            readings.append(Reading(ms, shown, False, "initial"))
    horizon_ms = buckets and buckets * STEP_MS
    got = compare(program, "conserved", meter, readings, arrivals(rng, readings, .6, horizon_ms), horizon_ms)
    assert got == total, ("conserved", got, total)


def main():
    program = Judge(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print("seed", seed)
    for name, meter, text, want in EXAMPLES:
        total = compare(program, name, meter, series(text))
        assert total == round(want * 1000) * 1000, (name, total / U, want)
    for i in range(200):
        rng = random.Random(seed * 10**6 + i)
        compare(program, i, *random_readings(rng))
    for i in range(30):
        horizon(program, random.Random(seed * 10**6 + i))
    for i in range(40):
        conserved(program, random.Random(seed * 10**6 + i))
    wrong = sum(not glitches(program, random.Random(seed * 10**6 + i)) for i in range(200))
    assert wrong <= 3, f"{wrong} of 200 series with glitches"
    missed = sum(not exchange(program, random.Random(seed * 10**6 + i)) for i in range(250))
    assert missed <= 2, f"{missed} of 250 exchanges without an event"
    print(f"registers: all as the oracle says; {wrong} of 200 series with glitches short, "
          f"{missed} of 250 exchanges missed")


if __name__ == "__main__":
    main()
