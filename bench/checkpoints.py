"""The cost of checkpoints, and of a restart with them: the real daemon, a real broker.

One partition with 10,000 meters, a horizon of 48 hours and readings of every quarter of an hour, as
many as fill the journals. The daemon is killed and started again, with a chain of checkpoints that
has just begun and with about the longest that there is. A round of readings has arrived meanwhile.
Printed as the share of the 2 s that we allow.

Then it reads a steady stream 30 times as fast as meters send it, and saves 30 times as often. The
processor time of checkpoints, as the daemon counts it, is printed as the share of the process's; we
allow 5 %. Beside it stands the time of a process that reads the same and saves nothing: no cost can
hide from that difference, except in its noise. The worst case follows, a stream so fast that every
checkpoint holds a reading of every meter. The last is the true pace: there is next to no work, and
the cost is that of an idle client of Kafka.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/integration"))
import daemon  # noqa: E402
import estate  # noqa: E402
import servers  # noqa: E402

PRODUCE = os.environ.get("PRODUCE", str(servers.BUILD / "gcc/tests/faults/produce"))
HEAD = struct.Struct("<iII")  # partition, size of the key, size of the value
ROUNDS = 320  # as many as a meter's journal takes, and a few more
RESTART_MS = 2000
STARTS = 3
CHAIN_STEP = 5  # rounds
FULL_AFTER = 1 << 20  # bytes that additions may exceed the full one by
LIVE_SECONDS = 900  # of a round
OFTEN, USUAL, NEVER = "1s", "30s", "1h"
STEADY_SECONDS, SETTLING_SECONDS = 30, 3
LIVE_STEADY_SECONDS = 66  # between its ends two checkpoints
LIVE, STEADY, WORST = 1, 30, 900  # times as fast as live
COMPARISONS = 2
WRITTEN, FULL = ("ghgd_checkpoint_written_bytes_total",), ("ghgd_checkpoints_full_total",)


def end(producer):
    if producer.wait() != 0:
        raise RuntimeError("produce failed")


class Plant:
    """One topic, one group, one daemon after the other."""

    def __init__(self, folder):
        self.kafka, influxdb = servers.kafka(), servers.influxdb()
        self.topic = estate.topic(self.kafka)
        self.readings = estate.Readings()
        self.log = Path(folder, "log")
        sink = {"name": "influx", "type": "influx", "dialect": "influx1", "url": influxdb.url,
                "database": influxdb.database()}
        self.config = estate.configuration(
            self.kafka.brokers, self.topic, [sink],
            windows={"horizon": "48h"})
        self.config["kafka"]["properties"] = {"session.timeout.ms": "6000"}

    def daemon(self, interval=OFTEN):
        windows = {**self.config["windows"], "emit_interval": "10s" if interval == USUAL else "333ms"}
        config = {**self.config, "windows": windows, "checkpoint": {"interval": interval}}
        return daemon.Daemon(config, estate.tables())

    def begin_rounds(self, count, seconds=0):
        """One reading a message, evenly over so many seconds."""
        with open(self.log, "wb") as log:
            for _ in range(count):
                _, texts = self.readings.next()
                log.write(b"".join(HEAD.pack(0, 0, len(text)) + text.encode() for text in texts))
        at_once = 0 if seconds else count * estate.METERS
        return subprocess.Popen(
            [PRODUCE, self.kafka.brokers, self.topic, self.log, str(at_once), str(seconds)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=servers.die_with_parent)

    def send_rounds(self, count):
        end(self.begin_rounds(count))

    def wait_read(self, ghgd):
        def is_read():
            """the next message is the one behind the end of the log"""
            at = ghgd.metrics().get(("ghgd_partition_next_offset", "partition", "0"))
            return at == self.readings.round * estate.METERS
        servers.eventually(is_read, seconds=120)

    def wait_saved(self):
        def is_saved():
            """the group's offset is the end of the log"""
            offset, _ = self.kafka.group_offset(self.topic, self.topic)
            return offset == self.readings.round * estate.METERS
        servers.eventually(is_saved, seconds=120)


def process_seconds(metrics):
    return metrics[("process_cpu_seconds_total",)]


def saving_seconds(metrics):
    return sum(metrics[("ghgd_checkpoint_cpu_seconds_total", "thread", thread)]
               for thread in ("loop", "kafka"))


# --- restarts

def lengthen_chain(plant, ghgd):
    """A full checkpoint, and nearly as many additions as go with it before the next is full. Returns
    the processor time that the full one took, in seconds, for each byte of additions."""
    last = ghgd.metrics()
    base = additions = seconds = 0
    while base == 0 or additions < 0.9 * base:
        plant.send_rounds(CHAIN_STEP)
        plant.wait_saved()
        metrics = ghgd.metrics()
        step = metrics[WRITTEN] - last[WRITTEN]
        additions += step
        if metrics[FULL] != last[FULL]:
            base, additions, seconds = step, 0, saving_seconds(metrics) - saving_seconds(last)
        last = metrics
    return seconds / (base + FULL_AFTER)


