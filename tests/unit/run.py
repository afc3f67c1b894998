#!/usr/bin/python3
"""Runs unit programs side by side, and names those that failed at the end.

    run.py [--times FILE] PROGRAM...

RUN (of the environment) is put before each program: valgrind, say. FILE keeps how long each program
took, so that the longest begin the next time.
"""
import argparse
import json
import os
import shlex
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import side_by_side  # noqa: E402

LIMIT_SECONDS = 900  # for one program, under valgrind too


def read_times(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def arguments():
    parser = argparse.ArgumentParser(description="Runs unit programs side by side.")
    parser.add_argument("--times", type=Path, default=Path(os.devnull), metavar="FILE",
                        help="what the programs took, kept from run to run")
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    return parser.parse_args()


def main():
    options = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    before = shlex.split(os.environ.get("RUN", ""))
    seconds = read_times(options.times)
    longest_first = sorted(options.programs, key=lambda program: -seconds.get(program, 0))
    # Most programs wait for clocks more than they compute.
    runner = side_by_side.Runner(2 * len(os.sched_getaffinity(0)), LIMIT_SECONDS)
    failed = []
    for job in runner.run([side_by_side.Job(p, [*before, p]) for p in longest_first]):
        sys.stdout.buffer.write(job.output)
        sys.stdout.flush()
        seconds[job.name] = round(job.seconds, 1)
        if job.status != 0:
            failed.append(job)
    options.times.write_text(json.dumps(seconds))
    for job in sorted(failed, key=lambda job: job.name):
        print(f"FAILED: {job.name}" + (f" (no end within {LIMIT_SECONDS} s)" if job.status is None else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
