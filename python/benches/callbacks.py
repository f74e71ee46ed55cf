"""What the two callbacks cost, beside routers written in Python and beside Synapse's own part.

    make bench-callbacks                    all of it, some minutes
    make bench-callbacks ROWS='1x5 changed' only rows and sections whose name has one of these words
    make bars BARS=3                        only those rows for which a limit was set, beside it

Every contender is awaited as Synapse awaits it (`delay_cancellation`), in one process, in turn, some
calls each time; every batch is of new states, which nobody has hashed before. A figure is the median
time of a call on the processor: what else the machine does meanwhile does not count. The ratio is ours
to theirs, the median of those within each turn, with the middle half of them beside it as the noise.
Nothing is asserted: machines are noisy, only the ratios mean something.

Synapse is installed and run, never copied: its merging is `get_interested_parties` with a router whose
answer is ready.
"""

from __future__ import annotations

import argparse
import functools
import gc
import itertools
import json
import logging
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterable, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes import Api, Source, state  # noqa: E402
from synapse.events.presence_router import PresenceRouter as SynapseRouter  # noqa: E402
from synapse.federation.sender import FederationSender  # noqa: E402
from synapse.handlers.presence import (  # noqa: E402
    PresenceEventSource,
    get_interested_parties,
    get_interested_remotes,
)
from synapse.util.async_helpers import delay_cancellation  # noqa: E402
from synapse_presence_router import PresenceRouter  # noqa: E402
from synapse_presence_router.awaitable import Finished  # noqa: E402
from synapse_presence_router.callers import WHOLE, Callers  # noqa: E402
from twisted.internet.defer import ensureDeferred  # noqa: E402

SIZES = ((1, 5), (10, 100), (1000, 1000), (1, 1000), (1, 10_000), (1, 100_000))
"""Updates in a batch, and recipients of each."""

TURNS = 25
TURN_SECONDS = 0.004
"""About how long one contender is at it before the next has its turn."""

SLOW_SECONDS = 0.1
"""A contender whose call takes longer has fewer turns."""

ROOM = "!named:example.org"

Callback = Callable[[Any], Awaitable[Any]]


def user(kind: str, number: int) -> str:
    return f"@{kind}{number}:example.org"


# Routers as one would write them in Python.


class SharedSet:
    """Sends everything to some users; all of them get one set."""

    def __init__(self, recipients: Iterable[str]) -> None:
        self._recipients = frozenset(recipients)

    async def get_users_for_states(self, state_updates: Iterable[Any]) -> dict[str, set[Any]]:
        return dict.fromkeys(self._recipients, set(state_updates))

    async def get_interested_users(self, user_id: str) -> set[str] | str:
        return "ALL" if user_id in self._recipients else set()


class SetARecipient:
    """The same with a set for each, as the example in Synapse's documentation does it."""

    def __init__(self, recipients: Iterable[str]) -> None:
        self._recipients = list(recipients)

    async def get_users_for_states(self, state_updates: Iterable[Any]) -> dict[str, set[Any]]:
        users_for_states: dict[str, set[Any]] = {}
        for update in state_updates:
            for recipient in self._recipients:
                users_for_states.setdefault(recipient, set()).add(update)
        return users_for_states


class Indexed:
    """Sends each sender to users of their own, and knows both sides of that."""

    def __init__(self, recipients_of: dict[str, list[str]]) -> None:
        self._recipients_of = recipients_of
        self._senders_for: dict[str, set[str]] = {}
        for sender, recipients in recipients_of.items():
            for recipient in recipients:
                self._senders_for.setdefault(recipient, set()).add(sender)

    async def get_users_for_states(self, state_updates: Iterable[Any]) -> dict[str, set[Any]]:
        users_for_states: dict[str, set[Any]] = {}
        for update in state_updates:
            for recipient in self._recipients_of.get(update.user_id, ()):
                users_for_states.setdefault(recipient, set()).add(update)
        return users_for_states

    async def get_interested_users(self, user_id: str) -> set[str] | str:
        return self._senders_for.get(user_id, set())


