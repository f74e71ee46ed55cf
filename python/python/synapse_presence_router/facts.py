"""Carries the homeserver's facts into the engine: members in a callback, users and aliases behind it.

Members must be right at once, and Synapse has them in its memory, so a callback reads them: only those
of rooms that the policy names. Synapse tells when what it said of a room may no longer be true, so a room
is read once and then no more until that; as long as all rooms are read, the engine answers by itself.
Where the homeserver does not tell, every callback reads every room, and whether it changed is told by the
object's identity, so that a room of 50,000 costs nothing as long as nobody comes or goes. Users and aliases
cost a query or a request to another server, so no callback ever waits for them.
"""

from __future__ import annotations

import logging
import time
import weakref
from typing import Collection

from . import _core
from .complaints import Complaints
from .homeserver import Homeserver

REFRESH_SECONDS = 60.0
"""How often the background looks who came and went, and where local aliases point."""

REMOTE_ALIAS_SECONDS = 900.0
"""How often another server is asked again where its alias points."""

SLICE = 2000
"""Users handed to the engine in one go: about a millisecond of the server's time."""


class Facts:
    """One a module. `bring_members` is for callbacks, `refresh` for the background."""

    def __init__(self, core: _core.Core, homeserver: Homeserver, complaints: Complaints) -> None:
        self._core = core
        self._homeserver = homeserver
        self._complaints = complaints
        # A room's members as the homeserver gave them, and as the engine has them.
        self._members: dict[str, tuple[object, set[str]]] = {}
        # Rooms whose members the engine has, and that did not change since.
        self._current: set[str] = set()
        self._watches: dict[str, _Watch] = {}
        self._asked: dict[str, float] = {}
        self._has_users_with_presence = False
        self._refreshing = False
        self._refresh_again = False

    async def bring_members(self) -> int:
        """Makes the engine's members of the rooms that its policy names, and of no other room, those of
        this moment.

        Returns the generation of the policy that named them.
        """
        wanted = self._core.rooms()
        generation, rooms = wanted
        read = []
        for room in rooms:
            if room not in self._current:
                watch = self._watches.get(room)
                if watch is None:
                    watch = self._watches[room] = _Watch(self, room)
                changes = watch.changes
                members = await self._homeserver.members(room, watch)
                read.append((room, members, watch, changes))
        # No wait from here on, so that no other call comes between.
        for room, members, watch, changes in read:
            known = self._members.get(room)
            if members is not None and (known is None or known[0] is not members):
                self._set_members(room, members)
            if members is not None and watch.changes == changes and self._homeserver.tells_changes:
                self._current.add(room)
        if self._core.rooms() is wanted:
            self._forget_rooms_but(rooms)
            if len(self._current) >= len(rooms) and self._current.issuperset(rooms):
                self._core.members_are_known(generation)
        return generation

    def room_changed(self, room: str) -> None:
        """Has a room read again before the next answer. Never raises."""
        self._current.discard(room)
        try:
            self._core.members_changed()
        except Exception as error:
            self._complaints.say("members_changed", "a change of a room could not be taken note of", error=error)

    def _set_members(self, room: str, members: Collection[str]) -> None:
        now = set(members)
        known = self._members.get(room)
        if known is None:
            self._core.set_room_members(room, now)
        else:
            self._core.change_room_members(room, now - known[1], known[1] - now)
        self._members[room] = (members, now)

    def _forget_rooms_but(self, rooms: tuple[str, ...]) -> None:
        if len(self._members) > len(rooms):
            for room in set(self._members).difference(rooms):
                self._core.set_room_members(room, ())
                self._members.pop(room, None)
                self._current.discard(room)
                self._watches.pop(room, None)

    def start(self) -> None:
        """Begins the work in the background. For ``__init__``."""
        self._homeserver.soon(self.refresh, "presence_router_facts")
        self._homeserver.every(REFRESH_SECONDS, self.refresh, "presence_router_facts")

    def policy_changed(self) -> None:
        """Has the aliases of a new policy looked up at once. For any thread."""
        self._homeserver.soon_from_any_thread(self.refresh, "presence_router_facts")

    async def refresh(self) -> None:
        """Reads users and aliases. Never raises."""
        if self._refreshing:
            self._refresh_again = True
            return
        self._refreshing = True
        try:
            self._refresh_again = True
            while self._refresh_again:
                self._refresh_again = False
                # Aliases first: a new policy waits for them.
                await self._refresh_aliases()
                self._forget_rooms_but(self._core.rooms()[1])
                await self._refresh_users()
        except Exception as error:
            self._complaints.say(
                f"refresh: {type(error).__name__}",
                "the homeserver's users and aliases could not be read, the last known are used",
                error=error,
            )
        finally:
            self._refreshing = False

    async def _refresh_users(self) -> None:
        changes = await self._homeserver.changed_local_users()
        if changes is not None:
            came, went = changes
            await self._add(came)
            self._core.remove_users(went)
        if not self._has_users_with_presence:
            # Whoever was seen before the restart is still known; later ones come with their updates.
            self._has_users_with_presence = True
            await self._add(await self._homeserver.users_with_presence())

    async def _add(self, users: list[str]) -> None:
        for start in range(0, len(users), SLICE):
            if start:
                await self._homeserver.pause()
            self._core.add_users(users[start : start + SLICE])

    async def _refresh_aliases(self) -> None:
        server = self._homeserver.server_name
        aliases = self._core.aliases()
        for gone in self._asked.keys() - set(aliases):
            del self._asked[gone]
            self._core.set_alias(gone, None)
        # Local ones first: no other server's slowness keeps them waiting.
        for alias in sorted(aliases, key=lambda alias: _server(alias) != server):
            now = time.monotonic()
            asked = self._asked.get(alias)
            if asked is not None and _server(alias) != server and now - asked < REMOTE_ALIAS_SECONDS:
                continue
            try:
                room = await self._homeserver.room_of(alias)
            except Exception as error:
                self._complaints.say(
                    f"alias {alias}",
                    "where the alias %s points could not be looked up, the last known is used",
                    alias,
                    level=logging.WARNING,
                    error=error,
                )
                continue
            self._asked[alias] = now
            self._core.set_alias(alias, room)
            if room is None:
                self._complaints.say(
                    f"alias {alias}",
                    "the policy names the room %s, which does not exist: nobody is a member of it",
                    alias,
                    level=logging.WARNING,
                )


class _Watch:
    """What the homeserver calls when the members of a room may have changed."""

    __slots__ = ("_facts", "_room", "changes")

    def __init__(self, facts: Facts, room: str) -> None:
        # The homeserver keeps this as long as it likes, and us no longer than anybody else does.
        self._facts = weakref.ref(facts)
        self._room = room
        self.changes = 0

    def __call__(self) -> None:
        self.changes += 1
        facts = self._facts()
        if facts is not None:
            facts.room_changed(self._room)


def _server(alias: str) -> str:
    return alias.partition(":")[2]
