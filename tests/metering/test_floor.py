"""Clean registers that wrap now and then, while the floor passes: a journal that is cut has the sum of
one that is not.

    python3 tests/metering/test_floor.py build/gcc/tests/metering/register_judge [SEED]
"""
import random
import sys

from register_oracle import Meter, Reading
from test_registers import STEP_MS, U, Judge

TOP = 10**6
DAY_MS = 24 * STEP_MS  # as short as the judge's cells allow
CAPACITIES = (60000, 256, 192, 128)


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
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1))
