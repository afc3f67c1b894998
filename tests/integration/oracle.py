"""An independent model of what ghgd makes of readings, in exact fractions.

It is written from the rules (docs/architecture.md, docs/events.md, docs/configuration.md), not from
the daemon, and shares nothing with it but the tables. It is slow, short, and meant to be checked by
eye. An event becomes an outcome and a reading, and readings become cells (a meter's activity in a
bucket). Cells become masses, and windows are sums of cells.
"""
import csv
import re
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import date, datetime, timezone
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "metering"))
import register_oracle as registers

# The figures of a source in its rows: unit, and into how many decimals of it a window is counted.
FIGURES = {"activity": ("see tag `unit`", 6), "co2_kg": ("kg", 6), "ch4_kg": ("kg", 9),
           "n2o_kg": ("kg", 9), "co2e_kg": ("kg CO2e", 6), "biogenic_co2_kg": ("kg", 6),
           "co2e_unsplit_kg": ("kg CO2e", 6), "co2e_estimated_kg": ("kg CO2e", 6),
           "energy_gj": ("GJ", 6), "energy_unknown": ("cells", 0),
           "covered_s": ("s", 3), "estimated_s": ("s", 3), "expected_s": ("s", 3),
           "spread_s": ("s", 3), "held_s": ("s", 3), "moved_s": ("s", 3),
           "conflicts": ("readings", 0), "glitches": ("readings", 0)}
# Figures that the oracle does not form.
NOTES = {"spread_s", "held_s", "moved_s", "conflicts", "glitches"}
# Gas: its figure. A factor is in kg of it per canonical unit.
GASES = {"co2": "co2_kg", "ch4": "ch4_kg", "n2o": "n2o_kg", "biogenic_co2": "biogenic_co2_kg",
         "co2e": "co2e_kg"}
LEVELS = ("hour", "day", "month", "year")
QUALITIES = ("estimated", "invoice", "edited", "actual")
CLASSES = ("used", "duplicate", "corrected", "late", "early", "unknown")
DURATIONS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
HOUR_MS = 3_600_000
SCOPES = {"stationary_combustion": 1, "mobile_combustion": 1, "process": 1, "fugitive": 1,
          "purchased_electricity": 2, "onsite_generation": 0,
          "exported_electricity": 0}

# The flows of electricity, by the category of the meters that count them.
FLOWS = {"purchased_electricity": "import", "exported_electricity": "export", "onsite_generation": "generation"}

# Unit: what it measures, and how much of J, kg, m3 or items it is.
UNITS = {"Wh": ("energy", 3600), "kWh": ("energy", 3_600_000), "MWh": ("energy", 3_600_000_000),
         "GWh": ("energy", 3_600_000_000_000), "J": ("energy", 1), "MJ": ("energy", 10**6),
         "GJ": ("energy", 10**9), "TJ": ("energy", 10**12), "kg": ("mass", 1), "t": ("mass", 1000),
         "g": ("mass", Fraction(1, 1000)), "lb": ("mass", Fraction(45359237, 10**8)),
         "short_ton": ("mass", Fraction(90718474, 10**5)),
         "MMBtu": ("energy", Fraction(105505585262, 100)),
         "scf": ("volume", Fraction(28316846592, 10**12)),
         "gal": ("volume", Fraction(3785411784, 10**12)), "Nm3": ("volume", 1), "Sm3": ("volume", 1), "m3": ("volume", 1),
         "L": ("volume", Fraction(1, 1000)), "unit": ("item", 1)}
RATES = {"W": "Wh", "kW": "kWh", "MW": "MWh"}
# Quantity: its canonical unit, and that unit's size.
QUANTITIES = {"energy": ("kWh", 3_600_000), "heat": ("GJ", 10**9), "mass": ("kg", 1),
              "gas_volume": ("m3", 1), "volume": ("L", Fraction(1, 1000)), "item": ("unit", 1)}
DEFAULT_QUANTITY = {"J": "heat", "MJ": "heat", "GJ": "heat", "TJ": "heat", "Nm3": "gas_volume",
                    "Sm3": "gas_volume", "L": "volume", "kg": "mass", "t": "mass", "unit": "item",
                    "MMBtu": "heat", "scf": "gas_volume", "gal": "volume"}


def duration(text):
    return sum(int(n) * DURATIONS[unit] for n, unit in re.findall(r"(\d+)(ms|[smhdw])", text))


