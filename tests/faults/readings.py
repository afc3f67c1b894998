"""The input of a campaign: two million readings of 24 facilities over 12 partitions, from a seed.

The right outcome of every event is known as it is made, and the letter that the dead-letter or the
late topic must hold for it. Files of one input, in a folder of its own:

    facilities.csv, meters.csv   the tables
    log, expected                the messages, as produce.c reads them, and a pickled Expected
    log-long, expected-long      the same for a horizon longer than the input: without what is late
                                 for a short one only
    log-by-meter, expected-by-meter
                                 that as gateways send it that know nothing of facilities: the meter
                                 is the key of a message; without what the log's order decides, as
                                 messages are sent twice when they are re-keyed
    partition-N                  the same readings for `ghgd replay`, one MessagePack after another
"""
import multiprocessing
import os
import pickle
import random
import struct
import zlib
from collections import Counter
from pathlib import Path

from streams import DAY_MS, HOUR_MS, MINUTE_MS, ms, msgpack, stamp

PARTITIONS = 12
FACILITIES = 24
DAYS = 12
BEGIN = ms("2025-10-24T00:00:00+00:00")  # clocks change on the way, and a month ends
END = BEGIN + DAYS * DAY_MS
HORIZON = "36h"
HORIZON_MS = 36 * HOUR_MS
# Processes that re-key a backlog may be days apart; what the slower one brings must not be late.
HORIZON_LONG = "30d"
# A day leaves only when VictoriaMetrics has proven that it has it, which takes a while of each run.
HORIZON_VICTORIA = "8d"
OLD_MS = 60 * DAY_MS
EVENTS_MIN = 2_000_000
LETTERS_PER_MESSAGE = 64  # of one message; the next takes the message along whole
SPARE = "spare"
LONG, BY_METER = "-long", "-by-meter"  # the other logs
LOGS = ("", LONG, BY_METER)
RECENT, IN_ORDER, REPEATED = ("",), ("", LONG), (BY_METER,)  # records that some logs have only
DECISIONS = 25      # on readings of each meter; a meter has room for 256 in a horizon
DIP_MS = 4 * HOUR_MS  # what a dip changes stays within the shortest horizon, if its neighbour is dropped
HEAD = struct.Struct("<iIII")  # partition, whether it is native JSON, size of the key, size of the value

PLACES = (("Asia/Shanghai", "CN", ""), ("Europe/Lisbon", "PT", ""),
          ("America/New_York", "US", "NYCW"), ("Asia/Kathmandu", "NP", ""),
          ("Africa/Cairo", "EG", ""), ("Asia/Kolkata", "IN", ""),
          ("Asia/Dhaka", "BD", ""), ("Europe/Istanbul", "TR", ""))

# name: kind, minutes between readings, and columns of the meters table
METERS = {
    "grid": ("interval", 5, {"unit": "kWh", "stamp": "end", "category": "purchased_electricity"}),
    "line-1": ("gauge", 1, {"unit": "kW", "hold": "5m", "category": "purchased_electricity",
                             "on_conflict": "larger"}),
    "line-2": ("gauge", 1, {"unit": "kW", "hold": "5m", "category": "purchased_electricity"}),
    "shop": ("register", 1, {"unit": "kWh", "multiplier": "1.25", "digits": 6, "decimals": 1,
                             "category": "purchased_electricity", "source": "shop"}),
    "gas": ("register", 2, {"unit": "Nm3", "digits": 6, "decimals": 2, "max_rate": "900 Nm3/h",
                            "category": "stationary_combustion",
                            "factor": "ipcc2006.natural_gas"}),
    "boiler": ("gauge", 1, {"unit": "L/h", "hold": "5m", "category": "stationary_combustion",
                            "factor": "ipcc2006.gas_diesel_oil", "on_conflict": "larger"}),
    "sun": ("interval", 15, {"unit": "kWh", "stamp": "start", "negative": "yes",
                             "category": "onsite_generation", "factor": "onsite.solar"}),
    "steam": ("interval", 10, {"unit": "MJ", "stamp": "end", "basis": "ncv",
                               "category": "stationary_combustion",
                               "factor": "ipcc2006.residual_fuel_oil"}),
    "diesel": ("delivery", 480, {"unit": "L", "category": "mobile_combustion",
                                 "factor": "ipcc2006.gas_diesel_oil", "source": "trucks"}),
    "tank": ("stock", 60, {"unit": "L", "capacity": "40000 L", "category": "stationary_combustion",
                           "factor": "ipcc2006.gas_diesel_oil", "source": "tank"}),
    "silo": ("stock", 60, {"unit": "kg", "capacity": "90 t", "category": "stationary_combustion", "accrue": "yes",
                           "factor": "ipcc2006.other_bituminous_coal", "source": "silo"}),
}


