"""The histories of meters in tests/data/metering/, each with the right answer, through `ghgd replay`.

A history is a paragraph of the form

    == name
    why it is right
    zone Asia/Dhaka                      (UTC if it is not said)
    meter m1 kind=register unit=kWh      (columns of the table of meters; the facility is f1)
    option windows.horizon=7d            (70d if it is not said)
    m1 2026-03-01 00:00  1000            (a reading at a local time; or start .. end, then its words)
    = day 2026-03-01 m1 12.5 covered=24h spread_s=86400
    = used 3
    = refused 1 implausible

A time is local unless it ends with Z or an offset. Words behind a value: estimated, invoice, edited, revision=2, id=INV-7,
unit=MWh. An event of another kind: `m1 TIME exchange final=652000 initial=0`, `m1 TIME dip 9500`,
`m1 TIME drop of=dip`.
Answers: day, month, year, hour with the activity of a source, the meter's, in its unit; covered,
expected and the like are fields of the coverage row of the facility then, and `none` says that there
is no such row. import_kwh, flows_unknown and the like are fields of its row of energy; `null`: the
row does not have the field.

Each history is also replayed backwards, shuffled, and as one message, and has the same answers. The
line `in order` excepts one in which the log's order decides.
"""
import json
import os
import random
import re
import subprocess
import tempfile
import unittest
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import daemon
import replay
import servers

FOLDER = servers.ROOT / "tests" / "data" / "metering"
LEVELS = {"hour": "1h", "day": "1d", "month": "1mo", "year": "1y", "bucket": "15m"}
ENERGY = re.compile(r"_kwh$|^(import|export|generation)_|^flows_")
QUALITIES = ("estimated", "invoice", "edited", "actual")
ACTIONS = ("exchange", "dip", "delivery", "transfer", "credit", "accept", "drop")
MEASURES = re.compile(r"^(\d+(?:\.\d+)?)(h|m|s|d)$")
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
DEFAULTS = {"category": "stationary_combustion", "unit": "kWh"}
FACTORS = {"kWh": "own.energy", "MWh": "own.energy", "Wh": "own.energy", "kW": "own.energy", "W": "own.energy",
           "L": "own.liquid", "t": "own.mass", "kg": "own.mass", "GJ": "own.heat"}


class History:
    """A paragraph, line by line."""

    def __init__(self, name, place):
        self.name, self.place, self.zone = name, place, ZoneInfo("UTC")
        self.meters, self.options, self.events, self.answers = {}, {"windows.horizon": "70d"}, [], []
        self.in_order = False

    def take(self, line):
        word, _, rest = line.partition(" ")
        if word == "zone":
            self.zone = ZoneInfo(rest)
        elif word == "option":
            self.options.update([rest.split("=", 1)])
        elif word == "meter":
            name, *cells = re.findall(r'(?:[^\s"]|"[^"]*")+', rest)
            self.meters.setdefault(name, []).append(dict(c.replace('"', "").split("=", 1) for c in cells))
        elif line == "in order":
            self.in_order = True
        elif word == "=":
            self.answers.append(rest.split())
        elif word in self.meters:
            self.events.append(self.event(word, rest.split()))
        else:
            return False
        return True

    def instant(self, words):
        """RFC 3339 of a date, or of a date and a time, which are taken from the words."""
        date = words.pop(0)
        time = words.pop(0) if words and re.match(r"^\d\d:\d\d", words[0]) else "00:00"
        if time.endswith("Z"):
            return f"{date}T{time}"
        fold = time.endswith("*")  # the second of two hours of one name
        local = datetime.fromisoformat(f"{date}T{time.rstrip('*')}").replace(tzinfo=self.zone, fold=fold)
        return local.isoformat()

    def event(self, meter, words):
        event = {"meter": meter}
        first = self.instant(words)
        if words[0] == "..":
            words.pop(0)
            event.update(start=first, end=self.instant(words))
        else:
            event["time"] = first
        for word in words:
            key, _, value = word.partition("=")
            if word in QUALITIES:
                event["quality"] = word
            elif word in ACTIONS:
                event["event"] = word
            elif value:
                event[key] = int(value) if key == "revision" else value
            else:
                event["value"] = word
        return event


def read_histories(path):
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.split("  #")[0].strip()
        if line.startswith("== "):
            found.append(History(line[3:], f"{path.name}:{number}"))
        elif line and not line.startswith("#"):
            if not found[-1].take(line) and (found[-1].events or found[-1].answers):
                raise ValueError(f"{path.name}:{number}: not understood: {line}")
    return found


