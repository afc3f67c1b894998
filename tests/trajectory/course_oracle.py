"""Shares, budgets, slips and levels: the rules of docs/trajectory.md, in exact fractions.

It is written from the rules, not from pipelines/trajectory, and shares no code with it. It is slow,
and meant to be checked by eye: every figure of a day is summed from the year's first day, and a run
of days is a list. Masses are whole milligrams, shares parts of 1e9, days counted from 1970-01-01.
The forecast is a plain stand-in, which course_judge.c has too.
"""
import datetime
from fractions import Fraction

ONE = 10**9
UNKNOWN = -2**63
DAY_MS = 86_400_000
EPOCH = datetime.date(1970, 1, 1).toordinal()
OK, WATCH, WARNING, CRITICAL = range(4)
NOTHING, ENTERED, LEFT, RETRACTED = range(4)
LINEAR, PATH, INTENSITY = range(3)
NO_SLIP = -2**31


def day_of(year, month, day):
    return datetime.date(year, month, day).toordinal() - EPOCH


def half_even(value):
    return round(Fraction(value))


def bound(value, most):
    return min(max(value, -most), most)


def slip_of(emitted, to_date):
    """In 0.01 %, as far as 32 bits go."""
    return bound(half_even((emitted / Fraction(to_date) - 1) * 10000), 2**31 - 1)


