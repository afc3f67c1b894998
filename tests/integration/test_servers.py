"""The servers themselves: what goes in comes out, and they go when told."""
import os
import pty
import signal
import subprocess
import sys
import unittest
from pathlib import Path

import msgpack
import servers


class KafkaBroker(unittest.TestCase):
    def test_text_with_keys_and_headers(self):
        kafka = servers.kafka()
        topic = kafka.topic(partitions=3)
        kafka.produce(topic, [("plant-1", '{"a": 1}'), ("plant-2", "two\nlines")], partition=2,
                      headers=[("source", "kcat"), ("try", "1")])
        got = kafka.consume(topic)
        self.assertEqual([(m.partition, m.offset, m.key, m.value) for m in got],
                         [(2, 0, b"plant-1", b'{"a": 1}'), (2, 1, b"plant-2", b"two\nlines")])
        self.assertEqual(got[0].headers, {"source": "kcat", "try": "1"})

    def test_bytes(self):
        kafka = servers.kafka()
        topic = kafka.topic()
        events = [msgpack.packb({"meter": "m", "value": i}) for i in range(20)] + [bytes(range(256))]
        kafka.produce(topic, events, codec="lz4")
        self.assertEqual([m.value for m in kafka.consume(topic)], events)

    def test_topic_settings(self):
        kafka = servers.kafka()
        topic = kafka.topic("checkpoints", partitions=5, cleanup_policy="compact")
        self.assertEqual(kafka.consume(topic), [])
        with self.assertRaisesRegex(RuntimeError, "error 36"):
            kafka.create_topic(topic)
        with self.assertRaisesRegex(RuntimeError, "error 40"):
            kafka.topic("bad", cleanup_policy="never")


class Databases(unittest.TestCase):
    def test_influxdb(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        influxdb.write(database, "em,facility=a co2e_kg=1.5,final=true 900000\n"
                                 "em,facility=b co2e_kg=2 1800000")
        rows = influxdb.query("SELECT * FROM em GROUP BY facility", database)
        self.assertEqual(rows, [
            {"_name": "em", "facility": "a", "time": 900000, "co2e_kg": 1.5, "final": True},
            {"_name": "em", "facility": "b", "time": 1800000, "co2e_kg": 2, "final": None}])
        with self.assertRaisesRegex(RuntimeError, "404"):
            influxdb.write("nowhere", "em x=1 1")
        with self.assertRaisesRegex(RuntimeError, "400"):
            influxdb.query("SELEKT")

    def test_victoria_metrics(self):
        victoria = servers.victoria_metrics()
        database = servers.unique("ghg")
        start_ms = 1_700_000_100_000 // 900_000 * 900_000
        victoria.write(f"em,facility=a co2e_kg=5 {start_ms + 1}", database)
        victoria.write(f"em,facility=a co2e_kg=3 {start_ms + 2}", database)
        series = victoria.export(f'em_co2e_kg{{db="{database}"}}', thinned=True)
        self.assertEqual(list(series.values()), [[(start_ms + 2, 3)]])
        got = victoria.query(f'last_over_time(em_co2e_kg{{db="{database}"}}[15m])', start_ms + 800_000)
        self.assertEqual(list(got.values()), [3])


class Terminal(unittest.TestCase):
    """tty(1) says what its standard input is: never the terminal that the tests were started from."""

    def run_at_terminal(self, script):
        end, terminal = pty.openpty()
        try:
            done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent,
                                  stdin=terminal, capture_output=True, text=True, timeout=60)
        finally:
            os.close(end)
            os.close(terminal)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_there_is_one(self):
        self.assertIn("/dev/", self.run_at_terminal("import os; os.execlp('tty', 'tty')"))

    def test_a_subcommand_has_none(self):
        script = "import daemon; daemon.BINARY = 'tty'; print(daemon.ghgd().stdout)"
        self.assertIn("not a tty", self.run_at_terminal(script))

    def test_other_children_have_none(self):
        script = "import os, servers; servers.leave_terminal(); os.system('tty || true')"
        self.assertIn("not a tty", self.run_at_terminal(script))

    def test_nor_have_those_of_this_run(self):
        self.assertFalse(os.isatty(0))


class Lives(unittest.TestCase):
    def test_a_crash_keeps_the_data(self):
        with servers.InfluxDB() as influxdb:
            database = influxdb.database()
            influxdb.write(database, "em x=1 1")
            influxdb.kill()
            self.assertFalse(influxdb.is_ready())
            influxdb.launch()
            self.assertTrue(influxdb.wait_ready())
            self.assertEqual(len(influxdb.query("SELECT * FROM em", database)), 1)
            folder = influxdb.folder
        self.assertFalse(folder.exists())

    def test_servers_die_with_a_killed_run(self):
        script = ("import servers, time\ns = servers.InfluxDB().start()\n"
                  "print(s.child.pid, s.folder, flush=True)\ntime.sleep(60)")
        run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
                               cwd=Path(__file__).parent)
        pid, folder = run.stdout.readline().split()
        self.assertTrue(Path("/proc", pid).exists())
        run.send_signal(signal.SIGKILL)
        run.wait()
        run.stdout.close()

        def is_gone():
            try:
                return not Path("/proc", pid, "cmdline").read_bytes()  # empty: of a process without a parent that waited for it
            except (FileNotFoundError, ProcessLookupError):
                return True
        servers.eventually(is_gone)
        subprocess.run(["rm", "-rf", folder], check=True)

    def test_a_server_that_cannot_start_says_why(self):
        server = servers.InfluxDB(http_options=["bogus ="])
        with self.assertRaisesRegex(RuntimeError, "(?s)does not start.*toml"):
            server.start()
        self.assertFalse(server.folder.exists())
        os.unlink(server.log_path)


if __name__ == "__main__":
    unittest.main()
