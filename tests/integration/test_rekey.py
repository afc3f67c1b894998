"""A topic that is not keyed by facility: refused with both partitions named, or re-keyed to the same figures."""
import contextlib
import json
import random
import re
import time
import unittest
from pathlib import Path

import daemon
import msgpack
import servers
from test_daemon import MINUTE, START, configuration, influx_sink, stamp

FACILITIES = 7
METERS = 3
QUARTERS = 96
MEASUREMENTS = [kind + "_" + length for kind in ("emissions", "coverage", "energy")
                for length in ("15m", "1h", "1d", "1mo", "1y")]


def tables():
    facilities = "id,name,region,time_zone,country,grid_region\n"
    meters = "id,facility,kind,quantity,unit,category,source,factor,interval,stamp,digits\n"
    for f in range(FACILITIES):
        facilities += f"f{f},Plant {f},asia,Asia/Shanghai,CN,\n"
        meters += f"f{f}m0,f{f},interval,energy,kWh,purchased_electricity,grid,,15m,end,\n"
        meters += f"f{f}m1,f{f},register,gas_volume,Nm3,stationary_combustion,gas,ipcc2006.natural_gas,15m,,6\n"
        meters += f"f{f}m2,f{f},gauge,energy,kW,purchased_electricity,line,,15m,,\n"
    return {"facilities.csv": facilities, "meters.csv": meters}


def readings(rng):
    """(facility, event) in the order of their times: every meter to the same end; revisions and duplicates."""
    events = []
    for quarter in range(1, QUARTERS + 1):
        for f in range(FACILITIES):
            for m in range(METERS):
                value = quarter * 7 + f if m == 1 else rng.randrange(1, 400) / 8
                event = {"meter": f"f{f}m{m}", "time": stamp(START + quarter * 15 * MINUTE), "value": value}
                events.append((f, event))
                if rng.random() < 0.05:
                    events.append((f, event))
                if rng.random() < 0.05 and m != 1:
                    events.append((f, {**event, "value": rng.randrange(1, 400) / 8, "revision": 1}))
    return events


def mixed_messages(rng, events):
    """Messages of gateways that know nothing of facilities: a few events each, shuffled, of both formats."""
    shuffled = sorted(enumerate(events), key=lambda pair: pair[0] + rng.randrange(300))
    rest = [event for _, (_, event) in shuffled]
    messages = []
    while rest:
        count = rng.choice((1, 1, 2, 5, 40))
        group, rest = rest[:count], rest[count:]
        body = group[0] if count == 1 else group
        text = msgpack.packb(body) if rng.random() < 0.5 else json.dumps(body, indent=rng.choice((None, 1)))
        messages.append((f"gateway-{rng.randrange(20)}", text))
    return messages


def figures(database):
    """{(measurement, tags, time): fields} of all that was written, without the number of the revision."""
    found = {}
    for measurement in MEASUREMENTS:
        for row in servers.influxdb().query(f"SELECT * FROM {measurement}", database):
            row.pop("revision")
            tags = tuple(row.pop(tag, None) for tag in ("_name", "facility", "source", "time"))
            found[tags] = row
    return found


def read_events(value):
    body = json.loads(value) if value[:1] in (b"[", b"{") else msgpack.unpackb(value)
    return body if isinstance(body, list) else [body]


def topics(partitions):
    kafka = servers.kafka()
    topic = kafka.topic("meters", partitions=partitions)
    for suffix in ("-dead", "-late"):
        kafka.create_topic(topic + suffix)
    return topic


def outcomes(ghgd):
    return {key[2] + (":" + key[4] if key[4] else ""): value for key, value in ghgd.metrics().items()
            if key[0] == "ghgd_events_total" and value > 0}


