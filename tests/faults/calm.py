"""The input of a seed, and what one daemon makes of it when nothing happens: what every run with
faults is compared with. Both are made once, and kept in build/faults/."""
import hashlib
import json
import pickle
import re
import shutil
import zlib
from pathlib import Path

import beside
import campaign
import daemon
import fleet
import plan
import readings
import replay
import servers
import verdict

HERE = Path(__file__).resolve().parent
# A replay has no end of the log to wait at: what is not over is final there.
NOT_REPLAYED = ("final",)
ONLY_REPLAYED = re.compile(r"is not expected: \{'coverage': 0, 'covered_s': 0,.*'final': True,")


class Peace:
    """folder: of the input. expected: what must become of every event. dumps: the database after
    the calm run. kept: the file for them. judged: what compares the calm run meanwhile."""

    def __init__(self, folder):
        self.folder, self.expected = folder, readings.load(folder)
        self.tables = {name: (folder / name).read_text()
                       for name in ("facilities.csv", "meters.csv")}
        self.dumps, self.kept, self.judged = {}, None, None

    def finish(self, show):
        """All differences of the calm run. Without a difference, the next campaign need not run it."""
        if self.judged is None:
            return []
        lines, differences = self.judged.get()
        for line in lines:
            show.line(line)
        if not differences:
            self.kept.write_bytes(zlib.compress(pickle.dumps(self.dumps), 1))
        return differences

    def expected_of(self, log):
        return readings.load(self.folder, log) if log else self.expected


def digest(*parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else Path(part).read_bytes())
    return total.hexdigest()[:12]


def make_input(seed, show):
    """The folder of the seed's input, and the digest of what made it. No other thread may run: the
    processes that make it are forks."""
    made = digest(HERE / "readings.py", HERE.parent / "integration/streams.py")
    folder = servers.BUILD / "faults" / f"input-{seed}-{made}"
    if not (folder / "expected").exists():
        with show.phases.of("making the input"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name, rows in zip(("facilities.csv", "meters.csv"), readings.tables()):
                replay.write_csv(folder / name, rows)
            readings.make(folder, seed)
    return folder, made


def prepare(seed, folder, made, clusters, show):
    """The Peace of the seed: out of build/faults/ if it is there."""
    home = servers.BUILD / "faults"
    peace = Peace(folder)
    key = digest(daemon.BINARY, HERE / "fleet.py", HERE / "calm.py", made.encode())
    peace.kept = home / f"calm-{seed}-{key}"
    if peace.kept.exists():
        peace.dumps = pickle.loads(zlib.decompress(peace.kept.read_bytes()))
        return peace
    for old in home.glob(f"calm-{seed}-*"):
        old.unlink()
    run = campaign.Run(0, plan.Shape(alone=True), [], seed, peace, show)
    run.execute(clusters.get(1))
    peace.dumps = run.evidence.dumps
    peace.judged = beside.Beside(judge, peace, run.topic, run.evidence)
    return peace


def judge(peace, topic, evidence):
    """(lines to show, differences) of the calm run, which is also compared with a replay."""
    differences, _ = verdict.judge(peace, plan.Shape(), topic, evidence)
    replayed = compare_replay(peace)
    return ([f"calm run: {peace.expected.events} events, {verdict.count_rows(peace.dumps)} rows, "
             f"{len(peace.expected.letters)} letters, {len(differences)} differences",
             f"replay of the same events: {len(replayed)} differences"], differences + replayed)


def compare_replay(peace):
    """`ghgd replay` of each partition's readings into a database of its own."""
    outcomes = {}
    with servers.InfluxDB() as influxdb:
        database = influxdb.database()
        config = fleet.configuration("unused", ["127.0.0.1:9"], [
            fleet.sink("influxdb", "influx1", influxdb.url, database) | {"timeout": "30s"}])
        config["tables"] |= {name: str(peace.folder / f"{name}.csv")
                             for name in ("facilities", "meters")}
        path = servers.LOGS / "replay.yaml"
        path.write_text(json.dumps(config))
        for partition in range(fleet.PARTITIONS):
            done = daemon.ghgd("replay", "-c", path, "--sinks", "--as-of", "2025-11-06T00:00:00Z",
                               peace.folder / f"partition-{partition}", cwd=servers.LOGS,
                               timeout=300)
            if done.returncode != 0:
                raise AssertionError(f"ghgd replay: {done.returncode}\n{done.stderr}")
            count(outcomes, done.stderr)
        dumps = verdict.dump_all(influxdb.url, database)
    differences = [f"replay: {line}" for line in verdict.compare(peace.dumps, dumps, NOT_REPLAYED)
                   if not ONLY_REPLAYED.search(line)]
    wanted = {}
    for (_, outcome), number in peace.expected.outcomes.items():
        wanted[outcome] = wanted.get(outcome, 0) + number
    wanted.pop("undecodable")  # left out of the files: what follows such a message cannot be read
    return differences + [
        f"replay: {name}: expected {wanted.get(name, 0)}, found {outcomes.get(name, 0)}"
        for name in sorted(set(wanted) | set(outcomes))
        if wanted.get(name, 0) != outcomes.get(name, 0)]


def count(outcomes, summary):
    """Adds a summary's numbers: by class, and the rejected ones by reason."""
    match = replay.SUMMARY.search(summary)
    found = {name: int(number) for name, number in replay.re.findall(r"(\w+) (\d+)", match[2])
             if name != "rejected"}
    found |= {name: int(number)
              for number, name in replay.re.findall(r"  rejected (\d+) (\w+):", summary)}
    for name, number in found.items():
        if number:
            outcomes[name] = outcomes.get(name, 0) + number
