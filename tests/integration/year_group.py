"""A group of factories over months or a year, with every kind of meter, and what they truly used.

The meters glitch, roll over, are exchanged; readings are estimated first, sent twice, corrected,
contradicted, late, and come in any order within the horizon. The generator knows the truth, and
keeps it for each meter and local month in whole micro-units. All of it is made from a seed.
"""
import random
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from streams import DAY_MS, EPOCH, HOUR_MS, MINUTE_MS, ms, stamp

HORIZON = "50d"
DELAY_MS = 8 * DAY_MS       # a reading comes so long after its end at most
LATE_MS = 100 * DAY_MS      # and so late that its day has closed
PLACES = (("Asia/Shanghai", "CN", "Guangdong"), ("Asia/Dhaka", "BD", ""), ("Europe/Istanbul", "TR", ""),
          ("America/Mexico_City", "MX", ""), ("Europe/Berlin", "DE", ""), ("Asia/Ho_Chi_Minh", "VN", ""),
          ("America/New_York", "US", "NYCW"), ("Africa/Cairo", "EG", ""), ("Europe/Lisbon", "PT", ""))
HALF_HOURS = ("Asia/Kolkata", "IN", "")
FACTORS = [{"id": f"own.{unit}", "edition": "1", "issuer": "test", "source": f"a kilogram for each {unit}",
            "unit": unit, "co2e": "1"} for unit in ("kWh", "GJ", "kg")]


def whole(value):
    """Rounded half to even."""
    below, rest = divmod(value.numerator, value.denominator)
    twice = 2 * rest - value.denominator
    return below + (twice > 0 or (twice == 0 and below % 2 == 1))


def shown(count, decimals):
    """The text on a display with so many decimals, of a count of its last digit."""
    text = str(abs(count)).rjust(decimals + 1, "0")
    sign = "-" if count < 0 else ""
    return sign + (f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text)


class Clock:
    """The months and days of a zone."""

    def __init__(self, zone):
        self.zone = ZoneInfo(zone)

    def at(self, *date):
        return ms(datetime(*date, tzinfo=self.zone).isoformat())

    def date(self, at_ms):
        return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(self.zone)

    def month(self, at_ms):
        """(year, month), and the first instant of the next one."""
        date = self.date(at_ms)
        after = (date.year, date.month + 1) if date.month < 12 else (date.year + 1, 1)
        return (date.year, date.month), self.at(*after, 1)

    def days(self, begin_ms, end_ms, step=1, hour=0):
        """Midnights, or another hour, of every so many days."""
        date, found = self.date(begin_ms).date(), []
        while True:
            at = self.at(date.year, date.month, date.day, hour)
            if at > end_ms:
                return found
            found += [at] if at >= begin_ms else []
            date += timedelta(days=step)

    def months(self, begin_ms, end_ms):
        return [day for day in self.days(begin_ms, end_ms) if self.date(day).day == 1]


