"""What the module adds to a Synapse of many processes: costs measured here, traffic simulated.

    make scale                    10k, 100k and 1M users online, 5 to 50 processes
    make scale MINUTES=1          an update of each user who is online every minute, not every five

Nobody has a million users at hand, so this is a model, and says so. What is measured, in this process:
what a call of the module costs, and Synapse's own merging of its answer, for batches of 1, 10 and 100
updates to so many recipients; what Synapse then does for each sync of a user who receives everyone, and for
federation, its question to the module included; and the memory that policies and known users take. What is
assumed stands beside the tables. What is simulated is the reactor of one process (`reactor.py`).
"""

from __future__ import annotations

import argparse
import dataclasses
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


@dataclass(frozen=True)
class Costs:
    """Of the module, of Synapse's merging, of a sync of a user who receives everyone, of federation.

    The last two also as they would be if the module knew nothing of what Synapse does with an answer.
    """

    ours: Cost
    merging: Cost
    sync: Cost
    sync_of_all: Cost
    federation: Cost
    federation_of_all: Cost


def costs(policy: Policy) -> Costs:
    senders = min(REMEMBERED // max(policy.own, 1), MOST_SENDERS)
    readers = [callbacks.reader(number) for number in range(max(policy.own * 10, 1))]
    rules = [
        f"send {user('s', sender)} to "
        + ", ".join(readers[(sender * 7 + step * 3) % len(readers)] for step in range(policy.own))
        for sender in range(senders if policy.own else 0)
    ]
    config: dict[str, Any] = {"always_send_to_users": [user("g", number) for number in range(policy.everyone)]}
    if rules:
        config["policy"] = callbacks.policy_file("\n".join(rules) + "\n")
    router = our_router({}, **config)

    everyone = config["always_send_to_users"]
    for each in everyone:
        finished(router.get_interested_users(each))

    turns = itertools.cycle(range(senders))
    found: dict[str, list[tuple[int, float]]] = {field.name: [] for field in dataclasses.fields(Costs)}
    for size in BATCHES:
        first = [state(user("s", next(turns))) for _ in range(size)]
        answer = finished(router.get_users_for_states(first))

        def anew(calls: int, size: int = size) -> list[list[Any]]:
            return [[state(user("s", next(turns))) for _ in range(size)] for _ in range(calls)]

        def each_of_them(calls: int) -> list[str]:
            return list(itertools.islice(itertools.cycle(everyone), calls))

        known, unknown = router._callers, callbacks.nothing_known()
        federation = callbacks.telling_servers(router), anew
        contenders = {
            "ours": (known, router.get_users_for_states, anew),
            "merging": (known, callbacks.merging(answer), anew),
            "federation": (known, *federation),
            "federation_of_all": (unknown, *federation),
        }
        if everyone:
            sync = callbacks.syncing(router, first), each_of_them
            contenders.update(sync=(known, *sync), sync_of_all=(unknown, *sync))
        seconds = _seconds(router, contenders)
        for name, points in found.items():
            points.append((size, seconds.get(name, 0.0)))
        router._callers = known
    return Costs(**{name: Cost(tuple(points)) for name, points in found.items()})


def _seconds(router: Any, contenders: dict[str, tuple[Any, Any, Any]]) -> dict[str, float]:
    """The median of some turns, in each the mean of the calls of each contender, with what it knows of Synapse."""
    calls = 20
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(-1, 15):
        gc.collect()
        for name, (router._callers, callback, make) in contenders.items():
            spent = callbacks._run(callbacks._await_all(callback, make(calls))) / calls
            # The first turn warms up.
            turns[name] += [spent] * (turn >= 0)
    return {name: statistics.median(spent) for name, spent in turns.items()}


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
    print("| recipients of an update | the module | merging | a sync | of all | federation | of all |")
    print("|---" * 7 + "|")
    measured: dict[Policy, Costs] = {}
    for policy in POLICIES:
        cost = measured[policy] = costs(policy)
        parts = (cost.ours, cost.merging, cost.sync, cost.sync_of_all, cost.federation, cost.federation_of_all)
        print(f"| {policy} | {' | '.join(map(_times, parts))} |", flush=True)

    def reactor(rate: float, cost: Cost) -> Simulated:
        return simulate(rate, cost, other=OTHER_WORK, job=OTHER_JOB_SECONDS, seconds=SECONDS)

    alone = reactor(1.0, FREE).other_waits
    print(
        "\nOf one reactor's time, if it serves all who receive everyone; and how long other work waits in the mean"
        f"\n({alone * 1e3:.2f} ms without the module):\n"
    )
    shares: dict[tuple[Policy, int], tuple[float, float, float]] = {}
    for known in (True, False):
        if not known:
            print("\nThe same if every sync were told of all recipients:\n")
        print("| recipients of an update | " + " | ".join(f"{online:,} online" for online in ONLINE) + " |")
        print("|---" * (len(ONLINE) + 1) + "|")
        for policy, cost in measured.items():
            # Each process is told of an update. Whoever receives everyone syncs for each batch.
            told = cost.ours + cost.merging
            serving = told + (cost.sync if known else cost.sync_of_all) * policy.everyone
            cells = []
            for online in ONLINE:
                rate = online / (minutes * 60)
                if OTHER_WORK + rate * serving.of_each() >= FULL:
                    cells.append("too much")
                    continue
                served = reactor(rate, serving)
                cells.append(f"{served.share:.2%}; {served.other_waits * 1e3:.2f} ms")
                if known:
                    # Another process tells other servers, and is asked for that once more.
                    sending = reactor(rate, told + cost.federation).share
                    shares[policy, online] = reactor(rate, told).share, served.share, sending
            print(f"| {policy} | {' | '.join(cells)} |", flush=True)

    print(
        "\nCores that all processes together give to it, for each is told of every update, one serves those who"
        "\nreceive everyone, and one tells other servers:\n"
    )
    print("| recipients of an update | online | " + " | ".join(f"{count} processes" for count in PROCESSES) + " |")
    print("|---" * (len(PROCESSES) + 2) + "|")
    for (policy, online), (told_share, serving_share, sending_share) in shares.items():
        cores = (f"{told_share * (count - 2) + serving_share + sending_share:.2f}" for count in PROCESSES)
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
