#!/usr/bin/python3
"""run.py [PATTERN...] - runs the integration tests whose names hold one of the patterns, or all.

The last line is "N passed, N failed". Servers are taken down whatever happens.
"""
import shutil
import signal
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import servers  # noqa: E402


class Result(unittest.TextTestResult):
    """One line a test, with its time; the details of failures come at the end."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.stream.writeln(f"    {time.monotonic() - self.began:.1f} s")
        self.stream.flush()
        super().stopTest(test)

    def getDescription(self, test):
        return test.id()


def each(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from each(item)
        else:
            yield item


def main(patterns):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    shutil.rmtree(servers.LOGS, ignore_errors=True)
    found = unittest.TestLoader().discover(str(HERE), top_level_dir=str(HERE))
    chosen = [t for t in each(found) if not patterns or any(p in t.id() for p in patterns)]
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
    try:
        result = runner.run(unittest.TestSuite(chosen))
    finally:
        servers.stop_all()
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    for test, reason in result.skipped:
        print(f"SKIPPED: {test.id()}: {reason}")
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed")
    return 1 if failed or result.testsRun == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
