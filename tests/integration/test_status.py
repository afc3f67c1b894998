"""The daemon over HTTP, and its words to the service manager: without a broker, and with one."""
import re
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import servers
from daemon import Daemon

# No reading ever comes of the last three: one without meters, one that is silent, one not valid yet.
FACILITIES = ("id,name,time_zone,country,grid_region\nplant,Plant,Europe/Istanbul,TR,\n"
              '"Fabrik ""Süd"" 工",South,Europe/Istanbul,TR,\nidle,Idle,Europe/Istanbul,TR,\n'
              "silent,Silent,Europe/Istanbul,TR,\nnext,Next,Europe/Istanbul,TR,\n")
METERS = ("id,facility,kind,quantity,unit,interval,scope,category,source,factor,valid_from\n"
          "m1,plant,interval,energy,kWh,15m,2,purchased_electricity,grid,auto,\n"
          'm2,"Fabrik ""Süd"" 工",interval,energy,kWh,15m,2,purchased_electricity,grid,auto,\n'
          "m3,silent,interval,energy,kWh,15m,2,purchased_electricity,grid,auto,\n"
          "m4,next,interval,energy,kWh,15m,2,purchased_electricity,grid,auto,2090-01-01\n")
TABLES = {"facilities.csv": FACILITIES, "meters.csv": METERS}


def conf(brokers, topic="events"):
    return {"input": {"topic": topic},
            "kafka": {"brokers": [brokers], "group": servers.unique("status"),
                      "dead_letter_topic": "refused", "start": "earliest"},
            "tables": {"facilities": "facilities.csv", "meters": "meters.csv"},
            "windows": {"emit_interval": "1s"},
            "sinks": [{"name": "file", "type": "file", "path": "rows.lp"}]}


class Alive(Daemon):
    """A daemon that need not be ready to be looked at."""

    def __init__(self, brokers, topic="events", environment=None):
        super().__init__(conf(brokers, topic), TABLES, environment)

    def is_ready(self):
        try:
            return servers.http(f"{self.url}/healthz", timeout=2)[0] == 200
        except OSError:
            return False

    def get(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()


def promtool(text):
    return subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)


class WithoutBroker(unittest.TestCase):
    def setUp(self):
        self.daemon = Alive(f"127.0.0.1:{servers.free_port()}").start()
        self.addCleanup(self.daemon.stop)

    def test_pages(self):
        status, headers, text = self.daemon.get("/metrics")
        self.assertEqual((status, headers["Content-Type"]),
                         (200, "text/plain; version=0.0.4; charset=utf-8"))
        checked = promtool(text)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
        self.assertEqual(promtool(text.replace("# HELP", "# HLP")).returncode == 0, False)

        self.assertEqual(self.daemon.get("/healthz")[::2], (200, "ok loop: it turns\n"))
        status, _, text = self.daemon.get("/readyz")
        self.assertEqual(status, 503)
        self.assertIn("no assigned: the consumer group has not answered yet\n", text)

    def test_what_is_refused(self):
        self.assertEqual(self.daemon.get("/")[0], 404)
        self.assertEqual(self.daemon.get("/metrics/")[0], 404)
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.daemon.get("/metrics", method)[0], 405)
        status, headers, text = self.daemon.get("/metrics", "HEAD")
        self.assertEqual((status, text), (200, ""))
        self.assertGreater(int(headers["Content-Length"]), 1000)

    def test_loopback_only(self):
        listening = []
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as lines:
                for line in list(lines)[1:]:
                    local, _, state = line.split()[1:4]
                    if state == "0A" and int(local.split(":")[1], 16) == self.daemon.port:
                        listening.append(local.split(":")[0])
        self.assertEqual(listening, ["0100007F"])

    def test_reload_is_counted(self):
        self.daemon.reload({"meters.csv": METERS.replace("plant", "nowhere")})
        servers.eventually(lambda: self.daemon.metrics()["ghgd_config_reloads_total", "result", "refused"] == 1)
        self.assertEqual(self.daemon.metrics()["ghgd_config_last_reload_successful",], 0)
        self.daemon.reload({"meters.csv": METERS})
        servers.eventually(lambda: self.last_reload_ok())

    def last_reload_ok(self):
        """A reload may close the pages for a moment."""
        try:
            return self.daemon.metrics()["ghgd_config_last_reload_successful",] == 1
        except OSError:
            return False


