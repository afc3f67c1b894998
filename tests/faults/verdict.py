"""What a run left behind, and whether it is what the calm run left: rows, letters, the ledger."""
import json
import math
import urllib.parse
import urllib.request

ROWS_PER_CHUNK = 50_000
SHOWN = 10  # differences printed in full
VICTORIA_WINDOW_MS = 900_000


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


def is_same(want, got):
    """VictoriaMetrics keeps decimals of some 15 digits: only quotients have more."""
    return want == got or (want is not None and got is not None and
                           len(repr(want)) > 15 and math.isclose(want, got, rel_tol=1e-11))


def compare_victoria(expected, victoria, database):
    """Of every window the newest sample counts, and it must be what InfluxDB holds."""
    wanted = {}
    for name, data in expected.items():
        for (tags, time_ms), fields in rows(data).items():
            for field, value in fields.items():
                wanted.setdefault((f"{name}_{field}", tags), {})[time_ms] = float(value)
    differences = []
    for labels, samples in victoria.export(f'{{db="{database}"}}').items():
        labels = dict(labels)
        name = labels.pop("__name__")
        labels.pop("db")
        key = name, tuple(sorted(labels.items()))
        newest = {}
        for time_ms, value in samples:  # a row's revision is in its milliseconds
            start_ms = time_ms // VICTORIA_WINDOW_MS * VICTORIA_WINDOW_MS
            if time_ms >= newest.get(start_ms, (0, 0))[0]:
                newest[start_ms] = (time_ms, value)
        found = {start_ms: value for start_ms, (_, value) in newest.items()}
        series = wanted.pop(key, {})
        differences += [f"VictoriaMetrics: {key} {start_ms}: expected {series.get(start_ms)}, "
                        f"found {found.get(start_ms)}"
                        for start_ms in sorted(set(series) | set(found))
                        if not is_same(series.get(start_ms), found.get(start_ms))]
    return differences + [f"VictoriaMetrics: {key} is missing" for key in sorted(wanted)]


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


def compare_letters(expected, cluster, topic):
    """Both topics must hold what is expected; once in effect: a letter that was written again after
    a crash says the same. Returns (differences, how many letters were there twice)."""
    differences, again = [], 0
    node = cluster.any()
    for late, suffix in ((False, "-dead"), (True, "-late")):
        found, strange = letters_of(node.consume(topic + suffix), topic)
        differences += strange
        wanted = {key: letter[1:] for key, letter in expected.letters.items() if letter[0] == late}
        for key in sorted(set(wanted) | set(found)):
            copies = found.get(key, [])
            again += max(0, len(copies) - 1)
            if key not in wanted:
                if not is_covered(key, copies, wanted):
                    differences.append(f"letter{suffix} {key}: is not expected: {copies[0]!r}")
            elif not copies:
                differences.append(f"letter{suffix} {key}: is missing: {wanted[key]!r}")
            else:
                differences += [f"letter{suffix} {key}: expected {wanted[key]!r}, found {copy!r}"
                                for copy in set(copies) if copy != wanted[key]]
    return differences, again


def compare_account(expected, account):
    """The ledger that the daemons keep, of every event of the log."""
    wanted = dict(expected.outcomes)
    for (partition, _), events in expected.outcomes.items():
        wanted[partition, "read"] = wanted.get((partition, "read"), 0) + events
    return [f"ledger: partition {key[0]}: {key[1]}: expected {wanted.get(key, 0)}, "
            f"found {account.get(key, 0)}"
            for key in sorted(set(wanted) | set(account))
            if wanted.get(key, 0) != account.get(key, 0)]


def is_covered(key, copies, wanted):
    """Whether another letter took the whole message along, this event within it."""
    partition, offset, index = key
    return any(p == partition and o == offset and i < index and copies[0][1] in body
               for (p, o, i), (_, body) in wanted.items() if (p, o) == (partition, offset))
