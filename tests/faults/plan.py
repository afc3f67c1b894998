"""Which faults happen in which run, and what the runs are like."""
import random

import kinds
import readings

PER_RUN = 25
RUNS_MIN = 2  # unless there are so few faults
FEW = 5


class Shape:
    """The parts of a run: brokers; alone: one daemon only, which keeps an SQLite file too; by_meter: a
    topic that is keyed by meter, and has to be re-keyed; victoria: VictoriaMetrics too."""

    def __init__(self, nodes=1, alone=False, by_meter=False, victoria=False):
        self.nodes, self.alone, self.by_meter, self.victoria = nodes, alone, by_meter, victoria

    def log(self):
        """Which of the logs of readings.py it reads."""
        return readings.BY_METER if self.by_meter else readings.LONG if self.victoria else ""

    def horizon(self):
        if self.by_meter:
            return readings.HORIZON_LONG
        return readings.HORIZON_VICTORIA if self.victoria else readings.HORIZON

    def suits(self, name):
        needs = kinds.KINDS[name].needs
        return (self.nodes >= needs.get("nodes", 1) and not (needs.get("several") and self.alone)
                and all(getattr(self, what) for what in ("alone", "by_meter", "victoria")
                        if needs.get(what)))

    def adapt(self, name):
        """Changes what it must for this kind of fault."""
        needs = kinds.KINDS[name].needs
        self.nodes = max(self.nodes, needs.get("nodes", 1))
        self.alone = needs.get("alone", self.alone and not needs.get("several"))
        self.by_meter |= needs.get("by_meter", False)
        self.victoria |= needs.get("victoria", False)


def shapes(count, seed):
    """Shapes for so many runs: a third of each sort, and those with three brokers last."""
    return [Shape(nodes=3 if number >= count - count // 3 else 1,
                  by_meter=(number + seed) % 3 == 0, alone=(number + seed) % 3 == 1,
                  victoria=(number + seed) % 2 == 0)
            for number in range(count)]


def plan(names, count, seed):
    """[(Shape, [kind, ...])] of the runs: every kind as often as the others."""
    pick, chosen = random.Random(f"plan {seed}"), []
    while len(chosen) < count:
        bag = sorted(names)
        pick.shuffle(bag)
        chosen += bag[:count - len(chosen)]
    few = min(RUNS_MIN, max(1, count // FEW))
    runs = [(shape, []) for shape in shapes(max(few, round(count / PER_RUN)), seed)]
    for name in chosen:
        if not any(shape.suits(name) for shape, _ in runs):
            runs[-1][0].adapt(name)
    chosen.sort(key=lambda name: sum(shape.suits(name) for shape, _ in runs))
    for name in chosen:
        able = [part for shape, part in runs if shape.suits(name)] or [runs[-1][1]]
        min(able, key=len).append(name)
    for _, part in runs:
        pick.shuffle(part)
        part.sort(key=lambda name: name == "disk-full")  # disk.py says why it comes last
    return [(shape, part) for shape, part in runs if part]
