"""Real servers on free loopback ports, for tests.

kafka(), influxdb(), victoria_metrics() give one server of a kind to the whole run: it starts at the
first call, in the runner, for all workers; stop_all() takes it down. A test keeps to itself by using topics and databases of its
own (unique() names them). A test that stops or cripples a server makes one: `with InfluxDB() as db:`.

Each server dies with the process that started it, even if that is killed. Its log stays in
build/integration/; its data does not.
"""
import copy
import ctypes
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
LOGS = BUILD / "integration"
# Nothing waits as long unless it fails: a machine may be slow, and another build may run beside.
PATIENCE_SECONDS = 120
PR_SET_PDEATHSIG = 1

launched = []  # every Process that was started, in order; the report on a test clears it
_serial = itertools.count(1)
_libc = ctypes.CDLL(None)


def unique(name):
    """A name that no other test uses, neither in this run nor in one beside it."""
    return f"{name}-{os.getpid()}-{next(_serial)}"


def leave_terminal():
    """Standard input is nothing from here on: no child finds a terminal there, and asks its user."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def eventually(check, seconds=PATIENCE_SECONDS, every=0.05):
    """Calls check() until it returns something true, which it returns. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        got = check()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {check.__doc__ or check.__name__}: {got!r}")
        time.sleep(every)


