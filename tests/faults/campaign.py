"""One run: servers, daemons, the input, the script of faults, and the judgement at the end."""
import heapq
import itertools
import os
import random
import subprocess
import sys
import time

import cluster
import disk
import fleet
import kinds
import namespaces
import servers
import verdict
from network import Network

PRODUCE = os.environ.get("PRODUCE", str(servers.BUILD / "gcc/tests/faults/produce"))
SETTLE_LIMIT_S = 120
FOLLOW_LIMIT_S = 300
NAMESPACES = (2, 3)  # slots of the daemons that have a network of their own
TRIES = 30           # of a fault for which nobody is there
QUIET_S = 2            # after which nothing more is expected to happen
QUIET_VICTORIA_S = 20  # until the sink has asked it whether it still has everything


class Screen:
    """Lines that stay, and on a terminal one below them that tells how far it is."""

    def __init__(self):
        self.is_terminal = sys.stdout.isatty()
        self.began = time.monotonic()

    def line(self, text):
        print(("\r\033[K" if self.is_terminal else "") + text, flush=True)

    def progress(self, text):
        if self.is_terminal:
            line = f"\r\033[K{time.monotonic() - self.began:4.0f} s  {text}"
            print(line[:150], end="", flush=True)


class Clusters:
    """One broker, or three: started when they are first asked for, one kind at a time."""

    def __init__(self):
        self.namespaces, self.why_none = namespaces.make(NAMESPACES)
        self.network, self.cluster = Network(self.namespaces), None

    def get(self, nodes):
        if self.cluster is not None and len(self.cluster.nodes) != nodes:
            self.drop()
        if self.cluster is None:
            self.cluster = cluster.Cluster(nodes, self.network)
            self.cluster.start()
        return self

    def drop(self):
        if self.cluster is not None:
            self.cluster.stop()
            self.network.drop([link for links in self.cluster.links for link in links])
            self.cluster = None

    def stop(self):
        self.drop()
        self.network.close()
        for namespace in self.namespaces.values():
            namespace.remove()


class Run:
    """number 0 is the calm run: one daemon, no fault."""

    def __init__(self, number, nodes, script, seed, peace, show):
        self.number, self.nodes, self.script = number, nodes, script
        self.peace, self.show = peace, show
        self.seed = f"{seed}/{number}"
        self.pick = random.Random(self.seed)
        self.topic = servers.unique(f"readings-{number}")
        self.injected, self.dumps, self.seconds = 0, {}, 0
        self.timeline, self.serial = [], itertools.count()
        self.broken_nodes, self.broken_influxdb, self.broken_victoria = set(), False, False
        self.victoria = None
        if any(kinds.KINDS[name].victoria for name in script):
            self.victoria = servers.VictoriaMetrics()

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
        self.fleet.terminate(slot)
        deadline = self.now() + 30

        def gone():
            if self.fleet.is_gone(slot):
                status = self.fleet.members[slot].child.returncode
                if status not in (0, 1):
                    self.fleet.deaths.append(f"daemon {slot}: status {status} after SIGTERM:\n"
                                             + self.fleet.members[slot].log_tail(15))
                return True
            if self.now() > deadline:
                self.fleet.deaths.append(f"daemon {slot} ignored SIGTERM for 30 s")
                self.fleet.kill(slot)
                return True
            return False
        self.when(gone, then)

    def say(self, text):
        self.show.line(f"run {self.number} {self.now():5.1f} s  {text}")

    # --- the course of it

    def execute(self, clusters):
        """The differences that were found."""
        servers.LOGS.mkdir(parents=True, exist_ok=True)
        self.cluster, self.network = clusters.cluster, clusters.network
        self.began = time.monotonic()
        with disk.InfluxDB() as self.influxdb:
            before = list(self.network.links)
            self.fleet = self.make_fleet()
            try:
                self.play()
                differences = self.judge()
            finally:
                self.fleet.stop()
                if getattr(self, "producer", None) is not None:
                    self.producer.kill()
                    self.producer.wait()
                self.network.drop([link for link in self.network.links if link not in before])
                if self.victoria is not None:
                    self.victoria.stop()
        self.seconds = self.now()
        if self.number:
            self.say(f"{self.injected} faults, {len(differences)} differences")
        return differences

    def make_fleet(self):
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
            self.victoria.start()
            databases.append(("victoria", "victoria", self.victoria, "ghg"))
        return fleet.Fleet(self.cluster, self.network, databases, self.topic, self.peace.tables)

    def play(self):
        total = sum(self.peace.expected.ends)
        at, times = 1.5, []
        for _ in self.script:
            times.append(at)
            at += self.pick.uniform(1.5, 5.5)
        backlog = self.pick.uniform(0.3, 0.7) if self.script else 1
        with open(servers.LOGS / "produce.log", "wb") as log:
            self.producer = subprocess.Popen(
                [PRODUCE, self.cluster.addresses, self.topic, self.peace.folder / "log",
                 str(int(total * backlog)), f"{at:.1f}"], stdout=log, stderr=log,
                preexec_fn=servers._die_with_parent)
        slots = self.pick.sample(range(cluster.SLOTS), self.pick.randint(1, cluster.SLOTS))
        slots = sorted(slots) if self.script else [0]
        if self.script:
            also = ", VictoriaMetrics too" if self.victoria else ""
            self.say(f"{self.nodes} brokers, daemons {slots}{also}, {backlog:.0%} of the input at "
                     f"once, the rest over {at:.0f} s")
        for slot in slots:
            self.fleet.start(slot)
        for number, (name, at) in enumerate(zip(self.script, times)):
            self.later(at - self.now(),
                       lambda name=name, number=number: self.inject(name, number))
        self.follow()

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
            raise RuntimeError(f"produce failed; see {servers.LOGS}/produce.log")
        if not self.fleet.running:
            self.fleet.start(0)

    def last_sent(self):
        lines = (servers.LOGS / "produce.log").read_text().splitlines()
        return lines[-1] if lines else ""

    # --- the judgement

    def judge(self):
        expected = self.peace.expected
        ends = self.cluster.ends(self.topic, fleet.PARTITIONS)
        if ends != expected.ends:
            raise RuntimeError(f"the log is not the input: ends {ends}, not {expected.ends}")
        missing = self.fleet.settle(
            expected.ends, QUIET_S if self.victoria is None else QUIET_VICTORIA_S, SETTLE_LIMIT_S,
            lambda text: self.show.progress(f"run {self.number}: {text}"))
        differences = list(self.fleet.deaths)
        differences += verdict.compare_account(expected, self.fleet.account())
        if missing:
            differences.append(f"not at rest after {SETTLE_LIMIT_S} s: {missing}")
        self.dumps = verdict.dump_all(self.influxdb.url, self.database)
        if self.number:
            differences += verdict.compare(self.peace.dumps, self.dumps)
        if self.victoria is not None:
            differences += verdict.compare_victoria(self.peace.dumps, self.victoria, "ghg")
        found, again = verdict.compare_letters(expected, self.cluster, self.topic)
        if again:
            self.say(f"{again} letters were written again after a crash")
        return differences + found
