"""Streams of readings in the likeness of what meters really send, and ways to disturb them.

An event is a dictionary with the native names; its value is text, so that every decimal stays what
it is. Streams come in order of time. All of it is made from a seed: the same every time.
"""
import json
import random
import struct
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def ms(text):
    return round((datetime.fromisoformat(text) - EPOCH).total_seconds() * 1000)


def stamp(at_ms, offset_minutes=0):
    """RFC 3339, in UTC or at an offset."""
    zone = timezone(timedelta(minutes=offset_minutes))
    moment = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)
    text = moment.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds")
    return text.replace("+00:00", "Z")


class Stream:
    """Facilities, meters and events of one data set, with the configuration that it needs."""

    def __init__(self, facilities, meters, events, config=None):
        self.facilities, self.meters, self.events = facilities, meters, events
        self.config = config or {}


# --- the data sets

def steel(seed=1, days=365):
    """A steel plant for a year: kWh of every quarter of an hour, stamped with its end; quiet
    nights, half days on Saturday, and hours at exactly nothing."""
    pick = random.Random(seed)
    begin = ms("2018-01-01T00:00:00+09:00")
    events = []
    for step in range(days * 96):
        day, quarter = divmod(step, 96)
        weekday, hour = day % 7, quarter // 4
        busy = 8 <= hour < (13 if weekday == 5 else 20) and weekday != 6
        usage = pick.triangular(20, 157, 60) if busy else pick.choice((0, 2.92, 3.17, 3.24, 4.0))
        events.append({"meter": "steel-line", "time": stamp(begin + (step + 1) * 15 * MINUTE_MS),
                       "value": f"{usage:.2f}"})
    return Stream(
        [{"id": "gwangyang", "name": "Steel plant", "region": "asia", "time_zone": "Asia/Seoul",
          "country": "KR"}],
        [{"id": "steel-line", "facility": "gwangyang", "kind": "interval", "unit": "kWh",
          "interval": "15m", "stamp": "end", "category": "purchased_electricity"}],
        events, {"tables": {"groups": ["region"]}})


def registers(seed=2, days=75):
    """Homes whose counters of five and six digits are read when a reader passes: hours to five days
    apart, at odd seconds, estimated now and then. They wrap around the turn of the year, when the
    grid factor changes too."""
    pick = random.Random(seed)
    begin, end = ms("2024-11-20T00:00:00+00:00"), ms("2024-11-20T00:00:00+00:00") + days * DAY_MS
    meters, events = [], []
    for home in range(24):
        digits, decimals = pick.choice(((5, 0), (6, 1), (6, 0), (6, 2)))
        rate = pick.uniform(0.2, 3.0)  # kW
        top = 10 ** (digits - decimals)
        count = (top - rate * 24 * days / 2) % top
        multiplier = pick.choice(("", "", "10", "0.5", "1.25"))
        meters.append({"id": f"home-{home}", "facility": "estate", "kind": "register", "unit": "kWh",
                       "digits": digits, "decimals": decimals or "", "multiplier": multiplier,
                       "max_rate": "400 kW" if home % 3 else "",
                       "category": "purchased_electricity", "source": f"block_{home % 4}"})
        at = begin + pick.randrange(DAY_MS)
        while at < end:
            shown = f"{int(count * 10**decimals) / 10**decimals:.{decimals}f}"
            event = {"meter": f"home-{home}", "time": stamp(at), "value": shown}
            if pick.random() < 0.05:
                event["quality"] = "estimated"
            events.append(event)
            gap = int(pick.choice((pick.uniform(0.5, 9), pick.uniform(9, 120))) * HOUR_MS)
            count = (count + rate * pick.uniform(0.2, 1.8) * gap / HOUR_MS) % top
            at += gap
    events.sort(key=lambda event: event["time"])
    # A register's reading has to be within the horizon together with the one before it.
    return Stream([{"id": "estate", "time_zone": "Europe/London", "country": "GB"}], meters, events,
                  {"windows": {"horizon": "12d"}})


