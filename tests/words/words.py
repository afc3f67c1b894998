#!/usr/bin/python3
"""words.py ROOT [PATH...] - reads the comments, messages and documents of the project as a stranger would.

It fails on listed constructions (constructions.tsv), and on names of files, and of functions in
documents, that do not exist or are in another file. Messages are the longer strings of the daemon. It prints how long sentences are. Folders and files that a file
`exempt` beside this one names, one a line, are counted only. With PATHs it looks at the files below
them alone, exempt or not. --count prints findings by folder.
"""
import ast
import bisect
import io
import posixpath
import re
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
C_SUFFIXES = {".c", ".h", ".cc", ".pml"}
HASH_SUFFIXES = {".sh", ".yaml", ".mk"}
HASH_NAMES = {"Makefile", "run"}
# What these print is read by users.
SPEAKING = ("base/", "config/", "pipelines/", "daemon/")
# Texts that hold bad words on purpose, or are not ours to word.
SKIPPED = ("tests/words/", "tests/data/", "tests/fuzz/corpus/")

COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
MESSAGE = re.compile(r'/\*.*?\*/|//[^\n]*|\'(?:\\.|[^\'\\\n])*\'|(?:"(?:\\.|[^"\\\n])*"(?:\s*PRI\w+)?\s*)+', re.S)
PART = re.compile(r'"((?:\\.|[^"\\\n])*)"')
SENTENCE_END = re.compile(r'(?<=[.!?])["\')*]*\s+(?=[A-Z"\'(*_\x00[])')
CODE = re.compile(r"`[^`]*`")
LISTED = re.compile(r"\s*(?:[-*]|\d+\.)\s+")
FUNCTION = re.compile(r"`(\w+)\(\)`")
PLACED = re.compile(r"`(\w+)\(\)` in `([\w./]+\.(?:c|h|cc|py))`")
CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
FILE_NAME = re.compile(r"(?<![\w./*{}@-])((?:\.\./)*(?:[\w.*-]+/)*[\w*-]+\.(?:c|h|cc|py|pml|md))(?![\w*/]|\.\w)")
# Headers of libraries.
FOREIGN = {"uv.h", "rdkafka.h", "librdkafka/rdkafka.h", "cmocka.h", "curl.h", "sqlite3.h",}


class Block:
    """A paragraph: its text in one line, and the line of the file that each part of it stood in."""

    def __init__(self, kind="text"):
        self.kind = kind
        self.text = ""
        self.starts = []
        self.lines = []

    def add(self, line, text):
        if self.text:
            self.text += " "
        self.starts.append(len(self.text))
        self.lines.append(line)
        self.text += text.strip()

    def line_at(self, offset):
        return self.lines[max(bisect.bisect_right(self.starts, offset) - 1, 0)]


def paragraphs(numbered):
    """Blocks of (line, text): an empty text ends one, a bullet begins one; what is set in is a drawing."""
    block = Block()
    for line, text in numbered:
        if not text.strip() or LISTED.match(text):
            if block.text:
                yield block
            block = Block()
        if text.startswith("    "):
            block.kind = "drawing"
        if text.strip():
            block.add(line, LISTED.sub("", text, 1) if LISTED.match(text) else text)
    if block.text:
        yield block


def of_c(source):
    """Comments; lines of // that follow each other are one."""
    last_end, pending = None, []
    for match in COMMENT_OR_STRING.finditer(source):
        text = match.group()
        if not text.startswith("/"):
            continue
        line = source.count("\n", 0, match.start()) + 1
        if text.startswith("//"):
            if last_end is not None and line != last_end + 1:
                yield from paragraphs(pending)
                pending = []
            pending.append((line, text[2:]))
            last_end = line
            continue
        body = text[2:-2].split("\n")
        yield from paragraphs(
            (line + i, re.sub(r"^\s*\*(?!\*)|^\s+(?!\*)", "", part) if i else part) for i, part in enumerate(body)
        )
    yield from paragraphs(pending)


def messages(source):
    """Strings of four words or more, in the order of the source; parts of one are put together."""
    for match in MESSAGE.finditer(source):
        if not match.group().startswith('"'):
            continue
        text = "".join(PART.findall(match.group())).replace('\\"', '"').replace("\\n", " ")
        if len(text.split()) >= 4:
            block = Block("message")
            block.add(source.count("\n", 0, match.start()) + 1, " ".join(text.split()))
            yield block


