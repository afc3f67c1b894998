"""The group's coordinator moves from one broker to another, and both go on running."""
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.append(str(Path(__file__).resolve().parent.parent / "faults"))
import cluster
import daemon
import estate
import servers

OFFSETS = "__consumer_offsets"
ROWS = {"name": "file", "type": "file", "path": "rows"}


class Direct:
    """A network in which every address is the broker's own."""

    @staticmethod
    def link(_server, _slot, port):
        return SimpleNamespace(address=f"127.0.0.1:{port}")


class Coordinator(unittest.TestCase):
    def setUp(self):
        self.brokers = cluster.Cluster(2, Direct())
        self.addCleanup(self.brokers.stop)
        self.brokers.start()
        self.topic = self.brokers.create_topic(servers.unique("meters"), 2, retention_ms=-1)

    def daemon(self):
        config = estate.configuration(",".join(self.brokers.brokers_of(0)), self.topic, [ROWS])
        config["kafka"]["brokers"] = self.brokers.brokers_of(0)
        config["kafka"]["properties"] = {"session.timeout.ms": "6000",
                                         "heartbeat.interval.ms": "500"}
        return daemon.Daemon(config, estate.tables())

    def move(self):
        """The coordinator is another broker than before."""
        old = self.brokers.leaders(OFFSETS)[0]
        new = 3 - old
        self.brokers.move_leaders(OFFSETS, [0], new)
        servers.eventually(lambda: self.brokers.leaders(OFFSETS)[0] == new)
        servers.eventually(lambda: self.brokers.has_coordinator(self.topic))

    @staticmethod
    def wait(*shares):
        """Until each daemon is ready with so many partitions."""
        servers.eventually(lambda: all(
            ghgd.metrics()[("ghgd_consumer_assigned_partitions",)] == share and ghgd.is_ready()
            for ghgd, share in shares))

    def test_partitions_begin_wherever_it_has_moved(self):
        with self.daemon() as first:
            self.wait((first, 2))
            self.move()
            with self.daemon() as second:  # the group gives its partitions out again
                self.wait((first, 1), (second, 1))
                self.move()
                self.assertEqual(second.terminate(), 0)
                self.wait((first, 2))
            self.assertEqual(first.terminate(), 0)
