#!/usr/bin/python3
"""layers.py ROOT - prints every include, and every word, that points the wrong way; exits 1 if any.

The way of the data goes one way: a step may include the steps before it, never one behind it.
What must not do I/O must not reach the libraries that do, through other headers neither.
"""
import re
import sys
from pathlib import Path

STEPS = ["ingest", "metering", "emissions", "rollup", "trajectory", "state", "sink"]
PURE = ["metering", "emissions", "rollup", "trajectory"]
IO_HEADERS = {"uv.h", "librdkafka/rdkafka.h"}
IO_ALLOWED = {"pipelines/ingest", "pipelines/state", "pipelines/sink", "daemon"}
CHECKED = ["base", "config", "pipelines", "daemon"]
FREE = {"tests", "bench"}

# The time zones of the tables know their dates by a calendar: the one way against the stream.
EXCEPTIONS = {("config/zones", "pipelines/rollup/calendar.h")}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
IMPURE = re.compile(
    r"\b(LOG_[A-Z]+|(?:time|gettimeofday|clock_gettime|clock|getenv|fopen|open|printf|fprintf|puts|"
    r"perror|uv_now|uv_hrtime|clock_wall_ms|clock_steady_ms|localtime|localtime_r|gmtime|mktime|random|rand)\s*\()"
)


def folder_of(path):
    """base, config, daemon, or pipelines/STEP."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "pipelines" else parts[0]


def may_include(path, target):
    source, wanted = folder_of(path), folder_of(target)
    if source == wanted or source == "daemon" or wanted == "base":
        return True
    if wanted == "daemon" or source == "base":
        return False
    if source == "config":
        return any(path.startswith(s) and target == t for s, t in EXCEPTIONS)
    if wanted == "config":
        return True
    return STEPS.index(source.split("/")[1]) > STEPS.index(wanted.split("/")[1])


def blank(match):
    """Keeps the lines of what it blanks, so that line numbers stay true."""
    return re.sub(r"[^\n]", " ", match.group())


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        files = (p for top in CHECKED for p in (self.root / top).rglob("*"))
        self.texts = {
            str(p.relative_to(self.root)): p.read_text(encoding="utf-8")
            for p in sorted(files)
            if p.suffix in (".c", ".h", ".cc")
        }
        self.includes = {
            path: [(self.line(text, m.start(2)), m[1], m[2]) for m in INCLUDE.finditer(text)]
            for path, text in self.texts.items()
        }

    @staticmethod
    def line(text, position):
        return text.count("\n", 0, position) + 1

    def reaches(self, path, seen=None):
        """The chain of includes by which path reaches a library that does I/O, or nothing."""
        seen = seen if seen is not None else set()
        for _, _, target in self.includes.get(path, []):
            if target in IO_HEADERS:
                return [path, target]
            if target not in seen:
                seen.add(target)
                chain = self.reaches(target, seen)
                if chain:
                    return [path] + chain
        return []


def include_faults(tree):
    for path, includes in tree.includes.items():
        for line, mark, target in includes:
            top = target.split("/")[0]
            if mark == "<":
                continue
            if target not in tree.texts and top not in FREE:
                yield f'{path}:{line}: "{target}" is not a header of this tree, named from its root'
            elif top in FREE:
                yield f"{path}:{line}: includes {target}: the daemon does not use {top}/"
            elif folder_of(target).startswith("pipelines/") and folder_of(target)[10:] not in STEPS:
                yield f"{path}:{line}: {folder_of(target)} is no step of the way: {', '.join(STEPS)}"
            elif not may_include(path, target):
                yield f"{path}:{line}: {folder_of(path)} may not include {target}"


def kernel_faults(tree):
    for path, includes in tree.includes.items():
        if not re.fullmatch(r"pipelines/emissions/kernels_\w+\.c", path):
            continue
        for line, _, target in includes:
            if "/" in target and target != "pipelines/emissions/kernels.h":
                yield f"{path}:{line}: a kernel includes kernels.h and intrinsics only, not {target}"


def purity_faults(tree):
    for path, text in tree.texts.items():
        folder = folder_of(path)
        chain = [] if folder in IO_ALLOWED else tree.reaches(path)
        if chain:
            yield f"{path}:1: {folder} does no I/O, but reaches {' -> '.join(chain[1:])}"
        if folder.split("/")[-1] not in PURE:
            continue
        for match in IMPURE.finditer(COMMENT_OR_STRING.sub(blank, text)):
            word = match[1].rstrip("( ")
            yield f"{path}:{tree.line(text, match.start())}: {folder} reads no clock, does no I/O, logs nothing: {word}"


def stray_faults(tree):
    for path in tree.texts:
        folder = folder_of(path)
        if folder.startswith("pipelines/") and folder[10:] not in STEPS:
            yield f"{path}:1: {folder} is no step of the way: {', '.join(STEPS)}"


def faults(root):
    tree = Tree(root)
    found = [*stray_faults(tree)]
    if not found:
        found = [*include_faults(tree), *kernel_faults(tree), *purity_faults(tree)]
    return found


if __name__ == "__main__":
    complaints = faults(sys.argv[1] if len(sys.argv) > 1 else ".")
    print("\n".join([*complaints, f"layers: {len(complaints)} faults"]))
    sys.exit(bool(complaints))