def http(url, body=None, headers=None, timeout=60):
    """(status, text) of a GET, or of a POST if there is a body; an error status is an answer too."""
    data = body.encode() if isinstance(body, str) else body
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child with its folder and its log. Kinds of servers say what to run and when it is ready."""

    kind = "process"
    environment = {}

    def __init__(self):
        self.name = f"{self.kind}-{os.getpid()}-{next(_serial)}"
        self.folder = None
        self.child = None
        self.log_path = LOGS / f"{self.name}.log"

    def prepare(self):
        """Chooses ports, writes configuration into self.folder."""

    def command(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def start(self):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.folder = self.folder or Path(tempfile.mkdtemp(prefix=f"ghgd-{self.kind}-"))
        launched.append(self)
        for attempt in range(3):  # between choosing a port and binding it another program may take it
            self.prepare()
            self.launch()
            if self.wait_ready():
                return self
            self.kill()
        self.stop()
        raise RuntimeError(f"{self.name} does not start:\n{self.log_tail()}")

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.environment}, preexec_fn=die_with_parent)

    def wait_ready(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.child.poll() is None:
            if self.is_ready():
                return True
            time.sleep(0.05)
        return False

    def log_tail(self, lines=30):
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def kill(self):
        """SIGKILL, as a crash; the data stays, and launch() starts it again on the same ports."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def terminate(self, seconds=60):
        """SIGTERM; the exit status. A child that does not go in time is killed, and that is an error."""
        self.child.terminate()
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} ignored SIGTERM for {seconds} s:\n{self.log_tail()}")

    def stop(self):
        self.kill()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def lent(self):
        """The same server, for another process to use: it can neither kill nor launch it."""
        lent = copy.copy(self)
        lent.child = None
        return lent

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Kafka(Process):
    """A broker in KRaft mode, its own controller."""

    kind = "kafka"
    environment = {"KAFKA_OPTS": ""}
    CLUSTER_ID = "ZmFjdG9yaWVzLW9mLWdoZw"

    def prepare(self):
        libs = BUILD / "kafka"
        if not list(libs.glob("kafka_*.jar")):
            raise RuntimeError(f"no broker in {libs}: make kafka fetches it")
        self.port, controller = free_port(), free_port()
        self.brokers = f"127.0.0.1:{self.port}"
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        (self.folder / "server.properties").write_text(f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://{self.brokers},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.partitions=4
auto.create.topics.enable=false
message.max.bytes=8388608
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
""")
        (self.folder / "log4j.properties").write_text("""
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c %m%n
""")
        self._java = [
            "java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
            f"-Dlog4j.configuration=file:{self.folder}/log4j.properties", "-cp", f"{libs}/*"]
        subprocess.run(
            [*self._java, "kafka.tools.StorageTool", "format", "-t", self.CLUSTER_ID,
             "-c", "server.properties"],
            cwd=self.folder, check=True, capture_output=True)

    def command(self):
        return [*self._java, "kafka.Kafka", "server.properties"]

    def is_ready(self):
        # The port opens before the broker has registered itself with its controller.
        if not _listens(self.port):
            return False
        got = subprocess.run(["kcat", "-b", self.brokers, "-L", "-m", "2"], capture_output=True, text=True)
        return "1 brokers" in got.stdout

    def create_topic(self, name, partitions=1, **configs):
        """The broker's CreateTopics request, version 2; configs like cleanup_policy="compact"."""
        def text(value):
            return struct.pack(">h", len(value)) + value.encode()
        settings = [(key.replace("_", "."), str(value)) for key, value in configs.items()]
        topic = text(name) + struct.pack(">ihi", partitions, 1, 0) + struct.pack(">i", len(settings))
        topic += b"".join(text(key) + text(value) for key, value in settings)
        body = struct.pack(">i", 1) + topic + struct.pack(">i?", 60000, False)
        answer = self._request(api_key=19, version=2, body=body)
        name_size, = struct.unpack_from(">h", answer, 8)
        err, = struct.unpack_from(">h", answer, 10 + name_size)
        if err != 0:
            raise RuntimeError(f"create topic {name}: Kafka error {err}")
        eventually(lambda: self._leaders(name) == partitions)
        return name

    def topic(self, name="events", partitions=1, **configs):
        """Creates a topic with a unique name, and returns that."""
        return self.create_topic(unique(name), partitions, **configs)

    def _leaders(self, topic):
        got = subprocess.run(["kcat", "-b", self.brokers, "-L", "-t", topic, "-J"], capture_output=True)
        topics = json.loads(got.stdout)["topics"] if got.returncode == 0 else []
        return sum(p["leader"] >= 0 and "error" not in p for t in topics for p in t["partitions"])

    def _request(self, api_key, version, body):
        request = struct.pack(">hhi", api_key, version, 1) + struct.pack(">h", 4) + b"test" + body
        with socket.create_connection(("127.0.0.1", self.port), timeout=90) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            stream = connection.makefile("rb")
            size, _ = struct.unpack(">ii", stream.read(8))
            return stream.read(size - 4)

    def produce(self, topic, messages, partition=None, headers=(), codec=None):
        """Sends messages with kcat, in order. A message is bytes or text, or (key, value)."""
        pairs = [m if isinstance(m, tuple) else (None, m) for m in messages]
        keyed = any(key is not None for key, _ in pairs)
        end, middle = b"\x01<end>\x02", b"\x01<key>\x02"
        data = b""
        for key, value in pairs:
            key, value = _bytes(key or b""), _bytes(value)
            if end in value or middle in key + value:
                raise ValueError("a message holds the text that divides messages")
            data += (key + middle if keyed else b"") + value + end
        command = ["kcat", "-P", "-q", "-b", self.brokers, "-t", topic, "-D", end.decode()]
        command += ["-X", "enable.idempotence=true"]  # else a batch sent again is out of order
        command += ["-K", middle.decode()] if keyed else []
        command += ["-p", str(partition)] if partition is not None else []
        command += ["-z", codec] if codec else []
        command += [part for name, value in headers for part in ("-H", f"{name}={value}")]
        subprocess.run(command, input=data, check=True, capture_output=True, timeout=300)

    def produce_at(self, topic, messages):
        """Sends (partition, time in ms, value) in order, with these Kafka timestamps."""
        librdkafka = ctypes.CDLL("librdkafka.so.1")
        for name in ("rd_kafka_conf_new", "rd_kafka_new"):
            getattr(librdkafka, name).restype = ctypes.c_void_p
        conf, words = ctypes.c_void_p(librdkafka.rd_kafka_conf_new()), ctypes.create_string_buffer(256)
        for key, value in (("bootstrap.servers", self.brokers), ("linger.ms", "20"),
                           ("enable.idempotence", "true"),  # else a batch sent again is out of order
                           ("queue.buffering.max.messages", "1000000")):
            librdkafka.rd_kafka_conf_set(conf, key.encode(), value.encode(), words, 256)
        producer = ctypes.c_void_p(librdkafka.rd_kafka_new(0, conf, words, 256))
        for partition, time_ms, value in messages:
            value = _bytes(value)
            err = librdkafka.rd_kafka_producev(
                producer, 1, topic.encode(), 3, ctypes.c_int32(partition), 8, ctypes.c_int64(time_ms),
                4, value, ctypes.c_size_t(len(value)), 7, 2, 0)  # topic, partition, time, value, copy
            if err != 0:
                raise RuntimeError(f"produce: librdkafka error {err}")
        left = librdkafka.rd_kafka_flush(producer, 120000)
        librdkafka.rd_kafka_destroy(producer)
        if left != 0:
            raise RuntimeError("produce: not all messages were acknowledged")

    def delete_group(self, group):
        """The broker's DeleteGroups request, version 0: offsets of a group without members, as when they expire."""
        body = struct.pack(">ih", 1, len(group)) + group.encode()
        err, = struct.unpack(">h", self._request(api_key=42, version=0, body=body)[-2:])
        if err != 0:
            raise RuntimeError(f"delete group {group}: Kafka error {err}")

    def group_offset(self, group, topic, partition=0):
        """(offset, metadata) that a group has committed; OffsetFetch, version 1."""
        def text(value):
            return struct.pack(">h", len(value)) + value.encode()
        body = text(group) + struct.pack(">i", 1) + text(topic) + struct.pack(">ii", 1, partition)
        answer = self._request(api_key=9, version=1, body=body)
        at = 4 + 2 + len(topic) + 4 + 4  # behind the counts, the name and the partition
        offset, size = struct.unpack_from(">qh", answer, at)
        return offset, answer[at + 10:at + 10 + max(size, 0)].decode()

    def commit_offset(self, group, topic, partition, offset, metadata=""):
        """As a tool does for a group that has no member; OffsetCommit, version 2."""
        def text(value):
            return struct.pack(">h", len(value)) + value.encode()
        body = text(group) + struct.pack(">i", -1) + text("") + struct.pack(">qi", -1, 1) + text(topic)
        body += struct.pack(">iiq", 1, partition, offset) + text(metadata)
        err, = struct.unpack(">h", self._request(api_key=8, version=2, body=body)[-2:])
        if err != 0:
            raise RuntimeError(f"commit {group} {topic}: Kafka error {err}")

    def delete_before(self, topic, partition, offset):
        """The broker's DeleteRecords request, version 0: as retention would."""
        body = struct.pack(">i", 1) + struct.pack(">h", len(topic)) + topic.encode()
        body += struct.pack(">iiqi", 1, partition, offset, 60000)
        answer = self._request(api_key=21, version=0, body=body)
        low, err = struct.unpack(">qh", answer[-10:])
        if err != 0 or low != offset:
            raise RuntimeError(f"delete records: Kafka error {err}, log begins at {low}")

    def add_partitions(self, topic, count):
        """The broker's CreatePartitions request, version 0: the topic then has so many."""
        body = struct.pack(">ih", 1, len(topic)) + topic.encode() + struct.pack(">ii", count, -1)
        answer = self._request(api_key=37, version=0, body=body + struct.pack(">i?", 60000, False))
        err, = struct.unpack_from(">h", answer, 10 + len(topic))
        if err != 0:
            raise RuntimeError(f"add partitions to {topic}: Kafka error {err}")
        eventually(lambda: self._leaders(topic) == count)

    def delete_topic(self, topic):
        """The broker's DeleteTopics request, version 1."""
        body = struct.pack(">ih", 1, len(topic)) + topic.encode() + struct.pack(">i", 60000)
        err, = struct.unpack_from(">h", self._request(api_key=20, version=1, body=body), 10 + len(topic))
        if err != 0:
            raise RuntimeError(f"delete topic {topic}: Kafka error {err}")
        eventually(lambda: self._leaders(topic) == 0)

    def consume(self, topic):
        """All messages of the topic up to its ends: a list of Message, by partition and offset."""
        end = b"\x01<end>\x02"
        command = ["kcat", "-C", "-q", "-e", "-b", self.brokers, "-t", topic, "-o", "beginning",
                   "-X", "check.crcs=true", "-f", "%p %o %T %K %S\n%k%s%h" + end.decode()]
        got = subprocess.run(command, check=True, capture_output=True, timeout=300).stdout
        messages = []
        while got:
            line, got = got.split(b"\n", 1)
            partition, offset, timestamp, key_size, size = (int(word) for word in line.split())
            key, got = (None, got) if key_size < 0 else (got[:key_size], got[key_size:])
            value, got = (None, got) if size < 0 else (got[:size], got[size:])
            headers, got = got.split(end, 1)
            # A value may hold a comma; what follows one is a header only if it looks like a name.
            pairs = [h.split("=", 1)
                     for h in re.split(r",(?=[\w-]+=)", headers.decode(errors="replace")) if h]
            messages.append(Message(partition, offset, timestamp, key, value, dict(pairs)))
        return sorted(messages, key=lambda m: (m.partition, m.offset))


class Message:
    def __init__(self, partition, offset, timestamp, key, value, headers):
        self.partition, self.offset, self.timestamp = partition, offset, timestamp
        self.key, self.value, self.headers = key, value, headers

    def __repr__(self):
        return f"Message({self.partition}@{self.offset} {self.key!r} {self.value!r} {self.headers})"


class InfluxDB(Process):
    """InfluxDB 1.x; extra lines go to the end of the [http] section of its configuration."""

    kind = "influxdb"

    def __init__(self, http_options=()):
        super().__init__()
        self.http_options = http_options

    def prepare(self):
        self.port, backup = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = "\n  ".join(self.http_options)
        (self.folder / "influxdb.conf").write_text(f"""
reporting-enabled = false
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{self.folder}/meta"
[data]
  dir = "{self.folder}/data"
  wal-dir = "{self.folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{self.port}"
  log-enabled = false
  {options}
""")

    def command(self):
        return ["influxd", "run", "-config", "influxdb.conf"]

    def is_ready(self):
        return _answers(f"{self.url}/ping", 204)

    def database(self, name="ghg"):
        """Creates a database with a unique name, and returns that."""
        name = unique(name)
        self.query(f'CREATE DATABASE "{name}"')
        return name

    def write(self, database, lines):
        query = urllib.parse.urlencode({"db": database, "precision": "ms"})
        status, text = http(f"{self.url}/write?{query}", lines)
        if status != 204:
            raise RuntimeError(f"write: {status} {text}")

    def query(self, text, database=""):
        """The rows of an InfluxQL query as dictionaries: tags of GROUP BY, columns, time in ms."""
        query = urllib.parse.urlencode({"db": database, "epoch": "ms"})
        status, answer = http(f"{self.url}/query?{query}", urllib.parse.urlencode({"q": text}))
        result = json.loads(answer)
        faults = [result.get("error")] + [r.get("error") for r in result.get("results", [])]
        if status != 200 or any(faults):
            raise RuntimeError(f"{text}: {status} {answer}")
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], values)), "_name": series["name"]}
            for part in result["results"] for series in part.get("series", [])
            for values in series.get("values", [])
        ]


