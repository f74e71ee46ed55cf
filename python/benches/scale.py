"""What the module adds to a Synapse of many processes: costs measured here, traffic simulated.

    make scale                    10k, 100k and 1M users online, 5 to 50 processes
    make scale MINUTES=1          an update of each user who is online every minute, not every five

Nobody has a million users at hand, so this is a model, and says so. What is measured, in this process:
what a call of the module costs, and Synapse's own merging of its answer, for batches of 1 and 100 updates
to so many recipients; and the memory that policies and known users take. What is assumed stands beside
the tables. What is simulated is the reactor of one process: updates arrive at random, one after another,
and wait while it is busy with other work or with the updates before; those that waited together come to
the module as one batch, as they do by replication.
"""

from __future__ import annotations

import argparse
import gc
import logging
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any, Iterator

import callbacks
from callbacks import batches, our_router, user
from fakes import finished

ONLINE = (10_000, 100_000, 1_000_000)
PROCESSES = (5, 10, 20, 50)

OTHER_WORK = 0.4
"""The part of a reactor's time that other work takes."""
OTHER_JOB_SECONDS = 0.002
"""What one piece of other work takes, in the mean."""
LEAST_SECONDS = 60.0
LEAST_UPDATES = 40_000
"""How much is simulated."""
FULL = 0.95
"""A reactor that is busier than this does not keep up."""

BATCH = 100
SENDERS = 1_000


@dataclass(frozen=True)
class Policy:
    """So many users who receive everyone, and so many recipients of its own for each sender."""

    everyone: int
    own: int

    def __str__(self) -> str:
        return f"{self.own} own, {self.everyone} of everyone"


POLICIES = (Policy(5, 0), Policy(0, 5), Policy(5, 40), Policy(20, 100), Policy(50, 300))


@dataclass(frozen=True)
class Cost:
    """Seconds of a call: those of any, and those of each update in its batch."""

    call: float
    update: float

    def of(self, updates: int) -> float:
        return self.call + self.update * updates


def costs(policy: Policy) -> tuple[Cost, Cost, Cost]:
    """Of the module, of the module when it is asked about the same batch again, and of Synapse's merging."""
    readers = [user("r", number) for number in range(max(policy.own * 10, 1))]
    rules = [
        f"send {user('s', sender)} to "
        + ", ".join(readers[(sender * 7 + step * 3) % len(readers)] for step in range(policy.own))
        for sender in range(SENDERS if policy.own else 0)
    ]
    config: dict[str, Any] = {"always_send_to_users": [user("g", number) for number in range(policy.everyone)]}
    if rules:
        config["policy"] = callbacks.policy_file("\n".join(rules) + "\n")
    router = our_router({}, **config)

    ours, again, merging = [], [], []

    def same(calls: int) -> list[list[Any]]:
        return [batch] * calls

    for size in (1, BATCH):
        make = batches(size)
        answer = finished(router.get_users_for_states(make(1)[0]))
        ours.append(_seconds(router.get_users_for_states, make))
        batch = make(1)[0]
        again.append(_seconds(router.get_users_for_states, same))
        merging.append(_seconds(callbacks.merging(answer), make))
    return _line(*ours), _line(*again), _line(*merging)


def _seconds(callback: Any, make: Any) -> float:
    """The median of some turns, in each the mean of its calls."""
    calls = 20
    callbacks._run(callbacks._await_all(callback, make(2)))
    turns = []
    for _ in range(15):
        arguments = make(calls)
        gc.collect()
        turns.append(callbacks._run(callbacks._await_all(callback, arguments)) / calls)
    return statistics.median(turns)


def _line(one: float, many: float) -> Cost:
    update = max(0.0, (many - one) / (BATCH - 1))
    return Cost(max(0.0, one - update), update)


def simulate(rate: float, cost: Cost) -> tuple[float, float]:
    """The part of its time that a reactor gives to the updates, and how long other work waited in the mean.

    `cost` is what a batch takes: the module's calls and the merging of what it answered.
    """
    until = max(LEAST_SECONDS, LEAST_UPDATES / rate)
    # Each draws for itself, so that other work is the same whatever the updates cost.
    lengths = random.Random(1)
    jobs = _arrivals(OTHER_WORK / OTHER_JOB_SECONDS, random.Random(2))
    updates = _arrivals(rate, random.Random(3))
    job, update = next(jobs), next(updates)
    free, spent = 0.0, 0.0
    waited: list[float] = []
    while min(job, update) < until:
        if job < update:
            begin = max(free, job)
            waited.append(begin - job)
            free = begin + lengths.expovariate(1 / OTHER_JOB_SECONDS)
            job = next(jobs)
            continue
        # Updates that came while the reactor was busy are one batch.
        begin = max(free, update)
        batch = 0
        while update <= begin:
            batch += 1
            update = next(updates)
        took = cost.of(batch)
        spent += took
        free = begin + took
    return spent / until, statistics.fmean(waited)


