"""A target slips while the daemon runs: who hears of it, what a restart changes, and `ghgd alerts`."""
import csv
import datetime
import io
import json
import sqlite3
import unittest

import daemon
import servers
from servers import eventually
from test_alerts import Receiver
from test_daemon import configuration, make_topics

FACILITIES = "id,name,time_zone,country\nhz,Hangzhou mill,Asia/Shanghai,CN\nsh,Shanghai,Asia/Shanghai,CN\n"
METERS = ("id,facility,kind,quantity,unit,interval,category,source,factor,valid_from\n"
          "hz-gas,hz,interval,gas_volume,Nm3,1d,stationary_combustion,boiler,ipcc2006.natural_gas,2024-01-01\n"
          "sh-gas,sh,interval,gas_volume,Nm3,1d,stationary_combustion,boiler,ipcc2006.natural_gas,2024-01-01\n")
# 2.0 kg CO2e a cubic metre: hz emits 10 % more than a budget of 3,650 t allows, sh as much less.
TARGETS = ("target,level,name,scopes,base_year,base_t,percent,target_year\n"
           "hz-2030,facility,hz,1,2023,3650,0.0007,2030\n"
           "sh-2030,facility,sh,1,2023,3650,0.0007,2030\n")
ZONE = datetime.timezone(datetime.timedelta(hours=8))
DAYS = 60


def events():
    for day in range(DAYS):
        start = datetime.datetime(2024, 1, 1, tzinfo=ZONE) + datetime.timedelta(day)
        for meter, value in (("hz-gas", 5600), ("sh-gas", 4400)):
            yield {"meter": meter, "start": start.isoformat(), "value": value,
                   "end": (start + datetime.timedelta(1)).isoformat()}


class Standing(unittest.TestCase):
    def start(self, pager, manager):
        topic = make_topics()
        sinks = [{"name": "lite", "type": "sqlite", "path": "lite.db"},
                 {"name": "pager", "type": "webhook", "url": pager.url, "backoff_min": "100ms", "backoff_max": "500ms"},
                 {"name": "manager", "type": "alertmanager", "url": f"http://127.0.0.1:{manager.port}",
                  "repeat": "1s", "backoff_min": "100ms", "backoff_max": "500ms"}]
        config = configuration(topic, sinks, checkpoint={"interval": "1s"},
                               trajectory={"share_min": "5%", "days_off": "none"})
        config["tables"] = {"facilities": "facilities.csv", "meters": "meters.csv", "targets": "targets.csv"}
        server = daemon.Daemon(config, {"facilities.csv": FACILITIES, "meters.csv": METERS, "targets.csv": TARGETS})
        self.enterContext(server)
        servers.kafka().produce(topic, [json.dumps(event) for event in events()])
        return server, topic

    def sent(self, manager, since=0):
        """The newest state of each alert that Alertmanager was told, by target and severity."""
        with manager.lock:
            bodies = [json.loads(body) for path, _, body in manager.requests[since:]]
        return {(alert["labels"]["target"], alert["labels"]["severity"]): alert for body in bodies for alert in body}

    def alerts(self, server, *arguments):
        return daemon.ghgd("alerts", arguments[0], "-c", "ghgd.yaml", *arguments[1:], cwd=server.folder)

    def test_slips_and_restarts(self):
        with Receiver() as pager, Receiver() as manager:
            server, _ = self.start(pager, manager)
            eventually(lambda: len(pager.ids()) > 0)
            eventually(lambda: ("hz-2030", "critical") in self.sent(manager))
            self.assertEqual(pager.ids(), ["hz-2030/1/1"])
            [alert] = pager.alerts()
            self.assertEqual((alert["status"], alert["labels"]["severity"]), ("firing", "critical"))
            self.check_database(server)
            self.check_commands(server)

            self.assertEqual(server.terminate(), 0)
            before = len(manager.requests)
            server.launch()
            eventually(server.is_ready)
            eventually(lambda: ("hz-2030", "critical") in self.sent(manager, before))
            self.assertEqual(pager.ids(), ["hz-2030/1/1"])  # a webhook hears of each change once
            self.check_commands(server)

    def check_database(self, server):
        def ask(statement):
            with sqlite3.connect(f"file:{server.folder}/state/lite.db?mode=ro", uri=True) as database:
                return database.execute(statement).fetchall()
        eventually(lambda: ask("SELECT count(*) FROM trajectory WHERE target = 'hz-2030' AND stage = 'day'")[0][0]
                   >= DAYS - 2)
        [(target, name, source)] = ask("SELECT target, to_name, source_1 FROM alerts")
        self.assertEqual((target, name), ("hz-2030", "critical"))
        self.assertIn("boiler", source)

    def check_commands(self, server):
        def listed(*options):
            done = self.alerts(server, "list", "--format", "csv", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            return {row["target"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
        eventually(lambda: set(listed()) == {"hz-2030"})  # when it has been saved
        eventually(lambda: set(listed("--all")) == {"hz-2030", "sh-2030"})
        row = listed("--all")
        self.assertEqual((row["hz-2030"]["level"], row["sh-2030"]["level"]), ("critical", "ok"))
        self.assertGreater(float(row["hz-2030"]["slip_percent"]), 5)
        self.assertEqual(row["sh-2030"]["since"], "")
        done = self.alerts(server, "list")
        self.assertRegex(done.stdout, r"hz-2030 +critical +2024-0[1-3]-\d\d ")
        done = self.alerts(server, "list", "--format", "json", "--all")
        self.assertEqual(sorted(json.loads(line)["target"] for line in done.stdout.splitlines()),
                         ["hz-2030", "sh-2030"])
        for language, words in (("en", "Hangzhou mill"), ("zh", "Hangzhou mill"), ("vi", "Hangzhou mill")):
            done = self.alerts(server, "show", "--language", language, "hz-2030")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(words, done.stdout)
        done = self.alerts(server, "show", "sh-2030")
        self.assertEqual(done.returncode, 0, done.stderr)
        for arguments, code, words in ((("show", "none"), 1, 'there is no target "none"'),
                                       (("show",), 2, "wants the id of a target"),
                                       (("list", "hz-2030"), 2, "one argument too many"),
                                       (("list", "--format", "xml"), 2, "--format is table"),
                                       (("show", "--language", "de", "hz-2030"), 2, "--language is en"),
                                       (("forget",), 2, "has list, show and test")):
            done = self.alerts(server, *arguments)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)