# Synapse's own part.


class NoRooms:
    async def get_rooms_for_user(self, user_id: str) -> frozenset[str]:
        return frozenset()


def merging(answer: dict[str, set[Any]]) -> Callback:
    """`get_interested_parties` where the module's answer is ready: what is spent whatever a module does."""
    registry = SynapseRouter(None)
    ready = Finished(answer)
    registry.register_presence_router_callbacks(
        get_users_for_states=lambda _: ready, get_interested_users=lambda _: ready
    )
    return lambda states: get_interested_parties(NoRooms(), registry, states)


def merging_interested(callback: Callback) -> Callback:
    """Synapse's list of callbacks with this one in it."""
    registry = SynapseRouter(None)
    registry.register_presence_router_callbacks(get_users_for_states=callback, get_interested_users=callback)
    return registry.get_interested_users


# Ours.


def our_router(rooms: dict[str, list[str]] | None = None, **config: Any) -> Any:
    api: Any = Api(rooms=rooms, cache=True)
    router = PresenceRouter(PresenceRouter.parse_config(config), api)
    router._stop_following()
    api.run_background()
    return router


def come_or_go(store: Any, number: int) -> None:
    (store.join if number % 2 else store.leave)(ROOM, user("n", 0))


def policy_file(text: str) -> str:
    path = Path(SCRATCH) / f"{next(_numbers)}.policy"
    path.write_text(text)
    return str(path)


_numbers = itertools.count()
SCRATCH = ""


# Measuring.


async def _await_all(callback: Callback, arguments: Sequence[Any]) -> float:
    begin = time.thread_time()
    for argument in arguments:
        await delay_cancellation(callback(argument))
    return time.thread_time() - begin


async def _await_all_changed(callback: Callback, arguments: Sequence[Any], change: Callable[[], None]) -> float:
    spent = 0.0
    for argument in arguments:
        change()
        begin = time.thread_time()
        await delay_cancellation(callback(argument))
        spent += time.thread_time() - begin
    return spent


def _run(work: Any) -> float:
    """To its end, as Synapse runs what a request does."""
    results: list[Any] = []
    ensureDeferred(work).addBoth(results.append)
    if not isinstance(results[0], float):
        results[0].raiseException()
    return results[0]


class Row:
    """Contenders for one size, the first of them ours."""

    def __init__(self, name: str, arguments: Callable[[int], Sequence[Any]], changes: Any = None) -> None:
        self.name = name
        self.contenders: dict[str, Callback] = {}
        self._arguments = arguments
        self._changes = changes

    def measure(self) -> None:
        self._print(self.times())

    def times(self) -> dict[str, list[float]]:
        """Seconds of a call of each contender, in each turn."""
        times: dict[str, list[float]] = {name: [] for name in self.contenders}
        calls = {}
        for name, callback in self.contenders.items():
            self._once(name, callback, 1)
            once = min(self._once(name, callback, 1) for _ in range(3))
            calls[name] = max(1, min(200, int(TURN_SECONDS / once)))
            if once > SLOW_SECONDS:
                calls[name] = 0
                times[name] = [once]
        contenders = list(self.contenders.items())
        for turn in range(TURNS):
            gc.collect()
            # Each is the first in turn, whom a collection leaves with cold caches.
            first = turn % len(contenders)
            for name, callback in contenders[first:] + contenders[:first]:
                if calls[name]:
                    times[name].append(self._once(name, callback, calls[name]) / calls[name])
        return times

    def _once(self, name: str, callback: Callback, calls: int) -> float:
        arguments = self._arguments(calls)
        if self._changes is not None and name == OURS:
            return _run(_await_all_changed(callback, arguments, self._changes))
        return _run(_await_all(callback, arguments))

    def _print(self, times: dict[str, list[float]]) -> None:
        ours = times[OURS]
        cells = [f"{self.name:>12}  {OURS} {_microseconds(statistics.median(ours))}"]
        for name, theirs in times.items():
            if name != OURS:
                ratios = [a / b for a, b in zip(ours, theirs, strict=False)]
                low, middle, high = _quartiles(ratios)
                noise = f" [{low:.2f}-{high:.2f}]" if len(ratios) > 1 else ""
                cells.append(f"{name} {_microseconds(statistics.median(theirs))} -> x{middle:.3f}{noise}")
        print(" | ".join(cells), flush=True)