def household(seed=3, days=20):
    """Power of a household as samples: kW of three decimals every minute, W every ten, both with
    gaps of seconds to days."""
    pick = random.Random(seed)
    begin = ms("2007-01-25T17:24:00+00:00")
    events = []
    for meter, step_ms, decimals, scale in (("kw", MINUTE_MS, 3, 1), ("w", 10 * MINUTE_MS, 0, 1000)):
        at, level = begin, 1.0
        while at < begin + days * DAY_MS:
            level = min(9.9, max(0.078, level + pick.gauss(0, 0.3)))
            events.append({"meter": meter, "time": stamp(at), "value": f"{level * scale:.{decimals}f}"})
            at += step_ms + (pick.choice((0, 30_000, MINUTE_MS)) if pick.random() < 0.02 else 0)
            if pick.random() < 0.001:
                at += pick.randrange(30 * HOUR_MS)
    events.sort(key=lambda event: event["time"])
    common = {"facility": "sceaux", "kind": "gauge", "category": "purchased_electricity"}
    return Stream(
        [{"id": "sceaux", "time_zone": "Europe/Paris", "country": "FR"}],
        [{"id": "kw", "unit": "kW", "interval": "1m", **common},
         {"id": "w", "unit": "W", "interval": "10m", "hold": "25m", "source": "heating", **common}],
        events)


SCHEDULES = "", "22:00-06:00", "", "Mon-Fri 06:30-22:00; Sat-Sun 01:00-02:00"


def smart_meters(seed=4, days=30):
    """Homes with half-hourly kWh, as such files are: rows that stand twice, "Null", times off the
    grid that overlap their neighbours, and over all that daily estimates and a weekly invoice."""
    pick = random.Random(seed)
    begin = ms("2013-10-12T00:00:00+01:00")
    meters, events = [], []
    for home in range(8):
        name = f"MAC{home:06d}"
        meters.append({"id": name, "facility": f"ACORN-{'AB'[home % 2]}", "kind": "interval",
                       "unit": "kWh", "interval": "30m", "stamp": "start",
                       "schedule": SCHEDULES[home % 4],
                       "category": "purchased_electricity", "source": f"tariff_{home % 3}"})
        for step in range(days * 48):
            at = begin + step * 30 * MINUTE_MS
            if pick.random() < 0.02:  # silent for a while
                continue
            event = {"meter": name, "time": stamp(at), "value": f"{pick.expovariate(4):.3f}"}
            if pick.random() < 0.01:
                event["time"] = stamp(at + pick.randrange(30 * MINUTE_MS))
                event["value"] = pick.choice(("Null", event["value"]))
            events.append(event)
            if pick.random() < 0.01:
                events.append(dict(event))
            if pick.random() < 0.004:  # the same half-hour again, with another value
                events.append({**event, "value": "0.25"})
        for day in range(0, days, 3):
            at = begin + day * DAY_MS
            events.append({"meter": name, "start": stamp(at, 60), "end": stamp(at + DAY_MS, 60),
                           "value": f"{pick.uniform(5, 15):.1f}", "quality": "estimated"})
            if day % 9 == 0:
                events.append({"meter": name, "start": stamp(at), "end": stamp(at + 7 * DAY_MS),
                               "value": f"{pick.uniform(40, 90):.6f}", "quality": "invoice",
                               "revision": home % 3})
    events.sort(key=lambda event: ms(event.get("end") or event["time"]))
    facilities = [{"id": f"ACORN-{group}", "time_zone": "Europe/London", "country": "GB"}
                  for group in "AB"]
    # An interval has to begin within the horizon, and a week is long.
    return Stream(facilities, meters, events, {"windows": {"horizon": "15d"}})


FUELS = (  # meter, kind, unit, factor, and how much there is of it in an hour
    ("boiler", "register", "Nm3", "ipcc2006.natural_gas", 80),
    ("boiler-2", "register", "Nm3", "ipcc2006.natural_gas", 35),
    ("furnace", "interval", "Sm3", "ipcc2006.natural_gas_15c", 120),
    ("dryer", "interval", "scf", "epa2025.natural_gas", 900),
    ("burner", "gauge", "L/h", "ipcc2006.gas_diesel_oil", 30),
    ("wood", "delivery", "t", "ipcc2006.wood_wood_waste", 0.02),
    ("diesel", "delivery", "gal", "desnz.diesel", 9),
    ("chiller", "delivery", "g", "refrigerant.r_410a", 3),
    ("steam", "interval", "GJ", "ipcc2006.residual_fuel_oil", 2),
)


