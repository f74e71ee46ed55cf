"""The module that Synapse loads: configuration, the two callbacks, what the log says.

Laws:

- A callback never raises, never waits for a file, the network or a lock, and returns exactly the
  types Synapse checks for. If something fails it says so in the log, and answers what is safe.
- Whoever was answered "ALL" is a key of what `get_users_for_states` returns. Synapse takes a missing
  key for a server error, and the user's ``/sync`` fails.
- "ALL" makes Synapse forget the rooms that the user shares. A policy never undoes what sharing a room
  gives, so for these users the senders who share a room with them are added, and they themselves.

Not for: who sees whom (`_core`), what Synapse knows (`homeserver`).
"""

from __future__ import annotations

import logging
import sys
import threading
import weakref
from typing import AbstractSet as Set
from typing import Any, Awaitable, Callable, Iterable, Mapping, TypeVar

from . import _core
from . import config as configuration
from .awaitable import Finished, begin
from .callers import WHOLE, Callers
from .complaints import Complaints
from .config import Config
from .facts import Facts
from .homeserver import Homeserver

logger = logging.getLogger("synapse_presence_router")

T = TypeVar("T")

ALL_USERS = "ALL"
"""`synapse.module_api.PRESENCE_ALL_USERS`, which Synapse compares by value."""

ATTEMPTS = 5
"""How often a callback starts anew because the policy changed while it read facts for the old one."""

ROOM_WORTH = 10
"""Above how many users for each room the members of rooms are looked at, not the rooms of users."""

MEMBERS_WORTH = 100
"""Unless a room has more members than this for each user: a look at one costs as much."""

STATUS_SECONDS = 10.0
"""How often to look how changes are noticed."""

STATUS_RECORDS = {
    "live": (logging.INFO, "changes of the presence policy are noticed at once again: %s"),
    "degraded": (
        logging.WARNING,
        "the system gives no events for %s, changes of the presence policy are looked for every second"
        " (see /proc/sys/fs/inotify)",
    ),
    "stopped": (logging.ERROR, "changes of the presence policy are no longer noticed: %s"),
}


