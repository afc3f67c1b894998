"""The results of a run, and whether they are those of the calm run: rows, letters, the ledger."""
import json
import math
import urllib.parse
import urllib.request
from collections import Counter

import readings

ROWS_PER_CHUNK = 50_000
SHOWN = 10  # differences printed in full
VICTORIA_WINDOW_MS = 900_000
QUOTIENTS = ("coverage", "share")
# Sent twice after a crash, a reading counts a revision more; what is final does not depend on it.
# The log that is re-keyed has no two values between which its order decides, so no such conflicts.
NOT_REKEYED = ("revision", "conflicts")
# Coverage is weighed by a month that has left the horizon. With a longer horizon than the calm run's
# none leaves it within the input, so that the field is null in every row.
UNWEIGHED = ("coverage_weighted",)
# Where these outcomes are decided is before the ledger, in the stage that re-keys.
BEFORE_LEDGER = ("undecodable", "too_large", "unknown", "meter_missing", "meter_type")


def judge(peace, shape, topic, evidence):
    """(differences, how many letters were there twice) of the Evidence of a run."""
    expected, by_meter = peace.expected_of(shape.log()), shape.by_meter
    ignore = NOT_REKEYED if by_meter else ()
    differences = list(evidence.deaths)
    if shape.horizon() != readings.HORIZON:
        ignore += UNWEIGHED
        differences += find_weights(evidence)
    compare_ledger = compare_account_by_meter if by_meter else compare_account
    differences += compare_ledger(expected, evidence.account)
    differences += [f"audit: {line}" for line in evidence.audit]
    calm = peace.dumps or evidence.dumps  # which is the calm run's own, if that is judged
    differences += compare(calm, evidence.dumps, ignore)
    if evidence.sqlite is not None:
        differences += compare_sqlite(calm, evidence.sqlite, ignore)
    if evidence.victoria is not None:
        differences += compare_victoria(calm, evidence.victoria, ignore)
    found, again = compare_letters(expected, evidence.letters, topic)
    return differences + found, again


def find_weights(evidence):
    """Rows that are weighed, where none can be."""
    weighed = [f"{name},{dict(tags)} {time_ms}: {field}: {fields[field]} and no month has closed"
               for name, data in evidence.dumps.items() for (tags, time_ms), fields in rows(data).items()
               for field in UNWEIGHED if fields.get(field) is not None]
    samples = newest_samples(evidence.victoria) if evidence.victoria is not None else {}
    return weighed + [f"VictoriaMetrics: {key} and no month has closed" for key in samples
                      if key[0].endswith(UNWEIGHED)]


def measurements(url, database):
    found = query(url, database, "SHOW MEASUREMENTS")
    return sorted(value[0] for part in found for series in part.get("series", [])
                  for value in series["values"])


def query(url, database, text):
    """The results of an InfluxQL query, chunk by chunk."""
    words = urllib.parse.urlencode({"db": database, "epoch": "ms", "q": text, "chunked": "true",
                                    "chunk_size": ROWS_PER_CHUNK})
    with urllib.request.urlopen(f"{url}/query?{words}", timeout=120) as answer:
        for line in answer:
            chunk = json.loads(line)
            for result in chunk.get("results", [chunk]):
                if "error" in result:
                    raise RuntimeError(f"{text}: {result['error']}")
                yield result


def dump(url, database, measurement):
    """All rows of a measurement as the bytes of the database's answer: two databases that hold the
    same give the same. Floats are printed so that each is told from its neighbours."""
    words = urllib.parse.urlencode({
        "db": database, "epoch": "ms", "chunked": "true", "chunk_size": ROWS_PER_CHUNK,
        "q": f'SELECT * FROM "{measurement}" GROUP BY *'})
    with urllib.request.urlopen(f"{url}/query?{words}", timeout=120) as answer:
        return answer.read()


def dump_all(url, database):
    """{measurement: bytes}"""
    return {name: dump(url, database, name) for name in measurements(url, database)}


def rows(data):
    """{(tags as sorted pairs, time): {field: value}} of the bytes of a dump."""
    found = {}
    for line in data.splitlines():
        chunk = json.loads(line)
        for result in chunk.get("results", [chunk]):
            if "error" in result:
                raise RuntimeError(result["error"])
            for series in result.get("series", []):
                tags = tuple(sorted(series.get("tags", {}).items()))
                names = series["columns"][1:]
                for time_ms, *fields in series["values"]:
                    found[tags, time_ms] = dict(zip(names, fields))
    return found


