"""ghgd's health in Prometheus: each query of its dashboard, and the rules, against a real daemon that is scraped."""
import json
import re
import time
import unittest
from datetime import datetime, timezone

import servers
import test_status
from daemon import Daemon
from grafana import FOLDER, Grafana, boards

METERS = test_status.METERS + "r1,plant,register,energy,kWh,15m,2,purchased_electricity,line,auto,\n"
# Nothing is sent on to a keyed topic here.
ABSENT = {"Dead letters that wait B"}


def readings():
    """Those of an hour, one of them without a time, and a register that breaks off."""
    begin = time.time() // 900 * 900 - 3600

    def at(i):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + 900 * i))
    for i in range(4):
        yield {"meter": "m1", "start": at(i), "end": at(i + 1), "value": 2}
        yield {"meter": "r1", "time": at(i), "value": 1000 + i if i < 2 else 10 + i}
    yield {"meter": "m1", "value": 2}


class Names(unittest.TestCase):
    def test_metrics_exist(self):
        known = set(re.findall(r"(?m)^\| `(\w+)` \|", (servers.ROOT / "docs/metrics.md").read_text()))
        known |= {f"{name}_bucket" for name in known} | {"ghgd_partition_"}  # a regular expression of names
        texts = {query.where: query.text for board in boards("health") for query in board.queries()}
        texts["rules"] = (FOLDER / "prometheus/ghgd.rules.yml").read_text()
        for where, text in texts.items():
            with self.subTest(query=where):
                self.assertLessEqual(set(re.findall(r"\b(?:ghgd|process)_\w+", text)), known)


class Health(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        kafka, influxdb = servers.kafka(), servers.influxdb()
        topic = kafka.topic("health", partitions=1)
        config = test_status.conf(kafka.brokers, topic)
        config["kafka"]["dead_letter_topic"] = kafka.topic("refused")
        config["checkpoint"] = {"topic": servers.unique("health-checkpoint"), "interval": "1s"}
        config["sinks"] = [{"name": "influx", "type": "influx", "dialect": "influx1", "url": influxdb.url,
                            "database": influxdb.database("health")}]
        cls.daemon = Daemon(config, {**test_status.TABLES, "meters.csv": METERS}).start()
        cls.addClassCleanup(cls.daemon.stop)
        kafka.produce(topic, [json.dumps(event) for event in readings()], partition=0)
        cls.prometheus = servers.Prometheus([f"127.0.0.1:{cls.daemon.port}"], FOLDER / "prometheus/ghgd.rules.yml").start()
        cls.addClassCleanup(cls.prometheus.stop)

    def grafana(self):
        return Grafana(datetime.fromtimestamp(time.time(), timezone.utc), victoria=self.prometheus)

    def lacking(self):
        """Queries without rows."""
        grafana = self.grafana()
        return {query.where for board in boards("health") for query in board.queries()
                if not query.is_variable and not grafana.run(query)}

    def test_every_query_returns_rows(self):
        servers.eventually(lambda: self.lacking() == ABSENT)
        [board] = boards("health")
        self.assertEqual(self.grafana().values("job", board), {"ghgd"})
        self.assertEqual(self.grafana().values("instance", board), {f"127.0.0.1:{self.daemon.port}"})

    def test_figures(self):
        [board] = boards("health")
        query = next(q for q in board.queries() if q.panel and q.panel["title"] == "Meters with something held")
        [row] = servers.eventually(lambda: self.grafana().run(query))
        self.assertEqual((row["facility"], row["meter"], row["reason"]), ("plant", "r1", "register_contradiction"))
        held = self.daemon.metrics()["ghgd_meter_held_seconds", "facility", "plant", "meter", "r1", "reason",
                                     "register_contradiction"]
        self.assertEqual(row["value"], held)

    def rules(self):
        groups = self.grafana().get("/api/v1/rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def test_rules_are_evaluated(self):
        servers.eventually(lambda: all(rule["health"] == "ok" for rule in self.rules()))
        states = {rule["name"]: rule["state"] for rule in self.rules()}
        self.assertEqual(len(states), len(self.rules()))
        servers.eventually(lambda: {rule["name"]: rule["state"] for rule in self.rules()}["GhgdMeterHeld"] == "pending")
        self.assertEqual(states["GhgdDown"], "inactive")
        self.assertEqual(states["GhgdSinkFailing"], "inactive")


if __name__ == "__main__":
    unittest.main()
