"""Where the time of a campaign goes."""
import contextlib
import time


class Phases:
    """Seconds by what was done meanwhile, in the order in which that came up first."""

    def __init__(self):
        self.seconds, self.times = {}, {}

    @contextlib.contextmanager
    def of(self, name):
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0) + time.monotonic() - began
            self.times[name] = self.times.get(name, 0) + 1

    def lines(self):
        return [f"{seconds:7.1f} s  {name}"
                + (f", {self.times[name]} times" if self.times[name] > 1 else "")
                for name, seconds in self.seconds.items()]
