"""Ports that stay free while the server that listens on them is down: outside of the range from
which the system gives ports to connections."""
import random
import socket
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 10_000

_taken = set()
_pick = random.SystemRandom()


def free_port():
    try:
        end = int(RANGE.read_text().split()[0])
    except OSError:
        end = 32_768
    for _ in range(1000):
        port = _pick.randrange(LOWEST, max(end, LOWEST + 5000))
        if port not in _taken and is_free(port):
            _taken.add(port)
            return port
    raise OSError("no free port")


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