def count_rows(dumps):
    return sum(len(rows(data)) for data in dumps.values())


def compare(expected, found, ignore=()):
    """The differences of two dump_all(), one line each."""
    differences = []
    for name in sorted(set(expected) | set(found)):
        if expected.get(name) == found.get(name):
            continue
        differences += compare_rows(name, rows(expected.get(name, b"")), rows(found.get(name, b"")),
                                    ignore)
    return differences


def compare_rows(name, expected, found, ignore):
    differences = []
    for key in sorted(set(expected) | set(found)):
        want, got = expected.get(key), found.get(key)
        if want == got:
            continue
        tags, time_ms = key
        place = f"{name},{','.join(f'{k}={v}' for k, v in tags)} {time_ms}"
        if want is None or got is None:
            differences.append(f"{place}: {'is not expected' if want is None else 'is missing'}: "
                               f"{want or got}")
            continue
        differences += [f"{place}: {field}: expected {want.get(field)!r}, found {got.get(field)!r}"
                        for field in sorted(set(want) | set(got))
                        if want.get(field) != got.get(field) and field not in ignore]
    return differences


def is_same(name, want, got):
    """VictoriaMetrics cuts decimals after some twelve digits, and quotients have more. The twelfth
    digit of an amount may come back less by one: ghgd audit allows that too."""
    digits = 1e-11 if name.endswith(QUOTIENTS) else 2e-12
    return want == got or (want is not None and got is not None and
                           math.isclose(want, got, rel_tol=digits))


def newest_samples(export):
    """{(name, tags as sorted pairs): {window's start: value}} of the lines of an export: a row's
    version is in the milliseconds of its samples."""
    newest = {}
    for line in export.splitlines():
        series = json.loads(line)
        labels = series["metric"]
        name, _ = labels.pop("__name__"), labels.pop("db")
        of_series = newest.setdefault((name, tuple(sorted(labels.items()))), {})
        for sample in zip(series["timestamps"], series["values"]):
            start_ms = sample[0] // VICTORIA_WINDOW_MS * VICTORIA_WINDOW_MS
            if start_ms not in of_series or sample[0] >= of_series[start_ms][0]:
                of_series[start_ms] = sample
    return {key: {start_ms: value for start_ms, (_, value) in samples.items()}
            for key, samples in newest.items()}


def compare_victoria(expected, export, ignore):
    """The newest sample of every window counts, and must be the row that InfluxDB holds."""
    wanted = {}
    for name, data in expected.items():
        for (tags, time_ms), fields in rows(data).items():
            for field, value in fields.items():
                if value is not None:  # a null is no sample
                    wanted.setdefault((f"{name}_{field}", tags), {})[time_ms] = float(value)
    differences = []
    for key, found in newest_samples(export).items():
        series = wanted.pop(key, {})
        if series == found or key[0].endswith(ignore):
            continue
        differences += [f"VictoriaMetrics: {key} {start_ms}: expected {series.get(start_ms)}, "
                        f"found {found.get(start_ms)}"
                        for start_ms in sorted(set(series) | set(found))
                        if not is_same(key[0], series.get(start_ms), found.get(start_ms))]
    return differences + [f"VictoriaMetrics: {key} is missing" for key in sorted(wanted)
                          if not key[0].endswith(ignore)]


# --- SQLite

def compare_sqlite(expected, tables, ignore):
    """Row by row with InfluxDB's; groups stand in a table of their own."""
    groups = {}
    for facility, level, name in tables["facility_groups"][1]:
        groups.setdefault(facility, []).append((level, name))
    differences = []
    for name in sorted(set(expected) | set(tables)):
        if name in ("facilities", "facility_groups"):
            continue
        columns, found = tables.get(name, ((), ()))
        differences += [f"SQLite: {line}" for line in compare_rows(
            name, rows(expected.get(name, b"")), sqlite_rows(columns, found, groups), ignore)]
    return differences