class Expected:
    """events: how many there are. outcomes: {(partition, outcome or reason): events}. letters:
    {(partition, offset, index): (late, reason, bytes)}; spare: letters like that which are written
    when the event is read once more, and only then. ends: messages by partition."""

    def __init__(self):
        self.events = 0
        self.outcomes = Counter()
        self.letters, self.spare = {}, {}
        self.ends = [0] * PARTITIONS
        self.is_by_meter = False

    def add(self, message):
        """The message is the next one of its partition."""
        offset = self.ends[message.partition]
        self.ends[message.partition] += 1
        for outcome, events in message.outcomes.items():
            self.events += events
            self.outcomes[message.partition, outcome] += events
        for letters, of_message in ((self.letters, message.letters), (self.spare, message.spare)):
            for index, letter in of_message.items():
                letters[message.partition, offset, index] = letter


class Record:
    """One event on its way into a message. letter: whether it must leave by one; SPARE: only when
    it is read once more. gateway: whose message it comes in where the key is no facility. logs:
    those that have it. native: it is a message of its own, JSON with names and times of ghgd."""

    __slots__ = ("arrival", "packed", "json", "outcome", "letter", "gateway", "logs", "native")

    def __init__(self, arrival, packed, json, outcome, letter, gateway, logs=LOGS, native=False):
        self.arrival, self.packed, self.json = arrival, packed, json
        self.outcome, self.letter, self.gateway = outcome, letter, gateway
        self.logs, self.native = logs, native


def tables():
    """(rows of the facilities table, rows of the meters table)"""
    facilities, meters = [], []
    for number in range(FACILITIES):
        zone, country, region = PLACES[number % len(PLACES)]
        facilities.append({"id": f"f{number:02}", "name": f"Works {number}", "time_zone": zone,
                           "region": "east" if number % 3 else "west", "country": country,
                           "grid_region": region})
        for name, (kind, minutes, columns) in METERS.items():
            meters.append({"id": f"f{number:02}-{name}", "facility": f"f{number:02}", "kind": kind,
                           "interval": f"{min(minutes, 60)}m", **columns})
    return facilities, meters


