#!/usr/bin/python3
"""Runs spin on the model: the design as it is must hold, and each variant must be refuted.

    check.py                what `make model` runs
    check.py --deep         larger bounds for the design as it is: minutes, and up to 12 GB of memory
    check.py --show NAME    the shortest counter-example of a variant, in words

Exits 1 on any surprise: a run that fails, a search that was cut short, or a variant that holds. A
step of the model that no run of the design reaches is a surprise, too.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE / "ghgd.pml"
TOPIC = ("-DWITHOUT_DATABASE",)
DATABASE = ("-DWITHOUT_TOPIC",)
LOSING = DATABASE + ("-DDATABASE_LOSES",)


def bounds(faults, checkpoints, processes=2):
    return (f"-DFAULTS={faults}", f"-DCHECKPOINTS={checkpoints}", f"-DPROCESSES={processes}")


# name: what spin is told
DESIGN = {
    "whole": bounds(1, 2),
    "topic, 2 faults": TOPIC + bounds(2, 2),
    "topic, 4 checkpoints": TOPIC + bounds(1, 4),
    "topic, 3 processes": TOPIC + bounds(1, 3, 3),
    "database, 3 faults": DATABASE + bounds(3, 1),
    "database, 2 checkpoints": DATABASE + bounds(2, 2),
    "database, 3 processes": DATABASE + bounds(2, 1, 3),
    "database, silence": DATABASE + bounds(2, 1) + ("-DWATCH_SILENCE",),
    "database, closing day": DATABASE + bounds(2, 1) + ("-DCLOSING_DAY",),
    "database, empty log": DATABASE + bounds(2, 1) + ("-DLOG_BEGINS_EMPTY",),
    "losing database, 2 faults": LOSING + bounds(2, 1),
    "losing database, 2 checkpoints": LOSING + bounds(1, 2),
    "losing database, 3 processes": LOSING + bounds(1, 1, 3),
    "losing database, closing day": LOSING + bounds(1, 1) + ("-DCLOSING_DAY",),
    "losing database, empty log": LOSING + bounds(1, 1) + ("-DLOG_BEGINS_EMPTY",),
}
DEEP = {
    "whole, 2 faults": bounds(2, 1),
    "topic, 2 faults, 3 checkpoints": TOPIC + bounds(2, 3),
    "topic, 3 faults": TOPIC + bounds(3, 2),
    "database, 4 faults": DATABASE + bounds(4, 1),
    "database, 3 faults, 2 checkpoints": DATABASE + bounds(3, 2),
    "database, 3 faults, closing day": DATABASE + bounds(3, 1) + ("-DCLOSING_DAY",),
    "losing database, 3 faults": LOSING + bounds(3, 1),
    "losing database, 2 faults, 2 checkpoints": LOSING + bounds(2, 2),
    "losing database, 2 faults, closing day": LOSING + bounds(2, 1) + ("-DCLOSING_DAY",),
    "losing database, 2 faults, 3 processes": LOSING + bounds(2, 1, 3),
}
VARIANTS = {
    # the topic, the pointer, letters
    "NO_FENCING": TOPIC + bounds(1, 3),
    "NO_FORGETTING": TOPIC + bounds(1, 3),
    "COMMIT_BEFORE_ACK": TOPIC + bounds(1, 1),
    "STATE_WITHOUT_OFFSET": TOPIC + bounds(1, 1),
    "DELTA_ON_UNACKED": TOPIC + bounds(1, 2),
    "SHARED_KEYS": TOPIC + bounds(1, 2),
    "TOMBSTONES_AT_ONCE": TOPIC + bounds(1, 2),
    "ERROR_IF_SUPERSEDED": TOPIC + bounds(2, 2),
    "NO_LETTER_GATE": TOPIC + bounds(1, 1),
    "LETTER_GATE_BY_OFFSET": TOPIC + bounds(1, 1),
    # who may write, and when
    "NO_SILENCE": DATABASE + bounds(1, 1) + ("-DWATCH_SILENCE",),
    "WRITE_BEFORE_START": DATABASE + bounds(1, 1),
    "NO_WRITE_FENCE": DATABASE + bounds(1, 1),
    "SEND_NOT_ATOMIC": DATABASE + bounds(1, 1),
    # states of a mark
    "NO_DIRTY_IN_STATE": DATABASE + bounds(1, 1),
    "NO_SENT_IN_STATE": DATABASE + bounds(1, 1),
    "NO_SENT_CHANGED": DATABASE + bounds(1, 1),
    "NO_AT_RISK_IN_STATE": DATABASE + bounds(2, 1),
    "NO_DOUBT": DATABASE + bounds(1, 1),
    "RISK_ENDS_WITH_ANSWER": DATABASE + bounds(1, 1),
    "ACKNOWLEDGED_IS_DURABLE": LOSING + bounds(1, 1),
    "NO_ACKNOWLEDGED_IN_STATE": LOSING + bounds(2, 1),
    "ONE_GENERATION": LOSING + bounds(1, 1),
    # takeover
    "NO_HEALING": DATABASE + bounds(1, 1),
    "NO_HEALING_AFRESH": DATABASE + bounds(1, 1),
    "NO_LEASE": DATABASE + bounds(1, 1),
    "HEALING_BY_CLOCK": DATABASE + bounds(1, 1),
    "ANY_ANSWER_IS_PROOF": DATABASE + bounds(1, 1),
    "NO_ROUND_ONE": DATABASE + bounds(1, 1),
    "HEALED_BY_THE_ANSWER": DATABASE + bounds(1, 1),
    "HEALED_IN_SILENCE": DATABASE + bounds(1, 1),
    "HEALED_WITHOUT_A_WRITE": DATABASE + bounds(1, 1) + ("-DLOG_BEGINS_EMPTY",),
}


class Run:
    """One search: generated, compiled and run in a folder of its own."""

    def __init__(self, folder, name, flags, is_variant):
        self.name, self.is_variant = name, is_variant
        self.flags = flags + (f"-D{name}" if is_variant else "-DCOUNT_STEPS",)
        self.folder = folder / re.sub(r"\W+", "_", name)
        self.states, self.seconds = 0, 0.0
        self.steps, self.happened = set(), set()
        self.verdict, self.good = "", False

    def _call(self, *command):
        done = subprocess.run(command, cwd=self.folder, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def search(self):
        """A variant's search goes breadth first: its counter-example is a shortest one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for stale in self.folder.iterdir():
            stale.unlink()
        began = time.monotonic()
        code, output = self._call("spin", "-a", *self.flags, str(MODEL))
        if code == 0:
            code, output = self._call(
                "gcc", "-w", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=12000",
                *(("-O0", "-DBFS") if self.is_variant else ("-O2",)), "-o", "pan", "pan.c")
        if code == 0:
            code, output = self._call("./pan", "-m1000")
        self.seconds = time.monotonic() - began
        self._judge(code, output)
        return self

    def _judge(self, code, output):
        states = re.search(r"([0-9.e+]+) states, stored", output)
        errors = re.search(r"errors: (\d+)", output)
        self.states = int(float(states[1])) if states else 0
        cut_short = [words for words in ("max search depth too small", "Search not completed",
                                         "out of memory", "reached -DMEMLIM")
                     if words in output]
        if code != 0 or not errors:
            self.verdict = "DID NOT RUN"
            print(f"{self.name}: {' '.join(self.flags)}\n{output}", file=sys.stderr)
        elif errors[1] != "0":
            found = re.search(r"pan:1: (.*?)(?: \(at depth|$)", output, re.M)
            self.verdict, self.good = "refuted", self.is_variant
            if not self.is_variant:
                self.verdict = "REFUTED"
                print(f"{self.name}: {found[1] if found else '?'}\n{self.story()}", file=sys.stderr)
        elif cut_short:
            self.verdict = "CUT SHORT"
            print(f"{self.name}: {'; '.join(cut_short)}", file=sys.stderr)
        else:
            self.verdict = "HOLDS" if self.is_variant else "holds"
            self.good = not self.is_variant
            self.happened = set(re.findall(r"^happened: (.*)", output, re.M))
            steps = (self.folder / "pan.m").read_text()
            self.steps = set(re.findall(r'happened\("(.*)\\n"\)', steps))

    def story(self):
        """The words of the steps of the counter-example."""
        trail = self.folder / "ghgd.pml.trail"
        _, output = self._call("spin", "-t", "-k", str(trail), *self.flags, str(MODEL))
        _, _, output = output.rpartition("=warning====")  # of code that only counts steps
        lines = [line.strip() for line in output.split("#processes:")[0].splitlines()]
        told = [line for line in lines if line and not re.match(r"spin:|c_code|=$", line)]
        broken = [line for line in lines if "text of failed assertion" in line]
        return "\n".join("  " + line for line in told + broken)