class PresenceRouter:
    """Routes presence by policy files.

    Under ``modules:`` Synapse calls ``PresenceRouter(config, api)``, and the callbacks are registered
    here. Under the old ``presence.presence_router:`` it calls ``PresenceRouter(config=...,
    module_api=...)``, finds the two methods by their names and registers them itself.

    Args:
        config: what `parse_config` returned (or its argument).
        api: a `synapse.module_api.ModuleApi`.
        module_api: the same in the old form.

    Raises:
        synapse.module_api.errors.ConfigError: the policy does not load.
    """

    def __init__(self, config: Config | Mapping[str, Any], api: Any = None, *, module_api: Any = None) -> None:
        if not isinstance(config, Config):
            config = self.parse_config(config)
        self._config = config
        self._complaints = Complaints()
        self._homeserver = Homeserver(api if api is not None else module_api, self._complaints)
        server_name = self._homeserver.server_name
        try:
            core = _core.Core(config.policy, config.inline(server_name), server_name)
        except _core.PolicyError as error:
            configuration.policy_does_not_load(config, error)
        self._core = core
        self._facts = Facts(core, self._homeserver, self._complaints)
        self._answered_all: set[str] = set()
        self._callers = Callers()
        self._only_reads = self._callers.only_reads

        _log_start(config, core)
        self._follow_the_policy()
        self._facts.start()
        if module_api is None:
            self._homeserver.register(
                get_users_for_states=self.get_users_for_states,
                get_interested_users=self.get_interested_users,
            )

    @staticmethod
    def parse_config(config: Any) -> Config:
        """Checks the whole configuration, the policy included. Starts nothing.

        Raises:
            synapse.module_api.errors.ConfigError: with every problem found.
        """
        return configuration.parse(config)

    # The callbacks.

    def get_users_for_states(self, state_updates: Iterable[Any]) -> Awaitable[dict[str, set[Any]]]:
        """Who receives which of these `UserPresenceState` updates beyond those who share a room.

        Returns an awaitable of recipient -> updates. Recipients with equal answers share one set.
        """
        try:
            wanted = self._callers.wanted(sys._getframe(1))
        except Exception:
            wanted = WHOLE  # no code of Python's called, or nobody knows what it wants
        try:
            states = state_updates if type(state_updates) is list else list(state_updates)
        except Exception as error:
            self._failed("get_users_for_states was given no updates", error)
            states = []
        try:
            senders = [state.user_id for state in states]
        except Exception:
            # Something among them is no state: the engine finds out what.
            senders = None
        try:
            if wanted.only is not None and senders is not None:
                answer = self._only_for(wanted.only, states, senders)
                if answer is not None:
                    return answer
            answer = self._whole(states, senders, wanted.who_get_nothing)
            return begin(self._of_each_server(answer)) if wanted.of_each_server else answer
        except Exception as error:
            return Finished(self._no_users_for_states(error))

    def get_interested_users(self, user_id: str) -> Awaitable[set[str] | str]:
        """Whose presence this user receives beyond that of users who share a room.

        Returns an awaitable of a set of user IDs, the caller's own, or of "ALL".
        """
        try:
            only_reads = sys._getframe(1).f_code is self._only_reads
        except ValueError:
            only_reads = False  # no code of Python's called
        try:
            answer = self._core.interested_now(user_id, only_reads)
            if type(answer) is Finished:
                return answer
            if answer is not None:
                return Finished(self._remember(user_id, answer))
            return begin(self._interested_users(user_id))
        except Exception as error:
            return Finished(self._no_interested_users(error))

    def _only_for(self, user: str, states: list[Any], senders: list[Any]) -> Awaitable[dict[str, set[Any]]] | None:
        part = self._core.route_only_for(states, senders, user)
        if part is None:
            return None
        received, withheld = part
        if not withheld:
            return Finished({user: received})
        return begin(self._with_room_mates({user: received}, [([user], withheld)]))

    def _whole(
        self, states: list[Any], senders: list[Any] | None, who_get_nothing: bool
    ) -> Awaitable[dict[str, set[Any]]]:
        answer = self._core.route_now(states, senders)
        if type(answer) is dict:
            # Nothing is withheld, so nobody gets nothing.
            return Finished(answer)
        if answer is not None:
            return begin(self._with_room_mates(*answer, who_get_nothing))
        # A copy: the caller may change theirs while we wait.
        return begin(self._users_for_states(list(states), senders, who_get_nothing))

    async def _of_each_server(self, whole: Awaitable[dict[str, set[Any]]]) -> dict[str, set[Any]]:
        users_for_states = await whole
        try:
            return _core.one_of_each_server(users_for_states)
        except Exception as error:
            self._failed("every remote recipient is told of, not one of each server", error)
            return users_for_states

    async def _users_for_states(
        self, states: list[Any], senders: list[Any] | None, who_get_nothing: bool
    ) -> dict[str, set[Any]]:
        def route(generation: int | None) -> tuple[dict[str, set[Any]], list[Any]] | None:
            # With the rooms just read the answer may still be ready.
            answer = self._core.route_now(states, senders)
            if type(answer) is dict:
                return answer, []
            return self._core.route(states, generation) if answer is None else answer

        try:
            users_for_states, withheld = await self._ask(route)
        except Exception as error:
            return self._no_users_for_states(error)
        return await self._with_room_mates(users_for_states, withheld, who_get_nothing)

    async def _interested_users(self, user_id: str) -> set[str] | str:
        try:
            answer: set[str] | str = await self._ask(lambda of: self._core.interested(user_id, of))
            return self._remember(user_id, answer)
        except Exception as error:
            return self._no_interested_users(error)

    async def _ask(self, question: Callable[[int | None], T | None]) -> T:
        """Asks the engine with the members of the rooms that its policy names."""
        for attempt in range(ATTEMPTS):
            generation = await self._facts.bring_members()
            # The last time of whatever policy: better than no answer.
            answer = question(generation if attempt + 1 < ATTEMPTS else None)
            if answer is not None:
                return answer
        raise RuntimeError("the engine gave no answer")

    async def _with_room_mates(
        self,
        users_for_states: dict[str, set[Any]],
        withheld: list[tuple[list[str], list[Any]]],
        who_get_nothing: bool = True,
    ) -> dict[str, set[Any]]:
        try:
            for recipients, states in withheld:
                await self._add_room_mates(users_for_states, recipients, states)
        except Exception as error:
            self._failed("who shares a room could not be told", error)
        if withheld and not who_get_nothing:
            return {user: states for user, states in users_for_states.items() if states}
        return users_for_states

    async def _add_room_mates(
        self, users_for_states: dict[str, set[Any]], recipients: list[str], withheld: list[Any]
    ) -> None:
        """Adds, of the updates that the policy withholds from `recipients`, those of room mates.

        All of `recipients` have one answer so far, and those who still have one after this share it.
        """
        by_sender: dict[str, list[int]] = {}
        for index, state in enumerate(withheld):
            by_sender.setdefault(state.user_id, []).append(index)
        by_room: dict[str, list[int]] = {}
        rooms = await self._rooms_where_they_may_meet(recipients, by_sender.keys())
        if rooms:
            for sender, indexes in by_sender.items():
                for room in rooms.get(sender, ()):
                    by_room.setdefault(room, []).extend(indexes)

        ready: dict[frozenset[int], set[Any]] = {}
        for recipient in recipients if by_room else by_sender.keys() & set(recipients):
            found = set(by_sender.get(recipient, ()))
            for room in rooms.get(recipient, ()):
                found.update(by_room.get(room, ()))
            if found:
                key = frozenset(found)
                if key not in ready:
                    so_far = users_for_states.get(recipient, set())
                    ready[key] = so_far.union(withheld[index] for index in found)
                users_for_states[recipient] = ready[key]

    async def _rooms_where_they_may_meet(
        self, recipients: Iterable[str], senders: Iterable[str]
    ) -> dict[str, frozenset[str]]:
        few, many = sorted((list(recipients), list(senders)), key=len)
        rooms = await self._homeserver.rooms_of(few)
        meeting = set().union(*rooms.values())
        # A bot that receives everyone is often in no room, and a first sync asks for every known user.
        if not meeting:
            return {}
        for user, theirs in (await self._rooms_among(meeting, many)).items():
            rooms[user] = rooms.get(user, frozenset()) | theirs
        return rooms

    async def _rooms_among(self, rooms: set[str], users: list[str]) -> Mapping[str, Set[str]]:
        """Those of `rooms`, and maybe more, that each of `users` is in; who is in none may be left out."""
        if len(rooms) * ROOM_WORTH < len(users):
            there = set(users)
            found: dict[str, set[str]] = {}
            for room in rooms:
                members = await self._homeserver.members(room)
                if members is None or len(members) > MEMBERS_WORTH * len(users):
                    break
                for user in there.intersection(members):
                    found.setdefault(user, set()).add(room)
            else:
                return found
        return await self._homeserver.rooms_of(users)

    def _remember(self, user_id: str, answer: set[str] | str) -> set[str] | str:
        if answer == ALL_USERS:
            self._answered_all.add(user_id)
        return answer

    # What is answered when something failed.

    def _no_users_for_states(self, error: Exception) -> dict[str, set[Any]]:
        self._failed("get_users_for_states failed, nobody receives these updates by the policy", error)
        # Not from the engine: it may be what failed.
        return {user: set() for user in self._answered_all}

    def _no_interested_users(self, error: Exception) -> set[str]:
        self._failed("get_interested_users failed, a user receives only room mates", error)
        return set()

    def _failed(self, what: str, error: Exception) -> None:
        self._complaints.say(f"{what}: {type(error).__name__}", what, error=error)

    # Reload.

    def _follow_the_policy(self) -> None:
        core = self._core
        core.watch()
        closing = threading.Event()
        thread = threading.Thread(
            target=_follow,
            args=(core, closing, weakref.ref(self._facts), self._config.where),
            name="presence-router-log",
            daemon=True,
        )
        thread.start()
        # Also at the interpreter's exit: no thread may be left in the engine by then.
        self._stop_following = weakref.finalize(self, _stop, core, closing, thread)


