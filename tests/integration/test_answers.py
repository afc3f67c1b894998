"""Answers that are no verdict on rows, and databases that lose their rows while they are written."""
import http.server
import json
import re
import shutil
import sqlite3
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import servers
from ports import free_port
from test_daemon import START, configuration, influx_sink, make_daemon, make_topics, reading
from test_sinks import START_MS, Writer

# As the servers send them; nginx 1.22, HAProxy 2.6.
PLAIN_TO_TLS = """<html>\r
<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r
<body>\r
<center><h1>400 Bad Request</h1></center>\r
<center>The plain HTTP request was sent to HTTPS port</center>\r
<hr><center>nginx/1.22.1</center>\r
</body>\r
</html>\r
"""
NO_CERTIFICATE = PLAIN_TO_TLS.replace("The plain HTTP request was sent to HTTPS port",
                                      "No required SSL certificate was sent")
BALANCER = "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n"


class Gate:
    """Stands before a database: says a page, or lets requests through. `pages` is the number of
    requests that it answers by itself, after `through` others."""

    def __init__(self, target, page, pages=1 << 30, through=0):
        self.target, self.page, self.pages, self.through = target, page, pages, through
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, text = gate.answer(self.path, self.headers, body)
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a sink may break a connection off
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, headers, body):
        if self.through > 0:
            self.through -= 1
        elif self.pages > 0:
            self.pages -= 1
            return 400, self.page.encode()
        names = ("Content-Encoding", "Content-Type")
        request = urllib.request.Request(self.target + path, body,
                                         {name: headers[name] for name in names if name in headers})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Vmauth(servers.Process):
    kind = "vmauth"

    def __init__(self, target, route):
        super().__init__()
        self.target, self.route = target, route

    def prepare(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.configure(self.route)

    def configure(self, route):
        (self.folder / "auth.yml").write_text(json.dumps({"users": [
            {"username": "ann", "password": "pw",
             "url_map": [{"src_paths": [route], "url_prefix": self.target}]}]}))

    def command(self):
        return ["vmauth", "-auth.config=auth.yml", f"-httpListenAddr=127.0.0.1:{self.port}"]

    def is_ready(self):
        return servers._answers(f"{self.url}/health", 200)


class Pages(unittest.TestCase):
    def check_held(self, page, words, **gate):
        influxdb = servers.influxdb()
        database = influxdb.database()
        with Gate(influxdb.url, page, **gate) as server, Writer("influx1", server.url, database) as writer:
            for bucket in range(20):
                writer.row(bucket=bucket)

            def mend():
                server.pages = 0
            got = writer.write(mend)
            self.assertEqual((got["err"], got["written"], got["refused"]), (0, 40, 0))
            self.assertGreater(got["retries"], 0)
            self.assertEqual((got["healthy"], got["emptied"]), (1, 0))
            self.assertFalse(writer.dead_rows.exists())
            self.assertIn('verdict=strange status=400', writer.words())
            self.assertIn(words, writer.words())
        count = influxdb.query('SELECT count(activity) FROM "emissions_15m"', database)
        self.assertEqual(count[0]["count"], 20)

    def test_a_proxy_that_wants_tls(self):
        self.check_held(PLAIN_TO_TLS, 'words="400 The plain HTTP request was sent to HTTPS port 400 ')

    def test_a_proxy_that_wants_a_certificate(self):
        self.check_held(NO_CERTIFICATE, 'words="400 No required SSL certificate was sent 400 ')

    def test_a_load_balancer(self):
        self.check_held(BALANCER, "Your browser sent an invalid request.")

    def test_a_page_in_the_middle(self):
        """The proxy changes while rows are sent: those that follow are held, too."""
        influxdb = servers.influxdb()
        database = influxdb.database()
        for through, pages in ((1, 3), (2, 9), (3, 40), (9, 2)):
            with Gate(influxdb.url, BALANCER, pages, through) as server, \
                    Writer("influx1", server.url, database, ROWS_MAX="3") as writer:
                for bucket in range(12):
                    writer.row(bucket=bucket)
                got = writer.write()
                self.assertEqual((got["err"], got["written"], got["refused"]), (0, 24, 0))
                self.assertFalse(writer.dead_rows.exists())

    @unittest.skipUnless(shutil.which("vmauth"), "there is no vmauth")
    def test_a_route_that_vmauth_lacks(self):
        victoria = servers.victoria_metrics()
        database = servers.unique("route")
        vmauth = Vmauth(victoria.url, "/api/v1/query").start()
        self.addCleanup(vmauth.stop)
        with Writer("victoria", vmauth.url, database, GHGD_USER="ann", GHGD_PASSWORD="pw") as writer:
            for bucket in range(5):
                writer.row(bucket=bucket)

            def mend():
                vmauth.kill()
                vmauth.configure("/write")
                vmauth.launch()
            got = writer.write(mend)
            self.assertEqual((got["err"], got["written"], got["refused"]), (0, 10, 0))
            self.assertFalse(writer.dead_rows.exists())
            self.assertIn("missing route for '/write", writer.words())
        series = victoria.export(f'emissions_15m_activity{{db="{database}"}}', thinned=True)
        self.assertEqual([len(samples) for samples in series.values()], [5])


class PartialWrites(unittest.TestCase):
    def conflicting(self, *measurements):
        influxdb = servers.influxdb()
        database = influxdb.database()
        for measurement in measurements:
            influxdb.write(database, f'{measurement},facility=x activity="text" {START_MS}')
        return influxdb, database

    def test_the_rows_of_a_conflict_are_found(self):
        """Only rows of the shard of 2026-03-01 conflict; the others are of another week."""
        influxdb, database = self.conflicting("emissions_15m")
        with Writer("influx1", influxdb.url, database) as writer:
            for bucket in range(1900):
                writer.row(bucket=bucket + 1000 if bucket not in (7, 1200) else bucket % 96)
            got = writer.write()
            dead = writer.dead_rows.read_text().splitlines()
        self.assertEqual((got["written"], got["refused"]), (3798, 2))
        self.assertLessEqual(got["partial"] + got["ok"], 65)
        self.assertEqual(len(dead), 4)
        for words, row in zip(dead[::2], dead[1::2]):
            self.assertIn("partial write: field type conflict: input field 'activity'", words)
            self.assertTrue(row.startswith("emissions_15m,"), row)

    def test_too_many_conflicts_are_told_together(self):
        influxdb, database = self.conflicting("emissions_15m")
        with Writer("influx1", influxdb.url, database) as writer:
            for bucket in range(500):
                writer.row(bucket=bucket)
            got = writer.write()
            dead = writer.dead_rows.read_text().splitlines()
        self.assertEqual(got["written"] + got["refused"], 1000)
        count = influxdb.query('SELECT count(covered_s) FROM "coverage_15m"', database)
        self.assertEqual(count[0]["count"], 500)
        stored = influxdb.query('SELECT count(co2e_kg) FROM "emissions_15m"', database)
        stored = stored[0]["count"] if stored else 0
        self.assertEqual(got["refused"], 500 - stored)
        self.assertLessEqual(got["partial"] + got["ok"], 65)
        self.assertEqual(sum(" of these " in line for line in dead), 1)


class Ready(unittest.TestCase):
    """/readyz says what a sink says."""

    def start(self, sink):
        topic = make_topics()
        ghgd = self.enterContext(make_daemon(configuration(topic, [sink])))
        servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-grid", m, 1.5)))
                                        for m in range(15, 150, 15)])
        return ghgd

    def wait_for(self, ghgd, pattern):
        def is_said():
            """/readyz"""
            return re.search(pattern, servers.http(f"{ghgd.url}/readyz")[1], re.M)
        servers.eventually(is_said)

    def test_a_page(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        with Gate(influxdb.url, PLAIN_TO_TLS) as server:
            ghgd = self.start(influx_sink(database, url=server.url))
            self.wait_for(ghgd, "^ok sink influx: has failed for [0-9]+ s; 400 The plain HTTP request "
                                "was sent to HTTPS port 400 Bad Request")
            server.pages = 0
            self.wait_for(ghgd, "^ok sink influx: works$")
            self.assertEqual(ghgd.metrics()[("ghgd_sink_rows_refused_total", "sink", "influx")], 0)

    def test_refusals_beside_others(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        influxdb.write(database, f'coverage_15m,facility=x expected_s="text" {START}')
        ghgd = self.start(influx_sink(database))
        self.wait_for(ghgd, "^ok sink influx: works; in the last [0-9]+ s it refused [0-9]+ of [0-9]+ rows: "
                            "look into its dead_rows; partial write: field type conflict: input field "
                            "'expected_s'")
        self.assertEqual(ghgd.metrics()[("ghgd_sink_healthy", "sink", "influx")], 1)


class Emptied(unittest.TestCase):
    """The daemon writes again what its state has, when a database has lost its rows."""

    def start(self, sinks):
        topic = make_topics()
        ghgd = self.enterContext(make_daemon(configuration(topic, sinks)))
        self.produce(topic, range(15, 600, 15))
        return topic, ghgd

    def produce(self, topic, minutes):
        servers.kafka().produce(topic, [("hz", json.dumps(reading("hz-grid", m, 1.5))) for m in minutes])

    def settle(self, ghgd, events):
        def is_settled():
            """all is read, and written"""
            metrics = ghgd.metrics()
            used = sum(value for key, value in metrics.items()
                       if key[0] == "ghgd_events_total" and "used" in key)
            return used == events and sum(value for key, value in metrics.items()
                                          if key[0] == "ghgd_shard_dirty_rows") == 0
        servers.eventually(is_settled)

    def emptied(self, ghgd, sink):
        return ghgd.metrics()[("ghgd_sink_emptied_total", "sink", sink)]

    @staticmethod
    def lite_rows(path):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            tables = [name for name, in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%start_ms%'")]
            return {table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}

    def test_an_sqlite_file_that_is_deleted(self):
        path = Path(self.enterContext(tempfile.TemporaryDirectory()), "ghg.db")
        topic, ghgd = self.start([{"name": "lite", "type": "sqlite", "path": str(path)}])
        self.settle(ghgd, 39)
        for which, names in enumerate((("",), ("", "-wal", "-shm"), ("-wal",))):
            servers.eventually(lambda: len(self.lite_rows(path)["emissions_15m"]) == 39 + which)
            want = self.lite_rows(path)
            for name in names:
                Path(str(path) + name).unlink()
            self.produce(topic, [600 + 15 * which])
            self.settle(ghgd, 40 + which)
            servers.eventually(lambda: self.emptied(ghgd, "lite") == which + 1)
            self.settle(ghgd, 40 + which)
            servers.eventually(lambda: len(self.lite_rows(path)["emissions_15m"]) == 40 + which)
            got = self.lite_rows(path)
            for table, rows in want.items():
                keys = {row[:4] for row in got[table]}
                self.assertEqual([row for row in rows if row[:4] not in keys], [], table)
        self.assertRegex(ghgd.log(), "sink.file_moved sink=lite")
        self.assertRegex(ghgd.log(), r"sink.emptied sink=lite windows=\d+ .*older_than=\S+ .*ghgd replay --kafka")

    def test_a_database_that_is_dropped(self):
        influxdb = servers.influxdb()
        database = influxdb.database()
        topic, ghgd = self.start([influx_sink(database)])
        self.settle(ghgd, 39)

        def everything():
            names = [row["name"] for row in influxdb.query("SHOW MEASUREMENTS", database)]
            return {name: influxdb.query(f'SELECT * FROM "{name}" GROUP BY *', database) for name in names}
        servers.eventually(lambda: len(everything().get("emissions_15m", ())) == 39)
        self.settle(ghgd, 39)
        want = everything()
        influxdb.query(f'DROP DATABASE "{database}"')
        self.produce(topic, [15])  # a duplicate: nothing to write
        self.produce(topic, [600])
        servers.eventually(lambda: self.emptied(ghgd, "influx") == 1)
        self.assertIn("database not found", ghgd.log())
        influxdb.query(f'CREATE DATABASE "{database}"')
        self.settle(ghgd, 40)
        servers.eventually(lambda: self.emptied(ghgd, "influx") == 2)
        self.settle(ghgd, 40)
        servers.eventually(lambda: len(everything().get("emissions_15m", ())) == 40)
        got = everything()
        for name, rows in want.items():
            have = {row["time"] for row in got[name]}
            self.assertEqual([row for row in rows if row["time"] not in have], [], name)


if __name__ == "__main__":
    unittest.main()
