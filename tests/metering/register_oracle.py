"""Which readings of a register are true: the rule of docs/metering.md, in whole numbers.

It is written from the document, not from pipelines/metering/register_chain.c, and shares no code
with it. It is slow, and meant to be checked by eye. judge() gives for every reading whether it is
kept and what the step to it books.
"""
from collections import namedtuple

LOOK_BACK = 64     # measured readings: the farthest predecessor, and one more than a glitch has
BREAK = 3          # measured readings that a break costs
RISES = 8          # rises that make the loose rate
LOOSE = 20         # times the largest of them
RETURN_TAIL = 4    # the last readings of a run, from which the return must not go on

HOUR_MS = 3_600_000

Reading = namedtuple("Reading", "ms value estimated role", defaults=(False, ""))
Meter = namedtuple("Meter", "rate_max modulus restarts signed last_digit",
                   defaults=(0, 0, False, False, 0))
# The step to a kept reading: `amount` counts if `booked`; None: the chain begins here.
Step = namedtuple("Step", "before kind amount booked")


class State:
    """The best chain that ends at a reading."""

    def __init__(self, index, before, kind, amount, cost, breaks, aside):
        self.aside = aside  # readings left aside, glitches too
        self.index, self.before, self.kind, self.amount = index, before, kind, amount
        self.cost, self.breaks = cost, breaks  # without what the first rise costs
        self.first = None   # the first rise of this stretch between breaks: (state, amount, ms)
        self.after = ()     # up to eight rises after it
        self.rises = ()     # the last eight rises: (amount, ms)
        self.lows = ()      # what it showed before each of them, none before a rollover
        self.steep = ()     # whether each of these was beyond the loose rate
        self.exempt = False  # begun by an exchange: a rise from 0 is documented

    def path(self):
        state, indices = self, []
        while state is not None:
            indices.append(state.index)
            state = state.before
        return indices[::-1]


def largest(rises):
    best = None
    for rise in rises:
        if best is None or rise[0] * best[1] > best[0] * rise[1]:
            best = rise
    return best


def within(amount, ms, rate, times):
    """amount / ms <= times * rate"""
    return amount * rate[1] <= times * rate[0] * ms


