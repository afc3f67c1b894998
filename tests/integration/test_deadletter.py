"""`ghgd deadletter`: bad events are found, the tables mended, the events sent in once more."""
import json
import random
import string
import unittest

import daemon
import msgpack
import servers
import test_daemon
from test_daemon import METERS, QUARTER, START, configuration, influx_sink, reading

NEW_METER = "hz-new,hz,interval,energy,kWh,purchased_electricity,grid,,15m,end,,\n"


def noise(size):
    """Text that does not compress well."""
    return "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=size))


def outcomes(ghgd):
    return {key[2]: value for key, value in ghgd.metrics().items()
            if key[0] == "ghgd_events_total" and value > 0}


def deadletter(ghgd, *args, status=0):
    got = daemon.ghgd("deadletter", *args, "-c", "ghgd.yaml", cwd=ghgd.folder)
    if got.returncode != status:
        raise AssertionError(f"{args}: {got.returncode}\n{got.stdout}\n{got.stderr}")
    return got


def listed(ghgd, *args):
    return [json.loads(line) for line in deadletter(ghgd, "list", "--json", *args).stdout.splitlines()]


class Words(unittest.TestCase):
    def test_a_reason_that_no_letter_has(self):
        """It would select nothing, and say that there is nothing."""
        for word, near in (("conflct", "conflict,"), ("Unknown", "unknown,"), ("used", "unit_mismatch, late or")):
            got = daemon.ghgd("deadletter", "list", "--reason", word)
            self.assertEqual((got.returncode, got.stdout), (2, ""), word)
            self.assertIn(f"such as {near}", got.stderr)
            self.assertIn(f'not "{word}"', got.stderr)
        for word in ("late", "early", "unknown", "undecodable", "implausible"):
            got = daemon.ghgd("deadletter", "list", "--reason", word, "-c", "no-such-file")
            self.assertEqual(got.returncode, 1, word)