class Meter:
    """columns of its row; sends: (not before, not after, chain, event), and those of one chain keep
    their order; truth: micro-units by month, as they have to be booked; outcomes of its events.
    scale: micro-units of 1 as it is sent."""

    def __init__(self, place, name, scale=10**6, **columns):
        self.place, self.clock, self.pick = place, place.clock, place.pick
        self.id, self.scale = f"{place.id}-{name}", Fraction(scale)
        self.columns = {"id": self.id, "facility": place.id, "source": self.id, **columns}
        self.sends, self.truth, self.outcomes = [], Counter(), Counter()
        self.covered_ms = 0
        self.mains = None
        place.meters.append(self)

    # --- what is true

    def book(self, begin_ms, end_ms, micro):
        """Spreads an amount; months get what the rule of cutting gives them."""
        self.covered_ms += end_ms - begin_ms
        at, given = begin_ms, 0
        while at < end_ms:
            month, after = self.clock.month(at)
            at = min(after, end_ms)
            upto = micro * (at - begin_ms) // (end_ms - begin_ms)
            self.add(month, upto - given)
            given = upto

    def add(self, month, micro):
        self.truth[month] += micro
        if self.mains:  # it counts below the main meter, which counts the rest
            self.mains.truth[month] -= micro

    def micro(self, value):
        return whole(Fraction(value) * self.scale)

    # --- what is sent

    def event(self, at, value, **more):
        times = {"start": stamp(at[0]), "end": stamp(at[1])} if isinstance(at, tuple) else {"time": stamp(at)}
        event = {"meter": self.id, **times, "value": value, **more}
        return {key: item for key, item in event.items() if item is not None}

    def send(self, ready_ms, event, chain=None, delay_ms=DELAY_MS):
        slow = self.pick.random() < 0.05
        self.sends.append((ready_ms, ready_ms + (delay_ms if slow else 2 * HOUR_MS), chain, event))

    def tell(self, ready_ms, event, wrong, calm=False):
        """Sends a reading that counts, and now and then others of its identity that do not.

        wrong is another value that it could have; calm: nothing happens to it."""
        self.outcomes["used"] += 1
        chance = 1 if calm else self.pick.random()
        chain = None
        if chance < 0.01:
            self.outcomes["duplicate"] += 1
            self.send(ready_ms, dict(event))
        elif chance < 0.02 and "quality" not in event:
            self.outcomes["corrected"] += 1
            self.send(ready_ms, {**event, "value": wrong, "quality": "estimated"})
        elif chance < 0.03:
            self.outcomes["corrected"] += 1
            self.send(ready_ms, {**event, "value": wrong})
            event = {**event, "revision": self.pick.randrange(1, 9)}
        elif chance < 0.033:
            self.outcomes["corrected"] += 1
            chain = len(self.sends)
            wrong = next(w for w in (wrong, "0.5", "1.5") if Fraction(w) != Fraction(event["value"]))
            self.send(ready_ms, {**event, "value": wrong}, chain)
        elif chance < 0.034 and ready_ms + 60 * DAY_MS < self.place.end_ms:
            self.outcomes["late"] += 1
            self.sends.append((ready_ms + LATE_MS, ready_ms + LATE_MS + DAY_MS, None,
                               {**event, "value": wrong, "revision": 9}))
        self.send(ready_ms, event, chain)

    def refuse(self, ready_ms, event, reason):
        self.outcomes[reason] += 1
        self.send(ready_ms, event)


class Place:
    def __init__(self, number, zone, country, region, seed):
        self.id, self.clock = f"site-{number:02}", Clock(zone)
        self.row = {"id": self.id, "time_zone": zone, "country": country, "grid_region": region,
                    "region": zone.split("/")[0]}
        self.pick, self.meters = random.Random(f"{seed}/{number}"), []

    def span(self, begin, end_ms):
        self.begin_ms, self.end_ms = self.clock.at(*begin), end_ms

    def hours(self, step_ms=HOUR_MS):
        """Instants from the beginning on, and the end of the group's time."""
        ticks = list(range(self.begin_ms, self.end_ms, step_ms))
        return ticks + [self.end_ms]


# --- registers: a list of (instant, count, whether it is as the counter stood)

GRID = {"category": "purchased_electricity"}
BURNT = {"category": "stationary_combustion"}


def steps(pick, ticks, rate):
    """The use between two instants, in counts of the last digit; rate: counts an hour."""
    return [int(pick.uniform(0.2, 1.8) * rate * (b - a) / HOUR_MS) + 1 for a, b in zip(ticks, ticks[1:])]


