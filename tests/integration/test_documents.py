"""Commands, options, targets, metrics, settings and log lines that README, docs and the manual name exist."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import daemon
import servers

ROOT = servers.ROOT
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MANUAL = ROOT / "docs/ghgd.1"
SECTIONS = {"input", "kafka", "checkpoint", "tables", "windows", "emissions", "sinks", "http", "log"}
# Commands stand in blocks that are set in, or between backticks.
COMMAND = re.compile(r"(?m)(?:^    (?:.*[|&] )?|`)(?:GHGD_\w+=\S+ |\w+_DIRECTORY=\S+ )?ghgd ([a-z]+)([^`\n|#]*)")
TARGET = re.compile(r"(?m)(?:^    |`|&& )make ([a-z][a-z-]*)(?![\w/-])")
METRIC = re.compile(r"\bghgd_[a-z_]+[a-z]\b")
SETTING = re.compile(r"`([a-z]+\.[a-z_]+)(?:[:=] ?[^`]*)?`")
SUFFIXES = {"c", "h", "cc", "md", "py", "yaml", "csv", "json", "pml", "sqlite", "lp", "jsonl"}


def text_of(page):
    """Backticks may hold a line's end."""
    return re.sub(r"`([^`\n]+)\n([^`\n]+)`", r"`\1 \2`", page.read_text())


def options_of(words):
    return re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", words)


def settings():
    """The keys that configuration.md has, which a unit program compares with the table of options."""
    names, section = set(), ""
    for line in (ROOT / "docs/configuration.md").read_text().split("## Options")[1].splitlines():
        if line.startswith("### "):
            section = line[4:]
            names.add(section)
        row = re.match(r"\| `(\w+)` \|", line)
        if row:
            names.add(f"{section}.{row.group(1)}")
    return names


def log_events(pattern):
    names = set()
    for room in ("base", "config", "pipelines", "daemon"):
        for source in (ROOT / room).rglob("*.c"):
            names.update(re.findall(pattern + r'"([a-z_]+\.[a-z_]+)"', source.read_text()))
    return names


class Documents(unittest.TestCase):
    def check_commands(self, page, found):
        helps = {}
        for command, rest in found:
            if command not in helps:
                done = daemon.ghgd(command, "--help") if command not in ("help", "version") else daemon.ghgd("help", command)
                self.assertEqual(done.returncode, 0, f"{page.name}: ghgd {command}")
                helps[command] = done.stdout
            for option in options_of(rest):
                self.assertRegex(helps[command], rf"(?m)(?<![\w-]){re.escape(option)}(?![\w-])",
                                 f"{page.name}: ghgd {command} {rest.strip()}")

    def test_commands_and_options(self):
        count = 0
        for page in PAGES:
            found = COMMAND.findall(text_of(page))
            count += len(found)
            self.check_commands(page, found)
        self.assertGreater(count, 20)
        examples = re.findall(r"(?m)^\.Dl \$ ghgd ([a-z]+)(.*)$", MANUAL.read_text().replace("\\-", "-"))
        self.assertGreater(len(examples), 5)
        self.check_commands(MANUAL, examples)

    def test_sinks_are_those_of_the_example(self):
        example = (ROOT / "config/examples/ghgd.yaml").read_text()
        names = set(re.findall(r"(?m)^  - name: (\w+)", example))
        for page in (ROOT / "README.md", ROOT / "docs/operations.md", MANUAL):
            for name in re.findall(r"(?m)^(?:    |\.Dl).*--sink ([a-z]+)", page.read_text().replace("\\-", "-")):
                self.assertIn(name, names, page.name)

    def test_targets(self):
        targets = set(re.findall(r"(?m)^([a-z][a-z-]*):", (ROOT / "Makefile").read_text()))
        for page in PAGES:
            for target in TARGET.findall(text_of(page)):
                self.assertIn(target, targets, page.name)

    def test_scripts_can_be_run(self):
        scripts = {name for page in PAGES for name in re.findall(r"(?m)(?:^    |`)([\w/]+/\w+\.py) -", text_of(page))}
        self.assertIn("tests/faults/run.py", scripts)
        for name in scripts:
            self.assertTrue(os.access(ROOT / name, os.X_OK), name)

    def test_metrics(self):
        known = set(METRIC.findall((ROOT / "docs/metrics.md").read_text()))
        for page in [*PAGES, MANUAL]:
            for name in METRIC.findall(page.read_text()):
                if page.name != "CHANGELOG.md" and not re.search(r"_(bucket|sum|count)$", name):
                    self.assertIn(name, known, page.name)

    def test_settings_and_log_lines(self):
        known = settings() | log_events("")
        groups = SECTIONS | {name.split(".")[0] for name in log_events(r'LOG_[A-Z_]+\([^"]*')}
        count = 0
        for page in PAGES:
            for name in SETTING.findall(text_of(page)):
                group, key = name.split(".")
                if group in groups and key not in SUFFIXES:
                    self.assertIn(name, known, page.name)
                    count += 1
        self.assertGreater(count, 50)


class Missing(unittest.TestCase):
    """A missing package or library is told by name, with the command that brings it."""

    def test_packages_without_root_and_sudo(self):
        with tempfile.TemporaryDirectory() as folder:
            for tool in ("sh", "awk", "cat"):
                os.symlink(shutil.which(tool), f"{folder}/{tool}")
            for tool, body in (("id", "echo 1000"), ("dpkg-query", "exit 1"), ("apt-get", "exit 1")):
                Path(folder, tool).write_text(f"#!/bin/sh\n{body}\n")
                Path(folder, tool).chmod(0o755)
            done = subprocess.run(["sh", ROOT / "tools/deps.sh", "build"], env={"PATH": folder}, text=True,
                                  capture_output=True)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"As root, run this.*\n +apt-get update && apt-get install .* gcc ")

    def test_a_library(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["make", f"BUILD={folder}", "PKGS=ghgd-lacks-this"], cwd=ROOT, text=True,
                                  env={"PATH": os.environ["PATH"]}, capture_output=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("Run make deps.", done.stdout)
            self.assertIn("ghgd-lacks-this", done.stderr)


if __name__ == "__main__":
    unittest.main()
