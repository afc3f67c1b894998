"""A large group of factories: 100 facilities of 100 meters each, all of them read every quarter of
an hour; every other meter is a register. Made from a seed: the same every time."""
import random
import time

FACILITIES, METERS_EACH, SOURCES = 100, 100, 4
METERS = FACILITIES * METERS_EACH
START_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z
ROUND_MS = 900_000


def tables():
    facilities = ["id,time_zone,country"]
    meters = ["id,facility,kind,unit,category,source,interval,stamp,digits,decimals"]
    for facility in range(FACILITIES):
        facilities.append(f"works-{facility:02},Asia/Dhaka,BD")
        for meter in range(METERS_EACH):
            kind = "register,kWh,{},15m,,8,3" if meter % 2 else "interval,kWh,{},15m,end,,"
            kind = kind.format(f"purchased_electricity,line-{meter % SOURCES}")
            meters.append(f"works-{facility:02}-{meter:02},works-{facility:02},{kind}")
    return {"facilities.csv": "\n".join(facilities) + "\n", "meters.csv": "\n".join(meters) + "\n"}


def configuration(brokers, topic, sinks, **more):
    return {"input": {"topic": topic}, "kafka": {"brokers": [brokers], "group": topic},
            "tables": {"facilities": "facilities.csv", "meters": "meters.csv"},
            "sinks": sinks, **more}


def topic(kafka):
    """A topic of one partition that keeps what is older than a week."""
    return kafka.topic("estate", retention_ms=-1)


class Readings:
    """Round after round, in order of time. energy_wh: what the windows hold of them in sum."""

    def __init__(self, seed=1):
        self.pick = random.Random(seed)
        self.round = self.energy_wh = 0
        self.registers = [self.pick.randrange(10**6) for _ in range(METERS)]
        self.ids = [f"works-{i // METERS_EACH:02}-{i % METERS_EACH:02}" for i in range(METERS)]

    def next(self):
        """(time in ms, a JSON text for each meter, by facility) of the next round."""
        self.round += 1
        counted = slice(0, None, 2 if self.round == 1 else 1)  # a register's first is its base
        at_ms = START_MS + self.round * ROUND_MS
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
        used = self.pick.choices(range(20_000, 25_000), k=METERS)  # Wh
        self.energy_wh += sum(used[counted])
        texts = []
        for i, amount in enumerate(used):
            if i % 2:
                amount += self.registers[i]
                self.registers[i] = amount
            texts.append(f'{{"meter":"{self.ids[i]}","time":"{stamp}","value":{amount / 1000:.3f}}}')
        return at_ms, texts

    def by_facility(self, rounds):
        """Messages for Kafka.produce_at(): an array of its readings for each facility and round."""
        for _ in range(rounds):
            at_ms, texts = self.next()
            for first in range(0, METERS, METERS_EACH):
                yield 0, at_ms, "[" + ",".join(texts[first:first + METERS_EACH]) + "]"