def fuels(seed=5, days=24):
    """Gas by counter and by the hour, oil as a flow, wood, diesel and refrigerant as delivered,
    beside the electricity of a plant with a province of its own; the year turns meanwhile."""
    pick = random.Random(seed)
    begin = ms("2024-12-18T16:00:00+00:00")
    meters = [{"id": "grid", "facility": "foshan", "kind": "gauge", "unit": "MW", "interval": "5m",
               "category": "purchased_electricity"},
              {"id": "pv", "facility": "foshan", "kind": "interval", "unit": "kWh", "interval": "1h",
               "stamp": "end", "negative": "yes", "category": "onsite_generation",
               "factor": "onsite.solar"}]
    for name, kind, unit, factor, _ in FUELS:
        meters.append({"id": name, "facility": "foshan", "kind": kind, "unit": unit,
                       "interval": "1h" if kind != "delivery" else "",
                       "stamp": "end" if kind == "interval" else "",
                       "digits": 7 if kind == "register" else "",
                       "decimals": 2 if kind == "register" else "",
                       "basis": "ncv" if name == "steam" else "", "factor": factor,
                       "source": name if name == "dryer" else "",
                       "category": "fugitive" if name == "chiller" else "stationary_combustion"})
    counts = {name: pick.uniform(80_000, 99_900) for name, kind, *_ in FUELS if kind == "register"}
    events = []
    for hour in range(days * 24):
        at = begin + hour * HOUR_MS
        for name, kind, unit, _, size in FUELS:
            amount = size * pick.uniform(0, 2)
            when = at + (pick.randrange(HOUR_MS) if kind == "delivery" else 0)
            if kind == "register":
                counts[name] = (counts[name] + amount) % 10**5
                amount = min(counts[name], 99999.99)
            if kind != "delivery" or pick.random() < 0.08:
                event = {"meter": name, "time": stamp(when), "value": f"{amount:.2f}"}
                if pick.random() < 0.1:
                    event["quality"] = pick.choice(("estimated", "edited", "invoice"))
                events.append(event)
        events.append({"meter": "pv", "time": stamp(at), "value": f"{pick.gauss(3, 9):.4f}"})
        for step in range(12):
            events.append({"meter": "grid", "time": stamp(at + step * 5 * MINUTE_MS),
                           "value": f"{pick.uniform(0.4, 1.9):.5f}"})
    events.sort(key=lambda event: event["time"])
    return Stream([{"id": "foshan", "time_zone": "Asia/Shanghai", "country": "CN",
                    "grid_region": "Guangdong", "region": "Asia", "division": "Weaving, dyeing"}],
                  meters, events, {"tables": {"groups": ["region", "division"]}})


ZONES = {"lisbon": ("Europe/Lisbon", "PT", ""), "new-york": ("America/New_York", "US", "NYCW"),
         "kathmandu": ("Asia/Kathmandu", "NP", ""), "lord-howe": ("Australia/Lord_Howe", "", ""),
         "cairo": ("Africa/Cairo", "EG", ""), "pune": ("Asia/Kolkata", "IN", "")}


def zones(begin, end, seed=6):
    """A meter each in zones of whole, half and quarter hours, whose clocks change on different days
    and by different steps. India's factor changes with its fiscal year."""
    pick = random.Random(seed)
    facilities, meters, events = [], [], []
    for name, (zone, country, region) in ZONES.items():
        facilities.append({"id": name, "time_zone": zone, "country": country, "grid_region": region})
        meters.append({"id": f"{name}-1", "facility": name, "kind": "register", "unit": "MWh",
                       "category": "purchased_electricity" if country else "stationary_combustion",
                       "factor": "" if country else "ipcc2006.lignite",
                       "basis": "" if country else "ncv"})
        at, count = ms(f"{begin}T00:00:00+00:00") + pick.randrange(DAY_MS), Decimal("17.5")
        while at < ms(f"{end}T00:00:00+00:00"):
            events.append({"meter": f"{name}-1", "time": stamp(at, pick.randrange(-48, 56) * 15),
                           "value": str(count)})
            at += pick.choice((15 * MINUTE_MS, HOUR_MS, pick.randrange(1, 5 * HOUR_MS)))
            count += Decimal(pick.randrange(10**6)) / 10**6
    events.sort(key=lambda event: ms(event["time"]))
    return Stream(facilities, meters, events)


NAMES = ("Nähwerk {}", "مصنع النسيج {}", "plant, {}", 'the "big" one {}', "back\\slash {}", "{}\\",
         "a=b {}", "👟 {} 👩🏽‍🏭", "Cafe\u0301 {}", "  {}  ", "\\, {}", "工厂{}", "\u200f{}\u200e", "#{}", "'{}'",
         "%s%n{}", "{}\u00a0", "${{HOME}} {}", "<{}>", "ﬃ {} Ω≈ç√")


