#!/usr/bin/python3
"""Runs seeded faults against the real daemon, and compares what it leaves in the database, the
dead-letter topic and the late topic with what a calm run over the same input leaves.

    run.py [--faults N] [--seed S] [--match KIND] [--list]

The last line is "faults: N injected, R runs, D differences, seed S, T s"; the status is 1 if there
was a difference.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import calm  # noqa: E402
import campaign  # noqa: E402
import kinds  # noqa: E402
import ports  # noqa: E402
import servers  # noqa: E402
import verdict  # noqa: E402

PER_RUN = 7


def plan(names, count, seed):
    """[(brokers, [kind, ...])] of the runs: every kind as often as the others."""
    pick, chosen = random.Random(f"plan {seed}"), []
    while len(chosen) < count:
        bag = sorted(names)
        pick.shuffle(bag)
        chosen += bag[:count - len(chosen)]
    runs = max(1, round(count / PER_RUN))
    three = [name for name in chosen if kinds.KINDS[name].nodes == 3]
    others = [name for name in chosen if kinds.KINDS[name].nodes != 3]
    clusters = -(-len(three) // PER_RUN) if three else 0
    clusters = min(runs, max(clusters, runs // 3 if three else 0))
    parts = [[] for _ in range(runs)]
    for number, name in enumerate(three):
        parts[number % clusters].append(name)
    for name in others:
        min(parts, key=len).append(name)
    for part in parts:
        pick.shuffle(part)
        part.sort(key=lambda name: name == "disk-full")  # disk.py says why it comes last
    return [(3 if number < clusters else 1, part) for number, part in enumerate(parts) if part]


def arguments():
    parser = argparse.ArgumentParser(
        description="A seeded campaign of faults against the real daemon, Kafka and InfluxDB.")
    parser.add_argument("--faults", type=int, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of input and script (1)")
    parser.add_argument("--match", default="", metavar="KIND",
                        help="only the kinds whose name holds this text")
    parser.add_argument("--list", action="store_true", help="print the kinds of fault, and end")
    return parser.parse_args()


def main():
    options = arguments()
    names = [name for name in kinds.KINDS if options.match in name]
    if options.list or not names:
        print("\n".join(names or sorted(kinds.KINDS)))
        return 0 if names else 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    servers.free_port = ports.free_port  # servers come back to their ports
    os.environ["no_proxy"] = "*"  # the servers are all here
    began = time.monotonic()
    logs = servers.BUILD / "faults" / f"seed-{options.seed}"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    servers.LOGS = logs
    injected = differences = runs = 0
    show = campaign.Screen()
    try:
        peace = calm.prepare(options.seed, show)
        differences += len(report(peace.differences, logs, show))
        clusters = campaign.Clusters()
        if clusters.why_none:
            show.line(f"no daemon has a network of its own: {clusters.why_none}")
        try:
            planned = plan(names, options.faults, options.seed)
            for number, (nodes, part) in enumerate(planned, 1):
                servers.LOGS = logs / f"run-{number}"
                script = campaign.Run(number, nodes, part, options.seed, peace, show)
                found = script.execute(clusters.get(nodes))
                injected, runs = injected + script.injected, runs + 1
                differences += len(report(found, servers.LOGS, show))
        finally:
            clusters.stop()
    finally:
        servers.stop_all()
    print(f"faults: {injected} injected, {runs} runs, {differences} differences, "
          f"seed {options.seed}, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if differences else 0


def report(differences, logs, show):
    for difference in differences[:verdict.SHOWN]:
        show.line(f"  DIFFERENCE {difference}")
    if differences:
        show.line(f"  {len(differences)} differences; the logs are in {logs}")
        (logs / "differences").write_text("\n".join(differences) + "\n")
    return differences


if __name__ == "__main__":
    sys.exit(main())
