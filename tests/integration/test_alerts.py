"""Alerts leave the daemon: to a webhook that fails, stalls and comes back, and to a real Alertmanager."""
import datetime
import hashlib
import hmac
import http.server
import json
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import daemon
import servers
from ports import free_port
from servers import eventually
from test_sinks import Writer

SECRET = "what both sides know"
OK, WATCH, WARNING, CRITICAL = range(4)
ZONE = datetime.timezone(datetime.timedelta(hours=8))
SITES = (b"hz", b"sz", b"dhaka-1")


class Receiver:
    """A webhook's receiver, which keeps what it took. `script` has what it does first: a status, "stall" or "drop"."""

    def __init__(self, script=(), port=None):
        self.script, self.port = list(script), port or free_port()
        self.requests, self.taken, self.lock = [], [], threading.Lock()

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.stopping.is_set():  # a connection that was kept
                    self.close_connection = True
                    return
                with receiver.lock:
                    receiver.requests.append((self.path, dict(self.headers), body))
                    step = receiver.script.pop(0) if receiver.script else 204
                    if step == 204:
                        receiver.taken.append(json.loads(body))
                if step == "stall":
                    receiver.stopping.wait(30)
                if isinstance(step, str):
                    self.close_connection = True
                    return
                self.send_response(step)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.stopping = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client may reset its connection
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def alerts(self):
        """Every alert that was taken, in order."""
        with self.lock:
            return [alert for body in self.taken for alert in body["alerts"]]

    def ids(self):
        return [alert["annotations"]["id"] for alert in self.alerts()]