def crowd(count, seed=7):
    """Thousands of places with names from everywhere; a few readings each, within an hour or so."""
    pick = random.Random(seed)
    begin = ms("2025-06-30T21:50:00+00:00")
    facilities, meters, events = [], [], []
    for number in range(count):
        name = NAMES[number % len(NAMES)].format(number)
        facilities.append({"id": name, "name": name, "line": NAMES[number % 7].format("line"),
                           "time_zone": pick.choice(("Europe/Istanbul", "Asia/Dhaka", "America/Lima")),
                           "country": pick.choice(("TR", "BD", "VN", "IN"))})
        meter = f"{name}/m"
        meters.append({"id": meter, "facility": name, "kind": "interval", "unit": "kWh",
                       "interval": "15m", "stamp": "start", "category": "purchased_electricity"})
        for step in sorted(pick.sample(range(4), pick.randint(1, 3))):
            events.append({"meter": meter, "time": stamp(begin + step * 10 * MINUTE_MS),
                           "value": str(pick.randrange(1000)), "unit": pick.choice(("kWh", "Wh"))})
    events.sort(key=lambda event: event["time"])
    return Stream(facilities, meters, events, {"tables": {"groups": ["line"]}})


# --- disturbances: none of them may change a figure
#
# Each takes and gives (arrival, event) pairs. All of them together delay by less than six days.

def arrivals(events):
    """Every event as soon as it is measured."""
    return [(ms(event.get("end") or event["time"]), event) for event in events]


def in_order(pairs):
    return [event for _, event in sorted(pairs, key=lambda pair: pair[0])]


def shuffled(pairs, pick):
    return [(at + pick.randrange(36 * HOUR_MS), event) for at, event in pairs]


def decided(events, seed, share, is_taken_back):
    """People drop some readings, before they come or later, and take some of that back. The second
    decision has a higher rank, so that the log's order does not decide."""
    pick = random.Random(seed)
    pairs = arrivals(events)
    for at, event in list(pairs):
        if pick.random() >= share:
            continue
        drop = {key: event[key] for key in ("meter", "time", "quality", "revision") if key in event}
        pairs.append((at + pick.randrange(-HOUR_MS, DAY_MS), {**drop, "event": "drop"}))
        if is_taken_back(event) and pick.random() < 0.3:
            back = {**drop, "event": "accept", "revision": event.get("revision", 0) + 1}
            pairs.append((at + pick.randrange(-HOUR_MS, DAY_MS), back))
    return in_order(pairs)


def duplicated(pairs, pick, share=0.1):
    """Some events come again, at once or a while later."""
    again = [(at + pick.choice((0, pick.randrange(DAY_MS))), dict(event)) for at, event in pairs
             if pick.random() < share]
    return pairs + again