def values(kind, name, minutes, pick):
    """The values of the meter, reading after reading: whole numbers, or decimals of few digits."""
    if kind == "register":
        modulus = 10**METERS[name][2]["digits"]
        scale = 10**METERS[name][2]["decimals"]
        count = modulus - pick.randrange(modulus // 50)  # it wraps soon
        step = max(1, int(8 * minutes * scale / 60 * pick.uniform(2, 20)))
        while True:
            yield count / scale
            count = (count + int(pick.random() * step)) % modulus
    if kind == "delivery":
        while True:
            yield pick.randrange(1, 6000)
    level, spread = pick.uniform(50, 400), pick.uniform(1, 20)
    low = -50 if name == "sun" else 0
    while True:
        level = min(900.0, max(low, level + (pick.random() - 0.5) * spread))
        yield round(level, 3)


def delays(pick):
    """How late a reading comes: seconds, at times minutes, seldom hours."""
    while True:
        dice = pick.random()
        yield int(dice * 20_000) if dice < 0.95 else int(
            pick.random() * (20 * MINUTE_MS if dice < 0.995 else 8 * HOUR_MS))


class Facility:
    """Makes the records of one facility."""

    def __init__(self, number, pick):
        self.name = f"f{number:02}"
        self.pick = pick
        self.is_json = number % 8 == 3
        self.records = []
        self.gateway = "grid"

    def add(self, arrival, event, outcome, letter=False, logs=LOGS, native=False):
        told = event
        if native:
            told = {key: stamp(value) if key in ("time", "start", "end") else value
                    for key, value in event.items()}
        json = json_text(told).encode() if self.is_json or native else None
        self.records.append(Record(arrival, msgpack(event), json, outcome, letter, self.gateway,
                                   logs, native))

    def displace(self, arrival, later, first, second, native=False):
        """Two events of one identity and rank: the one that stands later in the log stays."""
        self.add(arrival, first, "used", logs=IN_ORDER, native=native)
        self.add(later, second, "corrected", logs=IN_ORDER, native=native)
        self.add(later, second, "used", logs=REPEATED, native=native)

    def meter(self, name, kind, minutes):
        """All readings of a meter. Most of them are made by pasting, because there are so many."""
        pick, records, is_json = self.pick, self.records, self.is_json
        meter, self.gateway = f"{self.name}-{name}", name
        head = b"\x83\xa5meter" + msgpack(meter) + b"\xa4time\xd3"
        text = '{"meter": "' + meter + '", "time": %d, "value": %r}'
        pack_time, pack_value = struct.Struct(">q").pack, struct.Struct(">d").pack
        delay, rare = delays(pick), 0.012 if kind != "delivery" else 0.2
        decided = min(0.2, DECISIONS * minutes * MINUTE_MS / (END - BEGIN))
        # All facilities end together, whichever share a partition: its newest reading decides what
        # is final.
        begins = METERS[name][2].get("stamp") == "start"
        end = END - minutes * MINUTE_MS if begins else END
        at = BEGIN + MINUTE_MS * pick.randrange(1, minutes + 1)
        counter = values(kind, name, minutes, pick)
        while at < end:
            value = next(counter)
            arrival = at + 16 * MINUTE_MS + next(delay)  # an interval may end by then, not begin
            if kind == "register" and pick.random() < decided / 4:
                counter = values(kind, name, minutes, pick)
                value = self.exchange(meter, at - 30_000, arrival, value, next(counter))
            if pick.random() < rare:
                self.unusual(meter, kind, at, arrival, value)
            else:
                packed = head + pack_time(at) + b"\xa5value\xcb" + pack_value(value)
                json = (text % (at, value)).encode() if is_json else None
                records.append(Record(arrival, packed, json, "used", False, name))
            if pick.random() < decided:
                self.decide({"meter": meter, "time": at},
                            "delivery" if kind == "delivery" else "reading", arrival)
            at += minutes * MINUTE_MS

    def exchange(self, meter, at, arrival, final, initial):
        """A register gets another counter; a gateway or a person says so. Returns its initial state."""
        event = {"meter": meter, "time": at, "event": "exchange", "final": str(final),
                 "initial": str(initial)}
        native = self.pick.random() < 0.5
        self.add(arrival, event, "used", native=native)
        if self.pick.random() < 0.2:
            self.add(arrival + HOUR_MS, event, "duplicate", native=native)
        return initial

    def decide(self, subject, of, arrival):
        """A person decides on a reading, before it comes or behind it."""
        pick = self.pick
        arrival += pick.randrange(-HOUR_MS, HOUR_MS)
        later = arrival + 1 + pick.randrange(2 * HOUR_MS)

        def event(word, revision=0):
            return {**subject, "event": word, "of": of, "quality": "actual", "revision": revision,
                    "by": "ines", "at": stamp(arrival), "note": "a test of the meter"}
        way = pick.choices(("drop", "accept", "twice", "regretted", "outranked"),
                           (50, 10, 10, 20, 10))[0]
        if way == "regretted":
            self.displace(arrival, later, event("drop"), event("accept"), native=True)
            return
        first = event("accept" if way == "accept" else "drop", 3 if way == "outranked" else 0)
        self.add(arrival, first, "used", native=True)
        if way == "twice":
            self.add(later, first, "duplicate", native=True)
        elif way == "outranked":
            self.add(later, event("accept", 2), "corrected", native=True)

    def stock(self, name):
        """Dips of a stock, and what came and went in between."""
        pick, self.gateway = self.pick, name
        level, at, number = pick.randrange(5000, 15000), BEGIN + pick.randrange(HOUR_MS), 0
        while at < END:
            self.document({"event": "dip", "time": at, "value": level})
            for event, chance, most in (("delivery", 0.5 if level < 25000 else 0, 9000),
                                        ("transfer", 0.3, 1500), ("credit", 0.05, 500)):
                if pick.random() < chance:
                    number += 1
                    amount = pick.randrange(1, most)
                    level += amount if event == "delivery" else -amount
                    when = at + pick.randrange(1, DIP_MS)
                    if when < END:
                        self.document({"event": event, "time": when, "value": amount,
                                       "id": f"N-{number}"})
            level = max(0, level - pick.randrange(50, 900))  # a transfer may be too large: it is held
            at += DIP_MS

    def document(self, event):
        """A dip, or an amount with an id."""
        pick, event = self.pick, {"meter": f"{self.name}-{self.gateway}", **event}
        arrival = event["time"] + 16 * MINUTE_MS + next(delays(pick))
        later = arrival + 1 + pick.randrange(3 * HOUR_MS)
        way = pick.choices(("plain", "lost", "twice", "corrected", "estimated", "displaced"),
                           (60, 2, 10, 10, 8, 10))[0]
        if way == "displaced" and not 3 * DIP_MS < event["time"] - BEGIN < END - BEGIN - 3 * DIP_MS:
            way = "plain"  # without a balance around it, its bucket has a row for the conflict alone
        other = {**event, "value": event["value"] + pick.randrange(1, 900)}
        if "id" in event:  # it may have been of another time
            other["time"] = min(END, event["time"] + pick.randrange(-HOUR_MS, HOUR_MS)) - 1
        if way == "displaced":
            self.displace(arrival, later, other, event)
        elif way != "lost":
            outranked = {"estimated": {**other, "quality": "estimated"}, "corrected": other}
            self.add(arrival, outranked.get(way, event), "used")
        if way == "twice":
            self.add(later, event, "duplicate")
        elif way == "estimated":
            self.add(later, event, "corrected")
        elif way == "corrected":
            self.add(later, {**event, "revision": pick.randrange(1, 9)}, "corrected")
        if pick.random() < 0.06:
            self.decide(without(without(event, "value"), "event"), event["event"], arrival)

    def unusual(self, meter, kind, at, arrival, value):
        pick = self.pick
        event = {"meter": meter, "time": at, "value": value}
        later = arrival + 1 + (0 if pick.random() < 0.3 else pick.randrange(4 * HOUR_MS))
        is_larger = METERS[self.gateway][2].get("on_conflict") == "larger"
        way = pick.choices(("lost", "twice", "corrected", "outranked", "estimated", "conflict",
                            "outbid", "displaced", "written"),
                           (60, 90, 40, 20, 30, 3 * is_larger, 3 * is_larger, 12 * (not is_larger),
                            40))[0]
        if kind == "register" and way not in ("lost", "twice", "displaced"):
            way = "written"  # another count would be a fall or a jump
        if kind == "delivery" and way == "displaced":
            way = "written"  # another amount of one time is another delivery
        if way == "lost":
            return
        if way == "twice":
            self.add(arrival, event, "used")
            self.add(later, event, "duplicate")
        elif way == "corrected":
            self.add(arrival, event, "used")
            self.add(later, {**event, "value": value + 1.5, "revision": pick.randrange(1, 9)},
                     "corrected")
        elif way == "outranked":
            self.add(arrival, {**event, "revision": 7}, "used")
            self.add(later, {**event, "value": value + 2.25, "revision": 3}, "corrected")
        elif way == "estimated":
            self.add(arrival, {**event, "value": value + 10, "quality": "estimated"}, "used")
            self.add(later, event, "corrected")
        elif way == "conflict":
            self.add(arrival, {**event, "value": value + 3.5}, "used")
            self.add(later, event, "conflict", letter=True)
        elif way == "outbid":
            self.add(arrival, event, "used", letter=SPARE)  # and it is the one in conflict
            self.add(later, {**event, "value": value + 3.5}, "conflict")
        elif way == "displaced":
            self.displace(arrival, later, {**event, "value": value + pick.choice((-0.5, 3.5))
                                           if value > 1 else value + 3.5}, event)
        else:
            self.add(arrival, {"time": stamp(at, 345), "meter": meter, "value": f"{value:.3f}",
                               "id": f"no {at}", "quality": pick.choice(("edited", "invoice"))},
                     "used")

    def estimates(self):
        """A day as a whole, estimated, under the measured intervals."""
        self.gateway = "grid"
        for day in range(DAYS):
            start = BEGIN + day * DAY_MS
            self.add(start + DAY_MS + HOUR_MS + self.pick.randrange(HOUR_MS),
                     {"meter": f"{self.name}-grid", "start": start, "end": start + DAY_MS,
                      "value": self.pick.randrange(9000), "quality": "estimated"}, "used")
            if self.pick.random() < 0.15:
                self.decide({"meter": f"{self.name}-grid", "start": start, "end": start + DAY_MS},
                            "reading", start + DAY_MS + HOUR_MS)

    def refused(self, count):
        """Events that must leave by the dead-letter or the late topic."""
        pick = self.pick
        for _ in range(count):
            arrival = BEGIN + pick.randrange(DAY_MS, DAYS * DAY_MS)
            good = {"meter": f"{self.name}-grid", "time": arrival // MINUTE_MS * MINUTE_MS + 13,
                    "value": 5}
            event, reason = bad_event(good, self.name, pick)
            is_recent = reason == "late" and event["time"] > arrival - OLD_MS
            self.gateway = "grid"
            self.add(arrival, event, reason, letter=True, logs=RECENT if is_recent else LOGS,
                     native="of" in event)

    def make(self):
        for name, (kind, minutes, _) in METERS.items():
            if kind == "stock":
                self.stock(name)
            else:
                self.meter(name, kind, minutes)
        self.estimates()
        self.refused(60)
        self.records.sort(key=lambda record: record.arrival)
        return self.records


def without(event, name):
    return {key: value for key, value in event.items() if key != name}


def bad_event(good, facility, pick):
    """(event, reason)"""
    decision = {**without(good, "value"), "event": "drop"}
    return pick.choice((
        lambda: ({**good, "time": good["time"] - HORIZON_MS - DAY_MS - pick.randrange(DAY_MS)},
                 "late"),
        lambda: ({**good, "time": good["time"] - OLD_MS - DAY_MS}, "late"),
        lambda: ({**good, "time": good["time"] + 9999 * DAY_MS}, "early"),
        lambda: ({**good, "meter": f"{facility}-nobody"}, "unknown"),
        lambda: ({**good, "value": "1,5"}, "value_invalid"),
        lambda: ({**good, "value": 1e30}, "value_range"),
        lambda: ({**good, "value": -1}, "value_negative"),
        lambda: ({**good, "meter": 7}, "meter_type"),
        lambda: ({**good, "unit": "furlong"}, "unit_unknown"),
        lambda: ({**good, "unit": "kg"}, "unit_mismatch"),
        lambda: ({**good, "quality": "guessed"}, "quality_invalid"),
        lambda: ({**good, "revision": 65536}, "revision_invalid"),
        lambda: ({**good, "time": "2025-10-30T00:15:00"}, "time_invalid"),
        lambda: ({**good, "meter": f"{facility}-gas", "start": good["time"] - 1,
                  "end": good["time"]}, "time_kind"),
        lambda: (without(good, "meter"), "meter_missing"),
        lambda: (without(good, "time"), "time_missing"),
        lambda: (without(good, "value"), "value_missing"),
        lambda: ({**good, "note": "x" * 65_500}, "too_large"),
        lambda: ({**good, "meter": f"{facility}-tank", "event": "dip", "value": 40001}, "implausible"),
        lambda: ({**good, "event": "dip"}, "event_kind"),
        lambda: ({**decision, "of": "dip"}, "event_kind"),
        lambda: ({**decision, "time": good["time"] - OLD_MS - DAY_MS, "of": "reading"}, "late"),
    ))()


def json_text(value):
    """Like json.dumps, which would escape nothing here either, but quicker."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}": {json_text(v)}' for k, v in value.items()) + "}"
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value)


# --- messages

class Message:
    """A message to send, and the outcomes that it must have: outcomes, and letters by the index of the
    event. timestamp: event time, by which the log is sorted."""

    def __init__(self, key, timestamp, value, records, damaged=False, native=False):
        """damaged: behind the records comes what cannot be read."""
        self.key, self.timestamp, self.value, self.partition = key, timestamp, value, None
        self.native = native
        self.records = records  # until the replay is written
        self.outcomes = Counter(record.outcome for record in records)
        self.letters, self.spare = {}, {}
        for index, record in enumerate(records):
            if record.letter:
                self.add_letter(index, record)
        if damaged:
            self.outcomes["undecodable"] += 1
            self.letters[len(records)] = (False, "undecodable", value)

    def add_letter(self, index, record):
        body = record.packed if record.json is None else record.json
        if record.letter == SPARE:
            self.spare[index] = (False, "conflict", body)
        elif len(self.letters) < LETTERS_PER_MESSAGE:
            self.letters[index] = (record.outcome == "late", record.outcome, body)
        elif len(self.letters) == LETTERS_PER_MESSAGE:
            self.letters[index] = (record.outcome == "late", record.outcome, self.value)


def messages_of(key, records, is_json, pick):
    """The records in messages of about a hundred; some damaged, some sent twice."""
    at = 0
    for record in records:
        if record.native:
            yield Message(key, record.arrival, record.json, [record], native=True)
    records = [record for record in records if not record.native]
    while at < len(records):
        part = records[at:at + pick.randint(60, 140)]
        at += len(part)
        timestamp = part[-1].arrival
        whole = array_of(part, is_json)
        dice = pick.random()
        if dice < 0.002 and timestamp > BEGIN + DAY_MS:
            yield spoilt(key, timestamp, part, is_json, pick)
            again = part[len(part) // 2:]  # the second half is cut off, and comes properly
            yield Message(key, timestamp, array_of(again, is_json), again)
        elif dice < 0.006 and all(r.outcome == "used" and not r.letter for r in part):
            yield Message(key, timestamp, whole, part)
            twins = [Record(r.arrival, r.packed, r.json, "duplicate", False, None) for r in part]
            yield Message(key, timestamp, whole, twins)
        else:
            yield Message(key, timestamp, whole, part)
        if pick.random() < 0.001:
            yield Message(key, timestamp, pick.choice(
                (b"garbage", b"\xc1\x00", b"{", b"\x93")), [], damaged=True)
        if pick.random() < 0.0005:
            yield flood(key, timestamp, is_json)


def array_of(records, is_json):
    if is_json:
        return b"[" + b", ".join(record.json for record in records) + b"]"
    return b"\xdc" + struct.pack(">H", len(records)) + b"".join(r.packed for r in records)


def spoilt(key, timestamp, records, is_json, pick):
    """Cut in the middle of an event: those before it are good, the message is not."""
    keep = records[:len(records) // 2]
    if is_json:
        value = array_of(keep, True)[:-1] + b', {"meter": '
    else:
        value = array_of(records, False)[:len(array_of(keep, False)) + pick.randrange(3, 12)]
    return Message(key, timestamp, value, keep, damaged=True)


def flood(key, timestamp, is_json):
    """More bad events than go alone."""
    events = [{"meter": 1, "n": n} for n in range(90)]
    bad = [Record(timestamp, msgpack(event), json_text(event).encode() if is_json else None,
                  "meter_type", True, None) for event in events]
    return Message(key, timestamp, array_of(bad, is_json), bad)


# --- logs

def keyed(facility, records, pick):
    """The messages of a facility, in its partition."""
    for message in messages_of(facility.name, records, facility.is_json, pick):
        message.is_json = facility.is_json
        message.partition = int(facility.name[1:]) % PARTITIONS
        yield message


def for_long_horizon(message):
    """The message without what is late for a short one only; the others keep their order."""
    kept = [record for record in message.records if LONG in record.logs]
    if len(kept) == len(message.records):
        return message
    found = Message(message.key, message.timestamp, array_of(kept, message.is_json), kept)
    found.partition = message.partition
    return found


def by_meter(facility, records, pick):
    """Messages of one gateway for each meter, in any partition."""
    gateways = {}
    for record in records:
        gateways.setdefault(f"{facility.name}-{record.gateway}", []).append(record)
    for key, records in gateways.items():
        for message in messages_of(key, records, facility.is_json, pick):
            message.partition = zlib.crc32(key.encode()) % PARTITIONS
            yield message


def make_partition(folder, seed, partition):
    """The messages of the facilities of a partition: of each log."""
    pick, pick_again = random.Random(f"{seed}/{partition}"), random.Random(f"{seed}-{partition}")
    logs = [], [], []
    for number in range(partition, FACILITIES, PARTITIONS):
        facility = Facility(number, pick)
        facility.make()
        by_key, records = ([record for record in facility.records if log in record.logs]
                           for log in ("", BY_METER))
        logs[0].extend(keyed(facility, by_key, pick))
        logs[2].extend(by_meter(facility, records, pick_again))
    logs[0].sort(key=lambda message: message.timestamp)
    logs[1].extend(map(for_long_horizon, logs[0]))
    with open(folder / f"partition-{partition}", "wb") as replayed:
        for message in logs[0]:
            replayed.write(b"".join(record.packed for record in message.records))
    for message in sum(logs, []):
        message.records = None
    return logs


def write_log(folder, name, messages):
    expected = Expected()
    expected.is_by_meter = name == BY_METER
    messages.sort(key=lambda message: message.timestamp)
    with open(folder / f"log{name}", "wb") as log:
        for message in messages:
            expected.add(message)
            key = message.key.encode()
            log.write(HEAD.pack(message.partition, message.native, len(key), len(message.value)) + key
                      + message.value)
    if expected.events < EVENTS_MIN:
        raise AssertionError(f"only {expected.events} events")
    (folder / f"expected{name}").write_bytes(pickle.dumps(expected))


def make(folder, seed):
    """Writes the files of the seed's input into the folder."""
    with multiprocessing.Pool(os.cpu_count()) as pool:
        parts = pool.starmap(make_partition, [(folder, seed, n) for n in range(PARTITIONS)])
    for number, name in reversed(list(enumerate(LOGS))):  # "expected" comes last
        write_log(folder, name, [message for part in parts for message in part[number]])


def load(folder, name=""):
    return pickle.loads((Path(folder) / f"expected{name}").read_bytes())
