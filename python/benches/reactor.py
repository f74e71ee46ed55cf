"""The reactor of one Synapse process, simulated: other work, and updates of presence that wait for it.

Updates and other work arrive at random, independently of each other, and are done one after another.
Updates that waited together are one batch, as they are by replication: when one of them has its turn, all
that have arrived by then go with it, also those that came after other work which still waits.

Not for: what anything costs (`scale.py` measures that). Where queueing theory has an answer this gives
the same one (`test_unit_reactor.py`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Iterator


@dataclass(frozen=True)
class Cost:
    """Seconds that batches of some sizes take, sizes ascending from 1; between them straight lines."""

    points: tuple[tuple[int, float], ...]

    def of(self, updates: int) -> float:
        """Of a batch of so many; one larger than any measured goes on along the last line."""
        (size, seconds), *rest = self.points
        slope = seconds / size
        for next_size, next_seconds in rest:
            slope = (next_seconds - seconds) / (next_size - size)
            if updates <= next_size:
                break
            size, seconds = next_size, next_seconds
        return seconds + slope * (updates - size)

    def of_each(self) -> float:
        """Of each further update of a very large batch: all that counts where a reactor hardly keeps up."""
        size, seconds = self.points[-1]
        return (self.of(2 * size) - seconds) / size

    def __add__(self, other: Cost) -> Cost:
        both = zip(self.points, other.points, strict=True)
        return Cost(tuple((size, one + another) for (size, one), (_, another) in both))

    def __mul__(self, times: int) -> Cost:
        return Cost(tuple((size, seconds * times) for size, seconds in self.points))


FREE = Cost(((1, 0.0),))


@dataclass(frozen=True)
class Simulated:
    share: float
    """The part of its time that the reactor gives to updates."""
    other_waits: float
    """Seconds that other work waits in the mean until it begins."""
    update_waits: float
    """Seconds that an update waits in the mean until those before it are done."""


def simulate(rate: float, cost: Cost, *, other: float, job: float, seconds: float) -> Simulated:
    """So many seconds of a reactor to which `rate` updates a second come.

    Other work takes the part `other` of its time, in pieces of `job` seconds in the mean, spread as
    exponentials are.
    """
    # Each draws for itself, so that other work is the same whatever the updates cost.
    lengths = random.Random(1)
    jobs = _arrivals(other / job, random.Random(2))
    updates = _arrivals(rate, random.Random(3))
    next_job, next_update = next(jobs), next(updates)
    free, spent = 0.0, 0.0
    other_waits, others = 0.0, 0
    update_waits, told = 0.0, 0
    while min(next_job, next_update) < seconds:
        if next_job < next_update:
            begin = max(free, next_job)
            other_waits += begin - next_job
            others += 1
            free = begin + lengths.expovariate(1 / job)
            next_job = next(jobs)
            continue
        begin = max(free, next_update)
        batch = 0
        arrived = 0.0
        while next_update <= begin:
            batch += 1
            arrived += next_update
            next_update = next(updates)
        took = cost.of(batch)
        # Those of one batch are done one after another: the mean of them has half of the others before it.
        update_waits += batch * begin - arrived + took * (batch - 1) / 2
        told += batch
        spent += took
        free = begin + took
    return Simulated(spent / seconds, other_waits / max(others, 1), update_waits / max(told, 1))


def _arrivals(rate: float, chance: random.Random) -> Iterator[float]:
    time = 0.0
    while rate > 0:
        time += chance.expovariate(rate)
        yield time
    yield float("inf")