@lru_cache(maxsize=None)
def schedule_of(text):
    """[(days, first minute, end minute)] of a schedule."""
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    entries = []
    for entry in text.split(";"):
        list_of_days, _, times = entry.strip().rpartition(" ")
        days = set()
        for part in (list_of_days or "Mon-Sun").split(","):
            first, _, last = part.strip().partition("-")
            first, last = names.index(first), names.index(last or first)
            days |= {(first + i) % 7 for i in range((last - first) % 7 + 1)}
        minutes = [int(hour) * 60 + int(minute) for hour, minute in
                   (time.split(":") for time in times.split("-"))]
        entries.append((days, *minutes))
    return entries


@lru_cache(maxsize=None)
def is_scheduled(text, zone, time_ms):
    local = datetime.fromtimestamp(time_ms / 1000, ZoneInfo(zone))
    day, minute = local.weekday(), local.hour * 60 + local.minute
    for days, first, end in schedule_of(text):
        if first < end:
            found = day in days and first <= minute < end
        else:  # it ends on the next day
            found = (day in days and minute >= first) or ((day - 1) % 7 in days and minute < end)
        if found:
            return True
    return False


def round_even(value):
    """A fraction to the nearest whole number, half to even: what Python's round() does."""
    return round(value)


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        lines = (line for line in file if line.strip() and not line.startswith("#"))
        return list(csv.DictReader(lines))


