"""Stand-ins for a homeserver, and ways to drive what a callback returns without a reactor."""

from __future__ import annotations

import itertools
import os
from typing import Any, Awaitable, Callable, ClassVar

import pytest
from synapse_presence_router import PresenceRouter

presence = pytest.importorskip("synapse.api.presence", reason="matrix-synapse is not installed")
from synapse.events.presence_router import PresenceRouter as Registry  # noqa: E402
from synapse.handlers.presence import PresenceEventSource, get_interested_remotes  # noqa: E402
from synapse.util.caches.descriptors import cached  # noqa: E402
from twisted.internet import task  # noqa: E402

try:
    from synapse.util.clock import Clock
except ImportError:  # an older Synapse
    from synapse.util import Clock

UserPresenceState = presence.UserPresenceState

_ticks = itertools.count(1)


def state(user: str, **fields: Any) -> Any:
    """A real `UserPresenceState`, each different from all others."""
    fields = {"state": "online", "last_active_ts": next(_ticks), **fields}
    return UserPresenceState.default(user).copy_and_replace(**fields)


def states(*users: str) -> list[Any]:
    return [state(user) for user in users]


def finished(awaitable: Awaitable[Any]) -> Any:
    """Awaits by hand what must be finished without a wait."""
    steps = awaitable.__await__()
    try:
        waited_for = next(steps)
    except StopIteration as end:
        return end.value
    raise AssertionError(f"waited for {waited_for!r}")


def users_of(answer: dict[str, set[Any]]) -> dict[str, set[str]]:
    """An answer with user IDs in the place of states."""
    return {recipient: {state.user_id for state in given} for recipient, given in answer.items()}


class Store:
    """What `api._store` has, as coroutines or Deferreds, on plain dicts."""

    def __init__(self, rooms: dict[str, list[str]] | None = None) -> None:
        self.rooms = rooms if rooms is not None else {}
        self.calls: list[tuple[str, str]] = []

    def _answer(self, value: Any) -> Awaitable[Any]:
        async def answer() -> Any:
            return value

        return answer()

    def get_users_in_room(self, room: str) -> Awaitable[Any]:
        self.calls.append(("get_users_in_room", room))
        return self._answer(self.rooms.get(room, EMPTY))

    def get_rooms_for_user(self, user: str) -> Awaitable[Any]:
        self.calls.append(("get_rooms_for_user", user))
        return self._answer(frozenset(r for r, members in self.rooms.items() if user in members))

    def join(self, room: str, user: str) -> None:
        self.rooms[room] = [*self.rooms.get(room, ()), user]

    def leave(self, room: str, user: str) -> None:
        self.rooms[room] = [member for member in self.rooms[room] if member != user]


EMPTY: list[str] = []


class CachedStore(Store):
    """The same behind Synapse's own cache, which tells those who asked that a room has changed."""

    server_name = "example.org"
    # None goes away: Synapse's caches share a lock, and one that is collected while another is changed waits for
    # it for ever.
    kept: ClassVar[list[CachedStore]] = []

    def __init__(self, rooms: dict[str, list[str]] | None = None) -> None:
        super().__init__(rooms)
        self.kept.append(self)
        try:
            self.clock = Clock(task.Clock(), server_name=self.server_name)
        except TypeError:  # an older Synapse
            self.clock = Clock(task.Clock())

    @cached(max_entries=100_000, iterable=True)
    async def get_users_in_room(self, room: str) -> list[str]:
        self.calls.append(("get_users_in_room", room))
        return list(self.rooms.get(room, EMPTY))

    def join(self, room: str, user: str) -> None:
        super().join(room, user)
        self.get_users_in_room.invalidate((room,))

    def leave(self, room: str, user: str) -> None:
        super().leave(room, user)
        self.get_users_in_room.invalidate((room,))


class Transaction:
    def __init__(self, tables: dict[str, list[tuple[Any, ...]]]) -> None:
        self._tables = tables
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, query: str, values: Any = ()) -> None:
        for table, rows in self._tables.items():
            if f"FROM {table} " in query + " ":
                if values:
                    rows = [row for row in rows if row[0] in values]
                self._rows = rows
                return
        raise AssertionError(query)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)