def stamp_ms(line):
    return datetime.fromisoformat(line.split(" ", 1)[0].replace("Z", "+00:00")).timestamp() * 1000


def find_line(log, event):
    return next((line for line in log.splitlines() if f" {event} partition=0 " in line), None)


def restart(plant, ghgd, interval):
    """Kills it, lets a round arrive, starts it: (ms from the assignment to caught up, bytes)."""
    ghgd.kill()
    plant.send_rounds(1)
    seen = len(ghgd.log())
    ghgd.config["checkpoint"]["interval"] = interval
    ghgd.prepare()
    ghgd.launch()
    servers.eventually(lambda: find_line(ghgd.log()[seen:], "intake.caught_up"), seconds=60)
    log = ghgd.log()[seen:]
    took = stamp_ms(find_line(log, "intake.caught_up")) - stamp_ms(find_line(log, "intake.assigned"))
    return took, int(re.search(r" bytes=(\d+)", find_line(log, "intake.restored"))[1])


def bench_restarts(name, plant, ghgd):
    """All from the same chain: only the last life saves."""
    plant.wait_saved()
    results = [restart(plant, ghgd, interval) for interval in [NEVER] * (STARTS - 1) + [OFTEN]]
    took = sorted(ms for ms, _ in results)
    print(f"restart, {name} chain of {results[-1][1] / 1e6:.1f} MB: caught up {took[0]:.0f} ms after the "
          f"assignment, {took[0] / RESTART_MS:.1%} of {RESTART_MS / 1000:.0f} s; "
          f"slowest of {len(took)} {took[-1]:.0f} ms", flush=True)


# --- the steady state

def measure(plant, faster, interval, seconds=STEADY_SECONDS):
    """/metrics at two moments of a steady stream. At less than a round the rest of it never comes."""
    rounds = max(seconds * faster // LIVE_SECONDS, 1)
    with plant.daemon(interval) as ghgd:
        servers.eventually(
            lambda: ghgd.metrics()[("ghgd_partition_takeover", "partition", "0")] == 0, seconds=60)
        stream = plant.begin_rounds(rounds, rounds * LIVE_SECONDS / faster)
        time.sleep(SETTLING_SECONDS)  # the first checkpoint of a life is full
        first = ghgd.metrics()
        time.sleep(seconds - 2 * SETTLING_SECONDS)
        last = ghgd.metrics()
        if rounds * LIVE_SECONDS > seconds * faster:
            stream.kill()
            stream.wait()
        else:
            end(stream)
        ghgd.terminate()
    return first, last


def print_steady(name, first, last, full_cost):
    process = process_seconds(last) - process_seconds(first)
    saving = saving_seconds(last) - saving_seconds(first)
    written, full = last[WRITTEN] - first[WRITTEN], last[FULL] - first[FULL]
    if full == 0:  # they are seldom; this is their part
        saving += written * full_cost
        process += written * full_cost
    print(f"{name}: checkpoints {saving:.3f} s of {process:.3f} s, {saving / process:.1%}; "
          f"{written / 1e6:.1f} MB", flush=True)


def bench_steady(plant, full_cost):
    seconds = {OFTEN: [], NEVER: []}
    idle = []
    for interval in (OFTEN, NEVER) * COMPARISONS:
        first, last = measure(plant, STEADY, interval)
        seconds[interval].append(process_seconds(last) - process_seconds(first))
        if interval == OFTEN:
            print_steady(f"{STEADY} times as fast", first, last, full_cost)
        else:
            idle.append(saving_seconds(last) - saving_seconds(first))
    often, never = min(seconds[OFTEN]), min(seconds[NEVER])
    print(f"compared: {often:.3f} s with checkpoints, {never:.3f} s without, {1 - never / often:.1%}; "
          f"the client of checkpoints takes {min(idle):.3f} s for being there", flush=True)
    print_steady("every meter in every checkpoint", *measure(plant, WORST, OFTEN), full_cost)
    print_steady("as fast as live", *measure(plant, LIVE, USUAL, LIVE_STEADY_SECONDS), full_cost)


def main():
    servers.leave_terminal()
    with tempfile.TemporaryDirectory(prefix="ghgd-bench-") as folder:
        plant = Plant(folder)
        plant.send_rounds(ROUNDS)
        with plant.daemon(NEVER) as ghgd:
            plant.wait_read(ghgd)
            ghgd.terminate()  # a chain of one
        with plant.daemon() as ghgd:
            bench_restarts("a new", plant, ghgd)
            full_cost = lengthen_chain(plant, ghgd)
            bench_restarts("the longest", plant, ghgd)
            plant.wait_saved()
            ghgd.terminate()
        bench_steady(plant, full_cost)


if __name__ == "__main__":
    try:
        main()
    finally:
        servers.stop_all()
