#!/usr/bin/python3
"""run.py [PATTERN...] - runs the integration tests whose names hold one of the patterns, or all.

The last lines say of each failed test where, what, and the last words of its daemons; whoever looks
for failed tests in a long log finds "FAILED" at the beginning of a line. The very last line is
"N passed, N failed". Servers are taken down whatever happens.
"""
import shutil
import signal
import sys
import time
import traceback
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import servers  # noqa: E402


class Result(unittest.TextTestResult):
    """One line a test, with its time; the details of failures come at the end."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.notes = []

    def startTest(self, test):
        self.began = time.monotonic()
        servers.launched.clear()
        super().startTest(test)

    def stopTest(self, test):
        self.stream.writeln(f"    {time.monotonic() - self.began:.1f} s")
        self.stream.flush()
        super().stopTest(test)

    def getDescription(self, test):
        return test.id()

    def addError(self, test, err):
        super().addError(test, err)
        self.notes.append(note(test, err))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.notes.append(note(test, err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.notes.append(note(subtest, err))


def note(test, err):
    """What failed, in few lines: the end of a long log is all that some readers get."""
    kind, value, trace = err
    words = str(value).strip().splitlines() or [""]
    lines = [f"FAILED {test.id()}", f"{kind.__name__}: {words[0]}", *words[1:][-3:]]
    for frame in traceback.extract_tb(trace):
        if Path(frame.filename).parent == HERE:
            lines.append(f"{Path(frame.filename).name}:{frame.lineno}: {frame.line}")
    for server in [s for s in servers.launched if s.kind == "ghgd"][-2:]:
        lines += [f"{server.name}: {line}" for line in server.log_tail(3).splitlines()]
    return "\n  | ".join(line[:300] for line in lines)


def each(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from each(item)
        else:
            yield item


def main(patterns):
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: unittest makes an error of SystemExit
        signal.signal(number, signal.default_int_handler)
    servers.leave_terminal()
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
    for words in result.notes:
        print(words)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed")
    return 1 if failed or result.testsRun == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
