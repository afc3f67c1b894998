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
    """Homes whose counters of five and six digits are read when somebody passes: hours to five days
    apart, at odd seconds, estimated now and then; they wrap around the turn of the year, when the
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


def duplicated(pairs, pick, share=0.1):
    """Some events come again, at once or a while later."""
    again = [(at + pick.choice((0, pick.randrange(DAY_MS))), dict(event)) for at, event in pairs
             if pick.random() < share]
    return pairs + again


def delayed(pairs, pick, outage_ms=40 * HOUR_MS):
    """Lines are down: what is measured meanwhile comes in one go when they are up again."""
    down = {key: pick.random() < 0.3 for key in {(event["meter"], at // outage_ms)
                                                 for at, event in pairs}}
    return [((at // outage_ms + 1) * outage_ms if down[event["meter"], at // outage_ms] else at, event)
            for at, event in pairs]


def corrected(pairs, pick, share=0.1):
    """Some events are sent with a wrong value too: estimated, or in an earlier revision. What is
    outranked may come after what outranks it."""
    result = []
    for at, event in pairs:
        if event.get("quality") == "estimated" or pick.random() >= share:
            result.append((at, event))
            continue
        wrong = {**event, "value": str(Decimal(event["value"]) + pick.randrange(1, 50))}
        if pick.random() < 0.5:
            wrong["quality"] = "estimated"
        else:
            event = {**event, "revision": pick.randrange(1, 65536)}
            wrong["revision"] = event["revision"] - 1
        later = pick.randrange(DAY_MS)
        wrong_first = pick.random() < 0.7
        result += [(at + later * wrong_first, event), (at + later * (not wrong_first), wrong)]
    return result


DISTURBANCES = {"shuffled": shuffled, "duplicated": duplicated, "delayed": delayed,
                "corrected": corrected}


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


def as_registers(events, span_ms):
    """Amounts per interval of one meter become what a counter shows."""
    count = Decimal("1234.5")
    first = {**events[0], "time": stamp(ms(events[0]["time"]) - span_ms), "value": str(count)}
    result = [first]
    for event in events:
        count += Decimal(event["value"])
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
        bare = name == "value" and isinstance(value, str) and pick.random() < 0.7
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
    if pick.random() < 0.7 and len(value.lstrip("-0.")) <= 15:
        value = int(value) if value.lstrip("-").isdigit() else float(value)
    return {**event, "value": value}
