"""Reading the rows of a whole group, and adding them up from buckets to years."""
import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import replay
import servers
from streams import EPOCH, ms

LEVELS = ("15m", "1h", "1d", "1mo", "1y")
EVIDENCE = ("covered_s", "estimated_s", "spread_s", "held_s", "moved_s", "conflicts", "glitches")
NOTHING = re.compile(rb"^activity=0,(?:[a-z0-9_]+=0,)+revision=")


def summed_fields():
    """{measurement without its level: fields that add up over windows}, as docs/series.md says."""
    page = (servers.ROOT / "docs/series.md").read_text()
    found = {}
    for section in page.split("\n### ")[1:]:
        name = re.match(r"(\w+)_\*\n", section)
        if name:
            found[name[1]] = [row.split("|")[1].strip(" `") for row in section.splitlines()
                              if row.startswith("| `") and "windows of one measurement" in row]
    return found


def newest(path, *fields):
    """{series and window as a number: its fields as a number}, of the last line of each, without the
    revision, which says how often a row changed, and without the fields named.

    A row of zeros counts as none: it is where a delivery was until a correction moved it, and there is
    no such row if the correction came first."""
    found, unequal = {}, re.compile("|".join(rf"\b{f}=[^,]*,?" for f in ("revision", *fields)).encode())
    with open(path, "rb") as file:
        for line in file:
            head, fields, at = line.rsplit(b" ", 2)
            if NOTHING.search(fields):
                found.pop(hash((head, at)), None)
            else:
                found[hash((head, at))] = hash(unequal.sub(b"", fields).rstrip(b","))
    return found


def lines_of(path, keys, limit=6):
    """The last lines of some series and windows, to show them."""
    found = {}
    with open(path, "rb") as file:
        for line in file:
            head, _, at = line.rsplit(b" ", 2)
            if hash((head, at)) in keys:
                found[head, at] = line.decode().strip()
    return [found[key] for key in sorted(found)[:limit]]


class Windows:
    """The local windows in which an instant lies."""

    def __init__(self, zone):
        self.zone, self.known = ZoneInfo(zone), {}

    def around(self, at_ms):
        """{level: start} of the hour, the day, the month and the year."""
        if at_ms not in self.known:
            date = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(self.zone)
            hour_ms = at_ms - (date.minute * 60 + date.second) * 1000
            dates = {"1d": (date.year, date.month, date.day), "1mo": (date.year, date.month, 1),
                     "1y": (date.year, 1, 1)}
            self.known[at_ms] = {"1h": hour_ms, **{
                level: self.first_ms(*parts) for level, parts in dates.items()}}
        return self.known[at_ms]

    def first_ms(self, *parts):
        """The first instant of a day, also where clocks skip its midnight."""
        begin = ms(datetime(*parts, tzinfo=self.zone).isoformat())
        while (EPOCH + timedelta(milliseconds=begin)).astimezone(self.zone).date() != datetime(*parts).date():
            begin += 60_000
        return begin


class Sums:
    """Adds rows up: each window less those of the next shorter length has to be nothing."""

    def __init__(self, zones, bucket):
        self.windows = {place: Windows(zone) for place, zone in zones.items()}
        self.levels = [level for level in (bucket, "1h", "1d", "1mo", "1y")]
        self.levels = list(dict.fromkeys(self.levels))
        self.fields = summed_fields()
        self.balance = defaultdict(Counter)  # by name, tags, level, start
        self.evidence = defaultdict(Counter)  # by place, level, start: of the sources, less the place's
        self.unknown = set()                 # windows whose energy is null
        self.activity = defaultdict(Counter)  # of a source: by level and start
        self.covered = Counter()             # of a source, over all years
        self.rows = Counter()
        self.odd = []

    def take(self, path):
        heads = {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                head, fields, at = line.rsplit(" ", 2)
                if head not in heads:
                    heads[head] = self.parsed(head)
                self.add(*heads[head], int(at), dict(field.split("=") for field in fields.split(",")))

    def parsed(self, head):
        measurement, tags = replay.parse_tags(head)
        name, level = measurement.rsplit("_", 1)
        return name, level, head.split(",", 1)[1], dict(tags)

    def add(self, name, level, key, tags, at, row):
        self.rows[level] += 1
        place = tags["facility"]
        around = self.windows[place].around(at)
        values = {}
        for field in self.fields[name]:
            text = row.get(field)
            if text is None:
                if field != "energy_gj":
                    self.odd.append(f"{name}_{level} {key} {at}: no {field}")
                self.unknown.add((name, key, level, at))
            elif text != "0":
                values[field] = Decimal(text.rstrip("i"))
        rank = self.levels.index(level)
        if rank:
            self.balance[name, key, level, at].subtract(values)
        if rank + 1 < len(self.levels):
            above = self.levels[rank + 1]
            self.balance[name, key, above, around[above]].update(values)
        if name == "coverage":
            self.evidence[place, level, at].subtract({f: values.get(f, 0) for f in EVIDENCE})
        elif name == "emissions":
            self.evidence[place, level, at].update({f: values.get(f, 0) for f in EVIDENCE})
            if level in ("1mo", "1y"):
                self.activity[tags["source"]][level, at] += values.get("activity", 0)
            if level == "1y":
                self.covered[tags["source"]] += values.get("covered_s", 0)
        elif name == "energy":
            self.judge_energy(key, level, at, row)

    def judge_energy(self, key, level, at, row):
        """C = I + G - X, and what is used of one's own is G - X; null if one of them is."""
        flow = {name: Decimal(row[f"{name}_kwh"]) if f"{name}_kwh" in row else None
                for name in ("import", "export", "generation", "own_use", "consumption")}
        known = None not in (flow["generation"], flow["export"])
        own = flow["generation"] - flow["export"] if known else None
        all_of_it = flow["import"] + own if known and flow["import"] is not None else None
        if flow["own_use"] != own or flow["consumption"] != all_of_it:
            self.odd.append(f"energy_{level} {key} {at}: {row}")

    def faults(self, limit=10):
        """Windows that are not the sum of their parts, as text."""
        found = list(self.odd)
        for key, balance in self.balance.items():
            wrong = {field: value for field, value in balance.items() if value}
            if key in self.unknown:
                wrong.pop("energy_gj", None)
            # A source has no row in an hour without a reading, and is expected in its day all the same.
            if key[0] == "emissions" and wrong.get("expected_s", 0) < 0:
                wrong.pop("expected_s")
            if wrong:
                found.append(f"{key} is not the sum of its parts: {wrong}")
        for key, balance in self.evidence.items():
            wrong = {field: value for field, value in balance.items() if value}
            if wrong:
                found.append(f"{key} is not the sum of its sources: {wrong}")
        return found[:limit]
