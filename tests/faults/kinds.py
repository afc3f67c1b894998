"""The kinds of fault. Each is a function that begins one and returns what it did, in words. It
returns None if no process is there that it could happen to; then it is tried again a little later.
It schedules the end of a fault that must end again."""
import signal
import sqlite3

import cluster
import fleet
from network import OFFSET_COMMIT, PRODUCE, Trap

KINDS = {}
TRAP_WORDS = {"before": "before", "half": "in the middle of", "after": "behind"}
TRAP_S = 4.0  # a moment that does not come by then is not waited for any longer


def kind(**needs):
    """nodes: how many brokers it takes. several: more than one daemon. alone, by_meter, victoria:
    what the run must have, as plan.Shape says."""
    def register(function):
        function.needs = needs
        KINDS[function.__name__.replace("_", "-")] = function
        return function
    return register


def some_daemon(world, pick):
    """A slot whose daemon runs and is not stopped, or None."""
    able = sorted(slot for slot in world.fleet.running - world.fleet.stopped
                  if not world.fleet.is_gone(slot))
    return pick.choice(able) if able else None


def restart(world, slot, after_s):
    def start():
        if world.fleet.is_gone(slot) and slot not in world.fleet.running:
            world.fleet.start(slot)
    world.later(after_s, start)


# --- daemons

@kind()
def kill(world, pick):
    slot = some_daemon(world, pick)
    if slot is None:
        return None
    pause_s = pick.choice((0, pick.uniform(0, 3)))
    world.fleet.kill(slot)
    restart(world, slot, pause_s)
    return f"daemon {slot} killed, back after {pause_s:.1f} s"


@kind()
def kill_all(world, pick):
    slots = sorted(world.fleet.running)
    if not slots:
        return None
    pause_s = pick.uniform(0, 3)
    for slot in slots:
        world.fleet.kill(slot)
        restart(world, slot, pause_s)
    return f"daemons {slots} killed, back after {pause_s:.1f} s"


def kill_at(world, pick, links_of, matches, what):
    """Kills a daemon when one of its requests is on the way."""
    slot = some_daemon(world, pick)
    if slot is None:
        return None
    when, pause_s = pick.choice(("before", "half", "after")), pick.choice((0, pick.uniform(0, 2)))
    pid = world.fleet.members[slot].child.pid
    traps = []
    for link in world.network.of_slot(slot, links_of):
        link.trap = Trap(matches, when, pid, signal.SIGKILL)
        traps.append(link)
    springs = [link.trap for link in traps]
    deadline = world.now() + TRAP_S

    def look():
        sprung = any(trap.sprung.is_set() for trap in springs)
        if not sprung and world.now() < deadline and world.fleet.members[slot].is_alive():
            world.later(0.05, look)
            return
        for link in traps:
            link.trap = None
        if slot in world.fleet.running:
            world.say(f"  daemon {slot} died " + (f"{TRAP_WORDS[when]} {what}" if sprung
                                                  else f"without {what} under way"))
            world.fleet.kill(slot)
        restart(world, slot, pause_s)
    world.later(0.05, look)
    return f"daemon {slot} is to die {TRAP_WORDS[when]} {what}, back after {pause_s:.1f} s"


@kind()
def kill_in_write(world, pick):
    return kill_at(world, pick, "influxdb", lambda key, body: True, "a write")


@kind()
def kill_in_commit(world, pick):
    return kill_at(world, pick, "kafka", lambda key, body: key == OFFSET_COMMIT, "a commit")


@kind()
def kill_in_checkpoint(world, pick):
    name = f"{world.topic}-checkpoint".encode()
    return kill_at(world, pick, "kafka", lambda key, body: key == PRODUCE and name in body[:4096],
                   "a checkpoint")


@kind()
def kill_in_letter(world, pick):
    name = f"{world.topic}-dead".encode()
    return kill_at(world, pick, "kafka", lambda key, body: key == PRODUCE and name in body[:4096],
                   "a dead letter")