def _arrivals(rate: float, chance: random.Random) -> Iterator[float]:
    time = 0.0
    while True:
        time += chance.expovariate(rate)
        yield time


def memory(known: int, named: int) -> float:
    """MiB that a process takes for so many known users, and for a policy that names so many in groups."""
    script = f"""
import resource, sys
sys.path[:0] = {sys.path!r}
import callbacks, tempfile
def taken():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * resource.getpagesize()
with tempfile.TemporaryDirectory() as callbacks.SCRATCH:
    router = callbacks.our_router({{}}, always_send_to_users=['@first:example.org'])
    before = taken()
    groups = ''.join(
        f'group g{{at}} = ' + ', '.join(f'@named{{n}}:example.org' for n in range(at, at + 500)) + '\\n'
        f'members of !r{{at}}:example.org see group g{{at}}\\n' for at in range(0, {named}, 500)
    )
    if groups:
        router = callbacks.our_router({{}}, policy=callbacks.policy_file(groups))
    for at in range(0, {known}, 2000):
        router._core.add_users([callbacks.user('u', n) for n in range(at, min(at + 2000, {known}))])
    print(taken() - before)
"""
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return int(told.stdout) / 2**20


def main(minutes: float) -> None:
    print(
        f"An update of each user who is online every {minutes:g} minutes; other work takes "
        f"{OTHER_WORK:.0%} of each reactor's time.\n"
    )
    print("| recipients of an update | a call | each update | asked again | merging: a call | each update |")
    print("|---|---|---|---|---|---|")
    total: dict[Policy, tuple[Cost, Cost]] = {}
    for policy in POLICIES:
        ours, again, merging = costs(policy)
        # Whoever receives everyone syncs for each batch, and each sync asks about it again.
        told = Cost(ours.call + merging.call, ours.update + merging.update)
        syncs = policy.everyone
        total[policy] = told, Cost(told.call + again.call * syncs, told.update + again.update * syncs)
        cells = (_time(cost) for cost in (ours.call, ours.update, again.of(1), merging.call, merging.update))
        print(f"| {policy} | {' | '.join(cells)} |", flush=True)

    print(
        "\nOf one reactor's time, if it serves all who receive everyone; and how long other work waits in the mean,"
        "\nwithout and with it:\n"
    )
    print("| recipients of an update | " + " | ".join(f"{online:,} online" for online in ONLINE) + " |")
    print("|---" * (len(ONLINE) + 1) + "|")
    shares = {}
    for policy, (told, cost) in total.items():
        cells = []
        for online in ONLINE:
            rate = online / (minutes * 60)
            if OTHER_WORK + rate * cost.update >= FULL:
                cells.append("too much")
                continue
            _, before = simulate(rate, Cost(0.0, 0.0))
            share, after = simulate(rate, cost)
            shares[policy, online] = simulate(rate, told)[0], share
            cells.append(f"{share:.2%}; {before * 1e3:.2f}, {after * 1e3:.2f} ms")
        print(f"| {policy} | {' | '.join(cells)} |", flush=True)

    print("\nCores that all processes together give to it, for each is told of every update, and one asks again:\n")
    print("| recipients of an update | online | " + " | ".join(f"{count} processes" for count in PROCESSES) + " |")
    print("|---" * (len(PROCESSES) + 2) + "|")
    for (policy, online), (told_share, share) in shares.items():
        cores = (f"{told_share * (count - 1) + share:.2f}" for count in PROCESSES)
        print(f"| {policy} | {online:,} | {' | '.join(cores)} |")

    print("\nMemory of one process:\n")
    print("| known users | users named in groups | MiB |\n|---|---|---|")
    for known, named in ((10_000, 1_000), (100_000, 10_000), (1_000_000, 100_000)):
        print(f"| {known:,} | {named:,} | {memory(known, named):.0f} |", flush=True)


def _time(seconds: float) -> str:
    return callbacks._microseconds(seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="between two updates of a user who is online")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    logging.getLogger("synapse.util.metrics").disabled = True
    with tempfile.TemporaryDirectory() as callbacks.SCRATCH:
        main(asked.minutes)
