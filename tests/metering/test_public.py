#!/usr/bin/python3
"""Real consumption with glitches put in: registers that count it are booked right.

    test_public.py PROGRAM FOLDER [SEED]

FOLDER, and the archives in it, have public series of consumption: *.csv or *.csv.gz with the columns
start,value, or data files of gretl (*.gdt) with a variable that is called load. Each series becomes
registers. At one reading of a hundred a register begins to show 0, spikes, or the ones of all its bits. The
use around the glitches may be missing, but no more, and nothing may be booked twice.
`make check-public` brings one such series with a Debian package.
"""
import csv
import gzip
import io
import random
import re
import sys
import time
import zipfile
from decimal import Decimal
from pathlib import Path

from register_oracle import Meter, Reading
from test_registers import STEP_MS, U, Judge

PIECE = 4000  # readings of one journal
SEEN = 8      # a step is judged by so many rises before it
ONES = 2**20 - 1
GLITCHES = {"zeros": lambda rng, value: 0, "spikes": lambda rng, value: value + rng.randint(10**3, 10**6) * U,
            "ones": lambda rng, value: ONES * U}


def contents(path):
    """(name, bytes) of a file, or of all files of an archive."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    else:
        yield str(path), path.read_bytes()


def series_of(name, data):
    """The use, step by step; None if the file is no such series."""
    if not re.search(r"\.(csv|gdt)(\.gz)?$", name):
        return None
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode(errors="replace")
    if "gdt" in name:
        names = re.findall(r'<variable name="([^"]+)"', text)
        if "load" not in names:
            return None
        rows = re.findall(r"<obs[^>]*>([^<]*)</obs>", text)
        return [Decimal(row.split()[names.index("load")]) for row in rows]
    rows = csv.DictReader(io.StringIO(text))
    if rows.fieldnames != ["start", "value"]:
        return None
    values = (Decimal(row["value"] or 0) for row in rows)
    return [round(value, 3) if value.is_finite() else Decimal(0) for value in values]


def registers(used):
    """(digit, values) of a register for each piece of the series; digit is what its last one counts."""
    digit = round(U * min(Decimal(10) ** value.normalize().as_tuple().exponent for value in used if value))
    digit = min(digit, U)
    for first in range(0, len(used) - 100, PIECE):
        count, values = 17 * U, []
        for value in used[first:first + PIECE]:
            values.append(count)
            count += round(value * U)
        yield digit, values


def spoil(rng, values, glitch):
    """At one reading of a hundred a glitch begins, not among the first and last ten. Zeros and ones may
    last; a spike is alone, as a higher one behind it would confirm it. Between two glitches the register
    is right for a while. (values, what was used around them)"""
    spoilt, around, free = list(values), set(), 10
    for i in range(10, len(values) - 10):
        if rng.random() < 0.01 and i >= free:
            length = rng.choice((1, 1, 1, 1, rng.randint(2, 20))) if glitch != "spikes" else 1
            free = min(len(values) - 10, i + length) + SEEN
            for k in range(i, free - SEEN):
                spoilt[k] = GLITCHES[glitch](rng, values[k])
                around.update(range(k - SEEN, k + 2))
    return spoilt, sum(values[i] - values[i - 1] for i in around)


def judge(program, meter, values):
    _, total, faults = program.judge(meter, [Reading(i * STEP_MS, value) for i, value in enumerate(values)])
    assert not faults, faults[:5]
    return total


def check(program, rng, place, digit, values):
    """How many of the registers with glitches are exact."""
    want, steepest = values[-1] - values[0], max(b - a for a, b in zip(values, values[1:]))
    exact = 0
    for rate_max in (0, steepest * 4):  # of an hour: what is used within a quarter is the steepest rise
        meter = Meter(rate_max=rate_max, last_digit=digit)
        where = place, "max_rate" if rate_max else "no max_rate"
        total = judge(program, meter, values)
        assert total == want, (*where, "clean", total / U, want / U)
        for glitch in GLITCHES:
            spoilt, hidden = spoil(rng, values, glitch)
            total = judge(program, meter, spoilt)
            assert total <= want, (*where, glitch, "booked twice", total / U, want / U)
            assert total >= want - hidden, (*where, glitch, "missing", total / U, want / U, hidden / U)
            exact += total == want
    return exact


def main():
    program, seed = Judge(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print("seed", seed, flush=True)
    count = exact = 0
    found = set()
    for path in sorted(path for path in Path(sys.argv[2]).rglob("*") if path.is_file()):
        for name, data in contents(path):
            used = series_of(name, data)
            if not used or min(used) < 0 or not max(used):
                continue
            found.add(name)
            for digit, values in registers(used):
                count += 2 * len(GLITCHES)
                exact += check(program, random.Random(f"{seed}/{name}/{count}"), Path(name).name, digit, values)
    assert found, f"no series in {sys.argv[2]}"
    print(f"public: {len(found)} series, {count} registers with glitches, {exact} of them exact")


if __name__ == "__main__":
    main()
