"""Groups of tests in processes side by side.

A worker is a fork of the runner: it has all tests loaded, takes one group after the other, and tells
the runner the result of each test. Each worker has a session of its own, so it has no terminal. The
runner starts servers that tests share, such as a broker, for all of them (servers.shared).
"""
import multiprocessing
import os
import signal
import time
import traceback
import unittest
from collections import deque
from multiprocessing.connection import wait
from pathlib import Path

import servers

HERE = Path(__file__).resolve().parent
END_SECONDS = 20  # for a worker that is told to end


class Outcome:
    """The results of a group, or of several."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []  # a line each
        self.traces = []  # a text each, in full
        self.notes = []  # in few lines: the end of a long log is all that some readers get

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        for name in ("skipped", "traces", "notes"):
            getattr(self, name).extend(getattr(other, name))


class Result(unittest.TestResult):
    """Fills an outcome, and tells a line for each test that ended."""

    def __init__(self, tell):
        super().__init__()
        self.tell, self.outcome = tell, Outcome()

    def startTest(self, test):
        super().startTest(test)
        self.began, self.verdict = time.monotonic(), "ok"
        servers.launched.clear()

    def stopTest(self, test):
        if self.verdict == "ok":
            self.outcome.passed += 1
        self.tell(f"{test.id()} ... {self.verdict}  {time.monotonic() - self.began:.1f} s")
        super().stopTest(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail("ERROR", test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail("FAIL", test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._fail("FAIL", subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.verdict = "skipped"
        self.outcome.skipped.append(f"{test.id()}: {reason}")

    def _fail(self, verdict, test, err):
        self.verdict = verdict
        self.outcome.failed += 1
        self.outcome.traces.append(f"{verdict}: {test.id()}\n{self._exc_info_to_string(err, test)}")
        self.outcome.notes.append(note(test, err))


def note(test, err):
    kind, value, trace = err
    words = str(value).strip().splitlines() or [""]
    lines = [f"FAILED {test.id()}", f"{kind.__name__}: {words[0]}", *words[1:][-3:]]
    for frame in traceback.extract_tb(trace):
        if Path(frame.filename).parent == HERE:
            lines.append(f"{Path(frame.filename).name}:{frame.lineno}: {frame.line}")
    for server in [s for s in servers.launched if s.kind == "ghgd"][-2:]:
        lines += [f"{server.name}: {line}" for line in server.log_tail(3).splitlines()]
    return "\n  | ".join(line[:300] for line in lines)


class Worker:
    """The runner's end of a worker. group: the number of the one that it runs, or None."""

    def __init__(self, groups):
        fork = multiprocessing.get_context("fork")
        self.connection, other = fork.Pipe()
        self.group = None
        self.process = fork.Process(target=work, args=(other, groups))
        self.process.start()
        other.close()

    def run(self, number):
        self.group = number
        self.connection.send(number)

    def interrupt(self):
        """For its tests to clean up."""
        if self.process.is_alive():
            os.kill(self.process.pid, signal.SIGINT)

    def end(self):
        """It is killed with all that it started, unless it ends by itself."""
        self.process.join(END_SECONDS)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.join()
        self.connection.close()


def work(connection, groups):
    """In the worker: runs what it is told to."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored behind a shell's &
    servers.die_with_parent()
    servers.borrow = lambda kind: borrow(connection, kind)
    try:
        connection.send(("idle",))
        while True:
            result = Result(lambda line: connection.send(("line", line)))
            unittest.TestSuite(groups[connection.recv()]).run(result)
            connection.send(("outcome", result.outcome))
            connection.send(("idle",))
    except (EOFError, OSError, KeyboardInterrupt):
        os._exit(1)  # the runner is gone, or wants us to go


def borrow(connection, kind):
    connection.send(("lend", kind))
    answer = connection.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


class Pool:
    """Runs groups on so many workers; afterwards, one by one, those that are to be alone."""

    def __init__(self, count, groups, lonely, say):
        """groups: all of them; lonely: the numbers of those that want the machine for themselves."""
        self.groups, self.say = groups, say
        self.waiting = deque(n for n in range(len(groups)) if n not in lonely)
        self.lonely = deque(sorted(lonely))
        self.outcome = Outcome()
        self.idle = []
        self.workers = [Worker(groups) for _ in range(min(count, len(groups)))]

    def run(self):
        try:
            while len(self.idle) < len(self.workers) or self.waiting or self.lonely:
                self._hand_out()
                by_connection = {w.connection: w for w in self.workers}
                for connection in wait(by_connection):
                    self._hear(by_connection[connection])
        finally:
            for worker in self.workers:
                worker.interrupt()
            for worker in self.workers:
                worker.end()
        return self.outcome

    def _hand_out(self):
        while self.idle and self.waiting:
            self.idle.pop().run(self.waiting.popleft())
        if self.lonely and len(self.idle) == len(self.workers):
            self.idle.pop().run(self.lonely.popleft())

    def _hear(self, worker):
        try:
            kind, *rest = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._replace(worker)
            return
        if kind == "line":
            self.say(rest[0])
        elif kind == "outcome":
            self.outcome.add(rest[0])
            worker.group = None
        elif kind == "lend":
            worker.connection.send(lend(rest[0]))
        else:
            self.idle.append(worker)

    def _replace(self, worker):
        """A worker that is gone has failed its tests."""
        worker.end()
        lost = Outcome()
        lost.failed = 1
        first = self.groups[worker.group][0].id() if worker.group is not None else "no test"
        lost.notes = [f"FAILED {first}\n  | its process ended with status {worker.process.exitcode}"]
        self.outcome.add(lost)
        self.workers.remove(worker)
        if worker.group is not None:
            self.workers.append(Worker(self.groups))


def lend(kind):
    """The data with which a worker uses the server that it shares with the others."""
    try:
        return servers.shared(kind).lent()
    except Exception as error:  # noqa: BLE001 - the test that asked fails, not the runner
        return RuntimeError(str(error))
