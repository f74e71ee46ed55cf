"""Which code of Synapse's asks us, and what it does with what it gets.

- Of a `set` nothing but a look at every member tells that nobody changed it, so one that may be handed out again
  is copied. Not so if whoever gets it only reads it and lets go of it, as Synapse's list of callbacks does.
- Synapse's ``/sync`` of a user who receives everyone asks who receives a batch, and takes that user's part of
  the answer. Nobody else's need be made, nor merged by Synapse.
- Synapse's federation asks who receives a batch, and tells their servers, which costs 15 us a recipient. Of each
  server one is enough.
- Synapse wakes the ``/sync`` of everyone who is named when something changed. Whoever is named only because they
  receive everyone, and gets nothing of this, may sleep on.

Whether the Synapse at hand does so is found out when the module starts, by having its code ask; that it is
this code that asks is told by the frames of each call, which nothing can leave behind for another.

Law: what is not known for certain is not so. Anyone else is given the whole answer, theirs to keep and to change.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType, SimpleNamespace
from typing import Any, Callable, Coroutine, NamedTuple

from ._core import one_of_each_server
from .awaitable import Finished

REGISTRY = "synapse.events.presence_router"
HANDLER = "synapse.handlers.presence"

PROBE = "@probe:example.org"


class Wanted(NamedTuple):
    only: str | None = None
    """The user whose part alone is wanted."""
    of_each_server: bool = False
    """Whether one user of each server is enough."""
    who_get_nothing: bool = True
    """Whether users are wanted who get nothing."""


WHOLE = Wanted()
ONE_OF_EACH_SERVER = Wanted(of_each_server=True)
WHO_GETS_ANYTHING = Wanted(who_get_nothing=False)


class Callers:
    """What is known of the Synapse at hand."""

    def __init__(self) -> None:
        self.only_reads = _found(_code_that_only_reads)
        """The code that asks `get_interested_users` for Synapse, if it leaves a set it gets as it is."""
        self._passes_on = _found(_code_that_passes_on)
        self._takes_one = _found(_code_that_takes_one)
        self._tells_servers = _found(_code_that_tells_servers)
        self._wakes = _found(_code_that_wakes)

    def wanted(self, caller: FrameType) -> Wanted:
        """What is wanted of `get_users_for_states`."""
        asks = caller.f_back
        if caller.f_code is self._passes_on and asks is not None:
            if asks.f_code is self._wakes:
                return WHO_GETS_ANYTHING
            if asks.f_code is self._takes_one:
                user = asks.f_locals["user_id"]
                return Wanted(only=user) if type(user) is str else WHOLE
            if asks.f_code is self._tells_servers:
                return ONE_OF_EACH_SERVER
        return WHOLE


def _found(look: Callable[[], CodeType | None]) -> CodeType | None:
    try:
        return look()
    except Exception:
        # There is no Synapse, or it is another than we know.
        return None


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of what does not wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("it waits")


# Synapse's list of callbacks.


def _registry() -> Any:
    # Where Synapse runs it has been imported.
    return sys.modules[REGISTRY].PresenceRouter


def _code_that_only_reads() -> CodeType | None:
    code: CodeType = _registry().get_interested_users.__code__
    alone, together = [_Given("a")], [_Given("b"), _Given("c")]
    return code if all(_only_reads(code, given) for given in (alone, together)) else None


class _Given:
    """Callbacks that hand out one set, and see by whom they are asked and what becomes of the set."""

    def __init__(self, name: str) -> None:
        self.mine = {f"@{name}:example.org", f"@{name}:example.com"}
        self.members = frozenset(self.mine)
        self.finished = Finished(self.mine)
        self.holders = sys.getrefcount(self.mine)
        self.by_user = {PROBE: {name}, "@other:example.org": {name, "more"}}
        self.asked_by: list[Any] = []

    def states(self, states: Any) -> Finished[dict[str, set[str]]]:
        caller = sys._getframe(1)
        self.asked_by.append((caller.f_code, caller.f_back and caller.f_back.f_code, states))
        return Finished(self.by_user)

    def interested(self, user_id: str) -> Finished[set[str]]:
        self.asked_by.append(sys._getframe(1).f_code)
        return self.finished


def _asking(given: list[_Given]) -> Any:
    registry = _registry()(None)
    for one in given:
        registry.register_presence_router_callbacks(
            get_users_for_states=one.states, get_interested_users=one.interested
        )
    return registry


def _only_reads(code: CodeType, given: list[_Given]) -> bool:
    made = _run(_asking(given).get_interested_users(PROBE))  # noqa: F841 - it may be the set itself
    return all(
        one.asked_by == [code] and one.mine == one.members and sys.getrefcount(one.mine) == one.holders for one in given
    )


def _code_that_passes_on() -> CodeType | None:
    """That which asks `get_users_for_states`, if each user is told what the callbacks say of them."""
    code: CodeType = _registry().get_users_for_states.__code__
    states, given = ["state"], [_Given("a"), _Given("b")]

    async def ask() -> Any:
        return await _asking(given).get_users_for_states(states)

    asked_by = [(code, ask.__code__, states)]
    expected = {PROBE: {"a", "b"}, "@other:example.org": {"a", "b", "more"}}
    return code if _run(ask()) == expected and all(one.asked_by == asked_by for one in given) else None


# Synapse's `/sync` of a user who receives everyone.


def _code_that_takes_one() -> CodeType | None:
    """That of `/sync`, if it takes nothing of the answer but the part of the user in its `user_id`."""
    work = sys.modules[HANDLER].PresenceEventSource._filter_all_presence_updates_for_user
    code: CodeType = work.__code__
    for online in (True, False):
        for since in (None, 7):
            for hit in (True, False):
                server = _Server(hit)
                if _run(work(server, PROBE, online, since)) != ["state"] or server.asked != [PROBE]:
                    return None
    return code


class _Server:
    """As much of a Synapse as `/sync` may touch, and an answer that it may only take one user's part of."""

    def __init__(self, hit: bool) -> None:
        self.store = self.presence_stream_cache = self
        self.get_presence_handler = self.get_presence_router = lambda: self
        self.asked: list[Any] = []
        self._hit = hit

    def get_all_entities_changed(self, since: int) -> Any:
        return SimpleNamespace(hit=self._hit, entities=["@changed:example.org"])

    async def current_state_for_users(self, users: Any) -> dict[str, str]:
        return dict.fromkeys(users, "state")

    async def get_presence_for_all_users(self, include_offline: bool) -> dict[str, str]:
        return {"@all:example.org": "state"}

    def _filter_offline_presence_state(self, updates: Any) -> Any:
        return updates

    async def get_users_for_states(self, states: list[str]) -> Any:
        if sys._getframe(1).f_locals["user_id"] != PROBE or states != ["state"]:
            raise RuntimeError("whose part is wanted is not to be told")
        return _Parts(self.asked)


