"""The whole way: events of another client into Kafka, `ghgd run`, figures out of the database."""
import json
import socket
import time
import unittest

import daemon
import msgpack
import servers

FACILITIES = """id,name,region,time_zone,country,grid_region
hz,Hangzhou Mill,asia,Asia/Shanghai,CN,
lx,"Lisbon, Works",europe,Europe/Lisbon,PT,
"""
METERS = """id,facility,kind,quantity,unit,category,source,factor,interval,stamp,digits,max_rate
hz-grid,hz,interval,energy,kWh,purchased_electricity,grid,,15m,end,,
hz-gas,hz,register,gas_volume,Nm3,stationary_combustion,natural_gas,ipcc2006.natural_gas,15m,,4,
lx-pv,lx,gauge,energy,kW,purchased_electricity,grid,,15m,,,
"""
START = 1_709_251_200_000  # 2024-03-01T00:00:00Z, 08:00 in Hangzhou
MINUTE = 60_000
QUARTER = 15 * MINUTE


def stamp(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


def reading(meter, minute, value, **more):
    return {"meter": meter, "time": stamp(START + minute * MINUTE), "value": value, **more}


def configuration(topic, sinks, **more):
    kafka = servers.kafka()
    return {"input": {"topic": topic, **more.pop("input", {})},
            "kafka": {"brokers": [kafka.brokers], "group": topic,
                      "dead_letter_topic": topic + "-dead", "late_topic": topic + "-late",
                      # a broker that pauses for some seconds has not lost us
                      "properties": {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}},
            "tables": {"facilities": "facilities.csv", "meters": "meters.csv", "groups": ["region"]},
            # The readings are of 2024, and their messages of today.
            "windows": {"emit_interval": "300ms", "grace": "10m", "backfill_max": "73000d",
                        **more.pop("windows", {})},
            "sinks": sinks, **more}


def influx_sink(database, **more):
    influxdb = servers.influxdb()
    return {"name": "influx", "type": "influx", "dialect": "influx1", "url": influxdb.url,
            "database": database, "backoff_min": "100ms", "backoff_max": "500ms", **more}


def make_topics(partitions=1):
    kafka = servers.kafka()
    topic = kafka.topic("meters", partitions=partitions)
    for suffix in ("-dead", "-late"):
        kafka.create_topic(topic + suffix)
    return topic


def make_daemon(config, meters=METERS):
    return daemon.Daemon(config, {"facilities.csv": FACILITIES, "meters.csv": meters})


def rows(database, measurement, **tags):
    where = " AND ".join(f"\"{key}\" = '{value}'" for key, value in tags.items())
    return servers.influxdb().query(f"SELECT * FROM {measurement} WHERE {where}", database)


class RowsCase(unittest.TestCase):
    """Tests that wait for rows in a database derive from it. It has no test."""
    maxDiff = None

    def wait_rows(self, database, measurement, expected, **tags):
        """Waits until the field values of the rows, by time, are the expected ones."""
        got = []

        def check():
            got[:] = [{key: row[key] for key in next(iter(expected.values()))} | {"time": row["time"]}
                      for row in rows(database, measurement, **tags)]
            return {row.pop("time"): row for row in got} == expected
        try:
            servers.eventually(check)
        except Exception:
            self.fail(f"{measurement} {tags}: {got}, not {expected}")


class EndToEnd(RowsCase):
    def test_both_formats_to_exact_rows(self):
        topic, database = make_topics(), servers.influxdb().database()
        with make_daemon(configuration(topic, [influx_sink(database)])):
            servers.kafka().produce(topic, [
                ("hz", json.dumps(reading("hz-grid", 15, "12.5"))),
                ("hz", json.dumps([reading("hz-grid", 30, 0.1), reading("hz-grid", 45, 0.2)])),
                ("hz", msgpack.packb([reading("hz-gas", 0, 9980), reading("hz-gas", 15, 9990),
                                      reading("hz-gas", 30, 0)])),
                ("lx", msgpack.packb(reading("lx-pv", 0, 100.0))),
                ("lx", msgpack.packb(reading("lx-pv", 15, 140.0)))])
            self.wait_rows(database, "emissions_15m", {
                START: {"activity": 12.5, "co2e_kg": 6.6325, "co2_kg": 6.6325, "coverage": 1},
                START + QUARTER: {"activity": 0.1, "co2e_kg": 0.05306, "co2_kg": 0.05306, "coverage": 1},
                START + 2 * QUARTER: {"activity": 0.2, "co2e_kg": 0.10612, "co2_kg": 0.10612,
                                      "coverage": 1}},
                facility="hz", source="grid")
            # 4 digits roll over: 9990 -> 0 is 10 m3, as in the quarter before
            self.wait_rows(database, "emissions_15m",
                           {START: {"activity": 10}, START + QUARTER: {"activity": 10}},
                           facility="hz", source="natural_gas")
            self.wait_rows(database, "emissions_1h", {START: {"activity": 12.8, "final": False}},
                           facility="hz", source="grid")
            self.wait_rows(database, "emissions_15m", {START: {"activity": 30}}, facility="lx")
            local_day = START - 8 * 3_600_000
            self.wait_rows(database, "emissions_1d", {local_day: {"activity": 12.8}},
                           facility="hz", source="grid")
            self.wait_rows(database, "emissions_1mo", {local_day: {"activity": 12.8}},
                           facility="hz", source="grid", region="asia", scope="2", unit="kWh")

    def test_corrections_are_revisions(self):
        topic, database = make_topics(), servers.influxdb().database()
        # The other meters of the place are expected, too: no bucket is complete.
        config = configuration(topic, [influx_sink(database)], windows={"reporting_from": "2024-03-01"})
        with make_daemon(config) as ghgd:
            servers.kafka().produce(topic, [
                ("hz", json.dumps(reading("hz-grid", 15, 10, quality="estimated"))),
                ("hz", json.dumps(reading("hz-grid", 60, 1)))])
            self.wait_rows(database, "emissions_15m", {
                START: {"activity": 10, "revision": 0, "final": True, "estimated_share": 1},
                START + 3 * QUARTER: {"activity": 1, "revision": 0, "final": False,
                                      "estimated_share": 0}},
                facility="hz", source="grid")
            servers.kafka().produce(topic, [
                ("hz", json.dumps(reading("hz-grid", 15, 8))),
                ("hz", json.dumps(reading("hz-grid", 15, 8))),
                ("hz", json.dumps(reading("hz-grid", 15, 7, revision=1)))])
            self.wait_rows(database, "emissions_15m", {
                START: {"activity": 7, "revision": 2, "final": True, "estimated_share": 0},
                START + 3 * QUARTER: {"activity": 1, "revision": 0, "final": False,
                                      "estimated_share": 0}},
                facility="hz", source="grid")
            metrics = ghgd.metrics()
            outcomes = {key[2]: value for key, value in metrics.items()
                        if key[0] == "ghgd_events_total" and value > 0}
            self.assertEqual(outcomes, {"used": 2, "corrected": 2, "duplicate": 1})

    def test_victoria_metrics_keeps_the_newest_revision(self):
        topic, victoria = make_topics(), servers.victoria_metrics()
        database = servers.unique("ghg")
        sink = {"name": "victoria", "type": "influx", "dialect": "victoria", "url": victoria.url,
                "database": database}

        def newest():
            exported = victoria.export('{__name__="emissions_15m_activity",db="%s",facility="hz",'
                                       'source="grid"}' % database)
            samples = [sample for series in exported.values() for sample in series
                       if START < sample[0] <= START + QUARTER]
            return max(samples)[1] if samples else None

        with make_daemon(configuration(topic, [sink])):
            for revision, kwh in enumerate((5, 4, 3)):
                servers.kafka().produce(topic, [
                    ("hz", json.dumps(reading("hz-grid", 15, kwh, revision=revision)))])
                servers.eventually(lambda: newest() == kwh, every=1)

    def test_bad_input_goes_to_the_dead_letters(self):
        topic, database = make_topics(), servers.influxdb().database()
        good = reading("hz-grid", 15, 1)
        table = [
            (b"garbage", "rejected", "undecodable"),
            (b"\xc1\x00", "rejected", "undecodable"),
            (json.dumps({**good, "meter": "nobody"}).encode(), "unknown", ""),
            (json.dumps({**good, "meter": 7}).encode(), "rejected", "meter_type"),
            (json.dumps({k: v for k, v in good.items() if k != "meter"}).encode(), "rejected",
             "meter_missing"),
            (json.dumps({k: v for k, v in good.items() if k != "time"}).encode(), "rejected",
             "time_missing"),
            (json.dumps({**good, "time": "2024-03-01T00:15:00"}).encode(), "rejected", "time_invalid"),
            (json.dumps({**good, "time": 1709251200}).encode(), "rejected", "time_invalid"),
            (json.dumps({**good, "value": "1,5"}).encode(), "rejected", "value_invalid"),
            (json.dumps({**good, "value": 1e30}).encode(), "rejected", "value_range"),
            (json.dumps({**good, "value": -1}).encode(), "rejected", "value_negative"),
            (json.dumps({**good, "unit": "furlong"}).encode(), "rejected", "unit_unknown"),
            (json.dumps({**good, "unit": "kg"}).encode(), "rejected", "unit_mismatch"),
            (json.dumps({**good, "quality": "guessed"}).encode(), "rejected", "quality_invalid"),
            (json.dumps({**good, "revision": -1}).encode(), "rejected", "revision_invalid"),
            (json.dumps({**good, "time": "2099-01-01T00:00:00Z"}).encode(), "early", ""),
            (msgpack.packb({**good, "value": float("nan")}), "rejected", "value_invalid"),
        ]
        late = json.dumps({**good, "time": "2020-01-01T00:00:00Z"}).encode()
        kafka = servers.kafka()
        with make_daemon(configuration(topic, [influx_sink(database)])) as ghgd:
            kafka.produce(topic, [("hz", json.dumps(good))])
            kafka.produce(topic, [("hz", message) for message, _, _ in table] + [("hz", late)],
                          headers=[("trace", "t1")])
            kafka.produce(topic, [("hz", json.dumps([reading("hz-grid", 30, 2), {"meter": "x"},
                                                     reading("hz-grid", 45, 3)]))])
            self.wait_rows(database, "emissions_1h", {START: {"activity": 6}}, facility="hz",
                           source="grid")
            servers.eventually(lambda: len(kafka.consume(topic + "-dead")) == len(table) + 1)
            servers.eventually(lambda: len(kafka.consume(topic + "-late")) == 1)
            dead = {m.value: m for m in kafka.consume(topic + "-dead")}
            for message, outcome, reason in table:
                letter = dead[message]
                self.assertEqual(letter.headers["ghgd-reason"], reason or outcome, message)
                self.assertEqual(letter.headers["ghgd-topic"], topic)
                self.assertEqual(letter.headers["trace"], "t1")
                self.assertEqual(letter.key, b"hz")
            self.assertEqual(dead[b'{"meter": "x"}'].headers["ghgd-index"], "1")
            [letter] = kafka.consume(topic + "-late")
            self.assertEqual((letter.value, letter.headers["ghgd-reason"]), (late, "late"))
            total = sum(value for key, value in ghgd.metrics().items() if key[0] == "ghgd_events_total")
            self.assertEqual(total, 1 + len(table) + 1 + 3)


class Operations(RowsCase):
    """Operators stop, reload and starve it; its neighbours fail."""

    def test_kill_and_restart_lose_nothing(self):
        topic, database = make_topics(partitions=2), servers.influxdb().database()
        config = configuration(topic, [influx_sink(database)])
        kafka = servers.kafka()
        with make_daemon(config) as ghgd:
            kafka.produce(topic, [("hz", json.dumps(reading("hz-grid", 15, 1))),
                                  ("hz", json.dumps(reading("hz-gas", 0, 100)))], partition=0)
            self.wait_rows(database, "emissions_15m", {START: {"activity": 1}}, facility="hz",
                           source="grid")
            time.sleep(6)  # a commit
            ghgd.kill()
            kafka.produce(topic, [("hz", json.dumps(reading("hz-grid", 30, 2))),
                                  ("hz", json.dumps(reading("hz-grid", 15, 5, revision=1))),
                                  ("hz", json.dumps(reading("hz-gas", 15, 103)))], partition=0)
        with make_daemon(config):
            self.wait_rows(database, "emissions_15m",
                           {START: {"activity": 5}, START + QUARTER: {"activity": 2}},
                           facility="hz", source="grid")
            self.wait_rows(database, "emissions_15m", {START: {"activity": 3}}, facility="hz",
                           source="natural_gas")
            self.wait_rows(database, "emissions_1y", {1_704_038_400_000: {"activity": 7}},
                           facility="hz", source="grid")

    def test_a_sink_that_is_down_does_not_hold_the_other(self):
        topic, database = make_topics(), servers.influxdb().database()
        with servers.InfluxDB() as other:
            other_database = other.database()
            sinks = [influx_sink(database),
                     influx_sink(other_database, name="other", url=other.url)]
            with make_daemon(configuration(topic, sinks)) as ghgd:
                servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-grid", 15, 1)))])
                self.wait_rows(database, "emissions_15m", {START: {"activity": 1}}, facility="hz",
                               source="grid")
                other.kill()
                servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-grid", 30, 2)))])
                self.wait_rows(database, "emissions_1h", {START: {"activity": 3}}, facility="hz",
                               source="grid")
                other.launch()
                other.wait_ready()
                servers.eventually(lambda: [row["activity"] for row in other.query(
                    "SELECT activity FROM emissions_1h WHERE source='grid'", other_database)] == [3])
                self.assertEqual(ghgd.metrics()[("ghgd_sink_rows_refused_total", "sink", "other")], 0)

    def test_reload_learns_a_meter_and_refuses_a_bad_file(self):
        topic, database = make_topics(), servers.influxdb().database()
        with make_daemon(configuration(topic, [influx_sink(database)])) as ghgd:
            servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-grid", 15, 1)))])
            self.wait_rows(database, "emissions_15m", {START: {"activity": 1}}, facility="hz",
                           source="grid")
            ghgd.reload({"meters.csv": METERS + "oops,nowhere,interval\n"})
            servers.eventually(lambda: "reload.failed" in ghgd.log())
            ghgd.reload({"meters.csv": METERS + "hz-grid2,hz,interval,energy,MWh,"
                                                "purchased_electricity,grid,,15m,end,,\n"})
            servers.eventually(lambda: "reload.done" in ghgd.log())
            servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-grid2", 15, "0.002")))])
            self.wait_rows(database, "emissions_15m", {START: {"activity": 3}}, facility="hz",
                           source="grid")

    def test_reload_that_cannot_start_leaves_the_one_before(self):
        config = configuration(make_topics(), [{"name": "file", "type": "file", "path": "rows"}])
        nowhere = [{"name": "file", "type": "file", "path": "/nowhere/rows"}]
        with make_daemon(config) as ghgd, socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            config["http"] = {"listen": f"127.0.0.1:{ghgd.port}"}
            for count, fault in enumerate([{"http": {"listen": f"127.0.0.1:{port}"}}, {"sinks": nowhere}], 1):
                ghgd.reload({"ghgd.yaml": json.dumps({"state_directory": "state", **config, **fault})})
                servers.eventually(lambda: ghgd.log().count("the earlier configuration stays in force") == count)
                ghgd.wait_ready()
                self.assertEqual(ghgd.metrics()["ghgd_config_reloads_total", "result", "refused"], count)
            self.assertEqual(ghgd.terminate(), 0)

    def test_parked_events_wait_for_their_meter(self):
        topic, database = make_topics(), servers.influxdb().database()
        config = configuration(topic, [influx_sink(database)], input={"unknown_meter": "park"})
        with make_daemon(config) as ghgd:
            servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-new", 15, 2))),
                                            ("hz", json.dumps(reading("hz-grid", 15, 1)))])
            self.wait_rows(database, "emissions_15m", {START: {"activity": 1}}, facility="hz",
                           source="grid")
            ghgd.reload({"meters.csv": METERS + "hz-new,hz,interval,energy,kWh,"
                                                "purchased_electricity,grid,,15m,end,,\n"})
            self.wait_rows(database, "emissions_15m", {START: {"activity": 3}}, facility="hz",
                           source="grid")
            self.assertEqual(servers.kafka().consume(topic + "-dead"), [])

    def test_sigterm_writes_what_is_dirty_and_leaves(self):
        topic, database = make_topics(), servers.influxdb().database()
        config = configuration(topic, [influx_sink(database)], windows={"emit_interval": "1h"})
        with make_daemon(config) as ghgd:
            servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-grid", 15, 1)))])
            servers.eventually(lambda: any(
                key[0] == "ghgd_events_total" and "used" in key and value == 1
                for key, value in ghgd.metrics().items()))
            self.assertEqual(rows(database, "emissions_15m", facility="hz"), [])
            begun = time.monotonic()
            self.assertEqual(ghgd.terminate(), 0)
            self.assertLess(time.monotonic() - begun, 20)
            self.wait_rows(database, "emissions_15m", {START: {"activity": 1}}, facility="hz",
                           source="grid")
