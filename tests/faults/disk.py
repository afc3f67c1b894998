"""InfluxDB on a disk of its own, small enough to be filled: a tmpfs in a mount namespace, which goes
with the process that holds it. Root, or user namespaces, are needed for that.

When the disk was full InfluxDB 1.6.7 has to be restarted, for it does not write again to a segment
of its WAL once that has failed. It then goes on behind the damaged end of the segment, and the next
restart would drop all that it acknowledged since. So the disk is full once in a run, and at last.
"""
import os
import signal
import subprocess
import time

import servers

SIZE_MB = 700


class InfluxDB(servers.InfluxDB):
    """has_disk: whether a disk of its own could be made. If not, why_not says why, and it runs as always."""

    def __init__(self):
        super().__init__()
        self.holder, self.has_disk, self.was_full, self.why_not = None, False, False, ""

    def prepare(self):
        super().prepare()
        disk = self.folder / "disk"
        disk.mkdir(exist_ok=True)
        config = self.folder / "influxdb.conf"
        text = config.read_text()
        for name in ("meta", "data", "wal"):
            text = text.replace(f'"{self.folder}/{name}"', f'"{disk}/{name}"')
        config.write_text(text)
        if self.holder is None:
            self.hold(disk)

    def hold(self, disk):
        user = [] if os.geteuid() == 0 else ["-r"]
        self.holder = subprocess.Popen(
            ["unshare", *user, "-m", "sh", "-c",
             f"mount -t tmpfs -o size={SIZE_MB}m tmpfs {disk} && touch {disk}/here && "
             "exec sleep infinity"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=servers.die_with_parent)
        self.root = f"/proc/{self.holder.pid}/root{disk}"
        while self.holder.poll() is None and not os.path.exists(f"{self.root}/here"):
            time.sleep(0.01)
        self.has_disk = self.holder.poll() is None
        if not self.has_disk:
            self.why_not = self.holder.stderr.read().strip()

    def command(self):
        if not self.has_disk:
            return super().command()
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", *user, "-m", "-t", str(self.holder.pid), f"--wd={self.folder}",
                *super().command()]

    def fill(self):
        self.was_full = True
        with open(f"{self.root}/filler", "wb", buffering=0) as filler:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError:
                    pass

    def empty(self):
        os.unlink(f"{self.root}/filler")

    def restart(self):
        """Does the work of an operator when there is room again."""
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(20)
        self.launch()

    def stop(self):
        super().stop()
        if self.holder is not None:
            self.holder.kill()
            self.holder.wait()
