"""A database that is away for two days, as a large group of factories sees it."""
import re
import unittest
from pathlib import Path

import daemon
import estate
import servers

HORIZON_ROUNDS = 48 * 4
STEP_ROUNDS = 10
WINDOWS_MIN = 20_000  # of some 25,700; those of the block under way do not count as dirty
MEASUREMENTS = {"emissions": ("activity", "co2e_kg", "covered_s"),
                "coverage": ("covered_s", "expected_s", "meters_reporting")}
LENGTHS = ("15m", "1h", "1d", "1mo", "1y")


def ceiling_kib(folder):
    """The most memory of a process with one partition, as `ghgd check` says."""
    text = daemon.ghgd("check", "-c", "ghgd.yaml", cwd=folder).stdout
    found = re.search(r"together +([\d.]+) MiB, and (\d+)MiB for each assigned partition", text)
    return (float(found[1]) + int(found[2])) * 1024


def most_resident_kib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


class DeadSink(unittest.TestCase):
    @unittest.skipIf(daemon.is_sanitized(), "a sanitizer's memory is not ours")
    def test_two_days_of_a_dead_sink_stay_within_the_ceiling(self):
        self.kafka = servers.kafka()
        self.topic = estate.topic(self.kafka)
        self.readings = estate.Readings()
        with servers.InfluxDB() as self.dead:
            self.databases = {name: (server, server.database()) for name, server in
                              (("good", servers.influxdb()), ("dead", self.dead))}
            self.dead.kill()
            with daemon.Daemon(self.configuration(), estate.tables()) as self.ghgd:
                self.outlast_the_outage()
                self.assertLess(most_resident_kib(self.ghgd.child), ceiling_kib(self.ghgd.folder))
                self.restart()
                self.come_back()
                self.assertLess(most_resident_kib(self.ghgd.child), ceiling_kib(self.ghgd.folder))

    def configuration(self):
        for suffix in ("-dead", "-late"):
            self.kafka.create_topic(self.topic + suffix)
        sinks = [{"name": name, "type": "influx", "dialect": "influx1", "url": server.url,
                  "database": database, "backoff_min": "100ms", "backoff_max": "500ms"}
                 for name, (server, database) in self.databases.items()]
        config = estate.configuration(self.kafka.brokers, self.topic, sinks, checkpoint={"interval": "2s"},
                                      windows={"horizon": "48h", "emit_interval": "500ms"})
        config["kafka"] |= {"dead_letter_topic": self.topic + "-dead", "late_topic": self.topic + "-late",
                            "properties": {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}}
        return config

    def outlast_the_outage(self):
        while self.readings.round <= HORIZON_ROUNDS:
            self.kafka.produce_at(self.topic, self.readings.by_facility(STEP_ROUNDS))
            servers.eventually(self.is_read)
        metrics = self.ghgd.metrics()
        self.assertEqual(metrics[("ghgd_sink_healthy", "sink", "dead")], 0)
        self.assertEqual(metrics[("ghgd_sink_rows_written_total", "sink", "dead")], 0)
        self.assertGreater(metrics[("ghgd_shard_dirty_rows", "partition", "0")], WINDOWS_MIN)
        self.wait_energy("good")

    def restart(self):
        """The rows that the dead sink still needs are in the state, and the rest is not read again."""
        self.ghgd.kill()
        self.ghgd.launch()
        self.assertTrue(self.ghgd.wait_ready())
        servers.eventually(self.is_read)
        metrics = self.ghgd.metrics()
        self.assertLess(metrics[("ghgd_consumer_messages_total",)], 100 * estate.FACILITIES)
        self.assertGreater(metrics[("ghgd_shard_dirty_rows", "partition", "0")], WINDOWS_MIN)

    def come_back(self):
        self.dead.launch()
        self.assertTrue(self.dead.wait_ready())
        servers.eventually(self.is_written)
        self.wait_energy("dead")
        for measurement, fields in MEASUREMENTS.items():
            columns = ", ".join(f"COUNT({field}), SUM({field})" for field in fields)
            for length in LENGTHS:
                query = f"SELECT {columns} FROM {measurement}_{length} GROUP BY facility"
                good, dead = (self.query(name, query) for name in ("good", "dead"))
                self.assertEqual(len(good), estate.FACILITIES)
                self.assertEqual(good, dead)

    def query(self, name, text):
        """Fields are multiples of a millionth; sums of them depend on the order of adding beyond that."""
        server, database = self.databases[name]
        return [{key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()}
                for row in server.query(text, database)]

    def is_read(self):
        """every message of the log is used"""
        used = ("ghgd_partition_account_events", "outcome", "used", "partition", "0", "reason", "")
        return self.ghgd.metrics().get(used) == self.readings.round * estate.METERS

    def is_written(self):
        """no sink has to hear of anything"""
        return self.ghgd.metrics()[("ghgd_shard_dirty_rows", "partition", "0")] == 0

    def wait_energy(self, name):
        def is_whole():
            """the windows hold what the readings say"""
            rows = self.query(name, "SELECT SUM(activity) FROM emissions_15m")
            return rows and round(rows[0]["sum"], 3) == self.readings.energy_wh / 1000
        servers.eventually(is_whole)


if __name__ == "__main__":
    unittest.main()
