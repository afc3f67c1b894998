#!/usr/bin/python3
"""Runs seeded faults against the real daemon, and compares what it leaves in the databases, the
dead-letter topic and the late topic with what a calm run over the same input leaves.

    run.py [--faults N] [--seed S] [--only R] [--match KIND] [--list]

The last line is "faults: N injected, R runs, D differences, seed S, T s"; the status is 1 if there
was a difference.
"""
import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import beside  # noqa: E402
import calm  # noqa: E402
import campaign  # noqa: E402
import kinds  # noqa: E402
import plan  # noqa: E402
import servers  # noqa: E402
import verdict  # noqa: E402

TRIES = 3  # of a run


def arguments():
    parser = argparse.ArgumentParser(
        description="A seeded campaign of faults against the real daemon, Kafka and InfluxDB.")
    parser.add_argument("--faults", type=int, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of input and script (1)")
    parser.add_argument("--only", type=int, default=0, metavar="R",
                        help="only the run of this number, as if those before it had been (all)")
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
    servers.leave_terminal()
    os.environ["no_proxy"] = "*"  # the servers are all here
    began = time.monotonic()
    logs = servers.BUILD / "faults" / f"seed-{options.seed}"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    servers.LOGS = logs
    show = campaign.Screen()
    try:
        injected, runs, differences = execute(options, names, logs, show)
    finally:
        servers.stop_all()
    for line in show.phases.lines():
        show.line(line)
    print(f"faults: {injected} injected, {runs} runs, {differences} differences, "
          f"seed {options.seed}, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if differences else 0


def execute(options, names, logs, show):
    """(faults injected, runs, differences). A run is judged while the next one is under way."""
    injected = runs = differences = 0
    judged = None
    folder, made = calm.make_input(options.seed, show)
    clusters = campaign.Clusters(show.phases)
    if clusters.why_none:
        show.line(f"no daemon has a network of its own: {clusters.why_none}")
    try:
        clusters.prepare(1)
        peace = calm.prepare(options.seed, folder, made, clusters, show)
        planned = [(number, shape, part) for number, (shape, part)
                   in enumerate(plan.plan(names, options.faults, options.seed), 1)
                   if options.only in (0, number)]
        if not planned:
            raise SystemExit(f"there is no run {options.only}")
        for runs, (number, shape, part) in enumerate(planned, 1):
            servers.LOGS = logs / f"run-{number}"
            brokers = clusters.get(shape.nodes)
            clusters.prepare(planned[runs][1].nodes if runs < len(planned) else shape.nodes)
            run = execute_run(lambda: campaign.Run(number, shape, part, options.seed, peace, show),
                              brokers, show)
            injected += run.injected
            differences += finish(judged, show)
            clusters.wait()
            judged = (number, run.injected, servers.LOGS, beside.Beside(
                verdict.judge, peace, shape, run.topic, run.evidence))
    finally:
        clusters.stop()
    with show.phases.of("comparing the last run"):
        differences += finish(judged, show)
    with show.phases.of("waiting for the verdict on the calm run"):
        differences += len(report(peace.finish(show), logs, show))
    return injected, runs, differences


def execute_run(make_run, brokers, show):
    """The run, which is repeated, with other brokers, if it says nothing."""
    for _ in range(TRIES - 1):
        try:
            run = make_run()
            run.execute(brokers)
            return run
        except campaign.Void as error:
            show.line(f"run {run.number} is void, and repeated: {error}")
            brokers.drop()
            brokers.get(run.shape.nodes)
    run = make_run()
    run.execute(brokers)
    return run


def finish(judged, show):
    """How many differences a run has left."""
    if judged is None:
        return 0
    number, injected, logs, work = judged
    found, again = work.get()
    words = f", {again} letters written again after a crash" if again else ""
    show.line(f"run {number}: {injected} faults, {len(found)} differences{words}")
    return len(report(found, logs, show))


def report(differences, logs, show):
    for difference in differences[:verdict.SHOWN]:
        show.line(f"  DIFFERENCE {difference}")
    if differences:
        show.line(f"  {len(differences)} differences; the logs are in {logs}")
        (logs / "differences").write_text("\n".join(differences) + "\n")
    return differences


if __name__ == "__main__":
    sys.exit(main())
