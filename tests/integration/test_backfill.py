"""A long log, read from the beginning, by a daemon that is killed on the way: what the database holds
in the end is what a replay of the same events gives."""
import json
import random
import sqlite3
import tempfile
import time
import unittest
from pathlib import Path

import daemon
import servers
from test_daemon import configuration, make_topics

QUARTER = 900
START = 1_704_067_200  # 2024-01-01T00:00:00Z
DAYS = 40              # several horizons: days have to leave on the way, and a month has to close
ZONES = ("Asia/Shanghai", "Europe/Lisbon", "America/New_York", "Asia/Kathmandu", "Africa/Cairo",
         "Australia/Lord_Howe")
FACILITIES = "id,name,region,time_zone,country,grid_region\n" + "".join(
    f"f{i},Works {i},r,{zone},CN,\n" for i, zone in enumerate(ZONES))
METERS = "id,facility,kind,quantity,unit,category,source,factor,interval,stamp\n" + "".join(
    f"f{i}-grid,f{i},interval,energy,kWh,purchased_electricity,grid,,15m,end\n"
    f"f{i}-gas,f{i},register,gas_volume,Nm3,stationary_combustion,gas,ipcc2006.natural_gas,1h,\n"
    for i in range(len(ZONES)))


def arrivals():
    """(arrival in s, facility, event), in order: delayed by up to a few hours, some twice, some
    corrected."""
    dice = random.Random(5)
    made = []
    register = dict.fromkeys(range(len(ZONES)), 1000)
    for step in range(DAYS * 96):
        at = START + (step + 1) * QUARTER
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        for i in range(len(ZONES)):
            event = {"meter": f"f{i}-grid", "time": stamp, "value": dice.randrange(100_000) / 1000}
            made.append((at + dice.randrange(4 * 3600), i, event))
            if dice.random() < 0.02:
                made.append((at + dice.randrange(4 * 3600), i, event))
            if dice.random() < 0.02:
                made.append((at + dice.randrange(36 * 3600), i, {**event, "revision": 1, "value": 7}))
            if step % 4 == 0:
                register[i] += dice.randrange(50)
                made.append((at + dice.randrange(7200), i,
                             {"meter": f"f{i}-gas", "time": stamp, "value": register[i]}))
    made.sort(key=lambda entry: entry[0])
    return made


def events():
    """(facility, event as text), in order of arrival."""
    return [(f"f{i}", json.dumps(event)) for _, i, event in arrivals()]


def figures(path):
    """{table: {key: (activity, masses, coverage)}} of all emissions."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    return {length: {row[:3]: row[3:] for row in database.execute(
        f"SELECT start_ms, facility, source, activity, co2_kg, co2e_kg, covered_s, expected_s "
        f"FROM emissions_{length}")} for length in ("15m", "1h", "1d", "1mo", "1y")}


@unittest.skipIf(daemon.is_sanitized(), "a long way to code that test_restart and test_replay run")
class Backfill(unittest.TestCase):
    def replayed(self, folder, made):
        Path(folder, "facilities.csv").write_text(FACILITIES)
        Path(folder, "meters.csv").write_text(METERS)
        Path(folder, "ghgd.yaml").write_text(json.dumps({
            "tables": {"facilities": "facilities.csv", "meters": "meters.csv", "groups": ["region"]},
            "state_directory": ".", "windows": {"backfill_max": "73000d"},  # the events are years old
            "sinks": [{"name": "db", "type": "sqlite", "path": "replay.db"}]}))
        got = daemon.ghgd("replay", "-c", "ghgd.yaml", "--sinks", cwd=folder,
                          input="\n".join(text for _, text in made) + "\n")
        self.assertEqual(got.returncode, 0, got.stderr)
        return figures(Path(folder, "replay.db"))

    def committed(self, topic):
        """messages before the group's offsets"""
        return sum(max(servers.kafka().group_offset(topic, topic, partition)[0], 0) for partition in range(3))

    def position(self, metrics):
        """messages before the process's position"""
        return sum(value for key, value in metrics.items() if key[0] == "ghgd_partition_next_offset")

    def is_done(self, metrics):
        def values(name):
            return [value for key, value in metrics.items() if key[0] == name]
        return (values("ghgd_partition_caught_up") == [1, 1, 1] and
                values("ghgd_partition_lag_messages") == [0, 0, 0] and
                values("ghgd_shard_dirty_rows") == [0, 0, 0])

    def test_killed_on_the_way_equals_replay(self):
        made = events()
        topic, kafka = make_topics(partitions=3), servers.kafka()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        expected = self.replayed(folder, made)
        config = configuration(topic, [{"name": "db", "type": "sqlite", "path": f"{folder}/live.db"}],
                               windows={"grace": "1h"})
        tables = {"facilities.csv": FACILITIES, "meters.csv": METERS}
        half = len(made) // 2
        for partition in range(3):
            kafka.produce(topic, [m for m in made[:half] if int(m[0][1:]) % 3 == partition],
                          partition=partition)
        with daemon.Daemon(config, tables) as ghgd:
            servers.eventually(lambda: self.committed(topic) > 0)
            ghgd.kill()
        for partition in range(3):
            kafka.produce(topic, [m for m in made[half:] if int(m[0][1:]) % 3 == partition],
                          partition=partition)
        saved = self.committed(topic)
        with daemon.Daemon(config, tables) as ghgd:
            servers.eventually(lambda: self.position(ghgd.metrics()) > saved)
            ghgd.kill()  # while it reads on
        with daemon.Daemon(config, tables) as ghgd:
            servers.eventually(lambda: self.is_done(ghgd.metrics()))
            self.assertEqual(ghgd.terminate(), 0)
        got = figures(f"{folder}/live.db")
        for length, rows in expected.items():
            self.assertEqual(len(got[length]), len(rows), length)
            differing = {key: (row, got[length].get(key)) for key, row in rows.items()
                         if got[length].get(key) != row}
            self.assertEqual(dict(list(differing.items())[:3]), {}, f"{len(differing)} of {length}")
