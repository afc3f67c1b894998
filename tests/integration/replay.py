"""Runs `ghgd replay` over a list of events in a folder of its own, and reads what it wrote."""
import csv
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import daemon
import servers

CATALOGUE = Path(__file__).resolve().parents[2] / "config" / "factors"
SUMMARY = re.compile(r"read (\d+) = (.*)")
REVISION = re.compile(rb"revision=\d+i,")
ESCAPED = re.compile(r"\\([,= ])")
TIERS = {"scalar": "", "avx2": "avx2", "avx512": "avx512dq"}
SEPARATOR = re.compile(r"(?<!\\),")


def has_tier(tier):
    return TIERS[tier] in Path("/proc/cpuinfo").read_text()


def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        writer = csv.DictWriter(file, columns, restval="", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


def parse_tags(text):
    """"emissions_1h,facility=a\\ b,scope=1" as (measurement, ((key, value), ...))."""
    name, *tags = SEPARATOR.split(text)
    pairs = (re.split(r"(?<!\\)=", tag, maxsplit=1) for tag in tags)
    return name, tuple((key, ESCAPED.sub(r"\1", value)) for key, value in pairs)


def parse_rows(text):
    """{(measurement, tags, start_ms): {field: text}} of line protocol."""
    rows, heads = {}, {}
    for line in text.decode().splitlines():
        head, fields, start_ms = line.rsplit(" ", 2)
        if head not in heads:
            heads[head] = parse_tags(head)
        key = (*heads[head], int(start_ms))
        if key in rows:
            raise AssertionError(f"written twice: {line}")
        rows[key] = dict(field.split("=") for field in fields.split(","))
    return rows


class Result:
    """output: the rows as bytes; counts: the summary's numbers; rejects: (line, event, class, reason)."""

    def __init__(self, output, log, rejects):
        self.output, self.log = output, log
        self.rejects = [line.split("\t")[:4] for line in rejects.splitlines()]
        match = SUMMARY.search(log)
        self.read = int(match[1])
        self.counts = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", match[2])}
        self.reasons = {name: int(number)
                        for number, name in re.findall(r"  rejected (\d+) (\w+):", log)}

    def comparable(self):
        """The output that must not depend on the order of events: all except the revisions."""
        return REVISION.sub(b"", self.output)


class Site:
    """A configuration with its tables; one folder for any number of replays."""

    def __init__(self, config, facilities, meters):
        servers.LOGS.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="replay-", dir=servers.LOGS))
        self.config = {**config, "tables": {"facilities": "facilities.csv", "meters": "meters.csv",
                                            "catalogue": str(CATALOGUE), **config.get("tables", {})}}
        write_csv(self.folder / "facilities.csv", facilities)
        write_csv(self.folder / "meters.csv", meters)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def replay(self, data, options=(), changes=None, prefix=()):
        """data: the events' bytes. changes: sections of the configuration that differ this time."""
        (self.folder / "ghgd.yaml").write_text(json.dumps({**self.config, **(changes or {})}))
        (self.folder / "events").write_bytes(data)
        command = [*prefix, daemon.BINARY, "replay", "-c", "ghgd.yaml", "-o", "rows", "-r", "rejects",
                   *options, "events"]
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stderr}")
        return Result((self.folder / "rows").read_bytes(), done.stderr,
                      (self.folder / "rejects").read_text())