OURS = "this module"


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def _microseconds(seconds: float) -> str:
    micro = seconds * 1e6
    return f"{micro:.2f} us" if micro < 100 else f"{micro / 1000:.2f} ms" if micro >= 10_000 else f"{micro:.0f} us"


def batches(size: int) -> Callable[[int], list[list[Any]]]:
    """Lists of states that nobody has seen, of users who are the same each time."""
    before = [state(user("s", number)) for number in range(size)]
    ticks = itertools.count(1)

    def make(count: int) -> list[list[Any]]:
        return [[old.copy_and_replace(last_active_ts=next(ticks)) for old in before] for _ in range(count)]

    return make


def main(words: Sequence[str]) -> None:
    def wanted(*names: str) -> bool:
        return not words or any(word in name for word in words for name in names)

    for title, changed in (
        ("warm: nothing changed since the last call", None),
        ("user-changed: before each call of ours a user became known", "user"),
        ("room-changed: before each call of ours a user came or went in a room that the policy names", "room"),
    ):
        print(f"\nget_users_for_states, {title}\n")
        for states, recipients in SIZES:
            name = f"{states}x{recipients}"
            if wanted(name, title):
                for_states(name, states, recipients, changed).measure()
    print("\nget_users_for_states, again: the same batch each time, as for each user who receives everyone\n")
    for states, recipients in SIZES[:3]:
        name = f"{states}x{recipients}"
        if wanted(name, "again"):
            for_states(name, states, recipients, None, again=True).measure()
    print("\nget_users_for_states, differing: each update to 10 users of its own\n")
    for states in (1, 10, 1000):
        if wanted(f"{states}x10", "differing"):
            differing(states)
    print("\nsync: Synapse's own part of the /sync of a user who receives everyone, its question included\n")
    for states, recipients in SIZES[:4]:
        for blocked in (False, True):
            name = f"{states}x{recipients}" + " blocked" * blocked
            if wanted(name, "sync"):
                sync(name, states, recipients, blocked).measure()
    print("\nfederation: Synapse tells servers of updates, its question included; one recipient in ten is remote\n")
    for states, recipients in SIZES[:4]:
        name = f"{states}x{recipients}"
        if wanted(name, "federation"):
            federation(name, states, recipients).measure()
    print("\nget_interested_users of a user who receives everyone, of one who receives N users\n")
    for senders in (0, 5, 100, 1000, 10_000, 100_000):
        if wanted("interested", str(senders)):
            interested(senders).measure()


def for_states(name: str, states: int, recipients: int, changed: str | None, again: bool = False) -> Row:
    users = [user("r", number) for number in range(recipients)]
    config: dict[str, Any] = {"always_send_to_users": users}
    if changed == "room":
        config["policy"] = policy_file(f"members of {ROOM} see @pager:example.org\n")
    router = our_router({ROOM: [user("m", 0)]}, **config)
    newcomers = itertools.count(1)
    changes = {
        None: None,
        "user": lambda: router._core.add_users([user("n", next(newcomers))]),
        "room": lambda: come_or_go(router._homeserver._api._store, next(newcomers)),
    }
    make = batches(states)
    if again:
        batch = make(1)[0]
        row = Row(name, lambda calls: [batch] * calls, changes[changed])
    else:
        row = Row(name, make, changes[changed])
    row.contenders[OURS] = router.get_users_for_states
    row.contenders["a shared set"] = SharedSet(users).get_users_for_states
    if changed is None and not again:
        row.contenders["a set each"] = SetARecipient(users).get_users_for_states
        index = Indexed({user("s", number): users for number in range(states)})
        row.contenders["indexed"] = index.get_users_for_states
    answer = dict.fromkeys(users, set(batches(states)(1)[0]))
    row.contenders["Synapse's merging"] = merging(answer)
    return row


