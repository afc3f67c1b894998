"""State that survives: restored where it stands, handed over, and never silently lost."""
import datetime
import json
import re
import tempfile
import time
import unittest
from pathlib import Path

import daemon
import servers
from test_daemon import FACILITIES, METERS, QUARTER, START, configuration, influx_sink, make_daemon, make_topics
from test_daemon import RowsCase, reading

POINTER = re.compile(r"ghgd2 epoch=[0-9a-f]+ number=\d+ base=\d+ end=\d+")


def used(ghgd):
    """Events that this process has put to use."""
    return sum(value for key, value in ghgd.metrics().items()
               if key[0] == "ghgd_events_total" and "used" in key)


def sample(ghgd, name, partition=0):
    return ghgd.metrics().get((name, "partition", str(partition)))


class CheckpointCase(RowsCase):
    """Tests of saved state derive from it. It has no test."""

    def setUp(self):
        self.kafka = servers.kafka()

    def begin(self, partitions=1, **more):
        self.topic, self.database = make_topics(partitions), servers.influxdb().database()
        more.setdefault("checkpoint", {"interval": "1s"})
        return configuration(self.topic, [influx_sink(self.database)], **more)

    def send(self, *events, partition=0):
        self.kafka.produce(self.topic, [("hz", json.dumps(event)) for event in events],
                           partition=partition)

    def wait_grid(self, *kwh):
        self.wait_rows(self.database, "emissions_15m",
                       {START + i * QUARTER: {"activity": value} for i, value in enumerate(kwh)},
                       facility="hz", source="grid")

    def wait_taken(self, ghgd, count):
        """A figure in the database says nothing of what was sent behind its event."""
        servers.eventually(lambda: ghgd.metrics()[("ghgd_consumer_messages_total",)] == count)

    def wait_saved(self, offset, partition=0):
        def is_saved():
            """the group's offset, with a pointer to the state there"""
            got = self.kafka.group_offset(self.topic, self.topic, partition)
            return got[0] == offset and POINTER.fullmatch(got[1])
        servers.eventually(is_saved)


