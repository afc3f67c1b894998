"""`ghgd decide`: a person's decision goes into the log, changes figures, and a replay decides the same."""
import json
import tempfile
import unittest
from pathlib import Path

import daemon
import servers
import test_daemon
from test_daemon import START, configuration, make_daemon, reading, stamp
from test_replay_log import rows

MINUTE, QUARTER, DAY = 60_000, 15, 86_400_000
METERS = test_daemon.METERS + """\
hz-kwh,hz,register,energy,kWh,purchased_electricity,counter,,15m,,,
hz-oil,hz,delivery,volume,L,stationary_combustion,oil,ipcc2006.gas_diesel_oil,,,,
hz-tank,hz,stock,volume,L,stationary_combustion,tank,ipcc2006.gas_diesel_oil,,,,
"""
PARTITION = 1
EVENTS = [reading("hz-kwh", QUARTER * i, value) for i, value in enumerate((100, 101, 102, 103, 104, 99999))] + [
    reading("hz-grid", QUARTER * i, 10) for i in range(1, 6)] + [
    reading("hz-oil", 0, 3000, id="INV-7"), reading("hz-oil", 0, 2000), reading("hz-oil", 0, 500),
    # the facility of another partition begins long before
    reading("hz-grid", 60, 12, revision=1)]


