"""Courses against course_oracle.py: random targets, days and changes of days, and examples by hand.

    python3 tests/trajectory/test_course.py build/gcc/tests/trajectory/course_judge [SEED [HISTORIES]]
"""
import random
import subprocess
import sys
import time
from collections import Counter

import course_oracle as oracle
from course_oracle import DAY_MS, INTENSITY, LINEAR, ONE, PATH, Course, Line, Year, day_of, shares_of_past, shares_within

HOUR_MS = 3_600_000
T = 10**9
DEFAULTS = {"threshold": (0, 50, 200, 500), "margin": 100, "probability": 900, "enter": 3, "leave": 3,
            "dwell": DAY_MS, "share_min": ONE // 10, "coverage_min": ONE * 8 // 10, "base_threshold": ONE // 20,
            "by_model": 0, "missing": ONE, "estimated": ONE * 15 // 100}


class Differs(Exception):
    pass


class Judge:
    """The C code: it gets the orders of a history, and its answers are compared."""

    def __init__(self, program):
        self.program, self.orders, self.wanted = program, [], []

    def send(self, word, *numbers):
        self.orders.append(" ".join([word, *(str(int(n)) for n in numbers)]) + "\n")

    def expect(self, what, word, numbers=()):
        self.wanted.append((what, word, [int(n) for n in numbers]))

    def compare(self):
        made = subprocess.run([self.program], input="".join(self.orders), stdout=subprocess.PIPE, text=True)
        lines = made.stdout.splitlines()
        for line, (what, word, want) in zip(lines, self.wanted):
            told, *got = line.split()
            got = [int(n) for n in got]
            if told != word or got != want:
                places = [i for i, (g, w) in enumerate(zip(got, want)) if g != w]
                raise Differs(f"{what}: differs at {places}\n  code   {told} {got}\n  oracle {word} {want}")
        if made.returncode != 0 or len(lines) != len(self.wanted):
            raise Differs(f"{len(lines)} answers, not {len(self.wanted)}; status {made.returncode}")
        self.orders, self.wanted = [], []


class History:
    """One target in the code and in the oracle."""

    def __init__(self, judge, conf, target, base):
        self.judge, self.conf, self.target = judge, conf, target
        self.summer = (0, 0)
        judge.send("conf", *conf["threshold"][1:], conf["margin"], conf["probability"], conf["enter"], conf["leave"],
                   conf["dwell"], conf["share_min"], conf["coverage_min"], conf["base_threshold"], conf["by_model"],
                   conf["missing"], conf["estimated"])
        for year, value in sorted(target["path"].items()):
            judge.send("path", year, value)
        for change in target["changes"]:
            judge.send("change", *change)
        judge.send("target", target["form"], target["start"], target["base_year"], target["target_year"],
                   target["cut"], target["intensity"], target["scopes"], base)
        line = Line(target, base, conf["base_threshold"])
        for version in line.versions:
            judge.expect("version", "version", version)
        self.course = Course(conf, line, self.end_ms)
        self.plans = {}

    def end_ms(self, day):
        return (day + 1) * DAY_MS - (HOUR_MS if self.summer[0] <= day < self.summer[1] else 0)

    def set_summer(self, first, end):
        self.summer = (first, end)
        self.judge.send("summer", first, end)

    def plan(self, name, factors=(), past=(), given=None, deviation=-1, closed=(0, 0, 0, -1), last_year=(-1,) * 12):
        year, factors = Year(name, self.target["start"]), dict(factors)
        for day, factor in factors.items():
            self.judge.send("off", day, factor)
        for masses, working in past:
            self.judge.send("past", *masses, *working)
        if given:
            self.judge.send("given", *given)
            shares = shares_within(year, 3, list(given), factors)
        else:
            shares = shares_of_past(year, factors, past)
        self.judge.send("plan", name, deviation, *closed, *last_year)
        self.judge.expect(f"shares of {name}", "shares", [shares[0], *shares[1], *(shares[2][d] for d in sorted(shares[2]))])
        known, emitted, allowed, last_closed = closed
        self.plans[name] = {"year": year, "shares": shares, "deviation": deviation, "known": known, "emitted": emitted,
                            "allowed": allowed, "last_closed": last_closed, "last_year": list(last_year)}

    def total(self, day, mg, estimated=(0,) * 4, production=0, covered=100, expected=100):
        self.judge.send("total", day, *mg, *estimated, production, covered, expected)
        self.course.totals[day] = (tuple(mg), tuple(estimated), production, covered, expected)

    def step(self, day, closed=True, restated=False, part=ONE, stamp=None):
        """The oracle's row and change."""
        stamp = stamp if stamp is not None else self.end_ms(day)
        self.judge.send("step", day, closed, restated, part, stamp)
        name = oracle.year_of(day, self.target["start"]).name
        made = self.course.step(self.plans[name], day, closed, restated, part, stamp)
        if made is None:
            self.judge.expect(f"day {day}", "none")
        else:
            self.judge.expect(f"row of day {day}", "row", made[0])
            self.judge.expect(f"change at day {day}", "change", made[1])
        return made


# ---- examples by hand

def linear_target(**other):
    return {"form": LINEAR, "start": 1, "base_year": 2019, "target_year": 2030, "cut": 462 * 10**6, "intensity": 0,
            "scopes": 0b110, "path": {}, "changes": [], **other}


ROW = ("day closed restated counted version base budget share due ytd estimated covered expected slip trailing given "
       "model probability to_end_known to_end cumulative gone achieved overshoot level").split()


def april(judge, given):
    """B 74,800 t, 30 April, 27,300 t: the row."""
    history = History(judge, DEFAULTS, linear_target(), 100_000 * T)
    history.plan(2025, given=given)
    first, last = day_of(2025, 1, 1), day_of(2025, 4, 30)
    for day in range(first, last):
        history.total(day, (0, 227 * T, 0, 0))
    history.total(last, (0, (27_300 - 227 * 119) * T, 0, 0))
    return dict(zip(ROW, history.step(last)[0]))


def examples(judge):
    row = april(judge, None)
    assert (row["budget"], round(row["due"] / T), row["slip"]) == (74_800 * T, 24_592, 1101), row
    row = april(judge, [ONE * p // 1000 for p in (90, 60, 110, 115, 80, 80, 80, 80, 80, 80, 80, 65)])
    assert (row["share"], row["due"], row["slip"]) == (375 * 10**6, 28_050 * T, -267), row
    target = linear_target(changes=[(day_of(2025, 5, 1), 0, -6000 * T)])
    history = History(judge, DEFAULTS, target, 100_000 * T)
    assert history.course.line.allowed(94_000 * T, 2030) == 50_572 * T
    closed = (1, 0, 0, 80_000 * T)
    history.plan(2026, closed=closed)
    history.total(day_of(2026, 1, 1), (0, T, 0, 0))
    row = dict(zip(ROW, history.step(day_of(2026, 1, 1))[0]))
    assert (row["version"], row["base"], row["budget"]) == (2, 94_000 * T, 66_364 * T), row
    judge.compare()


# ---- random histories

def random_conf(rng):
    if rng.random() < .5:
        return dict(DEFAULTS, by_model=int(rng.random() < .3))
    thresholds = sorted(rng.sample(range(10, 900), 3))
    return {"threshold": (0, *thresholds), "margin": rng.choice([0, 50, 100, 200]),
            "probability": rng.choice([500, 900, 1000]), "enter": rng.randint(1, 6), "leave": rng.randint(1, 6),
            "dwell": rng.choice([0, DAY_MS, 3 * DAY_MS]), "share_min": rng.choice([0, ONE // 10, ONE // 10, ONE // 3]),
            "coverage_min": rng.choice([0, ONE // 2, ONE * 8 // 10]),
            "base_threshold": rng.choice([ONE // 20, ONE // 100]), "by_model": int(rng.random() < .3),
            "missing": rng.choice([ONE, ONE // 2]), "estimated": rng.choice([0, ONE * 15 // 100])}


def random_target(rng, first, years):
    base = rng.choice([100_000 * T, rng.randrange(1, 10**17), rng.randrange(1, 10**5)])
    form = rng.choice([LINEAR] * 4 + [PATH, PATH, INTENSITY])
    target = {"form": form, "start": rng.choice([1, 1, 4, 7, 12]), "base_year": first - rng.choice([1, 1, 2, 5]),
              "target_year": first + rng.choice([0, years - 1, years, 6]), "cut": 0, "intensity": 0,
              "scopes": rng.choice([0b10, 0b110, 0b1110]), "path": {}, "changes": []}
    span = range(target["base_year"] + 1, target["target_year"] + 1)
    if form == LINEAR:
        target["cut"] = rng.choice([42 * 10**6 * len(span), rng.randrange(ONE)])
    elif form == PATH or rng.random() < .5:
        scale = base if form == PATH else 10**7
        target["path"] = {y: rng.randrange(scale // 2, scale + 1) for y in span if rng.random() < .95}
    target["intensity"] = rng.randrange(10**6, 10**7)
    if form == INTENSITY and rng.random() < .5:
        base = 0
    day = day_of(first - 2, 3, 1)
    for _ in range(rng.choice([0, 0, 1, 4])):
        day += rng.randrange(1, 300)
        if rng.random() < .2:
            day = oracle.year_of(day, target["start"]).end
        exact = base * rng.choice([1, 2, 3, 5, -1, -2, -5]) // 100
        target["changes"].append((day, int(rng.random() < .3), exact + rng.choice([0, 0, 1, -1])))
    return target, base


def random_past(rng, start, name):
    masses = [rng.choice([rng.randrange(10**15), 10**12, 0 if rng.random() < .1 else 10**12]) for _ in range(12)]
    if rng.random() < .05:
        masses = [min(0, rng.randrange(-5, 2)) for _ in range(12)]
    working = [len(Year(name, start).days(m)) * ONE - rng.choice([0, 4, 9]) * rng.choice([ONE, ONE // 2, ONE // 3])
               for m in range(12)]
    if rng.random() < .1:
        working[rng.randrange(12)] = 0
    return masses, working


def random_plan(rng, history, name, masses):
    year = Year(name, history.target["start"])
    factors, past, given = {}, [], None
    nonworking = rng.choice([0, ONE // 2, ONE // 3])
    if rng.random() < .7:
        off = rng.choice([(6,), (5, 6), ()])
        factors = {d: nonworking for d in range(year.first, year.end) if (d + 3) % 7 in off or rng.random() < .03}
    if rng.random() < .1:
        factors.update({d: 0 for d in year.days(rng.randrange(12))})
    if rng.random() < .2:
        marks = sorted(rng.randrange(ONE + 1) for _ in range(11))
        given = [b - a for a, b in zip([0, *marks], [*marks, ONE])]
    elif history.target["form"] != INTENSITY:
        past = [random_past(rng, history.target["start"], name - i - 1) for i in range(rng.choice([0, 1, 2, 3, 4, 7]))]
    base = history.course.line.versions[0][2] or T
    closed = (int(rng.random() < .7), rng.randrange(3 * base), rng.randrange(3 * base),
              rng.choice([-1, 0, rng.randrange(1, 2 * base)]))
    last_year = [-1 if rng.random() < .02 else m for m in masses] if rng.random() < .7 else [-1] * 12
    history.plan(name, factors, past, given, rng.choice([-1, rng.randrange(1, 10**9)]), closed, last_year)


class Weather:
    """The masses of days: near the budget's own course, so that levels come and go."""

    def __init__(self, rng):
        self.rng = rng
        self.off, self.aim, self.due, self.sum = 0.0, 0.0, 0, 0
        self.coverage = rng.choice([(100, 100)] * 4 + [(80, 100), (80, 100), (79, 100), None])

    def begin(self):
        self.due = self.sum = 0
        self.aim = self.rng.uniform(-.02, .06)

    def mass(self, budget, share):
        """Such that the year to date goes towards what it aims at."""
        rng = self.rng
        if rng.random() < .06:
            self.aim = rng.choice([-.03, -.01, 0, .004, .005, .01, .02, .03, .05, .06])
        self.due += budget * share
        want = self.due * (1 + self.aim) / ONE + rng.gauss(0, .002) * self.due / ONE
        step = (want - self.sum) * rng.choice([.1, .5, 1])
        mg = max(0, int(step)) if rng.random() < .97 else int(budget / 365)
        self.sum += mg
        return mg

    def covered(self):
        return self.coverage or (self.rng.choice([100, 100, 0, 50]), self.rng.choice([100, 100, 100, 0]))


def split(rng, mg, scopes):
    parts = [rng.randrange(100), 0, 0, rng.randrange(100)]
    counted = [s for s in range(1, 4) if scopes >> s & 1]
    for s in counted:
        parts[s] = 0
    for s in counted[1:]:
        parts[s] = rng.randrange(mg + 1) if mg else 0
        mg -= parts[s]
    parts[counted[0]] = mg
    return parts


def put_day(rng, history, weather, day):
    plan = history.plans[oracle.year_of(day, history.target["start"]).name]
    line = history.course.line
    allowed = line.allowed(line.version(plan["year"], day)[2], plan["year"].name) or 10**9
    production = rng.randrange(5 * 10**9)
    budget = allowed * production * 365 // 10**6 if history.target["form"] == INTENSITY else allowed
    mg = weather.mass(budget, plan["shares"][2][day])
    covered, expected = weather.covered()
    estimated = [rng.choice([0, 0, mg // 7])] * 4
    if rng.random() < .99:
        history.total(day, split(rng, mg, history.target["scopes"]), estimated, production, covered, expected)


def change_days(rng, history, weather, day):
    """Earlier days change, mostly downwards. True if any has."""
    known = [d for d in range(day - rng.choice([3, 30, 400]), day) if d in history.course.totals]
    factor = rng.choice([0, .5, .9, .95, 1.1])
    for d in rng.sample(known, min(len(known), rng.choice([1, 10, 100, 400]))):
        mg, estimated, production, covered, expected = history.course.totals[d]
        changed = [int(m * factor) for m in mg]
        weather.sum += sum(changed) - sum(mg)
        history.total(d, changed, estimated, production, expected if rng.random() < .5 else covered, expected)
    return bool(known)


def run_history(rng, judge, counts):
    first, years = rng.randrange(2021, 2030), rng.choice([1, 2])
    target, base = random_target(rng, first, years)
    history = History(judge, random_conf(rng), target, base)
    spring = day_of(first, 3, 29)
    history.set_summer(spring, spring + rng.choice([1, 200]))
    weather = Weather(rng)
    grace, late = rng.choice([0, 1, 2, 5]), rng.choice([0, .02, .05, .1])
    begin = Year(first, target["start"]).first + rng.choice([0, 0, 0, 40])
    end = Year(first + years - 1, target["start"]).end + rng.choice([0, 20])
    numbers, restated = [], False
    for day in range(begin, end):
        name = oracle.year_of(day, target["start"]).name
        if name not in history.plans:
            weather.begin()
            random_plan(rng, history, name, [rng.randrange(10**15) for _ in range(12)])
        put_day(rng, history, weather, day)
        if rng.random() < late:
            restated = change_days(rng, history, weather, day) or restated
        if rng.random() < .02:
            judge.send("again")
        steps = []
        if rng.random() < .3:
            steps.append((day, False, rng.randrange(ONE + 1)))
        if day - grace >= begin and rng.random() < .995:
            steps += [(day - grace, True, ONE)] * rng.choice([1] * 20 + [2])
        for told, closed, part in steps:
            made = history.step(told, closed, restated, part, day * DAY_MS + part)
            restated = False
            if made and made[1][0]:
                numbers.append(made[1][3])
                counts["nothing entered left retracted".split()[made[1][0]]] += 1
                counts["ok watch warning critical".split()[made[1][2]]] += 1
            counts["rows"] += 1
            counts["counted"] += made is not None and made[0][3]
    if numbers != list(range(1, len(numbers) + 1)):
        raise Differs(f"numbers of changes: {numbers}")
    judge.compare()


def main(program, seed="1", histories="24"):
    began, counts = time.monotonic(), Counter()
    judge = Judge(program)
    examples(judge)
    for i in range(int(histories)):
        try:
            run_history(random.Random(f"{seed} {i}"), judge, counts)
        except Differs as fault:
            print(f"course: SEED={seed}, history {i}: {fault}")
            return 1
    for word in "entered left retracted ok watch warning critical".split():
        if not counts[word] and int(histories) >= 24:
            print(f"course: SEED={seed}: no history has {word}: {dict(counts)}")
            return 1
    print(f"course: {histories} histories of SEED={seed}, {', '.join(f'{n} {word}' for word, n in counts.items())}: "
          f"no difference, {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