class VictoriaMetrics(Process):
    """VictoriaMetrics; window is the length to which it thins samples (-dedup.minScrapeInterval)."""

    kind = "victoria-metrics"

    def __init__(self, window="15m", flags=()):
        super().__init__()
        self.window, self.flags = window, flags

    def prepare(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self):
        return ["victoria-metrics", "-storageDataPath=data", f"-httpListenAddr=127.0.0.1:{self.port}",
                "-retentionPeriod=100y", "-search.latencyOffset=0s",
                f"-dedup.minScrapeInterval={self.window}", *self.flags]

    def is_ready(self):
        return _answers(f"{self.url}/health", 200)

    def write(self, lines, database="ghg"):
        query = urllib.parse.urlencode({"db": database, "precision": "ms"})
        status, text = http(f"{self.url}/write?{query}", lines)
        if status != 204:
            raise RuntimeError(f"write: {status} {text}")

    def flush(self):
        """Makes what was written visible to queries."""
        http(f"{self.url}/internal/force_flush")

    def export(self, match, thinned=False):
        """{labels as sorted tuple: [(time in ms, value)]} of every raw sample of the selected series, or
        of those that are left when the samples of a window are thinned, as they are for a query."""
        self.flush()
        query = urllib.parse.urlencode({"match[]": match, "reduce_mem_usage": int(not thinned)})
        status, text = http(f"{self.url}/api/v1/export?{query}")
        if status != 200:
            raise RuntimeError(f"export {match}: {status} {text}")
        series = {}
        for line in text.splitlines():
            row = json.loads(line)
            labels = tuple(sorted(row["metric"].items()))
            series[labels] = series.get(labels, []) + list(zip(row["timestamps"], row["values"]))
        return series

    def query(self, text, time_ms):
        """{labels as sorted tuple: value} of a PromQL query at a moment."""
        self.flush()
        query = urllib.parse.urlencode({"query": text, "time": f"{time_ms / 1000:.3f}"})
        status, answer = http(f"{self.url}/api/v1/query?{query}")
        result = json.loads(answer)
        if status != 200 or result["status"] != "success":
            raise RuntimeError(f"{text}: {status} {answer}")
        return {tuple(sorted(r["metric"].items())): float(r["value"][1]) for r in result["data"]["result"]}