@kind(by_meter=True)
def kill_in_rekey(world, pick):
    name = f"{world.topic}{fleet.REKEYED}".encode()
    return kill_at(world, pick, "kafka", lambda key, body: key == PRODUCE and name in body[:4096],
                   "a re-keyed message")


def stop_for(world, pick, seconds):
    slot = some_daemon(world, pick)
    if slot is None:
        return None
    world.fleet.pause(slot)

    def go_on():
        if slot in world.fleet.stopped:
            world.fleet.go_on(slot)
    world.later(seconds, go_on)
    return f"daemon {slot} stopped for {seconds:.1f} s"


@kind()
def stop_past_session(world, pick):
    return stop_for(world, pick, fleet.SESSION_S + pick.uniform(0.3, 3))


@kind()
def stop_briefly(world, pick):
    return stop_for(world, pick, pick.uniform(0.3, fleet.SESSION_S - 0.5))


@kind()
def terminate(world, pick):
    slot = some_daemon(world, pick)
    if slot is None:
        return None
    world.leave(slot, then=lambda: restart(world, slot, 0))
    return f"daemon {slot} terminated, back when it is gone"


@kind()
def kill_while_leaving(world, pick):
    slot = some_daemon(world, pick)
    if slot is None:
        return None
    patience_s = pick.uniform(0, 0.5)
    world.fleet.terminate(slot)

    def kill_it():
        world.fleet.kill(slot)
        restart(world, slot, 0)
    world.later(patience_s, kill_it)
    return f"daemon {slot} terminated, and killed {patience_s * 1000:.0f} ms later"


@kind()
def reload(world, pick):
    slot = some_daemon(world, pick)
    if slot is None or world.fleet.members[slot].try_metrics() is None:
        return None
    world.fleet.members[slot].signal(signal.SIGHUP)
    return f"daemon {slot} reloads its configuration"


@kind(several=True)
def scale_up(world, pick):
    free = [slot for slot in range(cluster.SLOTS)
            if slot not in world.fleet.running and world.fleet.is_gone(slot)]
    if not free:
        return scale_down(world, pick) if len(world.fleet.running) > 1 else None
    slot = pick.choice(free)
    world.fleet.start(slot)
    return f"daemon {slot} added"


@kind(several=True)
def scale_down(world, pick):
    if len(world.fleet.running) < 2:
        return scale_up(world, pick)
    slot = some_daemon(world, pick)
    if slot is None:
        return None
    world.leave(slot, then=lambda: None)
    return f"daemon {slot} terminated for good"


# --- brokers

def some_node(world, pick):
    if world.broken_nodes:
        return None  # one at a time: with two of three gone nothing moves
    return pick.choice(world.cluster.nodes)


def bring_back(world, node):
    node.launch()
    world.when(lambda: world.cluster.count_brokers(node) > 0,
               lambda: world.broken_nodes.discard(node))


@kind()
def broker_killed(world, pick):
    node = some_node(world, pick)
    if node is None:
        return None
    pause_s = pick.uniform(0, 4)
    node.kill()
    world.broken_nodes.add(node)
    world.later(pause_s, lambda: bring_back(world, node))
    return f"broker {node.number} killed, back after {pause_s:.1f} s"


@kind()
def broker_stopped(world, pick):
    node = some_node(world, pick)
    if node is None:
        return None
    pause_s = pick.uniform(0.5, 5)
    node.child.send_signal(signal.SIGSTOP)
    world.broken_nodes.add(node)

    def go_on():
        node.child.send_signal(signal.SIGCONT)
        world.broken_nodes.discard(node)
    world.later(pause_s, go_on)
    return f"broker {node.number} stopped for {pause_s:.1f} s"