def of_hash(source):
    """Lines that are comments, and the help behind ## in a Makefile."""
    pending = []
    for number, line in enumerate(source.split("\n"), 1):
        comment = re.match(r"\s*#+(?!!)(.*)", line)
        if comment:
            pending.append((number, comment.group(1)))
            continue
        yield from paragraphs(pending)
        pending = []
        helped = re.search(r"(?<=\s)#+ (.*)", line)
        if helped and "'" not in helped.group(1):
            yield from paragraphs([(number, helped.group(1))])
    yield from paragraphs(pending)


def of_python(source):
    pending, last = [], None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or token.string.startswith("#!"):
            continue
        if last is not None and token.start[0] != last + 1:
            yield from paragraphs(pending)
            pending = []
        last = token.start[0]
        pending.append((last, token.string.lstrip("#")))
    yield from paragraphs(pending)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, False):
            first = node.body[0].lineno
            yield from paragraphs((first + i, part) for i, part in enumerate(node.body[0].value.value.split("\n")))


def of_markdown(source):
    """Paragraphs, list items, headings and cells of tables; code that stands apart is left out."""
    fenced, indented, pending, before = False, False, [], ""
    for number, line in enumerate(source.split("\n"), 1):
        if re.match(r"\s*```", line):
            fenced = not fenced
            line = ""
        if fenced or line.startswith("<!--"):
            continue
        indented = line.startswith("    ") and (indented or not before.strip()) and not pending
        before = line
        table = line.startswith("|")
        if indented or table or line.startswith("#") or not line.strip():
            yield from paragraphs(pending)
            pending = []
        if table:
            for cell in re.split(r"(?<!\\)\|", line)[1:-1]:
                if re.search(r"\w", cell):
                    block = Block("cell")
                    block.add(number, cell)
                    yield block
        elif line.startswith("#"):
            block = Block("heading")
            block.add(number, line.lstrip("#"))
            yield block
        elif not indented and line.strip():
            pending.append((number, line))
    yield from paragraphs(pending)


def of_man(source):
    """Text of a man page; macros within a line give their words, other macros end a paragraph."""
    inline = {"Cm", "Ar", "Fl", "Pa", "Nm", "Dv", "Ev", "Ql", "Sq", "Xr", "Ic"}
    pending, started = [], False
    for number, line in enumerate(source.split("\n"), 1):
        macro = re.match(r"\.(\w+)\s*(.*)", line)
        started = started or line == ".Sh DESCRIPTION"
        if not started or line.startswith(".\\"):
            continue
        if not macro:
            pending.append((number, line))
        elif macro.group(1) in inline:
            words = re.sub(r"\b(?:%s|Ns|Op)\b ?" % "|".join(inline), "", macro.group(2) or "ghgd")
            end = re.search(r" ([.,;:)]+)$", words)
            pending.append((number, "`%s`%s" % (words[: end.start()] if end else words, end.group(1) if end else "")))
        else:
            yield from paragraphs(pending)
            pending = []
    yield from paragraphs(pending)


def blocks_of(path, source):
    suffix = Path(path).suffix
    if suffix in C_SUFFIXES:
        return [*of_c(source), *(messages(source) if path.startswith(SPEAKING) else [])]
    if suffix == ".md":
        return of_markdown(source)
    if suffix == ".py":
        return of_python(source)
    if suffix == ".1":
        return of_man(source)
    return of_hash(source)


def sentences(block):
    """(offset, sentence), with every piece of code as one word without letters."""
    text = CODE.sub(lambda match: "\x00" * len(match.group()), block.text)
    start = 0
    for end in [*SENTENCE_END.finditer(text), None]:
        stop = end.start() if end else len(text)
        sentence = text[start:stop]
        if re.search(r"[A-Za-z\x00]", sentence):
            lead = len(sentence) - len(sentence.lstrip(" *_(\"'"))
            yield start + lead, sentence[lead:]
        start = end.end() if end else stop


def load_constructions(path=HERE / "constructions.tsv"):
    """Rows of (pattern, what to write instead, rule, a bad sentence, a good one)."""
    rows = []
    for line in path.read_text().split("\n"):
        if line and not line.startswith("#"):
            pattern, instead, rule, bad, good = line.split("\t")
            rows.append((re.compile(pattern), instead, rule, bad, good))
    return rows


def check_block(block, rows):
    """(line, found, instead, rule) of each construction in the block. Headings may be noun clauses."""
    for offset, sentence in sentences(block):
        for pattern, instead, rule, _, _ in rows:
            if block.kind == "heading" and pattern.pattern.startswith("^What"):
                continue
            for match in pattern.finditer(sentence):
                yield block.line_at(offset + match.start()), match.group().replace("\x00", "`"), instead, rule


