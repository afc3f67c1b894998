"""A database is lost: `ghgd replay --kafka` and `ghgd resync` bring back every row, bit by bit."""
import json
import unittest
import urllib.request
from pathlib import Path

import daemon
import servers
from test_backfill import FACILITIES, METERS, START, arrivals
from test_daemon import configuration, influx_sink

PARTITIONS = 3
DAY = 86_400


def everything(database):
    """{(measurement, tags): rows} as the database answers."""
    influxdb = servers.influxdb()
    found = {}
    for measurement in influxdb.query("SHOW MEASUREMENTS", database):
        for row in influxdb.query(f'SELECT * FROM "{measurement["name"]}"', database):
            key = (measurement["name"], row["facility"], row.get("source"), row["time"])
            found[key] = row
    return found


class Resync(unittest.TestCase):
    def start(self, **more):
        kafka, database = servers.kafka(), servers.influxdb().database()
        topic = kafka.topic("meters", partitions=PARTITIONS, retention_ms=-1)
        for suffix in ("-dead", "-late"):
            kafka.create_topic(topic + suffix)
        kafka.produce_at(topic, [(i % PARTITIONS, at * 1000, json.dumps(event))
                                 for at, i, event in arrivals()])
        config = configuration(topic, [influx_sink(database)],
                               windows={"grace": "1h", "horizon": "2d", "idle_timeout": "1s"}, **more)
        ghgd = daemon.Daemon(config, {"facilities.csv": FACILITIES, "meters.csv": METERS})
        self.enterContext(ghgd)
        servers.eventually(lambda: self.is_done(ghgd.metrics()))
        self.wait_final(database)
        servers.eventually(lambda: self.is_done(ghgd.metrics()))  # hours and days are final as well
        return ghgd, database

    @staticmethod
    def wait_final(database):
        """Until the daemon has noticed that nothing comes any more, and every bucket is final."""
        servers.eventually(lambda: not servers.influxdb().query(
            "SELECT * FROM coverage_15m WHERE final = false", database))

    @staticmethod
    def is_done(metrics):
        def values(name):
            return [value for key, value in metrics.items() if key[0] == name]
        return (values("ghgd_partition_lag_messages") == [0] * PARTITIONS and
                values("ghgd_shard_dirty_rows") == [0] * PARTITIONS)

    def ghgd(self, server, *arguments):
        return daemon.ghgd(*arguments, cwd=server.folder)

    def lose(self, database):
        servers.influxdb().query(f'DROP DATABASE "{database}"')
        servers.influxdb().query(f'CREATE DATABASE "{database}"')
        self.assertEqual(everything(database), {})

    def assert_same(self, got, want):
        self.assertEqual(sorted(map(str, set(want) - set(got)))[:3], [], "rows that are missing")
        self.assertEqual(sorted(map(str, set(got) - set(want)))[:3], [], "rows that should not be")
        differing = {key: (row, got[key]) for key, row in want.items() if got[key] != row}
        self.assertEqual(dict(list(differing.items())[:2]), {}, f"{len(differing)} differ")

    def test_a_lost_database_comes_back(self):
        server, database = self.start()
        want = everything(database)
        self.assertGreater(len(want), 80_000)
        self.lose(database)
        done = self.ghgd(server, "replay", "-c", "ghgd.yaml", "--kafka", "--from", "2023-12-01",
                         "--sink", "influx")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.ghgd(server, "resync", "-c", "ghgd.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        servers.eventually(lambda: self.is_done(server.metrics()))
        servers.eventually(lambda: len(everything(database)) == len(want))
        self.assert_same(everything(database), want)

    def test_resync_writes_what_the_state_has(self):
        server, database = self.start()
        want = everything(database)
        self.lose(database)
        from_s = START + 39 * DAY
        done = self.ghgd(server, "resync", "-c", "ghgd.yaml", "--sink", "influx", "--from",
                         "2024-02-09T00:00:00Z")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"influx: \d+ windows of 3 partitions are written once more")
        self.assertNotIn("ghgd replay", done.stdout)  # all of that is in the state
        marked = int(done.stdout.split()[1])
        ends = {"emissions_15m": 900, "coverage_15m": 900}
        late = {key for key in want if key[0] in ends and key[3] / 1000 + ends[key[0]] > from_s}
        servers.eventually(lambda: late <= set(everything(database)))
        servers.eventually(lambda: self.is_done(server.metrics()))
        got = everything(database)
        self.assert_same(got, {key: want[key] for key in got})
        self.assertEqual(len([key for key in got if key[0].startswith("coverage")]), marked)
        self.assertEqual({key for key in got if key[0] in ends}, late)
        [windows] = [value for key, value in server.metrics().items()
                     if key[0] == "ghgd_sink_resync_windows_total"]
        self.assertEqual(windows, marked)

        done = self.ghgd(server, "resync", "-c", "ghgd.yaml", "--from", "2024-01-10")
        self.assertIn("ghgd replay -c ghgd.yaml --kafka --from 2024-01-10T00:00:00Z --sink influx",
                      done.stdout)

    def test_who_may_ask_and_for_what(self):
        server, _ = self.start()
        token_path = Path(server.folder, "state", "http-token")
        self.assertEqual(token_path.stat().st_mode & 0o777, 0o600)
        token = {"Authorization": "Bearer " + token_path.read_text().strip()}
        for query, header, status in (("sink=influx", {}, 401),
                                      ("sink=influx", {"Authorization": "Bearer x"}, 401),
                                      ("sink=influx", {**token, "Host": "example.net"}, 421),
                                      ("", token, 400), ("sink=nobody", token, 404),
                                      ("sink=influx&from=now", token, 400),
                                      ("sink=influx", token, 200)):
            request = urllib.request.Request(f"{server.url}/resync?{query}", b"", header)
            try:
                got = urllib.request.urlopen(request, timeout=60).status
            except urllib.error.HTTPError as error:
                got = error.code
            self.assertEqual(got, status, query)
        for options, code, words in ((("--sink", "nobody"), 1, "There is no such sink"),
                                     (("--from", "soon"), 2, "--from wants"),
                                     (("more",), 2, "takes options only"),
                                     (("--at", f"127.0.0.1:{servers.free_port()}"), 1,
                                      "Is the daemon running?")):
            done = self.ghgd(server, "resync", "-c", "ghgd.yaml", *options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)
        token_path.rename(token_path.with_name("elsewhere"))
        done = self.ghgd(server, "resync", "-c", "ghgd.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("http-token: it is not there", done.stderr)