class Rekey(unittest.TestCase):
    maxDiff = 2000

    def run_calm(self, events):
        """The figures of one calm run over a topic that is keyed by facility."""
        topic, database = topics(3), servers.influxdb().database()
        servers.kafka().produce(topic, [(f"f{f}", json.dumps(event)) for f, event in events])
        with daemon.Daemon(configuration(topic, [influx_sink(database)]), tables()) as ghgd:
            self.wait_used(ghgd, FACILITIES * METERS * QUARTERS)
            return self.settled(ghgd, database)

    def wait_used(self, ghgd, count):
        def check():
            found[:] = [outcomes(ghgd)]
            return found[0].get("used") == count
        found = []
        try:
            servers.eventually(check)
        except AssertionError:
            self.fail(f"{found}, not {count} used\n{ghgd.log_tail()}")

    def settled(self, ghgd, database):
        """The rows of the database once the daemon has ended, which writes dirty rows first."""
        self.assertEqual(ghgd.terminate(), 0)
        return figures(database)

    def reads(self, ghgd):
        """Whether its stage has been given partitions of the input topic."""
        return any(key[0] == "ghgd_rekey_partition_stopped" for key in ghgd.metrics())

    def wait_same(self, database, want):
        """Waits until the database holds the same figures."""
        self.assertGreater(len(want), FACILITIES * QUARTERS)
        try:
            servers.eventually(lambda: figures(database) == want, every=1)
        except AssertionError:
            got = figures(database)
            self.assertEqual(got.keys(), want.keys())
            self.fail([(key, field, got[key][field], want[key][field]) for key in want
                       for field in want[key] if got[key][field] != want[key][field]][:20])

    def assert_rekeyed(self, topic, events):
        """Every event has come to the keyed topic, once at least, and a facility to one partition only."""
        homes, found = {}, set()
        for message in servers.kafka().consume(topic + "-rekeyed"):
            homes.setdefault(message.key.decode(), set()).add(message.partition)
            for event in read_events(message.value):
                self.assertEqual(event["meter"].split("m")[0], message.key.decode())
                found.add(json.dumps(event, sort_keys=True))
        self.assertEqual(found, {json.dumps(event, sort_keys=True) for _, event in events})
        self.assertEqual({len(home) for home in homes.values()}, {1})

    def test_equal_to_a_keyed_topic_and_killed_in_the_middle(self):
        rng = random.Random(7)
        events = readings(rng)
        want = self.run_calm(events)
        messages = mixed_messages(rng, events)
        for kills in (0, 3):
            with self.subTest(kills=kills):
                topic, database = topics(4), servers.influxdb().database()
                config = configuration(topic, [influx_sink(database)],
                                       input={"rekey": True, "rekey_partitions": 3})
                with daemon.Daemon(config, tables()) as ghgd:
                    for part in range(kills):
                        servers.eventually(lambda: self.reads(ghgd))
                        servers.kafka().produce(topic, messages[part::kills + 1])
                        time.sleep(rng.random() / 5)
                        ghgd.kill()
                        ghgd.launch()
                        ghgd.wait_ready()
                    servers.kafka().produce(topic, messages[kills::kills + 1])
                    self.wait_same(database, want)
                    servers.eventually(lambda: ghgd.metrics()[("ghgd_rekey_waiting",)] == 0)
                    lag = [value for key, value in ghgd.metrics().items()
                           if key[0] == "ghgd_rekey_partition_lag_messages"]
                    self.assertEqual((len(lag), sum(lag)), (4, 0))
                self.assert_rekeyed(topic, events)

    def test_processes_come_and_go(self):
        rng = random.Random(8)
        events = readings(rng)
        want = self.run_calm(events)
        messages = mixed_messages(rng, events)
        topic, database = topics(4), servers.influxdb().database()
        config = configuration(topic, [influx_sink(database)], input={"rekey": True})
        produce = servers.kafka().produce
        with daemon.Daemon(config, tables()) as first, daemon.Daemon(config, tables()) as second:
            servers.eventually(lambda: self.reads(first) and self.reads(second))
            produce(topic, messages[0::4])
            with daemon.Daemon(config, tables()) as third:
                produce(topic, messages[1::4])
                servers.eventually(lambda: self.reads(third))
                self.assertEqual(first.terminate(), 0)
                produce(topic, messages[2::4])
                third.kill()
            produce(topic, messages[3::4])
            self.wait_same(database, want)
            self.assert_rekeyed(topic, events)
            self.assertIn("rekey.revoked", first.log())

    def test_dead_letters_name_the_original_place(self):
        topic, database = topics(2), servers.influxdb().database()
        config = configuration(topic, [influx_sink(database)], input={"rekey": True})
        good = {"meter": "f0m0", "time": stamp(START), "value": 1}
        other = {**good, "meter": "f1m0"}
        table = [
            (b"garbage", [("undecodable", 0, b"garbage")]),
            (json.dumps([good, {"value": 1}, other]).encode(),
             [("meter_missing", 1, b'{"value": 1}')]),
            (json.dumps([good, good, {**good, "meter": "nobody"}]).encode(),
             [("unknown", 2, json.dumps({**good, "meter": "nobody"}).encode())]),
            (json.dumps([other, good, {**good, "value": -1}, {**good, "value": "x"}]).encode(),
             [("value_negative", 2, json.dumps({**good, "value": -1}).encode()),
              ("value_invalid", 3, json.dumps({**good, "value": "x"}).encode())]),
            (msgpack.packb([good, {**other, "unit": "kg"}]),
             [("unit_mismatch", 1, msgpack.packb({**other, "unit": "kg"}))]),
        ]
        kafka = servers.kafka()
        for partition, (message, _) in enumerate(table):
            kafka.produce(topic, [("gateway 7", message)], partition=partition % 2,
                          headers=[("trace", "t1"), ("ghgd-offset", "99")])
        with daemon.Daemon(config, tables()) as ghgd:
            count = sum(len(letters) for _, letters in table)
            servers.eventually(lambda: len(kafka.consume(topic + "-dead")) == count)
            dead = {m.value: m for m in kafka.consume(topic + "-dead")}
            places = {m.value: (m.partition, m.offset, m.timestamp) for m in kafka.consume(topic)}
            for message, letters in table:
                for reason, index, value in letters:
                    letter = dead[value]
                    self.assertEqual(letter.headers["ghgd-reason"], reason)
                    self.assertEqual(letter.headers["ghgd-topic"], topic)
                    place = tuple(int(letter.headers["ghgd-" + name])
                                  for name in ("partition", "offset", "timestamp"))
                    self.assertEqual(place, places[message], value)
                    self.assertEqual(letter.headers["ghgd-index"], str(index), value)
                    self.assertEqual(letter.headers["trace"], "t1")
                    self.assertNotIn("ghgd-key", letter.headers)
                    self.assertEqual(letter.key, b"gateway 7")
            # the good ones take the way over the keyed topic
            servers.eventually(lambda: sum(outcomes(ghgd).values()) >= 13)
            self.assertEqual(sum(outcomes(ghgd).values()), 13)

    def test_parked_events_wait_for_their_meter(self):
        topic, database = topics(2), servers.influxdb().database()
        config = configuration(topic, [influx_sink(database)],
                               input={"rekey": True, "unknown_meter": "park"})
        new = {"meter": "f0new", "time": stamp(START), "value": 2}
        files = tables()
        with daemon.Daemon(config, files) as ghgd:
            servers.kafka().produce(topic, [("g", json.dumps([{**new, "meter": "f0m0"}, new]))])
            servers.eventually(lambda: outcomes(ghgd) == {"used": 1, "parked": 1})
            ghgd.reload({"meters.csv": files["meters.csv"] +
                         "f0new,f0,interval,energy,kWh,purchased_electricity,grid,,15m,end,\n"})
            servers.eventually(lambda: [row["activity"] for row in servers.influxdb().query(
                "SELECT activity FROM emissions_1h WHERE source='grid'", database)] == [4])
            self.assertEqual(servers.kafka().consume(topic + "-dead"), [])

    def test_without_it_a_facility_on_two_partitions_is_an_error(self):
        topic, database = topics(2), servers.influxdb().database()
        kafka = servers.kafka()
        event = {"meter": "f0m0", "time": stamp(START), "value": 1}
        with daemon.Daemon(configuration(topic, [influx_sink(database)]), tables()) as ghgd:
            kafka.produce(topic, [json.dumps(event)], partition=0)
            servers.eventually(lambda: outcomes(ghgd) == {"used": 1})
            kafka.produce(topic, [json.dumps(event)], partition=1)
            servers.eventually(lambda: len(kafka.consume(topic + "-dead")) == 1)
            [letter] = kafka.consume(topic + "-dead")
            self.assertEqual(letter.headers["ghgd-reason"], "wrong_partition")
            [line] = [line for line in ghgd.log().splitlines()
                      if "shard.facility_on_two_partitions" in line]
            for text in ('facility="f0"', "partitions=0,1", "input.rekey: true"):
                self.assertIn(text, line)


