#!/usr/bin/python3
"""run.py [PATTERN...] - runs the integration tests whose names hold one of the patterns, or all.

They run side by side (WORKERS of them), as most of their time is waiting; those whose class says
`alone = True` run one by one when the others are through.

The last lines say of each failed test where, what, and the last words of its daemons. In a long
log, look for "FAILED" at the beginning of a line. The very last line is
"N passed, N failed". Servers are taken down whatever happens.
"""
import itertools
import os
import shutil
import signal
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import daemon  # noqa: E402
import servers  # noqa: E402
import workers  # noqa: E402

# The longest tests begin first; the order of the rest does not matter.
LONGEST = ("test_backfill", "WithoutBroker", "test_dead_sink", "test_equal_to_a_keyed_topic",
           "test_killed_at_any_time", "test_healing", "test_checkpoint.Outage", "test_coordinator",
           "test_registers_read", "test_what_is_on_its_way", "test_processes_come_and_go",
           "test_each_change_is_told", "test_two_months", "test_eight_thousand", "test_lost_state", "test_steel_plant")


def each(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from each(item)
        else:
            yield item


def shares_a_beginning(test):
    """Whether the tests of its class want to stay together."""
    return type(test).setUpClass.__func__ is not unittest.TestCase.setUpClass.__func__


def rank(group):
    return next((i for i, name in enumerate(LONGEST) if name in group[0].id()), len(LONGEST))


def grouped(tests):
    """Lists of tests, each for one worker."""
    def key(test):
        return f"{type(test).__module__}.{type(test).__name__}" if shares_a_beginning(test) else test.id()
    return sorted((list(group) for _, group in itertools.groupby(tests, key)), key=rank)


def worker_count():
    # A sanitizer makes the daemon compute for most of the time.
    usual = (2 if daemon.is_sanitized() else 3) * len(os.sched_getaffinity(0))
    return int(os.environ.get("WORKERS") or min(usual, 12))


def say(line):
    print(line, flush=True)


def main(patterns):
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: unittest makes an error of SystemExit
        signal.signal(number, signal.default_int_handler)
    servers.leave_terminal()
    shutil.rmtree(servers.LOGS, ignore_errors=True)
    found = unittest.TestLoader().discover(str(HERE), top_level_dir=str(HERE))
    groups = grouped(t for t in each(found) if not patterns or any(p in t.id() for p in patterns))
    lonely = {n for n, group in enumerate(groups) if getattr(group[0], "alone", False)}
    began = time.monotonic()
    try:
        outcome = workers.Pool(worker_count(), groups, lonely, say).run()
    finally:
        servers.stop_all()
    for text in outcome.traces:
        say("=" * 70 + "\n" + text)
    say(f"{'-' * 70}\n{time.monotonic() - began:.0f} s")
    for line in outcome.skipped:
        say(f"SKIPPED: {line}")
    for words in outcome.notes:
        say(words)
    say(f"{outcome.passed} passed, {outcome.failed} failed")
    return 1 if outcome.failed or not outcome.passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