def _stop(core: _core.Core, closing: threading.Event, thread: threading.Thread) -> None:
    closing.set()
    core.close()
    if thread is not threading.current_thread():
        thread.join(2)


def _follow(core: _core.Core, closing: threading.Event, facts: weakref.ref[Facts], where: str) -> None:
    """Waits for reloads and logs them. A thread of Python's: the engine's own must not log."""
    status = "live"
    while not closing.is_set():
        try:
            reload = core.next_reload(STATUS_SECONDS)
            if reload is not None:
                _log_reload(where, *reload)
                there = facts()
                if there is not None:
                    there.policy_changed()
                    del there
            if closing.is_set():
                return
            before, status = status, core.watch_status
            if status != before:
                logger.log(*STATUS_RECORDS[status], where)
            if status == "stopped":
                return
        except Exception:
            logger.exception("a reload of the presence policy could not be logged")
            closing.wait(STATUS_SECONDS)


def _log_start(config: Config, core: _core.Core) -> None:
    _, warnings, report = core.warnings()
    logger.info(
        "presence policy generation %d is in force: %s (%s%s)",
        core.generation,
        config.where,
        _count(core.rule_count, "rule"),
        ", " + _count(warnings, "warning") if warnings else "",
    )
    _log_warnings(warnings, report)


def _log_reload(where: str, loaded: bool, generation: int, rules: int, warnings: int, report: str) -> None:
    if not loaded:
        logger.error(
            "the presence policy was not reloaded, generation %d stays in force: %s\n%s",
            generation,
            where,
            report,
        )
        return
    logger.info(
        "presence policy generation %d is in force: %s (%s%s)",
        generation,
        where,
        _count(rules, "rule"),
        ", " + _count(warnings, "warning") if warnings else "",
    )
    _log_warnings(warnings, report)


def _log_warnings(warnings: int, report: str) -> None:
    """Notes alone are no reason to wake anybody."""
    if warnings:
        logger.warning("the presence policy has %s:\n%s", _count(warnings, "warning"), report)
    elif report:
        logger.info("notes on the presence policy:\n%s", report)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
