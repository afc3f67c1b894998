"""bench/bench_rows.c in an older revision and in this tree, in turn, so that both meet the same
machine. The older tree is taken from git and built under build/against/, with its own Makefile and
this tree's benchmark."""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys

BENCH = ("bench_rows.c", "rows_api.h")
PROGRAM = "bench/bench_rows"


def unpack(revision, folder):
    commit = subprocess.run(["git", "rev-parse", "--verify", "--quiet", revision + "^{commit}"],
                            stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    if not commit:
        sys.exit(f"{revision}: git knows no such commit (REV=...; a shallow clone lacks old ones)")
    tree = folder / commit
    if not tree.exists():
        fresh = folder / (commit + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        archive = subprocess.Popen(["git", "archive", commit], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", fresh], stdin=archive.stdout, check=True)
        if archive.wait() != 0:
            sys.exit("git archive failed")
        fresh.rename(tree)
    return tree


def build(tree, compiler):
    for name in BENCH:
        source = pathlib.Path("bench", name)
        copy = tree / "bench" / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)
    program = f"build/{pathlib.Path(compiler).name}/{PROGRAM}"
    subprocess.run(["make", "-C", tree, "-j2", f"CC={compiler}", "BUILD=build", program],
                   stdout=subprocess.DEVNULL, check=True)
    return tree / program


def measure(program, options):
    line = subprocess.run([program, *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {key: float(value) for key, value in (pair.split("=") for pair in line.split())}


FIGURES = [
    ("applying", lambda result: result["apply_ns"]),
    ("making rows, 1 sink", lambda result: result["take_ns"]),
    ("making rows, 3 sinks", lambda result: result["take_many_ns"]),
    ("each further sink", lambda result: (result["take_many_ns"] - result["take_ns"]) / 2),
    ("acknowledging, 1 sink", lambda result: result["settle_ns"]),
    ("further sink / first", lambda result:
     (result["take_many_ns"] - result["take_ns"]) / 2 / result["take_ns"]),
]


def report(turns):
    """The best time of each, and the median of the ratios of the turns: in a turn both met the same
    machine, or nearly."""
    print(f"{'ns a reading':24} {'old':>8} {'new':>8} {'new/old':>8}   in {len(turns)} turns")
    for name, figure in FIGURES:
        old = [figure(result) for result, _ in turns]
        new = [figure(result) for _, result in turns]
        ratios = sorted(after / before for before, after in zip(old, new))
        print(f"{name:24} {min(old):8.2f} {min(new):8.2f} {statistics.median(ratios):8.3f}"
              f"   {ratios[0]:.3f} to {ratios[-1]:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("--program", required=True, help="this tree's bench_rows")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for older trees")
    parser.add_argument("--compiler", default="gcc")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("options", nargs="*", help="of bench_rows, after --")
    arguments = parser.parse_args()
    older = build(unpack(arguments.revision, arguments.folder), arguments.compiler)
    options = ["-n", "1", "-c", "-t", *arguments.options]
    report([(measure(older, options), measure(arguments.program, options))
            for _ in range(arguments.turns)])


main()
