#!/usr/bin/python3
"""layers.py ROOT [OBJECTS] - prints every include, word and call that points the wrong way; exits 1 if any.

A room may include the rooms before it in ROOMS, never one behind it. A room without I/O
must not reach the libraries that do it, not even through other headers. Each struct has a
name of its own. With OBJECTS, the folder of the object files, files must not call each
other in a ring, and a function that only its own file calls, and no test, is static.
"""
import re
import subprocess
import sys
from pathlib import Path

PIPELINE = ["kafka", "ingest", "metering", "emissions", "delivery", "rollup", "trajectory", "notice", "state", "groups", "checkpoint", "sink"]
ROOMS = [
    "base", "config/options", "config/units", "config/calendar", "config/csv", "config/registry", "config/targets", "config",
    *("pipelines/" + step for step in PIPELINE),
    "daemon/engine/refused", "daemon/engine/rekey", "daemon/engine", "daemon",
]
PURE = ["pipelines/" + step for step in ("metering", "emissions", "delivery", "rollup", "trajectory", "notice", "groups")]
IO_HEADERS = {"uv.h", "librdkafka/rdkafka.h"}
IO_ALLOWED = {
    "pipelines/kafka", "pipelines/checkpoint", "pipelines/sink", "daemon/engine/refused", "daemon/engine/rekey", "daemon/engine", "daemon",
}
CHECKED = ["base", "config", "pipelines", "daemon"]
FREE = {"tests", "bench"}

# Rings of calls, and names of several structs, that are allowed: none. An entry that is not found
# any more must be taken off.
RINGS = []
SHARED_NAMES = set()

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
IMPURE = re.compile(
    r"\b(LOG_[A-Z]+|(?:time|gettimeofday|clock_gettime|clock|getenv|fopen|open|printf|fprintf|puts|"
    r"perror|uv_now|uv_hrtime|clock_wall_ms|clock_steady_ms|localtime|localtime_r|gmtime|mktime|random|rand)\s*\()"
)


def room_of(path):
    """The room that the file is in; a command's folder in daemon/ counts as daemon; None if there is no such room."""
    folder = path.rpartition("/")[0]
    if folder.startswith("daemon/") and not folder.startswith("daemon/engine"):
        return "daemon"
    return folder if folder in ROOMS else None


def may_include(path, target):
    return ROOMS.index(room_of(path)) >= ROOMS.index(room_of(target))


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
            elif not may_include(path, target):
                yield f"{path}:{line}: {room_of(path)} may not include {target}"


def kernel_faults(tree):
    for path, includes in tree.includes.items():
        if not re.fullmatch(r"pipelines/emissions/kernels_\w+\.c", path):
            continue
        for line, _, target in includes:
            if "/" in target and target != "pipelines/emissions/kernels.h":
                yield f"{path}:{line}: a kernel includes kernels.h and intrinsics only, not {target}"


def purity_faults(tree):
    for path, text in tree.texts.items():
        room = room_of(path)
        chain = [] if room in IO_ALLOWED else tree.reaches(path)
        if chain:
            yield f"{path}:1: {room} does no I/O, but reaches {' -> '.join(chain[1:])}"
        if room not in PURE:
            continue
        for match in IMPURE.finditer(COMMENT_OR_STRING.sub(blank, text)):
            word = match[1].rstrip("( ")
            yield f"{path}:{tree.line(text, match.start())}: {room} reads no clock, does no I/O, logs nothing: {word}"


STRUCT = re.compile(r"^struct (\w+) \{", re.M)


def name_faults(tree, shared):
    """Structs of one name in two files, even if each is local."""
    places = {}
    for path, text in tree.texts.items():
        for match in STRUCT.finditer(text):
            places.setdefault(match[1], []).append(f"{path}:{tree.line(text, match.start())}")
    found = {name for name, where in places.items() if len(where) > 1}
    for name in sorted(found - shared):
        yield f"{places[name][0]}: struct {name} is another one at {', '.join(places[name][1:])}"
    for name in sorted(shared - found):
        yield f"tests/layers/layers.py:1: only one struct is called {name}: take it off SHARED_NAMES"


# nm -A -g: the object, the kind of a symbol and its name.
SYMBOL = re.compile(r"^(.*):[0-9a-f ]{16} ([A-Z]) (\S+)$", re.M)
DEFINED = set("BDRT")


def symbols_of(objects, sources):
    """(source file without its suffix, kind as nm has it, name) of each symbol that other files can see."""
    files = sorted({str(Path(path).with_suffix(".o")) for path in sources if not path.endswith(".h")})
    listing = subprocess.run(["nm", "-A", "-g", *files], cwd=objects, stdout=subprocess.PIPE, text=True, check=True)
    return [(m[1][:-2], m[2], m[3]) for m in SYMBOL.finditer(listing.stdout)]


def calls_of(symbols):
    """For each source file, without its suffix, the others that it calls, with one of the functions."""
    homes = {name: path for path, kind, name in symbols if kind == "T"}
    calls = {path: {} for path, _, _ in symbols}
    for path, kind, name in symbols:
        if kind == "U" and homes.get(name, path) != path:
            calls[path][homes[name]] = name
    return calls


def rings_of(calls):
    """The sets of files that all reach each other by calls."""
    reached = {}
    for start in calls:
        seen, todo = set(), [start]
        while todo:
            new = set(calls.get(todo.pop(), {})) - seen
            seen |= new
            todo += new
        reached[start] = seen
    rings = {frozenset(b for b in reached[a] if a in reached[b]) for a in calls if a in reached[a]}
    return sorted(rings, key=sorted)


def ring_faults(calls, known):
    rings = rings_of(calls)
    for ring in rings:
        if ring not in known:
            names = [f"{a} calls {calls[a][b]} of {b}" for a in sorted(ring) for b in sorted(calls[a]) if b in ring]
            yield f"{min(ring)}.c:1: a ring of calls: {'; '.join(names)}"
    for ring in known:
        if ring not in rings:
            yield f"tests/layers/layers.py:1: no ring any more, or a smaller one: {', '.join(sorted(ring))}"


def words_of_tests(root):
    texts = (path.read_text(encoding="utf-8") for top in FREE for path in Path(root, top).rglob("*.[ch]"))
    return {word for text in texts for word in re.findall(r"\w+", text)}


def lonely_faults(symbols, tested):
    """Functions and tables that no other file uses, and no test: they are static, or gone."""
    used = {name for _, kind, name in symbols if kind == "U"}
    for path, kind, name in symbols:
        if kind in DEFINED and name not in used | tested | {"main"}:
            yield f"{path}.c:1: no other file uses {name}: make it static"


def stray_faults(tree):
    for path in tree.texts:
        if room_of(path) is None:
            yield f"{path}:1: {path.rpartition('/')[0]} is no room: {', '.join(ROOMS)}"


def faults(root, objects=None, shared=frozenset(), known=()):
    tree = Tree(root)
    found = [*stray_faults(tree)]
    if not found:
        found = [*include_faults(tree), *kernel_faults(tree), *purity_faults(tree), *name_faults(tree, shared)]
    if objects is not None:
        symbols = symbols_of(objects, tree.texts)
        found += [*ring_faults(calls_of(symbols), known), *lonely_faults(symbols, words_of_tests(root))]
    return found


if __name__ == "__main__":
    arguments = dict(enumerate(sys.argv))
    complaints = faults(arguments.get(1, "."), arguments.get(2), SHARED_NAMES, RINGS)
    print("\n".join([*complaints, f"layers: {len(complaints)} faults"]))
    sys.exit(bool(complaints))
