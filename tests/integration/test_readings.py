"""`ghgd readings`: what became of each reading of a meter, from the state that the daemon saved."""
import csv
import io
import json
import unittest

import daemon
import servers
import test_daemon
from test_daemon import START, configuration, influx_sink, make_daemon, reading, stamp

MINUTE = 60_000
METERS = test_daemon.METERS + """\
hz-mj,hz,interval,energy,MJ,purchased_electricity,grid,,15m,end,,
hz-kwh,hz,register,energy,kWh,purchased_electricity,grid,,15m,,,
hz-tank,hz,stock,volume,L,stationary_combustion,oil,desnz.diesel,,,,
"""
PARTITION = 2
EVENTS = [
    # an estimated hour, and two quarters of it that were measured; the second is corrected
    reading("hz-grid", 0, 8, quality="estimated") | {"start": stamp(START), "end": stamp(START + 60 * MINUTE)},
    reading("hz-grid", 30, 7.25),
    reading("hz-grid", 60, 1),
    reading("hz-grid", 60, 3, revision=2),
    # a register that is exchanged without a word, and once reads 0
    reading("hz-kwh", 0, "640000.5"),
    reading("hz-kwh", 5, "640003"),
    reading("hz-kwh", 10, "640006"),
    reading("hz-kwh", 15, "640010"),
    reading("hz-kwh", 30, "18"),
    reading("hz-kwh", 33, "18.75"),
    reading("hz-kwh", 36, "0"),
    reading("hz-kwh", 40, "19.5"),
    reading("hz-kwh", 45, "20.25"),
    # and one that may have been
    reading("hz-kwh", 55, "7"),
    # a third of a kWh is no whole number of micro-units
    reading("hz-mj", 15, 1),
    reading("hz-mj", 30, 3.6),
    # refused: no reading
    reading("hz-grid", 75, 5, unit="m3"),
    # a tank; its second balance lacks a delivery
    reading("hz-tank", 0, 1000, event="dip"),
    reading("hz-tank", 10, 500, event="delivery", id="INV-1"),
    reading("hz-tank", 30, 1200, event="dip"),
    reading("hz-tank", 45, 1300, event="dip"),
    reading("hz-tank", 50, 70, event="transfer"),
]
del EVENTS[0]["time"]