class Api:
    """A `ModuleApi` of as much as the module uses."""

    def __init__(
        self, server_name: str = "example.org", rooms: dict[str, list[str]] | None = None, cache: bool = False
    ) -> None:
        self.server_name = server_name
        self._store = CachedStore(rooms) if cache else Store(rooms)
        self.registered: list[dict[str, Any]] = []
        self.aliases: dict[str, str] = {}
        self.tables: dict[str, list[tuple[Any, ...]]] = {"users": [], "presence_stream": []}
        self.loops: list[tuple[Callable[..., Any], float, dict[str, Any]]] = []
        self.soon: list[Callable[..., Any]] = []

    def register_presence_router_callbacks(self, **callbacks: Any) -> None:
        self.registered.append(callbacks)

    async def lookup_room_alias(self, alias: str) -> tuple[str, list[str]]:
        if alias not in self.aliases:
            raise NotFound(alias)
        return self.aliases[alias], []

    async def run_db_interaction(self, desc: str, func: Any, *args: Any) -> Any:
        return func(Transaction(self.tables), *args)

    def looping_background_call(self, f: Any, msec: float, **options: Any) -> None:
        self.loops.append((f, msec, options))

    def delayed_background_call(self, msec: float, f: Any, **options: Any) -> None:
        self.soon.append(f)

    async def sleep(self, seconds: float) -> None:
        pass

    def run_background(self) -> None:
        """Does what was asked for soon."""
        work, self.soon = self.soon, []
        for f in work:
            finished(f())


class Source:
    """As much of Synapse as the `/sync` of a user who receives everyone and its federation need."""

    def __init__(self, registry: Registry, batch: list[Any]) -> None:
        self.store = self.presence_stream_cache = self
        self.hit, self.entities = True, ["@changed:example.org"]
        self._registry, self._batch = registry, batch

    def get_presence_router(self) -> Registry:
        return self._registry

    def get_presence_handler(self) -> Source:
        return self

    def get_all_entities_changed(self, since: int) -> Source:
        return self

    async def current_state_for_users(self, users: Any) -> dict[int, Any]:
        return dict(enumerate(self._batch))

    async def get_rooms_for_user(self, user: str) -> frozenset[str]:
        return frozenset()


class NotFound(Exception):
    code = 404


class Module:
    """A module with its fake server, asked by user IDs. It does not notice changes unless told to."""

    def __init__(
        self, policy: Any = None, api: Any = None, text: str | None = None, watch: bool = False, **config: Any
    ) -> None:
        if text is not None:
            policy.write_text(text)
        if policy is not None:
            config["policy"] = str(policy)
        self.path = policy
        self.api = api if api is not None else Api()
        self.router = PresenceRouter(PresenceRouter.parse_config(config), self.api)
        if not watch:
            self.router._stop_following()
        if hasattr(self.api, "run_background"):
            self.api.run_background()

    def raw(self, batch: Any) -> dict[str, set[Any]]:
        return finished(self.router.get_users_for_states(batch))

    def route(self, *users: str) -> dict[str, set[str]]:
        return users_of(self.raw(states(*users)))

    def interested(self, user: Any) -> set[str] | str:
        return finished(self.router.get_interested_users(user))

    def registry(self) -> Registry:
        """Synapse's own list of callbacks, with this module's."""
        registry = Registry(None)
        registry.register_presence_router_callbacks(
            get_users_for_states=self.router.get_users_for_states,
            get_interested_users=self.router.get_interested_users,
        )
        return registry

    def asked_by_synapse(self, user: Any) -> set[str] | str:
        """What Synapse's own list of callbacks makes of the answer."""
        return finished(self.registry().get_interested_users(user))

    def sync(self, user: str, batch: list[Any]) -> Any:
        """Synapse's own `/sync` of a user who receives everyone, when these states have changed: a coroutine."""
        source = Source(self.registry(), batch)
        return PresenceEventSource._filter_all_presence_updates_for_user(source, user, True, 1)

    async def told_servers(self, batch: list[Any]) -> dict[str, set[Any]]:
        """Which servers Synapse's own federation tells of these states. `entries` is what it made of the answer."""
        told: dict[str, set[Any]] = {}
        registry = self.registry()
        self.entries = await get_interested_remotes(Source(registry, batch), registry, batch)
        for servers, given in self.entries:
            for server in servers if given else ():
                told.setdefault(server, set()).update(given)
        return told

    def reload(self, text: str) -> Any:
        """Changes the policy, in one step as editors do it, and reads it anew."""
        part = self.path.with_suffix(".part")
        part.write_text(text)
        os.replace(part, self.path)
        return self.router._core.reload()