@kind(nodes=3)
def broker_terminated(world, pick):
    node = some_node(world, pick)
    if node is None:
        return None
    world.broken_nodes.add(node)
    node.child.send_signal(signal.SIGTERM)
    world.when(lambda: node.child.poll() is not None, lambda: bring_back(world, node))
    return f"broker {node.number} terminated: its leaders move; back when it is gone"


@kind(nodes=3)
def leader_moved(world, pick):
    if world.broken_nodes:
        return None
    node = pick.choice(world.cluster.nodes)
    partitions = sorted(pick.sample(range(fleet.PARTITIONS), pick.randint(3, fleet.PARTITIONS)))
    world.cluster.move_leaders(world.topic, partitions, node.number)
    world.cluster.move_leaders("__consumer_offsets", [0], node.number)
    return f"leaders of partitions {partitions} and of the group moved to broker {node.number}"


# --- the network

def on_links(world, links, seconds, what, **state):
    for link in links:
        link.set(**state)

    def heal():
        for link in links:
            link.set()
    world.later(seconds, heal)
    return f"{what} for {seconds:.1f} s"


def links_of_one(world, pick, server):
    slot = some_daemon(world, pick)
    return slot, [] if slot is None else world.network.of_slot(slot, server)


@kind()
def kafka_cut(world, pick):
    slot, links = links_of_one(world, pick, "kafka")
    return links and on_links(world, links, pick.uniform(0.5, fleet.SESSION_S + 3),
                              f"connections of daemon {slot} to Kafka cut", state="cut") or None


@kind()
def kafka_stalled(world, pick):
    slot, links = links_of_one(world, pick, "kafka")
    return links and on_links(world, links, pick.uniform(1, fleet.SESSION_S + 3),
                              f"nothing passes between daemon {slot} and Kafka",
                              state="stalled") or None


@kind()
def all_cut(world, pick):
    slot, links = links_of_one(world, pick, "")
    return links and on_links(world, links, pick.uniform(0.5, fleet.SESSION_S + 3),
                              f"all connections of daemon {slot} cut", state="cut") or None


@kind()
def influxdb_unreachable(world, pick):
    slot, links = links_of_one(world, pick, "influxdb")
    state = pick.choice(("cut", "stalled"))
    return links and on_links(world, links, pick.uniform(0.5, 6),
                              f"connections of daemon {slot} to InfluxDB {state}",
                              state=state) or None


@kind()
def cable_pulled(world, pick):
    namespaces = world.network.namespaces
    if not namespaces:
        return kafka_stalled(world, pick)
    running = sorted(set(namespaces) & world.fleet.running)
    if not running and world.shape.alone:
        return kafka_stalled(world, pick)
    slot = pick.choice(running or sorted(namespaces))
    seconds = pick.uniform(0.5, fleet.SESSION_S + 3)
    if slot not in running:
        if not world.fleet.is_gone(slot):
            return None
        world.fleet.start(slot)
    pull_s = 0 if slot in running else 3
    world.later(pull_s, namespaces[slot].pull)
    world.later(pull_s + seconds, namespaces[slot].plug)
    return (f"the cable of daemon {slot} pulled for {seconds:.1f} s"
            + ("" if slot in running else ", 3 s after it was started"))


@kind()
def delays(world, pick):
    delay_s = pick.uniform(0.02, 0.2)
    return on_links(world, list(world.network.links), pick.uniform(1, 5),
                    f"everything takes {delay_s * 1000:.0f} ms longer each way", delay_s=delay_s)


# --- the database

@kind()
def influxdb_killed(world, pick):
    if world.broken_influxdb:
        return None
    pause_s = pick.uniform(0, 4)
    world.broken_influxdb = True
    world.influxdb.kill()

    def launch():
        world.influxdb.launch()
        world.broken_influxdb = False
    world.later(pause_s, launch)
    return f"InfluxDB killed, back after {pause_s:.1f} s"


