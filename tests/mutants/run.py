#!/usr/bin/python3
"""Each mutant is a small fault in a copy of the tree: some test has to fail because of it.

    run.py --folder FOLDER [--compiler CC] [--jobs N] [--match TEXT] [--list]

mutants.py lists the mutants, and for each the unit programs that should catch it. They are built
and run in turn until one fails. If no program fails, the tests are at fault. The list is at fault
if the text that a mutant replaces does not occur exactly once in its file. --list prints the
mutants with their programs, and runs nothing.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mutants import MUTANTS

LIMIT_SECONDS = 180  # a program that takes longer hangs, and so has noticed


class Tree:
    """The copy, with objects of its own, so that each mutant compiles one file."""

    def __init__(self, folder, compiler, jobs):
        self.root = folder / "tree"
        self.programs = Path("build", Path(compiler).name, "tests/unit")
        self.command = ["make", "-C", self.root, "-s", f"-j{jobs}", f"CC={compiler}", "BUILD=build"]
        self.environment = {key: value for key, value in os.environ.items()
                            if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}

    def copy(self):
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], stdout=subprocess.PIPE, check=True).stdout
        names = {name for name in listed.decode().split("\0") if name and Path(name).is_file()}
        for name in names:
            target = self.root / name
            if not target.exists() or target.read_bytes() != Path(name).read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, target)
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root)
            if path.is_file() and name.parts[0] != "build" and str(name) not in names:
                path.unlink()

    def build(self, programs):
        """The words of the compiler; empty if it is content."""
        made = subprocess.run([*self.command, *(str(self.programs / name) for name in programs)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", env=self.environment, check=False)
        return made.stdout if made.returncode != 0 else ""

    def run(self, program):
        """Which test fails; empty if none does."""
        try:
            ran = subprocess.run([self.programs / program], cwd=self.root, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 errors="replace", timeout=LIMIT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return "it hangs"
        return first_failure(ran.stdout) if ran.returncode != 0 else ""


def first_failure(output):
    failed = re.search(r"\[  FAILED  \] (test_\w+)", output)
    begun = re.findall(r"\[ RUN      \] (\w+)", output)
    return failed[1] if failed else begun[-1] if begun else "it ends early"


def mutate(tree, mutant):
    """The file as it was; None if the mutant does not apply."""
    path = tree.root / mutant["file"]
    text = path.read_text() if path.exists() else ""
    if text.count(mutant["old"]) != 1:
        return None
    path.write_text(text.replace(mutant["old"], mutant["new"]))
    return text


def try_mutant(tree, mutant):
    """(whether a test caught it, what to print)"""
    text = mutate(tree, mutant)
    if text is None:
        return False, f"does not apply: its text is not once in {mutant['file']}"
    try:
        complaint = tree.build(mutant["tests"])
        if complaint:
            return False, "does not build:\n" + complaint
        for program in mutant["tests"]:
            test = tree.run(program)
            if test:
                return True, f"caught by {program}: {test}"
        return False, "SURVIVES " + ", ".join(mutant["tests"])
    finally:
        (tree.root / mutant["file"]).write_text(text)


def check_unchanged(tree, mutants):
    programs = sorted({program for mutant in mutants for program in mutant["tests"]})
    complaint = tree.build(programs)
    if complaint:
        sys.exit(complaint)
    for program in programs:
        test = tree.run(program)
        if test:
            sys.exit(f"{program} fails without a mutant: {test}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/mutants"))
    parser.add_argument("--compiler", default="gcc")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--match", default="", help="in a mutant's name or file")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS
               if arguments.match in mutant["name"] or arguments.match in mutant["file"]]
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant['name']}\n    {mutant['file']}: {', '.join(mutant['tests'])}")
        return 0
    tree = Tree(arguments.folder, arguments.compiler, arguments.jobs)
    tree.copy()
    check_unchanged(tree, mutants)
    bad = 0
    for mutant in mutants:
        caught, words = try_mutant(tree, mutant)
        bad += not caught
        print(f"{'ok    ' if caught else 'FAILED'} {mutant['name']}: {words}", flush=True)
    print(f"{len(mutants)} mutants, {len(mutants) - bad} caught")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