@unittest.skipIf(daemon.is_sanitized("tsan"), "the command has one thread, and the daemon does what it always does")
class Readings(unittest.TestCase):
    """One daemon that has got all events; each test lists readings."""
    MINUTES = ["00", "05", "10", "15", "30", "33", "36", "40", "45", "55"]  # of hz-kwh

    @classmethod
    def setUpClass(cls):
        topic = test_daemon.make_topics(partitions=3)
        config = configuration(topic, [influx_sink(servers.influxdb().database())],
                               checkpoint={"interval": "1s"})
        cls.server = make_daemon(config, METERS)
        cls.enterClassContext(cls.server)
        servers.kafka().produce(topic, [("hz", json.dumps(event)) for event in EVENTS], partition=PARTITION)
        servers.eventually(lambda: f"saved up to offset {len(EVENTS)};" in cls.readings("hz-mj").stderr, every=1)

    @classmethod
    def readings(cls, *options):
        return daemon.ghgd("readings", "-c", "ghgd.yaml", *options, cwd=cls.server.folder)

    @classmethod
    def listed(cls, *options):
        done = cls.readings("--format", "json", *options)
        if done.returncode != 0:
            raise AssertionError(f"{options}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_intervals(self):
        rows = self.listed("hz-grid")
        self.assertEqual([(r["time"], r["end"], r["value"], r["unit"], r["quality"], r["revision"], r["fate"],
                           r["amount"]) for r in rows],
                         [("2024-03-01T08:00:00+08:00", "2024-03-01T09:00:00+08:00", 8, "kWh", "estimated", 0,
                           "counts_in_part", 4),
                          ("2024-03-01T08:15:00+08:00", "2024-03-01T08:30:00+08:00", 7.25, "kWh", "actual", 0,
                           "counts", 7.25),
                          ("2024-03-01T08:45:00+08:00", "2024-03-01T09:00:00+08:00", 3, "kWh", "actual", 2,
                           "counts", 3)])
        self.assertEqual([(r["partition"], r["offset"]) for r in rows], [(PARTITION, 0), (PARTITION, 1), (PARTITION, 3)])
        self.assertEqual(rows[0]["why"], "counts in part: 4 kWh over 30m of 1h; elsewhere 7.25 of "
                                         "2024-03-01T08:15:00+08:00 ranks higher")

    def test_a_register_that_falls(self):
        done = self.readings("hz-kwh")
        self.assertEqual(done.returncode, 0, done.stderr)
        head, *rows = done.stdout.splitlines()
        self.assertRegex(head, r"^TIME +END +VALUE +UNIT +QUALITY +REV +EVENT +WHAT BECAME OF IT$")
        self.assertEqual([row.split()[0] for row in rows],
                         [f"2024-03-01T08:{minute}:00+08:00" for minute in self.MINUTES])
        self.assertRegex(rows[0], r" 640000\.5  kWh     actual       0  2:4 +begins: ")
        self.assertIn(" counts: 2.5 kWh since the reading before", rows[1])
        self.assertIn(" break: 18 does not go on from 640010 of 2024-03-01T08:15:00+08:00; the time between is "
                      "held, -639992 kWh in question", rows[4])
        self.assertIn(" left aside: 0 contradicts 18.75 before and 19.5 after", rows[6])
        self.assertIn(" counts: 0.75 kWh since the reading before", rows[7])
        self.assertIn(" held: later readings decide whether 7 goes on from 20.25 of 2024-03-01T08:45:00+08:00, "
                      "-13.25 kWh in question", rows[9])
        self.assertIn('facility "hz" is on partition 2, saved up to offset 22', done.stderr)
        self.assertIn("10 readings, 6 counts, 1 begins, 1 left_aside, 1 break, 1 held; what was refused is shown by: "
                      "ghgd deadletter list --meter 'hz-kwh'", done.stderr)

    def test_a_stock(self):
        rows = self.listed("hz-tank")
        self.assertEqual([(r["role"], r["fate"], r["amount"], r["held_amount"]) for r in rows],
                         [("dip", "begins", None, None), ("reading", "in_balance", None, None),
                          ("dip", "counts", 300, None), ("dip", "held", None, -100),
                          ("transfer", "waits", None, None)])
        self.assertEqual([[r[name] for name in ("opening", "delivered", "transferred", "credited", "closing")]
                          for r in rows[2:4]], [[1000, 500, 0, 0, 1200], [1200, 0, 0, 0, 1300]])
        self.assertEqual((rows[3]["held_from"], rows[3]["held_to"]),
                         ("2024-03-01T08:30:00+08:00", "2024-03-01T08:45:00+08:00"))
        self.assertIn("held, stock_negative: between the dips of 2024-03-01T08:30:00+08:00 and "
                      "2024-03-01T08:45:00+08:00 1200 - 1300 = -100 L", rows[3]["why"])
        self.assertIn(' shard.stock_negative partition=2 meter="hz-tank" opening_dip=2024-03-01T00:30:00Z '
                      "opening_offset=19 closing_dip=2024-03-01T00:45:00Z closing_offset=20 amount=-100 unit=L",
                      self.server.log())
        self.assertIn('meter="hz-tank" facility="hz" reason=stock_negative stretches=1 held_s=900 '
                      "from=2024-03-01T00:30:00Z to=2024-03-01T00:45:00Z amount=-100 unit=L "
                      "opening_dip=2024-03-01T00:30:00Z closing_dip=2024-03-01T00:45:00Z",
                      servers.http(f"{self.server.url}/held")[1])
        self.assertEqual(self.server.metrics()["ghgd_shard_stock_negative_seconds", "partition", "2"], 900)

    def test_a_unit_that_was_rounded(self):
        rows = self.listed("hz-mj")
        self.assertEqual([(r["value"], r["unit"]) for r in rows], [(0.277778, "kWh"), (1, "kWh")])

    def test_from_and_to(self):
        def minutes(*options):
            return [row["time"][14:16] for row in self.listed("hz-kwh", *options)]
        self.assertEqual(minutes("--from", stamp(START + 30 * MINUTE)), self.MINUTES[4:])
        self.assertEqual(minutes("--to", stamp(START + 15 * MINUTE)), self.MINUTES[:3])
        self.assertEqual(minutes("--from", stamp(START + 16 * MINUTE), "--to", stamp(START + 20 * MINUTE)), ["30"])
        self.assertEqual(minutes("--from", stamp(START + 46 * MINUTE), "--to", stamp(START + 50 * MINUTE)), ["55"])
        self.assertEqual(minutes("--from", "2024-03-02"), [])
        self.assertEqual(minutes("--from", "2100-01-01"), [])

    def test_csv(self):
        done = self.readings("--format", "csv", "-q", "hz-kwh")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("ghgd readings", done.stderr)  # warnings of the tables may be there
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual([row["canonical"] for row in rows], ["640000.5", "640003", "640006", "640010", "18", "18.75",
                                                             "0", "19.5", "20.25", "7"])
        self.assertEqual([(i, row["held_from"], row["held_to"], row["held_amount"])
                          for i, row in enumerate(rows) if row["held_from"]],
                         [(4, "2024-03-01T08:15:00+08:00", "2024-03-01T08:30:00+08:00", "-639992"),
                          (9, "2024-03-01T08:45:00+08:00", "2024-03-01T08:55:00+08:00", "-13.25")])

    def test_meters_without_readings(self):
        done = self.readings("hz-gas")
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 1), done.stderr)
        self.assertIn("ghgd readings: 0 readings;", done.stderr)
        done = self.readings("-q", "lx-pv")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('none of them knows facility "lx"', done.stderr)

    def test_what_is_refused(self):
        for options, code, words in ((("hz-gird",), 1, 'no meter "hz-gird"; did you mean "hz-grid"?'),
                                     (("quite-another",), 1, 'no meter "quite-another"\n'),
                                     ((), 2, "wants the id of a meter"),
                                     (("hz-grid", "hz-gas"), 2, "takes one meter"),
                                     (("--format", "xml", "hz-grid"), 2, "--format is table, csv or json, not"),
                                     (("--from", "soon", "hz-grid"), 2, "--from wants"),
                                     (("--to", "soon", "hz-grid"), 2, "--to wants")):
            done = self.readings(*options)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
            self.assertIn(words, done.stderr)

    def test_the_daemon_goes_on_undisturbed(self):
        before = self.server.metrics()
        self.listed("hz-grid")
        after = self.server.metrics()
        for name in ("ghgd_consumer_rebalances_total", "ghgd_consumer_errors_total"):
            same = {key: value for key, value in before.items() if key[0] == name}
            self.assertEqual({key: after[key] for key in same}, same)


