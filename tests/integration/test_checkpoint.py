"""The checkpoint store before a real broker: its topic, chains, speed, tombstones."""
import json
import os
import subprocess
import time
import unittest

import servers

STORE = os.environ.get("CHECKPOINT_STORE",
                       str(servers.BUILD / "gcc/tests/integration/checkpoint_store"))
MIB = 1 << 20
ERR_PROTOCOL = -1005


class Store:
    """A process with a store, which obeys one command after the other."""

    def __init__(self, topic, events, create=True, group="plant", brokers=None, properties=()):
        brokers = brokers or servers.kafka().brokers
        self.child = subprocess.Popen(
            [STORE, brokers, group, events, topic, str(int(create)), *properties],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        out, err = self.child.communicate(timeout=120)
        if kind is None and self.child.returncode != 0:
            raise AssertionError(f"status {self.child.returncode}: {err}")

    def send(self, command):
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()

    def answer(self):
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(self.child.stderr.read())
        return json.loads(line)

    def __call__(self, *words):
        self.send(" ".join(str(word) for word in words))
        return self.answer()

    def kill(self):
        self.child.kill()
        self.child.communicate()
        self.child.returncode = 0


def make_topic(partitions=1, **configs):
    """A checkpoint topic as brokers are by default: a mebibyte a message."""
    configs = {"cleanup_policy": "compact", "max_message_bytes": 1048588, **configs}
    return servers.kafka().topic("checkpoint", partitions=partitions, **configs)


class Topic(unittest.TestCase):
    def check(self, topic, events, create=True):
        with Store(topic, events, create) as store:
            return store("ready")

    def test_is_made_and_then_fits(self):
        events, topic = servers.kafka().topic("events", partitions=3), servers.unique("made")
        self.assertEqual(self.check(topic, events)["ready"], 1)
        self.assertEqual(servers.kafka()._leaders(topic), 3)
        self.assertEqual(self.check(topic, events, create=False)["ready"], 1)

    def test_is_made_once_by_several(self):
        events, topic = servers.kafka().topic("events", partitions=2), servers.unique("made")
        stores = [Store(topic, events) for _ in range(4)]
        for store in stores:
            store.send("ready")
        self.assertEqual([store.answer()["ready"] for store in stores], [1] * 4)
        for store in stores:
            store.__exit__(None)

    def test_is_not_made_unasked(self):
        events, topic = servers.kafka().topic("events", partitions=2), servers.unique("missing")
        got = self.check(topic, events, create=False)
        self.assertEqual(got["failed"], 1)
        self.assertIn(f"kafka-topics --create --topic {topic} --partitions 2 "
                      "--config cleanup.policy=compact", got["why"])

    def test_has_to_be_compact_alone(self):
        events = servers.kafka().topic("events")
        for policy in ("delete", "compact,delete"):
            got = self.check(make_topic(cleanup_policy=policy), events)
            self.assertEqual(got["failed"], 1, policy)
            self.assertIn(f"cleanup.policy={policy}", got["why"])
            self.assertIn("kafka-configs --alter", got["why"])

    def test_gets_partitions_that_are_missing(self):
        events, topic = servers.kafka().topic("events", partitions=5), make_topic(partitions=2)
        got = self.check(topic, events, create=False)
        self.assertEqual(got["failed"], 1)
        self.assertIn(f"kafka-topics --alter --topic {topic} --partitions 5", got["why"])
        self.assertEqual(self.check(topic, events)["ready"], 1)
        self.assertEqual(servers.kafka()._leaders(topic), 5)

    def test_may_have_more_partitions(self):
        events, topic = servers.kafka().topic("events"), make_topic(partitions=3)
        self.assertEqual(self.check(topic, events)["ready"], 1)

    def test_waits_for_the_input(self):
        events, topic = servers.unique("later"), make_topic()
        with Store(topic, events) as store:
            store.send("ready")
            time.sleep(1)
            servers.kafka().create_topic(events)
            self.assertEqual(store.answer()["ready"], 1)


class Chain(unittest.TestCase):
    def setUp(self):
        self.events, self.topic = servers.kafka().topic("events", partitions=2), make_topic(2)

    def store(self, **more):
        return Store(self.topic, self.events, **more)

    def test_comes_back_in_another_process(self):
        store = self.store()
        self.assertEqual(store("open", 1)["err"], 0)
        first = store("write", 1, 100, 5 * MIB + 3, 1)
        self.assertEqual((first["err"], first["full"]), (0, 1))
        second = store("write", 1, 200, 700, 2)
        self.assertEqual((second["err"], second["full"]), (0, 0))
        store.kill()
        with self.store() as other:
            got = other("restore", 1, 200, second["pointer"])
            self.assertEqual((got["err"], got["offset"], got["payloads"], got["bytes"]),
                             (0, 200, 2, 5 * MIB + 703))
            got = other("write", 1, 300, 100, 3)
            self.assertEqual((got["err"], got["full"]), (0, 1))
        with self.store() as third:
            got = third("restore", 1, 100, first["pointer"])  # an earlier one is as good
            self.assertEqual((got["err"], got["checksum"]), (0, first["checksum"]))

    def test_is_read_fast(self):
        with self.store() as store:
            store("open", 0)
            wrote = store("write", 0, 100, 60 * MIB, 7)
            self.assertEqual(wrote["err"], 0)
        with self.store() as store:
            store("ready")
            got = store("restore", 0, 100, wrote["pointer"])
        print(f"\n60 MiB written in {wrote['took_ms']} ms, restored in {got['took_ms']} ms")
        self.assertEqual((got["err"], got["checksum"]), (0, wrote["checksum"]))
        self.assertLess(got["took_ms"], 15000)

    def test_leaves_no_obsolete_keys(self):
        kafka = servers.kafka()
        with self.store() as store:
            store("open", 0)
            store("write", 0, 100, 2 * MIB, 1)
            store("write", 0, 200, 4 * MIB, 2)
            got = store("write", 0, 300, 10, 3)
            self.assertEqual(got["full"], 1)
            self.assertEqual(store("stats")["tombstones"], 0)
            for offset in (300, 301):
                store("committed", 0, offset)
            self.assertEqual(store("bury")["tombstones"], 3 + 6)
        messages = kafka.consume(self.topic)
        gone = {message.key for message in messages if message.value is None}
        kept = {message.key for message in messages} - gone
        self.assertEqual((len(gone), len(kept)), (9, 1))
        with self.store() as store:
            self.assertEqual(store("restore", 0, 300, got["pointer"])["err"], 0)

    def test_groups_share_a_topic(self):
        with self.store(group="one") as one, self.store(group="two") as two:
            for store in (one, two):
                store("open", 0)
            pointers = [store("write", 0, 100, 1000, seed)
                        for seed, store in enumerate((one, two, one, two))]
            self.assertEqual(one("committed", 0, 100)["obsolete_keys"], 0)
        for group, seed in (("one", 2), ("two", 3)):
            with self.store(group=group) as store:
                got = store("restore", 0, 100, pointers[seed]["pointer"])
                self.assertEqual((got["err"], got["payloads"]), (0, 2))
        with self.store(group="one") as store:
            got = store("restore", 0, 100, pointers[1]["pointer"])
            self.assertEqual(got["err"], ERR_PROTOCOL)

    def test_says_what_cannot_be_read(self):
        with self.store() as store:
            store("open", 0)
            wrote = store("write", 0, 100, 1000, 1)
        for offset, pointer, words in (
                (101, wrote["pointer"], "stands at offset 100 of the input, and the group at 101"),
                (100, wrote["pointer"].replace("number=1", "number=2"), "number 1, where 2"),
                (100, wrote["pointer"].replace("base=0 end=0", "base=50 end=50"),
                 "no longer has the record at offset 50"),
                (100, "ghgd3 next", "newer ghgd")):
            with self.store() as store:
                got = store("restore", 0, offset, pointer)
                self.assertEqual(got["err"], ERR_PROTOCOL, pointer)
                self.assertIn(words, got["why"])
                self.assertIn("the state of partition 0 in ", got["why"])

    def test_a_record_that_the_topic_does_not_take(self):
        topic = make_topic(max_message_bytes=100000)
        with Store(topic, self.events) as store:
            store("open", 0)
            self.assertEqual(store("write", 0, 100, 1000000, 1)["err"], -1)
            self.assertEqual(store("write", 0, 100, 1000, 1)["err"], 0)


class Outage(unittest.TestCase):
    def test_write_waits_for_the_broker(self):
        with servers.Kafka() as kafka:
            events, topic = kafka.topic("events"), servers.unique("made")
            with Store(topic, events, brokers=kafka.brokers) as store:
                store("open", 0)
                first = store("write", 0, 100, 3 * MIB, 1)
                kafka.kill()
                store.send(f"write 0 200 {3 * MIB} 2")
                time.sleep(2)
                kafka.launch()
                self.assertTrue(kafka.wait_ready())
                second = store.answer()
                self.assertEqual((first["err"], second["err"]), (0, 0))
            with Store(topic, events, brokers=kafka.brokers) as store:
                got = store("restore", 0, 200, second["pointer"])
                self.assertEqual((got["err"], got["payloads"], got["bytes"]), (0, 2, 6 * MIB))


if __name__ == "__main__":
    unittest.main()