@kind()
def influxdb_stopped(world, pick):
    if world.broken_influxdb:
        return None
    pause_s = pick.uniform(1, fleet.SINK_TIMEOUT_S + 3)
    world.broken_influxdb = True
    child = world.influxdb.child
    child.send_signal(signal.SIGSTOP)

    def go_on():
        child.send_signal(signal.SIGCONT)
        world.broken_influxdb = False
    world.later(pause_s, go_on)
    return f"InfluxDB stopped for {pause_s:.1f} s"


@kind(victoria=True)
def victoria_killed(world, pick):
    """It loses what it acknowledged in the last seconds."""
    if world.broken_victoria:
        return None
    pause_s = pick.uniform(0, 4)
    world.broken_victoria = True
    world.victoria.kill()

    def launch():
        world.victoria.launch()
        world.broken_victoria = False
        world.victoria_back_at = world.now()
    world.later(pause_s, launch)
    return f"VictoriaMetrics killed, back after {pause_s:.1f} s"


@kind(victoria=True)
def victoria_stopped(world, pick):
    if world.broken_victoria:
        return None
    pause_s = pick.uniform(1, fleet.SINK_TIMEOUT_S + 3)
    world.broken_victoria = True
    child = world.victoria.child
    child.send_signal(signal.SIGSTOP)

    def go_on():
        child.send_signal(signal.SIGCONT)
        world.broken_victoria = False
    world.later(pause_s, go_on)
    return f"VictoriaMetrics stopped for {pause_s:.1f} s"


def answers(world, pick, way, words):
    """All daemons' writes meet this for a while."""
    links = [link for link in world.network.links if link.server == "influxdb"]
    seconds = pick.uniform(0.5, 5)
    for link in links:
        link.way = way

    def heal():
        for link in links:
            if link.way == way:
                link.way = None
    world.later(seconds, heal)
    return f"InfluxDB's writes {words} for {seconds:.1f} s"


@kind()
def influxdb_errors(world, pick):
    way, words = pick.choice((("refuse_500", "get 500"), ("refuse_503", "get 503"),
                              ("refuse_429", "get 429 and Retry-After")))
    return answers(world, pick, way, words)


@kind()
def influxdb_breaks(world, pick):
    way, words = pick.choice((("break_in_the_middle", "break in the middle"),
                              ("break_when_taken", "are taken, then the connection breaks")))
    return answers(world, pick, way, words)


@kind()
def influxdb_silent(world, pick):
    return answers(world, pick, "stay_silent", "are taken, but never answered")


@kind()
def writes_overtaken(world, pick):
    return answers(world, pick, "come_late", "break, and come through 2.5 s later all the same")


@kind(alone=True)
def sqlite_locked(world, pick):
    """By a program that reads or copies the file, and takes its time."""
    slot = some_daemon(world, pick)
    path = world.fleet.members[slot].sqlite_path() if slot is not None else None
    if path is None or not path.exists() or world.locked_sqlite:
        return None
    seconds = pick.uniform(0.5, 5)
    try:
        holder = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return None  # the daemon has it just now
    world.locked_sqlite = True

    def give_back():
        holder.rollback()
        holder.close()
        world.locked_sqlite = False
    world.later(seconds, give_back)
    return f"the SQLite file of daemon {slot} locked for {seconds:.1f} s"


@kind()
def disk_full(world, pick):
    if not world.influxdb.has_disk:
        return answers(world, pick, "disk_full", "get the words of a full disk (no real one: "
                       f"{world.influxdb.why_not})")
    if world.broken_influxdb:
        return None
    if world.influxdb.was_full:
        return answers(world, pick, "disk_full", "get the words of a full disk")
    pause_s = pick.uniform(0.5, 4)
    world.broken_influxdb = True
    world.influxdb.fill()

    def restart_it():
        world.influxdb.empty()
        world.influxdb.restart()
        world.broken_influxdb = False
    world.later(pause_s, restart_it)
    return f"the disk of InfluxDB full for {pause_s:.1f} s, then a restart"