class Decide(unittest.TestCase):
    """One log; each test goes on from a state of its own."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def start(self, **more):
        self.topic = test_daemon.make_topics(partitions=3)
        config = self.configuration(["live"], **more)
        ghgd = self.enterContext(make_daemon(config, METERS))
        self.server = ghgd
        servers.kafka().produce(self.topic, [("hz", json.dumps(event)) for event in EVENTS], partition=PARTITION)
        servers.eventually(lambda: self.saved("hz-kwh") >= len(EVENTS), every=1)
        return ghgd

    def configuration(self, names, **more):
        return configuration(self.topic, [{"name": name, "type": "sqlite", "path": f"{self.folder}/{name}.db"}
                                          for name in names],
                             checkpoint={"interval": "1s"}, windows={"idle_timeout": "1s"}, **more)

    def saved(self, meter):
        """Up to which offset the state is saved."""
        said = self.command("readings", meter).stderr
        return int(said.split("saved up to offset ")[1].split(";")[0]) if "saved up to" in said else -1

    def command(self, name, *options):
        return daemon.ghgd(name, "-c", "ghgd.yaml", *options, cwd=self.server.folder)

    def decide(self, meter, minute, verdict, *options, note="a test of the meter"):
        return self.command("decide", meter, stamp(START + minute * MINUTE), verdict, "--note", note, *options)

    def decided(self, *arguments):
        """The event that was sent, once the state has it."""
        done = self.decide(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r'^sent to ".*", partition \d, offset \d+\n$')
        offset = int(done.stdout.split()[-1])
        servers.eventually(lambda: self.saved("hz-kwh") > offset, every=1)
        return offset

    def activity(self, source):
        """The figure of the day in the database."""
        found = [row["activity"] for (table, _, name, _), row in rows(f"{self.folder}/live.db", final=False).items()
                 if table == "emissions_1d" and name == source]
        return found[0] if found else None

    def wait_activity(self, source, want):
        try:
            servers.eventually(lambda: self.activity(source) == want)
        except Exception:
            self.fail(f"{source}: {self.activity(source)}, not {want}")

    def why(self, meter, minute):
        listed = [json.loads(line) for line in self.command("readings", "--format", "json", meter).stdout.splitlines()]
        return [row["why"] for row in listed if row["time"].startswith(f"2024-03-01T{8 + minute // 60:02}:{minute % 60:02}")]

    def assert_refused(self, done, code, words):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(words, done.stderr)

    def assert_replay_decides_the_same(self):
        # the day is over: a replay writes what is
        def is_over():
            days = [row["final"] for key, row in rows(f"{self.folder}/live.db", final=False).items()
                    if key[0] == "coverage_1d" and row["end_ms"] <= START + DAY]
            return days == [1]
        servers.kafka().produce(self.topic, [("hz", json.dumps(reading("hz-gas", 3 * DAY // MINUTE, 10000)))],
                                partition=PARTITION)
        servers.eventually(is_over)
        servers.eventually(lambda: all(value == 0 for key, value in self.server.metrics().items()
                                       if key[0] == "ghgd_shard_dirty_rows"))
        self.assertEqual(self.server.terminate(), 0)
        config = self.configuration(["again"], **({"input": {"rekey": True}} if self.rekeyed else {}))
        Path(self.folder, "ghgd.yaml").write_text(json.dumps(config))
        for name, text in (("facilities.csv", test_daemon.FACILITIES), ("meters.csv", METERS)):
            Path(self.folder, name).write_text(text)
        done = daemon.ghgd("replay", "-c", "ghgd.yaml", "--kafka", "--from", "2023-12-01", "--sinks", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        follows_the_log = ("revision", "version", "final")

        def figures(name):
            return {key: {column: value for column, value in row.items() if column not in follows_the_log}
                    for key, row in rows(f"{self.folder}/{name}.db", final=False).items()
                    if row["end_ms"] <= START + DAY}
        live, again = figures("live"), figures("again")
        self.assertGreater(len(live), 20)
        self.assertEqual(live, again)

    rekeyed = False

    def test_drop_and_accept(self):
        self.start()
        self.wait_activity("counter", 4)
        done = self.decide("hz-kwh", 75, "drop", "--dry-run", "--by", "ines")
        self.assertEqual(done.returncode, 0, done.stderr)
        topic, partition, key, header, event = done.stdout.splitlines()
        self.assertEqual((topic, partition, key, header),
                         (f"topic {self.topic}", f"partition {PARTITION}", "key hz", "header ghgd-native: 1"))
        event = json.loads(event)
        self.assertRegex(event.pop("at"), r"^20\d\d-")
        self.assertEqual(event, {"meter": "hz-kwh", "time": stamp(START + 75 * MINUTE), "event": "drop", "of": "reading",
                                 "quality": "actual", "revision": 0, "by": "ines", "note": "a test of the meter"})
        self.assertEqual(len(servers.kafka().consume(self.topic)), len(EVENTS))  # nothing was sent
        offset = self.decided("hz-kwh", 75, "drop")
        self.assertEqual(self.why("hz-kwh", 75), [f"dropped by decision {PARTITION}:{offset}"])
        self.assertEqual(self.server.metrics()["ghgd_shard_dropped", "partition", str(PARTITION)], 1)
        again = self.decide("hz-kwh", 75, "drop")
        self.assertEqual((again.returncode, again.stdout), (0, ""))
        self.assertIn(f"dropped already, by the decision at partition {PARTITION}, offset {offset}", again.stderr)
        offset = self.decided("hz-kwh", 75, "accept")
        self.wait_activity("counter", 99899)
        self.assertIn(f"; accepted by decision {PARTITION}:{offset}", self.why("hz-kwh", 75)[0])
        # the corrected quarter of an hour, with its revision
        self.wait_activity("grid", 52)
        self.decided("hz-grid", 45, "drop")
        self.wait_activity("grid", 40)
        self.decided("hz-oil", 0, "drop", "--id", "INV-7")
        self.wait_activity("oil", 2500)
        self.assert_replay_decides_the_same()

    def test_an_exchange(self):
        self.start()
        self.wait_activity("counter", 4)
        self.decided("hz-kwh", 70, "exchange", "--final", "105.5", "--initial", "99990", "--unit", "kWh")
        self.wait_activity("counter", 14.5)
        offset = self.decided("hz-kwh", 70, "drop", "--of", "exchange")
        self.wait_activity("counter", 4)
        self.assertEqual(self.why("hz-kwh", 70), [f"exchange, the old counter: dropped by decision {PARTITION}:{offset}",
                                                 f"exchange, the new counter: dropped by decision {PARTITION}:{offset}"])
        self.assert_replay_decides_the_same()

    def test_with_rekey_it_goes_to_the_keyed_topic(self):
        self.rekeyed = True
        self.start(input={"rekey": True})
        done = self.decide("hz-kwh", 75, "drop", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"topic {self.topic}-rekeyed\n", done.stdout)
        self.decided("hz-kwh", 75, "accept")
        self.wait_activity("counter", 99899)
        self.assert_replay_decides_the_same()

    def test_what_is_refused(self):
        self.start()
        for arguments, code, words in (
                (("hz-kwj", 75, "drop"), 1, 'no meter "hz-kwj"; did you mean "hz-kwh"?'),
                (("hz-kwh", 77, "drop"), 1, "no such reading at that time; near it are:\n"
                                            "  2024-03-01T09:15:00+08:00  reading 99999 kWh\n"),
                (("hz-kwh", 7, "drop"), 1, "  2024-03-01T08:00:00+08:00  reading 100 kWh\n"
                                           "  2024-03-01T08:15:00+08:00  reading 101 kWh\n"),
                (("hz-gas", 0, "drop"), 1, "no such reading at that time\n"
                                           "an event that was refused is no reading: ghgd deadletter list shows it\n"),
                (("lx-pv", 0, "drop"), 1, 'none of them knows facility "lx"'),
                (("hz-oil", 0, "drop"), 1, "several things begin at that time"),
                (("hz-oil", 0, "drop", "--id", "INV-8"), 1, "no such reading at that time"),
                (("hz-kwh", 75, "drop", "--of", "exchange"), 1, "no such reading at that time"),
                (("hz-grid", 60, "drop", "--end", stamp(START)), 1, "no such reading at that time"),
                (("hz-kwh", 75, "exchange", "--final", "1"), 2, "exchange wants both of"),
                (("hz-kwh", 75, "exchange", "--final", "1,5", "--initial", "0"), 1, "would be refused (value_invalid)"),
                (("hz-kwh", 75, "exchange", "--final", "1", "--initial", "0", "--unit", "m3"), 1, "(unit_mismatch)"),
                (("hz-grid", 75, "exchange", "--final", "1", "--initial", "0"), 1, "would be refused (event_kind)"),
                (("hz-kwh", -30 * 24 * 60, "exchange", "--final", "1", "--initial", "0"), 1,
                 "the day has left the horizon: windows before 2024-02-23T"),
                (("hz-kwh", 60_000_000, "exchange", "--final", "1", "--initial", "0"), 1, "would be early"),
                (("hz-kwh", 75, "drop", "--final", "1"), 2, "only exchange takes"),
                (("hz-kwh", 75, "exchange", "--final", "1", "--initial", "0", "--id", "7"), 2, "exchange takes none of"),
                (("hz-kwh", 75, "keep"), 2, "decides drop, accept or exchange, not"),
                (("hz-kwh", 75, "drop", "--of", "bill"), 2, "--of is reading, exchange"),
                (("hz-kwh", 75, "drop", "--end", "noon"), 2, "--end is RFC 3339"),
                (("hz-kwh", 75, "drop", "now"), 2, "takes no such argument as"),
                (("hz-kwh", 75, "drop", "--by", ""), 2, "--by is empty")):
            with self.subTest(arguments):
                self.assert_refused(self.decide(*arguments), code, words)
        for note, words in (("", "--note is empty"), ("x" * 1001, "--note is too long"), ("a\nb", "line breaks")):
            self.assert_refused(self.decide("hz-kwh", 75, "drop", note=note), 2, words)
        self.assert_refused(self.command("decide", "hz-kwh", stamp(START), "drop"), 2, "wants a reason")
        self.assert_refused(self.command("decide", "hz-kwh", "today", "drop", "--note", "x"), 2, "TIME is RFC 3339")
        self.assert_refused(self.command("decide", "hz-kwh"), 2, "wants a meter, a time and a decision")
        done = self.decide("hz-grid", 15, "accept")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("it was not dropped; nothing to do", done.stderr)
        done = self.decide("hz-kwh", -30 * 24 * 60, "exchange", "--final", "1", "--initial", "0", "--late-ok")
        self.assertEqual(done.returncode, 0, done.stderr)
        servers.eventually(lambda: len(servers.kafka().consume(self.topic + "-late")) == 1)

    def test_two_documents_without_id(self):
        self.start()
        servers.kafka().produce(self.topic, [("hz", json.dumps(reading("hz-oil", 30, value))) for value in (7, 8)],
                                partition=PARTITION)
        servers.eventually(lambda: self.saved("hz-oil") >= len(EVENTS) + 2, every=1)
        self.assert_refused(self.decide("hz-oil", 30, "drop"), 1,
                            "they have no id to tell them apart")
        servers.kafka().produce(self.topic, [("hz", json.dumps(reading("hz-oil", 45, 9, id="INV-9")))],
                                partition=PARTITION)
        servers.eventually(lambda: self.saved("hz-oil") >= len(EVENTS) + 3, every=1)
        self.assert_refused(self.decide("hz-oil", 45, "drop"), 1, "it is a document with a number; give --id")

    def test_a_document_behind_the_horizon(self):
        """As long as its balance is open, the decision reaches it by its id."""
        self.start()
        days = 20 * DAY // MINUTE
        events = [reading("hz-tank", 0, 12000, event="dip"), reading("hz-tank", 60, 30000, id="INV-3"),
                  reading("hz-tank", days, 11000, event="dip")]
        servers.kafka().produce(self.topic, [("hz", json.dumps(event)) for event in events], partition=PARTITION)

        def booked():
            return sum(row["activity"] for (table, _, name, _), row in rows(f"{self.folder}/live.db", final=False).items()
                       if table == "emissions_1d" and name == "tank")
        servers.eventually(lambda: round(booked(), 3) == 31000)
        servers.eventually(lambda: self.saved("hz-tank") >= len(EVENTS) + 3, every=1)
        self.assert_refused(self.decide("hz-tank", 60, "drop"), 1, "it is a document with a number; give --id")
        self.assert_refused(self.decide("hz-tank", 0, "drop"), 1, "the day has left the horizon")
        said = self.decide("hz-tank", 60, "drop", "--id", "INV-3", "--dry-run")
        event = json.loads(said.stdout.splitlines()[-1])
        self.assertEqual((event["time"], event["id"]), (stamp(START + days * MINUTE), "INV-3"))
        self.assertIn("the balance is open: the decision has the time 2024-03-21T00:00:00", said.stderr)
        self.decided("hz-tank", 60, "drop", "--id", "INV-3")
        servers.eventually(lambda: round(booked(), 3) == 1000)
        self.assertIn("dropped by decision", self.why("hz-tank", 60)[0])
        self.decided("hz-tank", 60, "accept", "--id", "INV-3")
        servers.eventually(lambda: round(booked(), 3) == 31000)

    def test_before_the_first_checkpoint(self):
        self.topic = test_daemon.make_topics()
        with make_daemon(self.configuration(["live"]), METERS) as ghgd:
            self.server = ghgd
            self.assert_refused(self.decide("hz-kwh", 0, "drop"), 1, "no partition has a saved state yet")

    def test_a_facility_on_two_partitions(self):
        """Two processes have one each, so neither can know."""
        self.topic = test_daemon.make_topics(partitions=2)
        both = [self.enterContext(make_daemon(self.configuration([name]), METERS)) for name in ("one", "other")]
        self.server = both[0]
        servers.eventually(lambda: all(any(key[0] == "ghgd_partition_caught_up" for key in ghgd.metrics())
                                       for ghgd in both))
        for partition in (0, 1):
            servers.kafka().produce(self.topic, [("hz", json.dumps(EVENTS[0]))], partition=partition)
        servers.eventually(lambda: "is on 2 partitions" in self.command("readings", "hz-kwh").stderr, every=1)
        self.assert_refused(self.decide("hz-kwh", 0, "drop"), 1, 'facility "hz" is on partitions 0 and 1')


if __name__ == "__main__":
    unittest.main()
