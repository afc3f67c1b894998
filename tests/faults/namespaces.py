"""Daemons in network namespaces: a cable to each, which can be pulled. Only root can have them."""
import os
import subprocess

PREFIX = "ghgdf"


def ip(*words, check=True):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """host: the address at which the daemon finds the tests; inside: the daemon's own."""

    def __init__(self, slot):
        self.name, number = f"{PREFIX}{os.getpid()}-{slot}", os.getpid() % 16000 * 4 + slot
        self.cable = f"{PREFIX}{number}"
        third, fourth = divmod(number, 64)
        third %= 256
        self.host = f"10.{213 + slot}.{third}.{fourth * 4 + 1}"
        self.inside = f"10.{213 + slot}.{third}.{fourth * 4 + 2}"

    def make(self):
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("addr", "add", f"{self.host}/30", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        for words in (("addr", "add", f"{self.inside}/30", "dev", "eth0"),
                      ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
            ip("-n", self.name, *words)

    def prefix(self):
        return ["ip", "netns", "exec", self.name]

    def pull(self):
        ip("link", "set", self.cable, "down")

    def plug(self):
        ip("link", "set", self.cable, "up")

    def remove(self):
        ip("link", "del", self.cable, check=False)
        ip("netns", "del", self.name, check=False)


def make(slots):
    """({slot: Namespace}, "" or why no namespace could be made)"""
    remove_stale()
    if os.geteuid() != 0:
        return {}, "only root can make network namespaces"
    made = {}
    try:
        for slot in slots:
            made[slot] = Namespace(slot)
            made[slot].make()
    except OSError as error:
        for namespace in made.values():
            namespace.remove()
        return {}, str(error)
    return made, ""


def remove_stale():
    """Those of campaigns that were killed."""
    try:
        names = [line.split()[0] for line in ip("netns", "list", check=False).splitlines() if line]
    except OSError:
        return
    for name in names:
        pid = name[len(PREFIX):].split("-")[0]
        if name.startswith(PREFIX) and not os.path.exists(f"/proc/{pid}"):
            ip("netns", "del", name, check=False)
