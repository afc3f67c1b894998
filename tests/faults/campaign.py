"""One run: servers, daemons, the input, the script of faults, and the judgement at the end."""
import concurrent.futures
import contextlib
import heapq
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time

import cluster
import disk
import evidence
import fleet
import kinds
import namespaces
import phases
import servers
from network import Network

PRODUCE = os.environ.get("PRODUCE", str(servers.BUILD / "gcc/tests/faults/produce"))
SETTLE_LIMIT_S = 120
FOLLOW_LIMIT_S = 300
NAMESPACES = (2, 3)  # slots of the daemons that have a network of their own
TRIES = 30           # of a fault that finds no process to happen to
QUIET_S = 2          # after which nothing more is expected to happen
FIRST_S = 3.0        # when the first fault comes
PAUSE_S = (0.3, 2.1)  # between two of them
# After VictoriaMetrics was killed: until the sink has asked it whether it still has everything.
VICTORIA_ASKED_S = 19
FORGOTTEN = "out of order sequence number"  # what a producer is told then


class Void(Exception):
    """The run says nothing of the daemon. The brokers have other messages than were sent: one that
    was killed at once may have a batch of an idempotent producer twice, or have forgotten what it
    had of that producer, and refuse the rest. Or the broker that they name as the coordinator of the
    group no longer takes itself for it."""


class Screen:
    """Lines that stay, and on a terminal one below them that tells how far it is."""

    def __init__(self):
        self.is_terminal = sys.stdout.isatty()
        self.began = time.monotonic()
        self.phases = phases.Phases()

    def line(self, text):
        print(("\r\033[K" if self.is_terminal else "") + text, flush=True)

    def progress(self, text):
        if self.is_terminal:
            line = f"\r\033[K{time.monotonic() - self.began:4.0f} s  {text}"
            print(line[:150], end="", flush=True)


class Clusters:
    """One broker, or three. The next ones may be started while others are in use."""

    def __init__(self, phases):
        self.namespaces, self.why_none = namespaces.make(NAMESPACES)
        self.network, self.cluster, self.phases = Network(self.namespaces), None, phases
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.coming_nodes, self.coming = 0, None

    def nodes(self):
        return len(self.cluster.nodes) if self.cluster is not None else 0

    def prepare(self, nodes):
        """Begins to start them, if there are no such brokers."""
        if nodes != self.nodes() and self.coming is None:
            self.coming_nodes, self.coming = nodes, self.pool.submit(
                lambda: cluster.Cluster(nodes, self.network).start())

    def wait(self):
        """Until no thread starts any: before a fork."""
        if self.coming is not None:
            self.coming.result()

    def get(self, nodes):
        """Itself, with that many brokers."""
        if self.coming is not None and self.coming_nodes != nodes:
            self.take()
        self.prepare(nodes)
        if self.nodes() != nodes:
            with self.phases.of("waiting for brokers to start"):
                self.take()
        return self

    def take(self):
        self.drop()
        self.cluster = self.coming.result()
        self.coming = None

    def drop(self):
        if self.cluster is not None:
            self.cluster.stop()
            self.network.drop([link for links in self.cluster.links for link in links])
            self.cluster = None

    def stop(self):
        self.drop()
        if self.coming is not None:
            self.take()
            self.drop()
        self.pool.shutdown()
        self.network.close()
        for namespace in self.namespaces.values():
            namespace.remove()