def write_configuration(history, folder):
    lines, sections = [], {}
    for key, value in history.options.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"  {name}: {value}")
    for section, options in sections.items():
        lines += [f"{section}:", *options]
    (folder / "ghgd.yaml").write_text("\n".join([
        "tables:", "  facilities: facilities.csv", "  meters: meters.csv", "  factors: [factors.csv]",
        *lines, "state_directory: .", ""]))
    facilities = {cells.get("facility", "f1") for versions in history.meters.values() for cells in versions}
    replay.write_csv(folder / "facilities.csv", [
        {"id": facility, "name": "Plant", "time_zone": history.zone.key, "country": "DE"}
        for facility in sorted(facilities)])
    rows = []
    for name, versions in history.meters.items():
        for cells in versions:
            row = {**DEFAULTS, "source": name, "facility": "f1", **cells, "id": name}
            row.setdefault("factor", FACTORS[row["unit"]])
            rows.append(row)
    replay.write_csv(folder / "meters.csv", rows)
    (folder / "factors.csv").write_text((FOLDER / "factors.csv").read_text())


def lines(events):
    return "".join(json.dumps(event) + "\n" for event in events)


class Histories(unittest.TestCase):
    def test_every_history_has_its_answer(self):
        self.judge_all(lambda history, pick: {"": lines(history.events)})

    def test_any_order_has_the_same_answer(self):
        self.judge_all(self.orders)

    def orders(self, history, pick):
        """The events in other orders and batches, by name."""
        ways = {"as one message": json.dumps(history.events) + "\n"}
        if not history.in_order:
            events = list(history.events)
            ways["backwards"] = lines(events[::-1])
            for number in range(2):
                pick.shuffle(events)
                ways[f"shuffled {number}"] = lines(events)
        return ways

    def judge_all(self, ways):
        seed = int(os.environ.get("SEED") or 1)
        pick, wrong, count = random.Random(seed), [], 0
        for path in sorted(FOLDER.glob("*.txt")):
            for history in read_histories(path):
                for way, text in ways(history, pick).items():
                    with tempfile.TemporaryDirectory() as folder:
                        faults = self.judge(history, Path(folder), text)
                    count += 1
                    wrong += [f"{history.place}: {history.name}: {way}: {fault}" for fault in faults]
        if wrong:
            self.fail("\n".join(["", f"seed {seed}", *wrong]))
        print(f"{count} histories, seed {seed}", flush=True)

    def judge(self, history, folder, text):
        write_configuration(history, folder)
        (folder / "events.jsonl").write_text(text)
        done = subprocess.run([daemon.BINARY, "replay", "-c", "ghgd.yaml", "-o", "rows.lp", "-r", "rejects.txt",
                               "events.jsonl"], cwd=folder, capture_output=True, timeout=60, check=False)
        log = done.stderr.decode()
        if not replay.SUMMARY.search(log):
            return [log]
        result = replay.Result((folder / "rows.lp").read_bytes(), log, (folder / "rejects.txt").read_text())
        rows = replay.parse_rows(result.output)
        return [fault for answer in history.answers for fault in self.compare(history, answer, result, rows)]

    def compare(self, history, answer, result, rows):
        word, *rest = answer
        if word == "refused":
            count, reason = int(rest[0]), rest[1]
            found = sum(1 for reject in result.rejects if reason in reject[2:])
            return [f"refused as {reason}: {found}, not {count}"] if found != count else []
        if word not in LEVELS:
            found = result.counts.get(word, 0)
            return [f"{word} {found}, not {rest[0]}"] if found != int(rest[0]) else []
        start_ms = round(datetime.fromisoformat(history.instant(date_of(rest))).timestamp() * 1000)
        faults = []
        place = f"{word} {' '.join(answer[1:])}"
        fields = coverage = energy = None
        source = rest.pop(0) if rest and rest[0] in history.meters else None
        for (name, tags, start), row in rows.items():
            if start != start_ms:
                continue
            if name == f"coverage_{LEVELS[word]}":
                coverage = row
            elif name == f"energy_{LEVELS[word]}":
                energy = row
            elif name == f"emissions_{LEVELS[word]}" and dict(tags)["source"] == source:
                fields = row
        for want in rest:
            key, _, value = want.rpartition("=")
            row = energy if ENERGY.search(key) else coverage if key else fields
            key = {"covered": "covered_s", "expected": "expected_s"}.get(key, key) or "activity"
            if value == "none":
                if row is not None:
                    faults.append(f"{place}: there is such a row: {row}")
            elif value == "null" and row is not None:
                if key in row:
                    faults.append(f"{place}: {key} {row[key]}")
            elif row is None or key not in row:
                faults.append(f"{place}: no row with {key}")
            elif number(row[key]) != amount(value):
                faults.append(f"{place}: {key} {row[key]}")
        return faults


def date_of(words):
    """A month or a year, whose first instant is meant, or a date, and a time behind it."""
    date = words.pop(0)
    parts = [date + "-01-01"[:10 - len(date)] if len(date) == 4 else date + "-01" if len(date) == 7 else date]
    if words and re.match(r"^\d\d:\d\d", words[0]):
        parts.append(words.pop(0))
    return parts


def number(text):
    return Decimal(text.rstrip("i"))


def amount(text):
    """A number, or a time in seconds."""
    match = MEASURES.match(text)
    return Decimal(match[1]) * SECONDS[match[2]] if match else Decimal(text)


if __name__ == "__main__":
    unittest.main()