class Alive(daemon.Daemon):
    """A daemon that need not be ready to be looked at."""

    def is_ready(self):
        try:
            return servers.http(f"{self.url}/healthz", timeout=2)[0] == 200
        except OSError:
            return False

    def readyz(self):
        return servers.http(f"{self.url}/readyz")[1]


class WithoutBroker(unittest.TestCase):
    """A broker of its own, which comes late, or goes while the daemon reloads."""

    def setUp(self):
        self.kafka = self.enterContext(servers.Kafka())
        self.topic = self.kafka.topic("meters", partitions=2)
        for suffix in ("-dead", "-late"):
            self.kafka.create_topic(self.topic + suffix)

    def make_daemon(self, **more):
        self.database = servers.influxdb().database()
        config = configuration(self.topic, [influx_sink(self.database)],
                               input={"rekey": True, **more.pop("input", {})}, **more)
        config["kafka"]["brokers"] = [self.kafka.brokers]
        return self.enterContext(Alive(config, tables()))

    def produce(self, meter, quarter):
        event = {"meter": meter, "time": stamp(START + quarter * 15 * MINUTE), "value": 1}
        self.kafka.produce(self.topic, [("gateway", json.dumps(event))])

    def wait_outcomes(self, ghgd, **want):
        try:
            servers.eventually(lambda: outcomes(ghgd) == want)
        except AssertionError:
            self.fail(f"{outcomes(ghgd)}, not {want}\n{ghgd.log_tail()}")

    def lines(self, ghgd, event):
        return [line for line in ghgd.log().splitlines() if f" {event} " in line]

    def clients(self, ghgd):
        """The main thread of each of librdkafka's clients in the process."""
        found = set()
        for thread in Path(f"/proc/{ghgd.child.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it may end meanwhile
                if (thread / "comm").read_text() == "rdk:main\n":
                    found.add(thread.name)
        return found

    def wait_another_try(self, ghgd):
        """Each try to find the topic has a client of its own."""
        before = self.clients(ghgd)
        new = servers.eventually(lambda: self.clients(ghgd) - before)
        servers.eventually(lambda: not new & self.clients(ghgd))

    def end_at_once(self, ghgd):
        began = time.monotonic()
        self.assertEqual(ghgd.terminate(), 0)
        self.assertLess(time.monotonic() - began, 3, ghgd.log_tail())

    @unittest.skipIf(daemon.is_sanitized("tsan"), "the reload that waits has the same threads")
    def test_a_start_waits(self):
        self.kafka.kill()
        ghgd = self.make_daemon()
        servers.eventually(lambda: "no rekey_topic: waits for it: " in ghgd.readyz())
        self.wait_another_try(ghgd)
        self.assertIsNone(ghgd.child.poll(), ghgd.log_tail())
        self.assertIn("no rekey_topic: waits for it: ", ghgd.readyz())
        self.assertEqual(len(self.lines(ghgd, "rekey.topic_unknown")), 1, ghgd.log_tail())
        self.kafka.launch()
        self.assertTrue(self.kafka.wait_ready())
        self.produce("f0m0", 1)
        self.wait_outcomes(ghgd, used=1)
        servers.eventually(lambda: "\nok rekey_caught_up: 2 of 2\n" in ghgd.readyz())
        self.assertNotIn("rekey_topic", ghgd.readyz())
        self.assertEqual(ghgd.terminate(), 0)

    def test_a_start_waits_for_the_input_topic(self):
        self.kafka.delete_topic(self.topic)
        ghgd = self.make_daemon()
        servers.eventually(lambda: f"no rekey_topic: waits for it: {self.topic}: " in ghgd.readyz())
        self.kafka.create_topic(self.topic, partitions=3)
        self.produce("f0m0", 1)
        self.wait_outcomes(ghgd, used=1)
        self.assertEqual(ghgd.terminate(), 0)

    def test_sigterm_ends_the_wait(self):
        self.kafka.kill()
        ghgd = self.make_daemon()
        self.end_at_once(ghgd)  # while it asks for the first time
        ghgd.launch()
        self.assertTrue(ghgd.wait_ready())
        servers.eventually(lambda: self.lines(ghgd, "rekey.topic_unknown"))
        self.end_at_once(ghgd)

    def test_a_reload_waits_and_the_daemon_goes_on(self):
        ghgd = self.make_daemon()
        self.produce("f0m0", 1)
        self.wait_outcomes(ghgd, used=1)
        self.kafka.kill()
        meters = tables()["meters.csv"]
        new = "f0new,f0,interval,energy,kWh,purchased_electricity,grid,,15m,end,\n"
        ghgd.reload({"meters.csv": meters.replace("f0m0,", "f0gone,")})
        servers.eventually(lambda: self.lines(ghgd, "rekey.topic_unknown"))
        ghgd.reload({"meters.csv": meters + new})  # what the file says last counts
        self.wait_another_try(ghgd)
        self.assertIsNone(ghgd.child.poll(), ghgd.log_tail())
        self.assertEqual(outcomes(ghgd), {"used": 1})
        self.assertEqual(self.lines(ghgd, "process.draining"), [])
        self.kafka.launch()
        self.assertTrue(self.kafka.wait_ready())
        servers.eventually(lambda: self.lines(ghgd, "reload.done"))
        self.assertEqual(len(self.lines(ghgd, "process.draining")), 1)
        self.produce("f0m0", 2)
        self.produce("f0new", 2)
        def are_written():
            """the three readings"""
            return [row["sum"] for row in servers.influxdb().query(
                "SELECT sum(activity) FROM emissions_15m", self.database)] == [3]
        servers.eventually(are_written)
        self.assertLessEqual(outcomes(ghgd).keys(), {"used", "duplicate"})
        # the first is read again unless the earlier process could still commit it
        self.assertIn(outcomes(ghgd)["used"], (2, 3))
        self.assertEqual(ghgd.terminate(), 0)

    def test_sigterm_ends_a_reload_that_waits(self):
        ghgd = self.make_daemon(shutdown_timeout="2s")
        self.produce("f0m0", 1)
        self.wait_outcomes(ghgd, used=1)
        self.kafka.kill()
        ghgd.reload()
        servers.eventually(lambda: self.lines(ghgd, "rekey.topic_unknown"))
        self.assertEqual(ghgd.terminate(), 0)

    def test_more_replicas_than_brokers(self):
        """Some may come back: it is waited for, and said."""
        ghgd = self.make_daemon(checkpoint={"replication": 3})
        words = "topic_unknown .*replication factor.*; ghgd waits for more brokers"
        servers.eventually(lambda: re.search("rekey." + words, ghgd.log()))
        self.assertIn("waits for more brokers", servers.http(f"{ghgd.url}/readyz")[1])
        self.assertEqual(ghgd.terminate(), 0)

    def test_a_topic_that_cannot_be_made(self):
        self.kafka.create_topic(self.topic + ".other")  # which the metrics of brokers would take for
        other = self.topic + "_other"
        refused = f"topic {other}: the brokers refuse to create it: "
        command = f"kafka-topics --create --topic {other} --partitions 2 "
        ghgd = self.make_daemon()
        self.produce("f0m0", 1)
        self.wait_outcomes(ghgd, used=1)
        config = json.loads((ghgd.folder / "ghgd.yaml").read_text())
        config["input"]["rekey_topic"] = other
        config["kafka"]["group"] += "-other"
        ghgd.reload({"ghgd.yaml": json.dumps(config)})
        servers.eventually(lambda: self.lines(ghgd, "reload.failed"))
        [line] = self.lines(ghgd, "reload.refused")
        self.assertIn(refused, line)
        self.assertIn(command, line)
        self.produce("f0m0", 2)
        self.wait_outcomes(ghgd, used=2)
        self.assertEqual(ghgd.terminate(), 0)
        ghgd.launch()
        self.assertEqual(ghgd.child.wait(30), 1)
        self.assertIn(refused, self.lines(ghgd, "process.failed")[-1])