class Run:
    """number 0 is the calm run: one daemon, no fault."""

    def __init__(self, number, shape, script, seed, peace, show):
        self.number, self.shape, self.script = number, shape, script
        self.peace, self.show, self.phases = peace, show, show.phases
        self.seed = f"{seed}/{number}"
        self.pick = random.Random(self.seed)
        self.topic = servers.unique(f"readings-{number}")
        self.injected, self.seconds, self.evidence = 0, 0, evidence.Evidence()
        self.timeline, self.serial, self.saved = [], itertools.count(), None
        self.broken_nodes, self.broken_influxdb, self.broken_victoria = set(), False, False
        self.locked_sqlite = False
        self.victoria = servers.VictoriaMetrics() if shape.victoria else None
        self.victoria_back_at = -VICTORIA_ASKED_S

    # --- what kinds of fault use

    def now(self):
        return time.monotonic() - self.began

    def later(self, after_s, function):
        heapq.heappush(self.timeline, (self.now() + after_s, next(self.serial), function))

    def when(self, holds, function):
        """Calls the function once holds() says so."""
        def look():
            if holds():
                function()
            else:
                self.later(0.2, look)
        self.later(0.2, look)

    def leave(self, slot, then):
        """SIGTERM; then() when the daemon is gone."""
        member = self.fleet.members[slot]
        child = member.child  # by the time we look, another fault may have put the next one there
        self.fleet.terminate(slot)
        deadline = self.now() + 30

        def gone():
            if child.poll() is not None:
                status = child.returncode
                early = status == -signal.SIGTERM and (member.child is not child
                                                       or not member.has_started())
                if status not in (0, 1, -signal.SIGKILL) and not early:  # a trap may have killed it
                    self.fleet.deaths.append(f"daemon {slot}: status {status} after SIGTERM:\n"
                                             + member.log_tail(15))
                return True
            if self.now() > deadline:
                stacks = evidence.stacks(member)
                self.fleet.deaths.append(f"daemon {slot} ignored SIGTERM for 30 s{stacks}")
                self.fleet.kill(slot)
                return True
            return False
        self.when(gone, then)

    def say(self, text):
        self.show.line(f"run {self.number} {self.now():5.1f} s  {text}")

    # --- the course of it

    def execute(self, clusters):
        """Leaves self.evidence."""
        servers.LOGS.mkdir(parents=True, exist_ok=True)
        self.cluster, self.network = clusters.cluster, clusters.network
        self.began = time.monotonic()
        with contextlib.ExitStack() as stack:
            with self.phases.of("starting databases, making topics"):
                self.influxdb = stack.enter_context(disk.InfluxDB())
                self.fleet = self.make_fleet(stack)
            stack.callback(lambda: self.network.drop(self.fleet.links))
            stack.callback(self.stop)
            with self.phases.of("script of faults" if self.number else "calm run"):
                self.play()
            self.read_back()
        self.evidence.deaths = self.fleet.deaths
        self.seconds = self.now()

    def stop(self):
        with self.phases.of("stopping daemons and databases"):
            self.fleet.stop()
            if getattr(self, "producer", None) is not None:
                self.producer.kill()
                self.producer.wait()

    def make_fleet(self, stack):
        keep = {"retention_ms": -1, "max_message_bytes": 8388608}
        self.cluster.create_topic(self.topic, fleet.PARTITIONS, **keep)
        for suffix in ("-dead", "-late"):
            self.cluster.create_topic(self.topic + suffix, 3, **keep)
        if self.pick.random() < 0.7:  # compaction at work; else the daemons make it
            self.cluster.create_topic(self.topic + "-checkpoint", fleet.PARTITIONS,
                                      cleanup_policy="compact", segment_bytes=1048576,
                                      max_message_bytes=8388608)
        self.database = self.influxdb.database()
        databases = [("influxdb", "influx1", self.influxdb, self.database)]
        if self.victoria is not None:
            stack.callback(self.victoria.stop)
            self.victoria.start()
            databases.append(("victoria", "victoria", self.victoria, "ghg"))
        return fleet.Fleet(self.cluster, self.network, databases, self.topic, self.peace.tables,
                           self.shape)

    def play(self):
        self.expected = self.peace.expected_of(self.shape.log())
        total, log = sum(self.expected.ends), self.peace.folder / f"log{self.shape.log()}"
        at, times = FIRST_S, []
        for _ in self.script:
            times.append(at)
            at += self.pick.uniform(*PAUSE_S)
        backlog = self.pick.uniform(0.2, 0.5) if self.script else 1
        with open(servers.LOGS / "produce.log", "wb") as output:
            self.producer = subprocess.Popen(
                [PRODUCE, self.cluster.addresses, self.topic, log, str(int(total * backlog)),
                 f"{at:.1f}"], stdout=output, stderr=output, preexec_fn=servers.die_with_parent)
        slots = self.choose_slots()
        if self.script:
            self.say(f"{self.nodes()}, daemons {slots}{self.also()}, {backlog:.0%} of the input at "
                     f"once, the rest over {at:.0f} s")
        for slot in slots:
            self.fleet.start(slot)
        for number, (name, at) in enumerate(zip(self.script, times)):
            self.later(at - self.now(),
                       lambda name=name, number=number: self.inject(name, number))
        self.follow()

    def choose_slots(self):
        if not self.script:
            return [0]
        count = 1 if self.shape.alone else self.pick.randint(2, cluster.SLOTS)
        return sorted(self.pick.sample(range(cluster.SLOTS), count))

    def nodes(self):
        return "3 brokers" if self.shape.nodes == 3 else "1 broker"

    def also(self):
        return ((", VictoriaMetrics" if self.shape.victoria else "")
                + (", SQLite" if self.shape.alone else "")
                + (", re-keyed" if self.shape.by_meter else ""))

    def inject(self, name, number, tries=TRIES):
        done = kinds.KINDS[name](self, random.Random(f"{self.seed}/{number}"))
        if done is None and tries > 0:
            self.later(0.5, lambda: self.inject(name, number, tries - 1))
            return
        if done is None:
            self.say(f"{name}: left out, nobody is there that it could happen to")
            return
        self.injected += 1
        self.say(f"{name}: {done}")
        if self.injected == len(self.script):
            threading.Thread(target=self.note_saved, daemon=True).start()

    def note_saved(self):
        """How much of the log the daemons had done and saved when the last fault came."""
        topic = self.log_topic()
        try:
            node = self.cluster.any()
            self.saved = sum(max(0, node.group_offset(self.topic, topic, partition)[0])
                             for partition in range(fleet.PARTITIONS))
        except (AssertionError, OSError, ValueError, servers.struct.error):
            self.saved = None  # the brokers have other troubles

    def log_topic(self):
        return self.topic + (fleet.REKEYED if self.shape.by_meter else "")

    def follow(self):
        """Until the script is over and everything is sent."""
        deadline = self.now() + FOLLOW_LIMIT_S
        while self.timeline or self.producer.poll() is None:
            if self.now() > deadline:
                raise RuntimeError(f"the script does not end: {self.last_sent()}")
            while self.timeline and self.timeline[0][0] <= self.now():
                heapq.heappop(self.timeline)[2]()
            self.fleet.check()
            self.show.progress(f"run {self.number}: {self.injected} of {len(self.script)} faults, "
                               f"{self.last_sent()}")
            wait_s = self.timeline[0][0] - self.now() if self.timeline else 0.1
            time.sleep(min(0.1, max(0.0, wait_s)))
        if self.producer.returncode != 0:
            said = (servers.LOGS / "produce.log").read_text(errors="replace")
            if FORGOTTEN in said:
                raise Void(f"the brokers have forgotten what they had: {FORGOTTEN}")
            raise RuntimeError(f"produce failed; see {servers.LOGS}/produce.log")
        if not self.fleet.running:
            self.fleet.start(0)

    def last_sent(self):
        lines = (servers.LOGS / "produce.log").read_text().splitlines()
        return lines[-1] if lines else ""

    # --- the judgement

    def read_back(self):
        ends = self.cluster.ends(self.topic, fleet.PARTITIONS)
        if ends != self.expected.ends:
            raise Void(f"the log is not the input: ends {ends}, not {self.expected.ends}")
        self.settle(QUIET_S)
        self.read()
        if self.victoria is not None:
            rows = self.fleet.written
            with self.phases.of("waiting until VictoriaMetrics was asked"):
                asked_at = self.victoria_back_at + VICTORIA_ASKED_S
                while self.now() < asked_at:
                    time.sleep(max(0, min(0.5, asked_at - self.now())))
            self.settle(QUIET_S)
            if self.fleet.written != rows:
                self.read()
        with self.phases.of("reading VictoriaMetrics back, audit"):
            self.evidence.read_last(self.fleet.members[min(self.fleet.running)], self.victoria,
                                    "ghg")
        if self.saved is not None:
            ends = self.cluster.ends(self.log_topic(), fleet.PARTITIONS)
            self.say(f"{self.saved / sum(ends):.0%} of the log was done and saved when the last "
                     "fault came")

    def settle(self, quiet_s):
        with self.phases.of("waiting for the end"):
            missing = self.fleet.settle(
                self.expected.ends, quiet_s, SETTLE_LIMIT_S,
                lambda text: self.show.progress(f"run {self.number}: {text}"))
        if missing and not self.cluster.has_coordinator(self.topic):
            raise Void("the coordinator of the group denies that it is, whoever asks")
        if missing:
            self.fleet.deaths.append(f"not at rest after {SETTLE_LIMIT_S} s: {missing}")

    def read(self):
        with self.phases.of("reading back"):
            slot = min(self.fleet.running)
            self.evidence.account = self.fleet.account()
            self.evidence.read(
                self.influxdb.url, self.database,
                self.fleet.members[slot].sqlite_path() if self.shape.alone else None,
                self.cluster, self.topic)
