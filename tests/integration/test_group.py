"""Several processes of one configuration: instances, static membership, poison that holds up no process."""
import json
import subprocess
import time
import unittest

import daemon
import msgpack
import servers
import test_daemon
from test_daemon import METERS, QUARTER, START, configuration, influx_sink, reading

LX_METER = "lx-grid,lx,interval,energy,kWh,purchased_electricity,grid,,15m,end,,\n"


class Instance(daemon.Daemon):
    """`ghgd@N`: it listens N above the port that its configuration names."""

    def __init__(self, config, number):
        super().__init__(config, {"facilities.csv": test_daemon.FACILITIES,
                                  "meters.csv": METERS + LX_METER},
                         environment={"GHGD_INSTANCE": str(number)})
        self.number = number

    def prepare(self):
        super().prepare()
        (self.folder / f"state@{self.number}").mkdir(exist_ok=True)
        self.url = f"http://127.0.0.1:{self.port + self.number}"

    def assigned(self):
        return self.metrics()[("ghgd_consumer_assigned_partitions",)]

    def rebalances(self):
        return self.metrics()[("ghgd_consumer_rebalances_total",)]


class Group(test_daemon.RowsCase):
    def setUp(self):
        self.topic, self.database = test_daemon.make_topics(partitions=2), servers.influxdb().database()
        self.config = configuration(self.topic, [influx_sink(self.database)])
        self.config["kafka"]["properties"] |= {"group.instance.id": "test-%H-%i",
                                               "session.timeout.ms": "30000"}

    def produce(self, quarter):
        """One kWh of both facilities, each in its partition."""
        for partition, meter in enumerate(("hz-grid", "lx-grid")):
            servers.kafka().produce(self.topic, [(meter[:2], json.dumps(reading(meter, 15 * quarter, 1)))],
                                    partition=partition)

    def wait_quarters(self, *quarters):
        for facility in ("hz", "lx"):
            self.wait_rows(self.database, "emissions_15m",
                           {START + (q - 1) * QUARTER: {"activity": 1} for q in quarters},
                           facility=facility, source="grid")

    def test_a_quick_restart_moves_no_partition(self):
        with Instance(self.config, 1) as first, Instance(self.config, 2) as second:
            servers.eventually(lambda: (first.assigned(), second.assigned()) == (1, 1))
            self.produce(1)
            self.wait_quarters(1)
            before = first.rebalances()
            self.assertEqual(second.terminate(), 0)
            self.produce(2)
            second.launch()
            self.assertTrue(second.wait_ready())
            servers.eventually(lambda: second.assigned() == 1)
            self.wait_quarters(1, 2)
            self.assertEqual((first.assigned(), first.rebalances()), (1, before))
            self.produce(3)
            self.wait_quarters(1, 2, 3)
            # and one that died is not missed before its session is over
            second.kill()
            second.launch()
            self.assertTrue(second.wait_ready())
            self.produce(4)
            self.wait_quarters(1, 2, 3, 4)
            self.assertEqual((first.assigned(), first.rebalances()), (1, before))

    def test_of_two_with_one_name_the_older_ends(self):
        with Instance(self.config, 1) as first:
            self.produce(1)
            self.wait_quarters(1)
            with Instance(self.config, 1) as double:
                self.assertEqual(first.child.wait(120), 1)
                self.assertRegex(first.log(), r"process\.failed .*FENCED_INSTANCE_ID.*"
                                              r"same group\.instance\.id: give each its own")
                servers.eventually(lambda: double.assigned() == 2)
                self.produce(2)
                self.wait_quarters(1, 2)

    def test_instances_are_refused_and_shown(self):
        folder = Instance(self.config, 2)
        with folder as ghgd:
            got = daemon.ghgd("check", "-c", "ghgd.yaml", cwd=ghgd.folder)
            self.assertIn(f"listen: 127.0.0.1:{ghgd.port}\n", got.stdout)
            bad = subprocess.run([daemon.BINARY, "check", "-c", "ghgd.yaml"], cwd=ghgd.folder, text=True,
                                 stdin=subprocess.DEVNULL, capture_output=True,
                                 env={"GHGD_INSTANCE": "two"})
            self.assertEqual((bad.returncode, "expected a whole number" in bad.stderr), (1, True))


class Poison(test_daemon.RowsCase):
    """Nothing in a message holds up the partition it came in, or another."""

    def test_poison_holds_nobody(self):
        topic, database = test_daemon.make_topics(partitions=2), servers.influxdb().database()
        kafka = servers.kafka()
        nested = b"[" * 200_000 + b"]" * 200_000
        poison = [
            nested, b"{\"a\":" * 100_000, b"\x91" * 300_000, b"\x81\xa1a" * 100_000,
            b"\xdd\xff\xff\xff\xff" + b"\x80" * 1000, b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
            b"\xdb\x7f\xff\xff\xffx", b"\xc1" * 1000, bytes(range(256)) * 100, b"\x00", b"{", b"\xff\xfe{",
            json.dumps([0] * 300_000).encode(), b"[" + b"{}," * 200_000 + b"{}]",
            b'{"meter":"' + b"x" * 900_000 + b'"}', b'{"value":' + b"9" * 500_000 + b"}",
            b'{"value":1e999999999999,"meter":"hz-grid","time":"2024-03-01T00:15:00Z"}',
            b'{"meter":"\\ud800","time":"2024-03-01T00:15:00Z","value":1}', b'{"meter":"\xff"}',
            msgpack.packb({"meter": "hz-grid", "time": msgpack.Timestamp(2**34 - 1, 999_999_999), "value": 1}),
            b""]
        with test_daemon.make_daemon(configuration(topic, [influx_sink(database)])) as ghgd:
            began = time.monotonic()
            for i in range(0, len(poison), 4):
                kafka.produce(topic, [("hz", m) for m in poison[i:i + 4]], partition=0, codec="lz4")
            kafka.produce(topic, [("lx", json.dumps(reading("lx-pv", 0, 100))),
                                  ("lx", json.dumps(reading("lx-pv", 15, 140)))], partition=1)
            self.wait_rows(database, "emissions_15m", {START: {"activity": 30}}, facility="lx")
            kafka.produce(topic, [("hz", json.dumps(reading("hz-grid", 15, 1)))], partition=0)
            self.wait_rows(database, "emissions_15m", {START: {"activity": 1}}, facility="hz",
                           source="grid")
            self.assertLess(time.monotonic() - began, 120)
            metrics = ghgd.metrics()
            self.assertGreater(metrics[("ghgd_events_total", "outcome", "rejected", "reason",
                                        "undecodable")], 10)
            self.assertLess(metrics[("process_resident_memory_bytes",)], 1 << 30)
            self.assertEqual(ghgd.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