@unittest.skipIf(daemon.is_sanitized("tsan"), "the commands have one thread of their own")
class Deadletter(test_daemon.RowsCase):
    def test_look_mend_retry(self):
        topic, database = test_daemon.make_topics(partitions=3), servers.influxdb().database()
        kafka = servers.kafka()
        late = reading("hz-grid", 0, 1) | {"time": "2020-01-01T00:00:00Z"}
        with test_daemon.make_daemon(configuration(topic, [influx_sink(database)])) as ghgd:
            kafka.produce(topic, [("hz", json.dumps(reading("hz-grid", 15, 1)))], partition=1)
            self.wait_rows(database, "emissions_15m", {START: {"activity": 1}}, facility="hz",
                           source="grid")
            kafka.produce(topic, [
                ("hz", json.dumps(reading("hz-new", 15, 2))),
                ("hz", msgpack.packb([reading("hz-grid", 30, 4), reading("hz-new", 30, 8)])),
                ("hz", json.dumps(reading("nobody", 15, 1))),
                ("hz", b"\xc1garbage"),
                ("hz", json.dumps(late))], partition=1, headers=[("trace", "t1")])
            servers.eventually(lambda: len(kafka.consume(topic + "-dead")) == 4)
            servers.eventually(lambda: len(kafka.consume(topic + "-late")) == 1)

            before = listed(ghgd)
            self.assertEqual(
                [(r["partition"], r["offset"], r["index"], r["state"], r["reason"], r["meter"])
                 for r in before],
                [(1, 1, 0, "refused", "unknown", "hz-new"), (1, 2, 1, "refused", "unknown", "hz-new"),
                 (1, 3, 0, "refused", "unknown", "nobody"),
                 (1, 4, 0, "refused", "undecodable", ""), (1, 5, 0, "late", "late", "hz-grid")])
            self.assertEqual({r["key"] for r in before}, {"hz"})
            self.assertEqual(len(listed(ghgd, "--reason", "unknown", "--meter", "hz-new")), 2)
            self.assertEqual(len(listed(ghgd, "--late")), 1)
            self.assertEqual(len(listed(ghgd, "--partition", "2")), 0)
            self.assertEqual(len(listed(ghgd, "--from", "2100-01-01T00:00:00Z")), 0)
            self.assertEqual(len(listed(ghgd, "--from", "2020-01-01T00:00:00Z")), 5)
            text = deadletter(ghgd, "list", "--meter", "nobody")
            self.assertRegex(text.stdout, r"^1:3:0\t\S+Z\trefused\tunknown\tnobody\thz\t\d+\t\S+:0:2\n$")
            self.assertIn("1 events in 1 letters: 0 ready, 1 refused", text.stderr)
            self.assertIn("more than 2 events", deadletter(ghgd, "list", "--limit", "2",
                                                           status=1).stderr)

            shown = deadletter(ghgd, "show", "1:2").stdout
            self.assertIn('"meter": "hz-new"', shown)
            self.assertIn("unknown: no meter of this id", shown)
            self.assertIn("trace: t1", shown)
            self.assertIn("|.garbage|", deadletter(ghgd, "show", "1:4:0").stdout)
            place = before[0]["letter"]
            place = f"{place['topic']}:{place['partition']}:{place['offset']}"
            raw = deadletter(ghgd, "show", "--raw", place).stdout
            self.assertEqual(json.loads(raw), reading("hz-new", 15, 2))
            self.assertIn("no letter of 2:9", deadletter(ghgd, "show", "2:9", status=1).stderr)

            self.assertIn("nothing to send", deadletter(ghgd, "retry", "--yes").stderr)
            deadletter(ghgd, "retry", status=2)  # no user to ask

            ghgd.reload({"meters.csv": METERS + NEW_METER})
            servers.eventually(lambda: "reload.done" in ghgd.log())
            dry = deadletter(ghgd, "retry", "--dry-run")
            self.assertEqual(len(dry.stdout.splitlines()), 2)
            self.assertIn("2 events would be sent", dry.stderr)
            self.assertEqual(len(kafka.consume(topic)), 6)
            sent = deadletter(ghgd, "retry", "--yes")
            self.assertIn("sent 2 of 2 events", sent.stdout)
            self.assertIn("1 late events", deadletter(ghgd, "retry", "--yes", "--dry-run",
                                                      "--refused").stderr)
            rows = {START: {"activity": 3}, START + QUARTER: {"activity": 12}}
            self.wait_rows(database, "emissions_15m", rows, facility="hz", source="grid")

            again = kafka.consume(topic)[6:]
            first = kafka.consume(topic)[1]
            self.assertEqual([(m.partition, m.key) for m in again], [(1, b"hz")] * 2)
            self.assertEqual([json.loads(again[0].value), msgpack.unpackb(again[1].value)],
                             [reading("hz-new", 15, 2), reading("hz-new", 30, 8)])
            self.assertEqual(again[0].timestamp, first.timestamp)
            self.assertEqual(again[0].headers, {"trace": "t1", "ghgd-retry-of": "1:1:0"})

            # once more: nothing is sent, and what is sent all the same changes no figure
            self.assertIn("left out: 2 retried before", deadletter(ghgd, "retry", "--yes").stderr)
            self.assertEqual(len(kafka.consume(topic)), 8)
            self.assertEqual([r["state"] for r in listed(ghgd, "--again")].count("retried"), 2)
            self.assertEqual(len(listed(ghgd)), 3)
            deadletter(ghgd, "retry", "--yes", "--again")
            servers.eventually(lambda: outcomes(ghgd).get("duplicate", 0) >= 2)
            self.wait_rows(database, "emissions_15m", rows, facility="hz", source="grid")

            # one that is sent although the tables refuse it dies again, under its new place
            deadletter(ghgd, "retry", "--yes", "--refused", "--meter", "nobody")
            servers.eventually(lambda: [r["offset"] for r in listed(ghgd, "--meter", "nobody")] == [10])
            self.assertIn("ghgd-retry-of: 1:3:0", deadletter(ghgd, "show", "1:10").stdout)

    def test_letters_written_twice_count_once(self):
        topic, database = test_daemon.make_topics(), servers.influxdb().database()
        kafka = servers.kafka()
        config = configuration(topic, [influx_sink(database)])
        with test_daemon.make_daemon(config) as ghgd:
            kafka.produce(topic, [("hz", json.dumps(reading("nobody", 15, 2)))])
            servers.eventually(lambda: len(kafka.consume(topic + "-dead")) == 1)
            [letter] = kafka.consume(topic + "-dead")
            kafka.produce(topic + "-dead", [(letter.key, letter.value)],
                          headers=list(letter.headers.items()))
            kafka.produce(topic + "-dead", ["somebody else's"])
            self.assertEqual([(r["copies"], r["letter"]["offset"]) for r in listed(ghgd)], [(2, 1)])
            self.assertIn("1 messages are no letters", deadletter(ghgd, "list").stderr)

    def test_cut_and_whole_letters_are_sent_whole(self):
        topic, database = servers.kafka().topic("meters"), servers.influxdb().database()
        kafka = servers.kafka()
        kafka.create_topic(topic + "-dead", max_message_bytes=3000)
        kafka.create_topic(topic + "-late")
        padded = reading("hz-new", 15, 2) | {"note": noise(6000)}
        many = [reading("hz-new", 15 * (2 + i % 4), 1 + i // 4, revision=i // 4) for i in range(100)]
        with test_daemon.make_daemon(configuration(topic, [influx_sink(database)])) as ghgd:
            kafka.produce(topic, [("hz", json.dumps([reading("hz-grid", 15, 1), padded])),
                                  ("hz", json.dumps(many))])
            servers.eventually(lambda: len(listed(ghgd)) == 66)
            got = listed(ghgd)
            self.assertEqual([(r["index"], r["truncated"], r["whole"]) for r in got][:2],
                             [(1, True, False), (0, False, False)])
            self.assertEqual([(r["index"], r["truncated"], r["whole"]) for r in got][-1],
                             (64, True, True))
            ghgd.reload({"meters.csv": METERS + NEW_METER})
            servers.eventually(lambda: "reload.done" in ghgd.log())
            self.assertIn("sent 66 of 66", deadletter(ghgd, "retry", "--yes").stdout)
            self.wait_rows(database, "emissions_15m",
                           {START + i * QUARTER: {"activity": value}
                            for i, value in enumerate((3, 25, 25, 25, 25))},
                           facility="hz", source="grid")
            self.assertEqual(listed(ghgd), [])

    def test_a_topic_that_is_rekeyed(self):
        """Letters of both stages name the input topic, and go back there."""
        topic, database = test_daemon.make_topics(partitions=2), servers.influxdb().database()
        kafka = servers.kafka()
        config = configuration(topic, [influx_sink(database)], input={"rekey": True})
        ghgd = test_daemon.make_daemon(config, METERS.replace("hz-grid", "hz-other"))
        with ghgd:
            kafka.produce(topic, [("gateway", json.dumps([reading("hz-other", 30, 2),
                                                          reading("hz-grid", 15, 1)])),
                                  ("gateway", json.dumps(reading("hz-other", 45, 4, unit="kg")))],
                          partition=1, headers=[("trace", "t1")])
            servers.eventually(lambda: len(listed(ghgd)) == 2)
            self.assertEqual([(r["topic"], r["partition"], r["offset"], r["index"], r["reason"], r["key"])
                              for r in listed(ghgd)],
                             [(topic, 1, 0, 1, "unknown", "gateway"),
                              (topic, 1, 1, 0, "unit_mismatch", "gateway")])
            ghgd.reload({"meters.csv": METERS.replace("hz-grid", "hz-other") +
                         "hz-grid,hz,interval,energy,kWh,purchased_electricity,grid,,15m,end,,\n"})
            servers.eventually(lambda: "reload.done" in ghgd.log())
            self.assertIn("sent 1 of 1", deadletter(ghgd, "retry", "--yes").stdout)
            self.wait_rows(database, "emissions_15m",
                           {START: {"activity": 1}, START + QUARTER: {"activity": 2}},
                           facility="hz", source="grid")
            self.assertEqual([r["reason"] for r in listed(ghgd)], ["unit_mismatch"])
            self.assertEqual(kafka.consume(topic)[-1].headers, {"trace": "t1", "ghgd-retry-of": "1:0:1"})

    def test_export_feeds_a_replay(self):
        topic, database = test_daemon.make_topics(), servers.influxdb().database()
        kafka = servers.kafka()
        late = reading("hz-grid", 0, 5) | {"time": "2024-02-01T00:15:00Z"}
        with test_daemon.make_daemon(configuration(topic, [influx_sink(database)])) as ghgd:
            kafka.produce(topic, [("hz", json.dumps(reading("hz-grid", 15, 1)))])
            kafka.produce(topic, [("hz", json.dumps(late, indent=1)),
                                  ("hz", msgpack.packb(late | {"time": "2024-02-01T00:30:00Z"}))])
            servers.eventually(lambda: len(kafka.consume(topic + "-late")) == 2)
            got = deadletter(ghgd, "export", "--late")
            self.assertEqual(json.loads(got.stdout), late)
            self.assertEqual(len(got.stdout.splitlines()), 1)
            self.assertIn("left out: 1 in MessagePack", got.stderr)
            again = daemon.ghgd("replay", "-c", "ghgd.yaml", "-", cwd=ghgd.folder, input=got.stdout)
            self.assertIn("activity=5", again.stdout)

    def test_a_topic_that_is_not_there_is_empty(self):
        topic = test_daemon.make_topics()
        with test_daemon.make_daemon(configuration(topic, [influx_sink(servers.influxdb().database())])) as ghgd:
            file = ghgd.folder / "ghgd.yaml"
            file.write_text(file.read_text().replace(f"{topic}-late", f"{topic}-none"))
            for args in (["list"], ["retry", "--late", "--dry-run"], ["export"]):
                self.assertIn(f'there is no topic "{topic}-none" yet', deadletter(ghgd, *args).stderr)

    def test_what_is_asked_wrongly_is_told(self):
        for args, status, words in [
                (["deadletter"], 2, "wants one of list, show, retry, export"),
                (["deadletter", "burn"], 2, 'but no "burn"'),
                (["deadletter", "show"], 2, "show wants a place"),
                (["deadletter", "list", "--from", "yesterday"], 2, "wants a time, a date"),
                (["deadletter", "list", "--limit", "-3"], 2, "whole number"),
                (["deadletter", "list", "--dead", "--late"], 2, "only one of the two"),
                (["deadletter", "list", "more"], 2, "no such argument"),
                (["deadletter", "export", "--format", "xml"], 2, "json or msgpack"),
                (["deadletter", "list", "-c", "/no/such.yaml"], 1, "/no/such.yaml")]:
            got = daemon.ghgd(*args)
            self.assertEqual((got.returncode, words in got.stderr), (status, True), got.stderr)
        self.assertIn("Exit status", daemon.ghgd("deadletter", "--help").stdout)