class _Parts:
    """Has nothing but parts by user, and notes whose are taken."""

    def __init__(self, asked: list[Any]) -> None:
        self._asked = asked

    def __getitem__(self, user: Any) -> set[str]:
        self._asked.append(user)
        return {"state"}


# Synapse's federation, and its notifier.


def _code_that_tells_servers() -> CodeType | None:
    """That which asks whom to tell, if it is the same to it which users of a server are named."""
    work = sys.modules[HANDLER].get_interested_remotes
    whole = {"@a:one": {1, 2}, "@b:one": {2, 3}, "@c:two": {1}, "@d:two": set(), "@e:three": set()}
    for answer in (whole, one_of_each_server(whole)):
        told: dict[str, set[Any]] = {}
        for servers, states in _run(work(_Rooms(), _Answers(answer), [SimpleNamespace(user_id=PROBE)])):
            for server in servers if states else ():
                told.setdefault(server, set()).update(state for state in states if type(state) is int)
        if told != {"one": {1, 2, 3}, "two": {1}, "room": set()}:
            return None
    return work.__code__  # type: ignore[no-any-return]


def _code_that_wakes() -> CodeType | None:
    """That which asks whom to wake, if it does nothing else with users who get nothing."""
    work = sys.modules[HANDLER].get_interested_parties
    some, nothing = {"@a:one": {1, 2}, "@b:one": {2}}, {"@c:one": set()}
    for answer in ({**some, **nothing}, some):
        rooms, users = _run(work(_Rooms(), _Answers(answer), [SimpleNamespace(user_id=PROBE)]))
        told = {user: {state for state in states if type(state) is int} for user, states in users.items()}
        if rooms.keys() != {"!room"} or told != {PROBE: set(), **dict.fromkeys(answer, set()), **some}:
            return None
    return work.__code__  # type: ignore[no-any-return]


class _Rooms:
    """As much of Synapse's store as may be looked at."""

    async def get_rooms_for_user(self, user_id: str) -> frozenset[str]:
        return frozenset(["!room"])

    async def get_current_hosts_in_room(self, room_id: str) -> frozenset[str]:
        return frozenset(["room"])


class _Answers:
    """A list of callbacks with an answer."""

    def __init__(self, answer: dict[str, set[Any]]) -> None:
        self._answer = answer

    async def get_users_for_states(self, states: Any) -> dict[str, set[Any]]:
        return self._answer