def sync(name: str, states: int, recipients: int, blocked: bool) -> Row:
    """All who receive everyone sync for one batch, whose first sender may be blocked and in a room with them."""
    users = [user("r", number) for number in range(recipients)]
    batch = batches(states)(1)[0]
    rooms = {ROOM: [*users, batch[0].user_id]}
    rules = policy_file(f"block {batch[0].user_id}\n" * blocked)
    routers = [our_router(rooms, always_send_to_users=users, policy=rules) for _ in range(2)]
    for router in routers:
        for each in users:
            _run(_await_all(router.get_interested_users, [each]))
    routers[1]._callers = nothing_known()
    row = Row(name, lambda calls: list(itertools.islice(itertools.cycle(users), calls)))
    row.contenders[OURS] = syncing(routers[0], batch)
    row.contenders["the whole answer"] = syncing(routers[1], batch)
    if not blocked:
        # It knows no rooms, so it could not give room mates back.
        row.contenders["a shared set"] = syncing(SharedSet(users), batch)
    return row


def syncing(router: Any, batch: list[Any]) -> Callback:
    registry = SynapseRouter(None)
    registry.register_presence_router_callbacks(
        get_users_for_states=router.get_users_for_states, get_interested_users=router.get_interested_users
    )
    source = Source(registry, batch)
    return lambda who: PresenceEventSource._filter_all_presence_updates_for_user(source, who, True, 1)


def federation(name: str, states: int, recipients: int) -> Row:
    users = [reader(number) for number in range(recipients)]
    row = Row(name, batches(states))
    routers = [our_router(always_send_to_users=users) for _ in range(2)]
    routers[1]._callers = nothing_known()
    row.contenders[OURS] = telling_servers(routers[0])
    row.contenders["the whole answer"] = telling_servers(routers[1])
    row.contenders["a shared set"] = telling_servers(SharedSet(users))
    return row


def reader(number: int) -> str:
    """One in ten is on another server."""
    return user("r", number) if number % 10 else f"@r{number}:server{number % 7}.org"


def nothing_known() -> Callers:
    """As of a Synapse of which it is not known what it does with an answer."""
    known = Callers()
    known.wanted = lambda _: WHOLE  # type: ignore[method-assign]
    return known


def telling_servers(router: Any) -> Callback:
    registry = SynapseRouter(None)
    registry.register_presence_router_callbacks(
        get_users_for_states=router.get_users_for_states, get_interested_users=router.get_interested_users
    )
    sender = Sender()

    async def tell(states: list[Any]) -> None:
        for servers, given in await get_interested_remotes(NoRooms(), registry, states):
            await FederationSender.send_presence_to_destinations(sender, given, servers)

    return tell


class Sender:
    """A `FederationSender` up to where it waits for its database or has something to send."""

    def __init__(self) -> None:
        self.hs = self.config = self.server = self.store = self.clock = self._federation_shard_config = self
        self.track_presence, self._instance_name = True, "master"

    def is_mine_id(self, user_id: str) -> bool:
        return True

    def is_mine_server_name(self, server: str) -> bool:
        return server == "example.org"

    def should_handle(self, instance: str, server: str) -> bool:
        return True

    def time_msec(self) -> int:
        return 0

    async def get_destination_retry_timings_batch(self, servers: list[str]) -> dict[str, None]:
        return dict.fromkeys(servers)

    def _get_per_destination_queue(self, server: str) -> None:
        return None


