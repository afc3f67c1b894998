"""Rows that a late request may have overwritten are written again, once the database has shown that it runs."""
import http.server
import threading
import time
import unittest

import daemon
import servers
from test_daemon import MINUTE, START, reading
from test_restart import CheckpointCase, make_daemon, sample

TIMEOUT = 5  # of the sink, seconds
LEASE = 6    # the session timeout of the consumers, seconds


class Database(http.server.ThreadingHTTPServer):
    """Takes writes, and answers none while it stalls."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Write)
        self.runs = threading.Event()
        self.runs.set()
        self.arrivals = []  # of requests, whether they are answered or not
        self.answered = 0   # requests with the row in question
        self.row = b"emissions_15m,category=purchased_electricity,facility=hz"
        self.time = b""
        self.seen = set()   # times of all such rows
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, address):
        pass  # who was kept waiting has gone


class Write(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.arrivals.append(time.monotonic())
        runs = self.server.runs.is_set()
        self.server.runs.wait()
        self.send_response(204)
        self.end_headers()
        self.wfile.flush()
        rows = [line for line in body.splitlines() if line.startswith(self.server.row)]
        self.server.seen.update(line.rsplit(b" ", 1)[1] for line in rows)
        self.server.answered += runs and any(line.endswith(self.server.time) for line in rows)

    def log_message(self, *_):
        pass


@unittest.skipIf(daemon.is_sanitized(), "it waits for minutes, in code that test_restart runs")
class Healing(CheckpointCase):
    def setUp(self):
        super().setUp()
        self.server = Database()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.runs.set)

    def wait_healed(self, ghgd):
        servers.eventually(lambda: sample(ghgd, "ghgd_partition_takeover") == 0)

    def wait_timeout_after(self, moment):
        def is_over():
            """the timeout of a request that was sent after the moment: the sink sent another one"""
            return sum(arrival > moment for arrival in self.server.arrivals) >= 2
        servers.eventually(is_over)

    def configured(self, **more):
        config = self.begin(**more)
        config["sinks"] = [{"name": "influx", "type": "influx", "dialect": "influx1", "url": self.server.url,
                            "database": "x", "gzip": False, "timeout": f"{TIMEOUT}s", "connect_timeout": "1s",
                            "backoff_min": "100ms", "backoff_max": "500ms"}]
        return config

    def test_two_rounds_after_the_database_runs(self):
        config = self.configured()
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            servers.eventually(lambda: self.server.answered == 1)
            self.wait_saved(1)
            self.send(reading("hz-grid", 30, 2))
            servers.eventually(lambda: self.server.answered > 1)
            ghgd.kill()
        self.server.runs.clear()
        # The row of the second reading is at risk; its time tells it from rows that come later.
        self.server.time = b" %d" % (START + 15 * MINUTE)
        with make_daemon(config) as ghgd:
            self.wait_timeout_after(time.monotonic() + LEASE)
            self.assertEqual(sample(ghgd, "ghgd_partition_takeover"), 1)  # no sink has answered yet
            self.server.answered = 0
            self.server.runs.set()
            servers.eventually(lambda: self.server.answered >= 2)  # late, and the first round
            began = time.monotonic()
            self.wait_healed(ghgd)
            self.assertGreater(time.monotonic() - began, TIMEOUT / 2)
            servers.eventually(lambda: self.server.answered >= 3)  # the second round
            # A row that is sent after them, of a window before theirs: the watermark stays.
            self.send(reading("hz-grid", 0, 3))
            servers.eventually(lambda: b"%d" % (START - 15 * MINUTE) in self.server.seen)
            self.assertEqual(self.server.answered, 3)  # there was no third round

    def test_a_backlog_goes_by_the_clock_and_is_healed_again(self):
        """A day has to leave before the end of the log is reached; what stays is healed when it is."""
        config = self.configured(windows={"horizon": "1d"})
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            servers.eventually(lambda: self.server.answered == 1)
            self.wait_saved(1)
            self.send(reading("hz-grid", 30, 2))
            servers.eventually(lambda: self.server.answered > 1)
            ghgd.kill()
        last = 5 * 1440
        self.send(*(reading("hz-grid", minute, 1) for minute in range(1440, last + 1, 360)))
        self.server.answered, self.server.time = 0, b" %d" % (START + (last - 15) * MINUTE)
        began = time.monotonic()
        ghgd = make_daemon(config)
        ghgd.wait_ready = lambda: servers.eventually(lambda: ghgd.is_ready(), seconds=60)
        with ghgd:
            self.assertGreater(time.monotonic() - began, LEASE)  # a former owner's lease
            self.assertEqual(sample(ghgd, "ghgd_partition_takeover"), 1)
            self.wait_healed(ghgd)
            servers.eventually(lambda: self.server.answered >= 2)
