"""Commands that run side by side, none of them with a terminal, each with its output kept together."""
import os
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed


class Job:
    """A command; once it has run: its output, its status (None: it took too long) and its seconds."""

    def __init__(self, name, command):
        self.name, self.command = name, command
        self.output, self.status, self.seconds = b"", None, 0.0


class Runner:
    """Runs up to `width` jobs at a time, in the order given."""

    def __init__(self, width, limit_seconds):
        self.width, self.limit_seconds = width, limit_seconds
        self.lock = threading.Lock()
        self.children = set()
        self.is_over = False

    def run(self, jobs):
        """Yields each job when it has ended. Ends the others if the caller or a signal breaks off."""
        with ThreadPoolExecutor(self.width) as pool:
            try:
                for done in as_completed([pool.submit(self._run_one, job) for job in jobs]):
                    yield done.result()
            finally:
                self._end()

    def _run_one(self, job):
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            child = self._start(job, output)
            if child is not None:
                job.status = self._wait(child)
            output.seek(0)
            job.output = output.read()
        job.seconds = time.monotonic() - began
        return job

    def _start(self, job, output):
        with self.lock:
            if self.is_over:
                return None
            # A session of its own has no terminal, and can be ended as a whole.
            child = subprocess.Popen(job.command, stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=subprocess.STDOUT, start_new_session=True)
            self.children.add(child)
            return child

    def _wait(self, child):
        try:
            return child.wait(self.limit_seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with self.lock:
                self.children.discard(child)
                _kill(child)
            child.wait()

    def _end(self):
        with self.lock:
            self.is_over = True
            for child in self.children:
                _kill(child)


def _kill(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
