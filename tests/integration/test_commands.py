"""Commands of Apache Kafka's tools, as documents and messages tell them: each is run as it is written."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import servers
from test_checkpoint import Store, make_topic
from test_daemon import configuration, influx_sink, make_daemon, make_topics, reading
from test_restart import POINTER

CLASSES = {"kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
           "kafka-topics": "org.apache.kafka.tools.TopicCommand",
           "kafka-configs": "kafka.admin.ConfigCommand"}
PATIENCE = {"kafka-consumer-groups": " --timeout 120000"}  # its 5 s are few on a machine that is busy
DOCUMENTS = [servers.ROOT / "README.md", *sorted((servers.ROOT / "docs").glob("*.md"))]
IN_A_MESSAGE = re.compile(r'(kafka-[a-z-]+ --[^"]*)')


def documented():
    """The commands of indented blocks; a backslash goes on in the next line."""
    for path in DOCUMENTS:
        yield from re.findall(r"(?m)^ {4,}(kafka-(?:.*\\\n)*.*)$", path.read_text())


def the_command(words):
    """The one of them that has these words."""
    found = [command for command in documented() if words in command]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} documented commands have {words}")
    return found[0]


def placed(command, **places):
    """The command with the operator's brokers, and other names of topics and of the group."""
    for old, new in (("HOST:9092", servers.kafka().brokers), *places.items()):
        if old not in command:
            raise AssertionError(f"no {old} in: {command}")
        command = re.sub(rf"(?<![\w-]){re.escape(old)}(?![\w-])", new, command)
    return command


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """The scripts of Apache Kafka's own distribution do the same: they name a class for java."""
        cls.folder = Path(tempfile.mkdtemp(prefix="ghgd-tools-"))
        for name, main in CLASSES.items():
            path = cls.folder / name
            path.write_text(f"#!/bin/sh\nexec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
                            f"-cp '{servers.BUILD}/kafka/*' {main} \"$@\"{PATIENCE.get(name, '')}\n")
            path.chmod(0o755)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def call(self, command):
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", command], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180, check=False)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        self.assertNotIn("Error", done.stdout, command)  # the tools say so with status 0
        return done.stdout


class Topics(Tools):
    def test_no_other_command_is_documented(self):
        """Each documented command is in a block, and one of the tests below runs it."""
        for words in ("--describe --group", "--reset-offsets", "kafka-topics"):
            the_command(words)
        self.assertEqual(len(list(documented())), 3)
        for path in DOCUMENTS:
            self.assertEqual(re.findall(r"`kafka-[a-z-]+\s+--[^`]*`", path.read_text()), [], path)

    def test_the_group_is_described(self):
        topic = make_topics(partitions=2)
        config = configuration(topic, [influx_sink(servers.influxdb().database())])
        with make_daemon(config):
            said = self.call(placed(the_command("--describe --group"), ghgd=topic))
        self.assertRegex(said, r"GROUP +TOPIC +PARTITION")
        for partition in range(2):
            self.assertRegex(said, rf"(?m)^{topic} +{topic} +{partition} ")

    def test_the_checkpoint_topic_is_made(self):
        events, topic = servers.kafka().topic("events", partitions=4), servers.unique("made")
        self.call(placed(the_command("kafka-topics"), **{"ghgd-checkpoint": topic}))
        with Store(topic, events, create=False) as store:
            self.assertEqual(store("ready")["ready"], 1)

    def why(self, topic, events):
        with Store(topic, events, create=False) as store:
            got = store("ready")
        self.assertEqual(got["failed"], 1)
        return IN_A_MESSAGE.search(got["why"])[1]

    def test_messages_about_the_checkpoint_topic(self):
        """The topic is missing; it has too few partitions; it is not compact."""
        kafka = servers.kafka()
        topic = servers.unique("told")
        few, many = kafka.topic("events", partitions=2), kafka.topic("events", partitions=3)
        self.call(self.why(topic, few))
        self.call(self.why(topic, many))
        self.assertEqual(kafka._leaders(topic), 3)
        other = make_topic(partitions=3, cleanup_policy="delete")
        self.call(self.why(other, many))
        for name in (topic, other):
            with Store(name, many, create=False) as store:
                self.assertEqual(store("ready")["ready"], 1, name)


class Offsets(Tools):
    """A group whose state is derived again, from the oldest message on."""

    def setUp(self):
        self.kafka, self.topic = servers.kafka(), make_topics()
        self.config = configuration(self.topic, [influx_sink(servers.influxdb().database())],
                                    checkpoint={"interval": "1s"})
        self.kafka.produce(self.topic, [("hz", json.dumps(reading("hz-grid", 15 * n, n)))
                                        for n in (1, 2)])
        with make_daemon(self.config) as ghgd:
            servers.eventually(self.is_saved)
            self.assertEqual(ghgd.terminate(), 0)

    def is_saved(self):
        """the group's offset, with a pointer to the state there"""
        offset, metadata = self.kafka.group_offset(self.topic, self.topic)
        return offset == 2 and POINTER.fullmatch(metadata)

    def derive_again(self, command):
        self.call(command)
        self.assertEqual(self.kafka.group_offset(self.topic, self.topic), (0, ""))
        with make_daemon(self.config) as ghgd:
            self.assertIn("intake.begins partition=0 offset=0", ghgd.log())
            servers.eventually(self.is_saved)

    def test_the_documented_reset(self):
        self.derive_again(placed(the_command("--reset-offsets"), ghgd=self.topic,
                                 **{"meter-readings": self.topic}))

    def test_the_message_about_a_state_that_cannot_be_read(self):
        offset, metadata = self.kafka.group_offset(self.topic, self.topic)
        self.kafka.commit_offset(self.topic, self.topic, 0, offset,
                                 metadata.replace("epoch=", "epoch=f"))
        ghgd = make_daemon(self.config)
        ghgd.wait_ready = lambda: servers.eventually(
            lambda: "checkpoint.unreadable partition=0" in ghgd.log())
        with ghgd:
            line = next(line for line in ghgd.log().splitlines() if "checkpoint.unreadable" in line)
            self.assertEqual(ghgd.terminate(), 0)
        self.derive_again(IN_A_MESSAGE.search(line)[1])


if __name__ == "__main__":
    unittest.main()