class Judge:
    def __init__(self, meter, readings):
        self.meter, self.all = meter, readings

    def digit(self, index):
        return self.meter.last_digit

    def plausible(self, amount, ms):
        return amount * 10 * HOUR_MS <= self.meter.rate_max * ms * 11 + self.meter.last_digit * 10 * HOUR_MS

    def first_cost(self, state):
        """The cost of the first rise of a chain, by those after it; and whether it is booked."""
        if state.first is None or self.meter.rate_max:
            return 0, True
        _, amount, ms, at_zero = state.first
        if not state.after:
            return 0, not at_zero
        if within(amount, ms, largest(state.after), LOOSE):
            return 0, True
        return (BREAK, False) if at_zero else (1, True)

    def key(self, state):
        extra, _ = self.first_cost(state)
        return state.cost + extra, state.breaks + (extra == BREAK), state.aside

    def kind(self, before, new):
        """(kind, amount, loose): how the reading goes on from the one before, or None."""
        meter = self.meter
        amount, ms = new.value - self.all[before.index].value, new.ms - self.all[before.index].ms
        rate = largest(before.rises)
        if amount >= 0 or meter.signed:
            if meter.rate_max:
                return ("rise", amount, False) if self.plausible(abs(amount), ms) else None
            loose = rate is not None and not within(abs(amount), ms, rate, LOOSE)
            return "rise", amount, loose
        old = self.all[before.index].value
        if meter.modulus and 0 <= new.value and old < meter.modulus:
            wrapped = amount + meter.modulus
            if wrapped >= 0 and (self.plausible(wrapped, ms) if meter.rate_max
                                 else rate is not None and new.value < min((*before.lows, old))
                                 and not any(before.steep)) and \
                    (rate is None or within(wrapped, ms, rate, 2)):
                return "rollover", wrapped, False
        if meter.restarts and new.value >= 0 and self.plausible(new.value, ms):
            return "restart", new.value, False
        return None

    def is_unknown(self, before):
        return not self.meter.rate_max and not before.rises

    def is_steep(self, before, bad, new):
        """Without a rise before: the run's first reading is judged by the rise to the return."""
        old = self.all[before.index]
        return not within(abs(bad.value - old.value), bad.ms - old.ms,
                          (abs(new.value - old.value), new.ms - old.ms), LOOSE)

    def is_free(self, before, run, new):
        """Whether a run left aside costs nothing: the return fits, and goes on from none of it."""
        first = self.kind(before, run[0])
        if first is not None and first[0] == "rise" and not first[2] and \
                not (self.is_unknown(before) and self.is_steep(before, run[0], new)):
            return False
        largest_step = None
        for a, b in zip(run, run[1:]):
            if max(a.value, b.value) > new.value and not self.meter.signed:
                continue
            step = abs(b.value - a.value), b.ms - a.ms
            largest_step = step if largest_step is None else largest([largest_step, step])
        for reading in run[-RETURN_TAIL:]:
            amount, ms = new.value - reading.value, new.ms - reading.ms
            if self.meter.signed:
                amount = abs(amount)
            if amount >= 0 and within(amount, ms, largest_step or (0, 1), LOOSE):
                return False
        return True

    def is_near(self, before, run, new):
        """Without max_rate: the return is 20 times nearer to the reading before the run than to the
        run's last one, and than to 0."""
        old, last = self.all[before.index], run[-1]
        return LOOSE * abs(new.value - old.value) <= min(abs(new.value), abs(new.value - last.value))

    def begins_at_zero(self, before):
        return before.first is None and not before.exempt and not self.meter.rate_max and \
            self.all[before.index].value == 0

    def step(self, before, index, run):
        """The state of `index` after `before`, with `run` between them left aside."""
        new = self.all[index]
        found = self.kind(before, new)
        aside = len(run)
        if found is not None:
            kind, amount, loose = found
            if run and self.is_free(before, run, new) and kind != "restart":
                near = loose and self.is_near(before, run, new)
                if not loose or near:
                    aside, loose = 0, False
            if aside and amount and self.begins_at_zero(before):
                return None  # a first rise from 0 leaves nothing aside but glitches
            state = State(index, before, "loose" if loose else kind, amount,
                          before.cost + aside + loose, before.breaks, before.aside + len(run))
            state.first, state.after, state.rises = before.first, before.after, before.rises
            state.exempt, state.lows, state.steep = before.exempt, before.lows, before.steep
            if amount != 0:
                rise = abs(amount), new.ms - self.all[before.index].ms
                state.lows = () if kind == "rollover" else (state.lows + (self.all[before.index].value,))[-RISES:]
                state.steep = () if kind == "rollover" else (state.steep + (loose,))[-RISES:]
                if state.first is None:
                    state.first = (index, *rise, self.begins_at_zero(before))
                elif len(state.after) < RISES:
                    state.after += (rise,)
                state.rises = (state.rises + (rise,))[-RISES:]
        else:
            return None
        return state

    def broken(self, before, index, run):
        cost, breaks, aside = self.key(before)
        return State(index, before, "break", 0, cost + len(run) + BREAK, breaks + 1, aside + len(run))

    def better(self, a, b):
        """Whether chain a is better than b: cheaper, fewer breaks, leaves fewer aside, keeps the
        older reading."""
        if b is None:
            return True
        if self.key(a) != self.key(b):
            return self.key(a) < self.key(b)
        x, y = a, b
        last_x = last_y = None
        while x is not y:  # where the two part, the one that keeps the older reading
            if y is None or (x is not None and x.index > y.index):
                last_x, x = x.index, x.before
            elif x is None or y.index > x.index:
                last_y, y = y.index, y.before
            else:
                last_x, x, last_y, y = x.index, x.before, y.index, y.before
        if last_x is None or last_y is None:
            return last_y is None and last_x is not None
        return last_x < last_y

    def best_end(self, states, first, count):
        """The best chain over measured readings [first, count)."""
        best = None
        for at in range(max(first, count - LOOK_BACK), count):
            state = states[at]
            end = State(len(self.all), state, "end", 0, state.cost + count - 1 - at, state.breaks,
                        state.aside + count - 1 - at)
            end.first, end.after = state.first, state.after
            if self.better(end, best):
                best = end
        return best.before

    def chain(self, order):
        """Kept states over `order`, the measured readings' indices."""
        states, first = [], 0
        for at, index in enumerate(order):
            new, best = self.all[index], None
            if new.role == "initial":
                end = self.best_end(states, first, at) if at else None
                best = State(index, end, "bridge", 0, 0, 0, 0)
                best.exempt = True
                states.append(best)
                first = at
                continue
            if first == 0 and at < LOOK_BACK and self.all[order[0]].role != "initial":
                best = State(index, None, "start", 0, at, 0, at)
            for i in range(max(first, at - LOOK_BACK), at):
                run = [self.all[k] for k in order[i + 1:at]]
                for state in (self.step(states[i], index, run), self.broken(states[i], index, run)):
                    if state is not None and self.better(state, best):
                        best = state
            states.append(best)
        return self.best_end(states, first, len(order)) if order else None


def steps_of(judge, end):
    """[(index, Step)] of the kept readings, in order."""
    steps, state, higher = [], end, False
    extra_first = None
    while state is not None:
        booked = state.kind in ("rise", "rollover", "restart") or (state.kind == "loose" and higher)
        if extra_first is None:
            extra_first = (state.first[0], judge.first_cost(state)) if state.first else ()
        if extra_first and state.index == extra_first[0]:
            cost, may = extra_first[1]
            booked = booked and may and (cost == 0 or higher)
        steps.append((state.index, Step(state.before.index if state.before else None, state.kind,
                                        state.amount, booked)))
        if state.kind in ("break", "start", "bridge"):
            higher, extra_first = False, None
        elif state.amount != 0:
            higher = True
        state = state.before
    return steps[::-1]


def judge(meter, readings):
    """The kept readings of a journal in order of time: [(index, Step)]."""
    judged = Judge(meter, readings)
    measured = [i for i, r in enumerate(readings) if not r.estimated]
    kept = steps_of(judged, judged.chain(measured))
    # Estimates count behind the last measured reading that holds.
    last = kept[-1][0] if kept else -1
    for index in range(last + 1, len(readings)):
        if readings[index].estimated and (
                last < 0 or (readings[index].value >= readings[last].value or meter.signed)):
            amount = readings[index].value - readings[last].value if last >= 0 else 0
            if last >= 0 and meter.rate_max and not judged.plausible(
                    abs(amount), readings[index].ms - readings[last].ms):
                continue
            kept.append((index, Step(last if last >= 0 else None, "rise" if last >= 0 else "start",
                                     amount, last >= 0)))
            last = index
    return kept


def total(meter, readings):
    return sum(step.amount for _, step in judge(meter, readings) if step.booked)