class Checkpoint(CheckpointCase):
    def test_restart_goes_on_where_it_was(self):
        config = self.begin()
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1), reading("hz-gas", 0, 100), reading("hz-gas", 15, 104))
            self.wait_grid(1)
            self.wait_taken(ghgd, 3)
            self.assertIn("intake.begins partition=0 offset=-1", ghgd.log())
            self.assertEqual(ghgd.terminate(), 0)
        self.wait_saved(3)
        with make_daemon(config) as ghgd:
            self.assertIn("intake.restored partition=0 offset=3 ", ghgd.log())
            self.send(reading("hz-grid", 30, 2), reading("hz-grid", 15, 5, revision=1),
                      reading("hz-gas", 30, 109))
            self.wait_grid(5, 2)
            self.wait_rows(self.database, "emissions_15m",
                           {START: {"activity": 4}, START + QUARTER: {"activity": 5}}, facility="hz",
                           source="natural_gas")
            metrics = ghgd.metrics()
            self.assertEqual(metrics[("ghgd_consumer_messages_total",)], 3)  # none a second time
            self.assertEqual(metrics[("ghgd_partition_account_events", "outcome", "used", "partition",
                                      "0", "reason", "")], 5)
            self.assertEqual(metrics[("ghgd_partition_account_events", "outcome", "corrected",
                                      "partition", "0", "reason", "")], 1)

    def test_killed_at_any_time(self):
        config = self.begin(partitions=2)
        values = []
        for life in range(4):
            with make_daemon(config) as ghgd:
                for _ in range(4):
                    values.append(len(values) + 1)
                    self.send(reading("hz-grid", 15 * len(values), values[-1]))
                    time.sleep(0.3 * (life % 3))
                ghgd.kill()
        with make_daemon(config) as ghgd:
            self.wait_grid(*values)
            self.wait_rows(self.database, "emissions_1mo", {
                START - 8 * 3_600_000: {"activity": sum(values)}}, facility="hz", source="grid")

    def test_victoria_metrics_is_killed(self):
        """It loses rows that it acknowledged in its last seconds: the daemon asks, and writes them again."""
        self.topic = make_topics()
        with servers.VictoriaMetrics() as victoria:
            config = configuration(self.topic, [{
                "name": "victoria", "type": "influx", "dialect": "victoria", "database": "ghg",
                "url": victoria.url, "confirm_after": "10s"}])

            def days():
                return [samples[-1][1] for samples in
                        victoria.export('{__name__="emissions_1d_activity"}').values()]
            with make_daemon(config) as ghgd:
                self.send(reading("hz-grid", 15, 1))
                servers.eventually(lambda: ghgd.metrics().get(
                    ("ghgd_sink_rows_written_total", "sink", "victoria"), 0) > 0)
                victoria.kill()
                victoria.launch()
                self.assertTrue(victoria.wait_ready())
                servers.eventually(lambda: days() == [1])
                self.send(reading("hz-grid", 30, 2))
                servers.eventually(lambda: days() == [3])

    def test_days_stay_until_victoria_metrics_has_them(self):
        """A backlog of several horizons: a day leaves when it is proven, and not before."""
        self.topic = make_topics()
        with servers.VictoriaMetrics() as victoria:
            config = configuration(self.topic, [{
                "name": "victoria", "type": "influx", "dialect": "victoria", "database": "ghg",
                "url": victoria.url, "confirm_after": "2s"}],
                windows={"horizon": "1d"}, checkpoint={"interval": "1s"})
            self.send(*(reading("hz-grid", 15 + day * 1440, day + 1) for day in range(8)))
            with make_daemon(config) as ghgd:
                self.wait_saved(8)
                began, caught_up = (
                    datetime.datetime.fromisoformat(re.search(
                        rf"^(\S+)Z info intake\.{event} ", ghgd.log(), re.M)[1])
                    for event in ("begins", "caught_up"))
                self.assertGreater((caught_up - began).total_seconds(), 2 * 2)
                self.assertEqual(used(ghgd), 8)
                servers.eventually(lambda: sorted(
                    sample[1] for samples in victoria.export(
                        '{__name__="emissions_1d_activity"}').values()
                    for sample in samples) == list(range(1, 9)))

    def test_killed_together_with_victoria_metrics(self):
        """It loses rows that it acknowledged in its last seconds, and the daemon that knew of that dies too."""
        def days():
            return [samples[-1][1] for samples in
                    victoria.export('{__name__="emissions_1d_activity"}').values()]
        for _ in range(5):  # on a slow machine it may have had the time to save
            with servers.VictoriaMetrics() as victoria:
                config = self.kill_together(victoria)
                if days() == []:
                    with make_daemon(config):
                        servers.eventually(lambda: days() == [1])
                    return
        self.fail("it loses nothing")

    def kill_together(self, victoria):
        self.topic = make_topics()
        sink = {"name": "victoria", "type": "influx", "dialect": "victoria", "database": "ghg",
                "url": victoria.url}
        config = configuration(self.topic, [sink], checkpoint={"interval": "1s"})
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            servers.eventually(lambda: ghgd.metrics().get(
                ("ghgd_sink_rows_written_total", "sink", "victoria"), 0) > 0)
            time.sleep(1.8)  # a checkpoint that knows of the acknowledgement
            victoria.kill()
            ghgd.kill()
        victoria.launch()
        self.assertTrue(victoria.wait_ready())
        return config

    def test_reload_is_a_hand_over_to_itself(self):
        config = self.begin()
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1), reading("hz-new", 15, 2))
            self.wait_grid(1)
            ghgd.reload({"meters.csv": METERS + "hz-new,hz,interval,energy,kWh,"
                                                "purchased_electricity,grid,,15m,end,,\n"})
            servers.eventually(lambda: "intake.restored partition=0 offset=2 " in ghgd.log())
            self.send(reading("hz-new", 30, 7))
            self.wait_grid(1, 7)

    def test_reload_that_the_state_does_not_fit_is_refused(self):
        config = self.begin()
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            self.wait_grid(1)
            ghgd.reload({"meters.csv": METERS.replace("hz-grid,hz,interval,energy,kWh", "hz-grid,hz,interval,energy,MWh")})
            servers.eventually(lambda: "reload.failed" in ghgd.log())
            self.assertRegex(ghgd.log(), 'reload.state_does_not_fit .*the unit or multiplier of meter "hz-grid"')
            self.send(reading("hz-grid", 30, 2))
            self.wait_grid(1, 2)
            ghgd.reload({"meters.csv": METERS})
            servers.eventually(lambda: "reload.done" in ghgd.log())

    def test_parked_events_are_in_the_state(self):
        config = self.begin(input={"unknown_meter": "park"})
        parked = ("ghgd_partition_account_events", "outcome", "parked", "partition", "0", "reason", "")
        with make_daemon(config) as ghgd:
            self.send(reading("hz-new", 15, 2), reading("hz-grid", 15, 1), {"meter": "x", "value": 1},
                      reading("hz-other", 15, 3))
            self.wait_grid(1)
            self.wait_taken(ghgd, 4)
            self.assertEqual(ghgd.metrics()[parked], 2)
            self.wait_saved(4)
            ghgd.kill()
        known = METERS + "hz-new,hz,interval,energy,kWh,purchased_electricity,grid,,15m,end,,\n"
        with make_daemon(config, known) as ghgd:
            self.wait_grid(3)
            metrics = ghgd.metrics()
            self.assertEqual(metrics[parked], 1)
            account = sum(value for key, value in metrics.items()
                          if key[0] == "ghgd_partition_account_events")
            self.assertEqual(account, 4)
            self.assertEqual(metrics[("ghgd_consumer_messages_total",)], 0)

    def test_hand_over_between_two(self):
        config = self.begin(partitions=2)
        with make_daemon(config) as first:
            self.send(reading("hz-grid", 15, 1), partition=0)
            self.kafka.produce(self.topic, [("lx", json.dumps(reading("lx-pv", minute, 100)))
                                            for minute in (0, 15)], partition=1)
            self.wait_grid(1)
            self.wait_taken(first, 3)
            with make_daemon(config) as second:
                servers.eventually(lambda: "intake.restored" in second.log())
                self.assertIn("lost=0", first.log())
                self.send(reading("hz-grid", 30, 2), partition=0)
                self.kafka.produce(self.topic, [("lx", json.dumps(reading("lx-pv", 30, 100)))],
                                   partition=1)
                self.wait_grid(1, 2)
                self.wait_rows(self.database, "emissions_15m",
                               {START: {"activity": 25}, START + QUARTER: {"activity": 25}},
                               facility="lx")
                both = first.log() + second.log()
                self.assertIn("intake.restored partition=0 offset=1 ", both)
                self.assertIn("intake.restored partition=1 offset=2 ", both)
                first.terminate()
                servers.eventually(lambda: second.log().count("intake.restored") >= 3)
                self.send(reading("hz-grid", 45, 3), partition=0)
                self.wait_grid(1, 2, 3)

    def break_pointer(self):
        """Something else than we wrote is committed as the state's place."""
        offset, metadata = self.kafka.group_offset(self.topic, self.topic)
        self.kafka.commit_offset(self.topic, self.topic, 0, offset,
                                 metadata.replace("epoch=", "epoch=f"))

    def test_unreadable_state_stops_with_words(self):
        config = self.begin()
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            self.wait_grid(1)
            self.assertEqual(ghgd.terminate(), 0)
        self.wait_saved(1)
        self.break_pointer()
        ghgd = make_daemon(config)
        ghgd.wait_ready = lambda: servers.eventually(
            lambda: "checkpoint.unreadable partition=0" in ghgd.log())
        with ghgd:
            status, text = servers.http(f"{ghgd.url}/readyz")
            self.assertEqual(status, 503)
            self.assertRegex(text, "no state: partition 0 ")
            self.assertIn(f"--topic {self.topic}:0 --reset-offsets", ghgd.log())
            self.assertEqual(servers.http(f"{ghgd.url}/healthz")[0], 200)  # a restart mends nothing
            self.assertEqual(sample(ghgd, "ghgd_partition_unreadable"), 1)
            self.send(reading("hz-grid", 30, 2))
            time.sleep(2)
            self.assertEqual(used(ghgd), 0)
            self.wait_grid(1)
            self.assertEqual(ghgd.terminate(), 0)
        self.assertEqual(self.kafka.group_offset(self.topic, self.topic)[0], 1)  # nothing is hidden
        self.kafka.commit_offset(self.topic, self.topic, 0, 0)  # what the hint says
        with make_daemon(config) as ghgd:
            self.assertIn("intake.begins partition=0 offset=0", ghgd.log())
            self.wait_grid(1, 2)

    def test_lost_state_is_rebuilt_if_wanted(self):
        config = self.begin()
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            self.wait_grid(1)
            self.assertEqual(ghgd.terminate(), 0)
        self.wait_saved(1)
        self.kafka.delete_topic(self.topic + "-checkpoint")
        self.send(reading("hz-grid", 30, 2))
        config["checkpoint"]["on_unreadable"] = "rebuild"
        with make_daemon(config) as ghgd:
            servers.eventually(lambda: "checkpoint.rebuild partition=0" in ghgd.log())
            self.wait_grid(1, 2)
            self.assertEqual(used(ghgd), 2)
            self.wait_saved(2)
            self.assertEqual(ghgd.terminate(), 0)
        with make_daemon(config) as ghgd:
            self.assertIn("intake.restored partition=0 offset=2 ", ghgd.log())

    def test_another_meters_table(self):
        config = self.begin()
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1), reading("lx-pv", 0, 100), reading("lx-pv", 15, 100))
            self.wait_grid(1)
            self.wait_taken(ghgd, 3)
            self.assertEqual(ghgd.terminate(), 0)
        lines = METERS.splitlines(keepends=True)
        other = lines[0] + "aa-first,hz,interval,energy,MWh,purchased_electricity,grid,,15m,end,,\n"
        other += "".join(line for line in lines[1:] if not line.startswith("lx-pv"))
        with make_daemon(config, other) as ghgd:
            self.assertIn("intake.restored partition=0 offset=3 ", ghgd.log())
            self.send(reading("hz-grid", 30, 2), reading("aa-first", 15, "0.010"))
            self.wait_grid(11, 2)
            self.assertEqual(ghgd.metrics()[("ghgd_consumer_messages_total",)], 2)

    def test_at_the_ceiling_a_partition_waits(self):
        config = self.begin(memory_max="1B")
        folder = self.enterContext(tempfile.TemporaryDirectory())
        for name, text in (("facilities.csv", FACILITIES), ("meters.csv", METERS),
                           ("ghgd.yaml", json.dumps(config))):
            Path(folder, name).write_text(text)
        refused = daemon.ghgd("run", "-c", "ghgd.yaml", cwd=folder)
        self.assertEqual(refused.returncode, 1)
        least = re.search(r"memory_max: 1 bytes are too little; .* need (\d+)", refused.stderr)
        self.assertTrue(least, refused.stderr)
        config["memory_max"] = least[1] + "B"  # one facility, and no more
        with make_daemon(config) as ghgd:
            self.send(reading("hz-grid", 15, 1))
            self.wait_grid(1)
            self.send(reading("lx-pv", 0, 100), reading("lx-pv", 15, 100), reading("hz-grid", 30, 2))
            servers.eventually(lambda: sample(ghgd, "ghgd_partition_waits_for_memory") == 1)
            self.assertIn("shard.memory", ghgd.log())
            self.assertEqual(ghgd.terminate(), 0)
        config["memory_max"] = "1GiB"
        with make_daemon(config) as ghgd:
            self.wait_rows(self.database, "emissions_15m", {START: {"activity": 25}}, facility="lx")
            self.wait_grid(1, 2)
            metrics = ghgd.metrics()
            self.assertLess(metrics[("ghgd_memory_accounted_bytes",)], 1 << 30)
            self.assertEqual(metrics[("ghgd_memory_max_bytes",)], 1 << 30)

    def test_stopped_process_is_replaced_and_writes_no_more(self):
        config = self.begin()
        with make_daemon(config) as first:
            self.send(reading("hz-grid", 15, 1))
            self.wait_grid(1)
            self.wait_saved(1)
            first.child.send_signal(19)  # SIGSTOP
            with make_daemon(config) as second:
                servers.eventually(lambda: "intake.restored partition=0" in second.log())
                self.send(reading("hz-grid", 15, 9, revision=1))
                self.wait_grid(9)
                first.child.send_signal(18)  # SIGCONT
                servers.eventually(lambda: "process.stood_still" in first.log())
                servers.eventually(lambda: "lost=1" in first.log())
                self.send(reading("hz-grid", 30, 2))
                self.wait_grid(9, 2)

if __name__ == "__main__":
    unittest.main()