def show(folder, name):
    if name not in VARIANTS:
        sys.exit(f"There is no variant {name}. There are: {', '.join(VARIANTS)}")
    run = Run(folder, name, VARIANTS[name], True).search()
    print(f"{name}: {run.verdict}")
    if run.good:
        print(run.story())
    return run.good


def check(folder, design, variants):
    runs = [Run(folder, name, flags, False) for name, flags in design.items()]
    runs += [Run(folder, name, flags, True) for name, flags in variants.items()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        print(f"{'model':41} {'verdict':12} {'states':>10} {'seconds':>8}")
        for run in pool.map(Run.search, runs):
            print(f"{run.name:41} {run.verdict:12} {run.states:10d} {run.seconds:8.1f}", flush=True)
    design_runs = [run for run in runs if not run.is_variant]
    steps = set().union(*(run.steps for run in design_runs))
    idle = sorted(steps.difference(*(run.happened for run in design_runs)))
    if idle:
        print("Steps that never happen:", *idle, sep="\n  ")
    elif not steps:
        sys.exit("There are no steps.")
    surprises = sum(not run.good for run in runs) + len(idle)
    print(f"{surprises} surprises" if surprises else "as expected")
    return surprises == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deep", action="store_true", help="larger bounds, the design only")
    parser.add_argument("--show", metavar="NAME", help="tell a variant's counter-example")
    parser.add_argument("--build", default=HERE.parents[1] / "build" / "model", type=pathlib.Path,
                        help="where the generated programs go")
    options = parser.parse_args()
    options.build = options.build.resolve()
    if options.show:
        good = show(options.build, options.show)
    elif options.deep:
        good = check(options.build, DEEP, {})
    else:
        good = check(options.build, DESIGN, VARIANTS)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