def delayed(pairs, pick, outage_ms=30 * HOUR_MS):
    """Lines are down: what is measured meanwhile comes in one go when they are up again."""
    down = {key: pick.random() < 0.3 for key in {(event["meter"], at // outage_ms)
                                                 for at, event in pairs}}
    return [((at // outage_ms + 1) * outage_ms if down[event["meter"], at // outage_ms] else at, event)
            for at, event in pairs]


def preceded(pairs, pick, outranked, share=0.1):
    """Some events are sent with a wrong value too, which they outrank, mostly before them."""
    result = []
    for at, event in pairs:
        if event.get("quality") == "estimated" or event["value"] == "Null" or pick.random() >= share:
            result.append((at, event))
            continue
        wrong = {**event, "value": str(Decimal(event["value"]) + pick.randrange(1, 50))}
        event, wrong = outranked(event, wrong)
        later = pick.randrange(DAY_MS)
        wrong_first = pick.random() < 0.7
        result += [(at + later * wrong_first, event), (at + later * (not wrong_first), wrong)]
    return result


def estimated(pairs, pick):
    return preceded(pairs, pick, lambda event, wrong: (event, {**wrong, "quality": "estimated"}))


def revised(pairs, pick):
    def outranked(event, wrong):
        revision = pick.randrange(1, 65536)
        return {**event, "revision": revision}, {**wrong, "revision": revision - 1}
    return preceded(pairs, pick, outranked)


DISTURBANCES = {"shuffled": shuffled, "duplicated": duplicated, "delayed": delayed,
                "estimated": estimated, "revised": revised}


def disturb(events, seed, *names):
    pick = random.Random(seed)
    pairs = arrivals(events)
    for name in names:
        pairs = DISTURBANCES[name](pairs, pick)
    return in_order(pairs)


UNITS = {"Wh": Fraction(1000), "kWh": Fraction(1), "MWh": Fraction(1, 1000),
         "MJ": Fraction(18, 5), "GJ": Fraction(36, 10000), "TJ": Fraction(36, 10**7)}


def decimal_text(value):
    """A fraction that is a finite decimal, in full."""
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole = str(abs(int(value * 10**digits))).rjust(digits + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)


def in_other_units(events, seed):
    """kWh as Wh, MWh, MJ, GJ or TJ: the same amounts."""
    pick = random.Random(seed)
    result = []
    for event in events:
        unit = pick.choice(sorted(UNITS))
        value = decimal_text(Fraction(event["value"]) * UNITS[unit])
        result.append({**event, "unit": unit, "value": value})
    return result


def as_intervals(events, span_ms):
    """Lone times at the end of an interval become start and end, with offsets from everywhere."""
    result = []
    for number, event in enumerate(events):
        event = dict(event)
        at, offset = ms(event.pop("time")), (number % 27 - 12) * 60 + number % 4 * 15
        event["start"], event["end"] = stamp(at - span_ms, offset), stamp(at, -offset)
        result.append(event)
    return result


def as_registers(events, span_ms, multiplier):
    """Amounts per interval of one meter become what a counter behind a transformer shows."""
    count = Decimal("1234.5")
    result = [{**events[0], "time": stamp(ms(events[0]["time"]) - span_ms), "value": str(count)}]
    for event in events:
        count += Decimal(event["value"]) / multiplier
        result.append({**event, "value": str(count)})
    return result


# --- formats

def json_lines(events, seed=0, batch_max=1):
    """One object a line, or arrays of up to batch_max; values as numbers or as text; fields in
    whatever order, with others between."""
    pick = random.Random(seed)
    lines, at = [], 0
    while at < len(events):
        count = pick.randint(1, batch_max)
        objects = [json_object(event, pick) for event in events[at:at + count]]
        lines.append(objects[0] if count == 1 else "[" + ", ".join(objects) + "]")
        at += count
    return "\n".join(lines).encode() + b"\n"


def json_object(event, pick):
    parts = []
    for name, value in event.items():
        bare = name == "value" and value[-1].isdigit() and pick.random() < 0.7
        ascii_only = pick.random() < 0.5
        parts.append(f'"{name}": ' + (value if bare else json.dumps(value, ensure_ascii=ascii_only)))
    if pick.random() < 0.1:
        parts.append('"site": {"meter": "other", "value": [1, null]}')
        pick.shuffle(parts)
    return "{" + ", ".join(parts) + "}"


def msgpack(value):
    """MessagePack of what events are made of: maps, arrays, text, whole numbers and doubles."""
    if isinstance(value, dict):
        head = bytes([0x80 | len(value)]) if len(value) < 16 else b"\xde" + struct.pack(">H", len(value))
        return head + b"".join(msgpack(key) + msgpack(item) for key, item in value.items())
    if isinstance(value, list):
        head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + struct.pack(">H", len(value))
        return head + b"".join(map(msgpack, value))
    if isinstance(value, str):
        raw = value.encode()
        if len(raw) < 32:
            return bytes([0xa0 | len(raw)]) + raw
        return b"\xd9" + bytes([len(raw)]) + raw if len(raw) < 256 else \
            b"\xda" + struct.pack(">H", len(raw)) + raw
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        return b"\xd3" + struct.pack(">q", value)
    return b"\xcb" + struct.pack(">d", value)


def msgpack_stream(events, seed=0, batch_max=1):
    """Objects one after another, or in arrays; values as text, doubles or whole numbers."""
    pick = random.Random(seed)
    parts, at = [], 0
    while at < len(events):
        count = pick.randint(1, batch_max)
        objects = [packed(event, pick) for event in events[at:at + count]]
        parts.append(msgpack(objects[0] if count == 1 else objects))
        at += count
    return b"".join(parts)


def packed(event, pick):
    value = event["value"]
    if pick.random() < 0.7 and len(value.lstrip("-0.")) <= 15 and value[-1].isdigit():
        value = int(value) if value.lstrip("-").isdigit() else float(value)
    return {**event, "value": value}
