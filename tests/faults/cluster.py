"""Apache Kafka in one or three nodes, each reached by every daemon through a proxy of its own."""
import struct
import subprocess
import time

import servers
from servers import eventually

SLOTS = 4  # daemons at most


class Node(servers.Kafka):
    """A broker and controller. Listener PLAIN is for brokers and tests; listener Sn tells its
    clients to come to the proxy of daemon slot n."""

    kind = "kafka"
    formatted = {}  # {name: bytes} of the files in a new data folder; starting a JVM takes long

    def __init__(self, number, ports, voters, proxies):
        """proxies: the addresses that clients of each slot are told."""
        super().__init__()
        self.number, self.ports, self.voters, self.proxies = number, ports, voters, proxies
        self.port = ports["PLAIN"]
        self.brokers = f"127.0.0.1:{self.port}"

    def prepare(self):
        listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in self.ports.items())
        told = ",".join([f"PLAIN://{self.brokers}"]
                        + [f"S{slot}://{address}" for slot, address in enumerate(self.proxies)])
        plain = ",".join(f"{name}:PLAINTEXT" for name in self.ports)
        nodes = self.voters.count("@")
        (self.folder / "server.properties").write_text(f"""
process.roles=broker,controller
node.id={self.number}
controller.quorum.voters={self.voters}
listeners={listeners}
advertised.listeners={told}
listener.security.protocol.map={plain}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
log.dirs={self.folder}/data
auto.create.topics.enable=false
auto.leader.rebalance.enable=false
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
log.retention.ms=-1
log.cleaner.backoff.ms=1000
log.cleaner.min.cleanable.ratio=0.01
log.cleaner.delete.retention.ms=1000
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
min.insync.replicas={min(nodes, 2)}
default.replication.factor={nodes}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={nodes}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
replica.lag.time.max.ms=5000
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
controlled.shutdown.max.retries=1
""")
        (self.folder / "log4j.properties").write_text("""
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c %m%n
""")
        libs = servers.BUILD / "kafka"
        self._java = [
            "java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
            "-Xshare:auto", f"-Dlog4j.configuration=file:{self.folder}/log4j.properties",
            "-cp", f"{libs}/*"]
        data = self.folder / "data"
        if data.exists():
            return
        if not Node.formatted:
            subprocess.run(
                [*self._java, "kafka.tools.StorageTool", "format", "-t", self.CLUSTER_ID,
                 "-c", "server.properties"],
                cwd=self.folder, check=True, capture_output=True)
            Node.formatted.update((path.name, path.read_bytes()) for path in data.iterdir())
        data.mkdir(exist_ok=True)
        for name, content in Node.formatted.items():
            (data / name).write_bytes(content)
        (data / "meta.properties").write_text(
            f"version=1\ncluster.id={self.CLUSTER_ID}\nnode.id={self.number}\n")

    def is_ready(self):
        return servers._listens(self.port)