def is_ours(secret, header, body):
    """As docs/alerts.md tells receivers."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    want = hmac.new(secret, parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(want, parts["v1"]) and abs(time.time() - int(parts["t"])) < 300


def change(writer, target, number, before, after, partition=0):
    writer._send(f"alert {target} {number} {before} {after} {partition}")


class Webhook(unittest.TestCase):
    def test_fails_stalls_comes_back(self):
        steps = [500, "stall", "drop", 429, 404, 503]
        with Receiver(steps) as receiver, Writer("webhook", receiver.url, "", SITES, GHGD_SECRET=SECRET) as writer:
            change(writer, 0, 1, OK, WATCH)
            change(writer, 1, 4, WATCH, CRITICAL)
            counters = writer.write()
            self.assertEqual((counters["err"], counters["written"], counters["refused"]), (0, 2, 0))
            self.assertEqual(counters["retries"], len(steps))
            self.assertEqual(sorted(receiver.ids()), ["hz-2030/1/1", "sz-2030/1/4"])
            change(writer, 0, 2, WATCH, OK)
            writer.write()
            self.assertEqual(len(receiver.requests), len(steps) + 2)
            for path, headers, body in receiver.requests:
                self.assertEqual((path, headers["Content-Type"]), ("/hook", "application/json"))
                self.assertTrue(is_ours(SECRET.encode(), headers["X-Ghgd-Signature"], body))
                self.assertFalse(is_ours(b"another", headers["X-Ghgd-Signature"], body))
                self.assertFalse(is_ours(SECRET.encode(), headers["X-Ghgd-Signature"], body + b" "))
        last = receiver.taken[-1]
        self.assertEqual((last["status"], last["version"]), ("resolved", "4"))
        first = receiver.alerts()[0]
        self.assertEqual(first["fingerprint"], last["alerts"][0]["fingerprint"])
        self.assertEqual(first["endsAt"], "0001-01-01T00:00:00Z")

    def test_away_for_a_while(self):
        port = free_port()
        receiver = Receiver(port=port)
        with Writer("webhook", receiver.url, "", SITES) as writer:
            change(writer, 0, 1, OK, WARNING)
            counters = writer.write(meanwhile=receiver.start)
            self.assertEqual(receiver.ids(), ["hz-2030/1/1"])
            self.assertGreater(counters["retries"], 0)
            receiver.stop()
            for number in range(2, 6):
                change(writer, 0, number, WARNING if number % 2 else OK, OK if number % 2 else WARNING)
            again = Receiver(port=port)
            writer.write(meanwhile=again.start)
            self.assertEqual(again.ids(), [f"hz-2030/1/{number}" for number in range(2, 6)])
            again.stop()

    def test_refuses_one(self):
        with Receiver([400, 204, 422]) as receiver, Writer("webhook", receiver.url, "", SITES) as writer:
            for target in range(3):
                change(writer, target, 1, OK, WATCH)
            counters = writer.write()
            self.assertEqual((counters["written"], counters["refused"]), (2, 1))
            self.assertEqual(receiver.ids(), ["hz-2030/1/1", "dhaka-1-2030/1/1"])
            dead = writer.dead_rows.read_text().splitlines()
            self.assertIn("status 422", dead[0])
            self.assertEqual(json.loads(dead[1])["alerts"][0]["annotations"]["id"], "sz-2030/1/1")


class Topic(unittest.TestCase):
    def test_each_change_is_a_record(self):
        kafka = servers.kafka()
        topic = kafka.topic("alerts", partitions=3)
        with Writer("topic", kafka.brokers, topic, SITES) as writer:
            for target in range(3):
                change(writer, target, 1, OK, WATCH)
            self.assertEqual(writer.write()["written"], 3)
            for number in range(2, 202):
                change(writer, 0, number, WATCH, WARNING)
            self.assertEqual(writer.write()["written"], 203)
        messages = kafka.consume(topic)
        keys = sorted(message.key.decode() for message in messages)
        self.assertEqual(keys, sorted([f"hz-2030/1/{number}" for number in range(1, 202)] +
                                      ["sz-2030/1/1", "dhaka-1-2030/1/1"]))
        for message in messages:
            alert = json.loads(message.value)
            self.assertEqual(alert["annotations"]["id"], message.key.decode())
            self.assertEqual(alert["status"], "firing")

    def test_without_a_topic(self):
        """Records wait until the topic is there."""
        kafka = servers.kafka()
        topic = servers.unique("later")
        with Writer("topic", kafka.brokers, topic, SITES) as writer:
            change(writer, 0, 1, OK, WATCH)
            counters = writer.write(meanwhile=lambda: kafka.create_topic(topic))
            self.assertEqual((counters["err"], counters["written"], counters["refused"]), (0, 1, 0))
        self.assertEqual({message.key for message in kafka.consume(topic)}, {b"hz-2030/1/1"})


class Alertmanager(servers.Process):
    """Debian's, which groups by target and hands on to a receiver at once."""

    kind = "alertmanager"

    def __init__(self, hook):
        super().__init__()
        self.hook = hook

    def prepare(self):
        self.port = free_port()
        (self.folder / "am.yml").write_text(f"""
route: {{receiver: hook, group_by: [target], group_wait: 200ms, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: hook
    webhook_configs: [{{url: "{self.hook}", send_resolved: true}}]
""")

    def command(self):
        return ["prometheus-alertmanager", "--config.file=am.yml", f"--storage.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]

    def is_ready(self):
        return servers._listens(self.port) and servers.http(f"{self.url}/-/ready")[0] == 200

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def standing(self):
        """(target, severity) of each alert that stands, sorted."""
        alerts = json.loads(servers.http(f"{self.url}/api/v2/alerts")[1])
        return sorted((alert["labels"]["target"], alert["labels"]["severity"]) for alert in alerts)


class StandingAlerts(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver().start()
        self.addCleanup(self.receiver.stop)
        self.manager = Alertmanager(self.receiver.url).start()
        self.addCleanup(self.manager.stop)

    def told(self):
        """(target, status, severity) of everything that Alertmanager has handed on."""
        return {(alert["labels"]["target"], alert["status"], alert["labels"]["severity"])
                for alert in self.receiver.alerts()}

    def test_receives_groups_resolves(self):
        with Writer("alertmanager", self.manager.url, "", SITES, REPEAT_MS="500") as writer:
            change(writer, 0, 1, OK, WATCH)
            change(writer, 1, 1, OK, CRITICAL)
            self.assertEqual(writer.write()["written"], 2)
            self.assertEqual(self.manager.standing(), [("hz-2030", "watch"), ("sz-2030", "critical")])
            eventually(lambda: {("hz-2030", "firing", "watch"), ("sz-2030", "firing", "critical")} <= self.told())
            change(writer, 0, 2, WATCH, WARNING)
            writer.write()
            self.assertEqual(self.manager.standing(), [("hz-2030", "warning"), ("sz-2030", "critical")])
            eventually(lambda: {("hz-2030", "firing", "warning"), ("hz-2030", "resolved", "watch")} <= self.told())
            # each group is of one target
            for body in self.receiver.taken:
                self.assertEqual({alert["labels"]["target"] for alert in body["alerts"]},
                                 {body["groupLabels"]["target"]})
            # they stand as long as they are sent again: longer than the two seconds that one request is good for
            writer.wait(4)
            self.assertEqual(self.manager.standing(), [("hz-2030", "warning"), ("sz-2030", "critical")])
            self.assertNotIn(("sz-2030", "resolved", "critical"), self.told())
            change(writer, 0, 3, WARNING, OK)
            writer.write()
            self.assertEqual(self.manager.standing(), [("sz-2030", "critical")])
            eventually(lambda: ("hz-2030", "resolved", "warning") in self.told())

    def test_restarts_and_rebalances(self):
        with Writer("alertmanager", self.manager.url, "", SITES, REPEAT_MS="500") as writer:
            change(writer, 0, 1, OK, WATCH, partition=0)
            change(writer, 1, 1, OK, CRITICAL, partition=1)
            writer.write()
            # Alertmanager loses everything: the next repeat tells it all again
            self.manager.kill()
            subprocess.run(["rm", "-rf", f"{self.manager.folder}/data"], check=True)
            self.manager.launch()
            eventually(self.manager.is_ready)
            writer.wait(2)
            self.assertEqual(self.manager.standing(), [("hz-2030", "watch"), ("sz-2030", "critical")])
            # partition 1 has another owner, who says that its alert is over; the former owner says nothing
            writer._send("forget 1")
            with Writer("alertmanager", self.manager.url, "", SITES, REPEAT_MS="500") as owner:
                change(owner, 1, 2, CRITICAL, OK, partition=1)
                owner.write()
                writer.wait(2)
                self.assertEqual(self.manager.standing(), [("hz-2030", "watch")])
        # the process is gone: its alerts end by themselves
        eventually(lambda: self.manager.standing() == [])


class Command(unittest.TestCase):
    """`ghgd alerts test`."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ghgd-alerts-")
        self.addCleanup(self.folder.cleanup)
        self.tables = servers.ROOT / "tests/data/config"

    def run_test(self, sinks, *arguments):
        secret = Path(self.folder.name, "secret")
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        path = Path(self.folder.name, "ghgd.yaml")
        path.write_text(json.dumps({
            "kafka": {"brokers": servers.kafka().brokers},
            "tables": {"facilities": str(self.tables / "facilities.csv"), "meters": str(self.tables / "meters.csv"),
                       "catalogue": str(servers.ROOT / "config/factors")},
            "sinks": sinks}))
        return subprocess.run([daemon.BINARY, "alerts", "test", "-c", str(path), *arguments],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    def test_every_output(self):
        with Receiver() as receiver, Alertmanager(receiver.url.replace("/hook", "/manager")) as manager:
            sinks = [{"name": "hook", "type": "webhook", "url": receiver.url, "secret_file": "secret",
                      "language": "vi"},
                     {"name": "manager", "type": "alertmanager", "url": manager.url + "/", "language": "zh"},
                     {"name": "records", "type": "topic", "topic": servers.kafka().topic("alerts")},
                     {"name": "rows", "type": "file", "path": "/dev/null"}]
            got = self.run_test(sinks)
            self.assertEqual(got.returncode, 0, got.stderr)
            record, = servers.kafka().consume(sinks[2]["topic"])
            self.assertEqual(json.loads(record.value)["labels"]["test"], "true")
            self.assertRegex(got.stdout, r"\Ahook: taken with status 204 after \d+ ms\n"
                                         r"manager: taken with status 200 after \d+ ms\n"
                                         r"records: taken after \d+ ms\n\Z")
            path, headers, body = receiver.requests[0]
            self.assertTrue(is_ours(SECRET.encode(), headers["X-Ghgd-Signature"], body))
            alert = json.loads(body)["alerts"][0]
            self.assertEqual((alert["labels"]["test"], alert["labels"]["target"]), ("true", "ghgd-test"))
            self.assertIn("[THỬ] Cảnh báo: ", alert["annotations"]["summary"])
            eventually(lambda: len(receiver.requests) == 2)
            path, _, body = receiver.requests[1]
            self.assertEqual(path, "/manager")
            self.assertIn("[测试] 警告", json.loads(body)["alerts"][0]["annotations"]["summary"])
            only = self.run_test(sinks, "--sink", "hook")
            self.assertEqual((only.returncode, only.stdout.count("\n")), (0, 1))
            self.assertNotEqual(*[json.loads(receiver.requests[i][2])["alerts"][0]["annotations"]["id"]
                                  for i in (0, 2)])
            other = self.run_test(sinks, "--sink", "rows")
            self.assertEqual((other.returncode, other.stdout), (1, ""))
            self.assertIn('sink "rows" is not of type webhook, alertmanager or topic', other.stderr)

    def test_what_came_back(self):
        with Receiver([403, 400]) as receiver:
            sinks = [{"name": "hook", "type": "webhook", "url": receiver.url},
                     {"name": "refuses", "type": "webhook", "url": receiver.url},
                     {"name": "takes", "type": "webhook", "url": receiver.url},
                     {"name": "gone", "type": "alertmanager", "url": f"http://127.0.0.1:{free_port()}"}]
            got = self.run_test(sinks)
        self.assertEqual(got.returncode, 1)
        lines = got.stdout.splitlines()
        self.assertRegex(lines[0], r"hook: not taken with status 403 after \d+ ms: status 403 without a word")
        self.assertRegex(lines[1], r"refuses: not taken with status 400 after")
        self.assertRegex(lines[2], r"takes: taken with status 204 after")
        self.assertRegex(lines[3], r"gone: not taken after \d+ ms: .*connect")

    def test_nothing_to_send_to(self):
        got = self.run_test([{"name": "rows", "type": "file", "path": "/dev/null"}])
        self.assertEqual((got.returncode, got.stdout), (1, ""))
        self.assertIn("has no sink of type webhook, alertmanager or topic", got.stderr)

    def test_misused(self):
        for arguments in ([], ["nonsense"], ["test", "more"], ["test", "--nope"]):
            got = subprocess.run([daemon.BINARY, "alerts", *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual(got.returncode, 2, arguments)
            self.assertEqual(got.stdout, "")


class DaemonTells(unittest.TestCase):
    """A factory slips and comes back: its changes of level go from the daemon to people."""

    def setUp(self):
        self.kafka = servers.kafka()
        self.topic = self.kafka.topic("slip")
        self.kafka.create_topic(self.topic + "-alerts")
        self.receiver = Receiver([500, "drop", 204, "stall", 503]).start()
        self.addCleanup(self.receiver.stop)
        self.manager = Alertmanager("http://127.0.0.1:1/").start()
        self.addCleanup(self.manager.stop)
        self.daemon = daemon.Daemon({
            "input": {"topic": self.topic},
            "kafka": {"brokers": self.kafka.brokers, "group": servers.unique("slip")},
            "checkpoint": {"interval": "1s"},
            "tables": {"facilities": "facilities.csv", "meters": "meters.csv", "targets": "targets.csv",
                       "catalogue": str(servers.ROOT / "config/factors")},
            "windows": {"horizon": "8d", "reporting_from": "2025-01-01", "emit_interval": "500ms"},
            "sinks": [{"name": "lite", "type": "sqlite", "path": "lite.db"},
                      {"name": "hook", "type": "webhook", "url": self.receiver.url, "timeout": "2s",
                       "connect_timeout": "1s", "backoff_min": "50ms", "backoff_max": "200ms"},
                      {"name": "manager", "type": "alertmanager", "url": self.manager.url, "repeat": "1s"},
                      {"name": "records", "type": "topic", "topic": self.topic + "-alerts"}],
        }, files={
            "facilities.csv": "id,name,time_zone,country\nhz,Hangzhou mill,Asia/Shanghai,CN\n",
            "meters.csv": "id,facility,kind,interval,unit,category,factor,valid_from\n"
                          "gas,hz,interval,1d,Nm3,stationary_combustion,ipcc2006.natural_gas,2025-01-01\n",
            "targets.csv": "target,level,name,scopes,approach,base_year,base_t,percent,target_year\n"
                           "hz-2030,facility,hz,1,control,2024,3700,50,2030\n"})
        self.daemon.start()
        self.addCleanup(self.daemon.stop)

    def produce(self, first, last):
        """A reading a day; it burns too much until March of 2026, and then less."""
        messages = []
        for day in range(first.toordinal(), last.toordinal()):
            start = datetime.datetime.fromordinal(day).replace(tzinfo=ZONE)
            end = start + datetime.timedelta(1)
            value = 5000 if start.year == 2025 else 6200 if start.month < 4 else 2000
            messages.append((0, int(end.timestamp() * 1000), json.dumps(
                {"meter": "gas", "start": start.isoformat(), "end": end.isoformat(), "value": value})))
        self.kafka.produce_at(self.topic, messages)

    def changes(self):
        """The ids of changes in the database, and the last level."""
        database = sqlite3.connect(f"file:{self.daemon.folder}/state/lite.db?mode=ro", uri=True)
        rows = database.execute("SELECT id, to_level FROM alerts ORDER BY number").fetchall()
        return [row[0] for row in rows], rows[-1][1] if rows else OK

    def up_to(self, day):
        database = sqlite3.connect(f"file:{self.daemon.folder}/state/lite.db?mode=ro", uri=True)
        newest, = database.execute("SELECT max(start_ms) FROM trajectory").fetchone()
        return newest is not None and newest >= datetime.datetime.fromordinal(day.toordinal()).timestamp() * 1000

    def test_each_change_is_told(self):
        middle, last = datetime.date(2026, 3, 25), datetime.date(2026, 7, 20)
        self.produce(datetime.date(2025, 1, 1), middle)
        eventually(lambda: self.up_to(middle - datetime.timedelta(3)))
        ids, level = self.changes()
        self.assertEqual(level, CRITICAL)
        eventually(lambda: set(self.receiver.ids()) == set(ids))
        eventually(lambda: self.manager.standing() == [("hz-2030", "critical")])
        # neither the daemon nor Alertmanager remembers anything; the daemon's state does
        time.sleep(3)  # a checkpoint
        self.daemon.kill()
        self.manager.kill()
        subprocess.run(["rm", "-rf", f"{self.manager.folder}/data"], check=True)
        self.manager.launch()
        eventually(self.manager.is_ready)
        self.assertEqual(self.manager.standing(), [])
        self.daemon.launch()
        eventually(lambda: self.manager.standing() == [("hz-2030", "critical")])
        self.produce(middle, last)
        eventually(lambda: self.up_to(last - datetime.timedelta(3)))
        ids, level = self.changes()
        self.assertEqual(level, OK)
        self.assertEqual(ids, [f"hz-2030/1/{number}" for number in range(1, len(ids) + 1)])
        eventually(lambda: set(self.receiver.ids()) == set(ids))
        eventually(lambda: self.manager.standing() == [])
        eventually(lambda: {record.key.decode() for record in self.kafka.consume(self.topic + "-alerts")} == set(ids))
        told = {alert["annotations"]["id"]: alert for alert in self.receiver.alerts()}
        self.assertEqual(told[ids[-1]]["status"], "resolved")
        self.assertIn("Over: Hangzhou mill is back on course", told[ids[-1]]["annotations"]["summary"])
        self.assertIn("Most of the year to date comes from: natural_gas",
                      told[ids[-1]]["annotations"]["description"])