def lengths_of(block):
    """Words of each sentence. Headings, drawings, messages, and cells or comments of a few words do not count."""
    if block.kind not in ("heading", "drawing", "message"):
        for _, sentence in sentences(block):
            count = sum(1 for word in re.sub(r"\x00+", "\x00", sentence).split() if re.search(r"[A-Za-z\x00]", word))
            if count >= 4:
                yield count


def missing_files(path, block, tracked):
    """(line, name) of each file that is named and is not there."""
    names = {Path(name).name for name in tracked}
    if block.kind == "message":
        return
    for match in FILE_NAME.finditer(block.text):
        name = match.group(1)
        if name in FOREIGN or "NAME" in name or name.startswith("build/") or "/build/" in name:
            continue
        if "*" in name:
            pattern = re.compile("(?:.*/)?" + re.escape(name).replace(r"\*", "[^/]*"))
            found = any(pattern.fullmatch(other) for other in tracked)
        elif "/" in name:
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            found = name in tracked or beside in tracked or any(other.endswith("/" + name) for other in tracked)
        else:
            found = name in names
        if not found:
            yield block.line_at(match.start()), name


def missing_functions(block, called):
    """(line, name) of each function that a document names and that is in no source."""
    for match in FUNCTION.finditer(block.text):
        if match.group(1) not in called and "NAME" not in match.group(1):
            yield block.line_at(match.start()), match.group(1) + "()"


def strayed_functions(root, block, tracked):
    """(line, name, file) of each function that a document says is in a file, and that is not there."""
    for match in PLACED.finditer(block.text):
        name, path = match.groups()
        defined = rf"^(?:[a-z].*\b|\s*def ){name}\("
        if path in tracked and not re.search(defined, (Path(root) / path).read_text(), re.M):
            yield block.line_at(match.start()), name + "()", path


def is_read(path):
    return not path.startswith(SKIPPED) and (
        Path(path).suffix in C_SUFFIXES | HASH_SUFFIXES | {".py", ".md", ".1"} or Path(path).name in HASH_NAMES
    )


def quantile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0


def files_of(root):
    """The files of the project. A copy without its history has all that are not built."""
    git = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    if git.returncode == 0:
        return {name for name in git.stdout.split() if (Path(root) / name).is_file()}
    found = (path.relative_to(root) for path in Path(root).rglob("*") if path.is_file())
    return {str(path) for path in found if path.parts[0] not in (".git", "build") and "__pycache__" not in path.parts}


def main(argv):
    counting = "--count" in argv
    root, *wanted = [arg for arg in argv if not arg.startswith("--")]
    rows = load_constructions()
    listed = HERE / "exempt"
    listed_lines = listed.read_text().split("\n") if listed.exists() else []
    exempt = tuple(line for line in listed_lines if line and not line.startswith("#"))
    there = files_of(root)
    called = set()
    for path in there:
        if Path(path).suffix in C_SUFFIXES | {".py"}:
            called.update(CALLED.findall((Path(root) / path).read_text()))
    lengths, by_folder, faults, waiting = [], Counter(), 0, 0
    for path in sorted(there):
        if not is_read(path) or (wanted and not path.startswith(tuple(wanted))):
            continue
        for block in blocks_of(path, (Path(root) / path).read_text()):
            lengths.extend(lengths_of(block))
            found = [(line, f"{name}: there is no such file") for line, name in missing_files(path, block, there)]
            if path.endswith(".md"):
                found += [(line, f"{name}: there is no such function") for line, name in missing_functions(block, called)]
                found += [(line, f"{name} is not in {file}") for line, name, file in strayed_functions(root, block, there)]
            found += [(line, f'"{text}": {instead} ({rule})') for line, text, instead, rule in check_block(block, rows)]
            by_folder[path.rpartition("/")[0] or "."] += len(found)
            if path.startswith(exempt) and not wanted:
                waiting += len(found)
                continue
            faults += len(found)
            if not counting:
                for line, text in found:
                    print(f"{path}:{line}: {text}")
    if counting:
        for folder, count in sorted(by_folder.items()):
            if count > 0:
                print(f"{count:5d} {folder}")
    print(
        f"sentences: {len(lengths)}, median {quantile(lengths, 0.5)} words, p90 {quantile(lengths, 0.9)}, "
        f"max {max(lengths, default=0)}; {faults} faults, {waiting} in files not yet held to it"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
