"""Messages that are gone from the topic before they were read: their partition stops, and says so."""
import json
import re
import signal
import unittest

import daemon
import servers
import test_daemon
from test_daemon import METERS, QUARTER, START, configuration, influx_sink, reading


class Halting(daemon.Daemon):
    """Is not ready while a partition is halted, but healthy."""

    def is_ready(self):
        try:
            return servers.http(f"{self.url}/healthz", timeout=2)[0] == 200
        except OSError:
            return False

    def health(self):
        return servers.http(f"{self.url}/healthz")

    def halted(self):
        return {key[2]: value for key, value in self.metrics().items()
                if key[0] == "ghgd_partition_halted"}


class DataLoss(test_daemon.RowsCase):
    def make(self, config):
        return Halting(config, {"facilities.csv": test_daemon.FACILITIES, "meters.csv": METERS})

    def produce(self, topic, partition, *quarters):
        """One kWh of the facility of the partition in each of these quarters of an hour."""
        meter = ("hz-grid", "lx-grid")[partition]
        servers.kafka().produce(topic, [(meter[:2], json.dumps(reading(meter, 15 * q, 1)))
                                        for q in quarters], partition=partition)

    def wait_quarters(self, database, partition, *quarters):
        self.wait_rows(database, "emissions_15m",
                       {START + (q - 1) * QUARTER: {"activity": 1} for q in quarters},
                       facility=("hz", "lx")[partition], source="grid")

    def setUp(self):
        self.topic, self.database = test_daemon.make_topics(partitions=2), servers.influxdb().database()
        self.config = configuration(self.topic, [influx_sink(self.database)])

    def make_lx(self, **kafka):
        """Both facilities have a meter of intervals; each has its partition."""
        config = json.loads(json.dumps(self.config))
        config["kafka"].update(kafka)
        ghgd = self.make(config)
        ghgd.files["meters.csv"] += ("lx-grid,lx,interval,energy,kWh,purchased_electricity,grid,,15m,"
                                     "end,,\n")
        return ghgd

    def check_halted(self, ghgd, words):
        servers.eventually(lambda: ghgd.halted() == {"0": 0, "1": 1})
        status, text = ghgd.health()
        self.assertEqual(status, 200)
        self.assertRegex(text, words)
        self.assertIn("no data of partition 1", servers.http(f"{ghgd.url}/readyz")[1])
        self.assertEqual(servers.http(f"{ghgd.url}/readyz")[0], 503)
        self.assertRegex(ghgd.log(), r"intake\.data_lost partition=1 .* consumption=stopped")
        self.assertEqual(ghgd.metrics()[("ghgd_consumer_data_losses_total",)], 1)

    def go_on(self, ghgd):
        """An operator decides to go on with the messages that are left."""
        config = json.loads((ghgd.folder / "ghgd.yaml").read_text())
        config["kafka"]["on_data_loss"] = "continue"
        ghgd.reload({"ghgd.yaml": json.dumps(config)})

    def test_retention_overtook_a_daemon_that_was_away(self):
        kafka = servers.kafka()
        with self.make_lx() as ghgd:
            self.produce(self.topic, 0, 1)
            self.produce(self.topic, 1, 1, 2)
            self.wait_quarters(self.database, 1, 1, 2)
            self.assertEqual(ghgd.terminate(), 0)
        self.produce(self.topic, 1, 3, 4, 5, 6)
        kafka.delete_before(self.topic, 1, 4)
        with self.make_lx() as ghgd:
            self.check_halted(ghgd, r"offsets \d to 3 are gone .*; the oldest left is 4; .*"
                                    r"the oldest left arrived at 20")
            self.produce(self.topic, 0, 2)
            self.wait_quarters(self.database, 0, 1, 2)
            self.produce(self.topic, 1, 7)
            self.wait_quarters(self.database, 1, 1, 2)
            self.go_on(ghgd)
            self.wait_quarters(self.database, 1, 1, 2, 5, 6, 7)
            servers.eventually(lambda: ghgd.halted() == {"0": 0, "1": 0})
            self.assertRegex(ghgd.log(), r"intake\.data_lost partition=1 .* consumption=continues")
            servers.eventually(lambda: servers.http(f"{ghgd.url}/readyz")[0] == 200)
            self.assertEqual(ghgd.terminate(), 0)

    def test_retention_overtakes_a_daemon_that_stands_still(self):
        with self.make_lx() as ghgd:
            self.produce(self.topic, 0, 1)
            self.produce(self.topic, 1, 1, 2)
            self.wait_quarters(self.database, 1, 1, 2)
            ghgd.child.send_signal(signal.SIGSTOP)
            self.produce(self.topic, 1, 3, 4, 5, 6)
            servers.kafka().delete_before(self.topic, 1, 6)
            ghgd.child.send_signal(signal.SIGCONT)
            self.produce(self.topic, 1, 7)
            # what librdkafka had fetched before it stood still is not lost
            got = []

            def decided():
                got[:] = [self.database_quarters(1)]
                return ghgd.halted().get("1") == 1 or got[0] == 7
            servers.eventually(decided)
            if ghgd.halted().get("1") == 1:
                self.check_halted(ghgd, r"offsets 2 to 5 are gone .* had arrived at 20")
            self.produce(self.topic, 0, 2)
            self.wait_quarters(self.database, 0, 1, 2)

    def database_quarters(self, partition):
        return len(test_daemon.rows(self.database, "emissions_15m",
                                    facility=("hz", "lx")[partition], source="grid"))

    def test_a_topic_that_grows(self):
        kafka = servers.kafka()
        topic = test_daemon.make_topics(partitions=1)
        config = configuration(topic, [influx_sink(self.database)])
        config["kafka"]["start"] = "latest"
        config["kafka"]["properties"]["topic.metadata.refresh.interval.ms"] = "500"
        self.config = config
        with self.make_lx() as ghgd:
            servers.eventually(lambda: servers.http(f"{ghgd.url}/readyz")[0] == 200)
            servers.eventually(lambda: ghgd.metrics()[("ghgd_consumer_commits_total",)] >= 1)
            self.produce(topic, 0, 1)
            self.wait_quarters(self.database, 0, 1)
            kafka.add_partitions(topic, 2)
            self.produce(topic, 1, 1, 2)  # before the daemon has noticed, and read all the same
            self.wait_quarters(self.database, 1, 1, 2)
            self.assertEqual(ghgd.halted(), {"0": 0, "1": 0})

    @unittest.skipIf(daemon.is_sanitized("tsan"), "so slow a process may meet librdkafka's issue 5573, and ends")
    def test_a_topic_made_anew(self):
        kafka = servers.kafka()
        with self.make_lx() as ghgd:
            self.produce(self.topic, 0, 1)
            self.produce(self.topic, 1, 1, 2, 3)
            self.wait_quarters(self.database, 1, 1, 2, 3)
            # a daemon cannot miss an offset that is not committed yet
            for partition, offset in ((0, 1), (1, 3)):
                servers.eventually(lambda: kafka.group_offset(self.topic, self.topic, partition)[0] == offset)
            kafka.delete_topic(self.topic)
            kafka.create_topic(self.topic, partitions=2)
            self.produce(self.topic, 1, 4)
            servers.eventually(lambda: ghgd.halted().get("1") == 1, every=0.5)
            self.assertRegex(ghgd.health()[1], r"partition 1: offset \d came next, but the topic was created "
                                               r"again, .* begins at 0; .*the oldest left arrived at 20")
            self.assertTrue(re.search(r"intake\.data_lost partition=1 ", ghgd.log()))
            self.wait_quarters(self.database, 1, 1, 2, 3)
            self.go_on(ghgd)
            self.wait_quarters(self.database, 1, 1, 2, 3, 4)
            self.produce(self.topic, 0, 2)
            self.wait_quarters(self.database, 0, 1, 2)
            self.assertEqual(ghgd.terminate(), 0)
        with self.make_lx() as ghgd:  # what was gone once is not missed again
            self.produce(self.topic, 1, 5)
            self.wait_quarters(self.database, 1, 1, 2, 3, 4, 5)
            self.assertEqual(ghgd.halted(), {"0": 0, "1": 0})

    def test_a_group_whose_offsets_expired(self):
        kafka = servers.kafka()
        with self.make_lx(start="latest") as ghgd:
            servers.eventually(lambda: ghgd.metrics().get(("ghgd_consumer_commits_total",), 0) >= 1)
            self.produce(self.topic, 1, 1, 2, 3)
            self.wait_quarters(self.database, 1, 1, 2, 3)
            servers.eventually(lambda: kafka.group_offset(self.topic, self.topic, 1)[1].startswith("ghgd2 epoch"))
            self.assertEqual(ghgd.terminate(), 0)
        kafka.delete_group(self.topic)
        self.produce(self.topic, 1, 4)
        servers.eventually(lambda: kafka.group_offset(self.topic, self.topic, 1)[0] == -1)
        with self.make_lx(start="latest") as ghgd:
            self.check_halted(ghgd, r"partition 1: the group has no offset any more, though offset 3 came next: .*"
                                    r"the oldest message left is 0; its state was saved last at 20")
            # of the other there is no state: it begins as it is told to
            servers.eventually(lambda: "intake.caught_up partition=0" in ghgd.log())
            self.produce(self.topic, 0, 1, 2)
            self.wait_quarters(self.database, 0, 1, 2)
            self.wait_quarters(self.database, 1, 1, 2, 3)
            self.assertEqual(ghgd.terminate(), 0)
        self.assertEqual(kafka.group_offset(self.topic, self.topic, 1)[0], -1)
        with self.make_lx(start="latest") as ghgd:  # and again, until an operator decides
            self.check_halted(ghgd, r"partition 1: the group has no offset any more, though offset 3 came next")
            self.go_on(ghgd)
            self.wait_quarters(self.database, 1, 1, 2, 3, 4)
            servers.eventually(lambda: ghgd.halted() == {"0": 0, "1": 0})
            servers.eventually(lambda: kafka.group_offset(self.topic, self.topic, 1)[1].startswith("ghgd2 epoch"))
            self.assertEqual(ghgd.terminate(), 0)
        with self.make_lx() as ghgd:
            self.produce(self.topic, 1, 5)
            self.wait_quarters(self.database, 1, 1, 2, 3, 4, 5)
            self.assertEqual(ghgd.halted(), {"0": 0, "1": 0})


if __name__ == "__main__":
    unittest.main()
