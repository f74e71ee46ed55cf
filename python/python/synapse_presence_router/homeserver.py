"""The homeserver's facts: who is in a room, who shares one, who there is.

The only file, `callers` aside, that touches what Synapse does not promise (names that begin with
``_``, tables). Each such way has another behind it, and a server where neither works gets less, never
an exception: the answers then say what is missing in one log record.

Not for: what the facts mean. That is `_core`'s.

Costs on a warm cache: `members` and `rooms_of` 5 us a room or user; the ways behind them a query each.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from .complaints import Complaints

MEMBER = "m.room.member"

PUBLIC_MEMBERS_SECONDS = 0.5
"""How long members read the public way are used again: that way costs 2 ms of SQL each time."""

SQL_VARIABLES = 500
"""Users in one query, below the limit of every database Synapse runs on."""

_MEMBERSHIPS = (
    "SELECT state_key, room_id FROM current_state_events"
    " WHERE type = 'm.room.member' AND membership = 'join' AND state_key IN ({})"
)
_LOCAL_USERS = "SELECT name FROM users WHERE deactivated = 0"
_USERS_WITH_PRESENCE = "SELECT DISTINCT user_id FROM presence_stream"


class Homeserver:
    """What `api`, a `synapse.module_api.ModuleApi`, can tell. Nothing here raises, except where said."""

    def __init__(self, api: Any, complaints: Complaints) -> None:
        self._api = api
        self._complaints = complaints
        store = _attribute(api, "_store")
        self._users_in_room = _method(store, "get_users_in_room")
        # One of Synapse's cached functions, which take another argument: whom to tell.
        self.tells_changes = _method(self._users_in_room, "invalidate") is not None
        self._rooms_for_user = _method(store, "get_rooms_for_user")
        self._rooms_for_users = _method(store, "get_rooms_for_users")
        self._public_members: dict[str, tuple[float, Sequence[str]]] = {}
        self._local_users: set[str] = set()
        self._excluded_rooms = _excluded_rooms(api)

    @property
    def server_name(self) -> str | None:
        """The server's own name, where the server says it."""
        ways: tuple[Callable[[], Any], ...] = (
            lambda: self._api.server_name,
            lambda: self._api.get_qualified_user_id("a").partition(":")[2],
            lambda: self._api._hs.hostname,
        )
        for ask in ways:
            try:
                name = ask()
            except Exception:
                continue
            if isinstance(name, str) and name:
                return name
        return None

    def register(self, **callbacks: Callable[..., Any]) -> bool:
        """Registers presence callbacks; says whether the server takes such."""
        register = _method(self._api, "register_presence_router_callbacks")
        if register is None:
            return False
        register(**callbacks)
        return True

    # Facts that the callbacks read.

    async def members(self, room: str, changed: Callable[[], None] | None = None) -> Collection[str] | None:
        """The users joined to a room, None if that is not to be had.

        The same object comes again as long as nothing changed. Where `tells_changes` says so, `changed`
        is called once when that may no longer be so; until then there is no need to ask again.
        """
        if self._users_in_room is not None:
            try:
                if self.tells_changes and changed is not None:
                    members: Collection[str] = await self._users_in_room(room, on_invalidate=changed)
                else:
                    members = await self._users_in_room(room)
                return members
            except Exception as error:
                if not _changed_interface(error):
                    self._complain("members of rooms", error)
                    return None
                self._users_in_room = None
                self.tells_changes = False
                self._complain("members of rooms, the fast way (the slow one is used now)", error)
        return await self._members_the_public_way(room)

    async def _members_the_public_way(self, room: str) -> Sequence[str] | None:
        read_at, known = self._public_members.get(room, (None, None))
        now = time.monotonic()
        if read_at is not None and now - read_at < PUBLIC_MEMBERS_SECONDS:
            return known
        ask = _method(self._api, "get_room_state")
        if ask is None:
            self._complain("members of rooms")
            return None
        try:
            state = await ask(room, [(MEMBER, None)])
            members = sorted(
                user
                for (kind, user), event in state.items()
                if kind == MEMBER and getattr(event, "membership", None) == "join"
            )
        except Exception as error:
            self._complain("members of rooms", error)
            return None
        if members == known:
            members = known
        self._public_members[room] = (now, members)
        return members

    async def rooms_of(self, users: Collection[str]) -> dict[str, frozenset[str]]:
        """The rooms that each of `users` is joined to and whose members see each other's presence.

        A user of whom nothing is to be had is left out.
        """
        found: Mapping[str, Collection[str]] | None = None
        if self._rooms_for_user is not None:
            try:
                if len(users) > 2 and self._rooms_for_users is not None:
                    found = await self._rooms_for_users(list(users))
                else:
                    found = {user: await self._rooms_for_user(user) for user in users}
            except Exception as error:
                if not _changed_interface(error):
                    self._complain("who shares a room", error)
                    return {}
                self._rooms_for_user = None
                self._complain("who shares a room, the fast way (the slow one is used now)", error)
        if found is None:
            found = await self._rooms_by_query(list(users))
        if not self._excluded_rooms:
            return {user: frozenset(rooms) for user, rooms in found.items()}
        return {user: frozenset(rooms) - self._excluded_rooms for user, rooms in found.items()}

    async def _rooms_by_query(self, users: list[str]) -> dict[str, set[str]]:
        rooms: dict[str, set[str]] = {}
        for start in range(0, len(users), SQL_VARIABLES):
            some = users[start : start + SQL_VARIABLES]
            query = _MEMBERSHIPS.format(", ".join("?" * len(some)))
            for user, room in await self._query("who shares a room", query, some) or ():
                rooms.setdefault(user, set()).add(room)
        return rooms

    # Facts that only the background reads.

    async def changed_local_users(self) -> tuple[list[str], list[str]] | None:
        """The local users who came and went (deactivated ones go) since the last call."""
        known = self._local_users

        def changes(rows: Iterable[tuple[str]]) -> tuple[set[str], list[str], list[str]]:
            users = {row[0] for row in rows}
            return users, sorted(users - known), sorted(known - users)

        # The comparison is done in the database's thread: a large server has 100,000s of users.
        result = await self._query("local users", _LOCAL_USERS, (), changes)
        if result is None:
            return None
        self._local_users, came, went = result
        return came, went

    async def users_with_presence(self) -> list[str]:
        """Everyone, remote users too, whose presence this server knows."""
        rows = await self._query("users with presence", _USERS_WITH_PRESENCE, ())
        return [row[0] for row in rows or ()]

    async def room_of(self, alias: str) -> str | None:
        """The room an alias stands for, None for no room.

        Asks other servers for their aliases. Raises what the server raises if that fails.
        """
        ask = _method(self._api, "lookup_room_alias")
        if ask is None:
            self._complain("rooms of aliases")
            return None
        try:
            room: str = (await ask(alias))[0]
        except Exception as error:
            if getattr(error, "code", None) == 404:
                return None
            raise
        return room

    # When to do things.

    def soon(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Does `work` in the background as soon as the server gets to it. For the reactor's thread."""
        later = _method(self._api, "delayed_background_call")
        if later is None:
            return
        try:
            later(0, work, desc=name)
        except Exception as error:
            self._complain("a call in the background", error)

    def soon_from_any_thread(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """As `soon`. Does nothing where no reactor runs."""
        reactor = sys.modules.get("twisted.internet.reactor")
        call = _method(reactor, "callFromThread")
        if call is not None and getattr(reactor, "running", False):
            call(self.soon, work, name)

    def every(self, seconds: float, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Does `work` in this process again and again."""
        loop = _method(self._api, "looping_background_call")
        if loop is None:
            return
        try:
            loop(work, seconds * 1000, desc=name, run_on_all_instances=True)
        except Exception as error:
            self._complain("a loop in the background", error)

    async def pause(self) -> None:
        """Lets the server do other things."""
        sleep = _method(self._api, "sleep")
        if sleep is not None:
            await sleep(0)

    # How it is done.

    async def _query(
        self,
        what: str,
        query: str,
        values: Sequence[str],
        then: Callable[[Iterable[Any]], Any] = list,
    ) -> Any:
        run = _method(self._api, "run_db_interaction")
        if run is None:
            self._complain(what)
            return None

        def read(transaction: Any) -> Any:
            transaction.execute(query, tuple(values))
            return then(transaction.fetchall())

        try:
            return await run("presence_router_" + what.replace(" ", "_"), read)
        except Exception as error:
            self._complain(what, error)
            return None

    def _complain(self, what: str, error: BaseException | None = None) -> None:
        self._complaints.say(
            f"homeserver: {what}",
            "the homeserver does not tell %s; presence is routed without that",
            what,
            level=logging.WARNING,
            error=error,
        )


def _attribute(owner: object, name: str) -> Any:
    try:
        return getattr(owner, name, None)
    except Exception:
        return None


def _method(owner: object, name: str) -> Callable[..., Any] | None:
    found = _attribute(owner, name)
    return found if callable(found) else None


def _excluded_rooms(api: Any) -> frozenset[str]:
    # Synapse's option of newer versions: rooms that give nobody presence.
    try:
        return frozenset(api._hs.config.server.rooms_to_exclude_from_presence)
    except Exception:
        return frozenset()


def _changed_interface(error: Exception) -> bool:
    # What a call of something that is no longer there, or takes other arguments, ends in.
    return isinstance(error, (AttributeError, TypeError, NotImplementedError))
