"""The daemon under test, and its subcommands. GHGD names another binary, one with sanitizers say."""
import copy
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import servers

BINARY = os.environ.get("GHGD", str(servers.BUILD / "ghgd"))
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
FINDING = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|assertion failed")
LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')


def is_sanitized(*kinds):
    """Whether the binary is built with one of these sanitizers ("asan", "tsan"); or with any."""
    code = Path(BINARY).read_bytes()
    return any(b"__%s_init" % kind.encode() in code for kind in kinds or ("asan", "tsan"))


def ghgd(*args, input=None, cwd=None, timeout=300):
    """Runs a subcommand to its end: a CompletedProcess with returncode, stdout and stderr as text.

    Without input there is nothing to read, and no user to ask, even if the tests have a terminal."""
    given = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    return subprocess.run([BINARY, *map(str, args)], **given, cwd=cwd, timeout=timeout,
                          capture_output=True, text=not isinstance(input, bytes))


def without_advice(text):
    """The complaints of a command, less its advice for a table of meters as a whole."""
    return "".join(line for line in text.splitlines(keepends=True)
                   if not re.match(r"meters\.csv:\d+: warning: (max_rate|valid_from) is ", line))


class Daemon(servers.Process):
    """`ghgd run` in a folder of its own.

    config is what the YAML file says, as dictionaries (JSON is YAML). HTTP and state get places of
    their own unless config names them. files maps names of tables beside it to their text.
    """

    kind = "ghgd"

    def __init__(self, config, files=None, environment=None):
        super().__init__()
        self.config = copy.deepcopy(config)
        self.files = files or {}
        self.environment = environment or {}

    def prepare(self):
        self.port = servers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = {"http": {"listen": f"127.0.0.1:{self.port}"}, "state_directory": "state", **self.config}
        for name, text in {**self.files, "ghgd.yaml": json.dumps(config, indent=2)}.items():
            Path(self.folder, name).write_text(text)

    def command(self):
        return [BINARY, "run", "-c", "ghgd.yaml"]

    def is_ready(self):
        try:
            return servers.http(f"{self.url}/readyz", timeout=2)[0] == 200
        except OSError:
            return False

    def metrics(self, page="/metrics"):
        """{(name, label, value, label, value, ...): number} of the page, labels in sorted order."""
        status, text = servers.http(f"{self.url}{page}")
        if status != 200:
            raise RuntimeError(f"{page}: {status} {text}")
        samples = {}
        for line in text.splitlines():
            match = SAMPLE.match(line)
            if match:
                labels = sorted(LABEL.findall(match[2] or ""))
                samples[(match[1], *(part for label in labels for part in label))] = float(match[3])
        return samples

    def reload(self, files=None):
        """Rewrites files (ghgd.yaml among them, if given) and sends SIGHUP."""
        for name, text in (files or {}).items():
            Path(self.folder, name).write_text(text)
        self.child.send_signal(signal.SIGHUP)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """Takes it down as it is. A finding of a sanitizer fails the test."""
        super().stop()
        if self.log_path.exists() and FINDING.search(self.log()):
            raise AssertionError(f"{self.name}:\n{self.log_tail(80)}")