def bars(path: Path) -> None:
    """Adds the rows for which a limit was set to a file of JSON lines, as `benches/bars` does."""
    shared, merged = ("a shared set", 1.0), ("Synapse's merging", 0.1)
    rows: list[tuple[str, Callable[[], Row], str, float]] = []
    for number, (states, recipients) in enumerate(SIZES):
        what = f"`get_users_for_states`, updates x recipients {states} x {recipients}"
        name = f"{states}x{recipients}"
        make = functools.partial(for_states, name, states, recipients, None)
        rows.append((what, make, *(shared if number < 3 else merged)))
    everyone = "`get_interested_users`, a user who receives everyone"
    rows.append((everyone, functools.partial(interested, 0), *shared))
    for senders in (1000, 10_000, 100_000):
        what = f"`get_interested_users`, a user who receives {senders}"
        rows.append((what, functools.partial(interested, senders), *merged))
    with path.open("a") as file:
        for what, make, theirs, limit in rows:
            print(f"bar 3: {what} ...", file=sys.stderr, flush=True)
            times = make().times()
            ratio = statistics.median(a / b for a, b in zip(times[OURS], times[theirs], strict=False))
            told = {
                "bar": 3,
                "what": f"{what}, to {theirs}",
                "figure": _microseconds(statistics.median(times[OURS])),
                "ratio": ratio,
                "limit": f"{limit:g}x",
                "met": ratio <= limit,
            }
            print(json.dumps(told), file=file, flush=True)


def differing(states: int) -> None:
    recipients_of = {
        user("s", number): [user("r", (number * 7 + step * step) % 1000) for step in range(10)]
        for number in range(states)
    }
    rules = (f"send {sender} to {', '.join(readers)}\n" for sender, readers in recipients_of.items())
    router = our_router(policy=policy_file("".join(rules)))
    row = Row(f"{states}x10", batches(states))
    row.contenders[OURS] = router.get_users_for_states
    row.contenders["indexed"] = Indexed(recipients_of).get_users_for_states
    batch = batches(states)(1)[0]
    answer: dict[str, set[Any]] = {}
    for update in batch:
        for recipient in recipients_of[update.user_id]:
            answer.setdefault(recipient, set()).add(update)
    row.contenders["Synapse's merging"] = merging(answer)
    row.measure()


def interested(senders: int) -> Row:
    watcher = "@watcher:example.org"
    row = Row(f"{senders} users" if senders else "everyone", lambda calls: [watcher] * calls)
    if not senders:
        config: dict[str, Any] = {"always_send_to_users": [watcher]}
        plain: Any = SharedSet([watcher])
        answer: Any = "ALL"
    else:
        users = [user("s", number) for number in range(senders)]
        config = {"policy": policy_file(f"{watcher} sees {', '.join(users)}\n")}
        plain = Indexed(dict.fromkeys(users, [watcher]))
        answer = set(users)
    router = our_router(**config)
    # What is asked for here is dropped unread, so the module may be told what it found out of Synapse.
    router._only_reads = _await_all.__code__
    row.contenders[OURS] = router.get_interested_users
    row.contenders["indexed" if senders else "a shared set"] = plain.get_interested_users
    ready = Finished(answer)
    row.contenders["Synapse's merging"] = merging_interested(lambda _: ready)
    router = our_router(**config)
    row.contenders["merging and this module"] = merging_interested(router.get_interested_users)
    row.contenders["this module for anyone"] = router.get_interested_users
    return row


if __name__ == "__main__":
    import tempfile

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="only rows and sections whose name has one of these words")
    parser.add_argument("--bars", type=Path, metavar="FILE", help="add the rows that have a limit to this file")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    # It has opinions on a second cache of one name, which each router here has.
    logging.getLogger("synapse.util.metrics").disabled = True
    with tempfile.TemporaryDirectory() as SCRATCH:
        if asked.bars is None:
            main(asked.words)
        else:
            bars(asked.bars)