@unittest.skipIf(daemon.is_sanitized("tsan"), "the page is made on the loop's thread")
class Held(unittest.TestCase):
    """The page of meters that have something held."""
    COUNT = 104

    def test_page(self):
        ids = [f"r{i:03}" for i in range(self.COUNT)]
        meters = test_daemon.METERS + "".join(
            f"{meter},hz,register,energy,kWh,purchased_electricity,grid,,15m,,,\n" for meter in ids)
        topic = test_daemon.make_topics()
        config = configuration(topic, [influx_sink(servers.influxdb().database())])
        with make_daemon(config, meters) as server:
            def page():
                return servers.http(f"{server.url}/held")[1].splitlines()

            def produce(events):
                servers.kafka().produce(topic, [("hz", json.dumps(event)) for event in events])
            nothing = "meters with something held or overdue: 0, listed: 0"
            self.assertEqual(page(), [nothing])
            produce([reading(ids[0], 0, 9), reading(ids[0], 15, 10)])
            servers.eventually(lambda: server.metrics().get(("ghgd_shard_readings", "partition", "0")) == 2)
            self.assertEqual(page(), [nothing])
            produce([reading(ids[0], 30, "4.5")])
            servers.eventually(lambda: page() == [
                'meter="r000" facility="hz" reason=register_contradiction stretches=1 held_s=900 from=2024-03-01T00:15:00Z '
                'to=2024-03-01T00:30:00Z amount=-5.5 unit=kWh', "meters with something held or overdue: 1, listed: 1"])
            produce([reading(meter, minute, 9 - minute) for meter in ids for minute in (0, 5)])
            servers.eventually(lambda: page()[-1] == f"meters with something held or overdue: {self.COUNT}, listed: 100")
            self.assertEqual([line.split()[0] for line in page()[:-1]],
                             [f'meter="{meter}"' for meter in ids[:100]])

    def test_overdue(self):
        meters = ("id,facility,kind,quantity,unit,category,factor,interval,expected_every,valid_from\n"
                  "bill,hz,interval,energy,kWh,purchased_electricity,,1d,1d,2024-03-01T00:00:00Z\n"
                  "grid,hz,interval,energy,kWh,purchased_electricity,,15m,,2024-03-01T00:00:00Z\n"
                  "tank,hz,stock,volume,L,stationary_combustion,ipcc2006.gas_diesel_oil,,2d,2024-03-01T00:00:00Z\n"
                  "truck,hz,delivery,volume,L,mobile_combustion,ipcc2006.gas_diesel_oil,,1d,2024-03-01T00:00:00Z\n")
        topic = test_daemon.make_topics()
        config = configuration(topic, [influx_sink(servers.influxdb().database())])
        day = 24 * 60
        with make_daemon(config, meters) as server:
            def page():
                return servers.http(f"{server.url}/held")[1].splitlines()

            def produce(events):
                servers.kafka().produce(topic, [("hz", json.dumps(event)) for event in events])

            def gauge(meter):
                return server.metrics().get(("ghgd_meter_held_seconds", "facility", "hz", "meter", meter, "reason", "overdue"))
            produce([{"meter": "truck", "time": stamp(START), "value": 500},
                     {"meter": "tank", "event": "dip", "time": stamp(START), "value": 900},
                     {"meter": "bill", "start": stamp(START), "end": stamp(START + day * MINUTE), "value": 10},
                     {"meter": "grid", "start": stamp(START + 2 * day * MINUTE), "end": stamp(START + (2 * day + 15) * MINUTE), "value": 1}])
            times = {"bill": ("2024-03-02", "2024-03-03"), "tank": ("2024-03-01", "2024-03-03"),
                     "truck": ("2024-03-01", "2024-03-02")}
            lines = {meter: f'meter="{meter}" facility="hz" reason=overdue newest_document={last}T00:00:00Z '
                            f'due={due}T00:00:00Z overdue_s={87300 if meter == "truck" else 900}'
                     for meter, (last, due) in times.items()}
            servers.eventually(lambda: sorted(page()) == sorted(
                [*lines.values(), "meters with something held or overdue: 3, listed: 3"]))
            servers.eventually(lambda: [gauge(meter) for meter in lines] == [900, 900, 87300])
            produce([{"meter": "tank", "event": "dip", "time": stamp(START + day * MINUTE), "value": 800},
                     {"meter": "bill", "start": stamp(START + day * MINUTE), "end": stamp(START + 2 * day * MINUTE), "value": 10}])
            servers.eventually(lambda: page() == [lines["truck"], "meters with something held or overdue: 1, listed: 1"])
            servers.eventually(lambda: [gauge(meter) for meter in lines] == [None, None, 87300])
