"""The commands of README under "Use it", with the example that is shipped."""
import contextlib
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import daemon
import servers
import test_daemon

EXAMPLES = servers.ROOT / "config/examples"
README = (servers.ROOT / "README.md").read_text()


class Example(daemon.Daemon):
    """`ghgd run` with the shipped example; only addresses, names of topics and the state directory differ."""

    def __init__(self, topic, database):
        super().__init__({})
        self.topic, self.database = topic, database

    def prepare(self):
        self.port = servers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        shutil.copytree(EXAMPLES, self.folder, dirs_exist_ok=True)
        changes = (("localhost:9092", servers.kafka().brokers), ("http://localhost:8086", servers.influxdb().url),
                   ("database: ghg", f"database: {self.database}"), ("group: ghgd", f"group: {self.topic}"),
                   ("meter-readings-refused", f"{self.topic}-dead"), ("meter-readings-late", f"{self.topic}-late"),
                   ("meter-readings", self.topic), ("ghgd-checkpoint", f"{self.topic}-checkpoint"),
                   ("127.0.0.1:9477", f"127.0.0.1:{self.port}"), ("/var/lib/ghgd", f"{self.folder}/state"),
                   ("emit_interval: 10s", "emit_interval: 300ms"))
        text = (EXAMPLES / "ghgd.yaml").read_text()
        for before, after in changes:
            if before not in text:
                raise RuntimeError(f"the example has no {before}")
            text = text.replace(before, after)
        (self.folder / "ghgd.yaml").write_text(text)


class UseIt(unittest.TestCase):
    def test_the_example_is_good_as_it_is_shipped(self):
        done = daemon.ghgd("check", "-c", EXAMPLES / "ghgd.yaml")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?s)memory, about\n.*series in each database\n")

    def test_the_example_runs(self):
        topic, database = test_daemon.make_topics(), servers.influxdb().database()
        with Example(topic, database) as ghgd:
            state = ghgd.folder / "state"
            self.assertEqual(stat.S_IMODE(state.stat().st_mode), 0o700)
            start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() // 900 * 900 - 3600))
            servers.kafka().produce(topic, [("dongguan", json.dumps(
                {"meter": "dongguan-grid", "time": start, "value": 12.5}))])
            servers.eventually(lambda: servers.influxdb().query(
                "SELECT co2e_kg FROM emissions_15m WHERE facility='dongguan'", database))

            def is_kept():
                """the file of the sink has the row too"""
                with contextlib.closing(sqlite3.connect(f"file:{state}/ghgd.sqlite?mode=ro", uri=True)) as file:
                    tables = file.execute("SELECT name FROM sqlite_master").fetchall()
                    return ("emissions_15m",) in tables and \
                        file.execute("SELECT count(*) FROM emissions_15m").fetchone()[0] > 0
            servers.eventually(is_kept)
            self.assertEqual(ghgd.terminate(), 0)

    def test_a_state_directory_that_cannot_be_made_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            config = test_daemon.configuration(
                test_daemon.make_topics(), [test_daemon.influx_sink(servers.influxdb().database())],
                state_directory=f"{folder}/not/mounted")
            with test_daemon.make_daemon(config) as ghgd:  # no sink needs it: the daemon runs
                self.assertRegex(ghgd.log(), r'state_directory.missing path="[^"]*/not/mounted"')
            self.assertEqual(list(Path(folder).iterdir()), [])

    @unittest.skipIf(os.geteuid() != 0, "only root can run it as another user")
    def test_a_state_directory_of_another_user_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
            shutil.copytree(servers.ROOT / "config/factors", f"{folder}/factors")
            shutil.copy(daemon.BINARY, folder)
            Path(folder, "state").mkdir(mode=0o700)
            os.chmod(folder, 0o755)
            file = Path(folder, "ghgd.yaml")
            file.write_text(file.read_text().replace("/var/lib/ghgd", f"{folder}/state")
                            .replace("listen: 127.0.0.1:9477", "listen: off")
                            .replace("tables:\n", "tables:\n  catalogue: factors\n"))
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"{folder}/ghgd",
                                   "run", "-c", file], stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stderr, r'state_directory.not_writable path="[^"]*/state" uid=65534 .*help=')

    def test_readme_names_what_is_installed(self):
        use_it = README.split("## Use it")[1].split("## Read it")[0]
        self.assertRegex(use_it, r"(?m)^    cp -rn /usr/local/share/ghgd/examples/. /etc/ghgd ")

    def test_the_example_is_copied_into_a_folder_that_is_there_or_not(self):
        with tempfile.TemporaryDirectory() as folder:
            for target in (f"{folder}/new", folder):
                subprocess.run(["cp", "-rn", f"{EXAMPLES}/.", target], check=True)
                self.assertEqual(daemon.ghgd("check", "-q", "-c", f"{target}/ghgd.yaml").returncode, 0)

    def test_the_event_of_readme_is_used_by_the_example(self):
        event = re.search(r'(?m)^    (\{"meter".*\})$', README).group(1)
        done = daemon.ghgd("replay", "-c", EXAMPLES / "ghgd.yaml", input=event)
        self.assertIn("used 1 ", done.stderr)


if __name__ == "__main__":
    unittest.main()
