"""The results of a run, as they were read back: databases, letters, ledger, audit."""
import concurrent.futures
import shutil
import sqlite3
import subprocess
import urllib.parse
import urllib.request

import daemon
import verdict

AUDIT_FROM = "2025-10-01"  # before the input begins
AUDIT_LIMIT_S = 120


def stacks(member):
    """Where the threads of a daemon stand that does not end, behind its log; gdb need not be there."""
    gdb = shutil.which("gdb")
    if gdb is None:
        return ""
    with open(member.log_path, "ab") as log:
        subprocess.run([gdb, "-batch", "-nx", "-ex", "thread apply all backtrace", "-p",
                        str(member.child.pid)], stdout=log, stderr=subprocess.STDOUT, timeout=60)
    return ": its stacks are at the end of its log"


class Evidence:
    """deaths: what went wrong on the way. account: of the daemons' ledgers. dumps: of InfluxDB.
    sqlite: {table: (columns, rows)}, or None. victoria: the bytes of an export, or None. letters:
    {suffix of the topic: messages}. audit: lines that should not be there."""

    def __init__(self):
        self.deaths, self.account, self.dumps, self.audit = [], {}, {}, []
        self.sqlite, self.victoria, self.letters = None, None, {}

    def read(self, influxdb_url, database, sqlite_path, cluster, topic):
        """Reads all results that can no longer change, except by a fault of VictoriaMetrics that the
        others do not know."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            dumps = pool.submit(verdict.dump_all, influxdb_url, database)
            letters = {suffix: pool.submit(cluster.any().consume, topic + suffix)
                       for suffix in ("-dead", "-late")}
            if sqlite_path is not None:
                self.sqlite = read_sqlite(sqlite_path)
            self.dumps = dumps.result()
            self.letters = {suffix: found.result() for suffix, found in letters.items()}

    def read_last(self, member, victoria, database):
        """member: a daemon whose configuration is audited."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            audit = pool.submit(run_audit, member)
            if victoria is not None:
                self.victoria = export(victoria, database)
            self.audit = audit.result()


def run_audit(member):
    """The differences that `ghgd audit` tells under the daemon's configuration."""
    done = daemon.ghgd("audit", "-c", "ghgd.yaml", "--from", AUDIT_FROM, cwd=member.folder,
                       timeout=AUDIT_LIMIT_S)
    lines = done.stdout.splitlines()
    summary = lines.pop() if lines else ""
    if done.returncode == 0 and summary.endswith(" 0 differences") and " 0 windows" not in summary:
        return []
    return lines + [f"status {done.returncode}: {summary}"] + done.stderr.splitlines()


def export(victoria, database):
    victoria.flush()
    words = urllib.parse.urlencode({"match[]": f'{{db="{database}"}}', "reduce_mem_usage": 1})
    with urllib.request.urlopen(f"{victoria.url}/api/v1/export?{words}", timeout=120) as answer:
        return answer.read()


def read_sqlite(path):
    """{table: (columns, rows)} of everything in the file."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        names = [name for name, in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        tables = {}
        for name in names:
            rows = connection.execute(f'SELECT * FROM "{name}"')
            columns = [column[0] for column in rows.description]
            tables[name] = columns, rows.fetchall()
        return tables
    finally:
        connection.close()
