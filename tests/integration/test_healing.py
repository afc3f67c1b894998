"""What may have been overwritten by a late request is written again, once the database has shown that it runs."""
import http.server
import threading
import time

import servers
from test_daemon import reading
from test_restart import Checkpoint, make_daemon, sample

TIMEOUT = 5  # of the sink, seconds


class Database(http.server.ThreadingHTTPServer):
    """Takes writes, and answers none while it stalls."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Write)
        self.runs = threading.Event()
        self.runs.set()
        self.answered = 0  # requests with the row in question
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
        runs = self.server.runs.is_set()
        self.server.runs.wait()
        self.send_response(204)
        self.end_headers()
        self.wfile.flush()
        self.server.answered += runs and b"emissions_15m,category=purchased_electricity,facility=hz" in body

    def log_message(self, *_):
        pass


class Healing(Checkpoint):
    def setUp(self):
        super().setUp()
        self.server = Database()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.runs.set)

    def wait_healed(self, ghgd):
        servers.eventually(lambda: sample(ghgd, "ghgd_partition_healing") == 0)

    def test_two_rounds_after_the_database_runs(self):
        config = self.begin()
        config["sinks"] = [{"name": "influx", "type": "influx", "dialect": "influx1", "url": self.server.url,
                            "database": "x", "gzip": False, "timeout": f"{TIMEOUT}s", "connect_timeout": "1s",
                            "backoff_min": "100ms", "backoff_max": "500ms"}]
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            servers.eventually(lambda: self.server.answered == 1)
            self.wait_saved(1)
            self.send(reading("hz-grid", 30, 2))
            servers.eventually(lambda: self.server.answered > 1)
            ghgd.kill()
        self.server.runs.clear()
        with make_daemon(config) as ghgd:
            time.sleep(6 + TIMEOUT + 2)  # the lease is over, and any timeout after it
            self.assertEqual(sample(ghgd, "ghgd_partition_healing"), 1)  # nobody has answered yet
            self.server.answered = 0
            self.server.runs.set()
            servers.eventually(lambda: self.server.answered >= 2)  # late, and the first round
            began = time.monotonic()
            self.wait_healed(ghgd)
            self.assertGreater(time.monotonic() - began, TIMEOUT / 2)
            servers.eventually(lambda: self.server.answered >= 3)  # the second round
            time.sleep(1.5)
            self.assertEqual(self.server.answered, 3)


for name in dir(Checkpoint):
    if name.startswith("test_"):
        setattr(Healing, name, None)  # they are run where they stand
del Checkpoint