class Prometheus(Process):
    """Prometheus, which scrapes `targets` (host:port) as job ghgd, and their ledger of facilities."""

    kind = "prometheus"

    def __init__(self, targets, rules=None):
        super().__init__()
        self.targets, self.rules = targets, rules

    def prepare(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        scraped = [{"targets": self.targets}]
        (self.folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self.rules)] if self.rules else [],
            "scrape_configs": [
                {"job_name": "ghgd", "static_configs": scraped},
                {"job_name": "ghgd-facilities", "metrics_path": "/metrics/facilities", "static_configs": scraped}]}))

    def command(self):
        return ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                f"--web.listen-address=127.0.0.1:{self.port}"]

    def is_ready(self):
        return _answers(f"{self.url}/-/ready", 200)


def _bytes(value):
    return value.encode() if isinstance(value, str) else value


def _listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def _answers(url, status):
    try:
        return http(url, timeout=2)[0] == status
    except OSError:
        return False


_shared = {}
borrow = None  # in a worker: what gets a server of a kind from the runner


def shared(kind):
    """The one server of this kind of the run."""
    if kind not in _shared:
        _shared[kind] = borrow(kind) if borrow else kind().start()
    return _shared[kind]


def kafka():
    return shared(Kafka)


def influxdb():
    return shared(InfluxDB)


def victoria_metrics():
    return shared(VictoriaMetrics)


def stop_all():
    while _shared:
        _shared.popitem()[1].stop()