def sqlite_rows(columns, found, groups):
    """As rows() of InfluxDB has them."""
    is_tag = [column in ("scope", "category", "source", "unit") for column in columns]
    rows_of_table = {}
    for row in found:
        cells = dict(zip(columns, row))
        facility, time_ms = cells.pop("facility"), cells.pop("start_ms")
        for column in ("end_ms", "local_start"):
            del cells[column]
        tags = [("facility", facility), *groups.get(facility, ())]
        tags += [(column, str(cells.pop(column))) for column, yes in zip(columns, is_tag) if yes]
        cells["final"] = bool(cells["final"])
        rows_of_table[tuple(sorted(tags)), time_ms] = cells
    return rows_of_table


# --- letters

def letters_of(messages, topic):
    """{(partition, offset, index): [(reason, bytes)]} of the messages of one topic."""
    found, strange = {}, []
    for message in messages:
        headers = message.headers
        try:
            if headers["ghgd-topic"] != topic:
                raise KeyError("ghgd-topic")
            identity = tuple(int(headers[f"ghgd-{name}"])
                             for name in ("partition", "offset", "index"))
            found.setdefault(identity, []).append((headers["ghgd-reason"], message.value))
        except (KeyError, ValueError) as error:
            strange.append(f"letter without a proper {error}: {message!r}")
    return found, strange


def compare_letters(expected, messages, topic):
    """messages: by the suffix of their topic. Both must hold what is expected; once in effect: a
    letter that was written again after a crash says the same. Returns (differences, how many
    letters were there twice)."""
    differences, again = [], 0
    for late, suffix in ((False, "-dead"), (True, "-late")):
        found, strange = letters_of(messages[suffix], topic)
        differences += strange
        wanted = {key: letter[1:] for key, letter in expected.letters.items() if letter[0] == late}
        for key in sorted(set(wanted) | set(found)):
            copies = found.get(key, [])
            again += max(0, len(copies) - 1)
            if key not in wanted:
                if not is_spare(expected, key, copies) and not is_covered(key, copies, wanted):
                    differences.append(f"letter{suffix} {key}: is not expected: {copies[0]!r}")
            elif not copies:
                differences.append(f"letter{suffix} {key}: is missing: {wanted[key]!r}")
            else:
                differences += [f"letter{suffix} {key}: expected {wanted[key]!r}, found {copy!r}"
                                for copy in set(copies) if copy != wanted[key]]
    return differences, again


def is_spare(expected, key, copies):
    """Whether the letter is that of an event that was read once more, which only re-keying may."""
    return expected.is_by_meter and all(copy == expected.spare.get(key, (None,))[1:]
                                        for copy in copies)


def compare_account(expected, account):
    """The ledger that the daemons keep, of every event of the log."""
    wanted = dict(expected.outcomes)
    for (partition, _), events in expected.outcomes.items():
        wanted[partition, "read"] = wanted.get((partition, "read"), 0) + events
    return [f"ledger: partition {key[0]}: {key[1]}: expected {wanted.get(key, 0)}, "
            f"found {account.get(key, 0)}"
            for key in sorted(set(wanted) | set(account))
            if wanted.get(key, 0) != account.get(key, 0)]


def compare_account_by_meter(expected, account):
    """The ledgers of the re-keyed topic, to which events are sent once more after a crash: what
    they are then is a duplicate, or refused for the same reason."""
    wanted, found, read = Counter(), Counter(), Counter()
    for (_, outcome), events in expected.outcomes.items():
        wanted[outcome] += events
    for (partition, outcome), events in account.items():
        if outcome == "read":
            read[partition] += events
        else:
            read[partition] -= events
            found[outcome] += events
    differences = [f"ledger: partition {partition}: {events} more were read than are accounted for"
                   for partition, events in sorted(read.items()) if events]
    return differences + [
        f"ledger: {outcome}: expected {wanted[outcome]}, found {found[outcome]}"
        for outcome in sorted(set(wanted) | set(found)) if outcome not in BEFORE_LEDGER
        and (found[outcome] < wanted[outcome]
             or (outcome == "used" and found[outcome] != wanted[outcome])
             or not wanted[outcome])]


def is_covered(key, copies, wanted):
    """Whether another letter took the whole message along, this event within it."""
    partition, offset, index = key
    return any(p == partition and o == offset and i < index and copies[0][1] in body
               for (p, o, i), (_, body) in wanted.items() if (p, o) == (partition, offset))