class WithBroker(unittest.TestCase):
    def test_ready(self):
        kafka = servers.kafka()
        topic = kafka.topic("status", partitions=2)
        with Alive(kafka.brokers, topic) as daemon:
            servers.eventually(lambda: daemon.get("/readyz")[0] == 200)
            self.assertIn("ok assigned: 2\n", daemon.get("/readyz")[2])
            now = time.time() // 900 * 900
            start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)) for t in (now - 1800, now - 900))
            event = f'{{"meter": "m1", "start": "{start}", "end": "{end}", "value": 2}}'
            kafka.produce(topic, [event, event, "not json"], partition=1)
            servers.eventually(lambda: daemon.metrics()["ghgd_consumer_messages_total",] == 3)
            got = servers.eventually(lambda: self.counted(daemon))
            self.assertEqual(got["ghgd_events_total", "outcome", "used", "reason", ""], 1)
            self.assertEqual(got["ghgd_events_total", "outcome", "duplicate", "reason", ""], 1)
            self.assertEqual(got["ghgd_partition_next_offset", "partition", "1"], 3)
            self.assertEqual(got["ghgd_consumer_assigned_partitions",], 2)
            servers.eventually(lambda: daemon.metrics()["ghgd_sink_rows_written_total", "sink", "file"] > 0)
            checked = promtool(daemon.get("/metrics")[2])
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_facilities(self):
        """The ledger by facility: what was produced, on whichever partition; and after a restart."""
        kafka = servers.kafka()
        topic = kafka.topic("ledger", partitions=2)
        start = time.time() // 900 * 900 - 86400
        at = lambda i: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + 900 * i))
        event = lambda meter, i, value=2: (f'{{"meter": "{meter}", "start": "{at(i)}", "end": "{at(i + 1)}",'
                                           f' "value": {value}}}')
        kafka.produce(topic, [event("m1", 0), event("m1", 0), event("m1", 1), event("m1", 1, 3),
                              event("m1", -4000), event("m1", 2, -1), event("nobody", 0)], partition=0)
        kafka.produce(topic, [event("m2", i) for i in range(50)], partition=1)
        plant, south = ("facility", "plant"), ("facility", r'Fabrik \"Süd\" 工')
        account = lambda facility, outcome, reason="": ("ghgd_facility_account_events", *facility,
                                                        "outcome", outcome, "reason", reason)
        heard = {("ghgd_facility_heard", *plant): 1, ("ghgd_facility_heard", *south): 1,
                 ("ghgd_facility_heard", "facility", "silent"): 0}
        want = {**heard, account(plant, "used"): 2, account(plant, "duplicate"): 1, account(plant, "late"): 1,
                account(plant, "corrected"): 1, account(south, "used"): 50}
        daemon = Alive(kafka.brokers, topic)
        daemon.config["kafka"].update(dead_letter_topic=kafka.topic("refused"), late_topic=kafka.topic("late"))
        with daemon:
            self.check_facilities(daemon, want)
            self.assertEqual(daemon.terminate(), 0)
            daemon.launch()
            servers.eventually(lambda: daemon.is_ready() and daemon.get("/readyz")[0] == 200)
            self.check_facilities(daemon, want)

    def check_facilities(self, daemon, want):
        servers.eventually(lambda: daemon.metrics("/metrics/facilities") == want)
        _, headers, text = daemon.get("/metrics/facilities")
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        checked = promtool(text)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
        self.check_parts(daemon.metrics(), want)

    def test_unheard(self):
        """A facility without a reading is told, also after a restart and after a reload."""
        kafka = servers.kafka()
        topic = kafka.topic("unheard", partitions=2)
        now = time.time() // 900 * 900
        start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)) for t in (now - 1800, now - 900))
        event = lambda meter: f'{{"meter": "{meter}", "start": "{start}", "end": "{end}", "value": 2}}'
        south = r'"Fabrik \"Süd\" 工"'
        with Alive(kafka.brokers, topic) as daemon:
            self.expect_unheard(daemon, 0, f'"plant", {south}, "silent"')
            kafka.produce(topic, [event("m1")], partition=0)
            self.expect_unheard(daemon, 1, f'{south}, "silent"')
            kafka.produce(topic, [event("m2")], partition=1)
            self.expect_unheard(daemon, 2, '"silent"')
            self.assertEqual(daemon.terminate(), 0)
            daemon.launch()
            self.expect_unheard(daemon, 2, '"silent"')
            daemon.reload({"meters.csv": METERS.replace("2090", "2020").replace("m4", "m5")})
            self.expect_unheard(daemon, 2, '"silent", "next"')
            kafka.produce(topic, [event("m3"), event("m5")], partition=0)
            self.expect_unheard(daemon, 4, "")

    def readyz(self, daemon):
        """Its text once it is ready. A reload may close the pages for a moment."""
        try:
            status, _, text = daemon.get("/readyz")
            return text if status == 200 else ""
        except OSError:
            return ""

    def expect_unheard(self, daemon, heard, names):
        count = names.count(", ") + 1 if names else 0
        want = f"ok facilities: {heard} of {heard + count} have readings here"
        want += f"; none ever of {names}\n" if names else "\n"
        servers.eventually(lambda: want in self.readyz(daemon))
        got = daemon.metrics()
        self.assertEqual((got["ghgd_facilities_heard",], got["ghgd_facilities_unheard",]), (heard, count))

    def check_parts(self, partitions, want):
        """The outcomes of facilities add up to those of the partitions."""
        for outcome in ("used", "duplicate", "late"):
            labels = ("outcome", outcome)
            self.assertEqual(sum(n for key, n in want.items() if key[3:5] == labels),
                             sum(n for key, n in partitions.items()
                                 if key[0] == "ghgd_partition_account_events" and key[1:3] == labels))

    def counted(self, daemon):
        got = daemon.metrics()
        return got if got["ghgd_events_total", "outcome", "rejected", "reason", "undecodable"] == 1 else None


