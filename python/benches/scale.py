"""What the module adds to a Synapse of many processes: costs measured here, traffic simulated.

    make scale                    10k, 100k and 1M users online, 5 to 50 processes
    make scale MINUTES=1          an update of each user who is online every minute, not every five

Nobody has a million users at hand, so this is a model, and says so. What is measured, in this process:
what a call of the module costs, and Synapse's own merging of its answer, for batches of 1, 10 and 100
updates to so many recipients; and the memory that policies and known users take. What is assumed stands
beside the tables. What is simulated is the reactor of one process (`reactor.py`).
"""

from __future__ import annotations

import argparse
import gc
import itertools
import logging
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

import callbacks
from callbacks import our_router, user
from fakes import finished, state
from reactor import FREE, Cost, Simulated, simulate

ONLINE = (10_000, 100_000, 1_000_000)
PROCESSES = (5, 10, 20, 50)

OTHER_WORK = 0.4
"""The part of a reactor's time that other work takes."""
OTHER_JOB_SECONDS = 0.002
"""What one piece of other work takes, in the mean."""
SECONDS = 600.0
"""How long a reactor is simulated."""
FULL = 0.95
"""A reactor that is busier than this does not keep up."""

BATCHES = (1, 10, 100)
"""Updates in the batches that are measured."""
REMEMBERED = 1_200_000
"""More recipients than the module remembers. So many senders have them that it has forgotten one whose turn
comes again."""
MOST_SENDERS = 100_000


@dataclass(frozen=True)
class Policy:
    """So many users who receive everyone, and so many recipients of its own for each sender."""

    everyone: int
    own: int

    def __str__(self) -> str:
        return f"{self.own} own, {self.everyone} of everyone"


POLICIES = (Policy(5, 0), Policy(0, 5), Policy(5, 40), Policy(20, 100), Policy(50, 300))


def costs(policy: Policy) -> tuple[Cost, Cost, Cost]:
    """Of the module, of the module when it is asked about the same batch again, and of Synapse's merging."""
    senders = min(REMEMBERED // max(policy.own, 1), MOST_SENDERS)
    readers = [user("r", number) for number in range(max(policy.own * 10, 1))]
    rules = [
        f"send {user('s', sender)} to "
        + ", ".join(readers[(sender * 7 + step * 3) % len(readers)] for step in range(policy.own))
        for sender in range(senders if policy.own else 0)
    ]
    config: dict[str, Any] = {"always_send_to_users": [user("g", number) for number in range(policy.everyone)]}
    if rules:
        config["policy"] = callbacks.policy_file("\n".join(rules) + "\n")
    router = our_router({}, **config)

    turns = itertools.cycle(range(senders))
    ours, again, merging = [], [], []
    for size in BATCHES:
        first = [state(user("s", next(turns))) for _ in range(size)]
        answer = finished(router.get_users_for_states(first))

        def anew(calls: int, size: int = size) -> list[list[Any]]:
            return [[state(user("s", next(turns))) for _ in range(size)] for _ in range(calls)]

        def same(calls: int, batch: list[Any] = first) -> list[list[Any]]:
            return [batch] * calls

        ours.append((size, _seconds(router.get_users_for_states, anew)))
        again.append((size, _seconds(router.get_users_for_states, same)))
        merging.append((size, _seconds(callbacks.merging(answer), anew)))
    return Cost(tuple(ours)), Cost(tuple(again)), Cost(tuple(merging))


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
    print("| recipients of an update | the module | asked again | merging |")
    print("|---|---|---|---|")
    total: dict[Policy, tuple[Cost, Cost]] = {}
    for policy in POLICIES:
        ours, again, merging = costs(policy)
        # Whoever receives everyone syncs for each batch, and each sync asks about it again.
        told = ours + merging
        total[policy] = told, told + again * policy.everyone
        print(f"| {policy} | {_times(ours)} | {_times(again)} | {_times(merging)} |", flush=True)

    def reactor(rate: float, cost: Cost) -> Simulated:
        return simulate(rate, cost, other=OTHER_WORK, job=OTHER_JOB_SECONDS, seconds=SECONDS)

    alone = reactor(1.0, FREE).other_waits
    print(
        "\nOf one reactor's time, if it serves all who receive everyone; and how long other work waits in the mean"
        f"\n({alone * 1e3:.2f} ms without the module):\n"
    )
    print("| recipients of an update | " + " | ".join(f"{online:,} online" for online in ONLINE) + " |")
    print("|---" * (len(ONLINE) + 1) + "|")
    shares = {}
    for policy, (told, cost) in total.items():
        cells = []
        for online in ONLINE:
            rate = online / (minutes * 60)
            if OTHER_WORK + rate * cost.of_each() >= FULL:
                cells.append("too much")
                continue
            serving = reactor(rate, cost)
            shares[policy, online] = reactor(rate, told).share, serving.share
            cells.append(f"{serving.share:.2%}; {serving.other_waits * 1e3:.2f} ms")
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


def _times(cost: Cost) -> str:
    return ", ".join(f"{seconds * 1e6:,.1f}" for _, seconds in cost.points) + " us"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="between two updates of a user who is online")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    logging.getLogger("synapse.util.metrics").disabled = True
    with tempfile.TemporaryDirectory() as callbacks.SCRATCH:
        main(asked.minutes)