def instant(value, time_unit=None):
    if isinstance(value, int):
        return {"s": value * 1000, "ms": value}[time_unit]
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return round((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)


def unit_size(unit):
    """(dimension, size in its SI unit, whether it is a rate; of rates the size is per hour)."""
    if unit in RATES:
        return (*UNITS[RATES[unit]], True)
    if "/" in unit:
        amount, per = unit.split("/")
        dimension, size = UNITS[amount]
        return dimension, size * {"h": 1, "min": 60, "s": 3600}[per], True
    return (*UNITS[unit], False)


class Factors:
    """The catalogue: for an id, the editions as (first local date, {gas: kg per canonical unit})."""

    def __init__(self, folder, gwp_set):
        self.rows = [row for path in sorted(Path(folder).glob("*.csv"))
                     if path.name not in ("gwp.csv", "countries.csv")
                     for row in read_csv(path) if row.get("gwp_set", gwp_set) == gwp_set]
        gwp = {(row["gas"], row["use"]): Fraction(row["gwp"])
               for row in read_csv(Path(folder, "gwp.csv")) if row["set"] == gwp_set}
        self.ch4, self.n2o = gwp["CH4", "default"], gwp["N2O", "default"]

    def editions(self, meter, facility):
        name = meter.get("factor") or "auto"
        if name == "auto":
            region = facility.get("grid_region") or ""
            rows = [row for row in self.rows if row.get("country") == facility["country"]
                    and region in (row.get("region") or "").split("|")]
        else:
            rows = [row for row in self.rows if row["id"] == name]
        assert rows, f"no factor {name}"
        rows.sort(key=lambda row: row.get("valid_from") or "")
        return [(row.get("valid_from") or "", self.masses(row, meter["quantity"])) for row in rows]

    def convert(self, row, quantity, goal):
        """One canonical unit in J, kg, m3 or items of the goal: quantity -> (density) -> mass ->
        (heat content) -> energy. None without a way."""
        dimension = {"heat": "energy", "gas_volume": "volume"}.get(quantity, quantity)
        amount = Fraction(QUANTITIES[quantity][1])
        for column, unit in (("density", "density_unit"), ("heat_content", "heat_unit")):
            if dimension == goal or not row.get(column):
                continue
            above, below = row[unit].split("/")
            if UNITS[below][0] != dimension:
                continue
            amount = amount / UNITS[below][1] * Fraction(row[column]) * UNITS[above][1]
            dimension = UNITS[above][0]
        return amount if dimension == goal else None

    def masses(self, row, quantity):
        """kg of each gas, and GJ (None: not known), in one canonical unit, all exact."""
        goal, goal_size = UNITS[row["unit"]]
        amount = self.convert(row, quantity, goal)
        assert amount is not None, (row["id"], quantity)
        scale = amount / goal_size * UNITS[row.get("mass_unit") or "kg"][1]
        masses = {gas: Fraction(row.get(gas) or 0) * scale for gas in GASES}
        unsplit = bool(row.get("co2e"))
        if not unsplit:
            masses["co2e"] = masses["co2"] + masses["ch4"] * self.ch4 + masses["n2o"] * self.n2o
        masses["unsplit"] = unsplit
        joules = self.convert(row, quantity, "energy")
        masses["energy"] = joules if joules is None else joules / 10**9
        return masses


def utc_year(at_ms):
    return datetime.fromtimestamp(at_ms / 1000, timezone.utc).year


@lru_cache(maxsize=16)
class Calendar:
    """Windows of a zone, found by looking at every bucket of the years begin .. end - 1."""

    def __init__(self, zone, bucket_ms, begin, end, fiscal_month):
        zone = ZoneInfo(zone)
        self.bucket_ms = bucket_ms
        self.first = instant(f"{begin}-01-01T00:00:00Z") // bucket_ms
        count = instant(f"{end}-01-01T00:00:00Z") // bucket_ms - self.first
        self.starts = {level: [] for level in LEVELS}
        previous = dict.fromkeys(LEVELS)
        self.dates = []
        for row in range(self.first, self.first + count):
            local = datetime.fromtimestamp(row * bucket_ms / 1000, zone)
            year = local.year if local.month >= fiscal_month else local.year - 1
            today = (local.year, local.month, local.day)
            keys = {"hour": (today, local.hour, local.utcoffset()), "day": today,
                    "month": today[:2], "year": year}
            for level, key in keys.items():
                if key != previous[level]:
                    self.starts[level].append(row)
            if today != previous["day"]:
                self.dates.append((date(*today).isoformat(), row))
            previous = keys

    def window(self, level, row):
        """(first row, end row) of the window in which the row lies."""
        if level == "bucket":
            return row, row + 1
        starts = self.starts[level]
        at = bisect_right(starts, row)
        return starts[at - 1], starts[at]

    def date_row(self, day):
        """The row with which a local date, or the first one after it, begins."""
        return next((row for text, row in self.dates if text >= day), None)


class Cell:
    __slots__ = ("activity", "covered", "counted", "estimated", "delivered", "guessed")

    def __init__(self):
        self.activity, self.covered, self.estimated = 0, 0, 0
        self.counted = 0  # covered within expected time
        self.delivered, self.guessed = 0, 0  # deliveries: amounts, and the estimated ones


class Oracle:
    """Takes events in the order of their arrival; then tells the figures of all windows."""

    def __init__(self, config, folder, catalogue):
        windows = config.get("windows", {})
        self.bucket_ms = duration(windows.get("bucket", "15m"))
        self.delay_ms = duration(windows.get("allowed_delay", "5m"))
        self.horizon_ms = duration(windows.get("horizon", "7d"))
        self.fiscal_month = windows.get("fiscal_year_start", 1)
        self.reporting_from = str(windows.get("reporting_from") or "")
        self.groups = config["tables"].get("groups", [])
        self.time_unit = config.get("input", {}).get("time_unit")
        self.on_conflict = config.get("input", {}).get("on_conflict", "last")
        self.factors = Factors(catalogue, config.get("emissions", {}).get("gwp", "AR5"))
        self.facilities = {row["id"]: row
                           for row in read_csv(Path(folder, config["tables"]["facilities"]))}
        self.meters = {row["id"]: self.meter(row)
                       for row in read_csv(Path(folder, config["tables"]["meters"]))}
        self.amounts = defaultdict(set)  # of deliveries: (meter, time) -> those in force
        self.in_force = defaultdict(dict)  # meter -> identity -> (rank, value, quality)
        self.decisions = defaultdict(dict)  # meter -> identity -> (rank, whether it drops)
        self.outcomes = Counter()
        self.newest = None

    def meter(self, row):
        dimension, size, is_rate = unit_size(row["unit"])
        assert is_rate == (row["kind"] == "gauge")
        unit = row["unit"].split("/")[0]
        row["quantity"] = row.get("quantity") or DEFAULT_QUANTITY.get(RATES.get(unit, unit), dimension)
        row["scale"] = Fraction(row.get("multiplier") or 1) / QUANTITIES[row["quantity"]][1]
        row["interval_ms"] = duration(row.get("interval") or f"{self.bucket_ms}ms")
        row["hold_ms"] = duration(row["hold"]) if row.get("hold") else 2 * row["interval_ms"]
        row["modulus"] = None
        if row.get("digits"):
            top = Fraction(10) ** (int(row["digits"]) - int(row.get("decimals") or 0))
            row["modulus"] = row.get("modulus") or top
        if row.get("modulus"):
            row["modulus"] = round_even(Fraction(row["modulus"]) * size * row["scale"] * 10**6)
        row["last_digit"] = 0
        if row.get("digits") or row.get("decimals"):
            digit = Fraction(1, 10 ** int(row.get("decimals") or 0))
            row["last_digit"] = round_even(digit * size * row["scale"] * 10**6)
        row["rate_max"] = None
        if row.get("max_rate"):
            number, rate_unit = row["max_rate"].split()
            rate = Fraction(number) * unit_size(rate_unit)[1] / QUANTITIES[row["quantity"]][1]
            row["rate_max"] = round_even(rate * 10**6)
        return row

    # --- events

    def floor(self):
        floor_ms = self.newest - self.delay_ms - self.horizon_ms
        return floor_ms // self.bucket_ms * self.bucket_ms

    def take(self, event):
        outcome = self.judge(event)
        self.outcomes[outcome] += 1
        return outcome

    def times(self, meter, event):
        if "start" in event:
            return instant(event["start"], self.time_unit), instant(event["end"], self.time_unit)
        at = instant(event["time"], self.time_unit)
        if meter["kind"] != "interval":
            return at, at
        span = meter["interval_ms"]
        return (at - span, at) if meter["stamp"] == "end" else (at, at + span)

    def is_plausible(self, meter, value, length_ms):
        """Within max_rate and a tenth, over the length of an interval; of a gauge the rate itself.
        Registers are judged by their differences."""
        if meter["rate_max"] is None or meter["kind"] not in ("interval", "gauge"):
            return True
        hours = Fraction(length_ms, HOUR_MS) if meter["kind"] == "interval" else 1
        return value <= meter["rate_max"] * hours * Fraction(11, 10)

    def judge(self, event):
        meter = self.meters.get(event["meter"])
        if meter is None:
            return "unknown"
        start, end = self.times(meter, event)
        if event.get("event") in ("accept", "drop"):
            return self.decide(meter, start, end, event)
        size = unit_size(event.get("unit") or meter["unit"])[1]
        if not re.fullmatch(r"-?\d+(\.\d+)?", str(event["value"])):
            return "value_invalid"
        value = round_even(Fraction(str(event["value"])) * size * meter["scale"] * 10**6)
        if value < 0 and meter.get("negative") != "yes":
            return "value_negative"
        if not self.is_plausible(meter, abs(value), end - start):
            return "implausible"
        if self.newest is not None and start < self.floor():
            return "late"
        rank, quality = self.rank(event)
        held = self.in_force[meter["id"]]
        if meter["kind"] == "delivery":
            return self.book_delivery(held, meter["id"], start, (rank, value, quality))
        old = held.get((start, end))
        policy = meter.get("on_conflict") or self.on_conflict
        lost = "conflict" if policy != "last" else "corrected"  # of two values of one rank
        if old is not None and (rank, value) == old[:2]:
            return "duplicate"
        if old is not None and rank < old[0]:
            return "corrected"
        if old is not None and rank == old[0]:
            if policy == "hold" or (policy == "larger" and value < old[1]):
                return lost
        held[start, end] = (rank, value, quality)
        self.newest = end if self.newest is None else max(self.newest, end)
        if old is None:
            return "used"
        return "corrected" if old[0] < rank else lost  # the one that it replaced

    @staticmethod
    def rank(event):
        quality = event.get("quality", "actual")
        return (quality != "estimated", event.get("revision", 0), QUALITIES.index(quality)), quality

    def decide(self, meter, start, end, event):
        """A person's decision on the readings of an identity up to its rank; without ids."""
        drops = event["event"] == "drop"
        assert drops or meter["kind"] != "register"  # an accepted one is beyond this model
        if self.newest is not None and start < self.floor():
            return "late"
        new = (self.rank(event)[0], drops)
        old = self.decisions[meter["id"]].get((start, end))
        if old == new:
            return "duplicate"
        if old is not None and new[0] < old[0]:
            return "corrected"
        self.decisions[meter["id"]][start, end] = new
        self.newest = end if self.newest is None else max(self.newest, end)
        return "used" if old is None else "corrected"

    def is_dropped(self, meter_id, identity):
        rank, drops = self.decisions[meter_id].get(identity, ((), False))
        return drops and self.in_force[meter_id][identity][0] <= rank

    def touched(self, meter, identity):
        """The rows in which a dropped reading may have had a part: they are there, and say 0."""
        start, end = identity
        held = self.in_force[meter["id"]]
        if meter["kind"] in ("register", "gauge"):
            reach = meter["hold_ms"] if meter["kind"] == "gauge" else float("inf")
            times = [t for (t, _), (_, _, quality) in held.items()
                     if meter["kind"] == "gauge" or quality != "estimated"]
            before = max((t for t in times if start - reach <= t < start), default=start)
            after = min((t for t in times if start < t <= start + reach), default=start)
            return self.rows(before, after)
        return self.rows(start, max(end, start + 1))

    def book_delivery(self, held, meter_id, start, reading):
        """Without ids: of one time the amounts of the highest rank count, once each."""
        rank, value, quality = reading
        best, _, _ = held.get((start, start), (rank, 0, quality))
        amounts = self.amounts[meter_id, start]
        if rank < best:
            return "corrected"
        if rank == best and value in amounts:
            return "duplicate"
        if rank > best:
            amounts.clear()
        amounts.add(value)
        held[start, start] = (rank, sum(amounts), quality)
        self.newest = start if self.newest is None else max(self.newest, start)
        return "used" if rank == best else "corrected"

    # --- cells

    def rows(self, start, end):
        return range(start // self.bucket_ms, -(-end // self.bucket_ms))

    def spread(self, cells, total, whole, part, estimated):
        """Books what of `total`, which is spread evenly over `whole`, lies in `part`."""
        span = whole[1] - whole[0]
        for row in self.rows(*part):
            begin = max(part[0], row * self.bucket_ms)
            end = min(part[1], (row + 1) * self.bucket_ms)
            cell = cells[row]
            cell.activity += total * (end - whole[0]) // span - total * (begin - whole[0]) // span
            cell.covered += end - begin
            cell.estimated += (end - begin) * estimated

    @staticmethod
    def effective_ends(held):
        """Where two readings of one rank overlap by a tenth at most, the earlier one ends."""
        ends, by_rank = {}, defaultdict(list)
        for identity in sorted(held):
            by_rank[held[identity][0]].append(identity)
        for identities in by_rank.values():
            for i, (start, end) in enumerate(identities):
                later = [(s, e) for s, e in identities[i + 1:i + 500]
                         if s > start and 0 < 10 * (end - s) <= min(end - start, e - s)]
                ends[start, end] = min([end] + [s for s, _ in later])
        return ends

    def interval_cells(self, cells, held):
        """At every moment the best reading counts: rank, then the shorter, then the earlier."""
        ends = self.effective_ends(held)
        edges = sorted({start for start, _ in held} | set(ends.values()))
        entering = sorted(held)
        active, at = [], 0
        for begin, end in zip(edges, edges[1:]):
            active = [identity for identity in active if ends[identity] > begin]
            while at < len(entering) and entering[at][0] <= begin:
                active.append(entering[at])
                at += 1
            if active:
                best = max(active, key=lambda i: (held[i][0], i[0] - i[1], -i[0]))
                _, value, quality = held[best]
                self.spread(cells, value, (best[0], ends[best]), (begin, end), quality == "estimated")

    def register_cells(self, cells, held, meter):
        readings = sorted((start, *held[start, end]) for start, end in held)
        rule = registers.Meter(rate_max=meter["rate_max"] or 0, modulus=meter["modulus"] or 0,
                               restarts=meter.get("restarts") == "yes",
                               signed=meter.get("negative") == "yes", last_digit=meter["last_digit"])
        chain = registers.judge(rule, [registers.Reading(start, value, quality == "estimated")
                                       for start, _, value, quality in readings])
        for index, step in chain:
            if step.booked:
                (t0, _, _, q0), (t1, _, _, q1) = readings[step.before], readings[index]
                self.spread(cells, step.amount, (t0, t1), (t0, t1), "estimated" in (q0, q1))

    def gauge_cells(self, cells, held, meter):
        """The area under straight lines, exact, rounded once for each cell."""
        areas = defaultdict(Fraction)  # micro-units per hour times ms
        readings = sorted((start, *held[start, end]) for start, end in held)
        for (t0, _, v0, q0), (t1, _, v1, q1) in zip(readings, readings[1:]):
            if t1 - t0 > meter["hold_ms"]:
                continue
            for row in self.rows(t0, t1):
                begin, end = max(t0, row * self.bucket_ms), min(t1, (row + 1) * self.bucket_ms)
                middle = Fraction(begin + end - 2 * t0, 2)
                areas[row] += (v0 + (v1 - v0) * middle / (t1 - t0)) * (end - begin)
                cells[row].covered += end - begin
                cells[row].estimated += (end - begin) * ("estimated" in (q0, q1))
        for row, area in areas.items():
            cells[row].activity = round_even(area / HOUR_MS)

    def share(self, cell):
        """The share of estimated deliveries, as a part of the time of the bucket."""
        if cell.guessed == 0:
            return
        part = Fraction(cell.guessed, cell.delivered)
        if part.denominator > self.bucket_ms:
            part = Fraction(cell.guessed * self.bucket_ms // cell.delivered, self.bucket_ms)
        cell.covered, cell.estimated = part.denominator, part.numerator

    def cells(self, meter_id):
        """{row: Cell} of a meter."""
        meter, held = self.meters[meter_id], self.in_force[meter_id]
        cells = defaultdict(Cell)
        dropped = [identity for identity in held if self.is_dropped(meter_id, identity)]
        for row in (row for identity in dropped for row in self.touched(meter, identity)):
            cells[row].activity += 0
        held = {identity: held[identity] for identity in held if identity not in set(dropped)}
        if meter["kind"] == "interval":
            self.interval_cells(cells, held)
        elif meter["kind"] == "register":
            self.register_cells(cells, held, meter)
        elif meter["kind"] == "gauge":
            self.gauge_cells(cells, held, meter)
        else:
            for (start, _), (_, value, quality) in held.items():
                cell = cells[start // self.bucket_ms]
                cell.activity += value
                cell.delivered += abs(value)
                cell.guessed += abs(value) * (quality == "estimated")
            for cell in cells.values():
                self.share(cell)
        return cells

    # --- windows

    def series(self, meter):
        category = meter["category"]
        scope = meter.get("scope") or SCOPES[category]
        factor = meter.get("factor") or "auto"
        electricity = category == "purchased_electricity"
        source = meter.get("source") or ("grid_electricity" if electricity else factor.split(".", 1)[1])
        return str(scope), category, source, QUANTITIES[meter["quantity"]][0]

    def figures(self):
        """{(facility, series or None, level, start_ms): Figures}; None: the facility's coverage."""
        # The newest bucket: no moment after it is expected to be covered.
        last = max(self.last_row(meter, end) for meter, held in self.in_force.items()
                   for _, end in held)
        result, meters_of = {}, defaultdict(list)
        for meter in self.meters.values():
            meters_of[meter["facility"]].append(meter)
        for facility in self.facilities.values():
            meters = meters_of[facility["id"]]
            cells = {m["id"]: self.cells(m["id"]) for m in meters}
            firsts = [first for first in map(self.first_ms, meters) if first is not None]
            if firsts:
                own = {}
                self.add_facility(own, facility, meters, cells, min(firsts), last)
                result.update(own)
        self.windows = result
        # A window that is not over, and has no reading, is not written yet. One in which nothing is
        # expected, and that has no reading, is never written.
        return {key: figures for key, figures in result.items()
                if figures.cells > 0
                or (key[1] is None and figures.final and figures.expected_ms > 0)}

    def balances(self, figures):
        """{(facility, level, start_ms): Balance} beside each figures of coverage, if the facility has
        electricity."""
        flows = defaultdict(set)
        for meter in self.meters.values():
            if meter["category"] in FLOWS and meter["quantity"] == "energy":
                flows[meter["facility"]].add(self.series(meter))
        return {(facility, level, start_ms): Balance({series: self.windows[facility, series, level, start_ms]
                                                      for series in flows[facility]})
                for facility, series, level, start_ms in figures if series is None and flows[facility]}

    def last_row(self, meter_id, end):
        """The bucket of the last moment that a reading tells of: a delivery's is its instant."""
        return (end - (self.meters[meter_id]["kind"] != "delivery")) // self.bucket_ms

    def first_ms(self, meter):
        """When the meter was heard of first; None: never."""
        return min((start for start, _ in self.in_force[meter["id"]]), default=None)

    def expected_from(self, meter, facility, calendar, year_ms):
        """From valid_from, else windows.reporting_from, but not before the fiscal year of the
        facility's first reading; else from its own first reading. None: not expected (yet)."""
        if meter["kind"] == "delivery":
            return None
        starts = [row["valid_from"] for row in (meter, facility) if row.get("valid_from")]
        if not starts and self.reporting_from:
            starts = [self.reporting_from]
        if not starts:
            return self.first_ms(meter)
        return max(year_ms, *(self.local_start(text, calendar) for text in starts))

    def local_start(self, text, calendar):
        if ":" in text:
            return instant(text)
        row = calendar.date_row(text[:10])
        return row * self.bucket_ms

    def expected_ms(self, meter, zone, low, high):
        """How much of [low, high) is within the schedule: bucket by bucket, as clocks show them."""
        if not meter.get("schedule"):
            return max(high - low, 0)
        return sum(min(high, (row + 1) * self.bucket_ms) - max(low, row * self.bucket_ms)
                   for row in self.rows(low, max(high, low))
                   if is_scheduled(meter["schedule"], zone, row * self.bucket_ms))

    def add_facility(self, result, facility, meters, cells, first_ms, last):
        first = first_ms // self.bucket_ms
        # A year more on both sides, so that no window that is asked for is cut.
        calendar = Calendar(facility["time_zone"], self.bucket_ms,
                            utc_year(first * self.bucket_ms) - 1,
                            utc_year(last * self.bucket_ms) + 2, self.fiscal_month)
        name = facility["id"]
        year_ms = calendar.window("year", first)[0] * self.bucket_ms
        spans = {}
        for meter in meters:
            start = self.expected_from(meter, facility, calendar, year_ms)
            if start is not None:
                ends = [self.local_start(row["valid_to"], calendar) for row in (meter, facility)
                        if row.get("valid_to")]
                spans[meter["id"]] = (start, min(ends, default=float("inf")))
        begin = min([first] + [start // self.bucket_ms for start, _ in spans.values()])
        for level in ("bucket", *LEVELS):
            # Before the first reading only days, months and the year are written.
            row = first if level in ("bucket", "hour") else begin
            while row <= last:
                window = calendar.window(level, row)
                start_ms, end_ms = window[0] * self.bucket_ms, window[1] * self.bucket_ms
                now_ms = min(end_ms, (last + 1) * self.bucket_ms)
                for series in {None, *map(self.series, meters)}:
                    figures = Figures(window, self.bucket_ms, last)
                    result[name, series, level, figures.start_ms] = figures
                    for meter in meters:
                        if meter["id"] not in spans or series not in (None, self.series(meter)):
                            continue
                        low, high = spans[meter["id"]]
                        low = max(low, start_ms)
                        zone = facility["time_zone"]
                        figures.expected_ms += self.expected_ms(meter, zone, low, min(high, now_ms))
                        figures.meters_expected += self.expected_ms(meter, zone, low,
                                                                    min(high, end_ms)) > 0
                row = window[1]
        for meter in meters:
            for row, cell in cells[meter["id"]].items():  # covered time counts within expected time
                low, high = spans.get(meter["id"], (0, 0))
                low, high = max(low, row * self.bucket_ms), min(high, (row + 1) * self.bucket_ms)
                cell.counted = min(cell.covered, self.expected_ms(meter, facility["time_zone"], low, high))
            self.add_meter(result, name, meter, cells[meter["id"]], calendar, facility)
        sources = set(map(self.series, meters))
        for (_, series, level, _), figures in result.items():
            if series is None:
                figures.weights = self.weights(result, name, sources, level, figures, calendar, first,
                                               last)

    def weights(self, result, name, sources, level, figures, calendar, first, last):
        """(covered, total): the emissions of the last month that was before the floor when the
        newest bucket of the window came, in millionths of a milligram."""
        newest = min(last, figures.end_ms // self.bucket_ms - 1)
        floor_row = (newest * self.bucket_ms - self.delay_ms - self.horizon_ms) // self.bucket_ms
        month = floor_row
        if floor_row >= first:
            month = calendar.window("month", floor_row)[0] - 1
        if floor_row < first or month < first:
            return 0, 0
        start_ms = calendar.window("month", month)[0] * self.bucket_ms
        covered = total = 0
        for source in sources:
            window = result.get((name, source, level, figures.start_ms))
            emitted = result.get((name, source, "month", start_ms))
            if window is None or window.expected_ms == 0 or emitted is None:
                continue
            weight = max(emitted.masses["co2e"], 0) * 10**6
            covered += weight * min(window.covered_ms, window.expected_ms) // window.expected_ms
            total += weight
        return covered, total

    def add_meter(self, result, name, meter, cells, calendar, facility):
        editions = self.factors.editions(meter, facility)
        starts = [calendar.date_row(day) if day else None for day, _ in editions]
        series = self.series(meter)
        for row, cell in cells.items():
            edition = max((i for i, start in enumerate(starts)
                           if i == 0 or (start is not None and start <= row)), default=0)
            rated = Rated(cell, editions[edition][1])
            for level in ("bucket", *LEVELS):
                start_ms = calendar.window(level, row)[0] * self.bucket_ms
                for which in (series, None):
                    result[name, which, level, start_ms].add(rated, meter)


def finest(gas, kg):
    """kg per canonical unit as whole numbers of the gas's figure per micro-unit of activity."""
    return kg * 10**FIGURES[GASES[gas]][1] / 10**6


def rate(activity, factor):
    """The product as rounded once, half to even; whether it is so near to a half that the last bit
    of a double decides."""
    whole, rest = divmod(activity * factor.numerator, factor.denominator)
    twice = 2 * rest - factor.denominator
    tie = abs(twice) << 50 <= (abs(whole) + 1) * factor.denominator
    return whole + (twice > 0 or (twice == 0 and whole % 2 == 1)), tie


class Rated:
    """A cell with its masses and its energy in the whole numbers of their figures."""

    def __init__(self, cell, masses):
        self.cell = cell
        self.masses, self.ties = {}, set()
        for gas in GASES:
            self.masses[gas], tie = rate(cell.activity, finest(gas, masses[gas]))
            if tie:
                self.ties.add(gas)
        self.energy = None
        if masses["energy"] is not None:  # GJ per unit are kJ per micro-unit
            self.energy, tie = rate(cell.activity, masses["energy"])
            if tie:
                self.ties.add("energy")
        self.factors = masses
        self.estimated = (self.masses["co2e"] * cell.estimated // cell.covered
                          if cell.covered else 0)


class Balance:
    """The electricity of a facility in a window, from the figures of its series."""

    def __init__(self, figures):
        self.covered_ms = sum(part.covered_ms for part in figures.values())
        self.expected_ms = sum(part.expected_ms for part in figures.values())
        self.values, self.times, self.metered = {}, {}, {FLOWS[series[1]] for series in figures}
        read = any(part.cells for part in figures.values())
        for flow in FLOWS.values():
            parts = [part for series, part in figures.items() if FLOWS[series[1]] == flow]
            amount, covered, expected = (sum(getattr(part, name) for part in parts)
                                         for name in ("activity", "covered_ms", "expected_ms"))
            silent = amount == 0 and covered == 0
            self.values[flow] = None if silent and expected > 0 else amount
            self.times[f"{flow}_covered_s"], self.times[f"{flow}_expected_s"] = covered, expected
        if self.values["generation"] == 0 and self.times["generation_covered_s"] == 0 and (
                self.values["export"] or "export" in self.metered and "generation" not in self.metered):
            self.values["generation"] = None
        if not read and self.expected_ms == 0:
            self.values = dict.fromkeys(self.values)

    def fields(self):
        """Micro-kWh; None: null."""
        bought, sold, made = (self.values[flow] for flow in FLOWS.values())
        own = None if sold is None or made is None else made - sold
        return {"import_kwh": bought, "export_kwh": sold, "generation_kwh": made, "own_use_kwh": own,
                "consumption_kwh": None if own is None or bought is None else bought + own}


class Figures:
    """The sums of a window."""

    def __init__(self, window, bucket_ms, last):
        self.start_ms, self.end_ms = window[0] * bucket_ms, window[1] * bucket_ms
        self.final = window[1] <= last + 1
        self.activity = self.covered_ms = self.expected_ms = self.meters_expected = 0
        self.cells = self.estimated = self.estimated_ms = self.unsplit = 0
        self.energy = self.energy_unknown = 0
        self.weights = (0, 0)
        self.masses, self.ties = Counter(), Counter()
        self.amounts = Counter()  # activity by factor, for the exact mass
        self.meters = set()

    def add(self, rated, meter):
        self.cells += 1
        self.activity += rated.cell.activity
        if meter["kind"] != "delivery":
            self.covered_ms += rated.cell.counted
            self.meters.add(meter["id"])
        for gas in GASES:
            self.masses[gas] += rated.masses[gas]
            self.ties[gas] += gas in rated.ties
            self.amounts[gas, rated.factors[gas]] += rated.cell.activity
        self.ties["energy"] += "energy" in rated.ties
        if rated.energy is None:
            self.energy_unknown += 1
        else:
            self.energy += rated.energy
        self.estimated += rated.estimated
        self.estimated_ms += 0 if rated.cell.delivered else rated.cell.estimated
        if rated.factors["unsplit"]:
            self.unsplit += rated.masses["co2e"]

    def exact_mass(self, gas):
        return sum((finest(gas, factor) * amount for (name, factor), amount in self.amounts.items()
                    if name == gas), Fraction(0))

    def values(self):
        """Every figure of FIGURES but NOTES, in its whole numbers; None: null, and left out of the row."""
        return {"activity": self.activity, "co2e_unsplit_kg": self.unsplit,
                "co2e_estimated_kg": self.estimated, "covered_s": self.covered_ms,
                "energy_gj": None if self.energy_unknown else self.energy,
                "energy_unknown": self.energy_unknown,
                "expected_s": self.expected_ms, "estimated_s": self.estimated_ms,
                **{field: self.masses[gas] for gas, field in GASES.items()}}
