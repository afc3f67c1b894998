"""Clean registers that wrap now and then, while the floor passes: a journal that is cut has the sum of
one that is not, and readings touch as many cells of it.

    python3 tests/metering/test_floor.py build/gcc/tests/metering/register_judge [SEED]
"""
import random
import sys

from register_oracle import Meter, Reading
from test_registers import STEP_MS, U, Judge, clean

TOP = 10**6
DAY_MS = 24 * STEP_MS  # as short as the judge's cells allow
CAPACITIES = (60000, 256, 192, 128)
QUARTERS = 96  # of the horizon
ROOM = QUARTERS * 5 // 4 + 64  # as registries have it for them


def compare_touched(judge, seed):
    """Registers without max_rate that wrap soon before they are cut."""
    wrong = 0
    for number in range(200):
        pick = random.Random(f"touched/{seed}/{number}")
        top = 10**pick.randint(3, 6) * U
        values = clean(pick, 900, 1, pick.randrange(top // U))
        if 10 * max(b - a for a, b in zip(values, values[1:])) > top:
            continue
        readings = [Reading(i * STEP_MS, value % top) for i, value in enumerate(values)]
        found = []
        for capacity in (CAPACITIES[0], ROOM):
            _, total, faults = judge.judge(Meter(modulus=top, last_digit=U), readings,
                                      horizon_ms=QUARTERS * STEP_MS, capacity=capacity)
            found.append((total, judge.touched, faults))
        if found[0] != found[1] or found[0][2]:
            wrong += 1
            print(f"touched {seed}/{number}: (sum, cells touched, faults) {found[1]}, not {found[0]}")
    print(f"floors: {wrong} journals of 200 touch other cells when they are cut")
    return wrong


def main(program, seed):
    judge, wrong, runs = Judge(program), 0, 0
    for number in range(60):
        pick = random.Random(f"{seed}/{number}")
        counts = [pick.randrange(TOP)]
        for _ in range(300):
            counts.append(counts[-1] + pick.randrange(40_000, 340_000))
        readings = [Reading(i * DAY_MS, count % TOP * U) for i, count in enumerate(counts)]
        meter = Meter(rate_max=64_000 * U, modulus=TOP * U, last_digit=U)
        horizon_ms = 50 * DAY_MS - pick.randrange(24) * STEP_MS  # the floor lies within a step
        whole = None
        for capacity in CAPACITIES:
            runs += 1
            _, total, faults = judge.judge(meter, readings, horizon_ms=horizon_ms, capacity=capacity)
            whole = total if whole is None else whole
            if total != whole or total > (counts[-1] - counts[0]) * U or faults:
                wrong += 1
                print(f"seed {seed}/{number}, room for {capacity}: {total}, not {whole}; {faults[:2]}")
    print(f"floors: {runs} runs from seed {seed}, {wrong} wrong")
    return 1 if compare_touched(judge, seed) or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1))