def glitch(pick, counts, top, every):
    """{index: count} of what is shown instead, now and then, of a counter that ends at top."""
    shows, at = {}, pick.randrange(30, 30 + every)
    while at < len(counts) - 20:
        run = pick.choice((1, 1, 1, 2, 3))
        near = counts[at - 15:at + run + 15]
        if top // 20 < min(near) and max(near) < top * 9 // 10 and near == sorted(near):
            kind = pick.randrange(3)
            for i in range(at, at + run):
                shows[i] = (0, top - 1, (counts[i] + top) // 2)[kind]
        at += run + 30 + pick.randrange(every)
    return shows


def tell_counts(meter, ticks, counts, decimals, shows=None, top=None, amounts=None):
    """Sends the counts, and books what lies between those that are true."""
    shows, before = shows or {}, 0
    for i, at in enumerate(ticks):
        calm = shows or i in (0, len(ticks) - 1)
        meter.tell(at, meter.event(at, shown(shows.get(i, counts[i]), decimals)),
                   shown(counts[i] + 3, decimals), calm=bool(calm))
        if i in shows or i == 0:
            continue
        amount = counts[i] - counts[before]
        if amounts:
            amount = sum(amounts[before:i])
        elif top and amount < 0:
            amount += top
        meter.book(ticks[before], at, meter.micro(Fraction(amount, 10**decimals)))
        before = i


def counter(place, name, ticks, rate, digits, decimals, every=0, **columns):
    """A counter; every: readings between two glitches, and then it rolls over within the time."""
    pick, top = place.pick, columns.pop("top", None) or 10**digits
    used = steps(pick, ticks, rate)
    counts = [top - sum(used) // 2 % (top * 9 // 10) if every else sum(used) % 1000]
    for amount in used:
        counts.append((counts[-1] + amount) % top)
    multiplier = columns.get("multiplier", 1)
    meter = Meter(place, name, 10**6 * multiplier, kind="register", unit="kWh", digits=digits,
                  decimals=decimals,
                  max_rate=f"{2 * rate * multiplier * 10**-decimals + 1:.0f} kW", **columns)
    tell_counts(meter, ticks, counts, decimals, glitch(pick, counts, top, every) if every else None, top)
    return meter


def grid(place):
    """The main meter behind transformers, a hall and a yard behind it."""
    pick = place.pick
    main = counter(place, "grid", place.hours(2 * HOUR_MS), pick.choice((400, 900)), 6, 1, every=120,
                    multiplier=pick.choice((1, 40, 120, 8000)), interval="2h", **GRID)
    share = main.columns["multiplier"] * 10
    hall = Meter(place, "hall", kind="interval", unit="kWh", interval="1h", stamp="end", parent=main.id,
                 max_rate=f"{10 * share} kW", **GRID)
    hall.mains = main
    amounts(hall, place.hours(), share, gaps=0.002)
    days = place.clock.days(place.begin_ms, place.end_ms)
    yard = counter(place, "yard", days, share, 10, 1, interval="1d", parent=main.id, **GRID)
    for month, micro in yard.truth.items():
        main.truth[month] -= micro


def exchanged(place):
    """A gas meter that is read each day, and exchanged in the middle."""
    pick, days = place.pick, place.clock.days(place.begin_ms, place.end_ms)
    meter = Meter(place, "gas", kind="register", unit="Nm3", digits=8, decimals=2, interval="1d",
                  max_rate="100 Nm3/h", factor="ipcc2006.natural_gas", **BURNT)
    used, at = steps(pick, days, 2000), len(days) // 2
    count, before = pick.randrange(10**7), days[0]
    meter.tell(before, meter.event(before, shown(count, 2)), "0", calm=True)
    for i, day in enumerate(days[1:], 1):
        if i == at:
            moment = before + pick.randrange(6, 18) * HOUR_MS
            final, initial = count + used[i - 1] // 3, pick.choice((0, 1700))
            event = {"meter": meter.id, "time": stamp(moment), "event": "exchange",
                     "final": shown(final, 2), "initial": shown(initial, 2)}
            meter.outcomes.update({"used": 1, "duplicate": 1})
            meter.send(moment, event)
            meter.send(moment, event, delay_ms=6 * DAY_MS)
            meter.book(before, moment, meter.micro(Fraction(final - count, 100)))
            count, before = initial, moment
        meter.book(before, day, meter.micro(Fraction(used[i - 1], 100)))
        count, before = count + used[i - 1], day
        meter.tell(day, meter.event(day, shown(count, 2)), shown(count + 50, 2), calm=abs(i - at) < 3)


def pulses(place):
    counter(place, "pulses", place.hours(), 60, 5, 1, every=200, top=65536, modulus="6553.6", interval="1h",
             factor="own.kWh", **BURNT)


def day_counter(place):
    """It shows what was used since midnight."""
    ticks, clock = place.hours(), place.clock
    used, counts = steps(place.pick, ticks, 50), [0]
    for at, amount in zip(ticks, used):
        fresh = at == clock.at(*clock.date(at).timetuple()[:3])
        counts.append(amount if fresh else counts[-1] + amount)
    meter = Meter(place, "day-counter", kind="register", unit="kWh", digits=6, decimals=1, restarts="yes",
                  max_rate="12 kW", interval="1h", factor="own.kWh", **BURNT)
    tell_counts(meter, ticks, counts, 1, amounts=used)


def signed(place):
    """It runs backwards while heat is given back."""
    ticks, counts = place.hours(), [place.pick.randrange(10**5)]
    for _ in ticks[1:]:
        counts.append(counts[-1] + place.pick.randrange(-40, 90))
    meter = Meter(place, "signed", kind="register", unit="GJ", digits=8, decimals=2, negative="yes", interval="1h",
                  max_rate="2 GJ/h", factor="own.GJ", **BURNT)
    tell_counts(meter, ticks, counts, 2)


def solar(place):
    counter(place, "pv", place.hours(), 300, 6, 1, every=200, interval="1h",
             category="onsite_generation", factor="onsite.solar")
    meter = Meter(place, "export", kind="interval", unit="kWh", interval="1h", stamp="start",
                  max_rate="50 kW", factor="none", category="exported_electricity")
    amounts(meter, place.hours(), 5)


# --- intervals

def amounts(meter, ticks, rate, gaps=0.0, decimals=2):
    """An amount between each two instants, stamped as the meter's row says; some are missing."""
    pick, stamped = meter.pick, meter.columns.get("stamp")
    bounded = "max_rate" in meter.columns
    for i, (begin, end) in enumerate(zip(ticks, ticks[1:])):
        if pick.random() < gaps or (stamped and end - begin != ticks[1] - ticks[0]):
            continue
        value = shown(pick.randrange(int(rate * 2 * 10**decimals * (end - begin) / HOUR_MS) + 1), decimals)
        at = {"start": begin, "end": end}.get(stamped, (begin, end))
        meter.book(begin, end, meter.micro(value))
        meter.tell(end, meter.event(at, value), shown(pick.randrange(10**decimals), decimals))
        if bounded and i % 1000 == 500:
            meter.refuse(end, meter.event(at, "1000000", revision=9), "implausible")
        if i % 1000 == 501:
            meter.refuse(end, meter.event(at, "-1"), "value_negative")


def hourly(place):
    amounts(Meter(place, "line", kind="interval", unit="MWh", scale=10**9, interval="1h", stamp="start",
                  max_rate="9 MW", factor="own.kWh", **BURNT), place.hours(), 3, gaps=0.003)


def quarters(place):
    end = place.begin_ms + 45 * DAY_MS  # many readings: for as long as a trial lasts
    ticks = range(place.begin_ms, min(end, place.end_ms), 15 * MINUTE_MS)
    amounts(Meter(place, "quarters", kind="interval", unit="kWh", interval="15m", stamp="end",
                  max_rate="50 kW", factor="own.kWh", **BURNT), list(ticks), 20, gaps=0.003)


def daily(place):
    """A value a day on local clocks, of 23 to 25 hours."""
    days = place.clock.days(place.begin_ms, place.end_ms)
    meter = Meter(place, "days", kind="interval", unit="kWh", interval="1d", stamp="start",
                  max_rate="90 kW", factor="own.kWh", **BURNT)
    for begin, end in zip(days, days[1:]):
        value = shown(place.pick.randrange(200000), 2)
        meter.book(begin, end, meter.micro(value))
        meter.tell(end, meter.event(begin, value), "77")


def jitter(place):
    """Hours whose stamps are some seconds off at both ends: each keeps its value."""
    pick, hours = place.pick, place.hours()[:-1]
    edges = [(at + pick.randrange(-30, 30) * 1000, at + pick.randrange(-30, 30) * 1000) for at in hours]
    edges[0] = edges[-1] = None
    meter = Meter(place, "jitter", kind="interval", unit="kWh", interval="1h", max_rate="40 kW",
                  factor="own.kWh", **BURNT)
    spans = [(a[1], b[0]) for a, b in zip(edges[1:], edges[2:-1])]
    for i, (begin, end) in enumerate(spans):
        value = shown(pick.randrange(3000), 2)
        after = spans[i + 1][0] if i + 1 < len(spans) else end
        meter.book(begin, min(end, after), meter.micro(value))
        meter.tell(end, meter.event((begin, end), value), "", calm=True)  # of one rank, or it is no jitter


def bills(place):
    """A bill of two lines a month, which is the total, and single days that were metered."""
    pick, months = place.pick, place.clock.months(place.begin_ms, place.end_ms)
    meter = Meter(place, "bill", kind="interval", unit="kWh", interval="1d", reconcile="total",
                  max_rate="200 kW", factor="own.kWh", **BURNT)
    for number, (begin, end) in enumerate(zip(months, months[1:])):
        lines = [pick.randrange(3 * 10**6, 5 * 10**6), pick.randrange(10**6)]
        for line, value in enumerate(lines):
            meter.tell(end + DAY_MS, meter.event((begin, end), shown(value, 2), quality="invoice",
                                                 id=f"B-{number}/{line}"), "", calm=True)
        days = place.clock.days(begin, end)
        for day, after in list(zip(days, days[1:]))[::9]:
            meter.tell(after, meter.event((day, after), shown(pick.randrange(10**5), 2)), "3")
        meter.book(begin, end, meter.micro(Fraction(sum(lines), 100)))


def monthly(place):
    months = place.clock.months(place.begin_ms, place.end_ms)
    meter = Meter(place, "month", kind="interval", unit="kWh", interval="1mo", stamp="start",
                  max_rate="200 kW", factor="own.kWh", **BURNT)
    for begin, end in zip(months, months[1:]):
        value = shown(place.pick.randrange(10**7), 3)
        meter.book(begin, end, meter.micro(value))
        meter.tell(end + DAY_MS, meter.event(begin, value), "1")


def burner(place):
    """Gas at 20 kPa(g) and 25 C; its reference state is 15 C."""
    ratio = Fraction("121.325") / Fraction("101.325") * Fraction("288.15") / Fraction("298.15")
    amounts(Meter(place, "burner", 10**6 * ratio, kind="interval", quantity="gas_volume", unit="m3",
                  interval="1h", stamp="end", line_pressure="20 kPa(g)", line_temperature="25 C",
                  atmosphere="101.325 kPa", reference="Sm3", max_rate="900 m3/h",
                  factor="ipcc2006.natural_gas_15c", **BURNT), place.hours(), 300, gaps=0.002)


def steam(place):
    """Saturated at 7 bar(g), feed water of 80 C: 2768 - 335 kJ in each kilogram."""
    amounts(Meter(place, "steam", 2433 * 10**3, kind="interval", unit="t", interval="1h", stamp="start",
                  steam="saturated 7 bar(g)", feedwater="80 C", max_rate="9 t/h", factor="own.GJ",
                  category="purchased_steam"), place.hours(), 3)


def beside(place):
    """The utility's meter: it books nothing."""
    meter = Meter(place, "utility", kind="interval", unit="kWh", interval="1d", stamp="start",
                  max_rate="90 MW", role="check", **GRID)
    days = place.clock.days(place.begin_ms, place.end_ms)
    for begin, end in zip(days, days[1:]):
        meter.tell(end, meter.event(begin, shown(place.pick.randrange(10**6), 2)), "5")


# --- gauges, on times and of values that leave nothing to round

def flow(place):
    """Samples of every half an hour, joined by lines; now and then some are missing."""
    meter = Meter(place, "flow", kind="gauge", unit="kW", interval="30m", hold="45m", max_rate="900 kW",
                  factor="own.kWh", **BURNT)
    pick, before = place.pick, None
    for at in range(place.begin_ms, place.end_ms, 30 * MINUTE_MS):
        if pick.random() < 0.003:
            continue
        value = pick.randrange(900)
        meter.tell(at, meter.event(at, str(value)), "1")
        if before and at - before[0] <= 45 * MINUTE_MS:
            meter.book(before[0], at, meter.micro(Fraction(before[1] + value, 4)))
        before = at, value


def sensor(place):
    """It reports changes: a value holds until the next one, for a day at most."""
    meter = Meter(place, "sensor", kind="gauge", unit="kW", interval="15m", hold="24h", between="step",
                  max_rate="900 kW", factor="own.kWh", **BURNT)
    pick, at, before = place.pick, place.begin_ms, None
    while at < place.end_ms:
        value = 6 * pick.randrange(150)
        meter.tell(at, meter.event(at, str(value)), "12")
        if before:
            hold = min(at - before[0], DAY_MS)
            meter.book(before[0], before[0] + hold, meter.micro(Fraction(before[1] * hold, HOUR_MS)))
        before = at, value
        at += MINUTE_MS * (pick.randrange(1, 600) if pick.random() < 0.99 else pick.randrange(1500, 4000))


# --- documents

def trucks(place):
    """Diesel as delivered: two on one day, notes that are corrected, also to another day."""
    meter = Meter(place, "diesel", kind="delivery", unit="L", max_amount="30000 L",
                  factor="ipcc2006.gas_diesel_oil", **BURNT)
    pick, number = place.pick, 0
    for day in place.clock.days(place.begin_ms, place.end_ms - DAY_MS, step=3, hour=10):
        for _ in range(pick.choice((1, 1, 2))):
            number += 1
            value, at = shown(pick.randrange(10**5, 3 * 10**6), 2), day
            event = meter.event(at, value, id=f"INV-{number}")
            if number % 11 == 5:  # with another amount, and of the day before
                meter.outcomes.update({"used": 1, "corrected": 1})
                meter.send(at, event)
                at -= DAY_MS
                value = shown(pick.randrange(10**5), 2)
                meter.send(day, {**meter.event(at, value, id=f"INV-{number}"), "revision": 1})
            else:
                meter.tell(at, event, "5")
            meter.add(meter.clock.month(at)[0], meter.micro(value))
            if number % 20 == 7:
                meter.refuse(at, meter.event(at, "30000.01", id=f"X-{number}"), "implausible")


def coal_yard(place):
    """Coal between the dips of each month, or of each week."""
    clock, pick = place.clock, place.pick
    dips = clock.months(place.begin_ms, place.end_ms) if pick.random() < 0.5 else \
        clock.days(place.begin_ms, place.end_ms, step=7, hour=6)
    meter = Meter(place, "coal", 10**9, kind="stock", unit="t", capacity="5000 t", max_amount="400 t",
                  factor="ipcc2006.other_bituminous_coal", **BURNT)
    level = pick.randrange(10**5)
    meter.tell(dips[0], meter.event(dips[0], shown(level, 2), event="dip"), "7")
    for number, (begin, end) in enumerate(zip(dips, dips[1:])):
        held, at = level, begin + pick.randrange(1, 50) * HOUR_MS
        while at < end:
            kind = pick.choice(("delivery", "delivery", "delivery", None, "transfer", "credit"))
            size = pick.randrange(100, 35000 if kind in ("delivery", None) else 3000)
            if kind in ("delivery", None) or held > size:
                held += size if kind in ("delivery", None) else -size
                meter.tell(at, meter.event(at, shown(size, 2), event=kind, id=f"{number}-{at}"), "7.5")
            at += pick.randrange(30, 150) * HOUR_MS
        level = pick.randrange(min(held, 300000) + 1)
        meter.tell(end, meter.event(end, shown(level, 2), event="dip"), "9")
        meter.book(begin, end, meter.micro(Fraction(held - level, 100)))


KINDS = (exchanged, pulses, day_counter, signed, solar, hourly, quarters, daily, jitter, bills, monthly,
         burner, steam, beside, flow, sensor, trucks, coal_yard)


class Group:
    """count places with `each` kinds of meters beside their grid's; all end at one instant."""

    def __init__(self, seed, count, each, begin, end, half_hours=False):
        self.end_ms, self.places = ms(end), []
        for number in range(count):
            zone = HALF_HOURS if half_hours and number % 3 == 1 else PLACES[number % len(PLACES)]
            place = Place(number, *zone, seed)
            place.span(begin, self.end_ms)
            grid(place)
            for i in range(each):
                KINDS[(number * each + i) % len(KINDS)](place)
            self.places.append(place)
        self.meters = {meter.id: meter for place in self.places for meter in place.meters}

    def tables(self):
        """Rows of facilities, meters and factors."""
        return [place.row for place in self.places], [m.columns for m in self.meters.values()], FACTORS

    def outcomes(self):
        return sum((meter.outcomes for meter in self.meters.values()), Counter())

    def events(self, seed):
        """(arrival in ms, place, event), in an order that the seed chooses."""
        pick, found = random.Random(seed), []
        for meter in self.meters.values():
            chains = {}
            for low, high, chain, event in meter.sends:
                at = pick.randint(low, high)
                if chain is not None:  # the second one comes later, and after the first
                    at = chains[chain] = max(at, chains.get(chain, 0) + 1)
                found.append((at, meter.place.id, event))
        found.sort(key=lambda item: item[0])
        return found
