"""The balance of electricity of sites made at random, through `ghgd replay`.

The meters of a site, their amounts and their gaps follow from a seed, which is
printed. Each meter sends quarter-hours, some of them longer intervals that are cut. The right answer
is formed here, in whole micro-units.
"""
import json
import os
import random
import re
import unittest
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import replay

SITES = 6
DAYS = 3
QUARTER = timedelta(minutes=15)
QUARTERS = DAYS * 96 - 4
BEGIN = datetime(2026, 3, 27, 23, tzinfo=timezone.utc)  # midnight in Berlin; clocks change on the second day
LENGTHS = ("15m", "1h", "1d", "1mo", "1y")
FLOWS = ("import", "export", "generation")
CATEGORY = {"import": "purchased_electricity", "export": "exported_electricity", "generation": "onsite_generation"}
DAY_EDGES = (0, 96, 96 + 92, QUARTERS)  # local days: the second has 23 hours
NEGATIVE = re.compile(r'shard\.negative_rest .*main_meter="(\w+)" from=(\S+) ')
NEGATIVE_DAYS = re.compile(r"days: (\d+) on which sub-meters show more")


class Random:
    """A site: meters, and what each shows in each quarter of an hour, in micro-kWh; None: nothing."""

    def __init__(self, seed):
        self.pick = random.Random(seed)
        self.meters, self.shown, self.parent, self.flow, self.tolerance = [], {}, {}, {}, {}
        for flow in ("import", *self.pick.sample(FLOWS[1:], self.pick.randint(0, 2))):
            for i in range(self.pick.randint(1, 2)):
                self.add(f"{flow}{i}", flow, None, self.pick.randint(0, 3) if flow != "export" else 0)
        self.add("beside", "import", "import0", 0, check=True)

    def add(self, name, flow, parent, below, check=False):
        factor = {"import": "auto", "export": "", "generation": "onsite.solar"}[flow]
        self.tolerance[name] = self.pick.choice((None, "0 %", "5 %", "0.5 %"))
        self.meters.append({
            "id": name, "facility": "f1", "kind": "interval", "unit": "kWh", "interval": "15m",
            "category": CATEGORY[flow], "source": name, "factor": factor, "max_rate": "1 GW",
            "parent": parent or "", "role": "check" if check else "", "tolerance": self.tolerance[name] or ""})
        self.parent[name], self.flow[name] = parent, None if check else flow
        gaps = {q for _ in range(self.pick.randint(0, 4)) for start in [self.pick.randrange(QUARTERS)]
                for q in range(start, start + self.pick.randint(1, 40))}
        most = 10**self.pick.randint(3, 9) // (1 if parent is None else 4)
        self.shown[name] = [None if q in gaps else self.pick.randint(0, most) for q in range(QUARTERS)]
        if parent is None and below:  # mostly more than what is below it
            self.shown[name] = [v if v is None else v + most // 2 for v in self.shown[name]]
        for i in range(below):
            self.add(f"{name}{'abc'[i]}", flow, name, self.pick.choice((0, 0, 1)) if len(name) < 9 else 0)

    def events(self):
        found = []
        for meter, shown in self.shown.items():
            q = 0
            while q < QUARTERS:
                if shown[q] is None:
                    q += 1
                    continue
                end = q + 1
                if self.pick.random() < 0.1:  # one reading for some quarters of an hour, cut at their edges
                    while end < min(q + 4, QUARTERS) and shown[end] is not None:
                        end += 1
                total = sum(shown[q:end])
                for i in range(q, end):
                    shown[i] = total * (i - q + 1) // (end - q) - total * (i - q) // (end - q)
                found.append({"meter": meter, "start": stamp(q), "end": stamp(end), "value": str(kwh(total))})
                q = end
        self.pick.shuffle(found)
        return found

    def below(self, name):
        return [sub for sub, parent in self.parent.items() if parent == name and self.flow[sub]]

    def counts(self, name, q):
        """The meters from `name` down, together."""
        shown = self.shown[name][q]
        below = self.below(name)
        return shown if shown is not None else sum(self.counts(sub, q) for sub in below)

    def known(self, name, q):
        return self.shown[name][q] is not None or any(self.known(sub, q) for sub in self.below(name))

    def flows(self, q):
        """{flow: micro-kWh, or None where all of its meters are silent}"""
        found = {}
        for flow in FLOWS:
            tops = [m for m, parent in self.parent.items() if parent is None and self.flow[m] == flow]
            silent = bool(tops) and not any(self.known(m, q) for m in tops)
            found[flow] = None if silent else sum(self.counts(m, q) for m in tops)
        if found["generation"] == 0 and "generation" not in self.flow.values() and "export" in self.flow.values():
            found["generation"] = None
        return found

    def negative_days(self):
        """[(day, {main meter: how far it is beyond its tolerance})], of days that have such a meter."""
        found = []
        for day, (begin, end) in enumerate(zip(DAY_EDGES, DAY_EDGES[1:])):
            beyond = {}
            for name in (m for m in self.shown if self.below(m)):
                quarters = [q for q in range(begin, end) if self.shown[name][q] is not None]
                shown = sum(self.shown[name][q] for q in quarters)
                rest = shown - sum(self.counts(sub, q) for sub in self.below(name) for q in quarters)
                percent = Decimal((self.tolerance[name] or "2 %").rstrip(" %"))
                if -rest * 100 > shown * percent:
                    beyond[name] = -rest * 100 - shown * percent
            if beyond:
                found.append((day, beyond))
        return found


def stamp(quarter):
    return (BEGIN + quarter * QUARTER).isoformat().replace("+00:00", "Z")


def kwh(micro):
    return Decimal(micro).scaleb(-6)


class Balance(unittest.TestCase):
    def test_the_balance_of_sites_made_at_random(self):
        first = int(os.environ.get("SEED", random.randrange(2**31)))
        print(f"SEED={first}")
        for seed in range(first, first + SITES):
            with self.subTest(seed=seed):
                self.check(Random(seed))

    def check(self, site):
        events = site.events()
        config = {"windows": {"horizon": "10d", "reporting_from": "2026-03-28"}}
        place = replay.Site(config, [{"id": "f1", "name": "Plant", "time_zone": "Europe/Berlin", "country": "DE"}],
                            site.meters)
        try:
            result = place.replay("".join(json.dumps(event) + "\n" for event in events).encode())
        finally:
            place.remove()
        self.assertEqual(result.counts["used"], len(events))
        rows = replay.parse_rows(result.output)
        energy, sources = self.sort_rows(rows)
        self.check_quarters(site, energy["15m"])
        self.check_windows(energy)
        self.check_sources(energy, sources)
        self.check_accepted(site, energy)
        self.check_rests(site, result)

    def sort_rows(self, rows):
        """{length: {start: row}} of energy; {length: {start: {flow: its sources together}}}"""
        energy, sources = defaultdict(dict), defaultdict(lambda: defaultdict(Counter))
        flows = {category: flow for flow, category in CATEGORY.items()}
        for (name, tags, start), row in rows.items():
            kind, length = name.split("_")
            if kind == "energy":
                energy[length][start] = row
            elif kind == "emissions":
                sources[length][start][flows[dict(tags)["category"]]] += Decimal(row["activity"])
        self.assertEqual(sorted(energy), sorted(LENGTHS))
        return energy, sources

    def check_quarters(self, site, rows):
        for q in range(QUARTERS):
            row = rows.get(int((BEGIN + q * QUARTER).timestamp() * 1000))
            want = site.flows(q)
            if row is None:  # before the first reading
                self.assertTrue(not any(want.values()), q)
                continue
            got = {flow: Decimal(row[f"{flow}_kwh"]) if f"{flow}_kwh" in row else None for flow in FLOWS}
            self.assertEqual(got, {flow: None if v is None else kwh(v) for flow, v in want.items()}, q)

    def check_windows(self, energy):
        """C = I + G - X, to the last digit, unless something is not known; longer windows are the sum."""
        totals = {}
        for length, rows in energy.items():
            total = Counter()
            for row in rows.values():
                known = {field: Decimal(row[field]) for field in row if field.endswith("_kwh")}
                self.assertEqual(3 - sum(f"{flow}_kwh" in known for flow in FLOWS), int(row["flows_unknown"][:-1]))
                own = {"export_kwh", "generation_kwh"} <= set(known)
                self.assertEqual("own_use_kwh" in known, own)
                self.assertEqual("consumption_kwh" in known, own and "import_kwh" in known)
                if own:
                    self.assertEqual(known["own_use_kwh"], known["generation_kwh"] - known["export_kwh"])
                if "consumption_kwh" in known:
                    self.assertEqual(known["consumption_kwh"],
                                     known["import_kwh"] + known["generation_kwh"] - known["export_kwh"])
                for flow in FLOWS:
                    total[flow] += known.get(f"{flow}_kwh", 0)
                    for field in (f"{flow}_covered_s", "held_s"):
                        total[field] += Decimal(row[field])
            totals[length] = total
        self.assertEqual(totals["1h"], totals["15m"])
        for length in LENGTHS[2:]:
            self.assertEqual(totals[length], totals["15m"], length)

    def check_sources(self, energy, sources):
        """The sources of a flow, main meters and sub-meters, add up to it in every window."""
        for length, rows in energy.items():
            for start, row in rows.items():
                for flow in FLOWS:
                    self.assertEqual(sources[length][start][flow], Decimal(row.get(f"{flow}_kwh", 0)), (length, start))

    def check_accepted(self, site, energy):
        """Windows hold what was accepted: each kWh once, wherever main meters and sub-meters see it."""
        (year,) = energy["1y"].values()
        for flow in FLOWS:
            want = sum(site.flows(q)[flow] or 0 for q in range(QUARTERS))
            self.assertEqual(Decimal(year.get(f"{flow}_kwh", 0)), kwh(want))

    def check_rests(self, site, result):
        """The days of negative rests, and the main meter of each that the log names."""
        days = site.negative_days()
        found = NEGATIVE_DAYS.search(result.log)
        self.assertEqual(int(found[1]) if found else 0, sum(len(beyond) for _, beyond in days))
        named = dict((stamp(DAY_EDGES[day]).replace("Z", ""), beyond) for day, beyond in days)
        self.assertEqual(bool(NEGATIVE.search(result.log)), bool(days))  # the log is limited
        for meter, start in NEGATIVE.findall(result.log):
            beyond = named[start[:19]]
            self.assertEqual(beyond[meter], max(beyond.values()))


if __name__ == "__main__":
    unittest.main()