class Year:
    """A target year, named by the calendar year in which it ends."""

    def __init__(self, name, start):
        self.name = name
        months = [(start - 1 + i) for i in range(13)]
        begin = name if start == 1 else name - 1
        self.firsts = [day_of(begin + m // 12, m % 12 + 1, 1) for m in months]
        self.first, self.end = self.firsts[0], self.firsts[12]
        self.month = {d: m for m in range(12) for d in self.days(m)}

    def days(self, month):
        return range(self.firsts[month], self.firsts[month + 1])


def year_of(day, start):
    date = datetime.date.fromordinal(day + EPOCH)
    return Year(date.year + (start > 1 and date.month >= start), start)


def cut(whole, weights):
    """Rounded down; what is left goes to the largest rests, ties to the earlier."""
    total = sum(weights)
    exact = [Fraction(whole * w) / total for w in weights]
    parts = [int(e) for e in exact]
    by_rest = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_rest[:whole - sum(parts)]:
        parts[i] += 1
    return parts


def median(values):
    values = sorted(values)
    n = len(values)
    return values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) / 2


def shares_linear(year):
    parts = dict(zip(range(year.first, year.end), cut(ONE, [1] * (year.end - year.first))))
    return 0, [sum(parts[d] for d in year.days(m)) for m in range(12)], parts


def shares_within(year, basis, months, factors):
    days = {}
    for m in range(12):
        weights = [factors.get(d, ONE) for d in year.days(m)]
        days.update(zip(year.days(m), cut(months[m], weights if sum(weights) else [1] * len(weights))))
    return basis, months, days


def shares_of_past(year, factors, past):
    """past: pairs of twelve masses and twelve working days."""
    usable = [([max(mg, 0) for mg in masses], working) for masses, working in past if any(mg > 0 for mg in masses)]
    weights = []
    for m in range(12):
        told = [Fraction(mg[m], sum(mg)) / w[m] for mg, w in usable if w[m]]
        weights.append((median(told) if told else 0) * sum(factors.get(d, ONE) for d in year.days(m)))
    if not sum(weights):
        return shares_linear(year)
    return shares_within(year, 2 if len(usable) > 1 else 1, cut(ONE, weights), factors)


class Line:
    """The years of a target: the mass that each allows, under each version of its base."""

    def __init__(self, target, base, threshold):
        self.target = target
        self.versions = [[1, -2**31, base, 0]]  # number, holds from, base, changes that wait
        for day, at_once, delta in target["changes"] if base else ():
            last = self.versions[-1]
            last[3] += delta
            if max(abs(delta), abs(last[3])) < Fraction(threshold, ONE) * last[2]:
                continue
            year = year_of(day, target["start"])
            holds = day if at_once or day == year.first else year.end
            self.versions.append([last[0] + 1, holds, last[2] + last[3], 0])

    def version(self, year, day):
        return [v for v in self.versions if v[1] <= min(day, year.end - 1)][-1]

    def allowed(self, base, name):
        t = self.target
        if not t["base_year"] < name <= t["target_year"]:
            return None
        if t["form"] == LINEAR:
            points = Fraction(t["cut"] * (name - t["base_year"]), t["target_year"] - t["base_year"])
            return half_even(base * (ONE - points) / ONE)
        if t["form"] == PATH:
            value = t["path"].get(name)
            return None if value is None else half_even(Fraction(value * base, self.versions[0][2]))
        if t["path"]:
            return t["path"].get(name)
        return t["intensity"] if name == t["target_year"] else None


def forecast(plan, conf, year, day, part_share, ytd, budget, months, open_mg):
    """(given, model, probability): a stand-in that depends on everything the real one is told."""
    if part_share <= 0 or part_share < conf["share_min"]:
        return 0, 0, -1
    level_known = plan["deviation"] % 2 == 0  # as course_judge.c has it
    before = max(plan["last_closed"], 0) if not level_known else 0
    mixed = (ytd + 3 * budget + 7 * open_mg + 11 * before + 17 * plan["deviation"] + 19 * (day - year.first)
             + sum((m + 1) * mg for m, mg in enumerate(months)))
    noise = mixed % 7 - 3
    ratio = bound(half_even(Fraction(ytd * ONE, part_share)), 2**63 - 1)
    model = bound(ratio + budget * noise // 10000, 2**63 - 1)
    if plan["deviation"] < 0:
        return 1, model, -1
    slip = slip_of(ytd, Fraction(budget * part_share, ONE))
    return 1, model, min(max(900 + (slip - plan["deviation"] % 600) // 4 + noise, 0), 1000)


class Run:
    """The level, and the counted days so far: (slip, probability)."""

    def __init__(self, level=OK, entered=UNKNOWN, since=UNKNOWN, days=()):
        self.level, self.entered, self.since, self.days = level, entered, since, list(days)

    def copy(self):
        return Run(self.level, self.entered, self.since, self.days)

    def judge(self, conf, slip, probability, end_ms):
        self.days.append((slip, probability))
        above = [max([OK] + [lv for lv in (WATCH, WARNING, CRITICAL) if g >= conf["threshold"][lv]]
                     + ([CRITICAL] if p >= conf["probability"] else []))
                 for g, p in self.days[-conf["enter"]:]]
        below = self.days[-conf["leave"]:]
        level = self.level
        if len(above) == conf["enter"] and min(above) > level:
            level = min(above)
        elif level > OK and len(below) == conf["leave"] and end_ms - self.entered >= conf["dwell"]:
            bound = conf["threshold"][level] - conf["margin"]
            if all(g < bound and (level < CRITICAL or p < conf["probability"]) for g, p in below):
                level -= 1
        if level != self.level:
            if self.level == OK:
                self.since = end_ms
            self.level, self.entered = level, end_ms
            if level == OK:
                self.since = UNKNOWN


class Course:
    def __init__(self, conf, line, end_ms):
        self.conf, self.line, self.end_ms = conf, line, end_ms
        self.totals = {}   # day: (mg by scope, estimated by scope, production, covered, expected)
        self.scopes = [s for s in range(4) if line.target["scopes"] >> s & 1]
        self.run, self.at_begin = Run(), Run()
        self.year, self.closed, self.number = None, None, 0

    def figures(self, plan, day, part, closed):
        """Everything that a day is judged by; None if the year has no budget."""
        conf, year, target = self.conf, plan["year"], self.line.target
        version = self.line.version(year, day)
        allowed = self.line.allowed(version[2], year.name)
        if allowed is None:
            return None
        months, estimated, produced, covered, expected, share = [0] * 12, 0, 0, 0, 0, 0
        shares = plan["shares"][2]
        for d in range(year.first, day + 1):
            share += shares[d] if d < day else half_even(Fraction(shares[d] * part, ONE))
            if d in self.totals:
                mg_of, estimated_of, production, covered_ms, expected_ms = self.totals[d]
                for s in self.scopes:
                    months[year.month[d]] += mg_of[s]
                    estimated += estimated_of[s]
                produced, covered, expected = produced + production, covered + covered_ms, expected + expected_ms
        ytd = sum(months)
        intensity = target["form"] == INTENSITY
        if intensity:
            due = budget = half_even(Fraction(allowed * produced, 10**6))
        else:
            budget, due = allowed, half_even(Fraction(allowed * share, ONE))
        given, model, probability = 0, 0, -1
        if not intensity and budget > 0:
            missing = half_even(Fraction(ytd * (expected - covered), covered)) if 0 < covered < expected and ytd > 0 else 0
            open_mg = (half_even(Fraction(missing * conf["missing"], ONE))
                       + half_even(Fraction(max(estimated, 0) * conf["estimated"], ONE)))
            given, model, probability = forecast(plan, conf, year, day, share, ytd, budget, months, open_mg)
        slip = NO_SLIP
        if budget > 0 and share > 0:
            to_date = Fraction(budget) if intensity else Fraction(budget * share, ONE)
            slip = slip_of(ytd, to_date)
            if conf["by_model"] and given:
                slip = max(slip, slip_of(model, budget))
        counted = (closed and slip != NO_SLIP and share >= conf["share_min"] and expected > 0
                   and Fraction(covered, expected) >= Fraction(conf["coverage_min"], ONE))
        return {"version": version, "budget": budget, "share": share, "due": due, "ytd": ytd,
                "estimated": estimated, "covered": covered, "expected": expected, "slip": slip,
                "counted": counted, "given": given, "model": model, "probability": probability,
                "months": months}

    def trailing(self, plan, day, closed, months):
        year, sums = plan["year"], []
        for m in range(12):
            if year.firsts[m + 1] <= day or (closed and year.firsts[m + 1] == day + 1):
                sums.append(months[m] if all(d in self.totals for d in year.days(m)) else None)
            else:
                sums.append(plan["last_year"][m] if plan["last_year"][m] >= 0 else None)
        return -1 if None in sums else sum(sums)

    def progress(self, plan, base):
        """to_end known, to_end, cumulative, gone, achieved, overshoot"""
        target = self.line.target
        if target["form"] == INTENSITY:
            return 0, 0, UNKNOWN, 0, UNKNOWN, UNKNOWN
        overshoot = plan["emitted"] - plan["allowed"] if plan["known"] else UNKNOWN
        end = self.line.allowed(base, target["target_year"])
        now = plan["last_closed"]
        if now < 0 or end is None:
            return 0, 0, UNKNOWN, 0, UNKNOWN, overshoot
        achieved = half_even(Fraction((base - now) * ONE, base - end)) if base != end else UNKNOWN
        years = target["target_year"] - plan["year"].name + 1
        if now == 0:
            return 0, 0, UNKNOWN, 0, achieved, overshoot
        to_end = half_even(Fraction((now - end) * ONE, now * years))
        ahead = [self.line.allowed(base, y) for y in range(plan["year"].name, target["target_year"] + 1)]
        if not plan["known"] or None in ahead:
            return 1, to_end, UNKNOWN, 0, achieved, overshoot
        rate = Fraction(2, years + 1) * (1 - Fraction(plan["allowed"] - plan["emitted"] + sum(ahead), now * years))
        return 1, to_end, half_even(rate * ONE), int(rate * years >= 1), achieved, overshoot

    def step(self, plan, day, closed, restated, part, stamp):
        """(row, change) in the order in which course_judge.c prints them; None if there is no budget."""
        f = self.figures(plan, day, part, closed)
        if f is None:
            return None
        before = self.run.copy()
        name = plan["year"].name
        if closed and (self.closed is None or day > self.closed):
            if self.year != name:
                self.year, self.at_begin = name, self.run.copy()
            self.closed = day
            if f["counted"]:
                self.run.judge(self.conf, f["slip"], f["probability"], self.end_ms(day))
        lowered = False
        if restated and self.year == name and self.run.level > OK:  # nothing is lower than that
            again = self.at_begin.copy()
            for d in range(plan["year"].first, self.closed + 1):
                told = self.figures(plan, d, ONE, True)
                if told["counted"]:
                    again.judge(self.conf, told["slip"], told["probability"], self.end_ms(d))
            if again.level < self.run.level:
                self.run, lowered = again, True
        change = [NOTHING, 0, 0, 0, 0, 0, 0, 0]
        if self.run.level != before.level:
            self.number += 1
            event = ENTERED if self.run.level > before.level else RETRACTED if lowered else LEFT
            since = before.since if self.run.level == OK else self.run.since
            change = [event, before.level, self.run.level, self.number, stamp, self.end_ms(self.closed), since,
                      f["version"][0]]
        row = [day, int(closed), int(restated), int(f["counted"]), f["version"][0], f["version"][2], f["budget"],
               f["share"], f["due"], f["ytd"], f["estimated"], f["covered"], f["expected"], f["slip"],
               self.trailing(plan, day, closed, f["months"]), f["given"], f["model"], f["probability"],
               *self.progress(plan, f["version"][2]), self.run.level]
        return row, change