class ServiceManager(unittest.TestCase):
    """The daemon talks to the socket that systemd would hold."""

    def test_words(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            name = servers.unique("ghgd-notify")
            manager.bind(f"\0{name}")
            manager.settimeout(120)
            environment = {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "400000"}
            with Alive(f"127.0.0.1:{servers.free_port()}", environment=environment) as daemon:
                self.expect(manager, r"READY=1")
                self.expect(manager, r"WATCHDOG=1")
                self.expect(manager, r"WATCHDOG=1")
                daemon.child.send_signal(signal.SIGHUP)
                self.expect(manager, r"RELOADING=1\nMONOTONIC_USEC=\d+")
                self.expect(manager, r"READY=1")
                daemon.child.send_signal(signal.SIGTERM)
                self.expect(manager, r"STOPPING=1")
                self.assertEqual(self.wait_end(manager, daemon.child), 0)

    def wait_end(self, manager, child):
        """A manager reads to the end: the queue of a socket without a reader fills, and blocks."""
        manager.settimeout(0.1)
        deadline = time.monotonic() + 120
        while child.poll() is None and time.monotonic() < deadline:
            try:
                manager.recv(4096)
            except TimeoutError:
                pass
        return child.poll()

    def expect(self, manager, pattern):
        while not re.search(pattern, manager.recv(4096).decode()):
            pass


if __name__ == "__main__":
    unittest.main()