class Cluster:
    """nodes brokers; proxies(node) gives the addresses at which the slots reach it."""

    def __init__(self, nodes, network):
        names = ("PLAIN", *(f"S{slot}" for slot in range(SLOTS)), "CONTROLLER")
        ports = [{name: servers.free_port() for name in names} for _ in range(nodes)]
        voters = ",".join(f"{n + 1}@127.0.0.1:{p['CONTROLLER']}" for n, p in enumerate(ports))
        self.links = [[network.link(f"kafka-{n + 1}", slot, ports[n][f"S{slot}"])
                       for slot in range(SLOTS)] for n in range(nodes)]
        self.nodes = [Node(n + 1, ports[n], voters, [link.address for link in self.links[n]])
                      for n in range(nodes)]
        self.addresses = ",".join(node.brokers for node in self.nodes)

    def brokers_of(self, slot):
        return [links[slot].address for links in self.links]

    def start(self):
        for node in self.nodes:
            servers.LOGS.mkdir(parents=True, exist_ok=True)
            node.folder = servers.Path(servers.tempfile.mkdtemp(prefix="ghgd-kafka-"))
            node.prepare()
        for node in self.nodes:
            node.launch()
        eventually(self.is_whole, seconds=300, every=0.3)
        return self

    def is_whole(self):
        """every broker is in the metadata of each"""
        return all(self.count_brokers(node) == len(self.nodes) for node in self.nodes)

    @staticmethod
    def count_brokers(node):
        if not servers._listens(node.port):
            return 0
        got = subprocess.run(["kcat", "-b", node.brokers, "-L", "-m", "2"],
                             capture_output=True, text=True)
        return got.stdout.count(" at 127.0.0.1:")

    def stop(self):
        for node in self.nodes:
            node.stop()

    def any(self):
        """A node that answers."""
        return eventually(lambda: next((node for node in self.nodes if servers._listens(node.port)),
                                       None))

    # --- requests that kcat does not know

    def request(self, node, body, api_key, version, flexible=False):
        head = struct.pack(">hhi", api_key, version, 1) + struct.pack(">h", 5) + b"tests"
        data = head + (b"\x00" if flexible else b"") + body
        with servers.socket.create_connection(("127.0.0.1", node.port), timeout=30) as connection:
            connection.sendall(struct.pack(">i", len(data)) + data)
            stream = connection.makefile("rb")
            size, _ = struct.unpack(">ii", stream.read(8))
            return stream.read(size - 4)

    def controller(self):
        """The node that is the active controller, as the brokers see it: any may be asked."""
        return self.any()

    def create_topic(self, name, partitions, **configs):
        def text(value):
            return struct.pack(">h", len(value)) + value.encode()
        settings = [(key.replace("_", "."), str(value)) for key, value in configs.items()]
        topic = text(name) + struct.pack(">ihi", partitions, len(self.nodes), 0)
        topic += struct.pack(">i", len(settings))
        topic += b"".join(text(key) + text(value) for key, value in settings)
        body = struct.pack(">i", 1) + topic + struct.pack(">i?", 20000, False)
        answer = self.request(self.any(), body, api_key=19, version=2)
        size, = struct.unpack_from(">h", answer, 8)
        err, = struct.unpack_from(">h", answer, 10 + size)
        if err != 0:
            raise RuntimeError(f"create topic {name}: Kafka error {err}")
        eventually(lambda: self.any()._leaders(name) == partitions)
        return name

    def move_leaders(self, topic, partitions, first):
        """Makes node `first` the preferred replica of the partitions, and has it elected."""
        order = [first] + [n.number for n in self.nodes if n.number != first]
        replicas = _compact(len(order)) + b"".join(struct.pack(">i", n) for n in order)
        entries = b"".join(struct.pack(">i", p) + replicas + b"\x00" for p in partitions)
        body = struct.pack(">i", 20000) + _compact(1) + _compact(len(topic)) + topic.encode()
        body += _compact(len(partitions)) + entries + b"\x00\x00"
        self.request(self.any(), body, api_key=45, version=0, flexible=True)
        time.sleep(0.3)
        body = struct.pack(">ih", 1, len(topic)) + topic.encode()
        body += struct.pack(">i", len(partitions))
        body += b"".join(struct.pack(">i", p) for p in partitions) + struct.pack(">i", 20000)
        self.request(self.any(), body, api_key=43, version=0)

    def leaders(self, topic):
        """{partition: node number}"""
        got = subprocess.run(["kcat", "-b", self.any().brokers, "-L", "-t", topic, "-J"],
                             capture_output=True, text=True)
        topics = servers.json.loads(got.stdout)["topics"] if got.returncode == 0 else []
        return {p["partition"]: p["leader"] for t in topics for p in t["partitions"]}

    def has_coordinator(self, group):
        """Whether the broker that is named as the group's coordinator takes itself for it, as any
        client would find: FindCoordinator, version 0, then OffsetFetch, version 2, of no topic."""
        name = struct.pack(">h", len(group)) + group.encode()
        answer = self.request(self.any(), name, api_key=10, version=0)
        err, number = struct.unpack_from(">hi", answer)
        named = [node for node in self.nodes if node.number == number
                 and servers._listens(node.port)]
        if err != 0 or not named:
            return False
        answer = self.request(named[0], name + struct.pack(">i", 0), api_key=9, version=2)
        return struct.unpack(">h", answer[-2:]) == (0,)

    def ends(self, topic, partitions):
        """The offset that each partition's next message will get."""
        got = subprocess.run(
            ["kcat", "-b", self.addresses, "-Q",
             *(word for p in range(partitions) for word in ("-t", f"{topic}:{p}:-1"))],
            capture_output=True, text=True, timeout=60)
        found = {}
        for line in got.stdout.splitlines():
            words = line.replace("[", " ").replace("]", " ").split()
            if len(words) >= 4 and words[0] == topic:
                found[int(words[1])] = int(words[3])
        return [found.get(p, -1) for p in range(partitions)]


def _compact(count):
    """Kafka's compact length: one more, as a varint."""
    count, data = count + 1, b""
    while count > 127:
        data += bytes([count & 127 | 128])
        count >>= 7
    return data + bytes([count])
